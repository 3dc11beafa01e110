"""The maximum of a concentrated likelihood over (rho, lambda): a grid finds its hills, Newton steps climb them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.spatial.likelihood import Likelihood, Point

# Share of the interval of rho kept clear of its ends: an optimum closer than this stands at the edge.
EDGE = 1e-5
STEP_TOLERANCE = 1e-12
# Newton steps this small that no longer shrink are rounding.
STALLED = 1e-9
MAX_STEPS = 60
Box = tuple[float, float]


@dataclass(frozen=True)
class Maximum:
    """The maximum of the likelihood, and which spatial parameters stand at the edge of their interval."""

    point: Point
    at_edge: tuple[str, ...]


def maximise(likelihood: Likelihood, where: str = "model") -> Maximum:
    """Find the global maximum over (rho, lambda): hills from a grid, each climbed by Newton steps to rounding."""
    free = likelihood.free
    if not free:
        return Maximum(likelihood.at(), ())
    filters = [f for f in (likelihood.lag, likelihood.error) if f is not None]
    for f in filters:
        f.restart()
    boxes = [_inner(*f.bounds) for f in filters]
    count = 41 if len(free) == 1 else 21
    spread = 0.5 * (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count))
    axes = [low + (high - low) * spread for low, high in (f.bounds for f in filters)]
    zero = np.zeros(1)
    rho_axis = axes[0] if likelihood.lag is not None else zero
    lam_axis = axes[-1] if likelihood.error is not None else zero
    heights = likelihood.sketch(rho_axis, lam_axis)
    best, failure = None, None
    for start in _hills(heights, rho_axis, lam_axis, free):
        if len(free) == 1 and filters[0].is_costly:
            start = _top_of_sketch(likelihood, start, float(np.diff(axes[0]).max()), boxes[0])
        try:
            found = (_climb_line if len(free) == 1 else _climb_plane)(likelihood, start, boxes, where)
        except NoMaximum as error:
            failure = error
            continue
        if best is None or found.point.loglik > best.point.loglik:
            best = found
    if best is None:
        raise failure or NoMaximum(
            f"{where}: the likelihood has no value anywhere; the regressors explain the outcome exactly, or its "
            "figures are too large for their spread"
        )
    return best


class NoMaximum(RongheError):
    """A climb that did not end."""


def _inner(low: float, high: float) -> Box:
    margin = EDGE * (high - low)
    return low + margin, high - margin


def _hills(heights: np.ndarray, rho_axis: np.ndarray, lam_axis: np.ndarray, free: list[str]) -> list[np.ndarray]:
    """Return the local maxima of the grid, highest first: at most two for a line, four for a plane."""
    padded = np.pad(heights, 1, constant_values=-np.inf)
    around = [
        padded[1 + i : 1 + i + heights.shape[0], 1 + j : 1 + j + heights.shape[1]]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if (i, j) != (0, 0)
    ]
    tops = np.argwhere(np.all([heights >= other for other in around], axis=0))
    tops = sorted(tops.tolist(), key=lambda t: -heights[t[0], t[1]])[: 2 if len(free) == 1 else 4]
    points = [np.array([rho_axis[i], lam_axis[j]]) for i, j in tops]
    if len(free) == 2:
        return points
    return [p[:1] if free == ["rho"] else p[1:] for p in points]


def _top_of_sketch(likelihood: Likelihood, start: np.ndarray, reach: float, box: Box) -> np.ndarray:
    """Return where the sketch is highest within `reach` of a point of the grid, by ever finer grids."""
    top = float(start[0])
    for _ in range(5):
        points = np.clip(np.linspace(top - reach, top + reach, 21), *box)
        lines = (points, np.zeros(1)) if likelihood.lag is not None else (np.zeros(1), points)
        top = float(points[np.argmax(likelihood.sketch(*lines))])
        reach /= 8
    return np.array([top])


def _climb_line(likelihood: Likelihood, start: np.ndarray, boxes: list[Box], where: str) -> Maximum:
    """Climb to the top on a line: Newton steps, kept inside a bracket in which the slope changes sign."""
    name = likelihood.free[0]
    low, high = boxes[0]
    a = float(np.clip(start[0], low, high))
    moved = np.inf
    for _ in range(MAX_STEPS):
        point = likelihood.at(**{"rho" if name == "rho" else "lam": a})
        slope, curvature = float(point.slope[0]), float(point.curvature[0, 0])
        low, high = (a, high) if slope > 0 else (low, a)
        newton = -slope / curvature if curvature < 0 else np.inf
        # Near the top rounding decides the sign of the slope, so that this comes before the bracket.
        if abs(newton) <= STEP_TOLERANCE or (abs(newton) < STALLED and abs(newton) > 0.3 * moved):
            return Maximum(point, _edges([a], boxes, likelihood))
        following = a + newton
        if not low < following < high:
            following = 0.5 * (low + high)
            if following in (low, high) or high - low <= STEP_TOLERANCE:
                return Maximum(point, _edges([a], boxes, likelihood))
        moved = abs(following - a)
        a = following
    raise NoMaximum(f"{where}: no maximum found for {name} in {MAX_STEPS} steps (last value {a:.6g}); check the data")


def _climb_plane(likelihood: Likelihood, start: np.ndarray, boxes: list[Box], where: str) -> Maximum:
    """Climb to the top over (rho, lambda): Newton steps with backtracking, inside the box."""
    lows, highs = np.array(boxes).T
    theta = np.clip(start, lows, highs)
    moved = np.inf
    point = likelihood.at(*theta)
    for _ in range(MAX_STEPS):
        held = ((theta <= lows) & (point.slope < 0)) | ((theta >= highs) & (point.slope > 0))
        free = np.flatnonzero(~held)
        direction = np.zeros(2)
        if len(free):
            values, vectors = np.linalg.eigh(point.curvature[np.ix_(free, free)])
            # A curvature that does not point downhill everywhere is bent until it does.
            values = -np.maximum(np.abs(values), 1e-8 * np.abs(values).max())
            direction[free] = -vectors @ ((vectors.T @ point.slope[free]) / values)
        moved, before = np.abs(direction).max(), moved
        if moved <= STEP_TOLERANCE or (moved < STALLED and moved > 0.3 * before):
            return Maximum(point, _edges(theta, boxes, likelihood))
        size = 1.0
        while True:
            trial_theta = np.clip(theta + size * direction, lows, highs)
            trial = likelihood.at(*trial_theta)
            gain = trial.loglik - point.loglik
            if gain >= 0 or (gain > -1e-9 * abs(point.loglik) and moved < 1e-5):
                break
            size *= 0.5
            if size < 1e-12:
                if moved < 1e-7:
                    return Maximum(point, _edges(theta, boxes, likelihood))
                raise RongheError(
                    f"{where}: the likelihood cannot be climbed from rho, lambda = {theta}; check the data"
                )
        theta, point = trial_theta, trial
    raise NoMaximum(f"{where}: no maximum found for rho, lambda in {MAX_STEPS} steps (last values {theta})")


def _edges(theta: Sequence[float], boxes: list[Box], likelihood: Likelihood) -> tuple[str, ...]:
    """Return the parameters that stand at an end of their interval."""
    ends = zip(likelihood.free, theta, boxes, strict=True)
    return tuple(name for name, a, (low, high) in ends if min(a - low, high - a) <= 1e-6 * (high - low))
