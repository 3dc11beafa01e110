"""Mediation, moderation and heterogeneity: identities, known truth and the same regressions done another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear.bootstrap import CrossProducts, unit_draws
from ronghe.linear.layout import Layout
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


def simulated(seed: int = 0, n_units: int = 60, n_periods: int = 6, a: float = 0.8, b: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n_units)], range(2001, 2001 + n_periods)])
    index.names = ["region", "year"]
    n = len(index)
    unit, common = np.repeat(rng.normal(size=n_units), n_periods), np.tile(rng.normal(size=n_periods), n_units)
    x, w = rng.normal(size=n) + unit, rng.normal(size=n)
    m = a * x + 0.3 * w + unit + common + rng.normal(size=n)
    slope = np.where(np.repeat(np.arange(n_units) % 3 == 0, n_periods), 2.0, 1.0)
    y = 0.4 * x + b * m + 0.2 * w + 2 * unit + common + rng.normal(size=n)
    z = slope * x + 0.5 * m + 0.6 * x * m + 0.2 * w + unit + common + rng.normal(size=n) * 0.5
    g = slope * x + 0.5 * m + 0.2 * w + unit + common + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "w": w, "m": m, "z": z, "g": g}, index=index)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return simulated()


def entry(kind: str, **changes: object) -> dict:
    base = {"name": "test", "kind": kind, "outcome": "y", "treatment": "x", "controls": ["w"], "effects": "twoways"}
    return base | changes


def test_mediation_adds_up_and_recovers_the_truth(panel):
    result = fit(entry("mediation", mediator="m", repetitions=499), Data(panel, seed=1))
    b = result.coefficients.set_index("term")["estimate"]
    assert b["total"] == pytest.approx(b["direct"] + b["indirect"], rel=1e-12)
    assert b["indirect"] == pytest.approx(b["treatment_to_mediator"] * b["mediator_to_outcome"], rel=1e-12)
    paths = result.tables["paths"].set_index("path")
    for name, truth in {
        "treatment_to_mediator": 0.8,
        "mediator_to_outcome": 0.5,
        "indirect": 0.4,
        "direct": 0.4,
    }.items():
        assert abs(b[name] - truth) < 4 * paths.loc[name, "std_error"]
    assert paths.loc["share_mediated", "estimate"] == pytest.approx(b["indirect"] / b["total"], rel=1e-12)


def test_mediation_errors_are_those_of_the_single_regressions(panel):
    result = fit(entry("mediation", mediator="m", repetitions=99), Data(panel, seed=1))
    errors = result.coefficients.set_index("term")["std_error"]
    total = fit(entry("fixed_effects"), Data(panel)).coefficients.set_index("term")["std_error"]
    third = fit(entry("fixed_effects", treatment=["x", "m"]), Data(panel)).coefficients.set_index("term")["std_error"]
    assert errors["total"] == pytest.approx(total["x"], rel=1e-10)
    assert errors["direct"] == pytest.approx(third["x"], rel=1e-10)
    assert errors["mediator_to_outcome"] == pytest.approx(third["m"], rel=1e-10)
    # Sobel's error without the covariance of a and b, which is about zero here.
    b = result.coefficients.set_index("term")["estimate"]
    first = (b["mediator_to_outcome"] * errors["treatment_to_mediator"]) ** 2
    second = (b["treatment_to_mediator"] * errors["mediator_to_outcome"]) ** 2
    assert errors["indirect"] == pytest.approx(np.sqrt(first + second), rel=0.15)


def test_bootstrap_of_cross_products_is_the_regression_on_resampled_units(panel):
    index = panel.index.remove_unused_levels()
    layout = Layout(index.codes[0].astype(int), index.codes[1].astype(int))
    draws = unit_draws(60, 3, seed=5)
    products = CrossProducts(panel[["y", "x", "w"]].to_numpy(), layout, "twoways")
    got, errors = products.regress_with_errors(0, [1, 2], draws)
    for counts, coefficients, error in zip(draws, got, errors, strict=True):
        blocks = []
        for unit, times in enumerate(counts.astype(int)):
            for copy in range(times):
                block = panel.xs(index.levels[0][unit])
                blocks.append(block.set_index(pd.MultiIndex.from_product([[f"{unit}-{copy}"], block.index])))
        sample = pd.concat(blocks)
        sample.index.names = ["region", "year"]
        direct = fit(entry("fixed_effects"), Data(sample))
        np.testing.assert_allclose(coefficients, direct.coefficients["estimate"], rtol=1e-9)
        # Copies of a unit count as clusters of their own, as in the small-sample factor here.
        factor = 60 / 59 * 359 / (360 - 2 - 6)
        np.testing.assert_allclose(error * np.sqrt(factor), direct.coefficients["std_error"], rtol=1e-9)


def test_mediation_interval_covers_zero_where_the_path_is_broken():
    covered = []
    for seed in range(150):
        broken = simulated(seed=seed, n_units=60, a=0.0)
        paths = fit(entry("mediation", mediator="m", repetitions=199), Data(broken, seed=seed)).tables["paths"]
        row = paths.set_index("path").loc["indirect"]
        covered.append(row["lower"] <= 0 <= row["upper"])
    # Three binomial errors around 95 %.
    assert 0.895 < np.mean(covered) <= 1


def test_mediator_among_controls_is_refused(panel):
    with pytest.raises(RongheError, match="mediator 'm' is among the controls"):
        fit(entry("mediation", mediator="m", controls=["w", "m"]), Data(panel))


def test_marginal_effect_is_the_derivative(panel):
    result = fit(entry("moderation", outcome="z", moderator="m"), Data(panel))
    b = result.coefficients.set_index("term")["estimate"]
    assert b["x:m"] == pytest.approx(0.6, abs=0.06)
    table = result.tables["marginal_effects"]
    raw = panel.assign(xm=panel["x"] * panel["m"])
    plain = fit(entry("fixed_effects", outcome="z", treatment=["x", "m", "xm"]), Data(raw))
    c, V = plain.coefficients["estimate"].to_numpy(), plain.covariance.to_numpy()
    m = table["moderator"].to_numpy()
    np.testing.assert_allclose(table["estimate"], c[0] + c[2] * m, rtol=1e-8, atol=1e-8)
    variance = V[0, 0] + 2 * m * V[0, 2] + m**2 * V[2, 2]
    np.testing.assert_allclose(table["std_error"], np.sqrt(variance), rtol=1e-7)
    assert table["share_below"].iloc[-1] == 1


def test_groups_with_everything_split_are_separate_regressions(panel):
    regions = panel.index.unique(0)
    frame = pd.DataFrame({"zone": ["a" if i % 3 == 0 else "b" for i in range(60)]}, index=regions)
    split = entry("groups", outcome="z", groups={"attribute": "zone"}, split="everything")
    result = fit(split, Data(panel, regions=frame)).coefficients.set_index("term")["estimate"]
    for zone in "ab":
        part = panel[panel.index.get_level_values(0).isin(frame.index[frame["zone"] == zone])]
        alone = fit(entry("fixed_effects", outcome="z"), Data(part)).coefficients["estimate"]
        np.testing.assert_allclose(result[[f"x[{zone}]", f"w[{zone}]"]], alone, rtol=1e-9)


def test_equality_is_rejected_where_groups_differ_and_kept_where_not(panel):
    frame = pd.DataFrame({"zone": ["a" if i % 3 == 0 else "b" for i in range(60)]}, index=panel.index.unique(0))
    data = Data(panel, regions=frame)
    differ = entry("groups", outcome="g", controls=["w", "m"], groups={"attribute": "zone"})
    same = entry("groups", controls=["w", "m"], groups={"attribute": "zone"})
    name = "equal in all groups: x"
    assert fit(differ, data).tests.set_index("test").loc[name, "pvalue"] < 1e-3
    assert fit(same, data).tests.set_index("test").loc[name, "pvalue"] > 0.05


def test_equality_of_two_groups_is_the_test_of_an_interaction(panel):
    zones = np.arange(60) % 3 == 0
    frame = pd.DataFrame({"zone": np.where(zones, "a", "b")}, index=panel.index.unique(0))
    row = fit(entry("groups", groups={"attribute": "zone"}), Data(panel, regions=frame)).tests.set_index("test")
    extra = panel.assign(xa=panel["x"] * np.repeat(zones, 6))
    plain = fit(entry("fixed_effects", treatment=["x", "xa"]), Data(extra)).coefficients.set_index("term")
    assert row.loc["equal in all groups: x", "statistic"] == pytest.approx(plain.loc["xa", "statistic"] ** 2, rel=1e-9)
    assert row.loc["equal in all groups: x", "pvalue"] == pytest.approx(plain.loc["xa", "pvalue"], rel=1e-8)


def test_periods_and_levels_make_groups(panel):
    periods = {"early": [2001, 2003], "late": [2004, 2006]}
    result = fit(entry("groups", groups={"periods": periods}), Data(panel))
    assert list(result.coefficients["term"][:2]) == ["x[early]", "x[late]"]
    assert result.fit["groups"] == {"early": 180, "late": 180}
    level = fit(entry("groups", groups={"level": {"of": "m", "parts": 3}}), Data(panel))
    assert level.fit["groups"] == {"low": 120, "middle": 120, "high": 120}
    with pytest.raises(RongheError, match="no period holds 2004"):
        fit(entry("groups", groups={"periods": {"early": [2001, 2003], "late": [2005, 2006]}}), Data(panel))
