"""Weightings of one system side by side: how alike the ranks are that they give."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from ronghe.errors import RongheError
from ronghe.frames import check_panel
from ronghe.measures.weighting import rank_within_years


def compare_weightings(panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Compare indices (one column each) by the ranks they give to regions.

    `correlations`: Spearman and Kendall (tau-b) of two indices within each year; `summary`: their means over the
    years and the same over all region-years at once; `shifts`: how far ranks move against the first index.
    """
    panel = check_panel(panel, "comparison of weightings")
    if panel.shape[1] < 2:
        raise RongheError("comparison of weightings: a single index; name two or more")
    years = panel.index.get_level_values("year")
    rows = []
    for year, block in panel.groupby(level="year"):
        rows += _correlations(block, year=year)
    by_year = pd.DataFrame(rows)[["first", "second", "year", "spearman", "kendall"]]
    summary = by_year.groupby(["first", "second"], sort=False)[["spearman", "kendall"]].mean().add_suffix("_mean")
    pooled = pd.DataFrame(_correlations(panel)).set_index(["first", "second"]).add_suffix("_pooled")
    ranks = pd.DataFrame(
        rank_within_years(panel.to_numpy(float), years.to_numpy()), index=panel.index, columns=panel.columns
    )
    return {
        "correlations": by_year,
        "summary": summary.join(pooled).reset_index(),
        "shifts": pd.DataFrame([_shift(ranks, name) for name in ranks.columns[1:]]),
    }


def _correlations(block: pd.DataFrame, **labels: int) -> list[dict[str, str | int | float]]:
    spearman = block.rank().corr()
    kendall = block.corr(method="kendall")
    return [
        {"first": a, "second": b, **labels, "spearman": spearman.loc[a, b], "kendall": kendall.loc[a, b]}
        for a, b in combinations(block.columns, 2)
    ]


def _shift(ranks: pd.DataFrame, name: str) -> dict[str, str | int | float]:
    """Return how far ranks under `name` lie from those under the first index, and where the most."""
    against = ranks.columns[0]
    moved = (ranks[name] - ranks[against]).abs()
    region, year = moved.idxmax()
    return {
        "index": name,
        "against": against,
        "mean_shift": moved.mean(),
        "largest_shift": moved.max(),
        "region": region,
        "year": year,
        "share_unmoved": (moved == 0).mean(),
    }
