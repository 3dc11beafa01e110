"""Matrices as shaded squares with their numbers: transitions between classes, likeness of weights matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.paper.figures.canvas import panels
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(source: Sources) -> Figure:
    """Draw the stored cells of an entry."""
    frame, panel = source.rows(), source.get("panel")
    row, column, value = (source.get(key) for key in ("row", "column", "value"))
    order = [str(o) for o in source.get("order") or dict.fromkeys([*frame[row], *frame[column]])]
    names = source.names([*order, *(frame[panel] if panel else [])])
    xlabel, ylabel = source.text("xlabel"), source.text("ylabel")
    return draw_matrix(frame, row, column, value, order, names, xlabel, ylabel, source.get("digits", 2), panel)


def draw_matrix(frame: pd.DataFrame, row: str, column: str, value: str, order: list[str], names: dict[str, str],
                xlabel: str = "", ylabel: str = "", digits: int = 2, panel: str | None = None) -> Figure:  # fmt: skip
    """Draw one square per (row, column), darker for larger values, with the number inside."""
    unknown = sorted((set(frame[row].astype(str)) | set(frame[column].astype(str))) - set(order))
    if unknown:
        raise RongheError(f"matrix: {listing(unknown)} are not in the figure's `order`: {listing(order)}")
    parts = [("", frame)] if panel is None else list(frame.groupby(panel, sort=False))
    n = len(order)
    per_row = min(len(parts), 3)
    size = {1: 0.62, 2: 0.52, 3: 0.42}[per_row]
    figure, axes = panels(len(parts), per_row, "full", max(1.7, size * n * 0.75 + 0.9))
    if len(parts) == 1:
        figure.set_size_inches(min(6.2, 1.6 + 0.62 * n), max(2.2, 1.0 + 0.5 * n))
    shown = [names.get(k, k) for k in order]
    # A Chinese sign is as wide as two letters.
    longest = max(sum(2 if east_asian_width(sign) == "W" else 1 for sign in name) for name in shown)
    largest = max(1e-12, float(frame[value].abs().max()))
    for axis, (title, part) in zip(axes, parts, strict=True):
        keyed = part.assign(**{row: part[row].astype(str), column: part[column].astype(str)})
        grid = keyed.pivot(index=row, columns=column, values=value).reindex(index=order, columns=order)
        axis.imshow(grid.to_numpy(float), cmap="Greys", vmin=0, vmax=largest * 1.25, aspect="auto")
        for i in range(n):
            for j in range(n):
                number = grid.iloc[i, j]
                if pd.notna(number):
                    ink = "white" if number > 0.7 * largest else "black"
                    axis.text(j, i, f"{number:.{digits}f}", ha="center", va="center", fontsize=6, color=ink)
        axis.set_xticks(range(n), shown, rotation=0 if longest < 8 else 35,
                        ha="center" if longest < 8 else "right")  # fmt: skip
        axis.set_yticks(range(n), shown)
        axis.tick_params(length=0)
        for spine in axis.spines.values():
            spine.set_visible(False)
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
        axis.set_title(names.get(str(title), str(title)))
    return figure
