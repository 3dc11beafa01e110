"""Random orders for permutation tests: seeded, for units in the order of their names, the same for every variable."""

from __future__ import annotations

import numpy as np

from ronghe.errors import require_count
from ronghe.weights.matrix import Weights

# Of so many units moments are near enough, and the global tests draw fewer orders unless told how many.
MANY_UNITS, OF_FEW, OF_MANY = 500, 9999, 999


def count_for(n: int, asked: int | None) -> int:
    """Return how many orders the global tests of n units draw: those asked for, else 9,999, or 999 of many units."""
    return asked if asked is not None else OF_MANY if n > MANY_UNITS else OF_FEW


def by_name(W: Weights) -> Weights:
    """Return W with its units sorted by name, so that a draw does not depend on the order of rows."""
    return W.align(sorted(W.labels, key=lambda label: (str(type(label)), label)))


def orders(n: int, permutations: int, seed: int) -> np.ndarray:
    """Return random orders of n units, one a row."""
    require_count(permutations, "permutations", 1)
    require_count(seed, "seed")
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(n), (permutations, 1)), axis=1)


def draws(n: int, k: int, permutations: int, seed: int) -> np.ndarray:
    """Return random ordered choices of k among n without repetition, one a row."""
    if k > n // 20:
        return orders(n, permutations, seed)[:, :k]
    require_count(permutations, "permutations", 1)
    require_count(seed, "seed")
    # Rows with a repetition are drawn again: uniform over choices, and no array of permutations x n.
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, n, (permutations, k))
    while len(rows := np.flatnonzero((np.diff(np.sort(chosen, axis=1), axis=1) == 0).any(axis=1))):
        chosen[rows] = rng.integers(0, n, (len(rows), k))
    return chosen


def two_sided(observed: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Return two-sided pseudo p-values: twice the smaller tail, the observation counted in (Davison and Hinkley 1997).

    `simulated` has one more axis, the first, for the draws. Draws equal to the observation up to rounding are ties.
    """
    slack = 1e-12 * np.maximum(np.abs(observed), np.abs(simulated).max(axis=0))
    above = (simulated >= observed - slack).sum(axis=0)
    below = (simulated <= observed + slack).sum(axis=0)
    return np.minimum(1.0, 2 * (np.minimum(above, below) + 1) / (len(simulated) + 1))
