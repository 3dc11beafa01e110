"""Curves: one column along another with its band, a level and a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(source: Sources) -> Figure:
    """Draw the stored curve of an entry; its level may be a column, its mark the minimum of y."""
    frame = source.rows()
    x, y, lower, upper, level, mark = (source.get(key) for key in ("x", "y", "lower", "upper", "level", "mark"))
    level = float(frame[level].iloc[0]) if isinstance(level, str) else level
    mark = float(frame.loc[frame[y].idxmin(), x]) if mark == "minimum" else mark
    xlabel, ylabel, level_label = (source.text(key) for key in ("xlabel", "ylabel", "level_label"))
    return draw_curve(frame, x, y, lower, upper, xlabel, ylabel, level, mark, level_label)


def draw_curve(frame: pd.DataFrame, x: str, y: str, lower: str | None, upper: str | None, xlabel: str, ylabel: str,
               level: float | None = None, mark: float | None = None, level_label: str = "") -> Figure:  # fmt: skip
    """Draw y along x with its band, a horizontal level (zero, a critical value) and a vertical mark."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(4.4, 2.8))
    frame = frame.sort_values(x)
    if lower and upper:
        axis.fill_between(frame[x], frame[lower], frame[upper], color="0.85", linewidth=0)
    axis.plot(frame[x], frame[y], color="black", marker="", linestyle="-")
    if level is not None:
        axis.axhline(level, color="black", linewidth=0.7, linestyle="--")
        if level_label:
            axis.annotate(level_label, (0.01, level), xycoords=("axes fraction", "data"), ha="left", va="bottom",
                          fontsize=6.5)  # fmt: skip
    if mark is not None:
        axis.axvline(mark, color="black", linewidth=0.7, linestyle=":")
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    return figure
