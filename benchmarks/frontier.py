"""Times frontier productivity: `python -m benchmarks.frontier`."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from ronghe.measures.formulas.productivity import productivity

from benchmarks.timing import measure, record

OUTPUT = "results/benchmarks/frontier.csv"
NAMES = {"inputs": ["labour", "energy"], "outputs": ["value"], "bads": ["sulphur", "smoke"]}
WAYS = [("slacks", "constant"), ("slacks", "variable"), ("directional", "constant")]


def simulated_panel(n_regions: int, n_years: int, seed: int = 1) -> pd.DataFrame:
    """Return a panel with two inputs, one good and two bad outputs."""
    regions = [f"region {i:05}" for i in range(n_regions)]
    index = pd.MultiIndex.from_product([regions, range(2000, 2000 + n_years)], names=["region", "year"])
    draws = np.random.default_rng(seed).lognormal(sigma=0.5, size=(len(index), 5))
    return pd.DataFrame(draws, index, ["labour", "energy", "value", "sulphur", "smoke"])


def main() -> None:
    """Time every kind of frontier at the default size, and the slacks-based one at ten times as many units.

    There is no peer on hand: the programs are solved by HiGHS already.
    """
    rows = []
    for n_regions, ways, repeats in ((30, WAYS, 3), (300, WAYS[:1], 1)):
        panel = simulated_panel(n_regions, 8)
        for distance, returns in ways:
            work = partial(productivity, panel, **NAMES, distance=distance, returns=returns)
            row = measure(f"{distance}, {returns} returns", f"{n_regions} regions x 8 years", work, repeats)
            rows.append(row | {"programs": 2 * len(panel)})
    record(rows, OUTPUT, ("programs",))


if __name__ == "__main__":
    main()
