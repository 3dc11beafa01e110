"""Tests of log-determinants and traces: every route against the full matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial.log_determinant import traces
from ronghe.spatial.log_determinant.exact import (
    EigenLogDeterminant,
    SparseLogDeterminant,
    log_determinant,
    trace_of_cycle,
)
from ronghe.spatial.log_determinant.hessenberg import HessenbergLogDeterminant
from ronghe.weights.matrix import Weights

N = 300
POINTS = [-0.7, 0.001, 0.3, 0.9]


def nearest(n=N, k=6, seed=0, standardise="row"):
    """Return weights to the k nearest of n random places: asymmetric."""
    places = np.random.default_rng(seed).random((n, 2))
    near = np.argsort(np.linalg.norm(places[:, None] - places, axis=2), axis=1)[:, 1 : k + 1]
    edges = pd.DataFrame({"focal": np.repeat(np.arange(n), k), "neighbor": near.ravel(), "weight": 1.0})
    return Weights.from_edges(edges, name="nearest").standardise(standardise)


def mutual(n=N):
    """Return row-standardised weights from symmetric ones: similar to a symmetric matrix."""
    W = nearest(n).sparse
    return Weights(tuple(range(n)), W.maximum(W.T) > 0).standardise("row")


def dense(W, a):
    """Return ln|S|, tr G, tr G^2, tr G'G and |G'1|^2 from the full matrix."""
    full = W.sparse.toarray()
    S = np.eye(len(full)) - a * full
    G = full @ np.linalg.inv(S)
    sums = G.sum(axis=0)
    return np.linalg.slogdet(S)[1], np.trace(G), np.vdot(G, G.T), np.vdot(G, G), sums @ sums


@pytest.mark.parametrize("a", POINTS)
@pytest.mark.parametrize("W", [nearest(), mutual()], ids=["asymmetric", "similar to symmetric"])
@pytest.mark.parametrize("kind", [EigenLogDeterminant, SparseLogDeterminant, HessenbergLogDeterminant])
def test_value_derivatives_and_solves(kind, W, a):
    ln_det = kind(W)
    value, g, gg, _, _ = dense(W, a)
    found = ln_det.derivatives(a)
    assert found[0] == pytest.approx(value, rel=1e-11, abs=1e-9)
    assert found[1] == pytest.approx(-g, rel=1e-10, abs=1e-10)
    # The sparse route's second derivative only steers Newton steps.
    assert found[2] == pytest.approx(-gg, rel=1e-9 if kind is EigenLogDeterminant else 0.3)
    right = np.random.default_rng(1).standard_normal((N, 3))
    S = np.eye(N) - a * W.sparse.toarray()
    np.testing.assert_allclose(ln_det.solve(a, right), np.linalg.solve(S, right), rtol=1e-9, atol=1e-10)
    transposed = ln_det.solve(a, right[:, 0], transposed=True)
    np.testing.assert_allclose(transposed, np.linalg.solve(S.T, right[:, 0]), rtol=1e-9, atol=1e-10)


def random_graph(n, k=6, seed=1):
    """Return row-standardised weights to k units drawn at random: no ordering keeps factors sparse."""
    rng = np.random.default_rng(seed)
    near = np.array([rng.choice(n - 1, k, replace=False) for _ in range(n)])
    near += near >= np.arange(n)[:, None]
    edges = pd.DataFrame({"focal": np.repeat(np.arange(n), k), "neighbor": near.ravel(), "weight": 1.0})
    return Weights.from_edges(edges, name="random").standardise("row")


def full(n, symmetric):
    """Return row-standardised weights of all pairs."""
    values = np.random.default_rng(2).random((n, n))
    values = values + values.T if symmetric else values
    np.fill_diagonal(values, 0.0)
    names = list(range(n))
    return Weights.from_frame(pd.DataFrame(values, names, names)).standardise("row")


@pytest.mark.parametrize(
    ("W", "kind"),
    [
        (lambda: nearest(700), SparseLogDeterminant),
        (lambda: random_graph(1100), HessenbergLogDeterminant),
        (lambda: full(1050, False), HessenbergLogDeterminant),
        (lambda: full(650, False), EigenLogDeterminant),
        (lambda: full(650, True), EigenLogDeterminant),
    ],
    ids=["nearest", "random graph", "full", "full, smaller", "full, symmetric"],
)
def test_cheapest_exact_way(W, kind):
    """Dense factors where sparse ones would fill in; the value is that of the full matrix."""
    W = W()
    ln_det = log_determinant(W)
    assert type(ln_det) is kind
    value, g, *_ = dense(W, 0.6)
    assert ln_det.derivatives(0.6)[:2] == pytest.approx((value, -g), rel=1e-10, abs=1e-10)
    right = np.random.default_rng(1).standard_normal(W.n)
    for transposed in (False, True):
        x = ln_det.solve(0.6, right, transposed)
        back = (W.sparse.T if transposed else W.sparse) @ x
        np.testing.assert_allclose(x - 0.6 * back, right, atol=1e-11)


@pytest.mark.parametrize("a", POINTS)
@pytest.mark.parametrize("route", ["inverse", "reduced", "cycle", "solves", "large"])
def test_traces_by_every_route(route, a, monkeypatch):
    W = nearest()
    ln_det = (HessenbergLogDeterminant if route == "reduced" else SparseLogDeterminant)(W)
    if route != "inverse":
        monkeypatch.setattr("ronghe.spatial.log_determinant.base.DENSE_INVERSE", 0)
    if route in ("solves", "large"):
        monkeypatch.setattr(traces, "LARGE_FACTOR", 0)
    if route == "large":
        monkeypatch.setattr(traces, "MANY_SOLVES", 0)
    found = traces.filter_traces(ln_det, a)
    _, g, gg, gtg, sums = dense(W, a)
    assert found.g == pytest.approx(g, rel=1e-9, abs=1e-9)
    assert found.column_sums_squared == pytest.approx(sums, rel=1e-9)
    if route == "large":
        assert found.gg == pytest.approx(gg, rel=1e-6)
        assert abs(found.gtg / gtg - 1) < 4 * found.error
        assert 0 < found.error < 0.02
    else:
        assert found.gg == pytest.approx(gg, rel=1e-9)
        assert found.gtg == pytest.approx(gtg, rel=1e-9)
        assert found.error == 0.0


@pytest.mark.parametrize("same", [True, False], ids=["one W", "two W"])
@pytest.mark.parametrize("route", ["inverse", "sparse", "probes"])
def test_pair_traces_by_every_route(route, same, monkeypatch):
    W = nearest()
    M = W if same else nearest(k=4, seed=3)
    if route != "inverse":
        monkeypatch.setattr("ronghe.spatial.log_determinant.base.DENSE_INVERSE", 0)
    if route == "probes":
        monkeypatch.setattr(traces, "MANY_SOLVES", 0)
        monkeypatch.setattr(traces, "LARGE_FACTOR", 0)
    lag = SparseLogDeterminant(W)
    error = lag if same else SparseLogDeterminant(M)
    rho, lam = 0.45, -0.3
    found = traces.pair_traces(lag, error, rho, lam, traces.filter_traces(lag, rho))
    S, R = np.eye(N) - rho * W.sparse.toarray(), np.eye(N) - lam * M.sparse.toarray()
    H = M.sparse.toarray() @ np.linalg.inv(R)
    C = R @ W.sparse.toarray() @ np.linalg.inv(S) @ np.linalg.inv(R)
    exact = (np.trace(H @ C), np.vdot(H, C), np.vdot(C, C))
    got = (found.hc, found.htc, found.ctc)
    if route == "probes":
        for x, y in zip(got, exact, strict=True):
            assert abs(x - y) < 4 * found.error * found.ctc
        assert 0 < found.error < 0.1
    else:
        np.testing.assert_allclose(got, exact, rtol=1e-9)
    np.testing.assert_allclose(
        (found.column_sums_hc, found.column_sums_cc),
        (H.sum(axis=0) @ C.sum(axis=0), C.sum(axis=0) @ C.sum(axis=0)),
        rtol=1e-9,
    )


def test_trace_of_cycle_of_three():
    rng = np.random.default_rng(0)
    from scipy import sparse

    A = [sparse.csc_array(np.eye(6) * 4 + rng.random((6, 6))) for _ in range(3)]
    B = [sparse.csc_array(rng.random((6, 6))) for _ in range(3)]
    product = np.eye(6)
    for a, b in zip(A, B, strict=True):
        product = product @ np.linalg.inv(a.toarray()) @ b.toarray()
    assert trace_of_cycle(A, B) == pytest.approx(np.trace(product), rel=1e-10)


def test_interval_of_rho():
    """Between the reciprocals of the smallest and largest real eigenvalue; a ring of four reaches from -1 to 1."""
    ring = [(i, (i + s) % 4) for i in range(4) for s in (-1, 1)]
    W = Weights.from_edges(pd.DataFrame(ring, columns=["focal", "neighbor"]).assign(weight=1.0))
    low, high = log_determinant(W).bounds
    assert (low, high) == pytest.approx((-0.5, 0.5), rel=1e-12)
    assert log_determinant(W.standardise("row")).bounds == pytest.approx((-1, 1), rel=1e-12)
    spectral = SparseLogDeterminant(nearest(standardise="spectral"))
    assert spectral.bounds == pytest.approx((-1, 1), rel=1e-8)


def test_kept_with_its_weights():
    W = nearest(40)
    assert log_determinant(W) is log_determinant(W)
    assert isinstance(log_determinant(nearest(200)), SparseLogDeterminant)


def test_no_interval_without_return():
    edges = pd.DataFrame({"focal": [0, 1], "neighbor": [1, 2], "weight": 1.0})
    with pytest.raises(RongheError, match="all eigenvalues are zero"):
        _ = log_determinant(Weights.from_edges(edges)).bounds
