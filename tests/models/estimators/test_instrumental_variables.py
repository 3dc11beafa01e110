"""Two-stage least squares, weak-instrument statistics and Anderson-Rubin sets against linearmodels and closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS, IVGMM
from ronghe.errors import RongheError
from ronghe.linear.inference import f_pvalue
from ronghe.linear.instrument_tests import anderson_rubin
from ronghe.linear.two_stage import project
from ronghe.models.design.design import build, terms_of
from ronghe.models.design.shift_share import components, instrument
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit
from ronghe.models.report import choice_of


def simulated(seed: int = 0, n_units: int = 40, n_periods: int = 7, strength: float = 0.8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n_units)], range(2001, 2001 + n_periods)])
    index.names = ["region", "year"]
    n = len(index)
    unit = np.repeat(rng.normal(size=n_units), n_periods)
    z1, z2, z3, w, u, v = rng.normal(size=(6, n))
    x = strength * (z1 + 0.5 * z2) + 0.3 * w + unit + v + 0.5 * u
    x2 = strength * (z3 - 0.4 * z1) + v * 0.2 + rng.normal(size=n)
    y = 1.5 * x - 0.5 * x2 + w + 2 * unit + u * np.repeat(rng.uniform(0.5, 2, n_units), n_periods)
    return pd.DataFrame({"y": y, "x": x, "x2": x2, "w": w, "z1": z1, "z2": z2, "z3": z3}, index=index)


def entry(**changes: object) -> dict:
    base = {"name": "test", "kind": "instrumental_variables", "outcome": "y", "treatment": "x", "controls": ["w"]}
    return base | {"instruments": ["z1", "z2"], "effects": "units", "wild_repetitions": 0} | changes


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return simulated()


def demeaned(panel: pd.DataFrame) -> pd.DataFrame:
    return panel - panel.groupby(level=0).transform("mean")


def test_estimates_and_clustered_errors_equal_linearmodels(panel):
    d = demeaned(panel)
    clusters = pd.Series(d.index.codes[0], index=d.index)
    theirs = IV2SLS(d["y"], d[["w"]], d[["x"]], d[["z1", "z2"]]).fit(cov_type="clustered", clusters=clusters)
    ours = fit(entry(), Data(panel))
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.params[["x", "w"]], rtol=1e-9)
    G, n, K = 40, len(d), 3
    factor = G / (G - 1) * (n - 1) / (n - K)
    cov = theirs.cov.loc[["x", "w"], ["x", "w"]]
    np.testing.assert_allclose(ours.covariance, cov * factor, rtol=1e-8)


def test_hansen_j_equals_linearmodels_two_step(panel):
    d = demeaned(panel)
    clusters = d.index.codes[0]
    gmm = IVGMM(d["y"], d[["w"]], d[["x"]], d[["z1", "z2"]], weight_type="clustered", clusters=clusters)
    theirs = gmm.fit(iter_limit=2)
    row = fit(entry(), Data(panel)).tests.set_index("test").loc["Hansen J"]
    assert row["statistic"] == pytest.approx(theirs.j_stat.stat, rel=1e-8)
    assert row["pvalue"] == pytest.approx(theirs.j_stat.pval, rel=1e-8)


def test_strength_statistics_agree_where_they_must(panel):
    tests = fit(entry(instruments=["z1"]), Data(panel)).tests.set_index("test")
    F = tests.loc["first-stage F: x", "statistic"]
    # One instrument, one endogenous regressor: three names for one number.
    assert tests.loc["Kleibergen-Paap rk Wald F", "statistic"] == pytest.approx(F, rel=1e-10)
    assert tests.loc["Montiel Olea-Pflueger effective F", "statistic"] == pytest.approx(F, rel=1e-10)
    assert "23.10" in tests.loc["Montiel Olea-Pflueger effective F", "note"]
    plain = fit(entry(instruments=["z1"], covariance="homoskedastic"), Data(panel)).tests.set_index("test")
    assert plain.loc["Cragg-Donald F", "statistic"] == pytest.approx(
        plain.loc["first-stage F: x", "statistic"], rel=1e-10
    )


def test_kleibergen_paap_is_cragg_donald_for_homoskedastic_errors(panel):
    two = entry(treatment=["x", "x2"], instruments=["z1", "z2", "z3"], covariance="homoskedastic")
    tests = fit(two, Data(panel)).tests.set_index("test")
    df = len(panel) - 40 - 4
    assert tests.loc["Kleibergen-Paap rk Wald F", "statistic"] * df / df == pytest.approx(
        tests.loc["Cragg-Donald F", "statistic"], rel=1e-8
    )


def test_first_stage_f_is_that_of_the_regression(panel):
    ours = fit(entry(), Data(panel)).tests.set_index("test").loc["first-stage F: x"]
    first = fit({**entry(kind="fixed_effects"), "outcome": "x", "treatment": ["z1", "z2"]}, Data(panel))
    gamma = first.coefficients["estimate"].to_numpy()[:2]
    V = first.covariance.to_numpy()[:2, :2]
    assert ours["statistic"] == pytest.approx(gamma @ np.linalg.solve(V, gamma) / 2, rel=1e-9)
    assert ours["pvalue"] == pytest.approx(f_pvalue(ours["statistic"], 2, 39), rel=1e-12)


def test_anderson_rubin_set_solves_the_quadratic(panel):
    """With one instrument the set is where (g_y - b g_x)^2 <= F V(b), a quadratic inequality in b."""
    result = fit(entry(instruments=["z1"]), Data(panel))
    bounds = result.tables["anderson_rubin"]
    for b in (*bounds["lower"], *bounds["upper"]):
        shifted = panel.assign(gap=panel["y"] - b * panel["x"])
        reduced = fit({**entry(kind="fixed_effects"), "outcome": "gap", "treatment": "z1"}, Data(shifted))
        assert reduced.coefficients["pvalue"].iloc[0] == pytest.approx(0.05, abs=1e-7)
    estimate = result.coefficients["estimate"].iloc[0]
    assert bounds["lower"].iloc[0] < estimate < bounds["upper"].iloc[0]


def test_anderson_rubin_set_is_unbounded_for_a_useless_instrument():
    panel = simulated(seed=5, strength=0.0)
    bounds = fit(entry(instruments=["z1"]), Data(panel)).tables["anderson_rubin"]
    assert np.isinf(bounds["lower"]).any() and np.isinf(bounds["upper"]).any()


def test_fit_says_the_shape_of_the_set(panel):
    """Bounded, with its ends as in the table; a useless instrument leaves it open; one that fits no value, empty."""
    strong = fit(entry(instruments=["z1"]), Data(panel))
    held = strong.fit["anderson_rubin_set"]
    assert held["shape"] == "bounded"
    np.testing.assert_array_equal(held["pieces"], strong.tables["anderson_rubin"][["lower", "upper"]])
    useless = fit(entry(instruments=["z1"]), Data(simulated(seed=5, strength=0.0))).fit["anderson_rubin_set"]
    assert useless["shape"] in ("whole_line", "disjoint_unbounded", "unbounded")
    assert useless["pieces"][0][0] is None
    invalid = panel.assign(y=panel["y"] + 5 * panel["z1"] - 5 * panel["z2"])
    assert fit(entry(), Data(invalid)).fit["anderson_rubin_set"] == {
        **{"shape": "empty", "level": 0.95, "pieces": [], "method": "F"}
    }
    two = fit(entry(treatment=["x", "x2"], instruments=["z1", "z2", "z3"]), Data(panel)).fit
    assert two["anderson_rubin_set"] is None
    assert two["instrument_strength"]["critical"] == 19.93 and "conditional_f" in two["instrument_strength"]


def test_strength_is_judged_against_the_critical_value(panel):
    for strength, verdict in ((0.05, "weak"), (1.0, "strong")):
        result = fit(entry(), Data(simulated(seed=2, strength=strength)))
        row = result.tests.set_index("test").loc["Montiel Olea-Pflueger effective F"]
        assert row["verdict"] == result.fit["instrument_strength"]["verdict"] == verdict
        assert (row["statistic"] > row["critical"]) == (verdict == "strong")
        assert f"{row['critical']:.3f}" in row["note"]
    assert (result.tests["verdict"] != "").sum() == 1


def test_wild_set_holds_what_the_wild_test_does_not_reject():
    """The set's ends are where p crosses .05; p of no effect and zero in the set agree."""
    for seed, strength in ((0, 0.8), (3, 0.1), (5, 0.0)):
        result = fit(
            entry(wild_repetitions=499, cluster="units"), Data(simulated(seed=seed, strength=strength, n_units=15))
        )
        held = result.fit["anderson_rubin_set"]
        assert held["method"] == "wild bootstrap"
        table = result.tables["anderson_rubin"]
        own = table[table["method"] == "wild bootstrap"]
        tests = result.tests.set_index("test")
        inside = ((own["lower"] <= 0) & (own["upper"] >= 0)).any()
        assert inside == (tests.loc["Anderson-Rubin, no effect, wild bootstrap", "pvalue"] > 0.05)


def test_intervals_for_few_clusters_are_longer_and_agree_with_their_p_values(panel):
    plain = fit(entry(), Data(panel)).coefficients
    for changes in (
        {"small_sample": "CR2", "df": "satterthwaite"},
        {"small_sample": "corrected"},
        {"small_sample": "CR3"},
    ):
        found = fit(entry(**changes), Data(panel))
        table = found.coefficients
        np.testing.assert_array_equal(table["estimate"], plain["estimate"])
        assert np.all(table["upper"] - table["lower"] > 0.97 * (plain["upper"] - plain["lower"]))
        for rows in (table, found.tables["first_stage"]):
            outside = (rows["lower"] > 0) | (rows["upper"] < 0)
            assert np.array_equal(outside, rows["pvalue"] < 0.05)
    assert found.fit["small_sample"] == "CR3"


def test_anderson_rubin_keeps_its_size_with_weak_instruments():
    """The test alone over two hundred panels; it is the one that the fit reports."""
    found = []
    for seed in range(200):
        panel = simulated(seed=seed, strength=0.05)
        panel["y0"] = panel["y"] - 1.5 * panel["x"] + 0.5 * panel["x2"]
        specification = entry(outcome="y0", covariance="clustered", cluster="units")
        design = build(specification, Data(panel), extra=("instruments",))
        endogenous, excluded = ([t.name for t in terms_of(specification, key)] for key in ("treatment", "instruments"))
        exogenous = [name for name in design.names if name not in endogenous]
        columns = design.columns([*endogenous, *exogenous, *excluded])
        parts, choice = (endogenous, exogenous, excluded), choice_of(specification)
        problem = project(design.y, columns, parts, design.layout, specification["effects"], choice)
        found.append(anderson_rubin(problem, np.zeros(1))["pvalue"])
    tests = fit(specification, Data(panel)).tests.set_index("test")
    assert tests.loc["Anderson-Rubin, no effect", "pvalue"] == pytest.approx(found[-1], rel=1e-12)
    assert 0.015 < np.mean(np.array(found) < 0.05) < 0.10


def test_exogeneity_is_rejected_where_it_fails(panel):
    clean = panel.assign(y=panel["y"] + 0.5 * panel["x2"])
    assert fit(entry(), Data(clean)).tests.set_index("test").loc["exogeneity of the treatment", "pvalue"] < 1e-3


def test_too_few_instruments_are_refused(panel):
    with pytest.raises(RongheError, match="2 endogenous regressors need as many instruments, not 1"):
        fit(entry(treatment=["x", "x2"], instruments=["z1"]), Data(panel))


def employment(rows: dict[int, dict[str, tuple[float, float]]]) -> pd.DataFrame:
    long = [
        (region, year, sector, value)
        for year, values in rows.items()
        for region, pair in values.items()
        for sector, value in zip("ms", pair, strict=True)
    ]
    return pd.DataFrame(long, columns=["region", "year", "sector", "value"])


def test_shift_share_by_hand():
    """Two sectors in three regions: shares of the base year times growth in the other two regions."""
    base = {"a": (10.0, 30.0), "b": (20.0, 20.0), "c": (5.0, 15.0)}
    late = {"a": (11.0, 33.0), "b": (30.0, 22.0), "c": (5.0, 18.0)}
    index = pd.MultiIndex.from_product([["a", "b", "c"], [2013, 2014]], names=["region", "year"])
    data = Data(pd.DataFrame({"y": 0.0}, index=index), tables={"employment": employment({2013: base, 2014: late})})
    z = instrument(data, name="z", table="employment", sectors=("m", "s"), base_year=2013)
    expected = 10 / 40 * np.log(35 / 25) + 30 / 40 * np.log(40 / 35)
    assert z["a", 2014] == pytest.approx(expected, rel=1e-14)
    assert (z.xs(2013, level="year") == 0).all()
    made = components(data, name="z", table="employment", sectors=("m", "s"), base_year=2013)
    assert made.shares.loc["a"].tolist() == [0.25, 0.75]
    assert made.shocks().loc[2014].to_numpy() == pytest.approx(np.log([46 / 35, 73 / 65]), rel=1e-14)


def test_shift_share_estimates_come_with_their_shocks_errors_and_balance():
    rng = np.random.default_rng(3)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(40)], range(2001, 2007)], names=["region", "year"])
    growth = {"m": 1.1 ** np.arange(6), "s": 1.02 ** np.arange(6) ** 2}
    size = {region: rng.uniform(1, 30, size=2) for region in index.levels[0]}
    table = employment(
        {2001 + t: {r: tuple(v * [growth["m"][t], growth["s"][t]]) for r, v in size.items()} for t in range(6)}
    )
    data = Data(pd.DataFrame(rng.normal(size=(240, 3)), index=index, columns=["y", "x", "w"]), tables={"jobs": table})
    options = {"name": "z", "table": "jobs", "sectors": ("m", "s"), "base_year": 2001}
    data.panel["x"] += 30 * instrument(data, **options)
    result = fit(entry(instruments={"shift_share": {**options, "sectors": ["m", "s"]}}), data)
    shocks, errors, balance = (result.tables[name] for name in ("shocks", "exposure_errors", "balance"))
    shares = np.array([v / v.sum() for v in size.values()])
    assert shocks["mean_share"].to_numpy() == pytest.approx(shares.mean(axis=0), rel=1e-12)
    assert shocks["growth"].to_numpy() == pytest.approx([5 * np.log(1.1), 25 * np.log(1.02)], rel=1e-10)
    assert shocks["share_of_score"].sum() == pytest.approx(1, rel=1e-10)
    assert errors["shocks"].tolist() == ["sector and year", "sector"] and errors["clusters"].tolist() == [12, 2]
    assert errors["effective_shocks"].iloc[1] == pytest.approx(1 / (shares.mean(axis=0) ** 2).sum(), rel=1e-10)
    reported = result.coefficients.set_index("term").loc["x", "estimate"]
    assert errors["estimate"].to_numpy() == pytest.approx([reported] * 2, rel=1e-9)
    # Two sectors cannot reject anything: their statistic is at most the root of two.
    assert np.isinf(errors.loc[1, ["null_lower", "null_upper"]].to_numpy(float)).all()
    # Predicted change is a multiple of the share of s, so that the slope is a correlation.
    change = shares @ [5 * np.log(1.1), 25 * np.log(1.02)]
    first = data.panel.xs(2001, level="year")["w"]
    slope = balance.set_index("characteristic").loc["w", "estimate"]
    assert abs(slope) == pytest.approx(abs(np.corrcoef(change, first)[0, 1]), rel=1e-9)
    lagged = fit(entry(instruments=["z1", "z2"]), Data(simulated()))
    assert all(lagged.tables[name].empty for name in ("shocks", "exposure_errors", "balance"))
