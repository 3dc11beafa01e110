"""Wild bootstraps of instrumental variables against draws with all their rows, and their size with few clusters."""

from __future__ import annotations

import numpy as np
import pytest
from dense_oracle import dummies, root
from ronghe.errors import RongheError
from ronghe.linear import instrument_tests
from ronghe.linear.bootstrap import cluster_weights
from ronghe.linear.covariance import Choice
from ronghe.linear.instrument_bootstrap import AndersonRubinWild, restricted_efficient
from ronghe.linear.instrumental_models import fit_two_stage
from ronghe.linear.layout import Layout
from ronghe.linear.two_stage import Problem, fitted_regressors, project

N, T = 7, 5
LAYOUT = Layout(np.repeat(np.arange(N), T), np.tile(np.arange(T), N))


def problem(effects: str = "twoways", n_instruments: int = 2, choice: Choice | None = None, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    z, w, u, v = rng.normal(size=(4, N * T, max(n_instruments, 2)))
    x = z.sum(axis=1) + 0.4 * w[:, 0] + u[:, 0] + v[:, 0]
    y = 0.5 * x + w[:, 0] + 2 * u[:, 0]
    raw = np.column_stack([x, w[:, :1], z[:, :n_instruments]])
    names = ["x"], ["w"], [f"z{i}" for i in range(n_instruments)]
    return project(y, raw, names, LAYOUT, effects, choice or Choice())


def annihilator(effects: str) -> np.ndarray:
    """Q off the effects, as NT x NT."""
    dummy = np.ones((N * T, 1)) if effects == "pooled" else dummies(effects, N, T)
    return np.eye(N * T) - dummy @ np.linalg.pinv(dummy)


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_restricted_efficient_draws_with_all_their_rows(effects, value):
    """Every draw: outcome and regressor rebuilt, effects taken out again, two-stage least squares, clustered t."""
    p, Q = problem(effects), annihilator(effects)
    y, x, W, Z = p.y, p.endogenous[:, 0], p.exogenous, p.Z
    gamma = np.linalg.lstsq(W, y - value * x, rcond=None)[0]
    u = y - value * x - W @ gamma
    pi = np.linalg.lstsq(np.column_stack([Z, u]), x, rcond=None)[0][:-1]
    v = x - Z @ pi

    def t(y: np.ndarray, x: np.ndarray) -> float:
        X = np.column_stack([x, W])
        fitted = Z @ np.linalg.lstsq(Z, X, rcond=None)[0]
        bread = np.linalg.inv(fitted.T @ fitted)
        b = bread @ fitted.T @ y
        scores = np.array([(fitted * (y - X @ b)[:, None])[LAYOUT.units == g].sum(axis=0) for g in range(N)])
        return (b[0] - value) / np.sqrt((bread @ scores.T @ scores @ bread)[0, 0])

    draws = []
    for signs in cluster_weights(N, 999):
        s = signs[LAYOUT.units]
        x_drawn = Q @ (Z @ pi + s * v)
        draws.append(t(Q @ (value * x_drawn + W @ gamma + s * u), x_drawn))
    observed, pvalue = restricted_efficient(p, value, 999)
    assert observed == pytest.approx(t(y, x), rel=1e-9)
    assert pvalue == pytest.approx(np.mean(np.abs(draws) >= abs(observed) * (1 - 1e-9)), abs=1e-12)


@pytest.mark.parametrize("effects", ["units", "twoways"])
def test_anderson_rubin_draws_with_all_their_rows(effects):
    p, Q, L = problem(effects), annihilator(effects), 2
    wild, Z, b = AndersonRubinWild.of(p, 999), p.Z, 0.3
    left = p.y - b * p.endogenous[:, 0]
    crossing = dummies("time", N, T) if effects == "twoways" else np.zeros((N * T, 0))
    units = dummies("units", N, T)
    whole = np.column_stack([Z, crossing - units @ np.linalg.pinv(units) @ crossing])
    M = np.eye(N * T) - whole @ np.linalg.pinv(whole)
    bread = np.linalg.inv(Z.T @ Z)

    def wald(left: np.ndarray) -> float:
        gamma = bread @ Z.T @ left
        e = left - Z @ gamma
        scores = []
        for g in range(N):
            own = LAYOUT.units == g
            scores.append(bread @ Z[own].T @ root(M[np.ix_(own, own)], -1.0) @ e[own])
        V = np.array(scores)[:, :L]
        return gamma[:L] @ np.linalg.solve(V.T @ V, gamma[:L])

    u = left - p.exogenous @ np.linalg.lstsq(p.exogenous, left, rcond=None)[0]
    draws = [wald(Q @ (signs[LAYOUT.units] * u)) for signs in cluster_weights(N, 999)]
    assert wild.statistic(np.array([b])) == pytest.approx(wald(left), rel=1e-8)
    assert wild.pvalue(np.array([b])) == pytest.approx(np.mean(np.array(draws) >= wald(left) * (1 - 1e-9)), abs=1e-12)


def test_few_cluster_covariances_are_those_of_the_second_stage():
    """CR2 and CR3 of 2SLS: leverage of the fitted regressors, residuals of the structural equation."""
    p = problem("units", choice=Choice(small_sample="CR3"))
    fit, fitted = fit_two_stage(p), fitted_regressors(p)
    bread, M = np.linalg.inv(fitted.T @ fitted), np.eye(N * T) - fitted @ np.linalg.pinv(fitted)
    for kind, power, factor in (("CR2", -0.5, 1.0), ("CR3", -1.0, (N - 1) / N)):
        scores = []
        for g in range(N):
            own = LAYOUT.units == g
            scores.append(fitted[own].T @ root(M[np.ix_(own, own)], power) @ fit.residuals[own])
        V = factor * bread @ np.array(scores).T @ np.array(scores) @ bread
        found = fit_two_stage(problem("units", choice=Choice(small_sample=kind))).covariance
        np.testing.assert_allclose(found, V, rtol=1e-8)


def test_size_with_weak_instruments_and_few_clusters():
    """Twelve clusters of unequal variance, an instrument that says little: share of true nulls rejected at 5 %."""
    layout, rejected = Layout(np.repeat(np.arange(12), 6), np.tile(np.arange(6), 12)), []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        spread = np.repeat(np.exp(0.5 * rng.normal(size=12)), 6)
        z, w = rng.normal(size=(2, 72)) + np.repeat(rng.normal(size=(2, 12)), 6, axis=1)
        u, v = rng.normal(size=(2, 72)) * spread
        raw = np.column_stack([0.3 * z + 0.8 * u + v, w, z])
        p = project(w + u, raw, (["x"], ["w"], ["z"]), layout, "units", Choice())
        wild = AndersonRubinWild.of(p, 199, seed=seed)
        rejected.append([wild.pvalue(np.zeros(1)) <= 0.05, restricted_efficient(p, 0.0, 199, seed=seed)[1] <= 0.05])
    assert np.all(np.mean(rejected, axis=0) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150))


def test_conditional_f_is_the_first_stage_f_where_the_other_is_exogenous():
    """Sanderson and Windmeijer's F of a regressor beside one that its own instrument explains without remainder."""
    rng = np.random.default_rng(4)
    z, e = rng.normal(size=(2, N * T, 3))
    raw = np.column_stack([z[:, 0] + z[:, 1] + e[:, 0], z[:, 2], z])
    p = project(e[:, 0], raw, (["x", "x2"], [], ["a", "b", "c"]), LAYOUT, "units", Choice("robust"))
    alone = project(e[:, 0], raw[:, [0, 1, 2, 3]], (["x"], ["x2"], ["a", "b"]), LAYOUT, "units", Choice("robust"))
    pi, cov = instrument_tests.first_stage(alone)
    wanted = float(pi[:, 0] @ np.linalg.solve(cov, pi[:, 0])) / 2
    assert instrument_tests.conditional_f(p, 0) == pytest.approx(wanted, rel=0.02)


def test_what_has_no_such_bootstrap_is_refused():
    with pytest.raises(RongheError, match="one way"):
        restricted_efficient(problem(choice=Choice("robust")))
    two = project(
        np.arange(35.0) ** 1.5,
        np.random.default_rng(1).normal(size=(35, 4)),
        (["a", "b"], [], ["c", "d"]),
        LAYOUT,
        "units",
        Choice(),
    )
    with pytest.raises(RongheError, match="one endogenous"):
        restricted_efficient(two)
    with pytest.raises(RongheError, match="one endogenous"):
        AndersonRubinWild.of(two, 99).pieces()
