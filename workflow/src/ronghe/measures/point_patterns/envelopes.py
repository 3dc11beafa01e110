"""Bands about simulated curves: at each distance, and for the curve as a whole."""

from __future__ import annotations

import numpy as np


def local_bands(curves: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the quantiles `level` and 1 - `level` of simulated curves (rows) at every distance."""
    lower, upper = np.quantile(curves, [level, 1 - level], axis=0)
    return lower, upper


def global_upper_band(curves: np.ndarray, level: float) -> np.ndarray:
    """Return the band that at most a share `level` of the simulated curves exceeds anywhere.

    Duranton and Overman (2005, section 3.4): the same local rank at every distance, the lowest that keeps to the share.
    """
    ranks = _ranks_from_top(curves).min(axis=1)
    # A curve exceeds the k-th largest value somewhere where its highest rank is k - 1 or better.
    exceeding = np.cumsum(np.bincount(ranks, minlength=len(curves) + 1))
    k = int(np.searchsorted(exceeding, level * len(curves) + 1e-9, side="right"))
    return -np.sort(-curves, axis=0)[min(max(k, 1), len(curves)) - 1]


def global_lower_band(curves: np.ndarray, level: float) -> np.ndarray:
    """Return the band that at most a share `level` of the simulated curves falls below anywhere."""
    return -global_upper_band(-curves, level)


def envelope_p_value(observed: np.ndarray, curves: np.ndarray) -> float:
    """Return the p-value of a curve that is too high somewhere, by the extreme rank length.

    The observed curve is ranked with the simulated ones at every distance; curves are ordered by their best rank, then
    by their second best, and so on (Myllymaki, Mrkvicka, Grabarnik, Seijo and Hahn 2017). Under the null hypothesis all
    orders are equally likely, so that the test is exact for any number of simulations.
    """
    ranks = np.sort(_ranks_from_top(np.vstack([observed, curves])), axis=1)
    differs = ranks != ranks[0]
    first = differs.argmax(axis=1)
    at = np.arange(len(ranks))
    as_extreme = ~differs.any(axis=1) | (ranks[at, first] < ranks[0, first])
    return float(as_extreme.mean())


def _ranks_from_top(curves: np.ndarray) -> np.ndarray:
    """Return the rank of each curve at each distance, 1 for the largest; equal values share the better rank."""
    ranks = np.empty(curves.shape, int)
    for d, values in enumerate(curves.T):
        ordered = np.sort(values)
        ranks[:, d] = len(values) - np.searchsorted(ordered, values, side="right") + 1
    return ranks
