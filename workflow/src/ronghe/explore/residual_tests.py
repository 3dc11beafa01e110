"""Spatial dependence left in the residuals of a panel model without spatial terms, under every weights matrix named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ronghe.explore.by_weights import stack
from ronghe.frames import select_columns
from ronghe.spatial.choice import lagrange
from ronghe.weights.matrix import Weights


def examine_residuals(
    panel: pd.DataFrame,
    weights: Mapping[str, Weights],
    outcome: str,
    regressors: Sequence[str],
    effects: Sequence[str] = tuple(lagrange.EFFECTS),
    method: str = "lsdv",
) -> dict[str, pd.DataFrame]:
    """Return the tests on residuals without spatial terms under every W and for every kind of effects."""
    panel = select_columns(panel, [outcome, *regressors], "residual tests")
    y, X = panel[outcome], panel[list(regressors)]
    moran, cross = {}, {}
    for name, W in weights.items():
        residuals = {kind: lagrange.fit_within(y, X, W, kind).series() for kind in effects}
        moran[name] = pd.concat([lagrange.residual_moran(y, X, W, kind).assign(effects=kind) for kind in effects])
        cross[name] = pd.concat([lagrange.pesaran_cd(e, W).assign(effects=kind) for kind, e in residuals.items()])
    tests = {name: lagrange.lm_table(y, X, W, effects, method) for name, W in weights.items()}
    return {"lagrange": stack(tests), "moran": stack(moran), "cross_section": stack(cross)}
