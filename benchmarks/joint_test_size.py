"""Size of the joint test of a multiverse where the treatment does nothing: `python -m benchmarks.joint_test_size`.

Data sets of 30 regions and 8 years in which outcome and treatment are persistent (errors of first-order autoregression
within regions) and spill over to neighbours, and the treatment has no effect. Every row of
results/benchmarks/joint_test_size.csv is how often one statistic of a small curve (fixed effects, SAR and SDM with all
subsets of three controls) has p <= 0.05 under one null, with the Monte Carlo error of a true 5 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from ronghe.models.estimate import Data
from ronghe.models.multiverse.declaration import NULLS, Multiverse
from ronghe.models.multiverse.joint_test import curves, joint_test, redraw_shard
from ronghe.models.multiverse.run import run_shard
from ronghe.weights.matrix import Weights

N, T = 30, 8
REGIONS = [f"region {k:02d}" for k in range(N)]
INDEX = pd.MultiIndex.from_product([REGIONS, range(2001, 2001 + T)], names=["region", "year"])
NAMES = ["treatment", "roads", "schools", "towns"]
ENTRY = {
    "treatments": ["treatment"],
    "outcomes": ["quality"],
    "controls": {"choose": NAMES[1:]},
    "weights": ["ring"],
    "models": ["ols", "sar", "sdm"],
    "joint_test": {"specifications": 24, "draws": 199, "nulls": list(NULLS)},
}
OUTPUT = Path("results/benchmarks/joint_test_size.csv")


def ring() -> Weights:
    """Return weights of regions on a circle: two neighbours on either side."""
    pairs = [(k, (k + step) % N) for k in range(N) for step in (-2, -1, 1, 2)]
    edges = pd.DataFrame([(REGIONS[i], REGIONS[j], 1.0) for i, j in pairs], columns=["focal", "neighbor", "weight"])
    return Weights.from_edges(edges, name="ring").standardise("row")


def persistent(rng: np.random.Generator, phi: float, columns: int) -> np.ndarray:
    """Return stationary autoregressions (region, year, column)."""
    values = np.empty((N, T, columns))
    values[:, 0] = rng.standard_normal((N, columns)) / np.sqrt(1 - phi**2)
    for t in range(1, T):
        values[:, t] = phi * values[:, t - 1] + rng.standard_normal((N, columns))
    return values


def world(seed: int, phi: float) -> Data:
    """Return data in which the treatment does nothing, its history does not depend on the place, and rho is 0.3."""
    rng, W = np.random.default_rng(seed), ring()
    X = persistent(rng, phi, len(NAMES))
    mean = X[:, :, 1:] @ [0.5, -0.3, 0.2] + persistent(rng, phi, 1)[:, :, 0] + rng.standard_normal((1, T))
    S = np.eye(N) - 0.3 * W.align(REGIONS).sparse.toarray()
    panel = pd.DataFrame(X.reshape(-1, len(NAMES)), INDEX, NAMES)
    panel["quality"] = np.linalg.solve(S, mean).reshape(-1)
    return Data(panel=panel, weights={"ring": W})


def pvalues(seed: int, phi: float) -> list[dict]:
    """Return the p-value of every statistic under every null for one data set."""
    multiverse, data, rows = Multiverse.of({"multiverse": ENTRY, "seed": seed}), world(seed, phi), []
    with TemporaryDirectory() as folder:
        path = f"{folder}/all.parquet"
        run_shard(multiverse, {"all": {}}, data, 0, 1, path)
        for null in NULLS:
            found = joint_test(curves(redraw_shard(null, multiverse, {"all": {}}, data, path, 0, 1)))
            rows += found[["null", "statistic", "pvalue"]].to_dict("records")
    return rows


def rejections(found: Iterable[list[dict]], phi: float, sets: int) -> pd.DataFrame:
    """Return the share of p-values up to 0.05, by null and statistic."""
    frame = pd.DataFrame([row for rows in found for row in rows])
    shares = frame.assign(rejected=frame["pvalue"] <= 0.05).groupby(["null", "statistic"], sort=False)["rejected"]
    table = shares.mean().reset_index()
    return table.assign(autoregression=phi, data_sets=sets, monte_carlo_error=np.sqrt(0.05 * 0.95 / sets))


def main() -> None:
    """Measure sizes with independent and with persistent errors, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    sets, tables = arguments.sets, []
    with ProcessPoolExecutor(arguments.cores, get_context("spawn")) as pool:
        for phi in (0.0, 0.6):
            jobs = [pool.submit(pvalues, seed, phi) for seed in range(sets)]
            tables.append(rejections((job.result() for job in jobs), phi, sets))
    table = pd.concat(tables, ignore_index=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output, index=False, float_format="%.4g", lineterminator="\n")
    sys.stdout.write(f"{table.to_string(index=False)}\n{arguments.output}\n")


if __name__ == "__main__":
    main()
