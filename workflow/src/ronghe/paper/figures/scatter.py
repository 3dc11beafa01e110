"""Scatter plots in quadrants, with the least-squares line and the outermost points named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.errors import require_known
from ronghe.paper.figures.canvas import panels
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MANY, MARK = 500, {"markersize": 3.4, "markeredgewidth": 0.5}


def draw(source: Sources) -> Figure:
    """Draw the stored points of an entry."""
    frame, label = source.rows(), source.get("label", "region")
    require_known(label, frame.columns, "column", f"{source.where}.label")
    x, y, panel, short = source.get("x"), source.get("y"), source.get("panel"), source.short_names(frame[label])
    xlabel, ylabel = source.text("xlabel"), source.text("ylabel")
    return draw_scatter(frame, x, y, label, panel, xlabel, ylabel, short, source.get("labelled", 6))


def draw_scatter(frame: pd.DataFrame, x: str, y: str, label: str, panel: str | None, xlabel: str, ylabel: str,
                 short: dict[str, str], labelled: int = 6) -> Figure:  # fmt: skip
    """Draw y against x with the axes through the means, the least-squares line, and the outermost points named."""
    parts = [("", frame)] if panel is None else list(frame.groupby(panel, sort=False))
    figure, axes = panels(len(parts), 2, "full" if len(parts) > 1 else "half", 2.9)
    for axis, (title, part) in zip(axes, parts, strict=True):
        horizontal, vertical = part[x].to_numpy(float), part[y].to_numpy(float)
        # Thousands of points are small, and one picture in PDF and SVG.
        many = len(part) > MANY
        look = {"markersize": 1.2, "markeredgewidth": 0, "rasterized": True} if many else MARK
        axis.plot(horizontal, vertical, "o", color="0.45" if many else "black", markerfacecolor="0.7", **look)
        axis.axhline(vertical.mean(), color="0.5", linewidth=0.5)
        axis.axvline(horizontal.mean(), color="0.5", linewidth=0.5)
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
