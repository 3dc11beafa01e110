"""Tests of spatial two-stage least squares against spreg, linearmodels, and simulated truth."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from panel_builders import grid
from ronghe.errors import RongheError
from ronghe.spatial.two_stage.panel import SpatialTwoStage
from ronghe.weights import Weights


@cache
def torus(n):
    side = int(np.sqrt(n))
    W = np.zeros((n, n))
    for i in range(n):
        r, c = divmod(i, side)
        for j in (
            (r + 1) % side * side + c,
            (r - 1) % side * side + c,
            r * side + (c + 1) % side,
            r * side + (c - 1) % side,
        ):
            W[i, j] = 0.25
    labels = [f"u{i:02d}" for i in range(n)]
    return W, Weights.from_frame(pd.DataFrame(W, index=labels, columns=labels))


def simulate(seed, n=64, n_periods=6, rho=0.4, lam=0.0, confounding=0.0):
    """A torus of units; z shifts the regressor d, which correlates with the error."""
    generator = np.random.default_rng(seed)
    W, weights = torus(n)
    mu, tau = generator.normal(size=(n, 1)), generator.normal(size=(1, n_periods))
    x, z, e, v = generator.normal(size=(4, n, n_periods))
    x = x + mu
    d = z + 0.5 * x + confounding * e + 0.5 * v
    u = np.linalg.solve(np.eye(n) - lam * W, e)
    y = np.linalg.solve(np.eye(n) - rho * W, x + 0.8 * d + mu + tau + u)
    index = grid(weights.labels, range(n_periods))
    frame = pd.DataFrame({"x": x.ravel(), "d": d.ravel(), "z": z.ravel()}, index)
    return pd.Series(y.ravel(), index, name="y"), frame, weights


def stacked(values):
    return values.unstack().to_numpy().T.reshape(-1, 1)


def blocks(weights, n_periods):
    from libpysal.weights import full2W

    return full2W(np.kron(np.eye(n_periods), weights.sparse.toarray()))


@pytest.mark.filterwarnings("ignore:The weights matrix", "ignore:The inplace keyword")
def test_pooled_lag_is_that_of_spreg():
    spreg = pytest.importorskip("spreg")
    y, X, weights = simulate(1)
    ours = SpatialTwoStage(y, X[["x", "d"]], weights, "sar", "pooled").fit("homoskedastic")
    other = spreg.GM_Lag(
        stacked(y), np.hstack([stacked(X["x"]), stacked(X["d"])]), w=blocks(weights, 6), w_lags=2, sig2n_k=True
    )
    np.testing.assert_allclose(ours.params[["const", "x", "d", "rho"]], other.betas.ravel(), rtol=1e-8)
    np.testing.assert_allclose(ours.std_errors[["const", "x", "d", "rho"]], np.sqrt(np.diag(other.vm)), rtol=1e-7)


@pytest.mark.parametrize("cov_type", ["homoskedastic", "robust", "clustered"])
def test_two_way_effects_are_explicit_dummies(cov_type):
    """linearmodels' 2SLS with every dummy and the same instruments, W x and W^2 x lagged before anything is removed."""
    from linearmodels.iv import IV2SLS

    y, X, weights = simulate(3, n=36, confounding=0.7)
    ours = SpatialTwoStage(
        y, X[["x", "d"]], weights, "sar", "twoways", endogenous=["d"], instruments=X[["z"]], lag_instruments=False
    ).fit(cov_type)
    lagged = lambda v: pd.Series((weights.sparse @ v.unstack().to_numpy()).ravel(), v.index)  # noqa: E731
    frame = X.assign(y=y, Wy=lagged(y), Wx=lagged(X["x"]), WWx=lagged(lagged(X["x"])))
    units = pd.get_dummies(frame.index.get_level_values(0), drop_first=True, dtype=float).set_index(frame.index)
    times = pd.get_dummies(frame.index.get_level_values(1), drop_first=True, dtype=float).set_index(frame.index)
    exogenous = pd.concat([frame[["x"]].assign(one=1.0), units, times], axis=1)
    exogenous.columns = exogenous.columns.map(str)
    model = IV2SLS(frame["y"], exogenous, frame[["d", "Wy"]], frame[["z", "Wx", "WWx"]])
    names = {"d": "d", "Wy": "rho", "x": "x"}
    if cov_type == "homoskedastic":
        other, factor = model.fit(cov_type="unadjusted", debiased=True), 1.0
    elif cov_type == "robust":
        other, factor = model.fit(cov_type="robust", debiased=True), 1.0
    else:
        codes = pd.factorize(frame.index.get_level_values(0))[0]
        other = model.fit(cov_type="clustered", clusters=codes, debiased=False)
        # Its small-sample factor is one; ours is G/(G - 1) (n - 1)/(n - K), unit effects counted as one constant.
        factor = np.sqrt(36 / 35 * 215 / (216 - 3 - 41 + 35))
    for theirs, name in names.items():
        assert ours.params[name] == pytest.approx(other.params[theirs], rel=1e-8)
        assert ours.std_errors[name] == pytest.approx(other.std_errors[theirs] * factor, rel=1e-7)


def test_truth_is_found_where_least_squares_misses_it():
    estimates, covered, naive = [], [], []
    for seed in range(60):
        y, X, weights = simulate(seed, confounding=0.8)
        model = SpatialTwoStage(y, X[["x", "d"]], weights, "sar", endogenous=["d"], instruments=X[["z"]])
        result = model.fit()
        truth = pd.Series({"x": 1.0, "d": 0.8, "rho": 0.4})
        estimates.append(result.params[truth.index])
        covered.append(np.abs(result.params - truth)[truth.index] < 1.96 * result.std_errors[truth.index])
        naive.append(SpatialTwoStage(y, X[["x", "d"]], weights, "sar").fit().params["d"])
    mean, spread = np.mean(estimates, axis=0), np.std(estimates, axis=0)
    assert np.all(np.abs(mean - [1.0, 0.8, 0.4]) < 3.5 * spread / np.sqrt(60))
    assert np.mean(naive) > 1.0
    assert np.all(np.mean(covered, axis=0) > 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / 60))


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
def test_lambda_is_found_under_every_effect(effects):
    found = []
    for seed in range(30):
        y, X, weights = simulate(seed, n=100, lam=0.5)
        x = X[["x", "d"]].copy()
        if effects == "pooled":
            y = y - y.groupby(level=0).transform("mean") - y.groupby(level=1).transform("mean")
            x = x - x.groupby(level=0).transform("mean") - x.groupby(level=1).transform("mean")
        if effects == "units":
            y = y - y.groupby(level=1).transform("mean")
            x = x - x.groupby(level=1).transform("mean")
        if effects == "time":
            y = y - y.groupby(level=0).transform("mean")
            x = x - x.groupby(level=0).transform("mean")
        result = SpatialTwoStage(y, x, weights, "sarar", effects).fit()
        found.append((result.spatial_error.lam, result.params["rho"]))
    lam, rho = np.mean(found, axis=0)
    assert lam == pytest.approx(0.5, abs=0.06) and rho == pytest.approx(0.4, abs=0.04)


def test_durbin_term_of_an_endogenous_regressor_is_endogenous_too():
    y, X, weights = simulate(4, confounding=0.6)
    result = SpatialTwoStage(
        y, X[["x", "d"]], weights, "sdm", endogenous=["d"], instruments=X[["z"]], durbin=["x", "d"]
    ).fit()
    assert list(result.names) == ["x", "d", "W*x", "W*d", "rho"]
    assert set(result.instruments) == {"z", "W*z", "W^2*z", "W^2*x", "W^3*x"}
    tests = result.tests().set_index("test")
    assert tests.loc["Hansen J", "df"] == 2 and 0 < tests.loc["Hansen J", "pvalue"] <= 1
    impacts = result.impacts()["estimate"]
    W = weights.sparse.toarray()
    S = np.linalg.inv(np.eye(64) - result.params["rho"] * W)
    E = S @ (result.params["d"] * np.eye(64) + result.params["W*d"] * W)
    assert impacts["d", "direct"] == pytest.approx(np.trace(E) / 64, rel=1e-10)
    assert impacts["d", "total"] == pytest.approx(E.sum() / 64, rel=1e-10)


def test_spanned_instruments_are_named_not_hidden():
    y, X, weights = simulate(5)
    X = X.assign(copy=2 * X["z"])
    model = SpatialTwoStage(
        y, X[["x", "d"]], weights, "sar", endogenous=["d"], instruments=X[["z", "copy"]], lag_instruments=False
    )
    assert model.fit().dropped_instruments == ("copy",)
    with pytest.raises(RongheError, match="as many instruments"):
        SpatialTwoStage(y, X[["x", "d"]], weights, endogenous=["d"])
    with pytest.raises(RongheError, match="at once"):
        SpatialTwoStage(y, X[["x", "d"]], weights, endogenous=["d"], instruments=X[["x"]])
    with pytest.raises(RongheError, match="unknown regressor 'q'"):
        SpatialTwoStage(y, X[["x", "d"]], weights, endogenous=["q"])


def ec2sls(y, X, weights, within):
    """Return EC2SLS of y on (W y, X, 1) with instruments X, W X, W^2 X, and (theta, residuals, (R'P R)^-1).

    Baltagi and Liu (2011, Economics Letters 111): variances from the within and the between regression, each on its
    rows less its coefficients; then y less theta times its unit mean by instruments demeaned and averaged.
    """
    labels = list(weights.labels)
    Y = y.unstack().loc[labels].to_numpy()
    n, n_periods = Y.shape
    Z = np.stack([X[c].unstack().loc[labels].to_numpy() for c in X], axis=2)
    lagged = lambda v: (weights.sparse @ v.reshape(n, -1)).reshape(v.shape)  # noqa: E731
    mean = lambda v: np.broadcast_to(v.mean(axis=1, keepdims=True), v.shape)  # noqa: E731
    flat = lambda v: v.reshape(n * n_periods, -1)  # noqa: E731
    R = np.concatenate([lagged(Y)[:, :, None], Z], axis=2)
    H = np.concatenate([Z, lagged(Z), lagged(lagged(Z))], axis=2)
    one = np.ones((n, n_periods, 1))

    def solve(outcome, regressors, instruments):
        fitted = instruments @ np.linalg.lstsq(instruments, regressors, rcond=None)[0]
        b = np.linalg.solve(fitted.T @ regressors, fitted.T @ outcome)
        return b, outcome - regressors @ b, np.linalg.inv(fitted.T @ regressors)

    R1, H1 = np.concatenate([R, one], axis=2), np.concatenate([H, one], axis=2)
    _, e, _ = solve(flat(mean(Y)).ravel(), flat(mean(R1)), flat(mean(H1)))
    theta = 1 - np.sqrt(within.sigma2 / (e @ e / (n - R1.shape[2])))
    instruments = np.concatenate([flat(H - mean(H)), flat(mean(H1))], axis=1)
    return theta, *solve(flat(Y - theta * mean(Y)).ravel(), flat(R1 - theta * mean(R1)), instruments)


def test_what_the_hausman_test_by_moments_of_splm_is(munnell, recorded):
    """splm prints the absolute value of -81.85, which is negative because its within errors forget the unit effects.

    EC2SLS against the within estimator; the variance of the latter is e'e / (NT - K) where N(T - 1) - K is right.
    """
    printed = json.loads((recorded / "tests.json").read_text())["entries"]["sphtest_GM_lag"]
    y, X, weights = munnell
    within = SpatialTwoStage(y, X, weights, "sar", "units").fit("homoskedastic")
    names = ["rho", *X.columns]
    nobs, k, absorbed = 816, 5, 48
    theta, b, e, bread = ec2sls(y, X, weights, within)
    gap = within.params[names].to_numpy() - b[:k]
    ours = within.cov.loc[names, names].to_numpy()
    random = e @ e / (nobs - k - 1) * bread[:k, :k]
    theirs = random - ours * (nobs - absorbed - k) / (nobs - k)
    statistic = gap @ np.linalg.solve(theirs, gap)
    assert statistic < 0
    assert abs(statistic) == pytest.approx(printed["statistic"]["data"][0][0], rel=1e-8)
    assert printed["parameter"]["df"] == k and 0.8 < theta < 1
    # With one variance, that of the within regression, in both, the difference is a covariance and the test a test.
    difference = ours - within.sigma2 * bread[:k, :k]
    assert np.linalg.eigvalsh(difference)[0] > 0
    assert gap @ np.linalg.solve(difference, gap) == pytest.approx(54.46792549862, rel=1e-8)
