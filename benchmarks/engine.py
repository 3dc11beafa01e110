"""Speed of the estimation engine beside spreg in one run: `python -m benchmarks.engine [--large]`.

Every row of results/benchmarks/engine.csv is a two-way Lee and Yu SDM with coefficients, covariance and effects with
delta-method errors. Its peer is spreg's one-way fixed-effects lag model on the same data with the lagged regressors
given to it, which has no effects.
"""

from __future__ import annotations

import argparse
import os
import resource
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from ronghe.spatial.log_determinant.probed import probed_log_determinant
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.weights.matrix import Weights
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from benchmarks.timing import Peer, measure, record

SIZES = [(48, 17), (300, 12), (3000, 10), (30_000, 10)]
LARGE = [(300_000, 10), (1_000_000, 10)]
# A graph without places, whose sparse factors fill in: exactly, and where no factors fit by probes, chosen by itself.
RANDOM = [(3000, 10, "exact"), (30_000, 10, "auto")]
# Sizes at which the covariance for few clusters is timed too, as a multiple of the plain fit.
CLUSTERED = range(1000, 5001)
# spreg forms N x N matrices: at 3,000 units a run takes many seconds and this many gigabytes.
PEER_LIMIT = 3000
PEER_GIGABYTES = 8
OUTPUT = Path("results/benchmarks/engine.csv")


def nearest_neighbours(n: int, k: int = 6, seed: int = 1) -> Weights:
    """Return row-standardised weights to the k nearest of n random places."""
    places = np.random.default_rng(seed).random((n, 2))
    _, near = cKDTree(places).query(places, k + 1)
    cells = (np.full(n * k, 1.0 / k), (np.repeat(np.arange(n), k), near[:, 1:].ravel()))
    return Weights(tuple(range(n)), sparse.csr_array(cells, shape=(n, n)), "nearest neighbours")


def random_graph(n: int, k: int = 6, seed: int = 1) -> Weights:
    """Return row-standardised weights to k units drawn at random."""
    near = np.random.default_rng(seed).integers(0, n - 1, (n, k))
    near += near >= np.arange(n)[:, None]
    W = sparse.csr_array((np.ones(n * k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))
    return Weights(tuple(range(n)), W, "random graph").standardise("row")


def simulated_panel(n: int, t: int, W: Weights, k: int = 4, rho: float = 0.4, seed: int = 2, exact: bool = True):
    """Return y and X drawn from a Durbin model with both effects."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, t, k))
    mean = X @ np.linspace(1.0, 0.5, k) + W.sparse @ (X @ np.linspace(-0.5, 0.5, k))
    mean += rng.standard_normal((n, 1)) + rng.standard_normal((1, t)) + rng.standard_normal((n, t))
    if exact:
        S = sparse.csc_array(sparse.eye_array(n) - rho * W.sparse)
        S.indices, S.indptr = S.indices.astype(np.int32), S.indptr.astype(np.int32)
        options = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
        y = splu(S, permc_spec="MMD_AT_PLUS_A", **options).solve(mean)
    else:
        y = probed_log_determinant(W, "series", "simulated_panel").solve(rho, mean)
    index = pd.MultiIndex.from_product([range(n), range(t)], names=["unit", "period"])
    names = [f"x{j}" for j in range(k)]
    return pd.Series(y.ravel(), index=index, name="y"), pd.DataFrame(X.reshape(-1, k), index=index, columns=names)


def peak_megabytes() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_size(n: int, t: int, W: Weights, kind: str = "exact", peer_limit: int = PEER_LIMIT) -> list[dict]:
    """Return the rows of one size and one matrix: from data and W, and with W and moments ready."""
    y, X = simulated_panel(n, t, W, exact=kind == "exact")
    repeats = 50 if n <= 100 else 15 if n <= 1000 else 3 if n <= 30_000 else 1
    before = peak_megabytes()

    def fit(model: SpatialPanel, **covariance: str) -> None:
        result = model.fit(**covariance)
        _ = result.params, result.cov, result.impacts()

    def anew() -> SpatialPanel:
        return SpatialPanel(y, X, Weights(W.labels, W.sparse, W.name), log_determinant=kind)

    size = f"{n} x {t}, {W.name}"
    how = "" if kind == "exact" else ", log-determinant by probes"
    rows = [measure(f"from data and W{how}", size, lambda: fit(anew()), repeats)]
    memory = {"peak_mb": round(peak_megabytes()), "added_mb": round(peak_megabytes() - before)}
    if n <= 10_000:
        model = anew()
        fit(model)
        rows.append(measure(f"after set-up{how}", size, lambda: fit(model), repeats))
    if n in CLUSTERED and W.name == "nearest neighbours":
        for choice in ("CR2", "corrected"):
            settings = {"cov_type": "clustered", "small_sample": choice}
            task = f"from data and W, clustered by unit, {choice}"
            row = measure(task, size, lambda settings=settings: fit(anew(), **settings), repeats)
            rows.append(row | {"times_plain": row["cpu"] / rows[0]["cpu"]})
    if n <= peer_limit:
        theirs = spreg_peer(y, X, W, n, t)
        peer = measure("", "", theirs.work, min(repeats, 5) if n <= 1000 else 1)
        beside = {"peer": theirs.name, "peer_task": theirs.task, "peer_seconds": peer["best"]}
        rows = [row | beside | {"times_faster": peer["best"] / row["best"]} for row in rows]
    return [row | memory for row in rows]


def spreg_peer(y: pd.Series, X: pd.DataFrame, W: Weights, n: int, t: int) -> Peer:
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
            # What the peer warns of is its own; nothing of ours runs in here.
            warnings.simplefilter("ignore")
            return Panel_FE_Lag(Y, Z, w)

    return Peer(f"spreg {version('spreg')}", "one-way lag model with WX given, no effects", run)


def free_gigabytes() -> float:
    """Return the memory that no process holds."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def _measure(graph: Callable[[int], Weights], n: int, t: int, kind: str, limit: int) -> list[dict]:
    # Once for small data, so that imports are not counted.
    measure_size(150, 3, graph(150), kind, 0)
    return measure_size(n, t, graph(n), kind, limit)


def main() -> None:
    """Measure every size and write the table; sizes that were not measured now keep their rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", metavar="NxT", help="sizes to measure, such as 48x17")
    parser.add_argument("--large", action="store_true", help="also 300,000 and 1,000,000 units")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    chosen = [tuple(map(int, size.split("x"))) for size in arguments.sizes or []]
    limit = PEER_LIMIT if free_gigabytes() >= PEER_GIGABYTES else PEER_LIMIT - 1
    tasks = [(nearest_neighbours, n, t, "exact", limit) for n, t in chosen or SIZES + LARGE * arguments.large]
    # spreg has had its turn at these sizes.
    tasks += [(random_graph, n, t, kind, 0) for n, t, kind in ([] if chosen else RANDOM)]
    rows = []
    for task in tasks:
        # A fresh process for each, so that its peak of memory is its own.
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            rows += process.submit(_measure, *task).result()
    record(rows, arguments.output, ("times_plain", "peak_mb", "added_mb"), keep=True)


if __name__ == "__main__":
    main()
