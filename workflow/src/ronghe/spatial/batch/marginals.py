"""Log-marginal likelihoods of many fits at once, for Bayesian model averaging over models, weights and controls."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from ronghe.errors import RongheError
from ronghe.spatial.batch.error_profile import chebyshev, points

if TYPE_CHECKING:
    from ronghe.spatial.batch.subset_fits import SubsetFits

# Gauss-Legendre nodes of one part of the interval, and how wide a part may be in standard deviations of the posterior.
NODES, WIDTH = 16, 4.0
# Chebyshev points through which ln S(lambda) is known, Gauss-Legendre nodes, and how far from its mode they reach, in
# standard deviations.
POINTS, NODES_AROUND, REACH = 22, 40, 8.0


def log_marginals(fits: SubsetFits) -> np.ndarray:
    """Return the log-marginal likelihood of every fit, under the priors of `comparison.log_marginal` with prior="g".

    With k coefficients, n observations, A = |I - rho W|^T, S(rho) the sum of squared residuals, Q(rho) that of S y:
    Gamma(n/2) pi^(-n/2) (1 + n)^(-k/2) / D int A [n S/(n + 1) + Q/(n + 1)]^(-n/2) drho (LeSage and Parent 2007,
    equations 11-13). The integral is taken before its logarithm.
    """
    if fits.data.basis is not None:
        raise RongheError("a specification alone has no log-marginal: fit it as a subset of the shared columns")
    n, k = fits.nobs, fits.b.shape[1]
    scale = gammaln(n / 2) - n / 2 * np.log(np.pi) - k / 2 * np.log(1 + n)
    products = fits.data.products if fits.draw is None else fits.data.products[fits.draw]
    yy = products[:, 0, 0]
    if fits.profile is None:
        found = scale - n / 2 * np.log((n * fits.ssr + yy) / (n + 1))
    else:
        nodes, weights = _nodes(fits) if fits.has_lag else _nodes_around(fits)
        if fits.has_lag:
            ssr = fits.profile.ssr(nodes)
            whole = yy[:, None] - 2 * nodes * products[:, 0, 1, None] + nodes**2 * products[:, 1, 1, None]
        else:
            c = fits.profile.outcome[:, :, None]
            whole, ssr = c[0] + nodes * (c[1] + nodes * c[2]), np.exp(_log_ssr(fits))
        kernel = fits.data.jacobian.value(nodes) - n / 2 * np.log((n * ssr + whole) / (n + 1))
        low, high = fits.data.jacobian.bounds
        top = kernel.max(axis=1, keepdims=True)
        found = scale + top[:, 0] + np.log((np.exp(kernel - top) * weights).sum(axis=1)) - np.log(high - low)
    return np.where(fits.refused > 0, np.nan, found)


def _deviation(fits: SubsetFits) -> np.ndarray:
    """Return the standard deviation of rho or lambda by its information."""
    return np.sqrt(np.maximum(fits.corner[0], 1e-12))


def _nodes(fits: SubsetFits) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights over the interval, the same for all fits, fine enough for the narrowest posterior."""
    low, high = fits.data.jacobian.bounds
    used = _deviation(fits)[fits.refused == 0]
    width = WIDTH * (used.min() if len(used) else 1.0)
    parts = int(np.clip(np.ceil((high - low) / width), 8, 400))
    x, w = _legendre(NODES)
    ends = np.linspace(low, high, parts + 1)
    half = np.diff(ends) / 2
    points = (ends[:-1, None] + half[:, None] * (x + 1)).ravel()
    return points[None], (half[:, None] * w).ravel()[None]


def _interval(fits: SubsetFits) -> tuple[np.ndarray, np.ndarray]:
    low, high = fits.data.jacobian.bounds
    margin = 1e-9 * (high - low)
    reach = REACH * _deviation(fits)
    return np.maximum(fits.spatial - reach, low + margin), np.minimum(fits.spatial + reach, high - margin)


def _nodes_around(fits: SubsetFits) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights by fit that reach some standard deviations from the mode, within the interval."""
    left, right = _interval(fits)
    x, w = _legendre(NODES_AROUND)
    half = (right - left) / 2
    return left[:, None] + half[:, None] * (x + 1), half[:, None] * w


def _log_ssr(fits: SubsetFits) -> np.ndarray:
    """Return ln S(lambda) at the nodes of each fit, from its values at Chebyshev points (Trefethen 2013, th. 8.2)."""
    left, right = _interval(fits)
    values = np.log(fits.profile.ssr(left[:, None] + np.multiply.outer(right - left, (points(POINTS) + 1) / 2)))
    return values @ _read()


@lru_cache
def _read() -> np.ndarray:
    """Return the map from values at the Chebyshev points to those of their polynomial at the nodes."""
    return chebyshev(POINTS) @ np.polynomial.chebyshev.chebvander(_legendre(NODES_AROUND)[0], POINTS - 1).T


_legendre = lru_cache(np.polynomial.legendre.leggauss)
