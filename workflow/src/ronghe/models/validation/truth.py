"""A spatial panel whose parameters are known: the estimates of a specification, or the user's own numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.models.design.design import build
from ronghe.models.design.weights import frames_of, weights_of
from ronghe.models.estimate import Data
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.postestimation.fixed_effects import recover
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.sufficient_statistics import lag
from ronghe.weights.matrix import Weights


@dataclass(frozen=True)
class Truth:
    """A spatial panel whose parameters are known: regressors, weights, coefficients, fixed effects, disturbances."""

    X: pd.DataFrame
    weights: Weights
    beta: np.ndarray
    theta: np.ndarray
    rho: float
    lam: float
    sigma2: float
    fixed_effects: np.ndarray

    @classmethod
    def of(cls, result: SpatialPanelResult, weights: Weights) -> Truth:
        """Take the estimates of a fitted SDM (or smaller) with its fixed effects for the truth."""
        model, s = result.model, result.specification
        theta = np.zeros(len(s.names))
        for name, value in zip(s.durbin, model.b[len(s.names) :], strict=True):
            theta[s.names.index(name)] = value
        index = pd.MultiIndex.from_product([model.panel.units, model.panel.periods], names=model.panel.index.names)
        X = pd.DataFrame(model.panel.X.reshape(len(index), -1), index=index, columns=list(s.names))
        beta = model.b[: len(s.names)]
        return cls(X, weights, beta, theta, model.rho, model.lam, result.sigma2, recover(result).surface)

    @property
    def names(self) -> list[str]:
        """Names of the regressors."""
        return list(self.X.columns)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """Return one outcome (unit, period), with normal disturbances."""
        shape = self.fixed_effects.shape
        e = np.sqrt(self.sigma2) * generator.standard_normal(shape)
        W = self.weights.sparse
        x = self.X.to_numpy().reshape(*shape, -1)
        u = _solve(self.weights, self.lam, e)
        return _solve(self.weights, self.rho, x @ self.beta + lag(W, x @ self.theta) + self.fixed_effects + u)

    def series(self, y: np.ndarray) -> pd.Series:
        """Return an outcome with its units and periods."""
        return pd.Series(y.ravel(), index=self.X.index, name="y")

    def targets(self) -> pd.Series:
        """Return the true value of every parameter and impact of the Durbin model."""
        n, W = self.weights.n, self.weights.sparse
        ones = np.ones(n)
        values = dict(zip(self.names, self.beta, strict=True))
        values |= {f"W*{name}": t for name, t in zip(self.names, self.theta, strict=True)}
        values |= {"rho": self.rho, "sigma2": self.sigma2}
        S = np.eye(n) - self.rho * W.toarray()
        inverse = np.linalg.inv(S)
        own, lagged = np.trace(inverse) / n, np.trace(inverse @ W.toarray()) / n
        row, lagged_row = inverse.sum() / n, (inverse @ (W @ ones)).sum() / n
        for name, b, t in zip(self.names, self.beta, self.theta, strict=True):
            direct, total = b * own + t * lagged, b * row + t * lagged_row
            values |= {f"{name}: direct": direct, f"{name}: indirect": total - direct, f"{name}: total": total}
        return pd.Series(values)

    def restricted(self, to: str) -> Truth:
        """Return the truth under a null hypothesis: ols, sar or sem."""
        zero = np.zeros_like(self.theta)
        if to == "ols":
            return replace(self, theta=zero, rho=0.0, lam=0.0)
        if to == "sar":
            return replace(self, theta=zero, lam=0.0)
        return replace(self, theta=zero, rho=0.0, lam=self.rho)


def _solve(weights: Weights, a: float, values: np.ndarray) -> np.ndarray:
    return log_determinant(weights).solve(a, values) if a else values


def specification_truth(specification: dict, data: Data, parameters: dict[str, float]) -> Truth:
    """Return the truth that the estimates of a spatial specification make, with parameters of the user's in place.

    The specification is fitted as a two-way SDM by Lee and Yu's method whatever it says of these itself: it lends
    outcome, regressors, sample and weights.
    """
    design = build(specification, data)
    y, X = frames_of(design)
    weights, _ = weights_of(specification, data, design)
    result = SpatialPanel(y, X, weights, "sdm", "twoways", "lee_yu").fit()
    truth = Truth.of(result, weights)
    unknown = sorted(set(parameters) - {"rho", "sigma2"})
    if unknown:
        raise RongheError(f"validation: truth knows rho and sigma2, not {listing(unknown)}")
    return replace(truth, **parameters)
