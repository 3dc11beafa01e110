"""Random orders for permutation tests: seeded, for units in the order of their names, the same for every variable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ronghe.errors import require_count
from ronghe.weights.matrix import Weights

# Of so many units moments are near enough, and the global tests draw fewer orders unless told how many.
MANY_UNITS, OF_FEW, OF_MANY = 500, 9999, 999
# The most entries of one table of draws: 128 MB.
MOST_CELLS = 2**24


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
    return np.concatenate(list(blocks_of_draws(n, k, permutations, seed)))


def blocks_of_draws(n: int, k: int, permutations: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the rows of `draws` in blocks that fit memory: no array has more than MOST_CELLS entries."""
    require_count(permutations, "permutations", 1)
    require_count(seed, "seed")
    rng, whole = np.random.default_rng(seed), k > n // 20
    rows = max(1, MOST_CELLS // (n if whole else max(k, 1)))
    for start in range(0, permutations, rows):
        size = min(rows, permutations - start)
        if whole:
            yield rng.permuted(np.tile(np.arange(n), (size, 1)), axis=1)[:, :k].copy()
            continue
        # Rows with a repetition are drawn again: uniform over choices, and no array of permutations x n.
        chosen = rng.integers(0, n, (size, k))
        while len(again := np.flatnonzero((np.diff(np.sort(chosen, axis=1), axis=1) == 0).any(axis=1))):
            chosen[again] = rng.integers(0, n, (len(again), k))
        yield chosen


def two_sided(observed: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Return two-sided pseudo p-values: twice the smaller tail, the observation counted in (Davison and Hinkley 1997).

    `simulated` has one more axis, the first, for the draws. Draws equal to the observation up to rounding are ties.
    """
    return pvalues_of(tails(observed, simulated), len(simulated))


def tails(observed: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Return how many draws are at least, and how many at most, the observation; counts of blocks add up."""
    slack = 1e-12 * np.maximum(np.abs(observed), np.abs(simulated).max(axis=0))
    above = (simulated >= observed - slack).sum(axis=0)
    below = (simulated <= observed + slack).sum(axis=0)
    return np.stack([above, below])


def pvalues_of(counts: np.ndarray, permutations: int) -> np.ndarray:
    """Return two-sided pseudo p-values from both tails' counts."""
    return np.minimum(1.0, 2 * (counts.min(axis=0) + 1) / (permutations + 1))
