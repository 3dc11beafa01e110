"""Spatial dependence of variables and of pairs of variables, year by year, under every weights matrix named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ronghe.explore.autocorrelation import STATISTICS, bivariate_tests, global_tests
from ronghe.explore.by_weights import stack
from ronghe.explore.permutation import count_for
from ronghe.frames import select_columns
from ronghe.weights.matrix import Weights


def measure_dependence(
    panel: pd.DataFrame,
    weights: Mapping[str, Weights],
    variables: Sequence[str],
    statistics: Sequence[str] = tuple(STATISTICS),
    pairs: Sequence[Sequence[str]] = (),
    lags: Sequence[int] = (0, 1),
    permutations: int | None = None,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Return the global and the bivariate tests under every W, with the name of W as the first column.

    Unless said how many, 9,999 orders are drawn, and 999 of more than 500 regions; the global table holds the number.
    """
    panel = select_columns(panel, [*variables, *(name for pair in pairs for name in pair)], "dependence")
    alone = {
        name: global_tests(panel[list(variables)], W, statistics, count_for(W.n, permutations), seed)
        for name, W in weights.items()
    }
    both = {
        name: pd.concat(
            [bivariate_tests(panel, pairs, W, lag, count_for(W.n, permutations), seed) for lag in lags],
            ignore_index=True,
        )
        for name, W in weights.items()
    }
    return {"global": stack(alone), "bivariate": stack(both)}
