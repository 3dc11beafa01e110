"""The likelihood of the general nesting model, concentrated on (rho, lambda)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear.algebra import solve_scaled
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.sufficient_statistics import Moments


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

    def residual_coefficients(self, rho: float, b: np.ndarray) -> np.ndarray:
        """Return a = (1, -rho, -b), which makes the residual out of the columns."""
        return np.concatenate([[1.0], [-rho] * (self.moments.n_lead - 1), -b])

    @cached_property
    def _line(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Coefficients of y and of W y on Z, where rho is the only spatial parameter: b is linear in it."""
        if self.lag is None or self.error is not None:
            return None
        A = self.moments.products(0.0)
        return tuple(solve_scaled(A[2:, 2:], A[2:, :2]).T)

    def at(self, rho: float = 0.0, lam: float = 0.0) -> Point:
        """Return the concentrated likelihood at (rho, lambda) with analytic slope and curvature."""
        m, lead = self.moments, self.moments.n_lead
        A = m.products(lam)
        b = self.coefficients(A, rho) if self._line is None else self._line[0] - rho * self._line[1]
        a = self.residual_coefficients(rho, b)
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
        if self._line is not None:
            ssr_curve[0, 0] -= 2 * float(A[1, lead:] @ self._line[1])
        elif cross:
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
