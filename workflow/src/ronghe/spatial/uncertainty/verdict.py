"""What coverage and sizes say: which methods hold their level on this panel, and which one each quantity calls for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# What a nominal 95 % interval must cover at least and at most, and how often a 5 % test may reject.
FLOOR, CEILING, LARGEST_SIZE = 0.93, 0.98, 0.07


@dataclass(frozen=True)
class Certificate:
    """Coverage of intervals, sizes of tests, and what follows.

    `intervals`: at (which truth), design, quantity, method, coverage, error (simulation, half-width of 95 %),
    length_ratio to CR3 with t(G-1), length, truth. `sizes`: hypothesis, test, version, design, size, error. `summary`:
    one row per method with its lowest and highest coverage, its mean and largest length ratio, and whether it holds
    (not below 93 %, as far as the draws can tell) and stays within (nor above 98 %, as far as they can). `choice`: for
    every quantity alone the shortest method that stays within; where none does, that holds; where none does, the one
    that comes nearest.
    """

    intervals: pd.DataFrame
    sizes: pd.DataFrame
    summary: pd.DataFrame
    method: str
    test: str
    verdict: str
    choice: pd.DataFrame


def conclude(intervals: pd.DataFrame, sizes: pd.DataFrame, methods: Sequence[str]) -> Certificate:
    """Choose the shortest method that holds its level in every design, or the one that comes nearest."""
    summary = summarised(intervals, methods)
    worst = intervals.loc[intervals.groupby("method")["coverage"].idxmin()].set_index("method")
    holding = summary[summary["holds"]]
    method = str(holding["length_ratio"].idxmin() if len(holding) else summary["lowest"].idxmax())
    cell = worst.loc[method]
    said = f"intervals by '{method}': lowest coverage {100 * cell['coverage']:.1f} % (+-{100 * cell['error']:.1f}), of "
    said += f"{cell['quantity']} under '{cell['design']}' at {cell['at']}; "
    said += f"mean length {summary.at[method, 'length_ratio']:.2f} of CR3"
    if not len(holding):
        said = f"no method holds {100 * FLOOR:.0f} % in every design; the nearest is {said}"
    test = ""
    if len(sizes):
        largest = sizes.groupby(["test", "version"])["size"].max()
        fit = largest[largest.index.get_level_values("version") == "wild bootstrap"]
        name = fit.idxmin()
        test = f"{name[0]}, {name[1]}"
        said += f"; joint tests by '{test}': largest size {100 * fit.min():.1f} % of 5 %"
        said += "" if fit.min() <= LARGEST_SIZE else f", above the {100 * LARGEST_SIZE:.0f} % aimed at"
        textbook = largest[largest.index.get_level_values("version") == "textbook"]
        said += f" (textbook LR up to {100 * textbook.get(('LR', 'textbook'), np.nan):.0f} %)"
    return Certificate(intervals, sizes, summary, method, test, said, chosen_by_quantity(intervals))


def summarised(intervals: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Return the summary of the certificate for the cells given.

    The lowest and highest are those of many cells, each with its simulation error: 93 and 98 % are missed where the
    draws can tell.
    """
    by, n_draws = intervals.groupby("method"), intervals.attrs["repetitions"]
    summary = pd.DataFrame(
        {
            "lowest": by["coverage"].min(),
            "highest": by["coverage"].max(),
            "length_ratio": by["length_ratio"].mean(),
            "largest_ratio": by["length_ratio"].max(),
        }
    ).loc[list(methods)]
    low, high = (1.96 * np.sqrt(share * (1 - share) / n_draws) for share in (FLOOR, CEILING))
    summary["holds"] = summary["lowest"] >= FLOOR - low
    summary["within"] = summary["holds"] & (summary["highest"] <= CEILING + high)
    return summary


def quantity_summary(intervals: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the summary of one quantity's cells."""
    cells = intervals[intervals["quantity"] == quantity]
    cells.attrs = intervals.attrs
    return summarised(cells, cells["method"].unique())


def chosen_by_quantity(intervals: pd.DataFrame) -> pd.DataFrame:
    """Return for every quantity the row of the summary that its own cells speak for."""
    rows = {}
    for quantity in intervals["quantity"].unique():
        summary = quantity_summary(intervals, quantity)
        fit = next((rest for rest in (summary[summary["within"]], summary[summary["holds"]]) if len(rest)), None)
        method = summary["lowest"].idxmax() if fit is None else fit["length_ratio"].idxmin()
        rows[quantity] = {"chosen": method, **summary.loc[method].drop("largest_ratio")}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")
