"""The likelihood of a small Durbin model in fifty digits, its slope and its curvature."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from ronghe.spatial import SpatialPanel
from ronghe.weights.matrix import Weights

N, T = 5, 3
# Sixteen digits of a double, less what sums of squares lose.
TOLERANCE = 1e-12


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(5)
    labels = [f"u{i}" for i in range(N)]
    links = np.array([[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [1, 0, 0, 1, 1], [0, 1, 1, 0, 0], [0, 0, 1, 0, 0]], float)
    W = Weights.coerce(pd.DataFrame(links, labels, labels)).standardise("row")
    index = pd.MultiIndex.from_product([labels, range(T)], names=["unit", "period"])
    X = pd.DataFrame({"x": rng.normal(size=N * T)}, index=index)
    y = pd.Series(X["x"] + rng.normal(size=N * T), index=index, name="y")
    return y, X, W


def concentrated(y, X, links):
    """Return the concentrated log-likelihood with unit dummies as a function of rho, in mpmath."""
    W = mp.matrix(N)
    for i in range(N):
        degree = mp.mpf(int((links[i] != 0).sum()))
        for j in range(N):
            W[i, j] = 1 / degree if links[i, j] else mp.mpf(0)

    def grid(values):
        return mp.matrix([[mp.mpf(float(values[i * T + t])) for t in range(T)] for i in range(N)])

    def within(A):
        means = [mp.fsum(A[i, t] for t in range(T)) / T for i in range(N)]
        return [A[i, t] - means[i] for i in range(N) for t in range(T)]

    Y, Z = grid(y.to_numpy()), grid(X["x"].to_numpy())
    left, lagged, x, wx = within(Y), within(W * Y), within(Z), within(W * Z)

    def dot(a, b):
        return mp.fsum(p * q for p, q in zip(a, b, strict=True))

    def loglik(rho):
        r = [a - rho * b for a, b in zip(left, lagged, strict=True)]
        A = mp.matrix([[dot(x, x), dot(x, wx)], [dot(x, wx), dot(wx, wx)]])
        b = mp.lu_solve(A, mp.matrix([dot(x, r), dot(wx, r)]))
        e = [v - b[0] * p - b[1] * q for v, p, q in zip(r, x, wx, strict=True)]
        n = mp.mpf(N * T)
        determinant = mp.log(abs(mp.det(mp.eye(N) - rho * W)))
        return -n / 2 * (mp.log(2 * mp.pi * dot(e, e) / n) + 1) + T * determinant

    return loglik


@pytest.mark.parametrize("rho", [-0.7, -0.1, 0.0, 0.35, 0.9])
def test_likelihood_slope_and_curvature(small, rho):
    y, X, W = small
    model = SpatialPanel(y, X, W, effects="units", method="lsdv")
    point = model.likelihood.at(rho=rho)
    with mp.workdps(50):
        loglik = concentrated(y, X, W.sparse.toarray())
        value, slope, curvature = (mp.diff(loglik, mp.mpf(rho), k) if k else loglik(mp.mpf(rho)) for k in (0, 1, 2))
    assert point.loglik == pytest.approx(float(value), rel=TOLERANCE)
    assert point.slope[0] == pytest.approx(float(slope), rel=100 * TOLERANCE, abs=100 * TOLERANCE)
    assert point.curvature[0, 0] == pytest.approx(float(curvature), rel=100 * TOLERANCE)


def test_the_maximum_is_where_the_slope_is_zero_in_fifty_digits(small):
    y, X, W = small
    rho = SpatialPanel(y, X, W, effects="units", method="lsdv").fit().params["rho"]
    with mp.workdps(50):
        loglik = concentrated(y, X, W.sparse.toarray())
        top = mp.findroot(lambda r: mp.diff(loglik, r), mp.mpf(float(rho)))
    assert rho == pytest.approx(float(top), abs=1e-11)


def dense(y, X, W, model):
    """Return a complex-safe log-likelihood with unit dummies and its analytic slope, parameters (beta, rho, sigma2)."""
    matrix = W.sparse.toarray()
    big = np.kron(matrix, np.eye(T))
    within = np.eye(N * T) - np.kron(np.eye(N), np.full((T, T), 1 / T))
    x = X.to_numpy()
    Z = np.column_stack([x, big @ x]) if model == "sdm" else x
    v = y.to_numpy()

    def residuals(theta):
        beta, rho = theta[:-2], theta[-2]
        A = np.eye(N * T) - rho * big
        return within @ (A @ v - Z @ beta if model == "sdm" else A @ (v - Z @ beta)), A

    def loglik(theta):
        e, _ = residuals(theta)
        s2, n = theta[-1], N * T
        determinant = T * np.log(np.linalg.det(np.eye(N) - theta[-2] * matrix))
        return -n / 2 * np.log(2 * np.pi * s2) + determinant - (e @ e) / (2 * s2)

    def slope(theta):
        e, A = residuals(theta)
        s2, n = theta[-1], N * T
        along = within @ (Z if model == "sdm" else A @ Z)
        moved = within @ big @ (v if model == "sdm" else v - Z @ theta[:-2])
        trace = T * np.trace(np.linalg.inv(np.eye(N) - theta[-2] * matrix) @ matrix)
        return np.concatenate([along.T @ e / s2, [moved @ e / s2 - trace, -n / (2 * s2) + (e @ e) / (2 * s2**2)]])

    return loglik, slope


@pytest.mark.parametrize("model", ["sdm", "sem"])
def test_slope_and_information_by_complex_step(small, model):
    """Im f(x + ih) / h has no cancellation: the slope is zero at the estimates, and minus its own slope is the
    inverse of the covariance with the observed information, all parameters together."""
    y, X, W = small
    result = SpatialPanel(y, X, W, model=model, effects="units", method="lsdv").fit("observed")
    loglik, slope = dense(y, X, W, model)
    theta, h = result.params.to_numpy(), 1e-30
    steps = theta + 1j * h * np.eye(len(theta))
    np.testing.assert_allclose([loglik(t).imag / h for t in steps], slope(theta), atol=1e-9)
    assert loglik(theta) == pytest.approx(result.loglik, rel=TOLERANCE)
    np.testing.assert_allclose(slope(theta), 0.0, atol=1e-9)
    information = -np.array([slope(t).imag / h for t in steps])
    np.testing.assert_allclose(information, information.T, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.linalg.inv(information), result.cov.to_numpy(), rtol=1e-9, atol=1e-14)
