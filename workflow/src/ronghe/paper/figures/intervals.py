"""Intervals: stored estimates with their intervals, one row per label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.paper.figures.canvas import panels
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Rows that a page has room for; of more both ends are drawn.
MOST_ROWS, ENDS = 60, 20


def draw(source: Sources) -> Figure:
    """Draw the stored estimates of an entry; the label that is its `reference` becomes the band behind the others.

    Of more than MOST_ROWS labels the first and the last are drawn, and the figure says so.
    """
    columns = {source.get(key, key): key for key in ("estimate", "lower", "upper")}
    frame, label = source.rows(), source.get("label")
    # The table may have other columns of these names.
    spare = [name for name in columns.values() if name in frame and name not in columns]
    frame = frame.drop(columns=spare).rename(columns=columns)
    if source.get("sorted"):
        frame = frame.sort_values("estimate", kind="stable")
    keys = [source.get(key) for key in ("label", "series", "panel") if source.get(key)]
    names = source.names(value for key in keys for value in frame[key])
    reference = None
    if "reference" in source.entry:
        chosen = frame[label].astype(str) == source.entry["reference"]
        reference = tuple(frame.loc[chosen, ["estimate", "lower", "upper"]].iloc[0])
        frame = frame[~chosen]
    series, panel, xlabel = source.get("series"), source.get("panel"), source.text("xlabel")
    places = frame[label].factorize()[0]
    if (rows := places.max(initial=-1) + 1) > MOST_ROWS:
        frame = frame[(places < ENDS) | (places >= rows - ENDS)]
        xlabel = f"{xlabel}\n{source.labels.word('notes.rows', f'{rows:,}', ENDS)}"
    return draw_intervals(frame, label, series, xlabel, names, reference, panel)


def draw_intervals(frame: pd.DataFrame, label: str, series: str | None, xlabel: str, names: dict[str, str],
                   reference: tuple[float, float, float] | None = None,
                   panel: str | None = None) -> Figure:  # fmt: skip
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
