"""Tests of dynamic spatial panels: formulas written out, explicit dummies, simulated truth, reference figures."""

from __future__ import annotations

import json
from copy import copy

import numpy as np
import pandas as pd
import pytest
from numpy.linalg import inv
from ronghe.errors import RongheError
from ronghe.spatial.dynamic.bias import time_bias
from ronghe.spatial.dynamic.panel import DynamicPanel
from ronghe.weights import Weights

# Ours and the reference programs agree to 1e-10; their long-run errors use numerical derivatives near a unit root.
TOLERANCE = 1e-8
SCHEMES = {"ydl": ("units", "lsdv"), "ly": ("twoways", "lee_yu"), "dir": ("twoways", "lsdv"), "time": ("time", "lsdv")}


def ring(n, reach=2, seed=0):
    """A circle of units, each with `reach` neighbours to its right and unequal weights: W is not symmetric."""
    generator = np.random.default_rng(seed)
    W = np.zeros((n, n))
    for step in range(1, reach + 1):
        W[np.arange(n), (np.arange(n) + step) % n] = generator.uniform(0.5, 1.5, n)
        W[np.arange(n), (np.arange(n) - step) % n] = generator.uniform(0.5, 1.5, n)
    labels = [f"u{i:03d}" for i in range(n)]
    return Weights.from_frame(pd.DataFrame(W / W.sum(1, keepdims=True), index=labels, columns=labels))


def simulate(weights, n_periods, phi, psi, rho, seed, draw=None, burn=40):
    """Draw from y_t = S^-1 (phi y + psi W y + x + 0.5 W x + mu + tau_t + e)."""
    generator = np.random.default_rng(seed)
    n, W = weights.n, weights.sparse.toarray()
    S = inv(np.eye(n) - rho * W)
    mu, y, ys, xs = generator.normal(size=n), np.zeros(n), [], []
    draw = draw or generator.normal
    for t in range(burn + n_periods + 1):
        x = generator.normal(size=n) + 0.5 * mu
        y = S @ (phi * y + psi * W @ y + x + 0.5 * W @ x + mu + np.sin(t) + draw(size=n))
        if t >= burn:
            ys.append(y)
            xs.append(x)
    index = pd.MultiIndex.from_product([weights.labels, range(n_periods + 1)], names=["unit", "period"])
    return pd.Series(np.array(ys).T.ravel(), index, name="y"), pd.DataFrame({"x": np.array(xs).T.ravel()}, index)


@pytest.mark.filterwarnings("ignore:DynamicPanel")
@pytest.mark.parametrize("lags", [(1, 1), (1, 0), (0, 1)])
@pytest.mark.parametrize("model", ["sar", "sdm"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_dynamic_panels_of_the_reference(munnell, recorded, scheme, model, lags):
    entries = json.loads((recorded / "dynamic.json").read_text())["entries"]
    expected = entries[f"exact_dyn_{model}_{scheme}_tl{lags[0]}stl{lags[1]}"]
    effects, method = SCHEMES[scheme]
    panel = DynamicPanel(*munnell, model, effects, method, time_lag=bool(lags[0]), space_time_lag=bool(lags[1]))
    for kind in ("qml", "bc"):
        if f"theta_{kind}" not in expected:
            continue
        result = panel.fit("robust", bias_corrected=kind == "bc")
        normal = panel.fit("expected", bias_corrected=kind == "bc")
        np.testing.assert_allclose(result.params, list(expected[f"theta_{kind}"].values()), rtol=TOLERANCE)
        np.testing.assert_allclose(normal.std_errors, list(expected[f"se_{kind}_normal"].values()), rtol=TOLERANCE)
        assert result.loglik == pytest.approx(expected["logLik_qml"], rel=TOLERANCE)
        # Under Lee and Yu's transformation the reference's robust errors depend on the basis that it happened to use.
        if scheme != "ly":
            robust = list(expected[f"se_{kind}_sandwich"].values())
            np.testing.assert_allclose(result.std_errors, robust, rtol=TOLERANCE)
        for horizon in ("short", "long") if result.is_stable else ("short",):
            table = result.impacts(horizon)
            for effect in ("direct", "indirect", "total"):
                found, wanted = table.xs(effect, level="effect"), expected[f"impacts_{kind}"][horizon]
                np.testing.assert_allclose(found["estimate"], wanted[effect], rtol=TOLERANCE)
                if scheme != "ly":
                    np.testing.assert_allclose(found["std_error"], wanted[f"{effect}_se_delta"], rtol=5e-7)


def test_dummies_give_the_lsdv_estimates():
    """The likelihood with every dummy written out is stationary where ours has its maximum."""
    weights = ring(12)
    y, X = simulate(weights, 6, 0.4, 0.1, 0.3, seed=1)
    result = DynamicPanel(y, X, weights, "sdm", "twoways", "lsdv").fit(bias_corrected=False)
    W = weights.sparse.toarray()
    cube, x = y.to_numpy().reshape(12, 7), X["x"].to_numpy().reshape(12, 7)
    columns = [cube[:, :-1], W @ cube[:, :-1], x[:, 1:], W @ x[:, 1:]]
    dummies = np.hstack([np.kron(np.eye(12), np.ones((6, 1))), np.kron(np.ones((12, 1)), np.eye(6)[:, 1:])])
    Z = np.column_stack([*(c.ravel() for c in columns), dummies])
    now, lagged = cube[:, 1:].ravel(), (W @ cube[:, 1:]).ravel()

    def loglik(rho):
        e = now - rho * lagged - Z @ np.linalg.lstsq(Z, now - rho * lagged)[0]
        s2 = e @ e / 72
        return -36 * (np.log(2 * np.pi * s2) + 1) + 6 * np.linalg.slogdet(np.eye(12) - rho * W)[1]

    rho = result.params["rho"]
    b = np.linalg.lstsq(Z, now - rho * lagged)[0]
    np.testing.assert_allclose(result.params.iloc[:4], b[:4], rtol=1e-9)
    assert result.loglik == pytest.approx(loglik(rho), rel=1e-12)
    assert max(loglik(rho - 1e-4), loglik(rho + 1e-4)) < result.loglik


@pytest.mark.parametrize("n", [30, 150])
def test_bias_vector_is_the_published_one(n):
    """Yu, de Jong and Lee (2008, eq. 17) with its matrices written out; 150 asymmetric units take the sparse way."""
    weights = ring(n)
    y, X = simulate(weights, 5, 0.3, 0.1, 0.2, seed=2)
    for effects, method in (("units", "lsdv"), ("twoways", "lee_yu")):
        panel = DynamicPanel(y, X, weights, "sdm", effects, method)
        phi, psi, rho, sigma2 = 0.35, 0.15, 0.25, 1.3
        bias, removed = time_bias(panel.process, np.array([phi, psi, 1.0, 0.5, rho, sigma2]))
        W = weights.sparse.toarray()
        if method == "lee_yu":
            F = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, :-1]]))[0][:, 1:]
            W = F.T @ W @ F
        m = len(W)
        S = inv(np.eye(m) - rho * W)
        G, A = W @ S, S @ (phi * np.eye(m) + psi * W)
        total = inv(np.eye(m) - A) @ S
        published = [
            np.trace(total) / m,
            np.trace(W @ total) / m,
            0,
            0,
            (phi * np.trace(G @ total) + psi * np.trace(G @ W @ total) + np.trace(G)) / m,
            1 / (2 * sigma2),
        ]
        np.testing.assert_allclose(bias, published, rtol=1e-9)
        assert removed == 0


@pytest.mark.filterwarnings("ignore:DynamicPanel")
def test_correction_takes_the_bias_of_a_short_panel_out():
    weights = ring(40)
    truth = {"L1.y": 0.4, "W*L1.y": 0.1, "rho": 0.3, "sigma2": 1.0}
    raw, corrected = [], []
    for seed in range(60):
        result = DynamicPanel(*simulate(weights, 7, 0.4, 0.1, 0.3, seed), weights, "sdm").fit()
        raw.append(result.uncorrected[list(truth)])
        corrected.append(result.params[list(truth)])
    target = np.array(list(truth.values()))
    before, after = np.mean(raw, axis=0) - target, np.mean(corrected, axis=0) - target
    error = np.std(corrected, axis=0) / np.sqrt(60)
    assert before[0] < -8 * error[0] and before[3] < -8 * error[3]
    # What is left is of order 1/T^2, T = 7: the correction is of first order.
    assert abs(after[0]) < 0.25 * abs(before[0]) and abs(after[3]) < 0.4 * abs(before[3])
    assert np.all(np.abs(after[1:3]) < 4 * error[1:3])


def test_robust_errors_cover_heavy_tails_whatever_the_basis():
    """The spread of sigma2 over draws with Laplace errors: normal-theory errors miss it, the robust ones do not."""
    weights = ring(40)
    generator = np.random.default_rng(3)
    estimates, errors, normal = [], [], []
    for seed in range(200):
        y, X = simulate(weights, 40, 0.2, 0.0, 0.3, seed, draw=lambda size: generator.laplace(size=size))
        panel = DynamicPanel(y, X, weights, "sdm")
        result = panel.fit("robust")
        estimates.append(result.params["sigma2"])
        errors.append(result.std_errors["sigma2"])
        normal.append(panel.fit().std_errors["sigma2"])
    spread = np.std(estimates)
    assert np.mean(errors) == pytest.approx(spread, rel=0.15)
    assert np.mean(normal) < 0.7 * spread


def test_effects_are_what_their_definition_says():
    weights = ring(15)
    y, X = simulate(weights, 8, 0.3, -0.1, 0.3, seed=4)
    result = DynamicPanel(y, X, weights, "sdm").fit()
    W, p = weights.sparse.toarray(), result.params
    phi, psi, rho = p["L1.y"], p["W*L1.y"], p["rho"]
    change = p["x"] * np.eye(15) + p["W*x"] * W
    now = inv(np.eye(15) - rho * W) @ change
    later = inv((1 - phi) * np.eye(15) - (rho + psi) * W) @ change
    for horizon, E in (("short", now), ("long", later)):
        table = result.impacts(horizon)["estimate"]
        assert table["x", "direct"] == pytest.approx(np.trace(E) / 15, rel=1e-12)
        assert table["x", "total"] == pytest.approx(E.sum() / 15, rel=1e-12)
    path = result.cumulative_impacts(200).set_index(["horizon", "effect"])["estimate"]
    assert path[0, "direct"] == pytest.approx(np.trace(now) / 15, rel=1e-12)
    assert path[200, "total"] == pytest.approx(later.sum() / 15, rel=1e-9)
    A = inv(np.eye(15) - rho * W) @ (phi * np.eye(15) + psi * W)
    roots = np.linalg.eigvals(A)
    drop = np.argmin(np.abs(roots - (phi + psi) / (1 - rho)))
    assert result.largest_root == pytest.approx(np.abs(np.delete(roots, drop)).max(), rel=1e-9)


@pytest.mark.parametrize("horizon", ["short", "long"])
def test_delta_errors_match_numerical_derivatives(horizon):
    weights = ring(15)
    panel = DynamicPanel(*simulate(weights, 8, 0.3, -0.1, 0.3, seed=4), weights, "sdm")
    result = panel.fit()
    theta, steps = result.values, 1e-6 * np.eye(6)

    def impacts(values):
        moved = copy(result)
        moved.values = values
        return moved.impacts(horizon)["estimate"].to_numpy()

    J = np.array([(impacts(theta + h) - impacts(theta - h)) / 2e-6 for h in steps]).T
    expected = np.sqrt(np.diag(J @ result.cov.to_numpy() @ J.T))
    np.testing.assert_allclose(result.impacts(horizon)["std_error"], expected, rtol=1e-7)


def test_results_do_not_depend_on_the_order_of_rows_and_scale_with_y():
    weights = ring(15)
    y, X = simulate(weights, 8, 0.3, 0.1, 0.3, seed=5)
    result = DynamicPanel(y, X, weights).fit()
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = DynamicPanel(y.iloc[order], X, weights).fit()
    np.testing.assert_allclose(shuffled.params, result.params, rtol=1e-10)
    scaled = DynamicPanel(1000 * y, X, weights).fit()
    factors = np.array([1, 1, 1000, 1000, 1, 1e6])
    np.testing.assert_allclose(scaled.params, result.params * factors, rtol=1e-8)


def test_refusals_name_what_is_wrong():
    weights = ring(15)
    y, X = simulate(weights, 8, 0.3, 0.1, 0.3, seed=6)
    with pytest.raises(RongheError, match="not dynamic"):
        DynamicPanel(y, X, weights, time_lag=False, space_time_lag=False)
    with pytest.raises(RongheError, match="rows sum to one"):
        DynamicPanel(y, X, Weights.from_frame(weights.to_frame() / 2), "sdm", "twoways", "lee_yu")
    with pytest.raises(RongheError, match="too few"):
        DynamicPanel(y[y.index.get_level_values(1) < 2], X[X.index.get_level_values(1) < 2], weights)
    index = y.index
    trend = pd.Series(np.cumsum(np.random.default_rng(0).normal(size=(15, 9)), axis=1).ravel() * 5, index, name="y")
    result = DynamicPanel(trend, X, weights, "sar", "time", "lsdv", space_time_lag=False)
    with pytest.warns(UserWarning, match="largest root"):
        fitted = result.fit()
    with pytest.raises(RongheError, match="not stable"):
        fitted.impacts("long")
