"""Comparisons: rank correlations against scipy, shifts and group means by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.comparison import compare_pairs, compare_weightings
from ronghe.measures.coupling import couple
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


@pytest.fixture
def couplings() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    rng = np.random.default_rng(5)
    U = pd.DataFrame(rng.uniform(0.05, 1, (12, 3)), index=INDEX, columns=list("smg"))
    results = {"services": couple(U, {"s": "s", "m": "m"}), "digital": couple(U, {"g": "g", "m": "m"})}
    panel = pd.concat([r.panel.add_prefix(f"{name}.") for name, r in results.items()], axis=1)
    return panel, {name: r.states for name, r in results.items()}


def test_pairs_by_year_and_group(couplings):
    panel, states = couplings
    regions = pd.DataFrame({"macro_region": list("EEEWWW")}, index=REGIONS)
    table = compare_pairs(panel, states, regions)["comparison"].set_index(["coupling", "year", "group"])
    east = panel["digital.coordination"].xs(2019, level="year").loc[list("abc")]
    row = table.loc[("digital", 2019, "E")]
    assert row["coordination"] == pytest.approx(east.mean()) and row["regions"] == 3
    assert row["standard_deviation"] == pytest.approx(east.std())
    assert row["share_coordinated"] == pytest.approx((east >= 0.5).mean())
    lagging = states["digital"]["lagging"].xs(2019, level="year").loc[list("abc")].value_counts()
    assert row["lagging"] == lagging.idxmax() and row["lagging_share"] == pytest.approx(lagging.max() / 3)
    whole = table.loc[("digital", 2019, "all"), "coordination"]
    assert whole == pytest.approx((table.loc[("digital", 2019, ["E", "W"]), "coordination"]).mean())


def test_correlation_of_pairs_pooled_and_within_years(couplings):
    panel, states = couplings
    regions = pd.DataFrame({"macro_region": list("EEEWWW")}, index=REGIONS)
    row = compare_pairs(panel, states, regions)["correlations"].iloc[0]
    D = panel[["services.coordination", "digital.coordination"]]
    assert row["pearson"] == pytest.approx(np.corrcoef(D.T)[0, 1])
    ranks = [spearmanr(block.iloc[:, 0], block.iloc[:, 1]).statistic for _, block in D.groupby(level="year")]
    assert row["spearman_within_years"] == pytest.approx(np.mean(ranks))


def test_a_region_without_group_and_an_unknown_grouping_are_refused(couplings):
    panel, states = couplings
    regions = pd.DataFrame({"macro_region": list("EEEWW")}, index=REGIONS[:5])
    with pytest.raises(RongheError, match="no group is given for f"):
        compare_pairs(panel, states, regions)
    with pytest.raises(RongheError, match="unknown column 'macro_regions'; did you mean 'macro_region'"):
        compare_pairs(panel, states, regions, "macro_regions")
