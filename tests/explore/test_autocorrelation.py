"""Global dependence: all orders, spdep, worked cells, order of rows, and simulated size."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.explore.autocorrelation import FORMULAS, STATISTICS, Sums, bivariate_tests, global_tests
from ronghe.explore.permutation import draws, orders, two_sided
from ronghe.weights import Weights
from ronghe.weights.contiguity import from_grid
from scipy import sparse

NAMES = {"moran": "moran", "geary": "geary"}


def panel_of(W, n_years, seed, shift=5.0):
    index = pd.MultiIndex.from_product([W.labels, range(2000, 2000 + n_years)], names=["region", "year"])
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(len(index), 2)) + shift, index=index, columns=["x", "z"])


@pytest.fixture
def skewed():
    """Weights that are neither symmetric nor standardised."""
    rng = np.random.default_rng(8)
    W = rng.uniform(size=(12, 12)) * (rng.uniform(size=(12, 12)) < 0.4)
    np.fill_diagonal(W, 0)
    return Weights(tuple(f"u{i:02d}" for i in range(12)), sparse.csr_array(W))


@pytest.fixture(scope="module")
def states_1986(recorded):
    """The cross-section of the stored figures."""
    from linearmodels.datasets import munnell

    W = Weights.read(recorded / "usaww.csv")
    table = munnell.load()
    full = {name[:11]: name for name in W.labels}
    table["region"] = [full[name] for name in table["STATE"]]
    gsp = np.log(table.set_index(["region", "YR"])["GSP"])
    last = table[table["YR"] == 1986].set_index("region")
    data = pd.DataFrame({"unemp1986": last["UNEMP"], "lgsp1986": np.log(last["GSP"])})
    data["growth7086"] = gsp.xs(1986, level="YR") - gsp.xs(1970, level="YR")
    data.index = pd.MultiIndex.from_product([data.index, [1986]], names=["region", "year"])
    stored = json.loads((recorded / "spatial_dependence.json").read_text())["entries"]
    return data, W, stored


def test_moran_and_geary_of_four_cells_by_hand():
    # A path a - b - c - d with y = 1, 2, 3, 6: z = -2, -1, 0, 3, z'z = 14, S0 = 6.
    W = Weights(tuple("abcd"), sparse.csr_array(np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)))
    index = pd.MultiIndex.from_product([list("abcd"), [2000]], names=["region", "year"])
    panel = pd.DataFrame({"y": [1.0, 2, 3, 6]}, index=index)
    found = global_tests(panel, W, permutations=99).set_index("statistic")["value"]
    assert found["moran"] == pytest.approx(4 / 6 * 2 * (2 + 0 + 0) / 14)
    assert found["geary"] == pytest.approx(3 / (2 * 6) * 2 * (1 + 1 + 9) / 14)
    # Products of neighbours 2, 6, 18 over all products of pairs 2 + 3 + 6 + 6 + 12 + 18.
    assert found["getis_ord"] == pytest.approx(26 / 47)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_moments_are_those_of_all_orders(statistic):
    """Six units have 720 orders: mean and variance under randomisation are plain averages over them."""
    rng = np.random.default_rng(8)
    cells = rng.uniform(size=(6, 6)) * (rng.uniform(size=(6, 6)) < 0.6) * (1 - np.eye(6))
    W = Weights(tuple("abcdef"), sparse.csr_array(cells))
    panel = panel_of(W, 1, 3)[["x"]]
    found = global_tests(panel, W, [statistic], permutations=99).iloc[0]
    weights = sparse.csr_array((cells > 0) * 1.0) if statistic == "getis_ord" else W.sparse
    orders = np.array(list(itertools.permutations(panel["x"])))
    every = FORMULAS[statistic](Sums(weights), orders.T)
    assert found["value"] == pytest.approx(every[0], rel=1e-13)
    assert found["expected"] == pytest.approx(every.mean(), rel=1e-12)
    assert found["std_error"] == pytest.approx(every.std(), rel=1e-9)


def test_bivariate_equals_esda(skewed):
    from esda.moran import Moran_BV

    panel = panel_of(skewed, 1, 3)
    W = Weights.from_frame(skewed.to_frame()).standardise("row")
    found = bivariate_tests(panel, [("x", "z")], W, permutations=99)["moran"].iloc[0]
    x, z = (panel[v].to_numpy() for v in ("x", "z"))
    assert found == pytest.approx(Moran_BV(x, z, W.to_graph(), permutations=0).I, rel=1e-12)


def test_joint_shuffling_keeps_the_relation_of_x_and_y_at_a_place():
    # y is x and noise, without any spatial pattern: shuffled together, the pairs show I around -r / (n - 1).
    W = from_grid(4, 4).standardise("row")
    panel = panel_of(W, 300, 12)
    panel["z"] = panel["x"] + 0.3 * panel["z"]
    found = bivariate_tests(panel, [("x", "z")], W, permutations=199)
    rate = (found["joint_pvalue"] <= 0.05).mean()
    assert abs(rate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 300)
    assert found["moran"].mean() == pytest.approx(-0.96 / 15, abs=0.03)


def test_bivariate_with_itself_is_moran_and_the_lag_looks_back(skewed):
    panel = panel_of(skewed, 3, 4)
    own = bivariate_tests(panel, [("x", "x")], skewed, permutations=99)
    expected = global_tests(panel[["x"]], skewed, ["moran"], permutations=99)
    np.testing.assert_allclose(own["moran"], expected["value"], rtol=1e-12)
    np.testing.assert_allclose(own["joint_pvalue"], expected["permuted_pvalue"], rtol=1e-12)
    lagged = bivariate_tests(panel, [("x", "z")], skewed, lag=1, permutations=99)
    assert lagged["year"].tolist() == [2001, 2002]
    moved = panel.assign(z=panel["z"].groupby(level="region").shift(1)).xs(2002, level="year", drop_level=False)
    now = bivariate_tests(moved, [("x", "z")], skewed, permutations=99)
    assert lagged["moran"].iloc[1] == pytest.approx(now["moran"].iloc[0], rel=1e-12)


def test_order_of_rows_and_of_other_variables_changes_nothing(skewed):
    panel = panel_of(skewed, 2, 5)
    first = global_tests(panel, skewed, permutations=199, seed=7)
    rng = np.random.default_rng(0)
    shuffled = skewed.align([skewed.labels[i] for i in rng.permutation(12)])
    second = global_tests(panel.sample(frac=1, random_state=1), shuffled, permutations=199, seed=7)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    alone = global_tests(panel[["z"]], skewed, permutations=199, seed=7)
    pd.testing.assert_frame_equal(alone, first[first["variable"] == "z"].reset_index(drop=True), check_exact=True)
    pair = [("x", "z")]
    a, b = bivariate_tests(panel, pair, skewed, 1, 199, 7), bivariate_tests(panel[::-1], pair, shuffled, 1, 199, 7)
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    other_seed = global_tests(panel, skewed, permutations=199, seed=8)
    assert (other_seed["permuted_mean"] != first["permuted_mean"]).all()


def test_permuted_moments_equal_those_of_randomisation(skewed):
    found = global_tests(panel_of(skewed, 1, 6)[["x"]], skewed, permutations=20_000)
    error = found["std_error"] / np.sqrt(20_000)
    assert (np.abs(found["permuted_mean"] - found["expected"]) < 4 * error).all()
    np.testing.assert_allclose(found["permuted_std"], found["std_error"], rtol=0.03)


def test_size_under_independence_and_power_under_dependence():
    W = from_grid(6, 6).standardise("row")
    panel = panel_of(W, 300, 9)[["x"]]
    found = global_tests(panel, W, ["moran", "geary"], permutations=199)
    rates = (found.set_index("statistic")[["pvalue", "permuted_pvalue"]] <= 0.05).groupby(level=0).mean()
    assert rates.to_numpy().min() > 0.012 and rates.to_numpy().max() < 0.088
    y = np.linalg.solve(np.eye(36) - 0.7 * W.sparse.toarray(), panel["x"].unstack().loc[list(W.labels)].to_numpy())
    dependent = pd.DataFrame({"x": pd.DataFrame(y, index=list(W.labels)).rename_axis("region").stack()})
    assert (global_tests(dependent, W, ["moran"], permutations=199)["permuted_pvalue"] <= 0.05).mean() > 0.8


def test_two_sided_counts_ties_and_never_exceeds_one():
    simulated = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert two_sided(np.array([4.0]), simulated)[0] == pytest.approx(2 * 2 / 5)
    assert two_sided(np.array([9.0]), simulated)[0] == pytest.approx(2 * 1 / 5)
    assert two_sided(np.array([2.5]), simulated)[0] == 1.0


def test_draws_are_uniform_without_repetition():
    for n, k in ((10, 3), (200, 3)):
        chosen = draws(n, k, 20_000, 1)
        assert (np.diff(np.sort(chosen, axis=1), axis=1) > 0).all()
        share = np.bincount(chosen.ravel(), minlength=n) / chosen.size
        np.testing.assert_allclose(share, 1 / n, atol=5 * np.sqrt(1 / n / chosen.size))
    assert (np.sort(orders(5, 3, 0), axis=1) == np.arange(5)).all()


def test_bad_data_are_refused(skewed):
    panel = panel_of(skewed, 2, 1)
    with pytest.raises(RongheError, match="not in the data: u03"):
        global_tests(panel.drop("u03"), skewed)
    with pytest.raises(RongheError, match="not in the weights: far; not in the data: u03"):
        global_tests(panel.rename({"u03": "far"}), skewed)
    with pytest.raises(RongheError, match="no variation between units in 2001"):
        global_tests(
            panel.mask(panel.index.get_level_values("year").to_numpy()[:, None].repeat(2, 1) == 2001, 1.0), skewed
        )
    with pytest.raises(RongheError, match="did you mean 'moran'"):
        global_tests(panel, skewed, ["morans"])
    with pytest.raises(RongheError, match="needs four units and one edge"):
        global_tests(panel_of(from_grid(1, 3), 1, 1), from_grid(1, 3))


def test_getis_ord_says_where_it_says_nothing(skewed):
    found = global_tests(panel_of(skewed, 1, 1, shift=0.0), skewed, ["getis_ord"], permutations=99)
    assert found["value"].isna().all() and set(found["note"]) == {"needs positive values"}
    full = Weights(skewed.labels, sparse.csr_array(1.0 - np.eye(12)))
    found = global_tests(panel_of(skewed, 1, 1), full, ["getis_ord"], permutations=99)
    assert found["value"].isna().all() and set(found["note"]) == {"every pair is linked"}


@pytest.mark.parametrize("variable", ["unemp1986", "lgsp1986", "growth7086"])
def test_states_against_spdep(states_1986, variable):
    data, W, stored = states_1986
    found = global_tests(data[[variable]], W, ["moran", "geary"]).set_index("statistic")
    letters = {"moran": "Moran I statistic", "geary": "Geary C statistic"}
    for statistic, letter in letters.items():
        test, row = stored[f"{variable}_{statistic}.test_randomisation"], found.loc[statistic]
        assert row["value"] == pytest.approx(test["estimate"][letter], rel=1e-10)
        assert row["expected"] == pytest.approx(test["estimate"]["Expectation"], rel=1e-10)
        assert row["std_error"] ** 2 == pytest.approx(test["estimate"]["Variance"], rel=1e-10)
        assert abs(row["z"]) == pytest.approx(abs(test["statistic"][f"{letter} standard deviate"]), rel=1e-10)
        draws_of = stored[f"{variable}_{statistic}.mc"]
        assert row["permuted_mean"] == pytest.approx(draws_of["perm_mean"], abs=6e-2 * row["std_error"])
        assert row["permuted_std"] == pytest.approx(draws_of["perm_sd"], rel=0.04)
        p = draws_of["p.value"]
        assert row["permuted_pvalue"] == pytest.approx(2 * min(p, 1 - p), abs=4 * np.sqrt(p * (1 - p) / 9999) + 2e-4)
    assert found.loc["moran", "pvalue"] == pytest.approx(
        stored[f"{variable}_moran.test_two.sided"]["p.value"], rel=1e-8
    )


def test_states_against_global_g(states_1986):
    data, W, stored = states_1986
    row = global_tests(data[["lgsp1986"]], W, ["getis_ord"], permutations=99).iloc[0]
    estimate = stored["lgsp1986_globalG_binary"]["estimate"]
    assert row["value"] == pytest.approx(estimate["Global G statistic"], rel=1e-10)
    assert row["expected"] == pytest.approx(estimate["Expectation"], rel=1e-10)
    # The variance is a difference of nearly equal numbers: ten digits are lost.
    assert row["std_error"] ** 2 == pytest.approx(estimate["Variance"], rel=1e-6)
