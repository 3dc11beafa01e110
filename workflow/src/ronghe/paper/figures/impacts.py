"""Impacts of one or more variables over specifications, one panel per impact: direct, indirect, total."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ronghe.paper.figures.intervals import draw_intervals
from ronghe.paper.labels import EFFECTS
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(source: Sources) -> Figure:
    """Draw the stored impacts of the specifications of an entry."""
    effects = source.get("effects", EFFECTS)
    names = {effect: source.labels.word(effect) for effect in effects}
    rows = []
    for column, fit in source.fits():
        names[fit.name] = source.heading(column, fit.name)
        variable = column.get("variable", source.get("variable"))
        for effect in effects:
            row = fit.impacts.loc[(variable, effect)]
            rows.append({"specification": fit.name, "effect": effect, **row[["estimate", "lower", "upper"]]})
    return draw_intervals(pd.DataFrame(rows), "specification", None, source.text("xlabel"), names, panel="effect")
