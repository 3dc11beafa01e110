"""Productivity indices: known growth, the identity of the parts, circularity, speed."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.formulas.productivity import productivity, target_slacks

WAYS = [("slacks", "constant"), ("slacks", "variable"), ("directional", "constant")]


def panel(n_regions=6, years=range(2013, 2017), seed=0) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([[f"r{i:02}" for i in range(n_regions)], years], names=["region", "year"])
    draws = np.random.default_rng(seed).lognormal(sigma=0.5, size=(len(index), 5))
    return pd.DataFrame(draws, index=index, columns=["labour", "energy", "value", "sulphur", "smoke"])


NAMES = {"inputs": ["labour", "energy"], "outputs": ["value"], "bads": ["sulphur", "smoke"]}


@pytest.mark.parametrize(("distance", "returns"), WAYS)
def test_parts_multiply_to_the_index(distance, returns):
    found = productivity(panel(), **NAMES, distance=distance, returns=returns)
    later = found.drop(index=2013, level="year")
    np.testing.assert_allclose(later["efficiency_change"] * later["technical_change"], later["index"], rtol=1e-12)
    product = later["index"].groupby("region").cumprod()
    np.testing.assert_allclose(later["cumulative"], product, rtol=1e-12)
    assert found.xs(2013, level="year")[["index", "efficiency_change", "technical_change"]].isna().all(axis=None)
    assert (found.xs(2013, level="year")["cumulative"] == 1).all()
    # All years' units together span at least the technology of each year.
    assert (found["efficiency"] <= found["efficiency_own_year"] + 1e-7).all()
    assert found["efficiency"].max() == pytest.approx(1, abs=1e-7)
    assert found.groupby("year")["efficiency_own_year"].max().to_numpy() == pytest.approx(np.ones(4), abs=1e-7)


def test_one_input_one_output_is_labour_productivity():
    data = panel()[["labour", "value"]]
    found = productivity(data, ["labour"], ["value"])
    ratio = data["value"] / data["labour"]
    np.testing.assert_allclose(found["efficiency"], ratio / ratio.max(), atol=1e-8)
    own = ratio / ratio.groupby("year").transform("max")
    np.testing.assert_allclose(found["efficiency_own_year"], own, atol=1e-8)
    growth = ratio.groupby("region").pct_change() + 1
    np.testing.assert_allclose(found["index"], growth, rtol=1e-7)


def test_common_progress_is_technical_change():
    """Every region makes 10 % more from the same inputs each year: nobody catches up, technology grows by 10 %."""
    base = panel(years=[2013]).droplevel("year")
    years = range(2013, 2017)
    data = pd.concat({year: base.assign(value=base["value"] * 1.1 ** (year - 2013)) for year in years}, names=["year"])
    data = data.swaplevel().sort_index()[["labour", "value"]]
    found = productivity(data, ["labour"], ["value"]).drop(index=2013, level="year")
    np.testing.assert_allclose(found["efficiency_change"], 1, rtol=1e-7)
    np.testing.assert_allclose(found["technical_change"], 1.1, rtol=1e-7)


def test_directional_by_hand():
    """One region: (x, y, b) = (1, 1, 1), then (1, 2, 1): D = 1/3 then 0 against both, so the index is 4/3."""
    index = pd.MultiIndex.from_product([["r"], [1, 2]], names=["region", "year"])
    data = pd.DataFrame({"x": [1.0, 1], "y": [1.0, 2], "b": [1.0, 1]}, index=index)
    found = productivity(data, ["x"], ["y"], ["b"], distance="directional").loc[("r", 2)]
    assert found["index"] == pytest.approx(4 / 3, abs=1e-9)
    assert found["efficiency_change"] == pytest.approx(1, abs=1e-9)
    assert found["technical_change"] == pytest.approx(4 / 3, abs=1e-9)


def test_row_order_does_not_matter():
    data = panel(seed=3)
    found = productivity(data, **NAMES)
    again = productivity(data.sample(frac=1, random_state=0), **NAMES)
    pd.testing.assert_frame_equal(found, again, rtol=0, atol=0)


def test_default_size_takes_seconds():
    data = panel(30, range(2013, 2021))
    start = time.process_time()
    productivity(data, **NAMES)
    assert time.process_time() - start < 3


def test_slacks_by_region_and_year():
    data = panel()
    slacks = target_slacks(data, **NAMES)
    found = productivity(data, **NAMES)["efficiency"]
    again = (1 - slacks[["labour", "energy"]].mean(axis=1)) / (1 + slacks[["value", "sulphur", "smoke"]].mean(axis=1))
    np.testing.assert_allclose(again, found, atol=1e-7)


def test_refusals():
    with pytest.raises(RongheError, match="for constant returns"):
        productivity(panel(), **NAMES, distance="directional", returns="variable")
    with pytest.raises(RongheError, match="missing or infinite for \\('r01', 2014\\)"):
        data = panel()
        data.loc[("r01", 2014), "labour"] = np.nan
        productivity(data, **NAMES)
    with pytest.raises(RongheError, match="not balanced"):
        productivity(panel().iloc[1:], **NAMES)
