"""Couplings side by side: by year and group, correlations, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.formulas.coupling import couple
from ronghe.measures.formulas.pair_comparison import compare_pairs
from scipy.stats import spearmanr

REGIONS = list("abcdef")
INDEX = pd.MultiIndex.from_product([REGIONS, [2019, 2020]], names=["region", "year"])


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
