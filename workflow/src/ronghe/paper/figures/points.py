"""Points: scatter plots in quadrants, and estimates with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.paper.figures.canvas import panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def scatter(frame: pd.DataFrame, x: str, y: str, label: str, panel: str | None, xlabel: str, ylabel: str,
            short: dict[str, str], labelled: int = 6, fit_line: bool = True) -> Figure:  # fmt: skip
    """Draw y against x with the axes through the means, the least-squares line, and the outermost points named."""
    parts = [("", frame)] if panel is None else list(frame.groupby(panel, sort=False))
    figure, axes = panels(len(parts), 2, "full" if len(parts) > 1 else "half", 2.9)
    for axis, (title, part) in zip(axes, parts, strict=True):
        horizontal, vertical = part[x].to_numpy(float), part[y].to_numpy(float)
        axis.plot(horizontal, vertical, "o", color="black", markerfacecolor="0.7", markersize=3.4, markeredgewidth=0.5)
        axis.axhline(vertical.mean(), color="0.5", linewidth=0.5)
        axis.axvline(horizontal.mean(), color="0.5", linewidth=0.5)
        if fit_line:
            slope = np.cov(horizontal, vertical)[0, 1] / np.var(horizontal, ddof=1)
            ends = np.array([horizontal.min(), horizontal.max()])
            axis.plot(ends, vertical.mean() + slope * (ends - horizontal.mean()), "-", color="black", marker="")
        distance = ((horizontal - horizontal.mean()) / horizontal.std()) ** 2
        distance = distance + ((vertical - vertical.mean()) / vertical.std()) ** 2
        for place in np.argsort(-distance, kind="stable")[:labelled]:
            name = str(part[label].iloc[place])
            axis.annotate(short.get(name, name), (horizontal[place], vertical[place]), xytext=(3, 3),
                          textcoords="offset points", fontsize=6)  # fmt: skip
        axis.set_title(str(title))
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
    return figure


def intervals(frame: pd.DataFrame, label: str, series: str | None, xlabel: str, names: dict[str, str],
              reference: tuple[float, float, float] | None = None, panel: str | None = None) -> Figure:  # fmt: skip
    """Draw estimates with intervals, one row per label; series are set apart by shade and marker.

    The frame holds `estimate`, `lower`, `upper`. A reference (estimate, lower, upper) is drawn as a band behind.
    """
    parts = [("", frame)] if panel is None else list(frame.groupby(panel, sort=False))
    rows = list(dict.fromkeys(frame[label]))
    kinds = [None] if series is None else list(dict.fromkeys(frame[series]))
    height = max(1.6, 0.17 * len(rows) * (1 + 0.45 * (len(kinds) - 1)) + 0.8)
    figure, axes = panels(len(parts), len(parts), "full", height)
    looks = [("o", "black"), ("s", "white"), ("^", "0.6"), ("D", "0.8")]
    for axis, (title, part) in zip(axes, parts, strict=True):
        if reference:
            axis.axvspan(reference[1], reference[2], color="0.92", linewidth=0)
            axis.axvline(reference[0], color="black", linewidth=0.6, linestyle="--")
        axis.axvline(0, color="0.4", linewidth=0.6)
        for place, kind in enumerate(kinds):
            chosen = part if kind is None else part[part[series] == kind]
            at = np.array([rows.index(r) for r in chosen[label]], float)
            at += (place - (len(kinds) - 1) / 2) * 0.22
            marker, fill = looks[place % len(looks)]
            axis.hlines(at, chosen["lower"], chosen["upper"], color="black", linewidth=0.8)
            axis.plot(chosen["estimate"], at, marker, color="black", markerfacecolor=fill, linestyle="",
                      label=names.get(str(kind), str(kind)))  # fmt: skip
        axis.set_yticks(range(len(rows)), [names.get(str(r), str(r)) for r in rows] if axis is axes[0] else [])
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.set_xlabel(xlabel)
        axis.set_title(names.get(str(title), str(title)))
    if series is not None:
        handles, texts = axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower center", ncols=len(kinds))
    return figure
