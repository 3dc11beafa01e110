"""Lines over time or along a variable: trends with intervals, density ridges, curves with bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.paper.figures.canvas import panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def trends(frames: dict[str, pd.Series], group: pd.Series, order: list[str], names: dict[str, str]) -> Figure:
    """Draw for each variable the mean of every group of regions by year, with its 95% interval across regions."""
    from scipy.special import stdtrit

    figure, axes = panels(len(frames), 2, "full" if len(frames) > 1 else "half", 2.4)
    for axis, (title, values) in zip(axes, frames.items(), strict=True):
        member = group.reindex(values.index.get_level_values("region")).to_numpy()
        years = values.index.get_level_values("year")
        for place, name in enumerate(order):
            part = values[member == name].groupby(years[member == name])
            mean, n = part.mean(), part.count()
            half = part.std() / np.sqrt(n) * stdtrit(np.maximum(n - 1, 1), 0.975)
            # Groups are set a little apart, so that their intervals do not cover one another.
            shift = (place - (len(order) - 1) / 2) * 0.12
            axis.errorbar(mean.index + shift, mean, yerr=half, label=names.get(name, name), capsize=1.5, elinewidth=0.6)
        _year_axis(axis, years)
        axis.set_title(title)
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(order))
    return figure


def lines(frame: pd.DataFrame, x: str, y: str, series: str | None, names: dict[str, str], xlabel: str, ylabel: str,
          panel: str | None = None, columns: int = 2) -> Figure:  # fmt: skip
    """Draw y over x, one line per value of `series`, one panel per value of `panel`."""
    parts = [("", frame)] if panel is None else list(frame.groupby(panel, sort=False))
    figure, axes = panels(len(parts), columns, "full", 2.5 if len(parts) > 1 else 3.0)
    for axis, (title, part) in zip(axes, parts, strict=True):
        for name, line in [("", part)] if series is None else part.groupby(series, sort=False):
            line = line.sort_values(x)
            axis.plot(line[x], line[y], label=names.get(str(name), str(name)))
        if title != "":
            axis.set_title(names.get(str(title), str(title)))
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
        if x == "year":
            _year_axis(axis, frame[x])
            axis.set_xlabel("")
    if series is not None:
        handles, texts = axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower center", ncols=min(4, len(texts)))
    return figure


def ridges(frame: pd.DataFrame, x: str, density: str, row: str, xlabel: str) -> Figure:
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


def curve(frame: pd.DataFrame, x: str, y: str, lower: str | None, upper: str | None, xlabel: str, ylabel: str,
          level: float | None = None, mark: float | None = None, level_label: str = "",
          rug: pd.Series | None = None) -> Figure:  # fmt: skip
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
    if rug is not None:
        axis.plot(rug, np.full(len(rug), 0.0), "|", color="0.3", markersize=5, transform=axis.get_xaxis_transform())
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    return figure


def _year_axis(axis: object, years: object) -> None:
    first, last = int(np.min(years)), int(np.max(years))
    step = 1 if last - first <= 4 else 2 if last - first <= 12 else 5
    axis.set_xticks(range(first, last + 1, step))
