"""Mean, spread and extremes of one variable of a panel, as tables print and sentences quote them."""

from __future__ import annotations

import pandas as pd

STATISTICS = ("mean", "sd", "sd_between", "sd_within", "min", "median", "max")


def summarise(column: pd.Series) -> dict[str, float]:
    """Return the statistics of one variable; between is over regional means, within over deviations from them.

    Both use the divisor n - 1 of their own number of values (regions, region-years), as `xtsum` does.
    """
    means = column.groupby(level="region").mean()
    deviations = column - means.reindex(column.index.get_level_values("region")).to_numpy()
    return {
        "mean": column.mean(),
        "sd": column.std(),
        "sd_between": means.std(),
        "sd_within": deviations.std(),
        "min": column.min(),
        "median": column.median(),
        "max": column.max(),
    }
