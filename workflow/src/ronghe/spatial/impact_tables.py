"""Tables of effects: average, by order of neighbours, by unit, and for a chosen change."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from ronghe.errors import RongheError, listing, require_known
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.impacts import (
    EFFECT_NAMES,
    average_effects,
    delta_errors,
    effect_of_change,
    effects_by_order,
    effects_of_draws,
    unit_effects,
    variables_and_places,
)

COLUMNS = ["estimate", "std_error", "statistic", "pvalue", "lower", "upper"]
UNIT_EFFECTS = ("direct", "received", "given")


def inference(values: np.ndarray, errors: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return the columns estimate, std_error, statistic, pvalue, lower, upper with normal quantiles."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = values / errors
    half = ndtri(0.5 + level / 2) * errors
    return np.column_stack([values, errors, statistic, 2 * ndtr(-np.abs(statistic)), values - half, values + half])


def impact_table(
    model: FittedModel, covariance: np.ndarray, method: str, level: float, n_draws: int, seed: int
) -> pd.DataFrame:
    """Return average effects, their errors by the delta method or from draws of the parameters.

    `simulation` draws from the normal distribution of the estimates (LeSage and Pace 2009, section 5.6.3): the
    errors are standard deviations, the limits quantiles of the draws. Draws of rho outside its interval are left out;
    their number is in `attrs["draws_outside"]`.
    """
    require_known(method, ["delta", "simulation"], "method", "impacts")
    variables, effects, jacobian = average_effects(model)
    index = pd.MultiIndex.from_product([variables, EFFECT_NAMES], names=["variable", "effect"])
    if method == "delta":
        table = inference(effects.ravel(), delta_errors(jacobian, covariance).ravel(), level)
        return pd.DataFrame(table, index=index, columns=COLUMNS)
    scale = np.sqrt(np.diag(covariance))
    root = np.linalg.cholesky(covariance / np.outer(scale, scale) + 1e-14 * np.eye(len(scale)))
    normal = np.random.default_rng(seed).standard_normal((n_draws, len(scale)))
    drawn, n_out = effects_of_draws(model, model.values + (normal @ root.T) * scale)
    drawn = drawn.reshape(len(drawn), -1)
    table = inference(effects.ravel(), drawn.std(axis=0, ddof=1), level)
    table[:, 4:] = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0).T
    frame = pd.DataFrame(table, index=index, columns=COLUMNS)
    frame.attrs["draws_outside"] = n_out
    return frame


def order_table(model: FittedModel, covariance: np.ndarray, n_orders: int, level: float) -> pd.DataFrame:
    """Return effects split by order of neighbours, order 0 being the unit itself."""
    if model.likelihood.lag is None:
        raise RongheError(f"model '{model.specification.model}' has no rho: its effects do not spread by orders")
    variables, effects, jacobian = effects_by_order(model, n_orders)
    index = pd.MultiIndex.from_product(
        [variables, EFFECT_NAMES, range(n_orders)], names=["variable", "effect", "order"]
    )
    table = inference(effects.ravel(), delta_errors(jacobian, covariance).ravel(), level)
    return pd.DataFrame(table, index=index, columns=COLUMNS)


def unit_table(model: FittedModel, covariance: np.ndarray, level: float) -> pd.DataFrame:
    """Return direct, received and given effects of every unit."""
    variables, effects, jacobian = unit_effects(model)
    index = pd.MultiIndex.from_product(
        [variables, model.panel.units, UNIT_EFFECTS], names=["variable", "unit", "effect"]
    )
    table = inference(effects.ravel(), delta_errors(jacobian, covariance).ravel(), level)
    return pd.DataFrame(table, index=index, columns=COLUMNS)


def change_table(
    model: FittedModel, covariance: np.ndarray, variable: str, change: object, level: float
) -> pd.DataFrame:
    """Return what a change of one regressor does to every unit; `change` is a number for all, or given by unit."""
    variables, _ = variables_and_places(model)
    require_known(variable, variables, "regressor", "effect_of_change")
    units = list(model.panel.units)
    if isinstance(change, (Mapping, pd.Series)):
        given = dict(change)
        unknown = [u for u in given if u not in set(units)]
        if unknown:
            raise RongheError(f"effect_of_change: no such units: {listing(unknown)}")
        dx = np.array([float(given.get(u, 0.0)) for u in units])
    else:
        dx = np.full(len(units), float(change))
    effect, jacobian = effect_of_change(model, variable, dx)
    table = inference(effect, delta_errors(jacobian, covariance), level)
    return pd.DataFrame(table, index=pd.Index(units, name="unit"), columns=COLUMNS)
