"""Densities of the estimates of a whole multiverse, one line for each level, one panel for each choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ronghe.paper.figures.canvas import panels
from ronghe.paper.figures.specification_curve import level_name
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Marks stand at every so many points of a line, so that lines differ in print without colour.
EVERY = 20


def draw(source: Sources) -> Figure:
    """Draw the stored densities of the choices that the entry's `variables` name."""
    frame = source.rows()
    frame["level"] = frame["level"].astype(str)
    frame = frame[frame["choice"].isin(source.get("variables"))]
    pairs = frame[["choice", "level"]].drop_duplicates().itertuples(index=False)
    named = {(choice, level): level_name(source, choice, level) for choice, level in pairs}
    titles = {choice: source.labels.word(f"multiverse.{choice}") for choice in source.get("variables")}
    return draw_effect_densities(frame, titles, named, source.text("xlabel"), source.text("ylabel"))


def draw_effect_densities(frame: pd.DataFrame, titles: dict[str, str], named: dict[tuple[str, str], str],
                          xlabel: str, ylabel: str) -> Figure:  # fmt: skip
    """Draw one panel for each title, its legend beneath it, and a line at zero."""
    figure, axes = panels(len(titles), 2, "full", 3.1)
    for k, (axis, (choice, title)) in enumerate(zip(axes, titles.items(), strict=True)):
        part = frame[frame["choice"] == choice]
        for place, (level, line) in enumerate(part.groupby("level", sort=False)):
            axis.plot(line["estimate"], line["density"], label=named[choice, level], markevery=(3 * place, EVERY),
                      markersize=2.8, linewidth=1.0)  # fmt: skip
        axis.axvline(0, color="0.4", linewidth=0.6)
        axis.set_ylim(bottom=0)
        axis.set_xlim(part["estimate"].min(), part["estimate"].max())
        axis.set_title(title)
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel if k % 2 == 0 else "")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return figure
