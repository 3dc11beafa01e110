"""Runs what one entry of the configuration asks of spatial dependence: over weights, variables, pairs and effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ronghe.explore.autocorrelation import STATISTICS, bivariate_tests, global_tests
from ronghe.explore.local import cluster_transitions, local_tests, quadrant_moves
from ronghe.spatial.choice import lagrange
from ronghe.weights.matrix import Weights


def measure_dependence(
    panel: pd.DataFrame,
    weights: Mapping[str, Weights],
    variables: Sequence[str],
    statistics: Sequence[str] = tuple(STATISTICS),
    pairs: Sequence[Sequence[str]] = (),
    lags: Sequence[int] = (0, 1),
    permutations: int = 9999,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Return the global and the bivariate tests under every W, with the name of W as the first column."""
    alone = {
        name: global_tests(panel[list(variables)], W, statistics, permutations, seed) for name, W in weights.items()
    }
    both = {
        name: pd.concat([bivariate_tests(panel, pairs, W, lag, permutations, seed) for lag in lags], ignore_index=True)
        for name, W in weights.items()
    }
    return {"global": _stack(alone), "bivariate": _stack(both)}


def find_clusters(
    panel: pd.DataFrame,
    weights: Mapping[str, Weights],
    variables: Sequence[str],
    alpha: float = 0.05,
    correction: str = "fdr",
    permutations: int = 9999,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Return local tests, and the moves of clusters and quadrants over the years, under every W."""
    local = {
        name: local_tests(panel[list(variables)], W, alpha, correction, permutations, seed)
        for name, W in weights.items()
    }
    moves = {
        name: pd.concat([cluster_transitions(table, kind) for kind in ("cluster", "uncorrected_cluster", "quadrant")])
        for name, table in local.items()
    }
    return {
        "local": _stack(local),
        "transitions": _stack(moves),
        "moves": _stack({name: quadrant_moves(t) for name, t in local.items()}),
    }


def examine_residuals(
    panel: pd.DataFrame,
    weights: Mapping[str, Weights],
    outcome: str,
    regressors: Sequence[str],
    effects: Sequence[str] = tuple(lagrange.EFFECTS),
    method: str = "lsdv",
) -> dict[str, pd.DataFrame]:
    """Return the tests on residuals without spatial terms under every W and for every kind of effects."""
    y, X = panel[outcome], panel[list(regressors)]
    moran, cross = {}, {}
    for name, W in weights.items():
        residuals = {kind: lagrange.fit_within(y, X, W, kind).series() for kind in effects}
        moran[name] = pd.concat([lagrange.residual_moran(y, X, W, kind).assign(effects=kind) for kind in effects])
        cross[name] = pd.concat([lagrange.pesaran_cd(e, W).assign(effects=kind) for kind, e in residuals.items()])
    tests = {name: lagrange.lm_table(y, X, W, effects, method) for name, W in weights.items()}
    return {"lagrange": _stack(tests), "moran": _stack(moran), "cross_section": _stack(cross)}


def _stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of several weights under one another, the name of the weights and the effects in front."""
    table = pd.concat([t.assign(weights=name) for name, t in tables.items()], ignore_index=True)
    first = [c for c in ("weights", "effects") if c in table]
    return table[[*first, *(c for c in table if c not in first)]]
