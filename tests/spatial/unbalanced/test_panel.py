"""Spatial panels with gaps: against dense contrasts, the complete panel, and draws whose truth is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel, UnbalancedPanel
from ronghe.spatial.unbalanced import panel as module
from ronghe.spatial.unbalanced.likelihood import whiten
from ronghe.weights import Weights
from scipy import linalg
from scipy.stats import multivariate_normal

MODELS = ["sar", "sem", "sdm", "sdem", "sarar", "gns"]
EFFECTS = ["pooled", "units", "time", "twoways"]
# The maximum is reached to rounding; products of a hundred cells remain.
EXACT = 1e-8


@cache
def directed(n: int) -> tuple[Weights, np.ndarray]:
    """Return weights that are no scaled symmetric matrix, labelled and dense."""
    labels = [f"u{k:02d}" for k in range(n)]
    dense = 0.6 * np.roll(np.eye(n), 1, axis=1) + 0.4 * np.roll(np.eye(n), -1, axis=1)
    dense[0] = np.roll(np.eye(n)[0], 3)
    return Weights.from_frame(pd.DataFrame(dense, index=labels, columns=labels)), dense


def draw(seed: int, n: int = 12, t: int = 7, gaps: float = 0.25, rho: float = 0.4, lam: float = 0.0):
    """Return y with gaps, X, W and dense W of a panel with unit and time effects that correlate with x."""
    rng = np.random.default_rng(seed)
    W, dense = directed(n)
    mu, tau = rng.normal(size=(n, 1)), rng.normal(size=(1, t))
    x = rng.normal(size=(n, t, 2)) + mu[:, :, None]
    u = np.linalg.solve(np.eye(n) - lam * dense, rng.normal(size=(n, t)))
    y = np.linalg.solve(np.eye(n) - rho * dense, x @ [1.0, -0.5] + dense @ x[:, :, 0] * 0.5 + 2 * mu + tau + u)
    index = pd.MultiIndex.from_product([W.labels, range(t)], names=["unit", "year"])
    y = np.where(rng.random((n, t)) < gaps, np.nan, y)
    return pd.Series(y.ravel(), index, name="y"), pd.DataFrame(x.reshape(-1, 2), index, columns=["a", "b"]), W, dense


def dense_contrasts(y: pd.Series, X: pd.DataFrame, dense: np.ndarray, names: tuple, durbin: tuple, effects: str):
    """Return K'y, and K'm and K'VK as functions of (b, rho, lambda, sigma2), K from a singular value decomposition."""
    n = len(dense)
    t = len(y) // n
    seen = np.isfinite(y.to_numpy())
    units, times = np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))
    D = {"pooled": np.zeros((n * t, 1)), "units": units, "time": times, "twoways": np.hstack([units, times])}[effects]
    K = linalg.null_space(D[seen].T)
    columns = [np.ones(n * t) if name == "const" else X[name].to_numpy() for name in names]
    columns += [np.kron(dense, np.eye(t)) @ X[name].to_numpy() for name in durbin]
    Z = np.column_stack(columns)

    def moments(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        b, (rho, lam, sigma2) = theta[:-3], theta[-3:]
        S = np.kron(np.linalg.inv(np.eye(n) - rho * dense), np.eye(t))
        A = S @ np.kron(np.linalg.inv(np.eye(n) - lam * dense), np.eye(t))
        return K.T @ (S @ Z @ b)[seen], sigma2 * K.T @ (A @ A.T)[np.ix_(seen, seen)] @ K

    return K.T @ y.to_numpy()[seen], moments


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("model", MODELS)
def test_value_slope_and_information_are_those_of_dense_contrasts(model, effects):
    y, X, W, dense = draw(7, n=10, t=6, lam=0.2)
    fitted = UnbalancedPanel(y, X, W, model=model, effects=effects)
    result, s = fitted.fit(), fitted.specification
    Ky, moments = dense_contrasts(y, X, dense, s.names, s.durbin, effects)
    p = result.params
    whole = np.array([*p[list(s.terms)], p.get("rho", 0.0), p.get("lambda", 0.0), p["sigma2"]])
    free = [k for k in range(len(whole)) if not (k == len(whole) - 3 and not s.has_lag)]
    free = [k for k in free if not (k == len(whole) - 2 and not s.has_error)]

    def loglik(theta: np.ndarray) -> float:
        mean, V = moments(theta)
        return float(multivariate_normal.logpdf(Ky, mean, V))

    assert result.loglik == pytest.approx(loglik(whole), abs=1e-8)
    assert result.n_effective == len(Ky) and result.nobs == np.isfinite(y).sum()
    steps = [1e-5 * np.eye(len(whole))[k] for k in free]
    slope = [(loglik(whole + h) - loglik(whole - h)) / 2e-5 for h in steps]
    np.testing.assert_allclose(slope, 0.0, atol=1e-5 * len(Ky))
    inverse = np.linalg.inv(moments(whole)[1])
    both = [
        [(up - down) / 2e-5 for up, down in zip(moments(whole + h), moments(whole - h), strict=True)] for h in steps
    ]
    information = [[a @ inverse @ c + 0.5 * np.trace(inverse @ A @ inverse @ C) for c, C in both] for a, A in both]
    np.testing.assert_allclose(result.cov, np.linalg.inv(information), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("model", MODELS[:5])
def test_without_gaps_it_is_the_complete_panel(munnell, model, effects):
    """Parameters, likelihood, covariance, impacts, fit and predictions of Lee and Yu's transformation."""
    y, X, W = munnell
    own, other = UnbalancedPanel(y, X, W, model, effects).fit(), SpatialPanel(y, X, W, model, effects).fit()
    np.testing.assert_allclose(own.params, other.params, atol=EXACT)
    np.testing.assert_allclose(own.cov, other.cov, atol=EXACT, rtol=1e-7)
    assert own.loglik == pytest.approx(other.loglik, abs=1e-6) and own.bic == pytest.approx(other.bic, abs=1e-6)
    np.testing.assert_allclose(own.impacts(), other.impacts(), rtol=1e-5, atol=EXACT)
    np.testing.assert_allclose(own.predict(), other.predict(), atol=1e-7)
    np.testing.assert_allclose(own.predict(X), other.predict(X), atol=1e-7)


def test_an_absent_row_is_a_missing_outcome_and_order_is_nothing():
    """A model without W y needs no regressors of absent rows."""
    y, X, W, _ = draw(1)
    there = y.notna().to_numpy()
    shuffled = np.random.default_rng(0).permutation(there.sum())
    whole = UnbalancedPanel(y, X, W, model="sem").fit()
    rows = UnbalancedPanel(y[there].iloc[shuffled], X[there].iloc[shuffled], W, model="sem").fit()
    np.testing.assert_allclose(rows.params, whole.params, atol=EXACT)
    pd.testing.assert_series_equal(rows.resids[whole.resids.index], whole.resids, atol=1e-7)
    with pytest.raises(RongheError, match=r"regressors are missing for \(u00, .*add rows with the regressors"):
        UnbalancedPanel(y[there], X[there], W, model="sdm")


def test_missing_cells_are_expected_given_the_others():
    """The conditional mean of a joint normal, effects at their estimates."""
    y, X, W, dense = draw(4, n=9, t=6, lam=0.3)
    result = UnbalancedPanel(y, X, W, model="gns", effects="twoways").fit()
    p, n = result.params, 9
    A = np.linalg.inv(np.eye(n) - p["rho"] * dense) @ np.linalg.inv(np.eye(n) - p["lambda"] * dense)
    V, mean = A @ A.T, result.predict().to_numpy().reshape(n, 6)
    values, filled = y.to_numpy().reshape(n, 6), result.completed().to_numpy().reshape(n, 6)
    for t in range(6):
        o, m = np.isfinite(values[:, t]), ~np.isfinite(values[:, t])
        expected = mean[m, t] + V[np.ix_(m, o)] @ np.linalg.solve(V[np.ix_(o, o)], values[o, t] - mean[o, t])
        np.testing.assert_allclose(filled[m, t], expected, atol=EXACT)
        np.testing.assert_array_equal(filled[o, t], values[o, t])


def test_effects_are_those_of_generalised_least_squares():
    """Fitted values of the observed cells: dummies weighted by the inverse of their covariance."""
    y, X, W, dense = draw(6, n=8, t=6)
    result = UnbalancedPanel(y, X, W, model="sar", effects="twoways").fit()
    n, t = 8, 6
    S = np.kron(np.linalg.inv(np.eye(n) - result.params["rho"] * dense), np.eye(t))
    seen = y.notna().to_numpy()
    D = np.hstack([np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))])[seen]
    mean = (S @ X.to_numpy() @ result.params[["a", "b"]].to_numpy())[seen]
    L = np.linalg.cholesky((S @ S.T)[np.ix_(seen, seen)])
    own = np.linalg.lstsq(np.linalg.solve(L, D), np.linalg.solve(L, y.to_numpy()[seen] - mean), rcond=None)[0]
    np.testing.assert_allclose(result.fitted_values, mean + D @ own, atol=EXACT)
    np.testing.assert_allclose(result.fitted_values + result.resids, y[seen], atol=EXACT)


def test_intervals_cover_the_truth_where_a_third_is_missing():
    """120 panels of 24 x 7: bias within four Monte Carlo errors, 95 % intervals within 90 to 99 %, errors of the size
    of the spread: (estimate - truth) / error has a mean square of 1, which 600 of them tell to 6 %."""
    truth = pd.Series({"a": 1.0, "b": -0.5, "W*a": 0.5, "W*b": 0.0, "rho": 0.4})
    gaps, errors = [], []
    for seed in range(120):
        y, X, W, _ = draw(seed, n=24, t=7, gaps=0.33)
        result = UnbalancedPanel(y, X, W, model="sdm", effects="twoways").fit()
        gaps.append((result.params[truth.index] - truth).to_numpy())
        errors.append(result.std_errors[truth.index].to_numpy())
    gaps, errors = np.array(gaps), np.array(errors)
    spread = gaps.std(axis=0)
    # 0.01 is left for what is of order 1/n.
    np.testing.assert_array_less(np.abs(gaps.mean(axis=0)), 4 * spread / np.sqrt(len(gaps)) + 0.01)
    coverage = (np.abs(gaps) <= 1.96 * errors).mean(axis=0)
    assert coverage.min() >= 0.9 and coverage.max() <= 0.99, coverage
    assert np.mean((gaps / errors) ** 2) == pytest.approx(1, abs=0.18)


def test_what_is_refused(monkeypatch):
    y, X, W, _ = draw(0)
    with pytest.raises(RongheError, match="for ols and slx: SpatialPanel with missing='select'"):
        UnbalancedPanel(y, X, W, model="slx")
    with pytest.raises(RongheError, match="no spatial error"):
        UnbalancedPanel(y, X, W, model="sar", error_weights=W)
    with pytest.raises(RongheError, match="rest on W 1 = 1"):
        UnbalancedPanel(y, X, Weights.from_frame(W.to_frame() * 0.5), model="sar")
    with pytest.raises(RongheError, match="leave nothing of c in the observed"):
        UnbalancedPanel(y, X.assign(c=X.index.get_level_values(1) * 1.0), W, model="sar").fit()
    with pytest.raises(RongheError, match="add up to one another"):
        UnbalancedPanel(y, X.assign(c=X["a"] + X["b"]), W, model="sar").fit()
    few = y.where(y.index.get_level_values(1) == 0)
    with pytest.raises(RongheError, match="contrasts for"):
        UnbalancedPanel(few, X, W).fit()
    monkeypatch.setattr(module, "LARGEST", 10)
    with pytest.raises(RongheError, match="more than the exact likelihood of the observed cells holds"):
        UnbalancedPanel(y, X, W).fit()


def test_a_constant_of_the_users_own_is_the_constant():
    y, X, W, _ = draw(3, gaps=0.0)
    ours = UnbalancedPanel(y, X.assign(one=1.0), W, "sar", "pooled").fit()
    whole = SpatialPanel(y, X.assign(one=1.0), W, "sar", "pooled").fit()
    assert list(ours.params.index) == list(whole.params.index) == ["a", "b", "const", "rho", "sigma2"]
    np.testing.assert_allclose(ours.params, whole.params, rtol=1e-8)


def test_a_factor_without_an_inverse_is_not_passed_over():
    with pytest.raises(np.linalg.LinAlgError, match="zero on its diagonal"):
        whiten(np.array([[1.0, 0.0], [1.0, 0.0]]), np.ones((2, 1)))
    assert whiten(np.zeros((0, 0)), np.zeros((0, 3))).shape == (0, 3)
