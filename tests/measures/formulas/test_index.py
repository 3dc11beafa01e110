"""Composite indices: one cell worked by hand, sub-indices, contributions, intervals, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.formulas.index import composite_index, draw_regions

SYSTEM = {
    "patents": {"direction": "positive", "dimension": "innovation"},
    "energy": {"direction": "negative", "dimension": "green"},
    "water": {"direction": "negative", "dimension": "green"},
}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    index = pd.MultiIndex.from_product([[f"r{i:02}" for i in range(12)], range(2015, 2020)], names=["region", "year"])
    return pd.DataFrame(rng.gamma(2, size=(60, 3)), index=index, columns=list(SYSTEM))


def test_index_by_hand():
    index = pd.MultiIndex.from_product([["a", "b", "c"], [2020]], names=["region", "year"])
    panel = pd.DataFrame({"patents": [0.0, 5, 10], "energy": [4.0, 2, 3], "water": [1.0, 9, 5]}, index=index)
    result = composite_index(panel, SYSTEM, weighting="equal")
    # b: patents 5/10, energy (4-2)/2, water 0 -> (1/2 + 1 + 0)/3; green (1 + 0)/2.
    assert result.panel.loc[("b", 2020)].tolist() == pytest.approx([0.5, 2, 0.5, 0.5])
    assert result.panel["index"].tolist() == pytest.approx([1 / 3, 1 / 2, (1 + 1 / 2 + 1 / 2) / 3])
    assert result.panel["rank"].tolist() == [3, 2, 1]
    assert result.contributions.loc[("b", 2020)].tolist() == pytest.approx([1 / 6, 1 / 3, 0])


@pytest.mark.parametrize("aggregation", ["additive", "topsis"])
def test_contributions_add_to_the_index(panel, aggregation):
    result = composite_index(panel, SYSTEM, aggregation=aggregation)
    assert np.allclose(result.contributions.sum(axis=1), result.panel["index"], atol=1e-14)


def test_sub_indices_average_to_the_index_under_the_weights_of_their_dimensions(panel):
    result = composite_index(panel, SYSTEM, weighting="critic")
    w = result.weights.groupby("dimension")["weight"].sum()
    assert np.allclose(result.panel[w.index] @ w, result.panel["index"], atol=1e-14)


def test_row_order_does_not_matter(panel):
    shuffled = panel.sample(frac=1, random_state=1)
    a, b = (composite_index(p, SYSTEM, draws=20, seed=5) for p in (panel, shuffled))
    pd.testing.assert_frame_equal(a.panel, b.panel, check_exact=True)
    pd.testing.assert_frame_equal(a.intervals, b.intervals, check_exact=True)


def test_intervals_equal_those_of_resampled_panels(panel):
    """The same draws made the long way: weights from a panel of the drawn regions, applied to all regions."""
    draws, seed = 40, 11
    result = composite_index(panel, SYSTEM, draws=draws, level=0.9, seed=seed)
    counts, R = draw_regions(12, draws, seed), result.scores
    indices = []
    for row in counts.astype(int):
        r = np.concatenate(
            [
                R.loc[region].to_numpy()
                for region, n in zip(R.index.unique("region"), row, strict=True)
                for _ in range(n)
            ]
        )
        p = (r + 1e-4) / (r + 1e-4).sum(axis=0)
        w = 1 + (p * np.log(p)).sum(axis=0) / np.log(len(p))
        indices.append(R.to_numpy() @ (w / w.sum()))
    lower, upper = np.quantile(indices, [0.05, 0.95], axis=0)
    assert np.allclose(result.intervals["lower"], lower, atol=1e-12)
    assert np.allclose(result.intervals["upper"], upper, atol=1e-12)
    inside = result.intervals["rank"].between(result.intervals["rank_lower"], result.intervals["rank_upper"])
    assert inside.mean() > 0.95


def test_intervals_shrink_with_the_number_of_regions():
    rng = np.random.default_rng(0)
    widths = []
    for n in (20, 320):
        index = pd.MultiIndex.from_product([range(n), [2019, 2020]], names=["region", "year"])
        panel = pd.DataFrame(
            rng.beta(2, 5, (2 * n, 3)), index=index.set_levels([f"r{i:04}" for i in range(n)], level=0)
        )
        panel.columns = list(SYSTEM)
        table = composite_index(panel, SYSTEM, draws=300).intervals
        widths.append((table["upper"] - table["lower"]).mean())
    # Sixteen times the regions: a quarter of the width.
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.35)


def test_without_draws_there_are_no_intervals(panel):
    result = composite_index(panel, SYSTEM)
    assert result.intervals.empty and "lower" not in result.weights


def test_a_gap_and_an_unknown_indicator_are_refused(panel):
    broken = panel.copy()
    broken.iloc[3, 0] = np.nan
    with pytest.raises(RongheError, match=r"'patents' is missing or infinite for \('r00', 2018\)"):
        composite_index(broken, SYSTEM)
    with pytest.raises(RongheError, match="unknown column 'patent'; did you mean 'patents'"):
        composite_index(panel, {"patent": {"direction": "positive"}, "water": {"direction": "negative"}})
