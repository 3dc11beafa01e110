"""Tests of likelihood-ratio, Wald and Hausman tests: agreement with one another, size, and published statistics."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from panel_builders import grid
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel
from ronghe.spatial.choice.hausman import covariances_at, hausman_test, hausman_tests, mundlak_test
from ronghe.spatial.choice.nested_tests import fixed_effects_tests, lr_test, nested_tests, wald_restriction
from ronghe.spatial.random_effects.panel import RandomEffectsPanel
from ronghe.weights import Weights


@cache
def circle(n):
    labels = [f"u{i:02d}" for i in range(n)]
    W = np.roll(np.eye(n), 1, axis=1) / 2 + np.roll(np.eye(n), -1, axis=1) / 2
    return Weights.from_frame(pd.DataFrame(W, index=labels, columns=labels))


def simulate(weights, n_periods, seed, rho=0.3, theta=0.0, lam=0.0, units=1.0, correlated=0.0, time=0.0):
    generator = np.random.default_rng(seed)
    n, W = weights.n, weights.sparse.toarray()
    mu = units * generator.normal(size=(n, 1))
    x = generator.normal(size=(n, n_periods)) + correlated * mu
    e = np.linalg.solve(np.eye(n) - lam * W, generator.normal(size=(n, n_periods)))
    y = np.linalg.solve(np.eye(n) - rho * W, x + theta * W @ x + mu + time * np.arange(n_periods) + e)
    index = grid(weights.labels, range(n_periods))
    return pd.Series(y.ravel(), index, name="y"), pd.DataFrame({"x": x.ravel()}, index)


def test_likelihood_ratios_are_differences_of_likelihoods(munnell):
    table = nested_tests(*munnell).set_index("test")["statistic"]
    whole = SpatialPanel(*munnell, model="sdm").fit()
    for model in ("sar", "sem", "slx", "ols"):
        small = SpatialPanel(*munnell, model=model).fit()
        assert table[f"LR: sdm against {model}"] == pytest.approx(2 * (whole.loglik - small.loglik), rel=1e-12)
    # Unit effects, dummies: from the log-likelihoods of the reference (1655.019 and 1602.6 for SDM and SAR).
    assert table["LR: sdm against sar"] == pytest.approx(47.0751, abs=1e-3)


def test_wald_is_the_score_of_the_restriction_by_hand(munnell):
    result = SpatialPanel(*munnell, model="sdm").fit()
    p, V = result.params, result.cov
    names = ["pcap", "pc", "emp", "unemp"]
    theta = [f"W*{n}" for n in names]
    expected = p[theta] @ np.linalg.solve(V.loc[theta, theta], p[theta])
    assert wald_restriction(result, "sar")["statistic"] == pytest.approx(expected, rel=1e-10)
    assert wald_restriction(result, "slx")["statistic"] == pytest.approx(result.tstats["rho"] ** 2, rel=1e-10)
    step, gap = 1e-6, lambda v: v[theta].to_numpy() + v["rho"] * v[names].to_numpy()
    G = np.empty((4, len(p)))
    for j, name in enumerate(p.index):
        up, down = p.copy(), p.copy()
        up[name] += step
        down[name] -= step
        G[:, j] = (gap(up) - gap(down)) / (2 * step)
    expected = gap(p) @ np.linalg.solve(G @ V.to_numpy() @ G.T, gap(p))
    assert wald_restriction(result, "sem")["statistic"] == pytest.approx(expected, rel=1e-6)


def test_models_that_do_not_nest_are_refused(munnell):
    y, X, W = munnell
    sdm, sem = SpatialPanel(y, X, W, model="sdm").fit(), SpatialPanel(y, X, W, model="sem").fit()
    sar = SpatialPanel(y, X, W, model="sar").fit()
    part = SpatialPanel(y, X, W, model="sdm", durbin=["pc"]).fit()
    for restricted, whole in ((sem, sar), (sem, part), (sdm, sar), (sar, sar)):
        with pytest.raises(RongheError, match="not nested"):
            lr_test(restricted, whole)
    with pytest.raises(RongheError, match="effects and method differ"):
        lr_test(SpatialPanel(y, X, W, model="sar", effects="units").fit(), sdm)
    with pytest.raises(RongheError, match="some regressors only"):
        wald_restriction(part, "sem")
    assert "sem" not in " ".join(nested_tests(y, X, W, durbin=["pc"])["test"])


def test_fixed_effects_tests_of_least_squares_are_the_textbook_ones():
    """Without spatial terms F is that of dummies against none, by explicit regressions."""
    weights = circle(8)
    y, X = simulate(weights, 6, seed=1, rho=0.0, units=0.3, time=0.05)
    table = fixed_effects_tests(y, X, weights, model="ols").set_index("test")
    units = np.kron(np.eye(8), np.ones((6, 1)))
    times = np.kron(np.ones((8, 1)), np.eye(6))
    x = X.to_numpy()

    def ssr(*columns):
        Z = np.column_stack([x, np.ones(48), *columns])
        return ((y.to_numpy() - Z @ np.linalg.lstsq(Z, y.to_numpy())[0]) ** 2).sum()

    none, unit, time, both = ssr(), ssr(units), ssr(times), ssr(units, times)
    assert table.loc["F: unit effects", "statistic"] == pytest.approx((none - unit) / 7 / (unit / (48 - 9)), rel=1e-9)
    given = (unit - both) / 5 / (both / (48 - 14))
    assert table.loc["F: time effects given unit effects", "statistic"] == pytest.approx(given, rel=1e-9)
    assert table.loc["LR: unit effects given time effects", "statistic"] == pytest.approx(
        48 * np.log(time / both), rel=1e-9
    )


@pytest.mark.parametrize(
    ("model", "errors"), [("sar", "baltagi"), ("sdm", "baltagi"), ("sem", "kkp"), ("sem", "baltagi")]
)
def test_difference_of_covariances_is_never_negative(model, errors):
    for seed in range(12):
        weights = circle(12)
        y, X = simulate(weights, 4, seed, units=[0.0, 0.1, 3.0][seed % 3])
        panel = RandomEffectsPanel(y, X, weights, model, errors)
        V_W, V_R = covariances_at(panel, panel.maximum()[0])
        shared = [n for n in V_W.index if n in V_R.index]
        difference = (V_W.loc[shared, shared] - V_R.loc[shared, shared]).to_numpy()
        scale = np.sqrt(np.diag(V_W.loc[shared, shared]))
        assert np.linalg.eigvalsh(difference / np.outer(scale, scale)).min() > -1e-10
        assert hausman_test(y, X, weights, model, errors, pd.DataFrame(index=y.index))["statistic"] >= 0


@pytest.mark.parametrize("model", ["sar", "sdm", "sem"])
def test_size_and_power_of_hausman_tests(model):
    weights = circle(20)
    nothing = lambda y: pd.DataFrame(index=y.index)  # noqa: E731
    sizes, powers = [], []
    for seed in range(40):
        y, X = simulate(weights, 5, seed, rho=0.3 * (model != "sem"), lam=0.3 * (model == "sem"))
        pair = (
            hausman_test(y, X, weights, model, "baltagi", nothing(y)),
            mundlak_test(y, X, weights, model, "baltagi", nothing(y)),
        )
        sizes.append([t["pvalue"] < 0.05 for t in pair])
        if seed < 4:
            y, X = simulate(weights, 5, seed, correlated=0.7)
            powers.append([t["pvalue"] < 0.05 for t in hausman_tests(y, X, weights, model).to_dict("records")])
    assert np.all(np.mean(sizes, axis=0) <= 0.05 + 3.2 * np.sqrt(0.05 * 0.95 / 40))
    assert np.all(np.mean(powers, axis=0) > 0.9)


def test_size_of_likelihood_ratios():
    weights = circle(40)
    rejections = []
    for seed in range(120):
        y, X = simulate(weights, 4, seed, rho=0.3, theta=0.0)
        table = nested_tests(y, X, weights).set_index("test")["pvalue"]
        rejections.append(table[["LR: sdm against sar", "Wald: sdm against sar (theta = 0)"]] < 0.05)
    share = np.mean(rejections, axis=0)
    assert np.all(np.abs(share - 0.05) < 3.2 * np.sqrt(0.05 * 0.95 / 120))


@pytest.mark.parametrize(
    ("entry", "model", "errors", "tolerance"),
    [
        ("sphtest_ML_lag_KKP", "sar", "kkp", 1e-5),
        ("sphtest_ML_error_KKP", "sem", "kkp", 1e-7),
        ("sphtest_ML_error_BSK", "sem", "baltagi", 1e-6),
    ],
)
def test_spatial_hausman_of_the_reference(munnell, recorded, entry, model, errors, tolerance):
    """splm prints |d'(V_R - V_W)^-1 d|: each covariance at its own estimates, dummies in V_W, rho ignored in V_R.

    Two of its three statistics are negative before the absolute value; splm's optimiser stops at 1e-6.
    """
    printed = json.loads((recorded / "tests.json").read_text())["entries"][entry]["statistic"]["data"][0][0]
    y, X, W = munnell
    within = SpatialPanel(y, X, W, model=model, effects="units", method="lsdv").fit()
    panel = RandomEffectsPanel(y, X, W, model, errors)
    random = panel.fit()
    names = list(X.columns)
    c = random.components
    point = panel.likelihood.at(c.rho, c.lam, c.sigma2_units / c.sigma2)
    V_R = np.linalg.inv(point.normal / point.sigma2)[1:, 1:]
    d = (within.params[names] - random.params[names]).to_numpy()
    statistic = d @ np.linalg.solve(V_R - within.cov.loc[names, names].to_numpy(), d)
    assert abs(statistic) == pytest.approx(printed, rel=tolerance)
    assert (statistic < 0) == (model == "sem")
