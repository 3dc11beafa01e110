"""Weightings side by side: rank correlations of SciPy, shifts by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.measures.formulas.weighting_comparison import compare_weightings
from scipy.stats import kendalltau, spearmanr

REGIONS = list("abcdef")
INDEX = pd.MultiIndex.from_product([REGIONS, [2019, 2020]], names=["region", "year"])


@pytest.fixture
def indices() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    base = rng.random(12)
    return pd.DataFrame({"entropy": base, "equal": base + 0.2 * rng.random(12), "critic": rng.random(12)}, index=INDEX)


def test_correlations_are_those_of_scipy(indices):
    result = compare_weightings(indices)
    one = indices.xs(2020, level="year")
    row = result["correlations"].query("first == 'entropy' and second == 'critic' and year == 2020").iloc[0]
    assert row["spearman"] == pytest.approx(spearmanr(one["entropy"], one["critic"]).statistic)
    assert row["kendall"] == pytest.approx(kendalltau(one["entropy"], one["critic"]).statistic)
    summary = result["summary"].set_index(["first", "second"]).loc[("entropy", "critic")]
    both = result["correlations"].query("first == 'entropy' and second == 'critic'")
    assert summary["kendall_mean"] == pytest.approx(both["kendall"].mean())
    assert summary["kendall_pooled"] == pytest.approx(kendalltau(indices["entropy"], indices["critic"]).statistic)


def test_shifts_by_hand():
    index = pd.MultiIndex.from_product([list("abc"), [2020]], names=["region", "year"])
    result = compare_weightings(pd.DataFrame({"x": [3.0, 2, 1], "y": [1.0, 2, 3]}, index=index))["shifts"].iloc[0]
    assert result["mean_shift"] == pytest.approx(4 / 3)
    assert (result["largest_shift"], result["share_unmoved"]) == (2, pytest.approx(1 / 3))
    assert (result["region"], result["year"]) == ("a", 2020)
