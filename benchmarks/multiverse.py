"""Speed of many specifications on one sample, beside spreg and linearmodels: `python -m benchmarks.multiverse`.

Every row of results/benchmarks/multiverse.csv is all subsets of twelve controls beside one treatment, 30 regions by 8
years, fixed effects of both: estimates, errors, and impacts with errors by the delta method. Beside them are the
ordinary engine and a peer on a few of the same specifications, all as seconds for a thousand of them. The work is done
by as many processes as `--cores` says, as the rule does it by shards; the others take one core. The last row is a
generated multiverse of a million specifications, from data to Parquet as the rule writes it, log-marginals included.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from importlib.metadata import version
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from pyarrow.parquet import ParquetFile
from ronghe.models.estimate import Data
from ronghe.models.multiverse.declaration import Multiverse
from ronghe.models.multiverse.run import run_shard
from ronghe.spatial.batch.specifications import Specifications
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.threads import one_thread
from ronghe.weights.matrix import Weights
from scipy import sparse

from benchmarks.engine import nearest_neighbours, peak_megabytes, simulated_panel
from benchmarks.timing import Peer, record, timed

N, T, CONTROLS, BLOCK = 30, 8, 12, 256
TASKS = [
    ("ols", "CR1"),
    ("slx", "CR1"),
    ("sar", "CR1"),
    ("sdm", "CR1"),
    ("sdm", "CR2"),
    ("sem", "CR1"),
    ("sdem", "CR1"),
]
# Specifications that one after the other are fitted by the ordinary engine and by the peer.
SINGLES = 20
OUTPUT = Path("results/benchmarks/multiverse.csv")


def borders() -> Weights:
    """Return row-standardised weights in which neighbours are each other's."""
    near = nearest_neighbours(N, 4).sparse.toarray() > 0
    return Weights(tuple(range(N)), sparse.csr_array((near | near.T).astype(float)), "borders").standardise("row")


def blocks(part: int = 0, parts: int = 1) -> Iterator[np.ndarray]:
    """Yield all subsets in blocks of one size, every n-th block."""
    k = 0
    for size in range(CONTROLS + 1):
        subsets = np.array([(0, *chosen) for chosen in combinations(range(1, CONTROLS + 1), size)])
        for start in range(0, len(subsets), BLOCK):
            if k % parts == part:
                yield subsets[start : start + BLOCK]
            k += 1


def shared(W: Weights) -> tuple[pd.Series, pd.DataFrame, Specifications]:
    """Return made-up data and their cross-products."""
    y, X = simulated_panel(N, T, W, CONTROLS + 1)
    values = X.to_numpy().reshape(N, T, -1)
    return y, X, Specifications.of(y.to_numpy().reshape(N, T), values, tuple(X), W)


def fit_all(model: str, covariance: str, part: int, parts: int) -> tuple[int, float]:
    """Fit all subsets of a part, and return how many and the seconds."""
    W = borders()
    data = shared(W)[2]
    with one_thread():
        data.fit(model, np.array([[0, 1]])).impacts(covariance)
        start, count = time.perf_counter(), 0
        for subsets in blocks(part, parts):
            data.fit(model, subsets).impacts(covariance)
            count += len(subsets)
        return count, time.perf_counter() - start


def singles(model: str, W: Weights, y: pd.Series, X: pd.DataFrame) -> Callable[[], None]:
    """Return the same by the ordinary engine, one after the other."""
    chosen = _drawn()

    def run() -> None:
        for names in chosen:
            result = SpatialPanel(y, X[names], None if model == "ols" else W, model=model).fit(
                "clustered", small_sample="clusters"
            )
            result.impacts()

    return run


def _drawn() -> list[list[str]]:
    rng = np.random.default_rng(1)
    return [["x0", *(f"x{k}" for k in 1 + np.flatnonzero(rng.random(CONTROLS) < 0.5))] for _ in range(SINGLES)]


def peer(model: str, W: Weights, y: pd.Series, X: pd.DataFrame) -> Peer:
    """Return linearmodels for models without rho or lambda, else spreg's one-way fixed-effects lag or error model."""
    if model in ("ols", "slx"):
        from linearmodels import PanelOLS

        def least_squares() -> None:
            for names in _drawn():
                Z = pd.concat([X[names], W.lag(X[names]).add_prefix("W*")], axis=1) if model == "slx" else X[names]
                PanelOLS(y, Z, entity_effects=True, time_effects=True).fit(cov_type="clustered", cluster_entity=True)

        return Peer(f"linearmodels {version('linearmodels')}", "two-way, clustered, no impacts", least_squares)
    from libpysal.weights import W as Neighbours
    from spreg import Panel_FE_Error, Panel_FE_Lag

    form = W.sparse
    graph = {i: form.indices[form.indptr[i] : form.indptr[i + 1]].tolist() for i in range(N)}
    w = Neighbours(graph, silence_warnings=True)
    w.transform = "r"
    Y = y.to_numpy().reshape(N, T).T.reshape(-1, 1)
    estimator = Panel_FE_Lag if model in ("sar", "sdm") else Panel_FE_Error

    def one_way() -> None:
        for names in _drawn():
            Z = pd.concat([X[names], W.lag(X[names])], axis=1) if model in ("sdm", "sdem") else X[names]
            with warnings.catch_warnings():
                # What the peer warns of is its own; nothing of ours runs in here.
                warnings.simplefilter("ignore")
                estimator(Y, Z.to_numpy().reshape(N, T, -1).transpose(1, 0, 2).reshape(N * T, -1), w)

    return Peer(f"spreg {version('spreg')}", "one-way, independent errors, no impacts", one_way)


def generated() -> tuple[Multiverse, Data]:
    """Return 1,064,960 specifications: ten outcomes, two treatments, three matrices, subsets of twelve controls."""
    W, outcomes, treatments = borders(), [f"y{k}" for k in range(10)], ["x0", "x1"]
    panel = simulated_panel(N, T, W, CONTROLS + 2)[1]
    rng = np.random.default_rng(3)
    for name in outcomes:
        e = W.sparse @ rng.standard_normal((N, T)) + rng.standard_normal((N, T))
        panel[name] = panel.to_numpy()[:, :5] @ rng.standard_normal(5) + e.reshape(-1)
    panel.index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(N)], range(T)], names=["region", "year"])
    weights = {}
    for k in (3, 4, 5):
        near = nearest_neighbours(N, k).sparse.toarray() > 0
        matrix = sparse.csr_array((near | near.T).astype(float))
        weights[f"near{k}"] = Weights(tuple(f"r{i:02d}" for i in range(N)), matrix, f"near{k}").standardise("row")
    entry = {
        "treatments": treatments,
        "outcomes": outcomes,
        "controls": {"choose": [f"x{k}" for k in range(2, 2 + CONTROLS)]},
        "weights": list(weights),
        "models": ["ols", "slx", "sar", "sdm", "sdem"],
    }
    return Multiverse.of({"multiverse": entry}), Data(panel=panel, weights=weights)


def write_shard(shard: int, shards: int, path: str) -> tuple[int, float, float]:
    """Write one shard; return its specifications, the seconds of its core, and the peak of its memory in MB."""
    multiverse, data = generated()
    start = time.process_time()
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        run_shard(multiverse, {"all": {}}, data, shard, shards, path)
    return ParquetFile(path).metadata.num_rows, time.process_time() - start, peak_megabytes()


def million(pool: ProcessPoolExecutor, cores: int) -> dict:
    """Return the row of a million specifications streamed to Parquet."""
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        jobs = [pool.submit(write_shard, k, cores, f"{folder}/{k}.parquet") for k in range(cores)]
        parts = [job.result() for job in jobs]
        seconds = time.perf_counter() - start
    count = sum(part[0] for part in parts)
    return {
        "task": f"{count:,} specifications of a generated multiverse, to Parquet",
        "size": f"{N} x {T}, {cores} cores",
        "seconds": seconds,
        "best": seconds,
        "repeats": 1,
        "per_second": round(count / seconds),
        "core_seconds": sum(part[1] for part in parts),
        "peak_mb": round(max(part[2] for part in parts)),
    }


def main() -> None:
    """Measure every model and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    W = borders()
    y, X, _ = shared(W)
    rows, cores = [], arguments.cores
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        for model, covariance in TASKS:
            found = []
            for _ in range(4):
                jobs = [pool.submit(fit_all, model, covariance, k, cores) for k in range(cores)]
                parts = [job.result() for job in jobs]
                found.append(1000 * max(seconds for _, seconds in parts) / sum(count for count, _ in parts))
            one = 1000 * timed(singles(model, W, y, X), 3)[1] / SINGLES
            theirs = peer(model, W, y, X)
            theirs_seconds = 1000 * timed(theirs.work, 3)[1] / SINGLES
            rows.append({
                "task": f"{model}, {covariance}, 1,000 specifications",
                "size": f"{N} x {T}, {cores} cores",
                "seconds": sorted(found)[len(found) // 2],
                "best": min(found),
                "repeats": len(found),
                "peer": theirs.name,
                "peer_task": theirs.task,
                "peer_seconds": theirs_seconds,
                "times_faster": theirs_seconds / min(found),
                "per_second": round(1000 / min(found)),
                "ordinary_engine_seconds": one,
            })  # fmt: skip
    # Workers of their own, so that the peak of memory is that of this work.
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        rows.append(million(pool, cores))
    record(rows, arguments.output, ("per_second", "ordinary_engine_seconds", "core_seconds", "peak_mb"))


if __name__ == "__main__":
    main()
