"""Sensitivity of a specification: what follows from its stored intervals, and from its regression."""

from __future__ import annotations

import numpy as np
import pytest
from panel_builders import null_panel, ring_weights
from ronghe.linear.inference import t_quantile
from ronghe.linear.sensitivity import detectable_effect
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit

BASE = {"name": "base", "kind": "fixed_effects", "outcome": "y", "treatment": "x0", "controls": ["x1", "x2"]}


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(null_panel(seed=2, effect=0.4), weights={"ring": ring_weights(30)})


def entry(**changes: object) -> dict:
    return {"name": "test", "kind": "sensitivity", "of": BASE | changes}


@pytest.mark.parametrize("kind", ["fixed_effects", "pooled"])
def test_a_linear_specification(data, kind):
    result = fit(entry(kind=kind), data)
    row = result.tables["sensitivity"].iloc[0]
    term = fit(BASE | {"kind": kind}, data).coefficient("x0")
    assert (row["term"], row["effect"]) == ("x0", "coefficient")
    assert row["estimate"] == term["estimate"] and row["df"] == 29
    error = (term["upper"] - term["estimate"]) / t_quantile(0.975, 29)
    assert row["detectable"] == pytest.approx(detectable_effect(error, 29), rel=1e-9)
    classical = fit(BASE | {"kind": kind, "covariance": "homoskedastic"}, data).coefficient("x0")["statistic"]
    df = {"fixed_effects": 180 - 30 - 5 - 3, "pooled": 180 - 4}[kind]
    assert row["partial_r2"] == pytest.approx(classical**2 / (classical**2 + df), rel=1e-9)
    assert 0 < row["robustness_value_significance"] < row["robustness_value"] < 1
    bounds = result.tables["benchmarks"]
    assert list(bounds["benchmark"].unique()) == ["x1", "x2"] and len(bounds) == 6
    weights = result.tables["region_weights"]
    assert len(weights) == 30 and weights["share"].sum() == pytest.approx(1)
    tests = result.tests.set_index("test")["statistic"]
    assert tests["effective number of regions: x0"] == pytest.approx(1 / (weights["share"] ** 2).sum())
    assert result.fit["base"] == "base" and result.fit["power"] == 0.8


def test_more_power_needs_a_greater_effect(data):
    usual, more = (fit(entry() | {"power": p}, data).tables["sensitivity"]["detectable"][0] for p in (0.8, 0.95))
    assert more > 1.1 * usual


def test_impacts_of_a_spatial_specification(data):
    result = fit(entry(kind="spatial", weights="ring"), data)
    table = result.tables["sensitivity"].set_index("effect")
    assert list(table.index) == ["coefficient", "direct", "indirect", "total"]
    impacts = result.impacts.set_index(["variable", "effect"]).loc["x0"]
    for effect in impacts.index:
        half = (impacts.loc[effect, "upper"] - impacts.loc[effect, "lower"]) / 2
        df = impacts.loc[effect, "df"]
        wanted = detectable_effect(half / t_quantile(0.975, df), df)
        assert table.loc[effect, "detectable"] == pytest.approx(wanted, rel=1e-9)
    assert table["robustness_value"].isna().all()
    assert not len(result.tables["benchmarks"]) and "share" in result.tables["region_weights"]


def test_two_treatments_are_looked_at_one_by_one(data):
    result = fit(entry(treatment=["x0", "x1"], controls=["x2"]), data)
    assert list(result.tables["sensitivity"]["term"]) == ["x0", "x1"]
    bounds = result.tables["benchmarks"]
    assert list(zip(bounds["treatment"], bounds["benchmark"], strict=True))[::3] == [("x0", "x2"), ("x1", "x2")]
    assert np.isfinite(bounds["adjusted"]).all()
