"""Tests of effects, intervals, formulas, variants and the bootstrap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel
from ronghe.spatial.impacts import impacts_of_draws
from ronghe.weights.matrix import Weights


@pytest.fixture(scope="module")
def fitted(munnell):
    return SpatialPanel(*munnell).fit()


def dense_impacts(result, values):
    """Return direct, indirect and total effects of parameter values from the inverse itself."""
    W = result.model.lag_matrix.toarray()
    n = len(W)
    inverse = np.linalg.inv(np.eye(n) - values[8] * W)
    rows = []
    for k in range(4):
        A = inverse @ (values[k] * np.eye(n) + values[4 + k] * W)
        rows.append([np.trace(A) / n, (A.sum() - np.trace(A)) / n, A.sum() / n])
    return np.array(rows)


def test_effects_and_delta_errors_against_the_inverse(fitted):
    values = fitted.params.to_numpy()
    table = fitted.impacts()
    np.testing.assert_allclose(table["estimate"], dense_impacts(fitted, values).ravel(), rtol=1e-11)
    step = 1e-6 * fitted.std_errors.to_numpy()
    jacobian = np.array(
        [
            (dense_impacts(fitted, values + s) - dense_impacts(fitted, values - s)).ravel() / (2 * s[j])
            for j, s in enumerate(np.diag(step))
        ]
    ).T
    errors = np.sqrt(np.diag(jacobian @ fitted.covariance @ jacobian.T))
    np.testing.assert_allclose(table["std_error"], errors, rtol=1e-6)


def test_rho_and_beta_are_correlated_in_the_errors_of_effects(fitted):
    """splm leaves out the block of rho with beta, which moves these errors by up to a third."""
    cut = fitted.covariance.copy()
    cut[8, :8] = cut[:8, 8] = 0.0
    from dataclasses import replace

    without = replace(fitted, covariance=cut).impacts()["std_error"]
    assert (without / fitted.impacts()["std_error"] - 1).abs().max() > 0.05


def test_draws_of_effects_are_exact(fitted):
    rng = np.random.default_rng(0)
    values, errors = fitted.params.to_numpy(), fitted.std_errors.to_numpy()
    draws = values + rng.standard_normal((50, len(values))) * errors
    found, n_out = impacts_of_draws(fitted.model, draws)
    assert n_out == 0
    np.testing.assert_allclose(found, [dense_impacts(fitted, d) for d in draws], rtol=1e-9, atol=1e-12)


def test_simulated_errors_agree_with_the_delta_method(fitted):
    simulated = fitted.impacts("simulation", n_draws=20_000, seed=1)
    np.testing.assert_allclose(simulated["std_error"], fitted.impacts()["std_error"], rtol=0.03)
    assert simulated.attrs["draws_outside"] == 0
    pd.testing.assert_frame_equal(simulated, fitted.impacts("simulation", n_draws=20_000, seed=1))


def test_orders_add_up(fitted):
    orders = fitted.impacts_by_order(60)["estimate"].groupby(level=[0, 1], sort=False).sum()
    np.testing.assert_allclose(orders.loc[fitted.impacts().index], fitted.impacts()["estimate"], rtol=1e-12)
    own = fitted.impacts_by_order(2)["estimate"]
    assert own["emp", "direct", 0] == fitted.params["emp"]
    assert own["emp", "total", 0] == pytest.approx(fitted.params["emp"] + fitted.params["W*emp"], rel=1e-14)


def test_units_average_to_the_effects(fitted):
    units = fitted.impacts_by_unit()
    means = units["estimate"].groupby(level=["variable", "effect"]).mean()
    table = fitted.impacts()["estimate"]
    for variable in ("pcap", "pc", "emp", "unemp"):
        assert means[variable, "direct"] == pytest.approx(table[variable, "direct"], rel=1e-12)
        for kind in ("received", "given"):
            assert means[variable, kind] == pytest.approx(table[variable, "indirect"], rel=1e-11)


def test_a_change_in_one_unit_is_its_column(fitted):
    change = fitted.impact_of_change("emp", {"TEXAS": 2.0})
    units = fitted.impacts_by_unit().loc[("emp", "TEXAS")]
    assert change["estimate"].sum() == pytest.approx(2 * units["estimate"][["direct", "given"]].sum(), rel=1e-12)
    assert change.loc["TEXAS", "estimate"] == pytest.approx(2 * units.loc["direct", "estimate"], rel=1e-12)
    assert change.loc["TEXAS", "std_error"] == pytest.approx(2 * units.loc["direct", "std_error"], rel=1e-10)
    everywhere = fitted.impact_of_change("emp", 1.0)
    np.testing.assert_allclose(everywhere["estimate"], fitted.impacts().loc[("emp", "total"), "estimate"], rtol=1e-12)
    with pytest.raises(RongheError, match="no such units: ALASKA"):
        fitted.impact_of_change("emp", {"ALASKA": 1.0})


def test_effects_without_rho(munnell):
    """SLX and SDEM: direct is beta, indirect theta, their errors those of the coefficients; SEM spreads nothing."""
    for model in ("slx", "sdem"):
        result = SpatialPanel(*munnell, model=model).fit()
        table = result.impacts()
        np.testing.assert_allclose(table.xs("direct", level=1)["estimate"], result.params[:4], rtol=1e-14)
        np.testing.assert_allclose(table.xs("indirect", level=1)["estimate"], result.params[4:8], rtol=1e-14)
        np.testing.assert_allclose(table.xs("indirect", level=1)["std_error"], result.std_errors[4:8], rtol=1e-12)
    table = SpatialPanel(*munnell, model="sem").fit().impacts()
    assert (table.xs("indirect", level=1)["estimate"] == 0).all()


def test_durbin_for_chosen_regressors(munnell):
    result = SpatialPanel(*munnell, durbin=["emp"]).fit()
    assert list(result.params.index) == ["pcap", "pc", "emp", "unemp", "W*emp", "rho", "sigma2"]
    table = result.impacts()["estimate"]
    rho, beta = result.rho, result.params["pc"]
    assert table["pc", "total"] == pytest.approx(beta / (1 - rho), rel=1e-12)
    assert table["emp", "total"] == pytest.approx(
        (result.params["emp"] + result.params["W*emp"]) / (1 - rho), rel=1e-12
    )


@pytest.mark.parametrize("model", ["sdm", "sem", "sarar"])
def test_profile_interval(munnell, model):
    """At the ends the likelihood, maximised again, lies half a chi-squared quantile below its maximum."""
    from ronghe.spatial.uncertainty.profile import profile

    result = SpatialPanel(*munnell, model=model).fit()
    name = "lambda" if model == "sem" else "rho"
    low, high = result.confidence_interval(name)
    assert low < result.params[name] < high
    for end in (low, high):
        start = result.params.get("lambda", 0.0) if name == "rho" else result.params.get("rho", 0.0)
        drop = result.loglik - profile(result.model.likelihood, name, end, start)
        assert drop == pytest.approx(3.841458820694124 / 2, rel=1e-6)


def test_bootstraps_agree_with_the_covariances_they_mimic(munnell):
    result = SpatialPanel(*munnell).fit()
    parametric = result.bootstrap("parametric", n_draws=400, seed=1).tidy()["std_error"]
    # 400 draws: standard errors of standard errors of 3.5 %.
    np.testing.assert_allclose(parametric, result.std_errors, rtol=0.15)
    clustered = result.with_covariance("clustered").std_errors
    wild = result.bootstrap("wild_units", n_draws=400, seed=1)
    np.testing.assert_allclose(wild.tidy()["std_error"].iloc[:9], clustered.iloc[:9], rtol=0.2)
    errors = result.with_covariance("clustered").impacts()["std_error"]
    np.testing.assert_allclose(wild.impacts()["std_error"], errors, rtol=0.35)
    pd.testing.assert_frame_equal(wild.draws, result.bootstrap("wild_units", n_draws=400, seed=1).draws)


def test_bootstrap_rebuilds_the_statistics_of_a_fresh_fit(munnell):
    """The draw that changes nothing gives back the estimate, through the update of the products."""
    from ronghe.spatial.uncertainty.bootstrap import with_outcome

    y, X, W = munnell
    model = SpatialPanel(y, X, W, model="gns").fit().model
    again = with_outcome(model, model.panel.y * 2.0)
    fresh = SpatialPanel(2 * y, X, W, model="gns").moments
    for name in ("plain", "mixed", "twice", "data", "lagged"):
        np.testing.assert_allclose(getattr(again, name), getattr(fresh, name), rtol=1e-9, atol=1e-9)


def test_variants_share_statistics_and_lose_nothing(munnell):
    y, X, W = munnell
    general = SpatialPanel(y, X, W, model="gns")
    for model in ("ols", "slx", "sar", "sem", "sdm", "sdem", "sarar"):
        shared, fresh = general.variant(model).fit(), SpatialPanel(y, X, W, model=model).fit()
        np.testing.assert_allclose(shared.params, fresh.params, rtol=1e-9)
        np.testing.assert_allclose(shared.covariance, fresh.covariance, rtol=1e-7, atol=1e-16)
    fewer = general.variant("sdm", ["emp", "unemp"], durbin=["emp"]).fit()
    fresh = SpatialPanel(y, X[["emp", "unemp"]], W, durbin=["emp"]).fit()
    np.testing.assert_allclose(fewer.params, fresh.params, rtol=1e-9)
    with pytest.raises(RongheError, match="unknown column"):
        SpatialPanel(y, X, W, model="sar").variant("sdm")


def test_formula(munnell):
    y, X, W = munnell
    data = X.assign(gsp=np.exp(y), **{"my.cost": X["pc"]})
    one = SpatialPanel.from_formula("log(gsp) ~ pcap + my.cost + emp + unemp", data, W, effects="units").fit()
    two = SpatialPanel(y, X, W, effects="units").fit()
    np.testing.assert_allclose(one.params, two.params, rtol=1e-9)
    assert list(one.params.index[:4]) == ["pcap", "my.cost", "emp", "unemp"]
    made = SpatialPanel.from_formula("gsp ~ I(unemp**2) + pcap:emp + log(1 + 2 * gsp)", data, model="ols")
    np.testing.assert_allclose(made.panel.X[:, :, 0].ravel(), X["unemp"] ** 2)
    np.testing.assert_allclose(made.panel.X[:, :, 1].ravel(), X["pcap"] * X["emp"])
    np.testing.assert_allclose(made.panel.X[:, :, 2].ravel(), np.log1p(2 * data["gsp"]))
    assert list(made.panel.names) == ["I(unemp ** 2)", "pcap:emp", "log(1 + 2 * gsp)"]


def test_formulas_that_are_refused(munnell):
    """Nothing but columns, numbers, arithmetic and four functions: no code runs, and no power is quietly dropped."""
    y, X, W = munnell
    data = X.assign(gsp=np.exp(y), zero=0.0, text="a")
    for formula, words in [
        ("gsp ~ unmp", "did you mean 'unemp'"),
        ("gsp + pc", "must read"),
        ("gsp ~ pc + pc", "stand twice: pc"),
        ("gsp ~ log(pc) + log( pc )", r"stand twice: log\(pc\)"),
        ("gsp ~ __import__(pc)", "unknown function"),
        ("gsp ~ __import__('os').system('true')", "must read"),
        ("gsp ~ pc.mean()", r"'pc.mean\(\)' cannot stand in a formula"),
        ("gsp ~ pc[0]", "cannot stand in a formula"),
        ("gsp ~ I('pc')", "cannot stand in a formula"),
        ("gsp ~ log(pc, emp)", "cannot stand in a formula"),
        ("gsp ~ pc^2", r"into I\(\), as in I\(x\*\*2\)"),
        ("gsp ~ 1 + pc", "no intercept to write"),
        ("gsp ~ pc +", "must read"),
        ("gsp ~ I(9**9**9**9)", "not defined"),
        ("gsp ~ log(zero)", r"log\(zero\) is not defined for the numbers in rows"),
        ("gsp ~ text", "not numbers: text"),
    ]:
        with pytest.raises(RongheError, match=words):
            SpatialPanel.from_formula(formula, data, W)


@pytest.mark.parametrize("model", ["sdm", "sem", "gns"])
@pytest.mark.parametrize("route", ["SparseLogDeterminant", "HessenbergLogDeterminant"])
def test_large_route_gives_the_numbers_of_the_small_one(munnell, monkeypatch, model, route):
    """Sparse factors and cyclic determinants, or the Hessenberg form, against eigenvalues, on the same data."""
    import ronghe.spatial.log_determinant.exact as module

    def everything(W):
        result = SpatialPanel(y, X, W, model=model).fit()
        used = result.model.likelihood.lag or result.model.likelihood.error
        sandwich = [result.with_covariance(kind).std_errors for kind in ("observed", "robust")]
        return used, result.params, result.loglik, result.std_errors, result.impacts(), sandwich

    y, X, W = munnell
    small = everything(W)
    monkeypatch.setattr("ronghe.spatial.log_determinant.base.DENSE_INVERSE", 0)
    copy = Weights(W.labels, W.sparse, "copy")
    monkeypatch.setitem(module._known, copy, getattr(module, route)(copy))
    large = everything(copy)
    assert isinstance(small[0], module.EigenLogDeterminant)
    assert isinstance(large[0], getattr(module, route))
    for left, right in zip(large[1:], small[1:], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-7)
    np.testing.assert_allclose(large[1], small[1], rtol=1e-9)
    np.testing.assert_allclose(large[3], small[3], rtol=1e-9)
