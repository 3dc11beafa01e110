"""Families of tests, leave-one-out and placebos: identities, direct refits, and known error rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.errors import RongheError
from ronghe.linear.multiple_testing import holm, romano_wolf, westfall_young
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit
from ronghe.weights import Weights


def simulated(seed: int = 0, n_units: int = 30, n_periods: int = 6, effect: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n_units)], range(2001, 2001 + n_periods)])
    index.names = ["region", "year"]
    n = len(index)
    common = rng.normal(size=n)
    frame = {f"x{j}": 0.7 * common + rng.normal(size=n) for j in range(5)}
    frame["y"] = effect * frame["x0"] + np.repeat(rng.normal(size=n_units), n_periods) + rng.normal(size=n)
    return pd.DataFrame(frame, index=index)


def member(name: str, **changes: object) -> dict:
    base = {"name": name, "kind": "fixed_effects", "outcome": "y", "treatment": name, "controls": []}
    return base | {"effects": "twoways"} | changes


def family(n: int = 5, **changes: object) -> dict:
    members = [member(f"x{j}") for j in range(n)]
    return {"name": "test", "kind": "family", "family": members, "repetitions": 299} | changes


def test_romano_wolf_by_hand():
    """Three tests, four draws: maxima over those still in the race, p-values never falling."""
    t = np.array([1.0, 3.0, 2.0])
    draws = np.array([[0.5, 0.1, 2.5], [1.2, 0.3, 0.2], [0.1, 3.5, 0.4], [0.2, 0.2, 0.1]])
    # Order: 3.0 (max over all: 2.5, 1.2, 3.5, 0.2), 2.0 (without it: 2.5, 1.2, 0.4, 0.2), 1.0 (0.5, 1.2, 0.1, 0.2).
    np.testing.assert_allclose(romano_wolf(t, draws), [2 / 5, 2 / 5, 2 / 5])
    draws[2, 1] = 2.9
    np.testing.assert_allclose(romano_wolf(t, draws), [2 / 5, 1 / 5, 2 / 5])


def test_heavy_tails_of_one_member_do_not_weigh_on_another_in_westfall_and_youngs_stepdown():
    rng = np.random.default_rng(0)
    draws = np.column_stack([rng.normal(size=4999), rng.standard_cauchy(size=4999)])
    t = np.array([2.6, 0.1])
    assert westfall_young(t, draws)[0] == pytest.approx(2 * 0.0093, abs=0.008)
    assert romano_wolf(t, draws)[0] > 0.15
    # With one member both are its own bootstrap p-value.
    own = (1 + np.sum(np.abs(draws[:, 0]) >= 2.6)) / 5000
    assert westfall_young(t[:1], draws[:, :1])[0] == pytest.approx(own)


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_stepdown_is_at_least_the_single_p_value_and_keeps_the_order(seed, m):
    rng = np.random.default_rng(seed)
    t, draws = rng.normal(size=m) * 2, rng.normal(size=(99, m))
    p = romano_wolf(t, draws)
    single = (1 + (np.abs(draws) >= np.abs(t)).sum(axis=0)) / 100
    assert (p >= single - 1e-12).all() and (p <= 1).all()
    assert (np.diff(p[np.argsort(-np.abs(t), kind="stable")]) >= 0).all()


def test_family_keeps_every_members_own_numbers():
    panel = simulated(effect=0.3)
    result = fit(family(), Data(panel, seed=2))
    alone = pd.concat([fit(member(f"x{j}"), Data(panel)).coefficients for j in range(5)])
    np.testing.assert_allclose(result.coefficients["estimate"], alone["estimate"], rtol=1e-12)
    np.testing.assert_allclose(result.coefficients["std_error"], alone["std_error"], rtol=1e-10)
    table = result.tables["family"]
    assert (table["pvalue_romano_wolf"] >= table["pvalue_bootstrap"]).all()
    np.testing.assert_allclose(table["pvalue_bootstrap"], table["pvalue"], atol=0.12)
    assert table["pvalue_romano_wolf"].iloc[0] < 0.05
    assert result.tests.set_index("test").loc["all equal", "pvalue"] < 0.05


def test_identical_members_leave_nothing_to_test_jointly():
    panel = simulated()
    same = {**family(), "family": [member("x0"), {**member("x0"), "name": "again"}]}
    assert fit(same, Data(panel)).tests.empty


def test_standardised_effects_do_not_depend_on_units():
    panel = simulated(effect=0.3)
    scaled = panel.assign(x0=panel["x0"] * 1000, y=panel["y"] * 7)
    wanted = family(standardise=True)
    np.testing.assert_allclose(
        fit(wanted, Data(panel)).coefficients["estimate"],
        fit(wanted, Data(scaled)).coefficients["estimate"],
        rtol=1e-10,
    )


def test_family_wise_error_is_kept():
    wrong = []
    for seed in range(120):
        table = fit(family(repetitions=199), Data(simulated(seed), seed=seed)).tables["family"]
        wrong.append((table["pvalue_romano_wolf"] < 0.05).any())
    # Three binomial errors around 5 %, five unadjusted tests would give about 18 %.
    assert np.mean(wrong) < 0.115


def test_family_members_may_have_other_samples():
    panel = simulated()
    mixed = [member("x0"), member("x1", sample={"without_regions": ["r03"]})]
    result = fit(family() | {"family": mixed}, Data(panel))
    assert result.fit["nobs"] == [180, 174]
    alone = fit(mixed[1], Data(panel)).coefficients["std_error"].iloc[0]
    assert result.coefficients["std_error"].iloc[1] == pytest.approx(alone, rel=1e-10)


def test_leave_one_out_is_the_fit_without_the_region():
    panel = simulated(effect=0.3)
    result = fit({"name": "t", "kind": "leave_one_out", "of": member("x0")}, Data(panel))
    table = result.tables["influence"]
    assert list(table["left_out"]) == [f"r{i:02d}" for i in range(30)]
    rest = panel.drop(index="r07", level=0)
    alone = fit(member("x0"), Data(rest)).coefficients.iloc[0]
    row = table.set_index("left_out").loc["r07"]
    assert row["estimate"] == pytest.approx(alone["estimate"], rel=1e-12)
    whole = result.coefficients.iloc[0]
    assert row["dfbeta"] == pytest.approx((whole["estimate"] - row["estimate"]) / whole["std_error"], rel=1e-12)


def test_leave_one_out_finds_the_region_that_makes_the_result():
    panel = simulated()
    odd = panel.index.get_level_values(0) == "r11"
    panel.loc[odd, "y"] += 8 * panel.loc[odd, "x0"]
    result = fit({"name": "t", "kind": "leave_one_out", "of": member("x0")}, Data(panel))
    assert "most moved without r11" in result.tests["note"].iloc[0]


def spatial_data(seed: int, rho: float, theta: float) -> Data:
    rng = np.random.default_rng(seed)
    n, T = 30, 8
    labels = [f"r{i:02d}" for i in range(n)]
    order = rng.permutation(n)
    edges = [(labels[order[i]], labels[order[(i + s) % n]], 0.5) for i in range(n) for s in (-1, 1)]
    W = Weights.from_edges(pd.DataFrame(edges, columns=["focal", "neighbor", "weight"]), labels=labels)
    dense = W.sparse.toarray()
    x = rng.normal(size=(T, n))
    y = np.linalg.solve(np.eye(n) - rho * dense, (x + theta * x @ dense.T + rng.normal(size=(T, n))).T).T
    index = pd.MultiIndex.from_product([range(2001, 2001 + T), labels], names=["year", "region"])
    frame = pd.DataFrame({"y": y.ravel(), "x": x.ravel()}, index=index).swaplevel().sort_index()
    return Data(frame, weights={"ring": W}, seed=seed)


SDM = {"name": "sdm", "kind": "spatial", "outcome": "y", "treatment": "x", "controls": [], "weights": "ring"}


def test_shuffled_weights_lose_the_neighbours():
    entry = {"name": "t", "kind": "placebo", "of": SDM, "shuffle": "weights", "repetitions": 59}
    tests = fit(entry, spatial_data(1, rho=0.5, theta=0.8)).tests.set_index("test")["pvalue"]
    assert tests["placebo: rho"] == pytest.approx(1 / 60) and tests["placebo: indirect: x"] == pytest.approx(1 / 60)
    none = fit(entry, spatial_data(3, rho=0.0, theta=0.0)).tests.set_index("test")["pvalue"]
    assert none["placebo: rho"] > 0.05


def test_shuffled_treatment_is_no_treatment():
    entry = {"name": "t", "kind": "placebo", "of": member("x0"), "shuffle": "treatment", "repetitions": 99}
    assert fit(entry, Data(simulated(effect=0.5), seed=1)).tests["pvalue"].iloc[0] == pytest.approx(0.01)
    assert fit(entry, Data(simulated(seed=8), seed=1)).tests["pvalue"].iloc[0] > 0.05


def test_leads_lose_the_last_years_and_a_gap_elsewhere_is_refused():
    panel = simulated()
    ahead = member("x0", treatment=["x0", {"lead": 2, "of": "x0"}])
    result = fit(ahead, Data(panel))
    assert result.fit["rows_dropped"] == {"lags or leads outside the years": 60}
    assert list(result.coefficients["term"]) == ["x0", "F2.x0"]
    panel.loc[("r02", 2003), "x0"] = np.nan
    with pytest.raises(RongheError, match="no value for"):
        fit(ahead, Data(panel))
