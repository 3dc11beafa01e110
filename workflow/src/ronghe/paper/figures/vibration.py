"""The vibration plot of a whole multiverse: how many estimates stand at each effect and p-value, one panel a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.paper.figures.canvas import panels
from ronghe.paper.figures.specification_curve import level_name
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
# The p-values at which lines are drawn and named.
LEVELS = (0.05, 0.001)
# So many grey steps of density, each a factor of ten below the next.
DECADES = 3


def draw(source: Sources) -> Figure:
    """Draw the stored counts of the choice that the entry's `variables` name, one panel for each level."""
    frame = source.rows()
    frame["level"] = frame["level"].astype(str)
    choice = source.get("variables")[0]
    frame = frame[frame["choice"] == choice]
    named = {level: level_name(source, choice, level) for level in frame["level"].unique()}
    return draw_vibration(frame, named, source.text("xlabel"), source.text("ylabel"))


def draw_vibration(frame: pd.DataFrame, named: dict[str, str], xlabel: str, ylabel: str) -> Figure:
    """Draw densities on a logarithmic grey scale, a cross at both medians, and lines at zero and at usual p-values."""
    from matplotlib.colors import LogNorm

    figure, axes = panels(len(named), COLUMNS, "full", 1.75)
    x, y = (np.sort(frame[name].unique()) for name in ("estimate", "height"))
    edges = [_edges(centres) for centres in (x, y)]
    top = frame["share"].max()
    for k, (axis, (level, title)) in enumerate(zip(axes, named.items(), strict=True)):
        part = frame[frame["level"] == level]
        grid = np.full((len(y), len(x)), np.nan)
        grid[np.searchsorted(y, part["height"]), np.searchsorted(x, part["estimate"])] = part["share"]
        grid = np.maximum(grid, top / 10**DECADES)
        axis.pcolormesh(*edges, grid, cmap="Greys", norm=LogNorm(top / 10 ** (DECADES + 0.7), top), rasterized=True)
        axis.axvline(0, color="black", linewidth=0.5)
        for p in LEVELS:
            if -np.log10(p) < edges[1][-1]:
                axis.axhline(-np.log10(p), color="black", linewidth=0.5, linestyle="--", marker="")
                axis.annotate(f"p = {p:g}", (edges[0][-1], -np.log10(p)), ha="right", va="bottom", fontsize=6)
        first = part.iloc[0]
        axis.plot(first["median_estimate"], first["median_height"], marker="+", color="white", markersize=9,
                  markeredgewidth=2.6)  # fmt: skip
        axis.plot(first["median_estimate"], first["median_height"], marker="+", color="black", markersize=7,
                  markeredgewidth=1.2)  # fmt: skip
        axis.set_title(title)
        axis.set_xlim(edges[0][0], edges[0][-1])
        axis.set_ylim(0, edges[1][-1])
        axis.set_xlabel(xlabel if k >= len(named) - COLUMNS else "")
        axis.set_ylabel(ylabel if k % COLUMNS == 0 else "")
    return figure


def _edges(centres: np.ndarray) -> np.ndarray:
    step = centres[1] - centres[0] if len(centres) > 1 else 1.0
    return np.concatenate([centres - step / 2, centres[-1:] + step / 2])
