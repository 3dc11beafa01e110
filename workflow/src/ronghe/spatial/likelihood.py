"""The likelihood of the general nesting model, concentrated on (rho, lambda), and its maximum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear.algebra import solve_scaled
from ronghe.spatial.log_determinant.exact import LogDeterminant
from ronghe.spatial.sufficient_statistics import Moments

# Share of the interval of rho kept clear of its ends: an optimum closer than this stands at the edge.
EDGE = 1e-5
STEP_TOLERANCE = 1e-12
# Newton steps this small that no longer shrink are rounding.
STALLED = 1e-9
MAX_STEPS = 60


@dataclass(frozen=True)
class Point:
    """The concentrated likelihood at one (rho, lambda): value, slope, curvature, and the b and sigma2 there."""

    rho: float
    lam: float
    b: np.ndarray
    sigma2: float
    ssr: float
    loglik: float
    slope: np.ndarray
    curvature: np.ndarray


@dataclass(frozen=True)
class Likelihood:
    """ln L = -n/2 ln(2 pi sigma2) + T [ln|I - rho W| + ln|I - lambda M|] - e'e / (2 sigma2), complete.

    n and T are the observations and periods that count: NT and T for least squares with dummies (Elhorst 2014,
    equation 3.12), and those of the transformed data for Lee and Yu (2010, equations 2.7 and 3.5). Under their
    transformation of time effects, |I - rho W| / (1 - rho) stands for |I - rho W|.
    """

    moments: Moments
    lag: LogDeterminant | None
    error: LogDeterminant | None
    nobs: int
    n_periods: int
    transformed_units: bool

    @property
    def free(self) -> list[str]:
        """Names of the spatial parameters, in order."""
        return ["rho"] * (self.lag is not None) + ["lambda"] * (self.error is not None)

    def log_jacobian(self, ln_det: LogDeterminant | None, a: float) -> tuple[float, float, float]:
        """Return the log-determinant of one filter as the likelihood counts it, and its two derivatives."""
        if ln_det is None:
            return 0.0, 0.0, 0.0
        value, first, second = ln_det.derivatives(a)
        if self.transformed_units:
            value, first, second = value - np.log1p(-a), first + 1 / (1 - a), second + 1 / (1 - a) ** 2
        return value, first, second

    def coefficients(self, products: np.ndarray, rho: float) -> np.ndarray:
        """Return b that minimises the sum of squares given the filtered products and rho."""
        lead = self.moments.n_lead
        right = products[lead:, 0] - rho * products[lead:, 1] if lead == 2 else products[lead:, 0]
        return solve_scaled(products[lead:, lead:], right)

    def weights(self, rho: float, b: np.ndarray) -> np.ndarray:
        """Return a = (1, -rho, -b), which makes the residual out of the columns."""
        return np.concatenate([[1.0], [-rho] * (self.moments.n_lead - 1), -b])

    def at(self, rho: float = 0.0, lam: float = 0.0) -> Point:
        """Return the concentrated likelihood at (rho, lambda) with analytic slope and curvature."""
        m, lead = self.moments, self.moments.n_lead
        A = m.products(lam)
        b = self.coefficients(A, rho)
        a = self.weights(rho, b)
        Aa = A @ a
        ssr = float(a @ Aa)
        if ssr <= 1e-22 * A[0, 0]:
            raise RongheError("the regressors and effects explain the outcome without remainder: nothing to estimate")
        sigma2 = ssr / self.nobs
        value_r, first_r, second_r = self.log_jacobian(self.lag, rho)
        value_l, first_l, second_l = self.log_jacobian(self.error, lam)
        loglik = -0.5 * self.nobs * (np.log(2 * np.pi * sigma2) + 1) + self.n_periods * (value_r + value_l)
        ssr_slope, ssr_curve, cross = [], [], []
        if self.lag is not None:
            ssr_slope.append(-2 * Aa[1])
            cross.append(2 * A[lead:, 1])
        if self.error is not None:
            dA = 2 * lam * m.twice - m.mixed
            ssr_slope.append(float(a @ dA @ a))
            cross.append(-2 * (dA @ a)[lead:])
        ssr_slope = np.array(ssr_slope)
        ssr_curve = np.zeros((len(ssr_slope), len(ssr_slope)))
        if self.lag is not None:
            ssr_curve[0, 0] = 2 * A[1, 1]
        if self.error is not None:
            ssr_curve[-1, -1] = 2 * float(a @ m.twice @ a)
        if len(ssr_slope) == 2:
            ssr_curve[0, 1] = ssr_curve[1, 0] = -2 * (dA @ a)[1]
        if cross:
            C = np.column_stack(cross)
            ssr_curve -= C.T @ solve_scaled(2 * A[lead:, lead:], C)
        n = self.nobs
        first = np.array([first_r] * (self.lag is not None) + [first_l] * (self.error is not None))
        second = np.array([second_r] * (self.lag is not None) + [second_l] * (self.error is not None))
        slope = -0.5 * n * ssr_slope / ssr + self.n_periods * first
        curvature = -0.5 * n * (ssr_curve / ssr - np.outer(ssr_slope, ssr_slope) / ssr**2)
        curvature[np.diag_indices(len(second))] += self.n_periods * second
        return Point(rho, lam, b, sigma2, ssr, float(loglik), slope, curvature)

    def sketch(self, rho: np.ndarray, lam: np.ndarray) -> np.ndarray:
        """Return the concentrated likelihood on the grid rho x lambda, good enough to find its hills."""
        log_det = self._sketched(self.lag, rho)[:, None] + self._sketched(self.error, lam)[None, :]
        lead = self.moments.n_lead
        ssr = np.empty(log_det.shape)
        for j, value in enumerate(lam):
            # Given lambda the sum of squares is a quadratic in rho.
            A = self.moments.products(value)
            half = A[:lead, :lead] - A[:lead, lead:] @ solve_scaled(A[lead:, lead:], A[lead:, :lead])
            ssr[:, j] = half[0, 0] - (2 * rho * half[0, 1] - rho**2 * half[1, 1] if lead == 2 else 0.0)
        return -0.5 * self.nobs * np.log(ssr) + self.n_periods * log_det

    def _sketched(self, ln_det: LogDeterminant | None, a: np.ndarray) -> np.ndarray:
        if ln_det is None:
            return np.zeros(len(a))
        values = ln_det.sketch(a)
        return values - np.log1p(-a) if self.transformed_units else values


@dataclass(frozen=True)
class Maximum:
    """The maximum of the likelihood, and which spatial parameters stand at the edge of their interval."""

    point: Point
    at_edge: tuple[str, ...]
    n_steps: int


def maximise(likelihood: Likelihood, where: str = "model") -> Maximum:
    """Find the global maximum over (rho, lambda): hills from a grid, each climbed by Newton steps to rounding."""
    free = likelihood.free
    if not free:
        return Maximum(likelihood.at(), (), 0)
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
        try:
            found = (_climb_line if len(free) == 1 else _climb_plane)(likelihood, start, boxes, where)
        except NoMaximum as error:
            failure = error
            continue
        if best is None or found.point.loglik > best.point.loglik:
            best = found
    if best is None:
        raise failure
    return best


class NoMaximum(RongheError):
    """A climb that did not end."""


def _inner(low: float, high: float) -> tuple[float, float]:
    margin = EDGE * (high - low)
    return low + margin, high - margin


def _hills(heights: np.ndarray, rho_axis: np.ndarray, lam_axis: np.ndarray, free: list[str]) -> list[np.ndarray]:
    """Return the grid points that no neighbour tops, highest first: at most two for a line, four for a plane."""
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


def _climb_line(likelihood: Likelihood, start: np.ndarray, boxes: list, where: str) -> Maximum:
    """Climb to the top on a line: Newton steps, kept inside a bracket in which the slope changes sign."""
    name = likelihood.free[0]
    low, high = boxes[0]
    a = float(np.clip(start[0], low, high))
    moved = np.inf
    for step in range(1, MAX_STEPS + 1):
        point = likelihood.at(**{"rho" if name == "rho" else "lam": a})
        slope, curvature = float(point.slope[0]), float(point.curvature[0, 0])
        low, high = (a, high) if slope > 0 else (low, a)
        newton = -slope / curvature if curvature < 0 else np.inf
        # Near the top rounding decides the sign of the slope, so that this comes before the bracket.
        if abs(newton) <= STEP_TOLERANCE or (abs(newton) < STALLED and abs(newton) > 0.3 * moved):
            return Maximum(point, _edges([a], boxes, likelihood), step)
        following = a + newton
        if not low < following < high:
            following = 0.5 * (low + high)
            if following in (low, high) or high - low <= STEP_TOLERANCE:
                return Maximum(point, _edges([a], boxes, likelihood), step)
        moved = abs(following - a)
        a = following
    raise NoMaximum(f"{where}: no maximum found for {name} in {MAX_STEPS} steps (last value {a:.6g}); check the data")


def _climb_plane(likelihood: Likelihood, start: np.ndarray, boxes: list, where: str) -> Maximum:
    """Climb to the top over (rho, lambda): Newton steps with backtracking, inside the box."""
    lows, highs = np.array(boxes).T
    theta = np.clip(start, lows, highs)
    moved = np.inf
    point = likelihood.at(*theta)
    for step in range(1, MAX_STEPS + 1):
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
            return Maximum(point, _edges(theta, boxes, likelihood), step)
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
                    return Maximum(point, _edges(theta, boxes, likelihood), step)
                raise RongheError(
                    f"{where}: the likelihood cannot be climbed from rho, lambda = {theta}; check the data"
                )
        theta, point = trial_theta, trial
    raise NoMaximum(f"{where}: no maximum found for rho, lambda in {MAX_STEPS} steps (last values {theta})")


def _edges(theta: object, boxes: list, likelihood: Likelihood) -> tuple[str, ...]:
    """Return the parameters within a hair of the ends of their interval."""
    ends = zip(likelihood.free, theta, boxes, strict=True)
    return tuple(name for name, a, (low, high) in ends if min(a - low, high - a) <= 1e-6 * (high - low))
