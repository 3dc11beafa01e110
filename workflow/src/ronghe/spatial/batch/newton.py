"""Safeguarded Newton steps for the spatial parameter of many fits at once, on the exact concentrated likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.spatial.maximum import EDGE, MAX_STEPS, STALLED, STEP_TOLERANCE

# An end is near within this share of the interval: some of the grids' outermost cells.
NEAR_END = 0.01
# Slope and curvature of fits `active` at the values `a`.
Derivatives = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Jacobian:
    """T [ln|I - a W| - edge ln(1 - a)] of all fits, with the interval in which `a` is looked for.

    `edge` is one where time effects are taken out by the transformation of Lee and Yu (2010, equation 3.5).
    """

    spectrum: Spectrum
    bounds: tuple[float, float]
    n_periods: int
    edge: float

    @property
    def inner(self) -> tuple[float, float]:
        """The interval less a margin at its ends."""
        low, high = self.bounds
        return low + EDGE * (high - low), high - EDGE * (high - low)

    def value(self, a: np.ndarray) -> np.ndarray:
        """Return the logarithm of the Jacobian."""
        return self.n_periods * (self.spectrum.log_determinant(a) - self.edge * np.log1p(-a))

    def derivatives(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return its two derivatives."""
        g, gg = self.spectrum.traces(a)
        return -self.n_periods * (g - self.edge / (1 - a)), -self.n_periods * (gg - self.edge / (1 - a) ** 2)

    def grid(self, count: int) -> np.ndarray:
        """Return Chebyshev points of the interval, rising."""
        low, high = self.bounds
        return low + (high - low) * 0.5 * (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count))

    def at_edge(self, a: np.ndarray) -> np.ndarray:
        """Return which values stand within a hair of the ends."""
        low, high = self.inner
        return np.minimum(a - low, high - a) <= 1e-6 * (high - low)


def climb(start: np.ndarray, bounds: tuple[float, float], derivatives: Derivatives) -> np.ndarray:
    """Climb from every start to a top: Newton steps, kept inside a bracket in which the slope changes sign.

    The steps are those of the ordinary engine, for all fits together. A step is the last where the next, if it shrinks
    in the same proportion, would be rounding.
    """
    a = np.clip(start, *bounds)
    low, high = np.full(len(a), bounds[0]), np.full(len(a), bounds[1])
    moved, active = np.full(len(a), np.inf), np.arange(len(a))
    for steps in range(MAX_STEPS):
        here = a[active]
        slope, curve = derivatives(active, here)
        rising = slope > 0
        low[active] = np.where(rising, here, low[active])
        high[active] = np.where(rising, high[active], here)
        newton = np.full(len(here), np.inf)
        np.divide(-slope, curve, out=newton, where=curve < 0)
        size = np.abs(newton)
        there = (size <= STEP_TOLERANCE) | ((size < STALLED) & (size > 0.3 * moved[active]))
        following = here + newton
        outside = ~((following > low[active]) & (following < high[active]))
        if steps == 0 and outside.any():
            # Where the likelihood still rises at a near end that the first step leaves by, that end is the top.
            ends = np.where(rising, bounds[1], bounds[0])
            beyond = np.flatnonzero(outside & (curve < 0) & (np.abs(ends - here) < NEAR_END * (bounds[1] - bounds[0])))
            leave = beyond[derivatives(active[beyond], ends[beyond])[0] * slope[beyond] > 0]
            here[leave], there[leave] = ends[leave], True
        following = np.where(outside, 0.5 * (low[active] + high[active]), following)
        there |= outside & (high[active] - low[active] <= STEP_TOLERANCE)
        last = ~outside & np.isfinite(moved[active]) & (size * size <= STEP_TOLERANCE * moved[active])
        moved[active] = np.abs(following - here)
        a[active] = np.where(there, here, following)
        active = active[~(there | last)]
        if not len(active):
            return a
    raise RongheError(f"no maximum of the spatial parameter found for {len(active)} fits in {MAX_STEPS} steps")


def starts(heights: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the highest grid point of each fit, which fits have a second hill, and the grid points of those.

    The first is moved to the top of the parabola through it and its two neighbours.
    """
    padded = np.pad(heights, ((0, 0), (1, 1)), constant_values=-np.inf)
    tops = (heights >= padded[:, :-2]) & (heights >= padded[:, 2:])
    best = heights.argmax(axis=1)
    several = np.flatnonzero(tops.sum(axis=1) > 1)
    others = np.where(tops[several], heights[several], -np.inf)
    others[np.arange(len(several)), best[several]] = -np.inf
    middle, rows = np.clip(best, 1, len(grid) - 2), np.arange(len(heights))
    left, right = grid[middle - 1] - grid[middle], grid[middle + 1] - grid[middle]
    top = heights[rows, middle]
    low, high = (heights[rows, middle - 1] - top) / left, (heights[rows, middle + 1] - top) / right
    bend = (high - low) / (right - left)
    shift = np.zeros(len(rows))
    np.divide(bend * left - low, 2 * bend, out=shift, where=(bend < 0) & (middle == best))
    return grid[best] + np.clip(shift, left, right), several, grid[others.argmax(axis=1)]


@dataclass(frozen=True)
class LagProfile:
    """-n/2 ln S(rho) + Jacobian, S = s00 - 2 rho s01 + rho^2 s11 the sum of squares given rho, by fit."""

    jacobian: Jacobian
    nobs: int
    s00: np.ndarray
    s01: np.ndarray
    s11: np.ndarray

    def ssr(self, rho: np.ndarray) -> np.ndarray:
        """Return the sums of squares at rho by fit, or (fit, point) for points that all share."""
        if rho.ndim == 2:
            return self.s00[:, None] - 2 * self.s01[:, None] * rho + self.s11[:, None] * rho**2
        return self.s00 - 2 * rho * self.s01 + rho**2 * self.s11

    def slopes(self, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the two derivatives of S."""
        return 2 * (rho * self.s11 - self.s01), 2 * self.s11

    def maximise(self, count: int = 41) -> np.ndarray:
        """Return rho at the global maximum: the two highest hills of a grid, climbed."""
        grid = self.jacobian.grid(count)
        powers = np.stack([np.ones(count), -2 * grid, grid * grid])
        ssr = np.stack([self.s00, self.s01, self.s11], axis=1) @ powers
        heights = self.jacobian.value(grid) - 0.5 * self.nobs * np.log(ssr)
        start, several, second = starts(heights, grid)
        rho = climb(start, self.jacobian.inner, self._derivatives)
        if len(several):
            part = LagProfile(self.jacobian, self.nobs, self.s00[several], self.s01[several], self.s11[several])
            other = climb(second, self.jacobian.inner, part._derivatives)
            rho[several] = np.where(part._height(other) > part._height(rho[several]), other, rho[several])
        return rho

    def _height(self, rho: np.ndarray) -> np.ndarray:
        return self.jacobian.value(rho) - 0.5 * self.nobs * np.log(self.ssr(rho))

    def _derivatives(self, active: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        v, w = self.s01[active], self.s11[active]
        ssr, half = self.s00[active] - 2 * a * v + a * a * w, a * w - v
        first, second = self.jacobian.derivatives(a)
        return first - self.nobs * half / ssr, second - self.nobs * (w / ssr - 2 * (half / ssr) ** 2)
