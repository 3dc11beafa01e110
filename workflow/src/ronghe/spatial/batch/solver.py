"""Exact maximum likelihood for many outcomes on the same regressors, weights and effects."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ronghe.errors import RongheError
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.shared import Shared
from ronghe.spatial.maximum import EDGE, MAX_STEPS, STALLED, STEP_TOLERANCE

GRID = 41


class Batch(Shared):
    """The estimates of many outcomes.

    Built from a `SpatialPanel` or its result (the outcome there is not used). `fit(y)` takes outcomes (draw, unit,
    period) in the order of `panel.units` and `panel.periods`.
    """

    def fit(self, y: np.ndarray) -> BatchFit:
        """Return the estimates of every outcome y (draw, unit, period)."""
        y = np.asarray(y, dtype=float)
        if y.ndim != 3 or y.shape[1:] != (self.n_units, self.n_periods):
            raise RongheError(
                f"batch: outcomes must have the shape (draw, {self.n_units}, {self.n_periods}), not {y.shape}"
            )
        if not np.isfinite(y).all():
            raise RongheError("batch: some outcomes are not finite; look at the draws that made them")
        B = len(y)
        own = self.project(y.copy())
        flat = own.reshape(B, -1)
        b0 = (flat @ self.flat) @ self.bread
        if not self.has_lag:
            e = own - (b0 @ self.flat.T).reshape(y.shape)
            ssr = np.einsum("bit,bit->b", e, e)
            return BatchFit(self, y, None, None, b0, np.zeros(B), ssr, e, None, np.zeros(B, dtype=bool))
        lagged = self.W @ y
        projected = self.project(lagged.copy())
        b1 = (projected.reshape(B, -1) @ self.flat) @ self.bread
        e0 = own - (b0 @ self.flat.T).reshape(y.shape)
        e1 = projected - (b1 @ self.flat.T).reshape(y.shape)
        sums = [np.einsum("bit,bit->b", left, right) for left, right in ((e0, e0), (e0, e1), (e1, e1))]
        if np.any(sums[0] <= 1e-22 * np.einsum("bi,bi->b", flat, flat)):
            raise RongheError(
                "batch: the regressors and effects explain some outcomes without remainder: nothing to "
                "estimate; look at the draws that made them"
            )
        rho, at_edge = self._maximise(*sums)
        e = e0 - rho[:, None, None] * e1
        b = b0 - rho[:, None] * b1
        ssr = np.einsum("bit,bit->b", e, e)
        return BatchFit(self, y, lagged, projected, b, rho, ssr, e, e1, at_edge, slope=b1)

    @cached_property
    def _grid(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.bounds
        grid = low + (high - low) * 0.5 * (1 - np.cos(np.pi * (np.arange(GRID) + 0.5) / GRID))
        return grid, self.periods * self.log_jacobian(grid)

    def _maximise(self, s00: np.ndarray, s01: np.ndarray, s11: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return rho that maximises -n/2 ln(s00 - 2 rho s01 + rho^2 s11) + T ln|I - rho W|, and where it is an edge.

        Hills of a grid, each climbed by Newton steps inside a bracket: the steps of the ordinary engine, for all
        outcomes together.
        """
        grid, log_det = self._grid
        ssr = s00[:, None] - 2 * np.multiply.outer(s01, grid) + np.multiply.outer(s11, grid**2)
        heights = log_det - 0.5 * self.nobs * np.log(ssr)
        padded = np.pad(heights, ((0, 0), (1, 1)), constant_values=-np.inf)
        tops = (heights >= padded[:, :-2]) & (heights >= padded[:, 2:])
        best = heights.argmax(axis=1)
        rho = self._climb(grid[best], s00, s01, s11)
        several = np.flatnonzero(tops.sum(axis=1) > 1)
        if len(several):
            others = np.where(tops[several], heights[several], -np.inf)
            others[np.arange(len(several)), best[several]] = -np.inf
            start = grid[others.argmax(axis=1)]
            sums = s00[several], s01[several], s11[several]
            second = self._climb(start, *sums)
            better = self._height(second, *sums) > self._height(rho[several], *sums)
            rho[several[better]] = second[better]
        low, high = self._inner
        return rho, np.minimum(rho - low, high - rho) <= 1e-6 * (high - low)

    @property
    def _inner(self) -> tuple[float, float]:
        low, high = self.bounds
        return low + EDGE * (high - low), high - EDGE * (high - low)

    def _height(self, rho: np.ndarray, s00: np.ndarray, s01: np.ndarray, s11: np.ndarray) -> np.ndarray:
        ssr = s00 - 2 * rho * s01 + rho**2 * s11
        return self.periods * self.log_jacobian(rho) - 0.5 * self.nobs * np.log(ssr)

    def _climb(self, start: np.ndarray, s00: np.ndarray, s01: np.ndarray, s11: np.ndarray) -> np.ndarray:
        bottom, top = self._inner
        rho = np.clip(start, bottom, top)
        low, high = np.full(len(rho), bottom), np.full(len(rho), top)
        moved = np.full(len(rho), np.inf)
        active = np.arange(len(rho))
        for _ in range(MAX_STEPS):
            a, u, v, w = rho[active], s00[active], s01[active], s11[active]
            g = self.spectrum.gains(a)
            ssr, half = u - 2 * a * v + a * a * w, a * w - v
            slope = -self.nobs * half / ssr - self.periods * (g.sum(axis=1).real - self.edge / (1 - a))
            curve = -self.nobs * (w / ssr - 2 * (half / ssr) ** 2)
            curve -= self.periods * ((g * g).sum(axis=1).real - self.edge / (1 - a) ** 2)
            rising = slope > 0
            low[active] = np.where(rising, a, low[active])
            high[active] = np.where(rising, high[active], a)
            newton = np.full(len(a), np.inf)
            np.divide(-slope, curve, out=newton, where=curve < 0)
            size, before = np.abs(newton), moved[active]
            done = (size <= STEP_TOLERANCE) | ((size < STALLED) & (size > 0.3 * before))
            following = a + newton
            outside = ~((following > low[active]) & (following < high[active]))
            middle = 0.5 * (low[active] + high[active])
            following = np.where(outside, middle, following)
            done |= outside & (high[active] - low[active] <= STEP_TOLERANCE)
            moved[active] = np.abs(following - a)
            rho[active] = np.where(done, a, following)
            active = active[~done]
            if not len(active):
                return rho
        raise RongheError(f"batch: no maximum of rho found for {len(active)} outcomes in {MAX_STEPS} steps")
