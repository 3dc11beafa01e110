"""Fixed or random unit effects: Hausman's test in its regression form, with a p-value that holds for few clusters."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from ronghe.errors import RongheError
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.wild_bootstrap import joint_pvalue
from ronghe.spatial.spatial_panel import SpatialPanel


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
    means = np.repeat(X.mean(axis=1, keepdims=True), T, axis=1)
    moving = np.abs(X - means).max(axis=(0, 1)) > 1e-10 * np.abs(X).max(axis=(0, 1))
    if not moving.any():
        raise RongheError(f"{model.name}: Mundlak: no regressor moves over time; there is nothing to compare")
    columns = np.concatenate([X, means[:, :, moving]], axis=2).reshape(N * T, -1)
    layout = Layout(np.repeat(np.arange(N), T), np.tile(np.arange(T), N))
    effects = "time" if model.projection.has_time else "pooled"
    labels = [*names, *(f"mean of {n}" for n, m in zip(names, moving, strict=True) if m)]
    fit = fit_least_squares(panel.y.reshape(-1), columns, layout, effects, labels)
    R = np.eye(len(labels))[len(names) :]
    if len(R) >= N - 1:
        raise RongheError(
            f"{model.name}: Mundlak: {len(R)} means for {N} units; use fewer regressors, or "
            "durbin= for the lags of some"
        )
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
