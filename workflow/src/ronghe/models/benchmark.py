"""Speed of the estimation engine beside spreg in one run: `python -m ronghe.models.benchmark [--large]`.

Every row of results/benchmarks/engine.csv is the median of several runs: ours is a two-way Lee and Yu SDM with
coefficients, covariance and effects with delta-method errors; spreg's is its one-way fixed-effects lag model on the
same data with the lagged regressors given to it, which has no effects.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ronghe.models.spatial_panel import SpatialPanel
from ronghe.weights.matrix import Weights

SIZES = [(48, 17), (300, 12), (3000, 10), (30_000, 10)]
LARGE = [(300_000, 10), (1_000_000, 10)]
# spreg forms N x N matrices: a run of 3,000 units takes many seconds and gigabytes, and is part of --large only.
PEER_LIMIT = 1000
PEER_LIMIT_LARGE = 3000
OUTPUT = Path("results/benchmarks/engine.csv")


def nearest_neighbours(n: int, k: int = 6, seed: int = 1) -> Weights:
    """Return row-standardised weights to the k nearest of n random places."""
    places = np.random.default_rng(seed).random((n, 2))
    _, near = cKDTree(places).query(places, k + 1)
    cells = (np.full(n * k, 1.0 / k), (np.repeat(np.arange(n), k), near[:, 1:].ravel()))
    return Weights(tuple(range(n)), sparse.csr_array(cells, shape=(n, n)), "nearest neighbours")


def simulated_panel(n: int, t: int, W: Weights, k: int = 4, rho: float = 0.4, seed: int = 2):
    """Return y and X drawn from a Durbin model with both effects."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, t, k))
    mean = X @ np.linspace(1.0, 0.5, k) + W.sparse @ (X @ np.linspace(-0.5, 0.5, k))
    mean += rng.standard_normal((n, 1)) + rng.standard_normal((1, t)) + rng.standard_normal((n, t))
    S = sparse.csc_array(sparse.eye_array(n) - rho * W.sparse)
    S.indices, S.indptr = S.indices.astype(np.int32), S.indptr.astype(np.int32)
    options = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    y = splu(S, permc_spec="MMD_AT_PLUS_A", **options).solve(mean)
    index = pd.MultiIndex.from_product([range(n), range(t)], names=["unit", "period"])
    names = [f"x{j}" for j in range(k)]
    return pd.Series(y.ravel(), index=index, name="y"), pd.DataFrame(X.reshape(-1, k), index=index, columns=names)


def timed(function: Callable[[], object], repeats: int) -> dict[str, float]:
    """Return the median and the best seconds of some runs; on a busy machine the best is the better measure."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return {"seconds": float(np.median(seconds)), "seconds_best": min(seconds), "repeats": repeats}


def peak_megabytes() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(n: int, t: int, peer_limit: int) -> list[dict[str, object]]:
    """Return the rows of one size."""
    W = nearest_neighbours(n)
    y, X = simulated_panel(n, t, W)
    repeats = 50 if n <= 100 else 15 if n <= 1000 else 5 if n <= 10_000 else 1
    before = peak_megabytes()

    def fit(model: SpatialPanel) -> None:
        result = model.fit()
        _ = result.params, result.cov, result.impacts()

    whole = timed(lambda: fit(SpatialPanel(y, X, Weights(W.labels, W.sparse, W.name))), repeats)
    rows = [{"task": "two-way Lee-Yu SDM with effects, from data and W", **whole}]
    if n <= 10_000:
        model = SpatialPanel(y, X, W)
        fit(model)
        rows.append({"task": "two-way Lee-Yu SDM with effects, after set-up", **timed(lambda: fit(model), repeats)})
    memory = {"peak_mb": peak_megabytes(), "added_mb": peak_megabytes() - before}
    rows = [{**row, "program": "ronghe", **memory} for row in rows]
    if n <= peer_limit:
        theirs = timed(peer(y, X, W, n, t), min(repeats, 5) if n <= 1000 else 1)
        rows.append({"task": "one-way lag model with WX given, no effects", "program": "spreg", **theirs})
        rows = [{**row, "times_faster_than_peer": theirs["seconds"] / row["seconds"]} for row in rows]
    return [{"n_units": n, "n_periods": t, **row} for row in rows]


def peer(y: pd.Series, X: pd.DataFrame, W: Weights, n: int, t: int) -> Callable[[], object]:
    """Return spreg's fixed-effects lag model on the same data, its input made ready."""
    from libpysal.weights import W as Neighbours
    from spreg import Panel_FE_Lag

    graph = {i: W.sparse.indices[W.sparse.indptr[i] : W.sparse.indptr[i + 1]].tolist() for i in range(n)}
    w = Neighbours(graph, silence_warnings=True)
    w.transform = "r"
    # spreg stacks period by period.
    Y = y.to_numpy().reshape(n, t).T.reshape(-1, 1)
    Z = pd.concat([X, W.lag(X)], axis=1).to_numpy().reshape(n, t, -1).transpose(1, 0, 2).reshape(n * t, -1)

    def run() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Panel_FE_Lag(Y, Z, w)

    return run


def main() -> None:
    """Measure every size and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", metavar="NxT", help="sizes to measure, such as 48x17")
    parser.add_argument("--large", action="store_true", help="also 300,000 and 1,000,000 units, spreg at 3,000")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    sizes = [tuple(map(int, size.split("x"))) for size in arguments.sizes or []] or SIZES + LARGE * arguments.large
    limit = PEER_LIMIT_LARGE if arguments.large else PEER_LIMIT
    rows = [row for n, t in sizes for row in measure(n, t, limit)]
    columns = ["n_units", "n_periods", "program", "task", "seconds", "seconds_best", "times_faster_than_peer"]
    columns += ["repeats", "peak_mb", "added_mb"]
    digits = {"seconds": 5, "seconds_best": 5, "times_faster_than_peer": 1, "peak_mb": 0, "added_mb": 0}
    table = pd.DataFrame(rows).reindex(columns=columns).round(digits)
    if arguments.output.exists():
        # Sizes that were not measured now keep their rows.
        earlier = pd.read_csv(arguments.output)
        table = pd.concat([table, earlier[~earlier["n_units"].isin(table["n_units"])]])
        table = table.sort_values("n_units", kind="stable")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output, index=False, float_format="%.5g", lineterminator="\n")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
