"""The likelihood of spatial error models concentrated on lambda, for many fits at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ronghe.spatial.batch.newton import Jacobian, climb, starts

# Points of the first look at the likelihood; each costs one factor for each fit.
FIRST_LOOK, CLOSER_LOOK = 15, 41


@dataclass(frozen=True)
class ErrorProfile:
    """-n/2 ln S(lambda) + Jacobian, S the sum of squares given lambda, by fit.

    The products of the filtered columns R[Z, y], R = I - lambda W before the projection, are quadratic in lambda:
    `products` is (power of lambda, fit, column, column), the outcome last.
    """

    jacobian: Jacobian
    nobs: int
    products: np.ndarray

    def part(self, chosen: np.ndarray) -> ErrorProfile:
        """Return the profile of some of the fits."""
        return replace(self, products=self.products[:, chosen])

    def at(self, lam: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (R[Z, y])'(R[Z, y]) and its first derivative at lambda by fit, and half of the second."""
        a, (zero, one, two) = lam[:, None, None], self.products
        return zero + a * (one + a * two), one + 2 * a * two, two

    def ssr(self, lam: np.ndarray) -> np.ndarray:
        """Return S, the last pivot of a Cholesky factor: a sixth of the work of an inverse."""
        return np.linalg.cholesky(self.at(lam)[0])[:, -1, -1] ** 2

    def solve(self, lam: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return (Z'Z)^-1, b, S, db/dlambda, and the two derivatives of S."""
        whole, slope, bend = self.at(lam)
        ZZ, Zy = whole[:, :-1, :-1], whole[:, :-1, -1]
        scale = 1 / np.sqrt(np.einsum("bkk->bk", ZZ))
        outer = scale[:, :, None] * scale[:, None, :]
        inverse = np.linalg.inv(ZZ * outer) * outer
        b = np.matmul(inverse, Zy[:, :, None])[:, :, 0]
        ssr = whole[:, -1, -1] - np.einsum("bk,bk->b", b, Zy)
        a = np.concatenate([-b, np.ones((len(b), 1))], axis=1)[:, :, None]
        sloped = np.matmul(slope, a)[:, :, 0]
        moved = np.matmul(inverse, sloped[:, :-1, None])[:, :, 0]
        first = np.einsum("bk,bk->b", a[:, :, 0], sloped)
        second = np.einsum("bk,bk->b", a[:, :, 0], np.matmul(bend, a)[:, :, 0])
        second -= np.einsum("bk,bk->b", sloped[:, :-1], moved)
        return inverse, b, ssr, moved, np.stack([first, 2 * second])

    def heights(self, grid: np.ndarray) -> np.ndarray:
        """Return the concentrated likelihood as (fit, point)."""
        n_fits = self.products.shape[1]
        ssr = np.stack([self.ssr(np.full(n_fits, a)) for a in grid], axis=1)
        return self.jacobian.value(grid) - 0.5 * self.nobs * np.log(ssr)

    def maximise(self) -> np.ndarray:
        """Return lambda at the global maximum; where a first look sees two hills, a closer one finds their places."""
        grid = self.jacobian.grid(FIRST_LOOK)
        start, several, _ = starts(self.heights(grid), grid)
        lam = climb(start, self.jacobian.inner, self._derivatives)
        if len(several):
            part, fine = self.part(several), self.jacobian.grid(CLOSER_LOOK)
            first, two, second = starts(part.heights(fine), fine)
            lam[several] = climb(first, self.jacobian.inner, part._derivatives)
            if len(two):
                part, chosen = part.part(two), several[two]
                other = climb(second, self.jacobian.inner, part._derivatives)
                lam[chosen] = np.where(part._height(other) > part._height(lam[chosen]), other, lam[chosen])
        return lam

    def slopes(self, lam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the two derivatives of S."""
        return tuple(self.solve(lam)[4])

    def _height(self, lam: np.ndarray) -> np.ndarray:
        return self.jacobian.value(lam) - 0.5 * self.nobs * np.log(self.ssr(lam))

    def _derivatives(self, active: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, _, ssr, _, (first, second) = self.part(active).solve(a)
        value, curve = self.jacobian.derivatives(a)
        half = 0.5 * self.nobs
        return value - half * first / ssr, curve - half * (second / ssr - (first / ssr) ** 2)
