"""Local dependence: spdep, esda, worked cells, false discoveries, moves of clusters."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from ronghe.explore import local_statistics, permutation
from ronghe.explore.autocorrelation import global_tests
from ronghe.explore.local_statistics import (
    NOT_SIGNIFICANT,
    QUADRANTS,
    cluster_transitions,
    local_tests,
    quadrant_moves,
)
from ronghe.weights import Weights
from ronghe.weights.contiguity import from_grid
from scipy import sparse


def panel_of(W, n_years, seed):
    index = pd.MultiIndex.from_product([W.labels, range(2000, 2000 + n_years)], names=["region", "year"])
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(len(index), 2)) + 5, index=index, columns=["x", "z"])


@pytest.fixture(scope="module")
def grid():
    W = from_grid(5, 5)
    return Weights(tuple(f"u{i:02d}" for i in range(25)), W.sparse).standardise("row")


def test_path_of_four_cells_by_hand():
    # y = 1, 2, 3, 6 on a path: z = -2, -1, 0, 3, m2 = 14 / 4; neighbours' sums of z are -1, -2, 2, 0.
    W = Weights(tuple("abcd"), sparse.csr_array(np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)))
    index = pd.MultiIndex.from_product([list("abcd"), [2000]], names=["region", "year"])
    found = local_tests(pd.DataFrame({"y": [1.0, 2, 3, 6]}, index=index), W, permutations=99).set_index("region")
    np.testing.assert_allclose(found["local_moran"], np.array([2, 2, 0, 0]) / 3.5)
    assert found["quadrant"].tolist() == ["low-low", "low-low", "low-high", "high-low"]
    # Squared differences 1, 1 + 1, 1 + 9, 9 over the variance 14 / 3.
    np.testing.assert_allclose(found["local_geary"], np.array([1, 2, 10, 9]) / (14 / 3))


def test_mean_of_local_is_global(grid):
    panel = panel_of(grid, 2, 1)
    found = local_tests(panel, grid, permutations=99).groupby(["variable", "year"])["local_moran"].mean()
    expected = global_tests(panel, grid, ["moran"], permutations=99).set_index(["variable", "year"])["value"]
    np.testing.assert_allclose(found, expected.loc[found.index], rtol=1e-12)


def test_permuted_moments_agree_with_the_conditional_ones(grid):
    panel = panel_of(grid, 1, 2)[["x"]]
    found = local_tests(panel, grid, permutations=20_000)
    # Both judge the same hypothesis; neighbourhoods of two to four are not normal, so only loosely.
    assert np.corrcoef(found["pvalue"], found["permuted_pvalue"])[0, 1] > 0.95


def test_pseudo_p_by_full_enumeration():
    from itertools import combinations

    W = Weights(tuple("abcdefgh"), from_grid(2, 4).sparse)
    index = pd.MultiIndex.from_product([list("abcdefgh"), [2000]], names=["region", "year"])
    y = np.array([1.0, 4, 2, 9, 7, 3, 8, 6])
    found = local_tests(pd.DataFrame({"y": y}, index=index), W, permutations=40_000).set_index("region")
    for i, name in enumerate("abcdefgh"):
        near = W.sparse[[i]].indices
        sums = np.array([y[list(c)].sum() for c in combinations([j for j in range(8) if j != i], len(near))])
        observed = y[near].sum()
        exact = min(1.0, 2 * min((sums >= observed).mean(), (sums <= observed).mean()))
        assert found.loc[name, "permuted_pvalue"] == pytest.approx(exact, abs=0.02)


def test_order_of_rows_changes_nothing(grid):
    panel = panel_of(grid, 2, 3)
    rng = np.random.default_rng(1)
    shuffled = grid.align([grid.labels[i] for i in rng.permutation(25)])
    first = local_tests(panel, grid, permutations=199, seed=4)
    second = local_tests(panel.sample(frac=1, random_state=2), shuffled, permutations=199, seed=4)
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_adjustment_equals_scipy(grid):
    from scipy.stats import false_discovery_control

    found = local_tests(panel_of(grid, 1, 5)[["x"]], grid, permutations=99)
    expected = false_discovery_control(found["permuted_pvalue"])
    np.testing.assert_allclose(found["adjusted_pvalue"], expected, rtol=1e-13)


def test_false_discoveries_are_controlled_and_a_planted_cluster_is_found(grid):
    found = local_tests(panel_of(grid, 60, 5)[["x"]], grid, permutations=999)
    plain = local_tests(panel_of(grid, 60, 5)[["x"]], grid, permutations=999, correction="none")
    by_year = (found["cluster"] != NOT_SIGNIFICANT).groupby(found["year"]).any().mean()
    assert by_year < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert (plain["cluster"] != NOT_SIGNIFICANT).groupby(plain["year"]).any().mean() > 0.5
    large = Weights(tuple(f"u{i:02d}" for i in range(100)), from_grid(10, 10, "queen").sparse).standardise("row")
    panel = panel_of(large, 1, 6)[["x"]]
    panel.loc[[f"u{r}{c}" for r in (2, 3, 4) for c in (2, 3, 4)], "x"] += 10
    hot = local_tests(panel, large).set_index("region")["cluster"]
    assert (hot[["u23", "u32", "u33", "u34", "u43"]] == "high-high").all()
    assert set(hot) <= {"high-high", "low-low", NOT_SIGNIFICANT}


def test_island_has_no_cluster():
    W = Weights(tuple("abcde"), sparse.csr_array(np.pad(from_grid(2, 2).sparse.toarray(), (0, 1))))
    index = pd.MultiIndex.from_product([list("abcde"), [2000]], names=["region", "year"])
    found = local_tests(pd.DataFrame({"y": [1.0, 2, 3, 4, 50]}, index=index), W, permutations=99).set_index("region")
    assert found.loc["e", "local_moran"] == 0 and found.loc["e", "permuted_pvalue"] == 1
    assert found.loc["e", "cluster"] == NOT_SIGNIFICANT and np.isnan(found.loc["e", "getis_ord_z"])


def test_moves_between_clusters_by_hand():
    local = pd.DataFrame(
        {
            "variable": "x",
            "region": list("aaabbb"),
            "year": [1, 2, 3] * 2,
            "cluster": ["high-high", "high-high", NOT_SIGNIFICANT, "low-low", NOT_SIGNIFICANT, "low-low"],
            "standardised": [1.0, 1, -1, -1, -1, -1],
            "lag": [1.0, 1, 1, -1, 1, -1],
        }
    )
    moves = cluster_transitions(local).set_index(["origin", "destination"])
    assert moves.loc[("high-high", "high-high"), ["moves", "share"]].tolist() == [1, 0.5]
    assert moves.loc[("low-low", NOT_SIGNIFICANT), ["moves", "share"]].tolist() == [1, 1.0]
    assert moves["moves"].sum() == 4 and np.isnan(moves.loc[("low-high", "low-low"), "share"])
    assert len(moves) == (len(QUADRANTS) + 1) ** 2
    table = quadrant_moves(local)
    assert table[["stay", "own_move", "neighbor_move", "both_move"]].to_numpy().tolist() == [[1, 0, 1, 0], [0, 1, 1, 0]]
    assert table["cohesion"].tolist() == [0.5, 0.0]


@pytest.mark.parametrize("variable", ["unemp1986", "lgsp1986", "growth7086"])
def test_states_against_spdep(recorded, variable):
    from linearmodels.datasets import munnell

    W = Weights.read(recorded / "usaww.csv")
    stored = json.loads((recorded / "spatial_dependence.json").read_text())["entries"]
    table = munnell.load()
    full = {name[:11]: name for name in W.labels}
    table["region"] = [full[name] for name in table["STATE"]]
    wide = table.pivot(index="region", columns="YR", values=["GSP", "UNEMP"])
    values = {
        "unemp1986": wide["UNEMP"][1986],
        "lgsp1986": np.log(wide["GSP"][1986]),
        "growth7086": np.log(wide["GSP"][1986]) - np.log(wide["GSP"][1970]),
    }[variable]
    panel = pd.DataFrame({variable: values})
    panel.index = pd.MultiIndex.from_product([panel.index, [1986]], names=["region", "year"])
    found = local_tests(panel, W).set_index("region")
    expected = stored[f"{variable}_localmoran_conditional"]
    columns = {"local_moran": "Ii", "expected": "E", "z": "Z", "pvalue": "p"}
    for column, field in columns.items():
        numbers = pd.Series(expected[field])
        np.testing.assert_allclose(found.loc[numbers.index, column], numbers, rtol=1e-9, atol=1e-12)
    variance = pd.Series(expected["Var"])
    np.testing.assert_allclose(found.loc[variance.index, "std_error"] ** 2, variance, rtol=1e-10)
    names = list(pd.Series(expected["Ii"]).index)
    assert found.loc[names, "quadrant"].tolist() == [q.lower() for q in expected["quadrant"]]
    permuted = pd.Series(stored[f"{variable}_localmoran_perm"]["p_sim"])
    # Theirs come from 999 draws.
    gap = np.abs(found.loc[permuted.index, "permuted_pvalue"] - permuted)
    assert (gap <= 4 * np.sqrt(2 * permuted * (1 - permuted / 2) / 999 + 1e-4)).all()
    np.testing.assert_allclose(found.loc[names, "local_geary"], stored[f"{variable}_localC"]["C"], rtol=1e-10)
    if variable == "lgsp1986":
        np.testing.assert_allclose(found.loc[names, "getis_ord_z"], stored["lgsp1986_localG"]["Gi"], rtol=1e-10)


def test_of_many_regions_a_clear_cluster_survives_the_correction(monkeypatch):
    """With few first draws no p-value is small enough for so many tests; the cells at their floor are drawn again."""
    W = from_grid(20, 20).standardise("row")
    rng = np.random.default_rng(8)
    values = rng.normal(size=400)
    block = [20 * row + column for row in range(3) for column in range(3)]
    values[block] += 6.0
    panel = pd.DataFrame({"v": values}, pd.MultiIndex.from_product([range(400), [2000]], names=["region", "year"]))
    plain = local_tests(panel, W, permutations=199, seed=3)
    assert (plain["cluster"] == "not significant").all()
    monkeypatch.setattr(local_statistics, "MANY_UNITS", 300)
    refined = local_tests(panel, W, permutations=199, seed=3)
    found = set(refined.loc[refined["cluster"] == "high-high", "region"])
    assert {0, 1, 20, 21} <= found <= set(range(400)) and len(found) < 25
    # Cells above the floor stay as they were, and those drawn again agree with the p-value by moments in size.
    floor = plain["permuted_pvalue"] <= 2 / 200 * (1 + 1e-9)
    pd.testing.assert_series_equal(plain.loc[~floor, "permuted_pvalue"], refined.loc[~floor, "permuted_pvalue"])
    assert (refined.loc[floor, "permuted_pvalue"] <= 0.05).all()
    assert refined["permuted_pvalue"].min() == pytest.approx(2 / (4 * 400 / 0.05 + 1))


def test_more_draws_in_blocks_add_up_to_the_same_p_values(monkeypatch):
    """A dense W takes whole orders; in blocks their stream goes on, so that nothing changes, and none is larger."""
    places = np.random.default_rng(0).uniform(size=(120, 2))
    gaps = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    names = tuple(f"u{i:03d}" for i in range(120))
    W = Weights(names, sparse.csr_array(((gaps < 0.2) & (gaps > 0)).astype(float))).standardise("row")
    panel = panel_of(W, 2, 4)
    panel.loc[[names[i] for i in np.flatnonzero(gaps[0] < 0.25)]] += 4
    monkeypatch.setattr(local_statistics, "MANY_UNITS", 100)
    whole = local_tests(panel, W, permutations=99, seed=3)
    assert (whole["permuted_pvalue"] < 2 / 100).sum() > 5
    monkeypatch.setattr(permutation, "MOST_CELLS", 119 * 500)
    pd.testing.assert_frame_equal(local_tests(panel, W, permutations=99, seed=3), whole, check_exact=True)
    blocks = list(permutation.blocks_of_draws(119, 30, 1201, 7))
    assert [len(block) for block in blocks] == [500, 500, 201]
    few = list(permutation.blocks_of_draws(4000, 3, 30_000, 7))
    assert len(few) == 2 and sum(map(len, few)) == 30_000
    assert all(len(set(row)) == 3 for block in few for row in block[:200].tolist())
