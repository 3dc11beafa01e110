"""Ridges: one density per year, each shifted up a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(source: Sources) -> Figure:
    """Draw the stored densities of an entry."""
    return draw_ridges(source.rows(), source.get("x"), source.get("y"), source.get("row"), source.text("xlabel"))


def draw_ridges(frame: pd.DataFrame, x: str, density: str, row: str, xlabel: str) -> Figure:
    """Draw one density per value of `row` (a year), each shifted up a step, the earliest on top."""
    import matplotlib.pyplot as plt

    levels = sorted(frame[row].unique())
    figure, axis = plt.subplots(figsize=(4.4, 0.42 * len(levels) + 0.9))
    step = float(frame[density].max()) * 0.55
    for place, level in enumerate(levels):
        part = frame[frame[row] == level].sort_values(x)
        base = (len(levels) - 1 - place) * step
        axis.fill_between(part[x], base, base + part[density], facecolor="0.85", edgecolor="black", linewidth=0.7,
                          zorder=place)  # fmt: skip
    axis.set_yticks([(len(levels) - 1 - i) * step for i in range(len(levels))], [str(v) for v in levels])
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel(xlabel)
    return figure
