"""Traces of G = W (I - rho W)^-1 and its kin that the information matrix and the effects rest on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ronghe.models.log_determinant import LogDeterminant, SparseLogDeterminant, _permuted, trace_of_cycle

# Nearer to zero, (tr(S^-1 S^-T) - N - 2 rho tr G) / rho^2 loses digits, and the trace with W itself is taken.
SMALL = 5e-3
# Exact traces for two different matrices need factors of four blocks; above this size probes are used.
LARGE_PAIR = 20_000
N_PROBES = 64


@dataclass(frozen=True)
class FilterTraces:
    """tr(G), tr(G^2), tr(G'G) and the squared length of G'1 for one filter I - a W."""

    g: float
    gg: float
    gtg: float
    column_sums_squared: float


@dataclass(frozen=True)
class PairTraces:
    """tr(H C), tr(H'C), tr(C'C), with C = R G R^-1 and H = M R^-1, and products of column sums; `error` is relative."""

    hc: float
    htc: float
    ctc: float
    column_sums_hc: float
    column_sums_cc: float
    error: float = 0.0


def filter_traces(ln_det: LogDeterminant, a: float) -> FilterTraces:
    """Return the traces of G at a, exact: from the full inverse of a small W, else from sparse factors."""
    ones = np.ones(ln_det.n)
    if ln_det.has_small_inverse:
        G = multiplier(ln_det, a)
        sums = G.sum(axis=0)
        return FilterTraces(float(np.trace(G)), float(np.vdot(G, G.T)), float(np.vdot(G, G)), float(sums @ sums))
    sums = ln_det.matrix.T @ ones
    sums = ln_det.solve(a, sums, transposed=True)
    g, gg, gtg = _sparse_traces(ln_det, a)
    return FilterTraces(g, gg, gtg, float(sums @ sums))


def multiplier(ln_det: LogDeterminant, a: float) -> np.ndarray:
    """Return G = W (I - a W)^-1 as a full matrix, for a small or full W."""
    return ln_det.matrix @ ln_det.inverse(a)


def _sparse_traces(ln_det: SparseLogDeterminant, a: float) -> tuple[float, float, float]:
    """Return tr(G), tr(G^2) and tr(G'G) without any inverse: see `trace_of_cycle`."""
    ln_det.forget()
    _, slope = ln_det.value_and_slope(a)
    S, n = ln_det.filtered(a), ln_det.n
    if abs(a) < SMALL:
        W = ln_det.ordered
        return -slope, trace_of_cycle([S, S], [W, W]), trace_of_cycle([S, S.T], [sparse.eye_array(n), W.T @ W])
    identity = sparse.eye_array(n)
    plain = trace_of_cycle([S, S], [identity, identity])
    crossed = trace_of_cycle([S, S.T], [identity, identity])
    # S^-1 = I + a G, hence tr(S^-1 S^-1) = N + 2 a tr G + a^2 tr G^2, and likewise with the transpose.
    return -slope, (plain - n + 2 * a * slope) / a**2, (crossed - n + 2 * a * slope) / a**2


def pair_traces(lag: LogDeterminant, error: LogDeterminant, rho: float, lam: float) -> PairTraces:
    """Return the traces that tie rho to lambda in the information matrix of SARAR and GNS.

    Exact from full inverses for small W; exact from sparse factors of two to four blocks up to 20,000 units;
    beyond that from seeded probes, with their relative standard error.
    """
    if lag.has_small_inverse and error.has_small_inverse:
        return _dense_pair(lag, error, rho, lam)
    if lag.n > LARGE_PAIR or not isinstance(lag, SparseLogDeterminant) or not isinstance(error, SparseLogDeterminant):
        return _probed_pair(lag, error, rho, lam)
    return _sparse_pair(lag, error, rho, lam)


def _dense_pair(lag: LogDeterminant, error: LogDeterminant, rho: float, lam: float) -> PairTraces:
    inverse = error.inverse(lam)
    H = error.matrix @ inverse
    C = multiplier(lag, rho)
    C = (C - lam * (error.matrix @ C)) @ inverse
    sums_h, sums_c = H.sum(axis=0), C.sum(axis=0)
    products = (np.vdot(H, C.T), np.vdot(H, C), np.vdot(C, C), sums_h @ sums_c, sums_c @ sums_c)
    return PairTraces(*(float(p) for p in products))


def _column_sums(lag: LogDeterminant, error: LogDeterminant, rho: float, lam: float) -> tuple[np.ndarray, np.ndarray]:
    """Return H'1 and C'1 by transposed solves."""
    ones = np.ones(lag.n)
    sums_h = error.solve(lam, error.matrix.T @ ones, transposed=True)
    filtered = ones - lam * (error.matrix.T @ ones)
    sums_c = error.solve(lam, lag.solve(rho, lag.matrix.T @ filtered, transposed=True), transposed=True)
    return sums_h, sums_c


def _sparse_pair(lag: SparseLogDeterminant, error: SparseLogDeterminant, rho: float, lam: float) -> PairTraces:
    sums_h, sums_c = _column_sums(lag, error, rho, lam)
    order = lag.order
    W, M = (sparse.csc_array(_permuted(x.matrix, order)) for x in (lag, error))
    identity = sparse.eye_array(lag.n, format="csc")
    S, R = sparse.csc_array(identity - rho * W), sparse.csc_array(identity - lam * M)
    # H C = M W S^-1 R^-1 up to a cyclic shift; H'C = R^-T M'R W S^-1 R^-1; C'C likewise.
    hc = trace_of_cycle([S, R], [identity, sparse.csc_array(M @ W)])
    htc = trace_of_cycle([R.T, S, R], [sparse.csc_array(M.T @ (R @ W)), identity, identity])
    RW = sparse.csc_array(R @ W)
    ctc = trace_of_cycle([R.T, S.T, S, R], [identity, sparse.csc_array(RW.T @ RW), identity, identity])
    return PairTraces(hc, htc, ctc, float(sums_h @ sums_c), float(sums_c @ sums_c))


def _probed_pair(lag: LogDeterminant, error: LogDeterminant, rho: float, lam: float) -> PairTraces:
    """Hutchinson's estimates (1990, equation 5) with seeded probes, and their relative standard error."""
    sums_h, sums_c = _column_sums(lag, error, rho, lam)
    z = np.random.default_rng(2010).choice([-1.0, 1.0], size=(lag.n, N_PROBES))
    v = error.solve(lam, z)
    Hz = error.matrix @ v
    Cz = lag.matrix @ lag.solve(rho, v)
    Cz -= lam * (error.matrix @ Cz)
    HCz = error.matrix @ error.solve(lam, Cz)
    samples = np.stack([(z * HCz).sum(axis=0), (Hz * Cz).sum(axis=0), (Cz * Cz).sum(axis=0)])
    means = samples.mean(axis=1)
    error_of_mean = samples.std(axis=1, ddof=1) / np.sqrt(N_PROBES)
    relative = float(np.max(error_of_mean / np.abs(means)))
    return PairTraces(*means.tolist(), float(sums_h @ sums_c), float(sums_c @ sums_c), relative)
