"""The fixed effects of a fitted spatial panel, recovered from what the estimates leave, with standard errors."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.inference import coefficient_table
from ronghe.spatial.equation import Specification
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.postestimation import reduced_form
from ronghe.spatial.postestimation.reduced_form import FixedEffects
from ronghe.spatial.sufficient_statistics import lag


class Fitted(Protocol):
    """What postestimation needs of a fitted `SpatialPanel`."""

    model: FittedModel
    specification: Specification
    sigma2: float
    cov: pd.DataFrame
    resids: pd.Series


def structural_part(result: Fitted) -> np.ndarray:
    """Return X b + W X theta for the sample, as an array (unit, period)."""
    model, s = result.model, result.specification
    return reduced_form.structural_part(model.panel.X, s.names, s.durbin, model.b, model.lag_weights)


def remainder(result: Fitted) -> np.ndarray:
    """Return y - rho W y - X b - W X theta: the fixed effects plus the disturbance u."""
    model = result.model
    y = model.panel.y
    lagged = model.rho * lag(model.lag_matrix, y) if model.likelihood.lag is not None else 0.0
    return y - lagged - structural_part(result)


def recover(result: Fitted) -> FixedEffects:
    """Return the fixed effects: means of the remainder over periods and over units (Elhorst 2014, eq. 3.9 and 3.13).

    With a spatial error the time effects are the generalised means 1'B r_t / (1'B 1); those of units need no weights,
    as B is the same in all periods.
    """
    return reduced_form.split(remainder(result), result.model.projection, _unit_shares(result))


def _unit_shares(result: Fitted) -> np.ndarray:
    """Return the shares 1'B / (1'B 1) of the units in a time effect; equal ones without a spatial error."""
    model = result.model
    n_units = model.panel.n_units
    if model.likelihood.error is None or not model.projection.has_time:
        return np.full(n_units, 1 / n_units)
    shares = np.ones(n_units) - model.lam * (model.likelihood.error.matrix.T @ np.ones(n_units))
    return shares / shares.sum()


def fixed_effects_table(result: Fitted, kind: str = "units", level: float = 0.95) -> pd.DataFrame:
    """Return the unit or the time effects, each with its standard error, statistic, p-value and interval.

    The variance of an effect is that of the mean disturbance behind it, less its part in the overall mean, plus
    g' V g: g holds the mean regressors (W y for rho; for lambda, what the weights of a generalised mean move) of the
    unit or period less the overall means, V is the covariance of the coefficients. With the observed covariance this
    is what the Hessian with all dummies gives.
    """
    model = result.model
    has = model.projection.has_units if kind == "units" else model.projection.has_time
    if kind not in ("units", "time") or not has:
        raise RongheError(f"this model has no {kind} effects to recover (effects='{model.projection.effects}')")
    found = recover(result)
    columns = _columns(result)
    columns = columns.mean(axis=1) if kind == "units" else np.einsum("i,itk->tk", _unit_shares(result), columns)
    names = [*result.specification.terms, *(["rho"] if model.likelihood.lag is not None else [])]
    if kind == "time" and model.likelihood.error is not None:
        # d tau / d lambda = -1'M u / (1'B 1), u off the effects.
        u = remainder(result) - found.surface
        M, n_units = model.likelihood.error.matrix, model.panel.n_units
        columns = np.column_stack([columns, (M @ u).sum(axis=0) / (n_units * (1 - model.lam))])
        names.append("lambda")
    g = columns - columns.mean(axis=0)
    V = result.cov.loc[names, names].to_numpy()
    spread = _mean_variance(result, kind) + np.einsum("ip,pq,iq->i", g, V, g)
    values = found.units if kind == "units" else found.times
    labels = model.panel.units if kind == "units" else model.panel.periods
    table = coefficient_table(list(labels), values, np.diag(spread), level=level)
    return table.rename(columns={"term": "unit" if kind == "units" else "period"})


def _columns(result: Fitted) -> np.ndarray:
    """Return the regressors, W X and W y as an array (unit, period, column)."""
    model, s = result.model, result.specification
    parts = [model.panel.X]
    if s.durbin:
        picked = [s.names.index(name) for name in s.durbin]
        parts.append(lag(model.lag_matrix, np.ascontiguousarray(model.panel.X[:, :, picked])))
    if model.likelihood.lag is not None:
        parts.append(lag(model.lag_matrix, model.panel.y)[:, :, None])
    return np.concatenate(parts, axis=2)


def _mean_variance(result: Fitted, kind: str) -> np.ndarray:
    """Return the variance of each mean disturbance less the overall mean."""
    model, s2 = result.model, result.sigma2
    n_units, n_periods = model.panel.n_units, model.panel.n_periods
    if kind == "time":
        edge = 1.0
        if model.likelihood.error is not None:
            edge = 1 - model.lam
        return np.full(n_periods, s2 / (n_units * edge**2) * (1 - 1 / n_periods))
    if model.likelihood.error is None:
        return np.full(n_units, s2 / n_periods * (1 - 1 / n_units))
    ln_det = model.likelihood.error
    if not ln_det.has_small_inverse:
        raise RongheError("errors of unit effects with a spatial error need (B'B)^-1, which is not formed at this size")
    inverse = ln_det.inverse(model.lam)
    inverse = inverse - inverse.mean(axis=0)
    return s2 / n_periods * np.einsum("ij,ij->i", inverse, inverse)
