"""Times weights of many units: python -m ronghe.weights.benchmark [units] [file]."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from ronghe.frames import write_csv
from ronghe.weights.contiguity import from_grid
from ronghe.weights.distance import nearest_neighbors
from ronghe.weights.matrix import Weights
from ronghe.weights.positions import Positions


def measure(name: str, build: Callable[[], Weights]) -> dict:
    """Time each step for one family; memory is the peak of the process so far."""
    times, start = {}, time.perf_counter()

    def lap(step: str) -> None:
        nonlocal start
        now = time.perf_counter()
        times[f"{step}_s"], start = now - start, now

    W = build()
    lap("build")
    W = W.standardise("row")
    lap("standardise")
    digest = W.hash
    lap("hash")
    W.lag(np.ones(W.n))
    lap("lag")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = sum(times.values())
    return {"family": name, "n": W.n, "edges": W.sparse.nnz, **times, "total_s": total, "peak_mb": peak, "hash": digest}


def run(n_units: int = 100_000, seed: int = 1) -> pd.DataFrame:
    """Time nearest neighbours of points spread over the globe and contiguity of a square grid."""
    rng = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, n_units)))
    positions = Positions(tuple(range(n_units)), rng.uniform(-180, 180, n_units), latitude)
    side = round(n_units**0.5)
    return pd.DataFrame(
        [
            measure("knn6", lambda: nearest_neighbors(positions, 6)),
            measure("grid_rook", lambda: from_grid(side, side)),
            measure("grid_queen", lambda: from_grid(side, side, "queen")),
        ]
    )


if __name__ == "__main__":
    table = run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    write_csv(table, sys.argv[2] if len(sys.argv) > 2 else "results/benchmarks/weights.csv")
    print(table.round(3).to_string(index=False))
