"""One coefficient over specifications, each with its interval; one may be the band behind the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ronghe.errors import require_known
from ronghe.paper.figures.intervals import draw_intervals
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(source: Sources) -> Figure:
    """Draw the stored coefficients of the specifications of an entry."""
    rows, names = [], {}
    for column, fit in source.fits():
        term = column.get("variable", source.get("variable"))
        require_known(term, fit.coefficients.index, "term", f"{source.where}: {fit.name}")
        names[fit.name] = source.heading(column, fit.name)
        rows.append({"specification": fit.name, **fit.coefficients.loc[term, ["estimate", "lower", "upper"]]})
    frame, reference = pd.DataFrame(rows), None
    if "reference" in source.entry:
        require_known(source.entry["reference"], names, "specification", f"{source.where}.reference")
        base = frame[frame["specification"] == source.entry["reference"]]
        reference = tuple(base[["estimate", "lower", "upper"]].iloc[0])
    return draw_intervals(frame, "specification", None, source.text("xlabel"), names, reference)
