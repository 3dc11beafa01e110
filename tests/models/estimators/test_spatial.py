"""Spatial specifications reach the engine and come back in the form of the results contract."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from panel_builders import ring_weights
from ronghe.errors import RongheError
from ronghe.frames import read_csv
from ronghe.models.estimate import Data, save
from ronghe.models.estimate import run as fit
from ronghe.spatial.spatial_panel import SpatialPanel


@pytest.fixture(scope="module")
def data() -> Data:
    rng = np.random.default_rng(4)
    n, T, rho = 30, 8, 0.4
    W = ring_weights(n)
    S = np.linalg.inv(np.eye(n) - rho * W.sparse.toarray())
    X = rng.normal(size=(T, n, 2))
    WX = np.einsum("ij,tjk->tik", W.sparse.toarray(), X)
    noise = 0.5 * rng.normal(size=(T, n)) + rng.normal(size=n)
    y = np.einsum("ij,tj->ti", S, X @ [1.0, -0.5] + WX @ [0.6, 0.2] + noise)
    index = pd.MultiIndex.from_product([range(2001, 2001 + T), list(W.labels)], names=["year", "region"])
    frame = pd.DataFrame({"y": y.ravel(), "x": X[:, :, 0].ravel(), "w": X[:, :, 1].ravel()}, index=index)
    return Data(frame.swaplevel().sort_index(), weights={"ring": W})


def entry(**changes: object) -> dict:
    base = {"name": "test", "kind": "spatial", "outcome": "y", "treatment": "x", "controls": ["w"]}
    return base | {"weights": "ring", "model": "sdm", "effects": "twoways"} | changes


@pytest.mark.parametrize("model", ["slx", "sar", "sem", "sdm", "sdem"])
def test_numbers_are_the_engines(data, model):
    ours = fit(entry(model=model), data)
    theirs = SpatialPanel(data.panel["y"], data.panel[["x", "w"]], data.weights["ring"], model=model)
    theirs = theirs.fit("clustered", small_sample="corrected")
    np.testing.assert_array_equal(ours.coefficients["estimate"], theirs.params)
    np.testing.assert_array_equal(ours.covariance, theirs.cov)
    np.testing.assert_array_equal(ours.coefficients[["lower", "upper"]], theirs.conf_int())
    assert ours.fit["small_sample"] == "corrected" and ours.fit["df"] == "satterthwaite"
    assert ours.fit["loglik"] == theirs.loglik
    assert list(ours.coefficients["term"]) == list(theirs.params.index)
    assert len(ours.impacts) == (0 if model == "sem" else 6)


def test_wald_tests_of_the_durbin_model(data):
    tests = fit(entry(), data).tests.set_index("test")
    assert tests.loc["W*x all zero", "pvalue"] < 1e-6 and tests.loc["W*x all zero", "df"] == 2
    assert tests.loc["common factor: W*x + rho x zero", "pvalue"] < 1e-6


def test_sample_cuts_the_weights_and_says_so(data):
    result = fit(entry(sample={"without_regions": ["r05"]}), data)
    assert result.fit["n_units"] == 29
    assert "left out: r05" in result.fit["notes"][-1]
    with pytest.raises(RongheError, match="without r04, r06 these regions have no neighbour: r05"):
        fit(entry(sample={"without_regions": ["r04", "r06"]}), data)


def test_saved_results_keep_every_digit(data, tmp_path):
    specification = entry()
    result = fit(specification, data)
    outputs = {n: str(tmp_path / f"{n}.csv") for n in ("coefficients", "covariance", "impacts", "tests")}
    save(result, {**outputs, "fit": str(tmp_path / "fit.json")}, specification, data, {"panel": [], "code": []})
    back = read_csv(tmp_path / "coefficients.csv")
    np.testing.assert_array_equal(back["estimate"], result.coefficients["estimate"])
    assert list(pd.read_csv(tmp_path / "covariance.csv").columns) == ["term", *result.coefficients["term"]]
    assert list(pd.read_csv(tmp_path / "impacts.csv").columns)[:3] == ["variable", "effect", "estimate"]
    facts = json.loads((tmp_path / "fit.json").read_text())
    assert facts["hashes"]["weights"] == {"ring": data.weights["ring"].hash}
    assert facts["model"] == "sdm" and facts["nobs"] == 240 and facts["n_periods"] == 8


def test_common_factor_needs_every_lag(munnell):
    """With the lags of some regressors only, the error model is not nested, and no such test is reported."""
    from ronghe.models.estimators.spatial import _tests
    from ronghe.spatial.spatial_panel import SpatialPanel

    y, X, W = munnell
    whole = _tests(SpatialPanel(y, X, W).fit(), "sdm")
    some = _tests(SpatialPanel(y, X, W, durbin=["emp"]).fit(), "sdm")
    pooled = _tests(SpatialPanel(y, X, W, effects="pooled").fit(), "sdm")
    assert [len(whole), len(some), len(pooled)] == [2, 1, 2]


def test_independent_errors_stay_a_choice(data):
    plain = fit(entry(covariance="expected"), data)
    theirs = SpatialPanel(data.panel["y"], data.panel[["x", "w"]], data.weights["ring"]).fit()
    np.testing.assert_array_equal(plain.covariance, theirs.cov)
    assert np.isinf(plain.coefficients["df"]).all() and "small_sample" not in plain.fit


@pytest.mark.parametrize("model", ["sdm", "sem"])
def test_wild_bootstrap_rows(data, model):
    found = fit(entry(model=model, wild_repetitions=99), data).tests.set_index("test")
    rows = found[found.index.str.startswith("wild cluster bootstrap")]
    if model == "sem":
        assert list(rows.index) == ["wild cluster bootstrap, coefficient: x"]
    else:
        effects = [f"wild cluster bootstrap, {effect}: x" for effect in ("direct", "indirect", "total")]
        assert list(rows.index[:3]) == effects and "wild cluster bootstrap: W*x all zero" in rows.index
    assert (rows["pvalue"] <= 0.05).all()


@pytest.mark.parametrize("model", ["slx", "sar", "sdm", "sdem"])
def test_the_impact_matrix_is_the_inverse_written_out(data, model):
    """(I - rho W)^-1 (beta I + theta W), column by source; its errors are those of the matrix of the delta method."""
    found = fit(entry(model=model), data)
    cells, by_unit = found.tables["impact_matrix"], found.tables["unit_impacts"]
    W, b = data.weights["ring"].sparse.toarray(), found.coefficients.set_index("term")["estimate"]
    eye = np.eye(30)
    A = np.linalg.solve(eye - b.get("rho", 0.0) * W, b["x"] * eye + b.get("W*x", 0.0) * W)
    labels = list(data.weights["ring"].labels)
    wide = cells.pivot(index="region", columns="source", values="estimate").loc[labels, labels]
    np.testing.assert_allclose(wide, A, atol=1e-12)
    assert set(cells["variable"]) == {"x"} and len(cells) == 900 and cells["df"].notna().all()
    units = by_unit.set_index(["region", "effect"])["estimate"]
    np.testing.assert_allclose(units.xs("given", level=1).loc[labels], A.sum(axis=0) - np.diag(A), atol=1e-12)
    np.testing.assert_allclose(units.xs("direct", level=1).mean(), np.trace(A) / 30, atol=1e-12)
    assert (cells["lower"] <= cells["estimate"]).all() and (cells["estimate"] <= cells["upper"]).all()


def test_an_error_model_spreads_nothing(data):
    assert all(table.empty for table in fit(entry(model="sem"), data).tables.values())
