"""Predictions of y from a fitted spatial panel: reduced form, naive, and best linear; and its residuals."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, require_known
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.postestimation.fixed_effects import Fitted, structural_part
from ronghe.spatial.postestimation.reduced_form import ReducedForm
from ronghe.spatial.sufficient_statistics import lag

METHODS = ("reduced_form", "naive", "best")


class Predicted(Protocol):
    """A fitted model of any class: it knows its reduced form."""

    def reduced_form(self) -> ReducedForm:
        """Return what predictions need."""


def predict(
    result: Predicted,
    X: pd.DataFrame | None = None,
    method: str = "reduced_form",
    time_effect: float | str = "mean",
) -> pd.Series:
    """Return predictions of any fitted model for the sample, or by the reduced form for other regressors.

    reduced_form  S^-1 (X b + W X theta + mu + tau): what the model expects without looking at any y of the period
    naive         rho W y + X b + W X theta + mu + tau: takes the neighbours' y as given, though they depend on own y
    best          E[y_i | all other y of the period]: y - diag(P)^-1 P (y - reduced form), P = S'B'B S, the precision
                  (Goulard, Laurent and Thomas-Agnan 2017, Spatial Economic Analysis 12, eq. 19)

    naive and best are for `SpatialPanel`. Random effects mu are predicted from the sample (Goldberger 1962; Baltagi,
    Bresson and Pirotte 2012); a dynamic model takes y of the period before as observed, and beyond the sample as
    predicted; endogenous regressors count as given. `X` holds every unit in each of its periods. A period outside the
    sample has no estimated effect: `time_effect` is then "mean" (zero beyond the constant), "last", or a number.

    >>> from ronghe.spatial import SpatialPanel, munnell, predict
    >>> data, W = munnell()
    >>> result = SpatialPanel.from_formula("log(gsp) ~ log(emp) + unemp | units", data, W).fit()
    >>> y = result.fitted_values + result.resids
    >>> errors = {method: (y - predict(result, method=method)).std() for method in METHODS}
    >>> min(errors, key=errors.get)
    'best'
    """
    require_known(method, METHODS, "method", "predict")
    if method != "reduced_form" and not isinstance(getattr(result, "model", None), FittedModel):
        raise RongheError(
            f"predict: method '{method}' is for SpatialPanel; {type(result).__name__} predicts by its 'reduced_form'"
        )
    form = result.reduced_form()
    if X is not None:
        if method != "reduced_form":
            raise RongheError(f"predict: method '{method}' needs y of the neighbours; for new X use 'reduced_form'")
        return form.at(X, time_effect)
    if method == "reduced_form":
        return form.sample()
    structural = structural_part(result) + form.effects.surface
    return result.model.panel.series(_in_sample(result, structural, method), "prediction")


def _in_sample(result: Fitted, structural: np.ndarray, method: str) -> np.ndarray:
    model = result.model
    y, ln_det = model.panel.y, model.likelihood.lag
    if method == "naive":
        return structural + (model.rho * lag(model.lag_matrix, y) if ln_det is not None else 0.0)
    expected = ln_det.solve(model.rho, structural) if ln_det is not None else structural
    identity = sparse.identity(model.panel.n_units, format="csr")
    A = identity - model.rho * model.lag_matrix if ln_det is not None else identity
    if model.likelihood.error is not None:
        A = (identity - model.lam * model.likelihood.error.matrix) @ A
    P = sparse.csr_array(A.T @ A)
    return y - (P @ (y - expected)) / P.diagonal()[:, None]


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
