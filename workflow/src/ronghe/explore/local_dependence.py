"""Local clusters of variables and how they move over the years, under every weights matrix named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ronghe.explore.by_weights import stack
from ronghe.explore.local_statistics import cluster_transitions, local_tests, quadrant_moves
from ronghe.frames import select_columns
from ronghe.weights.matrix import Weights


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
        name: local_tests(select_columns(panel, variables, "clusters"), W, alpha, correction, permutations, seed)
        for name, W in weights.items()
    }
    moves = {
        name: pd.concat([cluster_transitions(table, kind) for kind in ("cluster", "uncorrected_cluster", "quadrant")])
        for name, table in local.items()
    }
    return {
        "local": stack(local),
        "transitions": stack(moves),
        "moves": stack({name: quadrant_moves(t) for name, t in local.items()}),
    }
