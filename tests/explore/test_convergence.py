"""Convergence: recovered known speeds, closed forms, the spatial likelihood computed a second way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.explore import convergence
from ronghe.explore.convergence import beta_convergence, sigma_convergence, speed_of
from ronghe.measures.formulas.growth import growth
from ronghe.weights import Weights
from ronghe.weights.contiguity import from_grid
from scipy.optimize import minimize_scalar
from scipy.stats import linregress

THETA, YEARS = 0.05, range(2000, 2011)


def closing_gap(n=40, noise=0.0, seed=0) -> pd.Series:
    """Regions close a share 1 - exp(-theta) of their log distance to one level each year."""
    rng = np.random.default_rng(seed)
    start = rng.normal(1, 0.5, n)
    path = {y: 2 + (start - 2) * np.exp(-THETA * (y - 2000)) + noise * rng.normal(size=n) for y in YEARS}
    frame = np.exp(pd.DataFrame(path, index=pd.Index([f"r{i:02}" for i in range(n)], name="region")))
    return frame.rename_axis("year", axis=1).stack().rename("y")


def ring(n: int) -> Weights:
    names = [f"r{i:02}" for i in range(n)]
    rows = [(names[i], names[(i + d) % n], 0.5) for i in range(n) for d in (-1, 1)]
    return Weights.from_edges(pd.DataFrame(rows, columns=["focal", "neighbor", "weight"]))


def test_exact_speed_is_recovered():
    tables = beta_convergence(closing_gap())
    cross = tables["speeds"].loc[("absolute", "cross_section")]
    assert cross["speed"] == pytest.approx(THETA, rel=1e-9)
    assert cross["half_life"] == pytest.approx(np.log(2) / THETA, rel=1e-9)
    assert cross["beta"] == pytest.approx(-(1 - np.exp(-THETA * 10)) / 10, rel=1e-9)
    panel = tables["speeds"].loc[("absolute", "panel")]
    assert panel["speed"] == pytest.approx(THETA, rel=1e-6)


def test_speed_and_its_error():
    found = speed_of(-0.04, 0.01, 10)
    assert found["speed"] == pytest.approx(-np.log(0.6) / 10, rel=1e-14)
    step = 1e-7
    slope = (speed_of(-0.04 + step, 0, 10)["speed"] - found["speed"]) / step
    assert found["speed_error"] == pytest.approx(abs(slope) * 0.01, rel=1e-5)
    assert np.isnan(speed_of(-0.2, 0.01, 10)["speed"])
    assert np.isnan(speed_of(0.02, 0.01, 10)["half_life"]) and speed_of(0.02, 0.01, 10)["speed"] < 0


def test_cross_section_is_least_squares():
    values = closing_gap(noise=0.1)
    found = beta_convergence(values)["coefficients"].loc[("absolute", "cross_section")]
    wide = np.log(values.unstack("year"))
    line = linregress(wide[2000], (wide[2010] - wide[2000]) / 10)
    assert found["estimate"].tolist() == pytest.approx([line.intercept, line.slope], rel=1e-10)


def test_panel_form_is_two_way_demeaned_least_squares():
    values = closing_gap(noise=0.1)
    found = beta_convergence(values)["coefficients"].loc[("absolute", "panel", "initial")]
    data = growth(values).dropna()
    means = data.groupby("region").transform("mean") + data.groupby("year").transform("mean") - data.mean()
    y, x = (data - means)["growth"], (data - means)["initial"]
    assert found["estimate"] == pytest.approx(x @ y / (x @ x), rel=1e-10)


def test_conditional_uses_the_controls():
    values = closing_gap(noise=0.05, seed=2)
    rng = np.random.default_rng(3)
    controls = pd.DataFrame({"size": rng.normal(size=len(values))}, index=values.index)
    found = beta_convergence(values, controls)["coefficients"]
    first = controls.xs(2000, level="year")["size"]
    wide = np.log(values.unstack("year"))
    X = np.column_stack([np.ones(len(wide)), wide[2000], first[wide.index]])
    expected = np.linalg.lstsq(X, (wide[2010] - wide[2000]) / 10, rcond=None)[0]
    cross = found.loc[("conditional", "cross_section"), "estimate"]
    assert cross[["constant", "initial", "size"]].tolist() == pytest.approx(expected, rel=1e-9)
    assert list(found.loc[("conditional", "panel")].index) == ["initial", "size"]
    shuffled = beta_convergence(values.sample(frac=1, random_state=1), controls.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled["coefficients"], found, rtol=1e-9)


@pytest.mark.parametrize("form", ["lag", "error", "durbin"])
def test_spatial_forms_maximise_the_likelihood(form):
    n = 40
    values, weights = closing_gap(n, noise=0.1, seed=4), ring(n)
    tables = beta_convergence(values, weights=weights, forms=[form])
    found = tables["coefficients"].loc[("absolute", form), "estimate"]
    wide = np.log(values.unstack("year"))
    y, x = ((wide[2010] - wide[2000]) / 10).to_numpy(), wide[2000].to_numpy()
    W = weights.align(wide.index).sparse.toarray()
    X = np.column_stack([np.ones(n), x] + ([W @ x] if form == "durbin" else []))

    def fitted(r):
        A = np.eye(n) - r * W
        Xr = A @ X if form == "error" else X
        beta = np.linalg.lstsq(Xr, A @ y, rcond=None)[0]
        e = A @ y - Xr @ beta
        return np.linalg.slogdet(A)[1] - n / 2 * (np.log(2 * np.pi * (e @ e) / n) + 1), beta

    best = minimize_scalar(lambda r: -fitted(r)[0], bounds=(-0.99, 0.99), method="bounded", options={"xatol": 1e-10})
    assert found.iloc[-1] == pytest.approx(best.x, abs=1e-5)
    np.testing.assert_allclose(found.iloc[:-1], fitted(best.x)[1], rtol=1e-4, atol=1e-6)
    assert tables["speeds"].loc[("absolute", form), "loglik"] == pytest.approx(-best.fun, abs=1e-6)


def test_weights_are_aligned_by_name():
    values = closing_gap(20, noise=0.1)
    weights = ring(20)
    straight = beta_convergence(values, weights=weights, forms=["lag"])["coefficients"]
    order = np.random.default_rng(0).permutation(weights.labels).tolist()
    pd.testing.assert_frame_equal(
        straight, beta_convergence(values, weights=weights.align(order), forms=["lag"])["coefficients"], rtol=1e-6
    )


def test_sigma_by_hand():
    frame = pd.DataFrame({1: [1.0, np.e, 4, 5], 2: [1.0, 1, 4, 4]}, index=list("abcd"))
    values = frame.rename_axis("region").rename_axis("year", axis=1).stack().rename("y")
    tables = sigma_convergence(values, pd.Series({"a": "g", "b": "g", "c": "h", "d": "h"}))
    assert tables["spread"].loc[("g", 1), "sd_log"] == pytest.approx(np.sqrt(0.5), rel=1e-14)
    assert tables["spread"].loc[("h", 1), "variation"] == pytest.approx(np.sqrt(0.5) / 4.5, rel=1e-14)
    assert tables["spread"].loc[("h", 2), "sd"] == 0
    assert tables["trend"].loc[("g", "sd_log"), "slope"] == pytest.approx(-np.sqrt(0.5), rel=1e-14)


def test_sigma_falls_at_the_known_speed_and_trend_is_least_squares():
    tables = sigma_convergence(closing_gap())
    spread = tables["spread"].loc["all", "sd_log"]
    np.testing.assert_allclose(np.diff(np.log(spread)), -THETA, rtol=1e-9)
    line = linregress(spread.index.to_numpy(float), spread.to_numpy())
    row = tables["trend"].loc[("all", "sd_log")]
    assert row.tolist() == pytest.approx([line.slope, line.stderr, line.slope / line.stderr, line.pvalue], rel=1e-8)


def test_refusals():
    values = closing_gap(6)
    with pytest.raises(RongheError, match=r"missing, zero or negative for \('r01', 2003\)"):
        beta_convergence(values.where(values.index != ("r01", 2003), 0.0))
    with pytest.raises(RongheError, match="one region has no spread: g"):
        sigma_convergence(values, pd.Series("h", values.index.unique("region")).where(lambda s: s.index != "r00", "g"))
    with pytest.raises(RongheError, match="unknown spatial form 'lagg'"):
        beta_convergence(values, weights=ring(6), forms=["lagg"])


@pytest.mark.parametrize("form", ["lag", "error", "durbin"])
def test_of_many_regions_the_engine_gives_what_spreg_gives(form, monkeypatch):
    W = from_grid(8, 9).standardise("row")
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(72, 2)), list(W.labels), ["initial", "control"])
    noise = 1 + 0.5 * X["initial"] + rng.normal(size=72)
    y = pd.Series(np.linalg.solve(np.eye(72) - 0.4 * W.sparse.toarray(), noise), X.index, name="growth")
    theirs, about = convergence._spatial(y, X, W, form)
    monkeypatch.setattr(convergence, "DENSE", 10)
    ours, held = convergence._spatial(y, X, W, form)
    # spreg's search stops at 1e-7 of rho.
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-4)
    assert list(ours.index) == list(theirs.index) and ours.index.name == "term"
    assert held["loglik"] == pytest.approx(about["loglik"], rel=1e-9)
    assert held["rsquared"] == pytest.approx(about["rsquared"], rel=1e-5)
