"""The likelihood of spatial error models concentrated on lambda, for many fits at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ronghe.spatial.batch.newton import Jacobian, climb, starts

# Chebyshev points at which the sum of squares is first computed, and again where that many do not settle it; points of
# the interval at which the polynomial through them is read.
FIRST_LOOK, CLOSER_LOOK, READ = 15, 41, 301
# A polynomial whose last coefficients add less than this to the log-likelihood is near enough to start from.
SETTLED = 1e-2
# Below this share of the outcome's sum of squares what products leave of it has lost its digits: six are left here.
EXPLAINED = 1e-10
# And here it is not good enough to look for the maximum.
LOST = 1e-12


@dataclass(frozen=True)
class ErrorLikelihood:
    """-n/2 ln S(lambda) + Jacobian, S the sum of squares given lambda, by fit.

    The products of the filtered columns R[Z, y], R = I - lambda W before the projection, are quadratic in lambda. How
    they are kept is up to the two kinds, which know `part`, `ssr`, `bends` and `solve`.
    """

    jacobian: Jacobian
    nobs: int

    def maximise(self) -> np.ndarray:
        """Return lambda at the global maximum; NaN where some lambda leaves nothing but rounding of the outcome.

        ln S is read off the polynomial through its values at Chebyshev points (Trefethen 2013, theorem 8.2), through
        more of them where the last coefficients are not small; the two highest hills are climbed by Newton steps.
        """
        points = self.jacobian.grid(FIRST_LOOK)[None]
        ssr = self.ssr(points)
        clear = ~self.is_explained(ssr, points, LOST).any(axis=1)
        if not clear.all():
            lam = np.full(len(self), np.nan)
            if clear.any():
                lam[clear] = self.part(clear).maximise()
            return lam
        start, several, second = self._look(FIRST_LOOK, ssr)
        lam = climb(start, self.jacobian.inner, self._derivatives)
        if len(several):
            other = self.part(several)
            top = climb(second, self.jacobian.inner, other._derivatives)
            lam[several] = np.where(other._height(top) > other._height(lam[several]), top, lam[several])
        return lam

    def is_explained(self, ssr: np.ndarray, lam: np.ndarray, share: float = EXPLAINED) -> np.ndarray:
        """Return where S at lambda, shaped as `ssr` takes it, is at most a share of the filtered outcome's squares."""
        size = self.outcome if lam.ndim == 1 else self.outcome[:, :, None]
        return ~(ssr > share * (size[0] + lam * size[1] + lam * lam * size[2]))

    def _look(self, count: int, ssr: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return where to start from, which fits have a second hill, and where it is."""
        grid = self.jacobian.grid(READ)
        values = np.log(ssr)
        coefficients, heights = values @ chebyshev(count), self.jacobian.value(grid)
        start, several, second = starts(heights - 0.5 * self.nobs * (values @ read(count)), grid)
        if count == FIRST_LOOK:
            rough = np.flatnonzero(0.5 * self.nobs * np.abs(coefficients[:, -2:]).max(axis=1) > SETTLED)
            if len(rough):
                part = self.part(rough)
                closer, two, other = part._look(CLOSER_LOOK, part.ssr(self.jacobian.grid(CLOSER_LOOK)[None]))
                start[rough] = closer
                smooth = ~np.isin(several, rough)
                several = np.concatenate([several[smooth], rough[two]])
                second = np.concatenate([second[smooth], other])
        return start, several, second

    def _height(self, lam: np.ndarray) -> np.ndarray:
        return self.jacobian.value(lam) - 0.5 * self.nobs * np.log(self.ssr(lam))

    def _derivatives(self, active: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        part = self if len(active) == len(self) else self.part(active)
        ssr, first, second = part.bends(a)
        value, curve = self.jacobian.derivatives(a)
        half = 0.5 * self.nobs
        return value - half * first / ssr, curve - half * (second / ssr - (first / ssr) ** 2)


@dataclass(frozen=True)
class ErrorProfile(ErrorLikelihood):
    """Fits that may differ in all columns: `products` is (fit, power of lambda, column, column), the outcome last."""

    products: np.ndarray

    def __len__(self) -> int:
        return len(self.products)

    def part(self, chosen: np.ndarray) -> ErrorProfile:
        """Return the profile of some of the fits."""
        return replace(self, products=self.products[chosen])

    def ssr(self, lam: np.ndarray) -> np.ndarray:
        """Return S at lambda by fit, (fit,) or (fit, point) or (1, point).

        The square of the last pivot of a Cholesky factor: a sixth of the work of an inverse.
        """
        n_fits, _, K, _ = self.products.shape
        points = np.broadcast_to(lam.reshape(len(lam), -1), (n_fits, lam.size // len(lam)))
        powers = np.stack([np.ones_like(points), points, points * points], axis=2)
        whole = (powers @ self.products.reshape(n_fits, 3, K * K)).reshape(n_fits, -1, K, K)
        found = last_pivots(whole)
        return found if lam.ndim > 1 else found[:, 0]

    @property
    def outcome(self) -> np.ndarray:
        """Products of the outcome with itself, (power of lambda, fit)."""
        return self.products[:, :, -1, -1].T

    def solve(self, lam: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return (Z'Z)^-1, b, S, db/dlambda, and the two derivatives of S."""
        a, bend = lam[:, None, None], self.products[:, 2]
        whole = a * bend
        slope = whole + self.products[:, 1]
        whole = self.products[:, 0] + a * slope
        slope += a * bend
        ZZ, Zy = whole[:, :-1, :-1], whole[:, :-1, -1]
        inverse = inverses(ZZ)
        b = np.matmul(inverse, Zy[:, :, None])[:, :, 0]
        ssr = whole[:, -1, -1] - np.einsum("bk,bk->b", b, Zy)
        a = np.concatenate([-b, np.ones((len(b), 1))], axis=1)[:, :, None]
        sloped = np.matmul(slope, a)[:, :, 0]
        moved = np.matmul(inverse, sloped[:, :-1, None])[:, :, 0]
        first = np.einsum("bk,bk->b", a[:, :, 0], sloped)
        second = np.einsum("bk,bk->b", a[:, :, 0], np.matmul(bend, a)[:, :, 0])
        second -= np.einsum("bk,bk->b", sloped[:, :-1], moved)
        return inverse, b, ssr, moved, np.stack([first, 2 * second])

    def bends(self, lam: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return S and its two derivatives as `solve` does, by two systems in place of an inverse."""
        a, bend = lam[:, None, None], self.products[:, 2]
        whole = a * bend
        slope = whole + self.products[:, 1]
        whole = self.products[:, 0] + a * slope
        slope += a * bend
        scale = 1 / np.sqrt(np.einsum("bkk->bk", whole[:, :-1, :-1]))
        ZZ = whole[:, :-1, :-1] * (scale[:, :, None] * scale[:, None, :])
        b = scale * np.linalg.solve(ZZ, (whole[:, :-1, -1] * scale)[:, :, None])[:, :, 0]
        ssr = whole[:, -1, -1] - np.einsum("bk,bk->b", b, whole[:, :-1, -1])
        a = np.concatenate([-b, np.ones((len(b), 1))], axis=1)[:, :, None]
        sloped = np.matmul(slope, a)[:, :, 0]
        right = sloped[:, :-1] * scale
        second = np.einsum("bk,bk->b", a[:, :, 0], np.matmul(bend, a)[:, :, 0])
        second -= np.einsum("bk,bk->b", right, np.linalg.solve(ZZ, right[:, :, None])[:, :, 0])
        return ssr, np.einsum("bk,bk->b", a[:, :, 0], sloped), 2 * second


def last_pivots(A: np.ndarray) -> np.ndarray:
    """Return what the other columns leave of the last, from products (..., row, column): the least number for nothing.

    Where rounding leaves products that are not positive definite, nothing is left.
    """
    try:
        return np.linalg.cholesky(A)[..., -1, -1] ** 2
    except np.linalg.LinAlgError:
        if A.ndim == 2:
            return np.array(np.finfo(float).tiny)
        return np.stack([last_pivots(one) for one in A])


def inverses(A: np.ndarray) -> np.ndarray:
    """Return the inverses of symmetric A (fit, row, column), which are scaled to a diagonal of one before."""
    scale = 1 / np.sqrt(np.einsum("bkk->bk", A))
    outer = scale[:, :, None] * scale[:, None, :]
    return np.linalg.inv(A * outer) * outer


def points(count: int) -> np.ndarray:
    """Return Chebyshev points of [-1, 1], rising."""
    return -np.cos(np.pi * (np.arange(count) + 0.5) / count)


@lru_cache
def chebyshev(count: int) -> np.ndarray:
    """Return the map from values at Chebyshev points (in rows) to the coefficients of the polynomial through them."""
    return np.linalg.inv(np.polynomial.chebyshev.chebvander(points(count), count - 1)).T


@lru_cache
def read(count: int) -> np.ndarray:
    """Return the map from values at Chebyshev points to those of the polynomial at READ points of the same kind."""
    return chebyshev(count) @ np.polynomial.chebyshev.chebvander(points(READ), count - 1).T
