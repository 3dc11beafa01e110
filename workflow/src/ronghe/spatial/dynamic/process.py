"""The process of a dynamic spatial panel: its data, its terms, how it persists, and where it is stable.

y_t = rho W y_t + phi y_{t-1} + psi W y_{t-1} + X_t beta + W X_t theta + mu + tau_t 1 + e_t, t = 1..T, y_0 given:
Yu, de Jong and Lee (2008), J. Econometrics 146, eq. 1 (unit effects); Lee and Yu (2010), Econometric Theory 26, eq. 2
(unit and time effects). The two lags of y are called "L1.y" and "W*L1.y" here, as terms are elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ronghe.spatial.equation import Specification
from ronghe.spatial.grid import Panel
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.log_determinant.exact import EigenLogDeterminant
from ronghe.spatial.log_determinant.suitable import chosen_log_determinant
from ronghe.spatial.log_determinant.traces import FilterTraces, filter_traces
from ronghe.spatial.projection import Projection
from ronghe.spatial.sufficient_statistics import Moments, build_moments, lag
from ronghe.weights.matrix import Weights

WHERE = "DynamicPanel"


@dataclass(frozen=True, eq=False)
class Process:
    """One dynamic SAR or SDM on its data; the first period serves as y_0 only."""

    panel: Panel
    weights: Weights
    specification: Specification
    time_lag: bool
    space_time_lag: bool
    kind: str = "auto"
    _traces: dict[float, FilterTraces] = field(default_factory=dict)

    @cached_property
    def projection(self) -> Projection:
        """The projection off the fixed effects."""
        return Projection(self.specification.effects)

    @cached_property
    def log_determinant(self) -> LogDeterminant:
        """ln|I - rho W|, exact or by probes."""
        return chosen_log_determinant(self.weights, self.kind, WHERE)

    def traces(self, rho: float) -> FilterTraces:
        """Return the traces of G at rho, each computed once."""
        if rho not in self._traces:
            self._traces[rho] = filter_traces(self.log_determinant, rho)
        return self._traces[rho]

    @property
    def lags(self) -> tuple[str, ...]:
        """Names of y_{t-1} and W y_{t-1}, as far as they enter."""
        name = f"L1.{self.panel.outcome}"
        return (*([name] * self.time_lag), *([f"W*{name}"] * self.space_time_lag))

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients phi, psi, beta and theta."""
        return (*self.lags, *self.specification.terms)

    @property
    def transforms_units(self) -> bool:
        """Whether the likelihood is that of the data transformed to N - 1 units."""
        return self.specification.method == "lee_yu" and self.projection.has_time

    @property
    def has_time_dummies(self) -> bool:
        """Whether the likelihood has a dummy for every period."""
        return self.projection.has_time and not self.transforms_units

    @property
    def size(self) -> tuple[int, int]:
        """Return the units and periods that count."""
        return self.panel.n_units - self.transforms_units, self.panel.n_periods - 1

    @cached_property
    def moments(self) -> Moments:
        """The projected data and their products."""
        before, now = self.panel.y[:, :-1], self.panel.y[:, 1:]
        W = self.weights.sparse
        lags = [before] * self.time_lag + [lag(W, before)] * self.space_time_lag
        X = np.concatenate([np.stack(lags, axis=2), self.panel.X[:, 1:]], axis=2)
        names = [*self.lags, *self.panel.names]
        return build_moments(now, X, names, self.specification.durbin, W, None, True, self.projection, WHERE)

    def residuals(self, theta: np.ndarray) -> np.ndarray:
        """Return e = Q (S y - Z b) at (b, rho, sigma2)."""
        return self.moments.data @ np.concatenate([[1.0, -theta[-2]], -theta[:-2]])

    def persistence(self, theta: np.ndarray) -> tuple[float, float]:
        """Return (phi, psi), the coefficients of y_{t-1} and W y_{t-1}."""
        phi = float(theta[0]) if self.time_lag else 0.0
        psi = float(theta[int(self.time_lag)]) if self.space_time_lag else 0.0
        return phi, psi

    @cached_property
    def eigenvalues(self) -> np.ndarray | None:
        """Eigenvalues of W where they are known; the one that belongs to time effects is left out where these are."""
        if not isinstance(self.log_determinant, EigenLogDeterminant):
            return None
        return self._without_time_effects(self.log_determinant.eigenvalues)

    def _without_time_effects(self, omega: np.ndarray) -> np.ndarray:
        return np.delete(omega, np.argmin(np.abs(omega - 1))) if self.transforms_units else omega

    def roots(self, theta: np.ndarray) -> np.ndarray:
        """Roots (phi + psi w) / (1 - rho w) of the process at the eigenvalues w of W: all, or the ends for large W."""
        phi, psi = self.persistence(theta)
        omega = self.eigenvalues
        if omega is None:
            omega = self._without_time_effects(1 / np.array(self.log_determinant.bounds))
        return (phi + psi * omega) / (1 - theta[-2] * omega)
