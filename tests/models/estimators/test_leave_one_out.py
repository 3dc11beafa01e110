"""Leave one out: direct refits, and the region that makes the result."""

from __future__ import annotations

import pytest
from panel_builders import null_panel
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


def member(name: str, **changes: object) -> dict:
    base = {"name": name, "kind": "fixed_effects", "outcome": "y", "treatment": name, "controls": []}
    return base | {"effects": "twoways"} | changes


def test_leave_one_out_is_the_fit_without_the_region():
    panel = null_panel(effect=0.3)
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
    panel = null_panel()
    odd = panel.index.get_level_values(0) == "r11"
    panel.loc[odd, "y"] += 8 * panel.loc[odd, "x0"]
    result = fit({"name": "t", "kind": "leave_one_out", "of": member("x0")}, Data(panel))
    assert "most moved without r11" in result.tests["note"].iloc[0]
