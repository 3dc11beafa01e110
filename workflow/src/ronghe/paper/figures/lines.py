"""Lines: one column over another, one line per series, one panel per value of a third."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ronghe.paper.figures.canvas import panels, year_axis
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(source: Sources) -> Figure:
    """Draw the stored rows of an entry."""
    frame = source.rows()
    keys = [source.get(key) for key in ("series", "panel") if source.get(key)]
    names = source.names(value for key in keys for value in frame[key])
    x, y, series, panel = (source.get(key) for key in ("x", "y", "series", "panel"))
    return draw_lines(frame, x, y, series, names, source.text("xlabel"), source.text("ylabel"), panel)


def draw_lines(frame: pd.DataFrame, x: str, y: str, series: str | None, names: dict[str, str], xlabel: str,
               ylabel: str, panel: str | None = None, columns: int = 2) -> Figure:  # fmt: skip
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
            year_axis(axis, frame[x])
            axis.set_xlabel("")
    if series is not None:
        handles, texts = axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower center", ncols=min(4, len(texts)))
    return figure
