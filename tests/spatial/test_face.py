"""What readers of statsmodels expect: names, identities, summaries, tables, against statsmodels and linearmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels import PanelOLS
from ronghe.errors import RongheError
from ronghe.spatial import DynamicPanel, RandomEffectsPanel, SpatialPanel, SpatialTwoStage

# Two exact solutions of the same normal equations; what remains is rounding.
EXACT = 1e-9
KINDS = ("panel", "dynamic", "random", "two_stage")


@pytest.fixture(scope="module")
def fits(munnell):
    return {
        "panel": SpatialPanel(*munnell, model="sdm").fit(),
        "dynamic": DynamicPanel(*munnell).fit(),
        "random": RandomEffectsPanel(*munnell, model="sar").fit(),
        "two_stage": SpatialTwoStage(*munnell, model="sdm").fit(),
    }


def test_pooled_least_squares_is_that_of_statsmodels(munnell):
    """statsmodels' errors divide by n - k, ours by n; its k leaves sigma2 out."""
    y, X, _ = munnell
    ours = SpatialPanel(y, X, model="ols", effects="pooled").fit()
    theirs = sm.OLS(y, sm.add_constant(X)).fit()
    terms = list(theirs.params.index)
    np.testing.assert_allclose(ours.params[terms], theirs.params, rtol=EXACT)
    np.testing.assert_allclose(ours.bse[terms] * np.sqrt(816 / 811), theirs.bse, rtol=EXACT)
    np.testing.assert_allclose(ours.fitted_values, theirs.fittedvalues, rtol=EXACT)
    np.testing.assert_allclose(ours.resids, theirs.resid, atol=EXACT)
    np.testing.assert_allclose(ours.predict(), theirs.predict(), rtol=EXACT)
    assert ours.llf == ours.loglik == pytest.approx(theirs.llf, rel=EXACT)
    assert ours.aic == pytest.approx(theirs.aic + 2, rel=EXACT)
    assert ours.bic == pytest.approx(theirs.bic + np.log(816), rel=EXACT)
    assert ours.rsquared == pytest.approx(theirs.rsquared, rel=EXACT)
    joint = ours.wald_test("pcap = pc, 2*emp + unemp = 1")
    checked = theirs.wald_test("pcap = pc, 2*emp + unemp = 1", use_f=False, scalar=True)
    assert joint["statistic"] == pytest.approx(checked.statistic * 816 / 811, rel=1e-7)
    assert joint["df"] == 2


def test_two_way_least_squares_is_that_of_linearmodels(munnell):
    y, X, _ = munnell
    ours = SpatialPanel(y, X, model="ols", effects="twoways").fit()
    theirs = PanelOLS(y, X, entity_effects=True, time_effects=True).fit()
    assert ours.rsquared == pytest.approx(theirs.rsquared, rel=EXACT)
    np.testing.assert_allclose(ours.resids, theirs.resids, atol=EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_names_say_the_same_things(fits, munnell, kind):
    result = fits[kind]
    pd.testing.assert_series_equal(result.bse, result.std_errors)
    pd.testing.assert_series_equal(result.tvalues, result.params / result.std_errors, check_names=False)
    pd.testing.assert_frame_equal(result.cov_params(), result.cov)
    np.testing.assert_allclose(np.sqrt(np.diag(result.cov_params())), result.bse)
    np.testing.assert_allclose(result.conf_int()["lower"], result.tidy()["lower"])
    np.testing.assert_allclose(result.conf_int(alpha=0.1)["upper"], result.conf_int(0.9)["upper"])
    np.testing.assert_allclose(result.fitted_values + result.resids, munnell[0][result.resids.index], rtol=1e-12)
    assert (result.n_units, result.n_periods, result.endog_names) == (48, 17, "gsp")
    assert 0 < result.rsquared < 1


def test_a_wald_test_of_one_parameter_is_its_squared_ratio(fits):
    for result in fits.values():
        test = result.wald_test("rho = 0")
        assert test["statistic"] == pytest.approx(result.tvalues["rho"] ** 2, rel=1e-10)
        assert test["pvalue"] == pytest.approx(result.pvalues["rho"], rel=1e-8)


def test_with_few_clusters_a_wald_test_is_the_squared_t(munnell):
    """By the degrees of freedom and the factor of that term's own variance."""
    result = SpatialPanel(*munnell).fit("clustered", small_sample="CR2")
    test = result.wald_test("emp = 0")
    assert test["statistic"] == pytest.approx(result.tvalues["emp"] ** 2, rel=1e-10)
    assert test["pvalue"] == pytest.approx(result.pvalues["emp"], rel=1e-8)
    assert "F, " in test["note"] and "t distribution" in str(result.summary())


@pytest.mark.parametrize("kind", ["panel", "dynamic", "two_stage"])
def test_what_a_durbin_model_reduces_to(fits, kind):
    """theta = 0 is linear; the common factor is Wald's statistic of a function whose gradient is differenced here."""
    result = fits[kind]
    text = ", ".join(f"W*{x} = 0" for x in ("pcap", "pc", "emp", "unemp"))
    assert result.test_sar()["statistic"] == pytest.approx(result.wald_test(text)["statistic"], rel=1e-10)
    pairs = [(n, f"W*{n}") for n in result.names if f"W*{n}" in result.names]

    def gap(b: np.ndarray) -> np.ndarray:
        b = pd.Series(b, result.names)
        return np.array([b[lagged] + b["rho"] * b[own] for own, lagged in pairs])

    b, step = result.values, 1e-6
    G = np.column_stack([(gap(b + step * e) - gap(b - step * e)) / (2 * step) for e in np.eye(len(b))])
    expected = gap(b) @ np.linalg.solve(G @ result.covariance @ G.T, gap(b))
    assert result.test_sem()["statistic"] == pytest.approx(expected, rel=1e-6)


def test_tests_that_a_model_does_not_have(fits):
    with pytest.raises(RongheError, match="Durbin model"):
        fits["random"].test_sar()
    with pytest.raises(RongheError, match="no likelihood"):
        _ = fits["two_stage"].aic


@pytest.mark.parametrize("kind", KINDS)
def test_the_summary_holds_what_the_result_says(fits, kind):
    result = fits[kind]
    text = str(result.summary())
    assert result.title in text and "Notes:" in text and "Impacts" in text
    assert max(map(len, text.splitlines())) <= 100
    line = next(row for row in text.splitlines() if row.startswith("rho "))
    shown = np.array(line.split()[1:], float)
    expected = result.tidy().set_index("term").loc["rho"].drop("df")
    np.testing.assert_allclose(shown, expected, rtol=1e-3, atol=5e-4)
    assert "<table" in result._repr_html_()
    assert repr(result).startswith(f"<{type(result).__name__}: ") and "48 x 17" in repr(result)


@pytest.mark.parametrize("kind", KINDS)
def test_figures_show_the_numbers(fits, kind):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    result = fits[kind]
    (axes,) = result.plot_impacts().axes
    drawn = np.sort(np.concatenate([line.get_xdata(orig=False) for line in axes.lines if line.get_marker() == "o"]))
    np.testing.assert_allclose(drawn, np.sort(result.impacts()["estimate"]))
    (axes,) = result.plot_residuals().axes
    np.testing.assert_allclose(axes.collections[0].get_offsets()[:, 1], result.resids)
    pyplot.close("all")


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_brought_anew_is_predicted_alike(fits, munnell, kind):
    _, X, _ = munnell
    own = fits[kind].predict()
    if kind == "dynamic":
        X = X[X.index.get_level_values(1) > 1970]
        assert len(own) == len(X)
    pd.testing.assert_series_equal(fits[kind].predict(X)[own.index], own, rtol=1e-12)
