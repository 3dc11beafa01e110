"""Bootstrap of a fitted spatial panel: parametric, or wild by cell or unit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.impact_tables import average_index
from ronghe.spatial.impacts import average_impacts, impacts_of_draws
from ronghe.spatial.maximum import maximise
from ronghe.spatial.sufficient_statistics import Moments, lag

METHODS = ["parametric", "wild", "wild_units"]
COLUMNS = ["estimate", "std_error", "bias", "lower", "upper"]


@dataclass(frozen=True, repr=False)
class BootstrapResult:
    """Draws of all parameters and impacts, with their spread, bias and quantiles."""

    draws: pd.DataFrame
    impact_draws: pd.DataFrame
    estimate: pd.Series
    impact_estimate: pd.Series
    method: str
    seed: int

    def __repr__(self) -> str:
        """Say what was drawn in one line."""
        return f"BootstrapResult({self.method}, {len(self.draws)} draws, seed={self.seed})"

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return estimate, bootstrap standard error, bias and quantile limits of every parameter."""
        return _summary(self.draws, self.estimate, level)

    def impacts(self, level: float = 0.95) -> pd.DataFrame:
        """Return the same of every impact."""
        return _summary(self.impact_draws, self.impact_estimate, level)

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of the draws of the parameters."""
        return self.draws.cov()


def bootstrap(model: FittedModel, method: str = "parametric", n_draws: int = 999, seed: int = 0) -> BootstrapResult:
    """Redraw the disturbances, rebuild y through the model, and estimate again.

    y* = y + S^-1 R^-1 (e* - e) keeps the fixed effects that were estimated. `parametric` draws e* from
    N(0, sigma2); the wild bootstraps give residuals random signs (Rademacher; Davidson and Flachaire 2008, section 2),
    by cell or by unit, which keeps a unit's dependence over time. There is none by period: a sign common to a period
    leaves e'G e as it is, and rho would hardly move. For the same reason the wild spread of sigma2 is not one to use.
    Residuals are scaled up by the observations they have lost to the fixed effects; X stays as it is.
    """
    require_known(method, METHODS, "method", "bootstrap")
    if n_draws < 2:
        raise RongheError(f"bootstrap: n_draws must be at least 2, not {n_draws}")
    if model.specification.method == "bias_corrected":
        raise RongheError("bootstrap: not for method 'bias_corrected'; use 'lee_yu', which needs no correction")
    rng = np.random.default_rng(seed)
    e = model.residuals
    n = model.projection.n_cells(*e.shape)
    scaled = e * np.sqrt(n / (n - model.projection.n_absorbed(*e.shape)))
    values = np.empty((n_draws, len(model.values)))
    for draw in range(n_draws):
        y = model.panel.y + _propagated(model, _disturbances(method, scaled, model.sigma2, rng) - e)
        likelihood = replace(model.likelihood, moments=with_outcome(model, y))
        point = maximise(likelihood, f"bootstrap draw {draw + 1}").point
        again = replace(model, likelihood=likelihood, b=point.b, rho=point.rho, lam=point.lam, sigma2=point.sigma2)
        values[draw] = again.values
    names = list(model.specification.parameters)
    variables, impacts, _ = average_impacts(model)
    index = average_index(variables)
    drawn, _ = impacts_of_draws(model, values)
    return BootstrapResult(
        pd.DataFrame(values, columns=names),
        pd.DataFrame(drawn.reshape(len(drawn), -1), columns=index),
        pd.Series(model.values, index=names),
        pd.Series(impacts.ravel(), index=index),
        method,
        seed,
    )


def _disturbances(method: str, e: np.ndarray, sigma2: float, rng: np.random.Generator) -> np.ndarray:
    """Return one drawing of the disturbances."""
    if method == "parametric":
        return np.sqrt(sigma2) * rng.standard_normal(e.shape)
    shape = e.shape if method == "wild" else (e.shape[0], 1)
    return e * rng.choice([-1.0, 1.0], size=shape)


def _propagated(model: FittedModel, change: np.ndarray) -> np.ndarray:
    """Return S^-1 R^-1 times a change of the disturbances."""
    if model.likelihood.error is not None:
        change = model.likelihood.error.solve(model.lam, change)
    return change if model.likelihood.lag is None else model.likelihood.lag.solve(model.rho, change)


def with_outcome(model: FittedModel, y: np.ndarray) -> Moments:
    """Return the sufficient statistics with another outcome; the products of the regressors are kept."""
    m, lead = model.moments, model.moments.n_lead
    columns = np.stack([y, lag(model.likelihood.lag.matrix, y)] if lead == 2 else [y], axis=2)
    lagged = None if m.lagged is None else m.lagged.copy()
    if lagged is not None:
        lagged[:, :, :lead] = model.projection.apply(lag(model.likelihood.error.matrix, columns))
    data = m.data.copy()
    data[:, :, :lead] = model.projection.apply(columns)
    plain = _updated(m.plain, data, data, lead)
    if lagged is None:
        return replace(m, data=data, plain=plain)
    crossed = data.reshape(-1, data.shape[2]).T @ lagged.reshape(-1, data.shape[2])
    return replace(
        m,
        data=data,
        lagged=lagged,
        plain=plain,
        mixed=crossed + crossed.T,
        twice=_updated(m.twice, lagged, lagged, lead),
    )


def _updated(products: np.ndarray, left: np.ndarray, right: np.ndarray, lead: int) -> np.ndarray:
    """Return products with the rows and columns of the outcome computed anew."""
    width = left.shape[2]
    new = left.reshape(-1, width)[:, :lead].T @ right.reshape(-1, width)
    products = products.copy()
    products[:lead] = new
    products[:, :lead] = new.T
    return products


def _summary(draws: pd.DataFrame, estimate: pd.Series, level: float) -> pd.DataFrame:
    values = draws.to_numpy()
    lower, upper = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    bias = values.mean(axis=0) - estimate.to_numpy()
    table = np.column_stack([estimate, values.std(axis=0, ddof=1), bias, lower, upper])
    return pd.DataFrame(table, index=estimate.index, columns=COLUMNS)
