"""Leave one out: direct refits, and the region that makes the result."""

from __future__ import annotations

import numpy as np
import pytest
from panel_builders import make_panel, null_panel, uneven_ring
from ronghe.models.estimate import Data, with_defaults
from ronghe.models.estimate import run as fit
from ronghe.models.estimators import leave_one_out
from ronghe.models.estimators.leave_one_out import SpatialRefits


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


SPATIAL = {"name": "s", "kind": "spatial", "outcome": "y", "treatment": "a", "controls": ["b"], "weights": "ring"}


def spatial_data() -> Data:
    y, X, W = make_panel(n=12, periods=6, W=uneven_ring(12))
    return Data(X.assign(y=y), weights={"ring": W})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "ols", "small_sample": "CR2", "df": "working"},
        {"model": "slx", "small_sample": "CR3"},
        {"model": "sar", "small_sample": "CR2", "df": "satterthwaite"},
        {"durbin": ["a"], "small_sample": "none"},
        {"effects": "units", "small_sample": "CR1", "df": "normal"},
        {"effects": "pooled", "method": "lsdv", "small_sample": "corrected", "df": "working"},
        {"covariance": "expected", "small_sample": None},
        {"covariance": "observed", "small_sample": None, "effects": "time"},
    ],
)
def test_spatial_models_are_those_of_the_loop_of_fits(monkeypatch, changes):
    data, of = spatial_data(), {k: v for k, v in {**with_defaults(SPATIAL), **changes}.items() if v is not None}
    if of["covariance"] != "clustered":
        del of["cluster"]
    assert SpatialRefits.of(of, data) is not None
    quick = leave_one_out.estimate({"of": of}, data).tables["influence"]
    monkeypatch.setattr(SpatialRefits, "of", lambda *_: None)
    slow = leave_one_out.estimate({"of": of}, data).tables["influence"]
    assert list(quick["left_out"]) == list(slow["left_out"]) and list(quick["term"]) == list(slow["term"])
    assert set(quick["note"]) == set(slow["note"])
    numbers = ["estimate", "std_error", "pvalue", "lower", "upper", "dfbeta"]
    scale = np.abs(slow[["estimate", "std_error"]]).max(axis=1).to_numpy()[:, None]
    np.testing.assert_allclose(quick[numbers] / scale, slow[numbers] / scale, atol=1e-8)


def test_samples_and_islands_are_those_of_the_loop(monkeypatch):
    """Weights cut by the sample are cut again; a region whose only neighbour is left out becomes a note."""
    data = spatial_data()
    W = data.weights["ring"]
    of = with_defaults(SPATIAL | {"model": "sar"}) | {"sample": {"without_regions": [W.labels[3]]}}
    quick = leave_one_out.estimate({"of": of}, data).tables["influence"]
    monkeypatch.setattr(SpatialRefits, "of", lambda *_: None)
    slow = leave_one_out.estimate({"of": of}, data).tables["influence"]
    np.testing.assert_allclose(quick["std_error"], slow["std_error"], rtol=1e-7)
    assert quick["note"].tolist() == slow["note"].tolist()


def test_what_has_no_batch_form_goes_one_by_one():
    data = spatial_data()
    for changes in ({"model": "sem"}, {"winsorise": 0.01}, {"covariance": "robust"}, {"method": "bias_corrected"}):
        entry = with_defaults(SPATIAL) | changes
        entry = {k: v for k, v in entry.items() if k not in ("small_sample", "cluster") or "covariance" not in changes}
        assert SpatialRefits.of(entry, data) is None
