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
