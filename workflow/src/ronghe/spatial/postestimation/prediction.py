"""Predictions of y from a fitted spatial panel: reduced form, naive, and best linear; and its residuals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing, require_known
from ronghe.spatial.equation import CONSTANT
from ronghe.spatial.postestimation.fixed_effects import Fitted, FixedEffects, recover, structural_part
from ronghe.spatial.sufficient_statistics import lag

METHODS = ("reduced_form", "naive", "best")


def predict(
    result: Fitted,
    X: pd.DataFrame | None = None,
    method: str = "reduced_form",
    time_effect: float | str = "mean",
) -> pd.Series:
    """Return predictions for the sample, or by the reduced form for other regressors.

    reduced_form  S^-1 (X b + W X theta + mu + tau): what the model expects without looking at any y
    naive         rho W y + X b + W X theta + mu + tau: takes the neighbours' y as given, though they depend on own y
    best          E[y_i | all other y of the period]: y - diag(P)^-1 P (y - reduced form), P = S'B'B S, the precision
                  (Goulard, Laurent and Thomas-Agnan 2017, Spatial Economic Analysis 12, eq. 19)

    `X` holds every unit in each of its periods. A period outside the sample has no estimated effect: `time_effect`
    is then "mean" (zero beyond the constant), "last", or a number.

    >>> from ronghe.spatial import SpatialPanel, munnell, predict
    >>> data, W = munnell()
    >>> result = SpatialPanel.from_formula("log(gsp) ~ log(emp) + unemp | units", data, W).fit()
    >>> y = result.fitted_values + result.resids
    >>> errors = {method: (y - predict(result, method=method)).std() for method in METHODS}
    >>> min(errors, key=errors.get)
    'best'
    """
    require_known(method, METHODS, "method", "predict")
    fixed_effects = recover(result)
    if X is not None:
        if method != "reduced_form":
            raise RongheError(f"predict: method '{method}' needs y of the neighbours; for new X use 'reduced_form'")
        return _new(result, X, fixed_effects, time_effect)
    model = result.model
    structural = structural_part(result) + fixed_effects.surface
    return model.panel.series(_in_sample(result, structural, method), "prediction")


def _in_sample(result: Fitted, structural: np.ndarray, method: str) -> np.ndarray:
    model = result.model
    y, ln_det = model.panel.y, model.likelihood.lag
    if method == "naive":
        return structural + (model.rho * lag(model.lag_matrix, y) if ln_det is not None else 0.0)
    expected = ln_det.solve(model.rho, structural) if ln_det is not None else structural
    if method == "reduced_form":
        return expected
    identity = sparse.identity(model.panel.n_units, format="csr")
    A = identity - model.rho * model.lag_matrix if ln_det is not None else identity
    if model.likelihood.error is not None:
        A = (identity - model.lam * model.likelihood.error.matrix) @ A
    P = sparse.csr_array(A.T @ A)
    return y - (P @ (y - expected)) / P.diagonal()[:, None]


def _new(result: Fitted, X: pd.DataFrame, fixed_effects: FixedEffects, time_effect: float | str) -> pd.Series:
    """Return reduced-form predictions for a frame of regressors that holds every unit in every one of its periods."""
    model = result.model
    names = [n for n in result.specification.names if n != CONSTANT or n in X.columns]
    absent = [n for n in names if n not in X.columns]
    if absent:
        raise RongheError(f"predict: X lacks {listing(absent)}")
    periods = sorted(set(X.index.get_level_values(1)))
    grid = pd.MultiIndex.from_product([model.panel.units, periods])
    if X.index.has_duplicates or len(grid) != len(X) or len(grid.difference(X.index)):
        gaps = grid.difference(X.index)
        raise RongheError(f"predict: X must hold every unit once in each period; missing: {listing(gaps) or 'none'}")
    ordered = X.reindex(grid)
    shape = (len(model.panel.units), len(periods))
    columns = [
        ordered[n].to_numpy(float).reshape(shape) if n in X.columns else np.ones(shape)
        for n in result.specification.names
    ]
    known = dict(zip(model.panel.periods, fixed_effects.times, strict=True))
    if time_effect == "last":
        unknown = float(fixed_effects.times[-1])
    elif time_effect == "mean":
        unknown = 0.0
    elif isinstance(time_effect, (int, float)):
        unknown = float(time_effect)
    else:
        raise RongheError(f"predict: time_effect is 'mean', 'last' or a number, not '{time_effect}'")
    times = np.array([known.get(p, unknown) for p in periods])
    structural = structural_part(result, np.stack(columns, axis=2))
    structural = structural + fixed_effects.constant + fixed_effects.units[:, None] + times
    ln_det = model.likelihood.lag
    values = ln_det.solve(model.rho, structural) if ln_det is not None else structural
    return pd.Series(values.ravel(), index=grid.set_names(X.index.names), name="prediction").reindex(X.index)


def residual_table(result: Fitted) -> pd.DataFrame:
    """Return y, the three predictions and their errors, and the projected disturbance e, row by row."""
    model = result.model
    y = model.panel.series(model.panel.y, "y")
    columns = {"y": y}
    for method in METHODS:
        columns[method] = predict(result, method=method)
    for method in METHODS:
        columns[f"{method}_error"] = y - columns[method]
    columns["disturbance"] = result.resids
    return pd.DataFrame(columns)
