"""One estimated model, as covariances, impacts and tests need it: parameters, statistics, filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from ronghe.spatial.equation import Specification
from ronghe.spatial.grid import Panel
from ronghe.spatial.likelihood import Likelihood
from ronghe.spatial.log_determinant.traces import FilterTraces, PairTraces, filter_traces, pair_traces
from ronghe.spatial.projection import Projection
from ronghe.spatial.sufficient_statistics import Moments
from ronghe.weights.matrix import Weights


@dataclass(frozen=True)
class FittedModel:
    """Parameters (b, rho, lambda, sigma2) at which the likelihood's derivatives are taken."""

    specification: Specification
    panel: Panel
    projection: Projection
    likelihood: Likelihood
    b: np.ndarray
    rho: float
    lam: float
    sigma2: float
    lag_weights: Weights | None

    def moved(self, values: np.ndarray) -> FittedModel:
        """Return the same model at other parameters, given in the order of `specification.parameters`."""
        rho, lam = (0.0 if (k := self.place(name)) is None else float(values[k]) for name in ("rho", "lambda"))
        return replace(self, b=np.array(values[: self.n_b]), rho=rho, lam=lam, sigma2=float(values[-1]))

    @property
    def lag_matrix(self) -> sparse.csr_array | None:
        """W of the lags."""
        return None if self.lag_weights is None else self.lag_weights.sparse

    @property
    def moments(self) -> Moments:
        """The sufficient statistics."""
        return self.likelihood.moments

    @property
    def n_b(self) -> int:
        """Number of coefficients beta and theta."""
        return len(self.b)

    @cached_property
    def values(self) -> np.ndarray:
        """All parameters in the order of `specification.parameters`."""
        spatial = [self.rho] * (self.likelihood.lag is not None) + [self.lam] * (self.likelihood.error is not None)
        return np.concatenate([self.b, spatial, [self.sigma2]])

    def place(self, name: str) -> int | None:
        """Return where a spatial parameter or sigma2 stands among the parameters, or None where it is absent."""
        parameters = self.specification.parameters
        return parameters.index(name) if name in parameters else None

    @cached_property
    def residual_coefficients(self) -> np.ndarray:
        """a = (1, -rho, -b), which makes the residual out of the columns."""
        return self.likelihood.residual_coefficients(self.rho, self.b)

    @cached_property
    def residuals(self) -> np.ndarray:
        """Projected residual e = Q R (S y - X b) as an array (unit, period)."""
        return self.moments.filtered(self.lam) @ self.residual_coefficients

    @cached_property
    def lag_traces(self) -> FilterTraces:
        """Traces of G = W (I - rho W)^-1."""
        return filter_traces(self.likelihood.lag, self.rho)

    @cached_property
    def error_traces(self) -> FilterTraces:
        """Traces of H = M (I - lambda M)^-1."""
        return filter_traces(self.likelihood.error, self.lam)

    @cached_property
    def pair_traces(self) -> PairTraces:
        """Traces that tie rho and lambda."""
        return pair_traces(self.likelihood.lag, self.likelihood.error, self.rho, self.lam, self.lag_traces)

    @cached_property
    def fitted_part(self) -> np.ndarray:
        """X b, with time effects where G carries them into the other terms, as an array (unit, period)."""
        lead = self.moments.n_lead
        X = self.panel.X
        names = self.specification.names
        fitted = X @ self.b[: len(names)]
        if self.specification.durbin:
            picked = [names.index(name) for name in self.specification.durbin]
            source = X if picked == list(range(X.shape[2])) else X[:, :, picked]
            lagged = source @ self.b[len(names) :] if len(picked) > 1 else source[:, :, 0] * self.b[-1]
            fitted += self.lag_matrix @ lagged
        if self.projection.has_time and not self.likelihood.lag.is_row_standardised and lead == 2:
            # G 1 is no multiple of 1, so that the time effects do not drop out of Q G (X b + tau).
            y = self.panel.y
            remainder = y - self.rho * (self.likelihood.lag.matrix @ y) - fitted
            if self.likelihood.error is not None:
                # Q R (remainder - tau) = 0 in the mean over units, and R 1 = (1 - lambda) 1.
                remainder = (remainder - self.lam * (self.likelihood.error.matrix @ remainder)) / (1 - self.lam)
            fitted = fitted + remainder.mean(axis=0, keepdims=True)
        return fitted

    @cached_property
    def lagged_fitted(self) -> np.ndarray:
        """Q R G X b: the expectation of the derivative of the residual with respect to rho, as (unit, period)."""
        lag = self.likelihood.lag
        expected = lag.matrix @ lag.solve(self.rho, self.fitted_part)
        if self.likelihood.error is not None and self.lam != 0.0:
            expected = expected - self.lam * (self.likelihood.error.matrix @ expected)
        return self.projection.apply(expected, in_place=True)
