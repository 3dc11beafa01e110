"""Times what is told of distributions: `python -m ronghe.explore.benchmark_distribution`."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from ronghe.explore.dagum import dagum
from ronghe.explore.density import densities_by_year
from ronghe.explore.gravity import gravity_by_year
from ronghe.explore.theil import theil
from ronghe.explore.transitions import transitions
from ronghe.frames import write_csv
from ronghe.measures.benchmark import seconds

OUTPUT = "results/benchmarks/distribution.csv"


def by_all_pairs(y: np.ndarray) -> float:
    """Return the Gini ratio the direct way, over an n x n array of differences: what the decomposition avoids."""
    return float(np.abs(y[:, None] - y[None, :]).sum() / (2 * len(y) ** 2 * y.mean()))


def peak_megabytes(work: Callable[[], object]) -> float:
    """Return the most memory that Python held at once during the work."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Time one year and whole panels of many regions."""
    rng = np.random.default_rng(1)
    rows = []
    for n in (30, 3000, 100_000):
        names = [f"region {i:06}" for i in range(n)]
        y = pd.Series(rng.lognormal(size=n), names)
        groups = pd.Series(rng.integers(0, 8, n).astype(str), names)
        works = {"Dagum, 8 groups, one year": partial(dagum, y, groups)}
        works["Theil, 8 groups, one year"] = partial(theil, y, groups)
        if n <= 3000:
            works["Gini by all pairs, no decomposition"] = partial(by_all_pairs, y.to_numpy())
        rows += [(what, f"{n} regions", seconds(work), peak_megabytes(work)) for what, work in works.items()]
    names = [f"region {i:05}" for i in range(3000)]
    index = pd.MultiIndex.from_product([names, range(1990, 2020)], names=["region", "year"])
    values = pd.Series(rng.lognormal(size=len(index)), index, name="y")
    places = pd.DataFrame({"longitude": rng.uniform(75, 130, 3000), "latitude": rng.uniform(20, 50, 3000)}, names)
    panels = {
        "kernel densities": partial(densities_by_year, values),
        "Markov chain with tests": partial(transitions, values),
        "centre of gravity and ellipse": partial(gravity_by_year, values, places),
    }
    rows += [(what, "3000 regions x 30 years", seconds(work), peak_megabytes(work)) for what, work in panels.items()]
    table = pd.DataFrame(rows, columns=["what", "size", "seconds", "peak_megabytes"])
    write_csv(table.round({"seconds": 5, "peak_megabytes": 2}), OUTPUT)
    sys.stdout.write(f"{table.to_string(index=False)}\n{OUTPUT}\n")


if __name__ == "__main__":
    main()
