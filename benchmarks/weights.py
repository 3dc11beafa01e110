"""Times weights of many units beside libpysal: `python -m benchmarks.weights [units]`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import pandas as pd
from ronghe.weights.contiguity import from_grid
from ronghe.weights.distance import nearest_neighbors
from ronghe.weights.matrix import Weights
from ronghe.weights.positions import Positions

from benchmarks.timing import Peer, measure, record

OUTPUT = "results/benchmarks/weights.csv"


def steps(family: str, n: int, build: Callable[[], Weights], peer: Peer) -> list[dict]:
    """Return the rows of one family: building row-standardised weights, their hash, and a lag."""
    W = build()
    size = f"{n} units, {W.sparse.nnz} edges"
    ones = np.ones(W.n)
    return [
        measure(f"{family}, built and standardised", size, build, 3, peer),
        measure(f"{family}, hash", size, lambda: Weights(W.labels, W.sparse, W.name).hash),
        measure(f"{family}, lag of one variable", size, lambda: W.lag(ones)),
    ]


def nearest_peer(positions: Positions, k: int) -> Peer:
    """Return libpysal's graph of the k nearest places, standardised."""
    from libpysal.graph import Graph

    points = pd.DataFrame({"longitude": positions.longitude, "latitude": positions.latitude}).to_numpy()

    def work() -> object:
        with warnings.catch_warnings():
            # What the peer warns of is its own; nothing of ours runs in here.
            warnings.simplefilter("ignore")
            return Graph.build_knn(points, k=k).transform("r")

    return Peer(f"libpysal {version('libpysal')}", "nearest in the plane, not over the globe", work, 1)


def grid_peer(side: int, rook: bool) -> Peer:
    """Return libpysal's contiguity of a grid, standardised."""
    from libpysal.weights import lat2W

    def work() -> object:
        W = lat2W(side, side, rook=rook)
        W.transform = "r"
        return W.sparse

    return Peer(f"libpysal {version('libpysal')}", "the same", work, 1)


def run(n_units: int = 100_000, seed: int = 1) -> list[dict]:
    """Time nearest neighbours of points spread over the globe and contiguity of a square grid."""
    rng = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, n_units)))
    positions = Positions(tuple(range(n_units)), rng.uniform(-180, 180, n_units), latitude)
    side = round(n_units**0.5)
    rows = steps(
        "6 nearest", n_units, lambda: nearest_neighbors(positions, 6).standardise("row"), nearest_peer(positions, 6)
    )
    for name in ("rook", "queen"):
        build = lambda name=name: from_grid(side, side, name).standardise("row")  # noqa: E731
        rows += steps(f"grid, {name}", side**2, build, grid_peer(side, name == "rook"))
    return rows


def main() -> None:
    """Time all families."""
    record(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000), OUTPUT)


if __name__ == "__main__":
    main()
