"""Information about (beta, theta, rho, lambda, sigma2): expected, and observed (minus the Hessian)."""

from __future__ import annotations

import numpy as np

from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.log_determinant.traces import FilterTraces


def expected_information(estimate: FittedModel) -> np.ndarray:
    """Return the expected information of the general nesting model.

    Lee and Yu (2010, equations 2.11 and 3.8) and Elhorst (2014, equation 3.14) for the lag and the error model; with
    both, the traces of C = R G R^-1 and H = M R^-1 (Anselin 1988, section 6.2.3). With e = Q R (S y - X b):

    - (b, b) = (R X)'Q(R X) / s2,   (b, rho) = (R X)'Q(R G X b) / s2
    - (rho, rho) = (R G X b)'Q(R G X b) / s2 + T [tr(C'C) + tr(C^2)]
    - (rho, lambda) = T [tr(H'C) + tr(H C)],   (lambda, lambda) = T [tr(H'H) + tr(H^2)]
    - (rho, s2) = T tr(C) / s2,   (lambda, s2) = T tr(H) / s2,   (s2, s2) = n / (2 s2^2)

    G X b is projected like the data; the traces are those of the transformed matrices under Lee and Yu's method and
    those of W itself for least squares with dummies.
    """
    m, s2 = estimate.moments, estimate.sigma2
    lead, k = m.n_lead, estimate.n_b
    n, T = estimate.likelihood.nobs, estimate.likelihood.n_periods
    info = _frame(estimate)
    info[:k, :k] = m.products(estimate.lam)[lead:, lead:] / s2
    last = len(info) - 1
    if (r := estimate.place("rho")) is not None:
        linear = estimate.lagged_fitted.reshape(-1)
        info[:k, r] = info[r, :k] = (linear @ m.filtered(estimate.lam).reshape(len(linear), -1))[lead:] / s2
        trace, square = _lag_traces(estimate)
        info[r, r] = linear @ linear / s2 + T * square
        info[r, last] = info[last, r] = T * trace / s2
    if (e := estimate.place("lambda")) is not None:
        trace, square = _own_traces(estimate, estimate.error_traces, estimate.lam)
        info[e, e] = T * square
        info[e, last] = info[last, e] = T * trace / s2
        if r is not None:
            info[r, e] = info[e, r] = T * _cross_trace(estimate)
    info[last, last] = n / (2 * s2**2)
    return info


def observed_information(estimate: FittedModel) -> np.ndarray:
    """Return minus the Hessian of the complete likelihood, from the sufficient statistics alone.

    Anselin (1988, section 6.2.3); only tr(G^2) and tr(H^2) enter, both exact at any size.
    """
    m, s2, lam = estimate.moments, estimate.sigma2, estimate.lam
    lead, k = m.n_lead, estimate.n_b
    n, T = estimate.likelihood.nobs, estimate.likelihood.n_periods
    A, a = m.products(lam), estimate.residual_coefficients
    Aa = A @ a
    info = _frame(estimate)
    last = len(info) - 1
    info[:k, :k] = A[lead:, lead:] / s2
    info[:k, last] = info[last, :k] = Aa[lead:] / s2**2
    if (r := estimate.place("rho")) is not None:
        square = -_second(estimate, estimate.rho, estimate.lag_traces.gg)
        info[:k, r] = info[r, :k] = A[lead:, 1] / s2
        info[r, r] = A[1, 1] / s2 - T * square
        info[r, last] = info[last, r] = Aa[1] / s2**2
    if (e := estimate.place("lambda")) is not None:
        slope = (2 * lam * m.twice - m.mixed) @ a
        square = -_second(estimate, lam, estimate.error_traces.gg)
        info[e, e] = a @ m.twice @ a / s2 - T * square
        info[:k, e] = info[e, :k] = -slope[lead:] / s2
        info[e, last] = info[last, e] = -0.5 * (a @ slope) / s2**2
        if r is not None:
            info[r, e] = info[e, r] = -slope[1] / s2
    info[last, last] = a @ Aa / s2**3 - n / (2 * s2**2)
    return info


def _frame(estimate: FittedModel) -> np.ndarray:
    size = len(estimate.specification.parameters)
    return np.zeros((size, size))


def _second(estimate: FittedModel, a: float, gg: float) -> float:
    """Return tr(G^2) as the likelihood counts it."""
    return gg - (1 / (1 - a) ** 2 if estimate.likelihood.transformed_units else 0.0)


def _own_traces(estimate: FittedModel, traces: FilterTraces, a: float) -> tuple[float, float]:
    """Return tr(G) and tr(G^2) + tr(G'G), of F'G F where time effects are transformed away.

    F is orthonormal to the unit vector and G 1 = 1 / (1 - a), so that tr(F'G F) = tr G - 1 / (1 - a) and
    tr(F'G'F F'G F) = tr(G'G) - (G'1)'(G'1) / N (Lee and Yu 2010, section 3).
    """
    g, gg, gtg = traces.g, traces.gg, traces.gtg
    if estimate.likelihood.transformed_units:
        edge = 1 / (1 - a)
        g, gg, gtg = g - edge, gg - edge**2, gtg - traces.column_sums_squared / estimate.panel.n_units
    return g, gg + gtg


def _lag_traces(estimate: FittedModel) -> tuple[float, float]:
    """Return tr(C) and tr(C^2) + tr(C'C), C = R G R^-1, which is G itself where there is no spatial error."""
    if estimate.likelihood.error is None:
        return _own_traces(estimate, estimate.lag_traces, estimate.rho)
    traces, pair, edge = estimate.lag_traces, estimate.pair_traces, 1 / (1 - estimate.rho)
    if not estimate.likelihood.transformed_units:
        return traces.g, traces.gg + pair.ctc
    return traces.g - edge, traces.gg - edge**2 + pair.ctc - pair.column_sums_cc / estimate.panel.n_units


def _cross_trace(estimate: FittedModel) -> float:
    """Return tr(H'C) + tr(H C)."""
    pair = estimate.pair_traces
    if not estimate.likelihood.transformed_units:
        return pair.hc + pair.htc
    edges = 1 / ((1 - estimate.rho) * (1 - estimate.lam))
    return pair.hc - edges + pair.htc - pair.column_sums_hc / estimate.panel.n_units


def effective_traces(model: FittedModel) -> dict[str, float]:
    """Return tr(C) and tr(H) as the likelihood counts them, by parameter."""
    edge = 1.0 if model.likelihood.transformed_units else 0.0
    found = {}
    if model.likelihood.lag is not None:
        found["rho"] = model.lag_traces.g - edge / (1 - model.rho)
    if model.likelihood.error is not None:
        found["lambda"] = model.error_traces.g - edge / (1 - model.lam)
    return found
