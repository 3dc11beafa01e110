"""Fixed or random unit effects: Hausman's test in its regression form, with a p-value that holds for few clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ronghe.errors import RongheError
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.wild_bootstrap import joint_pvalue
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.joint_tests import JointTest, statistics_rows


class MeansTest(JointTest):
    """Hausman's test in its regression form for a model with W y: unit means of X, and their lags, beside [X, W X].

    Both models have period effects and no unit effects; the disturbance of a unit holds its random effect, and a
    covariance clustered by unit allows for it. The maximum stays consistent: each unit's block of the disturbance's
    covariance is the same, so that E e'Ge = tr(G) E e'e / N.
    """

    def __init__(self, model: SpatialPanel) -> None:
        """Lay out the model with the means and the one without."""
        s, panel = model.specification, model.panel
        if not s.has_lag or s.has_error:
            raise RongheError(f"{model.name}: means of the regressors are tested in sar and sdm, not in '{s.model}'")
        X = panel.X[:, :, [i for i, n in enumerate(s.names) if n != "const"]]
        names = [n for n in s.names if n != "const"]
        means, moving = _means(X, model.name)
        added = [f"mean of {n}" for n, m in zip(names, moving, strict=True) if m]
        lagged = [f"mean of {n}" for n in s.durbin if f"mean of {n}" in added]
        _require_units(len(added) + len(lagged), panel.n_units, model.name)
        index = pd.MultiIndex.from_product([panel.units, panel.periods], names=panel.index.names)
        columns = np.concatenate([X, means[:, :, moving]], axis=2).reshape(len(index), -1)
        frame = pd.DataFrame(columns, index=index, columns=[*names, *added])
        y = pd.Series(panel.y.ravel(), index=index, name="y")
        has_time = model.projection.has_time
        effects, method = ("time", s.method) if has_time else ("pooled", "lsdv")

        def batch(names: list[str], durbin: list[str]) -> Batch:
            durbin = durbin if s.durbin else None
            return Batch(SpatialPanel(y, frame[names], model.weights, s.model, effects, method, durbin))

        self.hypothesis = "means"
        self.whole = batch([*names, *added], [*s.durbin, *lagged])
        self.small = batch(names, list(s.durbin))
        terms = list(self.whole.names)
        self.places = [terms.index(n) for n in added] + [terms.index(f"W*{n}") for n in lagged]

    def gap(self, fit: BatchFit) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients of the means (draw, restriction) and gradients (draw, restriction, parameter)."""
        rows = np.eye(len(self.whole.names))[self.places]
        return fit.values[:, self.places], np.repeat(rows[None], fit.n_draws, axis=0)

    @property
    def df(self) -> int:
        """Number of means."""
        return len(self.places)


def means_bootstrap(model: SpatialPanel, draws: int = 9999, weights: str = "rademacher", seed: int = 0) -> dict:
    """Return the Wald test (CR3) that unit means do not enter a sar or sdm, its p by wild bootstrap, null imposed.

    >>> from ronghe.spatial import SpatialPanel, munnell
    >>> data, W = munnell()
    >>> model = SpatialPanel.from_formula("log(gsp) ~ log(emp) + unemp | units + time", data, W, model="sar")
    >>> found = means_bootstrap(model, draws=99)
    >>> found["df"], 0 < found["pvalue"] <= 1
    (2, True)
    """
    (row,) = statistics_rows(MeansTest(model), model.panel.y, ("Wald, CR3",), draws, weights, seed)
    note = f"{model.specification.model}, Wald, CR3, {row['draws']} draws of signs by unit"
    return {"test": "Hausman, regression form with W y", **row, "note": note}


def mundlak_wild(model: SpatialPanel, draws: int = 9999, studentised: str = "CR3", seed: int = 0) -> dict:
    """Return the Wald test that unit means do not enter y on [X, W X] and their means, with time effects if any.

    Mundlak (1978), Arellano (1993): the means of the regressors (and of their lags in a Durbin model) are zero beside
    random effects. Least squares, clustered by unit, which needs no model of the error; p from the wild bootstrap with
    the null imposed. W y is not among the regressors: the test is about the reduced model without rho.
    """
    s, panel = model.specification, model.panel
    N, T = panel.y.shape
    X = panel.X[:, :, [i for i, n in enumerate(s.names) if n != "const"]]
    names = [n for n in s.names if n != "const"]
    if s.durbin:
        picked = [names.index(n) for n in s.durbin]
        lagged = np.einsum("ij,jtk->itk", model.weights.sparse.toarray(), X[:, :, picked])
        X, names = np.concatenate([X, lagged], axis=2), names + [f"W*{n}" for n in s.durbin]
    means, moving = _means(X, model.name)
    columns = np.concatenate([X, means[:, :, moving]], axis=2).reshape(N * T, -1)
    layout = Layout(np.repeat(np.arange(N), T), np.tile(np.arange(T), N))
    effects = "time" if model.projection.has_time else "pooled"
    labels = [*names, *(f"mean of {n}" for n, m in zip(names, moving, strict=True) if m)]
    fit = fit_least_squares(panel.y.reshape(-1), columns, layout, effects, labels)
    R = np.eye(len(labels))[len(names) :]
    _require_units(len(R), N, model.name)
    statistic, p = joint_pvalue(LinearClusters(fit, layout, effects), R, draws, studentised, "rademacher", seed)
    return {
        "test": "Mundlak: unit means of the regressors",
        "statistic": statistic,
        "df": len(R),
        "textbook": float(chdtrc(len(R), statistic)),
        "pvalue": p,
        "draws": draws,
        "note": f"least squares, {studentised} by unit, wild bootstrap with the null imposed",
    }


def _means(X: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit means of regressors (unit, period, column) in every period, and which regressors move."""
    means = np.repeat(X.mean(axis=1, keepdims=True), X.shape[1], axis=1)
    moving = np.abs(X - means).max(axis=(0, 1)) > 1e-10 * np.abs(X).max(axis=(0, 1))
    if not moving.any():
        raise RongheError(f"{name}: Mundlak: no regressor moves over time; there is nothing to compare")
    return means, moving


def _require_units(n_means: int, n_units: int, name: str) -> None:
    if n_means >= n_units - 1:
        raise RongheError(
            f"{name}: Mundlak: {n_means} means for {n_units} units; use fewer regressors, or "
            "durbin= for the lags of some"
        )
