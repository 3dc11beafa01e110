"""The likelihood of spatial error models concentrated on lambda, for many fits at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ronghe.spatial.batch.newton import Jacobian, climb, starts
from ronghe.spatial.batch.rational import RationalInverse

# Chebyshev points at which the sum of squares is first computed, and again where that many do not settle it; points of
# the interval at which the polynomial through them is read.
FIRST_LOOK, CLOSER_LOOK, READ = 15, 41, 301
# A polynomial whose last coefficients add less than this to the log-likelihood is near enough to start from.
SETTLED = 1e-2


@dataclass(frozen=True)
class ErrorProfile:
    """-n/2 ln S(lambda) + Jacobian, S the sum of squares given lambda, by fit.

    The products of the filtered columns R[Z, y], R = I - lambda W before the projection, are quadratic in lambda:
    `products` is (fit, power of lambda, column, column), the outcome last; those among the columns `fixed` are the same
    in all fits.
    """

    jacobian: Jacobian
    nobs: int
    products: np.ndarray
    fixed: tuple[int, ...] = ()
    nodes: RationalInverse | None = None

    @classmethod
    def of(cls, jacobian: Jacobian, nobs: int, products: np.ndarray, fixed: tuple[int, ...] = ()) -> ErrorProfile:
        """Invert what is fixed at nodes once where there are more fits than nodes."""
        if not 0 < 2 * len(fixed) < len(products):
            return cls(jacobian, nobs, products, fixed)
        inner = products[0][:, fixed][:, :, fixed]
        scale = 1 / np.sqrt(np.diag(inner[0]))
        outer = np.outer(scale, scale)

        def values_at(a: np.ndarray) -> np.ndarray:
            a = a[:, None, None]
            return (inner[0] + a * (inner[1] + a * inner[2])) * outer

        nodes = RationalInverse(values_at, 2 * len(fixed), jacobian.bounds)
        nodes.inverses *= outer
        return cls(jacobian, nobs, products, fixed, nodes)

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
        found = np.linalg.cholesky(whole)[:, :, -1, -1] ** 2
        return found if lam.ndim > 1 else found[:, 0]

    def _at_points(self, lam: np.ndarray) -> np.ndarray:
        """Return S at values that all fits share, (fit, point): what is fixed is factored once for each value."""
        n_fits, _, K, _ = self.products.shape
        fixed, others = list(self.fixed), [k for k in range(K) if k not in self.fixed]
        powers = np.stack([np.ones_like(lam), lam, lam * lam], axis=1)
        blocks = self.products.transpose(1, 0, 2, 3)[:, :, others]

        def values(part: np.ndarray) -> np.ndarray:
            return (powers @ part.reshape(3, -1)).reshape(len(lam), *part.shape[1:])

        inner = self.products[0][:, fixed][:, :, fixed]
        root = np.linalg.inv(np.linalg.cholesky(values(inner))).transpose(0, 2, 1)
        crossed = values(blocks[..., fixed])
        crossed = (crossed.reshape(len(lam), -1, len(fixed)) @ root).reshape(crossed.shape)
        rest = values(blocks[..., others])
        for i in range(len(others)):
            for j in range(i + 1):
                rest[..., i, j] -= np.einsum("pbk,pbk->pb", crossed[:, :, i], crossed[:, :, j])
        for k in range(len(others) - 1):
            below = rest[..., k + 1 :, k]
            rest[..., k + 1 :, k + 1 :] -= below[..., :, None] * (below / rest[..., k, k, None])[..., None, :]
        return rest[..., -1, -1].T

    def solve(self, lam: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return (Z'Z)^-1, b, S, db/dlambda, and the two derivatives of S."""
        a, bend = lam[:, None, None], self.products[:, 2]
        whole = a * bend
        slope = whole + self.products[:, 1]
        whole = self.products[:, 0] + a * slope
        slope += a * bend
        Zy, inverse = whole[:, :-1, -1], self._inverse(lam, whole[:, :-1, :-1])
        b = np.matmul(inverse, Zy[:, :, None])[:, :, 0]
        ssr = whole[:, -1, -1] - np.einsum("bk,bk->b", b, Zy)
        a = np.concatenate([-b, np.ones((len(b), 1))], axis=1)[:, :, None]
        sloped = np.matmul(slope, a)[:, :, 0]
        moved = np.matmul(inverse, sloped[:, :-1, None])[:, :, 0]
        first = np.einsum("bk,bk->b", a[:, :, 0], sloped)
        second = np.einsum("bk,bk->b", a[:, :, 0], np.matmul(bend, a)[:, :, 0])
        second -= np.einsum("bk,bk->b", sloped[:, :-1], moved)
        return inverse, b, ssr, moved, np.stack([first, 2 * second])

    def _inverse(self, lam: np.ndarray, ZZ: np.ndarray) -> np.ndarray:
        """Return the inverses of Z'Z at lambda: what is fixed from its nodes where it has them."""
        if self.nodes is None:
            return inverses(ZZ)
        shares, poor = self.nodes.shares(lam)
        size = len(self.fixed)
        inner = (shares @ self.nodes.inverses.reshape(-1, size * size)).reshape(-1, size, size)
        found = bordered(inner, ZZ, self.fixed)
        if poor.any():
            found[poor] = inverses(ZZ[poor])
        return found

    def _bends(self, lam: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return S and its two derivatives as `solve` does, by two systems in place of an inverse that must be made."""
        if self.nodes is not None:
            return (found := self.solve(lam))[2], *found[4]
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

    def maximise(self) -> np.ndarray:
        """Return lambda at the global maximum.

        ln S is read off the polynomial through its values at Chebyshev points (Trefethen 2013, theorem 8.2), through
        more of them where the last coefficients are not small; the two highest hills are climbed by Newton steps.
        """
        start, several, second = self._look(FIRST_LOOK)
        lam = climb(start, self.jacobian.inner, self._derivatives)
        if len(several):
            other = self.part(several)
            top = climb(second, self.jacobian.inner, other._derivatives)
            lam[several] = np.where(other._height(top) > other._height(lam[several]), top, lam[several])
        return lam

    def _look(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return where to start from, which fits have a second hill, and where it is."""
        grid = self.jacobian.grid(READ)
        points = self.jacobian.grid(count)
        values = np.log(self._at_points(points) if self.fixed else self.ssr(points[None]))
        coefficients, heights = values @ chebyshev(count), self.jacobian.value(grid)
        start, several, second = starts(heights - 0.5 * self.nobs * (values @ read(count)), grid)
        if count == FIRST_LOOK:
            rough = np.flatnonzero(0.5 * self.nobs * np.abs(coefficients[:, -2:]).max(axis=1) > SETTLED)
            if len(rough):
                closer, two, other = self.part(rough)._look(CLOSER_LOOK)
                start[rough] = closer
                smooth = ~np.isin(several, rough)
                several = np.concatenate([several[smooth], rough[two]])
                second = np.concatenate([second[smooth], other])
        return start, several, second

    def _height(self, lam: np.ndarray) -> np.ndarray:
        return self.jacobian.value(lam) - 0.5 * self.nobs * np.log(self.ssr(lam))

    def _derivatives(self, active: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        part = self if len(active) == len(self.products) else self.part(active)
        ssr, first, second = part._bends(a)
        value, curve = self.jacobian.derivatives(a)
        half = 0.5 * self.nobs
        return value - half * first / ssr, curve - half * (second / ssr - (first / ssr) ** 2)


def inverses(A: np.ndarray) -> np.ndarray:
    """Return the inverses of symmetric A (fit, row, column), scaled to a diagonal of one before."""
    scale = 1 / np.sqrt(np.einsum("bkk->bk", A))
    outer = scale[:, :, None] * scale[:, None, :]
    return np.linalg.inv(A * outer) * outer


def bordered(inner: np.ndarray, A: np.ndarray, known: tuple[int, ...]) -> np.ndarray:
    """Return the inverses of symmetric A (fit, row, column), where `inner` inverts the block of the rows `known`."""
    others = [k for k in range(A.shape[1]) if k not in known]
    if not others:
        return inner
    crossed = A[:, known][:, :, others]
    moved = inner @ crossed
    rest = np.linalg.inv(A[:, others][:, :, others] - crossed.transpose(0, 2, 1) @ moved)
    spread = moved @ rest
    joined = np.concatenate([inner + spread @ moved.transpose(0, 2, 1), -spread], axis=2)
    joined = np.concatenate([joined, np.concatenate([-spread.transpose(0, 2, 1), rest], axis=2)], axis=1)
    places = np.argsort([*known, *others])
    return joined[:, places[:, None], places]


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
