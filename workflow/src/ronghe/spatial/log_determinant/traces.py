"""Traces of G = W (I - rho W)^-1 and its kin that the information matrix and the effects rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.log_determinant.exact import SparseLogDeterminant, trace_of_cycle
from ronghe.spatial.log_determinant.probed import ProbedLogDeterminant

# Nearer to zero, (S^-1 - I) / rho loses digits, and the product with W itself is taken.
SMALL = 5e-3
# Exact traces from a complex factor of twice the size take some eight times the memory of a factor of I - rho W, and
# thirty times its work. They are taken while the factor holds fewer numbers, and its square per unit is below, these.
LARGE_FACTOR = 6_000_000
LARGE_WORK = 3e8
# Otherwise exact traces take N solves; above this size probes estimate them.
MANY_SOLVES = 5000
N_PROBES, N_ASYMMETRIC = 64, 8
# Two stated errors of few probes cover what two of a normal estimate do: Student's t, less a mean and a slope.
FEW_PROBES = float(special.stdtrit(N_ASYMMETRIC - 2, special.ndtr(2.0)) / 2)
BLOCK = 256
# Accuracy of tr(G^2) beside exact traces, and beside those that are estimated.
NEAR_EXACT, CLOSE = 1e-9, 1e-6


@dataclass(frozen=True)
class FilterTraces:
    """tr(G), tr(G^2), tr(G'G) and the squared length of G'1 for one filter I - a W.

    `error` is the relative error of tr(G'G) where probes estimate it, zero where it is exact: as a standard error,
    widened by Student's t for few probes.
    """

    g: float
    gg: float
    gtg: float
    column_sums_squared: float
    error: float = 0.0


@dataclass(frozen=True)
class PairTraces:
    """tr(H C), tr(H'C), tr(C'C), with C = R G R^-1 and H = M R^-1, and products of column sums.

    `error` is the largest standard error, as a share of tr(C'C); zero where the traces are exact.
    """

    hc: float
    htc: float
    ctc: float
    column_sums_hc: float
    column_sums_cc: float
    error: float = 0.0


def filter_traces(ln_det: LogDeterminant, a: float) -> FilterTraces:
    """Return the traces of G at a: from the full inverse of a small W, else from sparse factors."""
    if ln_det.has_small_inverse:
        G = multiplier(ln_det, a)
        sums = G.sum(axis=0)
        return FilterTraces(float(np.trace(G)), float(np.vdot(G, G.T)), float(np.vdot(G, G)), float(sums @ sums))
    sums = ln_det.solve(a, ln_det.matrix.T @ np.ones(ln_det.n), transposed=True)
    squared = float(sums @ sums)
    if isinstance(ln_det, ProbedLogDeterminant):
        _, slope, second = ln_det.derivatives(a)
        extra, error = _asymmetric_part(ln_det, a)
        return FilterTraces(-slope, -second, extra - second, squared, error / (extra - second))
    if _has_cheap_cycle(ln_det):
        return FilterTraces(*_cycle_traces(ln_det, a), squared)
    if ln_det.n <= MANY_SOLVES:
        return FilterTraces(*_solved_traces(ln_det, a), squared)
    return _large_traces(ln_det, a, squared)


def _has_cheap_cycle(ln_det: LogDeterminant) -> bool:
    if not isinstance(ln_det, SparseLogDeterminant):
        return False
    return ln_det.fill <= LARGE_FACTOR and ln_det.fill**2 / ln_det.n <= LARGE_WORK


def multiplier(ln_det: LogDeterminant, a: float) -> np.ndarray:
    """Return G = W (I - a W)^-1 as a full matrix, for a small or full W; S^-1 = I + a G saves the product."""
    inverse = ln_det.inverse(a)
    if abs(a) < SMALL:
        return ln_det.matrix @ inverse
    inverse.flat[:: ln_det.n + 1] -= 1.0
    inverse /= a
    return inverse


def _cycle_traces(ln_det: SparseLogDeterminant, a: float) -> tuple[float, float, float]:
    """Return tr(G), tr(G^2) and tr(G'G) without any inverse: see `second` and `trace_of_cycle`."""
    ln_det.forget()
    gg, slope = -ln_det.second(a, NEAR_EXACT), ln_det.derivatives(a)[1]
    S, n = ln_det.filtered(a), ln_det.n
    identity = sparse.eye_array(n)
    if abs(a) < SMALL:
        W = ln_det.ordered
        return -slope, gg, trace_of_cycle([S, S.T], [identity, W.T @ W])
    crossed = trace_of_cycle([S, S.T], [identity, identity])
    # S^-1 = I + a G, hence tr(S^-1 S^-T) = N + 2 a tr G + a^2 tr G'G.
    return -slope, gg, (crossed - n + 2 * a * slope) / a**2


def _solved_traces(ln_det: LogDeterminant, a: float) -> tuple[float, float, float]:
    """Return tr(G), tr(G^2) and tr(G'G), exact, from blocks of columns of G and of G'."""
    totals = np.zeros(3)
    for places, unit in unit_blocks(ln_det.n):
        columns = ln_det.matrix @ ln_det.solve(a, unit)
        rows = ln_det.solve(a, ln_det.matrix.T @ unit, transposed=True)
        own = columns[places, np.arange(len(places))].sum()
        totals += [own, np.vdot(rows, columns), np.vdot(columns, columns)]
    return tuple(float(t) for t in totals)


def unit_blocks(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the columns of the identity in blocks, each with its places."""
    for start in range(0, n, BLOCK):
        places = np.arange(start, min(start + BLOCK, n))
        unit = np.zeros((n, len(places)))
        unit[places, np.arange(len(places))] = 1.0
        yield places, unit


def _large_traces(ln_det: SparseLogDeterminant, a: float, column_sums_squared: float) -> FilterTraces:
    """Return tr(G) exact, tr(G^2) to about a millionth of it, and tr(G'G) from probes."""
    extra, error = _asymmetric_part(ln_det, a)
    ln_det.forget()
    gg = -ln_det.second(a, CLOSE)
    return FilterTraces(-ln_det.derivatives(a)[1], gg, gg + extra, column_sums_squared, error / (gg + extra))


def _asymmetric_part(ln_det: LogDeterminant, a: float) -> tuple[float, float]:
    """Return |G - G'|^2 / 2 = tr(G'G) - tr(G^2) from probes, and its error (Hutchinson 1990, equation 5).

    Only this part is estimated; it is small for weights near symmetry, so that the error is far below that of plain
    probes. |W - W'|^2 / 2, which is known, serves as a control variate (Glynn and Szechtman 2002, equation 3).
    """
    W, a = ln_det.matrix, ln_det.near(a)
    z = np.random.default_rng(1990).choice([-1.0, 1.0], size=(ln_det.n, N_ASYMMETRIC))
    back = W.T @ z
    gap = W @ ln_det.solve(a, z) - ln_det.solve(a, back, transposed=True)
    samples, control = (0.5 * np.einsum("ij,ij->j", x, x) for x in (gap, W @ z - back))
    known = float(W.data @ W.data) - float(W.multiply(W.T).sum())
    centred = control - control.mean()
    spread = centred @ centred
    slope = centred @ samples / spread if spread > 0 else 0.0
    left = samples - slope * (control - known)
    variance = ((left - left.mean()) ** 2).sum() / (len(left) - 2)
    apart = (control.mean() - known) ** 2 / spread if spread > 0 else 0.0
    return float(left.mean()), FEW_PROBES * float(np.sqrt(variance * (1 / len(left) + apart)))


def pair_traces(
    lag: LogDeterminant, error: LogDeterminant, rho: float, lam: float, lag_traces: FilterTraces
) -> PairTraces:
    """Return the traces that tie rho to lambda in the information matrix of SARAR and GNS.

    From full inverses for small W; where M = W, from the traces of G and one sparse factor of twice the size, exact;
    otherwise from N solves in blocks, exact, up to 5,000 units, and beyond from seeded probes (Hutchinson 1990,
    equation 5), with their standard error; where M = W only of the asymmetric part.
    """
    if lag.has_small_inverse and error.has_small_inverse:
        inverse = error.inverse(lam)
        H, C = error.matrix @ inverse, multiplier(lag, rho)
        C = (C - lam * (error.matrix @ C)) @ inverse
        sums_h, sums_c = H.sum(axis=0), C.sum(axis=0)
        products = (np.vdot(H, C.T), np.vdot(H, C), np.vdot(C, C), sums_h @ sums_c, sums_c @ sums_c)
        return PairTraces(*(float(p) for p in products))
    sums_h, sums_c = _column_sums(lag, error, rho, lam)
    sums = float(sums_h @ sums_c), float(sums_c @ sums_c)
    if lag is error and _has_cheap_cycle(lag) and min(abs(rho), abs(lam), abs(rho - lam)) > SMALL:
        return PairTraces(*_commuting_traces(lag, rho, lam), lag_traces.gtg, *sums)
    H, H_transposed, C = _products(lag, error, rho, lam)
    if lag.n <= MANY_SOLVES and not isinstance(lag, ProbedLogDeterminant):
        return PairTraces(*_blocked_traces(lag.n, H, H_transposed, C), *sums)
    if lag is error and abs(rho - lam) > SMALL:
        return _commuting_probes(lag, rho, lam, lag_traces, sums)
    z = np.random.default_rng(2010).choice([-1.0, 1.0], size=(lag.n, N_PROBES))
    Hz, Cz = H(z), C(z)
    samples = np.stack([np.sum(z * H(Cz), axis=0), np.sum(Hz * Cz, axis=0), np.sum(Cz * Cz, axis=0)])
    means = samples.mean(axis=1)
    errors = samples.std(axis=1, ddof=1) / np.sqrt(N_PROBES)
    return PairTraces(*means.tolist(), *sums, float(errors.max() / means[2]))


def _products(
    lag: LogDeterminant, error: LogDeterminant, rho: float, lam: float
) -> tuple[Callable[[np.ndarray], np.ndarray], ...]:
    """Return the products with H, H' and C = R G R^-1."""

    def H(v: np.ndarray) -> np.ndarray:
        return error.matrix @ error.solve(lam, v)

    def H_transposed(v: np.ndarray) -> np.ndarray:
        return error.solve(lam, error.matrix.T @ v, transposed=True)

    def C(v: np.ndarray) -> np.ndarray:
        u = lag.matrix @ lag.solve(rho, error.solve(lam, v))
        return u - lam * (error.matrix @ u)

    return H, H_transposed, C


def _blocked_traces(n: int, H: Callable, H_transposed: Callable, C: Callable) -> tuple[float, float, float]:
    """Return tr(H C), tr(H'C) and tr(C'C) from blocks of columns."""
    totals = np.zeros(3)
    for _, unit in unit_blocks(n):
        columns = C(unit)
        totals += [np.vdot(H_transposed(unit), columns), np.vdot(H(unit), columns), np.vdot(columns, columns)]
    return tuple(float(t) for t in totals)


def _commuting_traces(ln_det: SparseLogDeterminant, rho: float, lam: float) -> tuple[float, float]:
    """Return tr(H G) and tr(H'G) where both are functions of one W, so that C = G.

    G - H = (rho - lambda) G H, and H = (R^-1 - I) / lambda, G = (S^-1 - I) / rho.
    """
    ln_det.forget()
    n = ln_det.n
    g, h = -ln_det.value_and_slope(rho)[1], -ln_det.value_and_slope(lam)[1]
    identity = sparse.eye_array(n)
    crossed = trace_of_cycle([ln_det.filtered(lam).T, ln_det.filtered(rho)], [identity, identity])
    return (g - h) / (rho - lam), (crossed - n - lam * h - rho * g) / (rho * lam)


def _commuting_probes(
    ln_det: LogDeterminant, rho: float, lam: float, lag_traces: FilterTraces, sums: tuple[float, float]
) -> PairTraces:
    """Return the traces of two filters with one W: tr(H G) from the slopes, tr(H'G) from probes of its asymmetric part.

    tr(H'G) - tr(H G) = tr((H - H')'(G - G')) / 2, small for weights near symmetry.
    """
    hc = (-ln_det.derivatives(rho)[1] + ln_det.derivatives(lam)[1]) / (rho - lam)
    z = np.random.default_rng(2010).choice([-1.0, 1.0], size=(ln_det.n, N_PROBES))
    gaps = [
        ln_det.matrix @ ln_det.solve(a, z) - ln_det.solve(a, ln_det.matrix.T @ z, transposed=True) for a in (lam, rho)
    ]
    samples = 0.5 * np.einsum("ij,ij->j", *gaps)
    error = float(samples.std(ddof=1)) / np.sqrt(N_PROBES) / lag_traces.gtg
    return PairTraces(hc, hc + float(samples.mean()), lag_traces.gtg, *sums, max(error, lag_traces.error))


def _column_sums(lag: LogDeterminant, error: LogDeterminant, rho: float, lam: float) -> tuple[np.ndarray, np.ndarray]:
    """Return H'1 and C'1 by transposed solves."""
    ones = np.ones(lag.n)
    sums_h = error.solve(lam, error.matrix.T @ ones, transposed=True)
    filtered = ones - lam * (error.matrix.T @ ones)
    sums_c = error.solve(lam, lag.solve(rho, lag.matrix.T @ filtered, transposed=True), transposed=True)
    return sums_h, sums_c
