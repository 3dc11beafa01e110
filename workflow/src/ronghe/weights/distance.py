"""Weights by distance over the globe: nearest neighbours, bands, inverse distance, exponential decay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing
from ronghe.weights.matrix import Weights
from ronghe.weights.positions import Positions

# Above this many units, weights among all pairs would need gigabytes.
MOST_WITHOUT_CUTOFF = 10_000


def nearest_neighbors(positions: Positions, k: int, name: str = "weights") -> Weights:
    """Give weight 1 to the k nearest units; where distances tie, the names decide, not the order of rows."""
    near = positions.nearest(k)
    starts = np.arange(0, near.size + 1, k)
    W = sparse.csr_array((np.ones(near.size), near.ravel(), starts), shape=(positions.n,) * 2)
    return Weights(positions.labels, W, name)


def distance_band(
    positions: Positions, threshold_km: float | None, name: str = "weights", from_km: float = 0
) -> Weights:
    """Give weight 1 beyond `from_km` and within a threshold; None takes the least that leaves no unit alone."""
    threshold_km = least_threshold(positions) if threshold_km is None else threshold_km
    if from_km >= threshold_km:
        raise RongheError(
            f"{name}: from_km: {from_km:g} is not below threshold_km ({threshold_km:g}); the ring is empty"
        )
    return by_distance(positions, lambda distance: (distance > from_km) * 1.0 if from_km else np.ones_like(distance),
                       threshold_km, name)  # fmt: skip


def inverse_of(edges: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return 1 / distance for a table of distances, such as km by road; that of a unit to itself is left out."""
    edges = edges[edges["focal"] != edges["neighbor"]]
    bad = edges[~(edges["weight"] > 0)]
    if len(bad):
        pairs = [f"{focal} - {neighbor}" for focal, neighbor in zip(bad["focal"], bad["neighbor"], strict=True)]
        raise RongheError(f"{where}: distances must be above zero: {listing(pairs)}; correct them, or leave them empty")
    return edges.assign(weight=1 / edges["weight"])


def least_threshold(positions: Positions) -> float:
    """Return the largest distance, in km, from a unit to its nearest neighbour."""
    nearest = positions.nearest(1)[:, 0]
    return float(positions.distances(np.arange(positions.n), nearest).max())


def by_distance(
    positions: Positions,
    weigh: Callable[[np.ndarray], np.ndarray],
    cutoff_km: float | None = None,
    name: str = "weights",
    nearest: int | None = None,
) -> Weights:
    """Weigh every pair within the cut-off, or every pair, by a function of its distance in km.

    With `nearest` each unit keeps that many nearest others at most.
    """
    if nearest is not None and nearest < positions.n - 1:
        neighbor = positions.nearest(nearest).ravel()
        focal = np.repeat(np.arange(positions.n), nearest)
        distance = positions.distances(focal, neighbor)
        within = np.full(distance.shape, True) if cutoff_km is None else distance <= cutoff_km * (1 + 1e-12)
        focal, neighbor, distance = focal[within], neighbor[within], distance[within]
    elif cutoff_km is None and positions.n > MOST_WITHOUT_CUTOFF:
        raise RongheError(f"{name}: weights among all pairs of {positions.n} units; give a cut-off in km")
    else:
        focal, neighbor, distance = positions.pairs(cutoff_km)
    values = weigh(distance)
    if not np.isfinite(values).all():
        same = [
            f"{positions.labels[i]} and {positions.labels[j]}"
            for i, j in zip(focal[distance == 0], neighbor[distance == 0], strict=True)
            if i < j
        ]
        raise RongheError(f"{name}: at the same place, so that the inverse distance is infinite: {listing(same)}")
    return Weights(positions.labels, sparse.coo_array((values, (focal, neighbor)), shape=(positions.n,) * 2), name)


def inverse(power: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function d^-power of the distance in km."""

    def weigh(distance: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return distance**-power

    return weigh


def exponential(scale_km: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function exp(-d / scale): the weight falls to 37 % over each `scale_km`."""

    def weigh(distance: np.ndarray) -> np.ndarray:
        return np.exp(-distance / scale_km)

    return weigh
