"""Tables of impacts: average, by order of neighbours, by unit, and for a chosen change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.linear.inference import inference_table, normal
from ronghe.spatial.equation import Specification
from ronghe.spatial.estimates import Estimates
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.impacts import (
    IMPACTS,
    average_impacts,
    average_multipliers,
    by_rho,
    combine,
    delta_errors,
    impact_of_change,
    impacts_by_order,
    impacts_of_draws,
    model_places,
    regressor_places,
    unit_impacts,
)
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.weights.matrix import Weights

# Factors of the variance and degrees of freedom of t, for combinations of the parameters.
Reference = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
UNIT_IMPACTS = ("direct", "received", "given")


def average_index(variables: Sequence[str]) -> pd.MultiIndex:
    """Return the rows of a table of average impacts."""
    return _average_index(tuple(variables)).rename(["variable", "effect"])


@lru_cache(maxsize=256)
def _average_index(variables: tuple[str, ...]) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([variables, IMPACTS])


def delta_table(
    index: pd.Index,
    impacts: np.ndarray,
    jacobian: np.ndarray,
    covariance: np.ndarray,
    level: float,
    reference: Reference = normal,
) -> pd.DataFrame:
    """Return impacts with their errors by the delta method, rows in the order of the array."""
    factors, df = reference(jacobian.reshape(-1, jacobian.shape[-1]))
    errors = delta_errors(jacobian, covariance).ravel() * np.sqrt(factors)
    return inference_table(impacts.ravel(), errors, df, level, index)


def impact_table(
    model: FittedModel,
    covariance: np.ndarray,
    method: str,
    level: float,
    n_draws: int,
    seed: int,
    reference: Reference = normal,
) -> pd.DataFrame:
    """Return average impacts, their errors by the delta method or from draws of the parameters.

    `simulation` draws from the normal distribution of the estimates (LeSage and Pace 2009, section 5.6.3): the
    errors are standard deviations, the limits quantiles of the draws. Draws of rho outside its interval are left out;
    their number is in `attrs["draws_outside"]`.
    """
    require_known(method, ["delta", "simulation"], "method", "impacts")
    variables, impacts, jacobian = average_impacts(model)
    index = average_index(variables)
    if method == "delta":
        return delta_table(index, impacts, jacobian, covariance, level, reference)
    scale = np.sqrt(np.diag(covariance))
    root = np.linalg.cholesky(covariance / np.outer(scale, scale) + 1e-14 * np.eye(len(scale)))
    normal = np.random.default_rng(seed).standard_normal((n_draws, len(scale)))
    drawn, n_out = impacts_of_draws(model, model.values + (normal @ root.T) * scale)
    drawn = drawn.reshape(len(drawn), -1)
    table = inference_table(impacts.ravel(), drawn.std(axis=0, ddof=1), level=level, index=index)
    table["lower"], table["upper"] = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    table.attrs["draws_outside"] = n_out
    return table


def estimates_table(
    estimates: Estimates,
    specification: Specification,
    weights: Weights,
    level: float,
    lag: LogDeterminant | None = None,
) -> pd.DataFrame:
    """Return average impacts of a model that was not fitted by the likelihood of `FittedModel`; `lag` is its filter."""
    variables, places = regressor_places(estimates.names, specification.names, specification.durbin)
    lag, rho = (lag or log_determinant(weights), estimates.params["rho"]) if specification.has_lag else (None, 0.0)
    means = average_multipliers(lag, weights.sparse, float(rho))
    parts = combine(estimates.values, places, *means, by_rho(estimates.names))
    return delta_table(average_index(variables), *parts, estimates.covariance, level, estimates.reference)


def order_table(
    model: FittedModel, covariance: np.ndarray, n_orders: int, level: float, reference: Reference = normal
) -> pd.DataFrame:
    """Return impacts split by order of neighbours, order 0 being the unit itself."""
    if model.likelihood.lag is None:
        raise RongheError(f"model '{model.specification.model}' has no rho: its impacts do not spread by orders")
    variables, *parts = impacts_by_order(model, n_orders)
    index = pd.MultiIndex.from_product([variables, IMPACTS, range(n_orders)], names=["variable", "effect", "order"])
    return delta_table(index, *parts, covariance, level, reference)


def unit_table(model: FittedModel, covariance: np.ndarray, level: float, reference: Reference = normal) -> pd.DataFrame:
    """Return direct, received and given impacts of every unit."""
    variables, *parts = unit_impacts(model)
    labels = [variables, model.panel.units, UNIT_IMPACTS]
    index = pd.MultiIndex.from_product(labels, names=["variable", "unit", "effect"])
    return delta_table(index, *parts, covariance, level, reference)


def change_table(
    model: FittedModel,
    covariance: np.ndarray,
    variable: str,
    change: float | Mapping | pd.Series,
    level: float,
    reference: Reference = normal,
) -> pd.DataFrame:
    """Return what a change of one regressor does to every unit; `change` is a number for all, or given by unit."""
    variables, _ = model_places(model)
    require_known(variable, variables, "regressor", "impact_of_change")
    units = list(model.panel.units)
    if isinstance(change, (Mapping, pd.Series)):
        given = dict(change)
        unknown = [u for u in given if u not in set(units)]
        if unknown:
            raise RongheError(f"impact_of_change: no such units: {listing(unknown)}")
        dx = np.array([float(given.get(u, 0.0)) for u in units])
    else:
        dx = np.full(len(units), float(change))
    parts = impact_of_change(model, variable, dx)
    return delta_table(pd.Index(units, name="unit"), *parts, covariance, level, reference)
