"""The information of a dynamic spatial panel, and what disturbances that are not normal add to it."""

from __future__ import annotations

import numpy as np

from ronghe.errors import RongheError
from ronghe.spatial.dynamic.process import WHERE, Process
from ronghe.spatial.log_determinant.traces import multiplier
from ronghe.spatial.sufficient_statistics import lag


def information(process: Process, theta: np.ndarray) -> np.ndarray:
    """Return the expected information per observation, Lee and Yu (2010, ET, eq. 18), G Z b projected like Z."""
    b, rho, sigma2 = theta[:-2], theta[-2], theta[-1]
    Z, W, ln_det = process.moments.data[:, :, 2:], process.weights.sparse, process.log_determinant
    n_units, n_periods = process.size
    if process.has_time_dummies and not process.weights.is_row_standardised:
        # G 1 is no multiple of 1, so that the time effects, within S y - e, do not drop out of Q G (Z b + tau).
        y = process.panel.y[:, 1:]
        GZb = lag(W, y - ln_det.solve(rho, process.residuals(theta)))
    else:
        GZb = W @ ln_det.solve(rho, Z @ b)
    GZb = process.projection.apply(GZb)
    traces = process.traces(rho)
    g, gg, gtg = traces.g, traces.gg, traces.gtg
    if process.transforms_units:
        # J G J in place of G: with rows that sum to one, G 1 = 1 / (1 - rho).
        unit = 1 / (1 - rho)
        g, gg, gtg = g - unit, gg - unit**2, gtg - traces.column_sums_squared / process.panel.n_units
    k = len(b)
    flat, GZb = Z.reshape(-1, k), GZb.reshape(-1)
    nobs = n_units * n_periods
    result = np.zeros((k + 2, k + 2))
    result[:k, :k] = flat.T @ flat / sigma2 / nobs
    result[:k, k] = result[k, :k] = flat.T @ GZb / sigma2 / nobs
    result[k, k] = GZb @ GZb / sigma2 / nobs + (gg + gtg) / n_units
    result[k, k + 1] = result[k + 1, k] = g / n_units / sigma2
    result[k + 1, k + 1] = 1 / (2 * sigma2**2)
    return result


def kurtosis_part(process: Process, theta: np.ndarray) -> np.ndarray:
    """Return Omega of Yu, de Jong and Lee (2008, eq. 13): what excess kurtosis adds to the variance of the score.

    With units transformed the sums run over the diagonals of J G J and J, which do not depend on which orthonormal
    basis carries the transformation; the diagonal of F'GF, which some programs use, does.
    """
    sigma2, n_units = theta[-1], process.size[0]
    excess = (np.mean(process.residuals(theta) ** 4) - 3 * sigma2**2) / sigma2**2
    diagonal, ones = _diagonals(process, theta[-2])
    k = len(theta) - 2
    result = np.zeros((k + 2, k + 2))
    result[k, k] = excess * diagonal @ diagonal / n_units
    result[k, k + 1] = result[k + 1, k] = excess * diagonal @ ones / (2 * sigma2 * n_units)
    result[k + 1, k + 1] = excess * ones @ ones / (4 * sigma2**2 * n_units)
    return result


def _diagonals(process: Process, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the diagonals of G and of I, both between demeaning matrices J where units are transformed."""
    if not process.log_determinant.has_small_inverse:
        raise RongheError(f"{WHERE}: cov_type 'robust' needs the diagonal of G, which is not formed at this size")
    G = multiplier(process.log_determinant, rho)
    n = len(G)
    if not process.transforms_units:
        return np.diag(G), np.ones(n)
    JGJ = G - G.mean(axis=0) - G.mean(axis=1)[:, None] + G.mean()
    return np.diag(JGJ), np.full(n, 1 - 1 / n)
