"""Couplings of several pairs of systems side by side, by year and group of regions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from ronghe.errors import RongheError, listing, require_known
from ronghe.frames import select_columns


def compare_pairs(
    panel: pd.DataFrame, states: dict[str, pd.DataFrame], regions_table: pd.DataFrame, group: str = "macro_region"
) -> dict[str, pd.DataFrame]:
    """Compare couplings by year and group of regions (and over all regions), and correlate them pairwise.

    `panel` holds NAME.coordination and NAME.coordination_modified of each coupling, `states` its table of lagging
    subsystems, and `group` is the column of the regions table (indexed by region) that groups the regions.
    """
    require_known(group, regions_table.columns, "column", "regions table")
    columns = [f"{name}.{column}" for name in states for column in ("coordination", "coordination_modified")]
    panel = select_columns(panel, columns, "comparison of couplings")
    groups, regions = regions_table[group], panel.index.get_level_values("region")
    missing = regions.unique().difference(groups.dropna().index)
    if len(missing):
        raise RongheError(f"no group is given for {listing(missing)}: complete the regions table")
    of_region = groups.reindex(regions).to_numpy()
    tables = []
    for name, state in states.items():
        frame = pd.DataFrame(
            {
                "coordination": panel[f"{name}.coordination"],
                "coordination_modified": panel[f"{name}.coordination_modified"],
                "lagging": state["lagging"].reindex(panel.index),
            }
        )
        for labels in (of_region, np.full(len(frame), "all", dtype=object)):
            grouped = frame.assign(group=labels).groupby(["year", "group"])
            tables.append(_summary(grouped).assign(coupling=name).reset_index())
    table = pd.concat(tables, ignore_index=True)
    order = ["coupling", "year", "group"]
    table = table[order + [c for c in table if c not in order]]
    return {"comparison": table, "correlations": _coupling_correlations(panel, list(states))}


def _summary(grouped: DataFrameGroupBy) -> pd.DataFrame:
    D = grouped["coordination"]
    lagging = grouped["lagging"].agg(lambda s: s.value_counts().sort_index().idxmax())
    share = grouped["lagging"].agg(lambda s: s.value_counts().max() / len(s))
    return pd.DataFrame(
        {
            "regions": D.size(),
            "coordination": D.mean(),
            "standard_deviation": D.std(),
            "minimum": D.min(),
            "maximum": D.max(),
            "coordination_modified": grouped["coordination_modified"].mean(),
            "share_coordinated": D.agg(lambda d: (d >= 0.5).mean()),
            "lagging": lagging,
            "lagging_share": share,
        }
    )


def _coupling_correlations(panel: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the correlation of two couplings over all region-years, and of their ranks within years on average."""
    D = panel[[f"{name}.coordination" for name in names]].set_axis(names, axis=1)
    ranks = D.groupby(level="year").rank()
    pooled, spearman = D.corr(), ranks.corr()
    return pd.DataFrame(
        [
            {"first": a, "second": b, "pearson": pooled.loc[a, b], "spearman_within_years": spearman.loc[a, b]}
            for a, b in combinations(names, 2)
        ]
    )
