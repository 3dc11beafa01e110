"""Pairwise and group co-agglomeration of sectors: cells by hand, identities of Ellison and Glaeser, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ronghe.errors import RongheError
from ronghe.measures.formulas.plant_concentration import cells_of_plants, plant_concentration
from ronghe.measures.formulas.sector_pairs import coagglomeration_matrix, sector_pairs
from ronghe.measures.sectors import region_sizes, regional_shares, sum_groups

INDEX = pd.MultiIndex.from_product([["a", "b", "c"], [2019, 2020]], names=["region", "year"])
SECTORS = {"m": ["m"], "s": ["s"], "f": ["f"]}


@pytest.fixture
def panel() -> pd.DataFrame:
    values = [[10.0, 20, 5], [12, 22, 6], [30, 10, 5], [28, 12, 4], [10, 10, 10], [5, 5, 2]]
    return pd.DataFrame(values, index=INDEX, columns=list(SECTORS))


def test_a_pair_by_hand(panel):
    pairs = sector_pairs(panel, SECTORS).pairs.set_index(["year", "first", "second"])["coagglomeration"]
    # Shares in 2019: m 0.2, 0.6, 0.2; s 0.5, 0.25, 0.25; f 0.25, 0.25, 0.5; x their means 0.95/3, 1.1/3, 0.95/3.
    x = np.array([0.95, 1.1, 0.95]) / 3
    expected = ((np.array([0.2, 0.6, 0.2]) - x) * (np.array([0.5, 0.25, 0.25]) - x)).sum() / (1 - (x**2).sum())
    assert pairs[(2019, "m", "s")] == pytest.approx(expected, rel=1e-13)
    assert len(pairs) == 6


def test_the_size_of_regions_may_be_their_share_in_all_sectors(panel):
    pairs = sector_pairs(panel, SECTORS, size="total").pairs.set_index(["year", "first", "second"])["coagglomeration"]
    x = np.array([35, 45, 30]) / 110
    expected = ((np.array([0.2, 0.6, 0.2]) - x) * (np.array([0.25, 0.25, 0.5]) - x)).sum() / (1 - (x**2).sum())
    assert pairs[(2019, "m", "f")] == pytest.approx(expected, rel=1e-13)


def test_the_matrix_is_the_mean_of_the_pairs(panel):
    result = sector_pairs(panel, SECTORS)
    matrix = result.matrix.set_index("sector")
    means = result.pairs.groupby(["first", "second"])["coagglomeration"].mean()
    for a, b in combinations(SECTORS, 2):
        assert matrix.loc[a, b] == pytest.approx(means[(a, b)]) == pytest.approx(matrix.loc[b, a])


def test_group_of_two_is_the_pair(panel):
    result = sector_pairs(panel, SECTORS, groups={"both": ["s", "m"]})
    pair = result.pairs.query("first == 'm' and second == 's'")["coagglomeration"]
    assert result.groups["coagglomeration"].tolist() == pytest.approx(pair.tolist())


def test_group_equals_the_plant_formula_of_ellison_and_glaeser():
    """gamma^c = (G/(1 - X) - H - sum_j gamma_j w_j^2 (1 - H_j)) / (1 - sum_j w_j^2), G and H those of the group."""
    rng = np.random.default_rng(8)
    n, regions, industries = 60, np.array(list("abcd")), np.array(["m", "s", "f"])
    plants = pd.DataFrame({"plant": [f"p{i}" for i in range(n)], "year": 2020, "employment": rng.lognormal(3, 1, n)})
    plants["region"], plants["industry"] = rng.choice(regions, n), rng.choice(industries, n)
    e = plants.pivot_table(index="region", columns="industry", values="employment", aggfunc="sum", fill_value=0.0)
    panel = e.assign(year=2020).set_index("year", append=True)
    result = sector_pairs(panel, {i: [i] for i in industries}, "total", {"all": list(industries)})
    x = e.sum(axis=1) / e.to_numpy().sum()
    X, w = (x**2).sum(), e.sum() / e.to_numpy().sum()
    table = plant_concentration(cells_of_plants(plants)).industries.set_index("industry")
    G = (((e / e.sum()) @ w - x) ** 2).sum()
    H = (w**2 * table["plant_herfindahl"]).sum()
    inner = (table["gamma"] * w**2 * (1 - table["plant_herfindahl"])).sum()
    expected = (G / (1 - X) - H - inner) / (1 - (w**2).sum())
    assert result.groups["coagglomeration"].iloc[0] == pytest.approx(expected, rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(arrays(float, (6, 3), elements=st.floats(0.01, 1e3)), st.floats(0.01, 100))
def test_deviations_add_to_zero(values, factor):
    panel = pd.DataFrame(values, index=INDEX, columns=list(SECTORS))
    e = sum_groups(panel, SECTORS)
    s = regional_shares(e)
    mean = coagglomeration_matrix(s, region_sizes(e, s, "mean"))
    assert np.allclose(mean.sum(axis=(1, 2)), 0, atol=1e-12)
    total = coagglomeration_matrix(s, region_sizes(e, s, "total"))
    w = e.groupby(level="year").sum().pipe(lambda t: t.div(t.sum(axis=1), axis=0)).to_numpy()
    assert np.allclose(np.einsum("ti,tij,tj->t", w, total, w), 0, atol=1e-12)
    assert np.allclose(total, total.transpose(0, 2, 1))
    assert np.allclose(mean, coagglomeration_matrix(regional_shares(e * factor), region_sizes(e, s)))


def test_an_empty_sector_a_single_region_and_an_unknown_member_are_refused(panel):
    with pytest.raises(RongheError, match="'f' in 2020.*0/0"):
        sector_pairs(panel.assign(f=[1.0, 0, 1, 0, 1, 0]), SECTORS)
    with pytest.raises(RongheError, match="two regions or more"):
        sector_pairs(panel.loc[["a"]], SECTORS)
    with pytest.raises(RongheError, match="group 'g': unknown sector 'x'"):
        sector_pairs(panel, SECTORS, groups={"g": ["m", "x"]})
