"""The likelihood of spatial error models concentrated on lambda, for many fits at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ronghe.spatial.batch.newton import Jacobian, climb, starts

# Points of the first look at the likelihood; each costs one inverse for each fit.
FIRST_LOOK, CLOSER_LOOK = 15, 41


@dataclass(frozen=True)
class ErrorProfile:
    """The likelihood concentrated on lambda: products of the filtered columns R[y, Z] are quadratic in lambda.

    R = I - lambda W, filtered before the projection. Each array holds the three coefficients first.
    """

    jacobian: Jacobian
    nobs: int
    yy: np.ndarray
    Zy: np.ndarray
    ZZ: np.ndarray

    def part(self, chosen: np.ndarray) -> ErrorProfile:
        """Return the profile of some of the fits."""
        return replace(self, yy=self.yy[:, chosen], Zy=self.Zy[:, chosen], ZZ=self.ZZ[:, chosen])

    def solve(self, lam: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return (Z'Z)^-1, b, S, db/dlambda, and the two derivatives of S."""
        a, A = lam[:, None], lam[:, None, None]
        ZZ = self.ZZ[0] + A * (self.ZZ[1] + A * self.ZZ[2])
        Zy = self.Zy[0] + a * (self.Zy[1] + a * self.Zy[2])
        scale = 1 / np.sqrt(np.einsum("bkk->bk", ZZ))
        outer = scale[:, :, None] * scale[:, None, :]
        inverse = np.linalg.inv(ZZ * outer) * outer
        b = np.matmul(inverse, Zy[:, :, None])[:, :, 0]
        ssr = self.yy[0] + lam * (self.yy[1] + lam * self.yy[2]) - np.einsum("bk,bk->b", b, Zy)
        gap = self.Zy[1] + 2 * a * self.Zy[2] - np.matmul(self.ZZ[1] + 2 * A * self.ZZ[2], b[:, :, None])[:, :, 0]
        moved = np.matmul(inverse, gap[:, :, None])[:, :, 0]
        twice = np.matmul(self.ZZ[2], b[:, :, None])[:, :, 0]
        first = self.yy[1] + 2 * lam * self.yy[2] - np.einsum("bk,bk->b", b, self.Zy[1] + 2 * a * self.Zy[2] + gap)
        second = self.yy[2] + np.einsum("bk,bk->b", b, twice - 2 * self.Zy[2]) - np.einsum("bk,bk->b", gap, moved)
        return inverse, b, ssr, moved, np.stack([first, 2 * second])

    def heights(self, grid: np.ndarray) -> np.ndarray:
        """Return the concentrated likelihood as (fit, point)."""
        jacobian, n_fits = self.jacobian.value(grid), self.Zy.shape[1]
        ssr = np.stack([self.solve(np.full(n_fits, a))[2] for a in grid], axis=1)
        return jacobian - 0.5 * self.nobs * np.log(ssr)

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
        return self.jacobian.value(lam) - 0.5 * self.nobs * np.log(self.solve(lam)[2])

    def _derivatives(self, active: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, _, ssr, _, (first, second) = self.part(active).solve(a)
        value, curve = self.jacobian.derivatives(a)
        half = 0.5 * self.nobs
        return value - half * first / ssr, curve - half * (second / ssr - (first / ssr) ** 2)
