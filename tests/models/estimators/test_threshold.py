"""Panel thresholds: Hansen's data, brute force, and panels whose thresholds are known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear.layout import Layout
from ronghe.linear.threshold_search import Sample, Search, candidates
from ronghe.linear.threshold_tests import (
    Settings,
    confidence_set,
    critical_likelihood_ratio,
    leverage_corrected,
    search_all,
)
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


def simulated(seed: int = 0, n_units: int = 60, n_periods: int = 8, gammas=(0.4,), jumps=(1.0,)) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:03d}" for i in range(n_units)], range(2000, 2000 + n_periods)])
    index.names = ["region", "year"]
    n = len(index)
    q, x, w = rng.uniform(size=n), rng.normal(size=n), rng.normal(size=n)
    slope = 1.0 + sum(j * (q > g) for g, j in zip(gammas, jumps, strict=True))
    unit = np.repeat(rng.normal(size=n_units), n_periods)
    y = slope * x + 0.5 * w + unit + rng.normal(scale=0.5, size=n)
    return pd.DataFrame({"y": y, "x": x, "w": w, "q": q}, index=index)


def entry(**changes: object) -> dict:
    base = {"name": "test", "kind": "threshold", "outcome": "y", "treatment": "x", "controls": ["w"]}
    return base | {"threshold_variable": "q", "effects": "units", "thresholds": 1, "repetitions": 99} | changes


def sample_of(panel: pd.DataFrame, effects: str, x: list[str]) -> Sample:
    index = panel.index.remove_unused_levels()
    layout = Layout(index.codes[0].astype(int), index.codes[1].astype(int))
    columns = (panel["y"].to_numpy(), panel[["w"]].to_numpy(), panel[x].to_numpy(), panel["q"].to_numpy())
    return Sample(*columns, layout, effects)


@pytest.mark.parametrize("effects", ["units", "twoways"])
@pytest.mark.parametrize("unbalanced", [False, True])
@pytest.mark.parametrize("x", [["x"], ["x", "x2"]])
def test_one_pass_equals_refitting_at_every_candidate(effects, unbalanced, x):
    panel = simulated(n_units=12, n_periods=5)
    panel["x2"] = np.random.default_rng(9).normal(size=len(panel))
    panel["q"] = panel["q"].round(2)  # with ties
    if unbalanced:
        panel = panel[np.random.default_rng(2).random(len(panel)) > 0.2]
    sample = sample_of(panel, effects, x)
    earlier = (0.7,)
    values = candidates(sample.q, "all_values", 0.1, earlier)
    curve = Search(sample, values, earlier).curve(sample.y)
    dummies = [np.eye(sample.layout.n_units)[sample.layout.units]]
    if effects == "twoways":
        dummies.append(np.eye(sample.layout.n_periods)[sample.layout.times][:, 1:])
    base = np.column_stack([*dummies, sample.X, sample.pieces(earlier)])

    def ssr(X: np.ndarray) -> float:
        return float(np.sum((sample.y - X @ np.linalg.lstsq(X, sample.y, rcond=None)[0]) ** 2))

    assert curve.null == pytest.approx(ssr(base), rel=1e-10)
    brute = [ssr(np.column_stack([base, sample.x * (sample.q <= g)[:, None]])) for g in values]
    np.testing.assert_allclose(curve.ssr, brute, rtol=1e-9)


def test_known_thresholds_are_found_and_kept():
    panel = simulated(n_units=100, gammas=(0.3, 0.7), jumps=(1.0, -1.5))
    result = fit(entry(thresholds=3), Data(panel, seed=1))
    np.testing.assert_allclose(result.fit["thresholds"], [0.3, 0.7], atol=0.02)
    tests = result.tests.set_index("test")["pvalue"]
    for way in ("", ", signs by region"):
        # The least p-value of 99 draws is 0.01.
        assert tests[f"single threshold{way}"] == tests[f"double threshold{way}"] == pytest.approx(0.01)
        assert tests[f"triple threshold{way}"] > 0.05
    slopes = result.coefficients["estimate"].to_numpy()[:3]
    np.testing.assert_allclose(slopes, [1.0, 2.0, 0.5], atol=0.15)
    table = result.tables["thresholds"]
    assert (table["lower"] <= table["estimate"]).all() and (table["estimate"] <= table["upper"]).all()
    assert list(result.coefficients["term"][:3]) == [
        f"x[q<={result.fit['thresholds'][0]:.6g}]",
        f"x[{result.fit['thresholds'][0]:.6g}<q<={result.fit['thresholds'][1]:.6g}]",
        f"x[q>{result.fit['thresholds'][1]:.6g}]",
    ]


def test_bootstrap_keeps_its_size_without_a_threshold():
    rejected = []
    for seed in range(150):
        panel = simulated(seed=seed, n_units=25, n_periods=6, gammas=(), jumps=())
        step = search_all(sample_of(panel, "units", ["x"]), Settings(most=1, repetitions=99), seed)[0]
        rejected.append(step.pvalue < 0.05)
    assert 0.01 <= np.mean(rejected) <= 0.11


def uneven(seed: int, few: int = 8, spread: float = 1.5, n_units: int = 30, n_periods: int = 8) -> pd.DataFrame:
    """Return a panel without a threshold: q is a trait of units, and the few that score high have noisy outcomes."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n_units)], range(2000, 2000 + n_periods)])
    index.names = ["region", "year"]
    high = np.repeat(np.arange(n_units) < few, n_periods)
    q = rng.uniform(size=len(index)) + 0.9 * high
    x, w, e = rng.normal(size=(3, len(index)))
    sign = np.repeat(rng.choice([-1.0, 1.0], n_units), n_periods)
    y = 0.5 * w + e + spread * high * sign * x
    return pd.DataFrame({"y": y, "x": x, "w": w, "q": q}, index=index)


def test_signs_by_unit_keep_their_size_where_units_differ_and_drawing_units_does_not():
    """Noise of eight units moves with x, and their q is high: 54 and 9 % of 200 panels rejected at 5 %."""
    found = []
    for seed in range(200):
        step = search_all(sample_of(uneven(seed), "twoways", ["x"]), Settings(most=1, repetitions=99), seed)[0]
        found.append((step.pvalue <= 0.05, step.signs_pvalue <= 0.05))
    drawn, signs = np.mean(found, axis=0)
    assert drawn > 0.4 and signs < 0.13


def test_leverage_correction_is_that_of_cr2():
    """Under independent errors of variance one a unit's corrected residuals have the covariance I (bias exact)."""
    sample = sample_of(simulated(n_units=12, n_periods=5), "pooled", ["x"])
    basis = np.linalg.qr(np.column_stack([np.ones(60), sample.X, sample.x]))[0]
    M = np.eye(60) - basis @ basis.T
    corrected = np.column_stack([leverage_corrected(column, basis, sample.layout) for column in M.T])
    for unit in range(12):
        rows = sample.layout.units == unit
        np.testing.assert_allclose((corrected @ corrected.T)[np.ix_(rows, rows)], np.eye(5), atol=1e-10)


def test_fit_says_who_lies_where_and_who_crosses():
    panel = simulated(n_units=20)
    low = panel.index.get_level_values(0).isin(["r000", "r001"])
    panel.loc[low, "q"] = 0.01 * panel.loc[low, "q"]
    result = fit(entry(), Data(panel, seed=1))
    (gamma,) = result.fit["thresholds"]
    below = (panel["q"] <= gamma).groupby(level=0).agg(["any", "all"])
    assert result.fit["regime_regions"][0] == list(below.index[below["any"]])
    assert result.fit["regions_crossing"] == list(below.index[below["any"] & ~below["all"]])
    assert result.fit["n_regions_crossing"] == len(result.fit["regions_crossing"]) <= 18
    assert sum(result.fit["regime_rows"]) == len(panel)


def test_without_each_is_the_same_search_on_fewer_regions():
    panel = uneven(3)
    settings = {"repetitions": 49, "trim": 0.05}
    whole = fit(entry(effects="twoways", **settings), Data(panel, seed=1))
    table = whole.tables["without_each"]
    (gamma,) = whole.fit["thresholds"]
    upper = (panel["q"] > gamma).groupby(level=0).sum()
    few = upper if upper.sum() < len(panel) / 2 else 8 - upper
    assert dict(zip(table["region"], table["rows_outside"], strict=True)) == few[few > 0].to_dict()
    region = table["region"].iloc[0]
    rest = fit(entry(effects="twoways", **settings), Data(panel.drop(region, level=0), seed=1))
    row = table.iloc[0]
    assert row["threshold"] == rest.fit["thresholds"][0]
    tests = rest.tests.set_index("test").loc["single threshold, signs by region"]
    assert row["statistic"] == pytest.approx(tests["statistic"], rel=1e-9)
    assert row["pvalue"] == pytest.approx(tests["pvalue"])
    slopes = rest.coefficients["estimate"].to_numpy()[:2]
    np.testing.assert_allclose(row[["estimate_lower", "estimate_upper"]].astype(float), slopes, rtol=1e-8)


def test_bound_of_the_confidence_set_is_hansens():
    assert critical_likelihood_ratio(0.95) == pytest.approx(7.35, abs=0.005)
    assert critical_likelihood_ratio(0.99) == pytest.approx(10.59, abs=0.005)
    assert critical_likelihood_ratio(0.90) == pytest.approx(5.94, abs=0.005)


def test_seed_decides_and_row_order_does_not():
    panel = simulated(n_units=20)
    first = fit(entry(), Data(panel, seed=3)).tests
    second = fit(entry(), Data(panel.sample(frac=1, random_state=0), seed=3)).tests
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)


def test_too_many_thresholds_are_refused():
    with pytest.raises(RongheError, match="no threshold leaves 40% of the rows"):
        fit(entry(thresholds=2, trim=0.4), Data(simulated(n_units=10)))


@pytest.fixture(scope="module")
def investment(reference) -> Sample:
    raw = pd.read_csv(reference / "hansen" / "investment.csv").to_numpy(float)
    invest, tobin, cash, debt = (raw[:, i].reshape(565, 15) for i in range(4))
    y, Q, C, D = invest[:, 1:].ravel(), tobin[:, :-1].ravel(), cash[:, :-1].ravel(), debt[:, :-1].ravel()
    X = np.column_stack([Q, Q**2, Q**3, D, Q * D])
    layout = Layout(np.repeat(np.arange(565), 14), np.tile(np.arange(14), 565))
    return Sample(y, X, C[:, None], D, layout, "units")


@pytest.fixture(scope="module")
def figures(reference) -> dict:
    return json.loads((reference / "hansen" / "threshold.json").read_text())["entries"]


@pytest.mark.reference
def test_hansens_data_on_a_grid_of_quantiles(investment, figures):
    steps = search_all(investment, Settings(most=3, search="quantiles", trim=0.01, repetitions=0), 0)
    names = ["hansen1999_exact_single", "hansen1999_exact_double", "hansen1999_exact_triple"]
    for step, name in zip(steps, names, strict=True):
        wanted = figures[name]
        assert step.curve.best == wanted["threshold"]
        assert step.curve.least == pytest.approx(wanted["ssr1"], rel=1e-10)
        assert step.statistic == pytest.approx(wanted["F1"], rel=1e-8)
        assert len(step.curve.candidates) == wanted["n_candidates"]
        assert list(confidence_set(step.curve, step.df, 0.95)[:2]) == wanted["ci95"]


@pytest.mark.reference
def test_every_value_does_better_than_the_grid(investment, figures):
    """The grid stops at 0.01603; the least sum of squares lies at 0.0157, where Hansen found it."""
    step = search_all(investment, Settings(most=1, trim=0.01, repetitions=0), 0)[0]
    assert step.curve.best == 0.0157
    assert step.curve.least < figures["hansen1999_exact_single"]["ssr1"]
    assert step.curve.least == pytest.approx(17.78165081395244, rel=1e-10)
    assert step.statistic == pytest.approx(32.81725208933, rel=1e-8)


@pytest.mark.reference
def test_hansens_program(investment, figures):
    settings = Settings(most=1, convention="hansen_program", trim=0.01, repetitions=0)
    step = search_all(investment, settings, 0)[0]
    wanted = figures["hansen1999_pdR_single"]
    assert step.curve.best == wanted["threshold"]
    assert step.curve.null == pytest.approx(wanted["sse0"], rel=1e-10)
    assert step.curve.least == pytest.approx(wanted["sse1"], rel=1e-9)
    assert step.statistic == pytest.approx(wanted["LR_nT"], rel=1e-8)
