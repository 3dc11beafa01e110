"""The estimates of a spatial panel without each of its units, W cut: arrays from fit to fit, no frames between them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd

from ronghe.linear.inference import inference_table
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.freedom import Freedom
from ronghe.spatial.batch.shared import LARGEST, METHODS, MODELS
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.projection import Projection
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.threads import single_threaded
from ronghe.weights.matrix import Weights

# What a covariance of the engine is called in batches, by kind and small_sample.
KINDS = {
    ("expected", "none"): "expected",
    ("observed", "none"): "observed",
    ("clustered", "none"): "CR0",
    ("clustered", "clusters"): "CR1",
    ("clustered", "CR1"): "CR1",
    ("clustered", "CR2"): "CR2",
    ("clustered", "corrected"): "CR2",
    ("clustered", "CR3"): "CR3",
    ("clustered", "jackknife"): "CR3",
}
EFFECTS = ("direct", "indirect", "total")


def has_batch_form(model: SpatialPanel, covariance: str, small_sample: str) -> bool:
    """Return whether model and covariance are among those that batches know."""
    s = model.specification
    known = s.model in MODELS and s.method in METHODS and (covariance, small_sample) in KINDS
    return known and model.panel.observed is None and model.panel.n_units <= LARGEST


def without_unit(model: SpatialPanel, place: int, W: Weights | None) -> SpatialPanel:
    """Return the model without the unit at a place, on weights among the others.

    >>> import numpy as np
    >>> from ronghe.spatial import SpatialPanel, munnell
    >>> data, W = munnell()
    >>> model = SpatialPanel(np.log(data["gsp"]), np.log(data[["emp"]]), W, "slx")
    >>> without_unit(model, 0, W.subset(W.labels[1:]).standardise("row")).panel.n_units
    47
    """
    panel, T = model.panel, model.panel.n_periods
    kept = panel.rows // T != place
    rows = panel.rows[kept]
    smaller = replace(
        panel,
        units=panel.units[:place] + panel.units[place + 1 :],
        y=np.delete(panel.y, place, axis=0),
        X=np.delete(panel.X, place, axis=0),
        index=panel.index[kept],
        rows=rows - T * (rows // T > place),
    )
    other = copy(model)
    for cached in ("moments", "likelihood"):
        other.__dict__.pop(cached, None)
    other.panel, other.weights, other.projection = smaller, W, Projection(model.specification.effects)
    other.error_weights = None
    return other


@single_threaded
def estimates(
    model: SpatialPanel, variables: Sequence[str], covariance: str, small_sample: str, df: str | None
) -> pd.DataFrame:
    """Return coefficients of variables, rho, and the variables' impacts, with errors, p-values and intervals.

    Rows are named as `SpatialPanelResult` names them: the variable, rho, and (effect: variable); a model without W y
    and W x has no impacts, as there.
    """
    batch = Batch(model)
    fit = batch.fit(model.panel.y[None])
    names, s = list(batch.names), model.specification
    terms = [*variables, *(["rho"] if s.has_lag else [])]
    values, gradients = fit.values[:, [names.index(t) for t in terms]], np.eye(len(names))
    gradients = gradients[None, [names.index(t) for t in terms]]
    if s.model != "ols":
        impacts, slopes = fit.impacts(variables)
        values = np.concatenate([values, impacts.reshape(1, -1)], axis=1)
        gradients = np.concatenate([gradients, slopes.reshape(1, -1, len(names))], axis=1)
        terms += [f"{effect}: {v}" for v in variables for effect in EFFECTS]
    errors, freedom = _errors(fit, gradients, KINDS[covariance, small_sample], small_sample, df)
    freedom = np.full(len(terms), np.inf) if covariance != "clustered" else freedom
    return inference_table(values[0], errors, freedom).set_index(pd.Index(terms, name="term"))


def _errors(
    fit: BatchFit, gradients: np.ndarray, kind: str, small_sample: str, df: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return standard errors and degrees of freedom of quantities g'theta, as `FewClusters.freedom` has them."""
    variances = fit.variances(kind, gradients)[0]
    found = np.full(len(variances), np.inf if df == "normal" else fit.batch.n_units - 1.0)
    corrected = small_sample == "corrected"
    df = ("satterthwaite" if corrected else "clusters") if df is None else df
    if corrected or df in ("satterthwaite", "working"):
        freedom = Freedom(fit, gradients, "CR1" if kind == "CR0" else kind)
        bias, working = freedom.moments(working=True)
        variances = variances / bias[0] if corrected else variances
        if df in ("satterthwaite", "working"):
            found = working[0] if df == "working" else freedom.moments(working=False)[1][0]
    return np.sqrt(variances), found
