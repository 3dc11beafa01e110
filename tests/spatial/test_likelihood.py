"""Tests of the likelihood: against a dense one written out from the model, other programs, and identities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.spatial import SpatialPanel
from ronghe.spatial.uncertainty.information import expected_information, observed_information
from ronghe.weights.matrix import Weights
from scipy.optimize import approx_fprime, minimize


def weights(n, k, seed, standardise="row"):
    """Return weights to the k nearest of n random places: asymmetric, with complex eigenvalues."""
    places = np.random.default_rng(seed).random((n, 2))
    distance = np.linalg.norm(places[:, None] - places, axis=2)
    near = np.argsort(distance, axis=1)[:, 1 : k + 1]
    edges = pd.DataFrame({"focal": np.repeat(np.arange(n), k), "neighbor": near.ravel(), "weight": 1.0})
    return Weights.from_edges(edges, name=f"nearest {k}").standardise(standardise)


def panel(n=25, t=4, seed=0, rho=0.4, lam=0.3, k=2, standardise="row"):
    """Return (y, X, W, M) drawn from the general nesting model with both effects."""
    rng = np.random.default_rng(seed)
    W, M = weights(n, 4, 1, standardise), weights(n, 3, 2, standardise)
    index = pd.MultiIndex.from_product([range(n), range(2000, 2000 + t)], names=["unit", "period"])
    X = rng.standard_normal((n, t, k)) + rng.standard_normal((n, 1, k))
    mean = X @ np.linspace(1, -0.5, k) + W.sparse @ (X @ np.linspace(0.3, 0.6, k))
    mean += rng.standard_normal((n, 1)) + rng.standard_normal((1, t))
    S, R = (np.eye(n) - a * w.sparse.toarray() for a, w in ((rho, W), (lam, M)))
    y = np.linalg.solve(S, mean + np.linalg.solve(R, rng.standard_normal((n, t))))
    names = [f"x{j}" for j in range(k)]
    return (
        pd.Series(y.ravel(), index=index, name="y"),
        pd.DataFrame(X.reshape(-1, k), index=index, columns=names),
        W,
        M,
    )


def orthonormal(size):
    """Return F of Lee and Yu (2010): orthonormal columns that sum to zero."""
    return np.linalg.svd(np.eye(size) - 1 / size)[0][:, :-1]


def dense_loglik(values, y, X, W, M, spec, method):
    """Return the complete log-likelihood, every matrix written out: dummies, or the orthonormal transformation."""
    n, t = W.n, y.index.get_level_values(1).nunique()
    Wd, Md = W.sparse.toarray(), M.sparse.toarray()
    Y, Z = y.to_numpy().reshape(n, t), X.to_numpy().reshape(n, t, -1)
    Z = np.concatenate([Z, np.einsum("ij,jtk->itk", Wd, Z)], axis=2) if spec.durbin else Z
    if spec.effects == "pooled":
        Z = np.concatenate([np.ones((n, t, 1)), Z], axis=2)
    k = Z.shape[2]
    rest = list(values[k:])
    rho = rest.pop(0) if spec.has_lag else 0.0
    lam = rest.pop(0) if spec.has_error else 0.0
    sigma2 = rest.pop(0)
    left = orthonormal(n).T if spec.effects in ("time", "twoways") and method == "lee_yu" else np.eye(n)
    right = orthonormal(t) if spec.effects in ("units", "twoways") and method == "lee_yu" else np.eye(t)
    S, R = (np.eye(len(left)) - a * (left @ w @ left.T) for a, w in ((rho, Wd), (lam, Md)))
    u = S @ (left @ Y @ right) - np.einsum("ij,jtk,ts,k->is", left, Z, right, values[:k])
    e = (R @ u).ravel()
    if method == "lsdv":
        parts = []
        if spec.effects in ("units", "twoways"):
            parts.append(np.kron(np.eye(n), np.ones((t, 1))))
        if spec.effects in ("time", "twoways"):
            parts.append(np.kron(np.ones((n, 1)), np.eye(t)))
        if parts:
            D = np.concatenate(parts, axis=1).reshape(n, t, -1)
            D = np.einsum("ij,jtk->itk", R, D).reshape(n * t, -1)
            e = e - D @ np.linalg.lstsq(D, e)[0]
    jacobian = np.linalg.slogdet(S)[1] + np.linalg.slogdet(R)[1]
    return -0.5 * e.size * np.log(2 * np.pi * sigma2) + right.shape[1] * jacobian - e @ e / (2 * sigma2)


CASES = [
    ("sarar", "twoways", "lee_yu"),
    ("gns", "units", "lee_yu"),
    ("gns", "twoways", "lsdv"),
    ("sarar", "time", "lsdv"),
    ("sdem", "time", "lee_yu"),
    ("sdm", "pooled", "lsdv"),
    ("sem", "pooled", "lee_yu"),
]


@pytest.mark.parametrize(("model", "effects", "method"), CASES)
def test_against_the_dense_likelihood(model, effects, method):
    """An independent optimiser finds nothing higher; the gradient is zero, the Hessian the observed information."""
    y, X, W, M = panel()
    error = {"error_weights": M} if model in ("sem", "sdem", "sarar", "gns") else {}
    result = SpatialPanel(y, X, W, model=model, effects=effects, method=method, **error).fit("observed")
    spec = result.specification

    def negative(values):
        return -dense_loglik(values, y, X, W, M, spec, method)

    best = result.params.to_numpy()
    assert result.loglik == pytest.approx(-negative(best), rel=1e-11)
    start = best + 0.05 * np.random.default_rng(3).standard_normal(len(best))
    found = minimize(negative, start, method="BFGS", options={"gtol": 1e-6})
    assert -found.fun <= result.loglik + 1e-9
    gradient = approx_fprime(best, negative, 1e-6)
    np.testing.assert_allclose(gradient, 0, atol=2e-3)
    hessian = numerical_hessian(negative, best)
    np.testing.assert_allclose(observed_information(result.model), hessian, rtol=2e-4, atol=2e-3)


def numerical_hessian(function, x, step=2e-4):
    """Return central second differences."""
    size = len(x)
    H = np.empty((size, size))
    E = step * np.eye(size)
    for i in range(size):
        for j in range(i, size):
            pluses = function(x + E[i] + E[j]) + function(x - E[i] - E[j])
            H[i, j] = H[j, i] = (pluses - function(x + E[i] - E[j]) - function(x - E[i] + E[j])) / (4 * step**2)
    return H


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
def test_ols_agrees_with_linearmodels(effects):
    """Lee and Yu's count of observations is linearmodels' count of degrees of freedom, effects counted."""
    from linearmodels.panel import PanelOLS
    from statsmodels.tools import add_constant

    y, X, W, _ = panel()
    ours = SpatialPanel(y, X, W, model="ols", effects=effects).fit()
    dummies = SpatialPanel(y, X, W, model="ols", effects=effects, method="lsdv").fit()
    regressors = add_constant(X) if effects == "pooled" else X
    theirs = PanelOLS(
        y, regressors, entity_effects=effects in ("units", "twoways"), time_effects=effects in ("time", "twoways")
    ).fit(debiased=False)
    np.testing.assert_allclose(ours.params[:-1], theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.std_errors[:-1], theirs.std_errors, rtol=1e-9)
    np.testing.assert_allclose(ours.resids, theirs.resids, atol=1e-10)
    np.testing.assert_allclose(dummies.std_errors[:-1] ** 2 * 100, ours.std_errors[:-1] ** 2 * ours.n_effective)
    assert dummies.loglik == pytest.approx(theirs.loglik, rel=1e-10)


def test_slx_is_ols_on_lagged_regressors():
    y, X, W, _ = panel()
    lagged = W.lag(X).rename(columns={"x0": "z0", "x1": "z1"})
    slx = SpatialPanel(y, X, W, model="slx").fit()
    ols = SpatialPanel(y, pd.concat([X, lagged], axis=1), model="ols").fit()
    np.testing.assert_allclose(slx.params, ols.params, rtol=1e-10)
    np.testing.assert_allclose(slx.covariance, ols.covariance, rtol=1e-9, atol=1e-18)
    assert list(slx.params.index) == ["x0", "x1", "W*x0", "W*x1", "sigma2"]


def test_common_factor_ties_sdm_to_sem():
    """At theta = -rho beta, the Durbin residual is (I - rho W)(y - X beta): the likelihood of the error model."""
    y, X, W, _ = panel()
    sdm = SpatialPanel(y, X, W, model="sdm").likelihood
    sem = SpatialPanel(y, X, W, model="sem").likelihood
    beta, a = np.array([0.9, -0.4]), 0.35
    durbin = sdm.residual_coefficients(a, np.concatenate([beta, -a * beta]))
    error = sem.residual_coefficients(0.0, beta)
    left = durbin @ sdm.moments.plain @ durbin
    right = error @ sem.moments.products(a) @ error
    assert left == pytest.approx(right, rel=1e-12)
    assert sdm.log_jacobian(sdm.lag, a) == sem.log_jacobian(sem.error, a)


@pytest.mark.parametrize("model", ["sar", "sem", "sdm"])
def test_one_cross_section_agrees_with_spreg(model):
    pytest.importorskip("spreg")
    from libpysal.weights import W as Neighbours
    from spreg import ML_Error, ML_Lag

    y, X, W, _ = panel(n=40, t=1, standardise="row")
    ours = SpatialPanel(y, X, W, model=model, effects="pooled", method="lsdv").fit()
    graph = {i: list(row.indices) for i, row in enumerate(W.sparse)}
    w = Neighbours(graph, {i: list(W.sparse[[i]].data) for i in graph}, silence_warnings=True)
    Y, Z = y.to_numpy()[:, None], X.to_numpy()
    options = {"slx_lags": 1} if model == "sdm" else {}
    theirs = (ML_Error if model == "sem" else ML_Lag)(Y, Z, w, method="ord", epsilon=1e-14, **options)
    # At the rho or lambda where spreg stops: the likelihood, the coefficients and the errors.
    *b, a = theirs.betas.ravel()
    there = ours.model.likelihood.at(**{"lam" if model == "sem" else "rho": a})
    assert there.loglik == pytest.approx(theirs.logll, rel=1e-10)
    np.testing.assert_allclose(there.b, b, rtol=1e-8)
    information = expected_information(ours.model.moved(np.array([*b, a, np.squeeze(theirs.sig2)])))
    errors = np.sqrt(np.diag(np.linalg.inv(information)))[:-1]
    np.testing.assert_allclose(errors, np.sqrt(np.diag(theirs.vm))[: len(errors)], rtol=1e-6)
    # And ours is the maximum.
    assert ours.loglik >= there.loglik - 1e-10
    best = ours.model.likelihood.at(ours.model.rho, ours.model.lam)
    np.testing.assert_allclose(best.slope, 0.0, atol=1e-8 * abs(best.curvature[0, 0]))


@pytest.mark.parametrize("standardise", ["spectral", "none"])
@pytest.mark.parametrize("effects", ["units", "twoways"])
def test_weights_that_are_not_row_standardised(standardise, effects):
    """The dense likelihood with dummies, whose information needs the time effects once G 1 is no multiple of 1."""
    y, X, W, M = panel(rho=0.4 if standardise == "spectral" else 0.08, lam=0.0, standardise=standardise)
    result = SpatialPanel(y, X, W, model="sdm", effects=effects, method="lsdv").fit("observed")
    best = result.params.to_numpy()
    assert result.loglik == pytest.approx(dense_loglik(best, y, X, W, M, result.specification, "lsdv"), rel=1e-10)
    hessian = numerical_hessian(lambda v: -dense_loglik(v, y, X, W, M, result.specification, "lsdv"), best)
    np.testing.assert_allclose(observed_information(result.model), hessian, rtol=5e-4, atol=5e-3)
    expected = result.with_covariance("expected").std_errors
    np.testing.assert_allclose(expected, result.std_errors, rtol=0.25)


@pytest.mark.parametrize("model", ["sar", "sdm"])
def test_time_effects_under_raw_weights_are_dummies_written_out(model):
    """Rows that do not sum to one: G carries the time effects into the information, as it does explicit dummies."""
    y, X, W, _ = panel(rho=0.08, lam=0.0, standardise="none")
    years = pd.get_dummies(pd.Series(y.index.get_level_values(1), index=y.index), dtype=float).iloc[:, 1:]
    wide = pd.concat([X, years.rename(columns=lambda c: f"y{c}")], axis=1)
    durbin = {"durbin": list(X.columns)} if model == "sdm" else {}
    one = SpatialPanel(y, X, W, model=model, effects="twoways", method="lsdv").fit()
    two = SpatialPanel(y, wide, W, model=model, effects="units", method="lsdv", **durbin).fit()
    names = list(one.params.index)
    np.testing.assert_allclose(two.params[names], one.params, rtol=1e-9)
    np.testing.assert_allclose(two.cov.loc[names, names], one.cov, rtol=1e-7, atol=1e-12)
    assert two.loglik == pytest.approx(one.loglik, rel=1e-12)


def test_two_hills_are_both_climbed():
    """With M = W and no regressor effect to tell them apart, rho and lambda can change places: the higher hill wins."""
    y, X, W, _ = panel(n=40, t=6, seed=5, rho=0.7, lam=-0.5)
    result = SpatialPanel(y, X, W, model="sarar", effects="units").fit()
    likelihood = result.model.likelihood
    grid = np.linspace(-0.95, 0.95, 39)
    best = max(likelihood.at(r, l).loglik for r in grid for l in grid)
    assert result.loglik >= best - 1e-9


@pytest.mark.parametrize("model", ["sar", "sem", "sdm", "sarar"])
@pytest.mark.parametrize("seed", range(6))
def test_the_top_is_reached_to_rounding(model, seed):
    """rho and lambda to 1e-10: what a Newton step from the maximum would still add."""
    y, X, W, M = panel(seed=seed)
    error = {"error_weights": M} if model in ("sem", "sarar") else {}
    result = SpatialPanel(y, X, W, model=model, **error).fit()
    spatial = {"rho": result.model.rho, "lam": result.model.lam}
    point = result.model.likelihood.at(**spatial)
    assert np.abs(np.linalg.solve(point.curvature, point.slope)).max() < 1e-10
