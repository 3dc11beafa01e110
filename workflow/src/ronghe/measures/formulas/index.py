"""Composite indices of a named system of indicators: index, sub-indices, weights, contributions and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from ronghe.errors import require_count, require_share
from ronghe.frames import select_columns
from ronghe.measures.weighting import (
    SHIFT,
    Moments,
    aggregate,
    contribute,
    loadings,
    rank_within_years,
    scale,
    weigh,
)


class CompositeIndex(NamedTuple):
    """An index and everything that it is made of; all but `weights` are keyed by region and year."""

    panel: pd.DataFrame
    weights: pd.DataFrame
    scores: pd.DataFrame
    contributions: pd.DataFrame
    intervals: pd.DataFrame


def composite_index(
    panel: pd.DataFrame,
    indicators: Mapping[str, Mapping[str, str]],
    weighting: str = "entropy",
    aggregation: str = "additive",
    scaling: str = "pooled",
    shift: float = SHIFT,
    floor: float = 0.0,
    draws: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> CompositeIndex:
    """Build the index of a system of indicators, each with its `direction` and, if any, its `dimension`.

    The sub-index of a dimension is the same aggregate of its indicators, their weights scaled to one. With
    `draws` > 0, intervals of index and rank come from resampling whole regions: the weights are estimated anew
    in every draw and applied to all regions, while the scale of the indicators stays (a region that was not
    drawn would otherwise leave [0, 1]).
    """
    require_count(draws, "index: draws")
    require_count(seed, "index: seed")
    require_share(level, "index: level")
    X = select_columns(panel, indicators, "indicators")
    scores = scale(X, {name: spec["direction"] for name, spec in indicators.items()}, scaling, floor)
    R, years = scores.to_numpy(float), scores.index.get_level_values("year").to_numpy()
    w = weigh(scores, weighting, shift)
    U = aggregate(R, w, aggregation)
    result = pd.DataFrame({"index": U[:, 0], "rank": rank_within_years(U, years)[:, 0]}, index=scores.index)
    for dimension, names in _members(indicators).items():
        places = [list(indicators).index(name) for name in names]
        part = w[:, places] / w[:, places].sum()
        result[dimension] = aggregate(R[:, places], part, aggregation)[:, 0]
    table = _weights_table(X, scores, indicators, w[0], scaling, shift)
    parts = pd.DataFrame(contribute(R, w[0], aggregation), index=scores.index, columns=scores.columns)
    intervals = pd.DataFrame(columns=["index", "lower", "upper", "rank", "rank_lower", "rank_upper"], index=X.index[:0])
    if draws:
        sample = weigh(scores, weighting, shift, draw_regions(len(result) // len(np.unique(years)), draws, seed))
        table["lower"], table["upper"] = _interval(sample.T, level)
        intervals = _intervals(result, R, sample, aggregation, level)
    return CompositeIndex(result, table, scores, parts, intervals)


def draw_regions(n_regions: int, draws: int, seed: int) -> np.ndarray:
    """Return how often each region stands in each resample of n_regions regions with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_regions, np.full(n_regions, 1 / n_regions), size=draws).astype(float)


def _members(indicators: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for name, spec in indicators.items():
        if "dimension" in spec:
            members.setdefault(spec["dimension"], []).append(name)
    return members


def _weights_table(
    X: pd.DataFrame,
    scores: pd.DataFrame,
    indicators: Mapping[str, Mapping[str, str]],
    w: np.ndarray,
    scaling: str,
    shift: float,
) -> pd.DataFrame:
    """Return one row per indicator: what it is, the bounds of its scale, its weight, and its loading."""
    n_years = X.index.get_level_values("year").nunique()
    moments = Moments.of(scores.to_numpy(float), np.ones((1, len(X) // n_years)), n_years, shift)
    pooled = scaling == "pooled"
    return pd.DataFrame(
        {
            "indicator": list(indicators),
            "dimension": [spec.get("dimension", "") for spec in indicators.values()],
            "direction": [spec["direction"] for spec in indicators.values()],
            "minimum": X.min().to_numpy() if pooled else np.nan,
            "maximum": X.max().to_numpy() if pooled else np.nan,
            "weight": w,
            "first_component_loading": loadings(moments)[0],
        }
    )


def _interval(values: np.ndarray, level: float, method: str = "linear") -> np.ndarray:
    """Return the lower and upper percentile of each row."""
    return np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=1, method=method)


def _intervals(result: pd.DataFrame, R: np.ndarray, sample: np.ndarray, aggregation: str, level: float) -> pd.DataFrame:
    """Return index and rank with their percentile intervals; ranks stay whole numbers."""
    years = result.index.get_level_values("year").to_numpy()
    U = aggregate(R, sample, aggregation)
    table = result[["index"]].copy()
    table["lower"], table["upper"] = _interval(U, level)
    table["rank"] = result["rank"]
    ranks = _interval(rank_within_years(U, years), level, method="inverted_cdf")
    table["rank_lower"], table["rank_upper"] = ranks.astype(int)
    return table
