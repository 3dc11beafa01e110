"""Maps, small multiples over years, for numbers and for classes: a tile per region, its outline, or its position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.explore.maps import Outline, draw_outline, frame_outlines, read_boundaries
from ronghe.paper.figures import position_map
from ronghe.paper.figures.canvas import panels
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Colour = str | tuple[float, ...]
# The pattern of a region without a value, and fills and patterns of classes that have no order.
ABSENT = "xxxxxx"
PATTERNS = (("white", ""), ("0.82", "....."), ("0.55", "/////"), ("0.15", ""), ("0.97", "-----"), ("0.7", "|||||"))


def draw(source: Sources) -> Figure:
    """Draw a variable of the panel or the stored rows of an entry; where it has an `order` its values are classes."""
    regions, variable = source.regions(), source.get("variable")
    if "file" in source.entry:
        values = source.rows().set_index(["region", "year"])[source.entry["value"]]
    else:
        values = source.panel([variable], "variable")[variable]
    years = source.get("years") or sorted(values.index.get_level_values("year").unique())
    title = source.text("title") or ("" if "order" in source.entry else source.labels.variable(variable))
    tiled = regions.reindex(columns=["tile_row", "tile_column"]).notna().any(axis=None)
    if "boundaries" not in source.entry and not tiled:
        if "order" not in source.entry:
            return position_map.number_map(values, regions, years, title, source.labels)
        order = [str(c) for c in source.entry["order"]]
        return position_map.class_map(values, regions, years, order, source.names(order), source.labels)
    short, outlines = source.short_names(regions.index), None
    if "boundaries" in source.entry:
        drawn = list(regions.index[regions.index.isin(values.index.unique("region"))])
        outlines = read_boundaries(source.entry["boundaries"]["file"], source.entry["boundaries"]["key"], drawn)
    if "order" in source.entry:
        order = [str(c) for c in source.entry["order"]]
        nominal = source.get("nominal", False)
        return class_map(values, regions, years, short, order, source.names(order), outlines, nominal=nominal)
    return number_map(values, regions, years, short, title=title, digits=source.get("digits", 2), outlines=outlines)


def number_map(
    values: pd.Series,
    regions: pd.DataFrame,
    years: list[int],
    short: dict[str, str],
    *,
    title: str = "",
    digits: int = 2,
    outlines: dict[str, Outline] | None = None,
) -> Figure:
    """Draw a number by (region, year) in greys on one scale shared by all years; with outlines, on a real map."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    figure, axes = panels(len(years), 2 if len(years) in (2, 4) else 3, "full", 2.75 if len(years) > 2 else 3.1)
    shown = values[values.index.get_level_values("year").isin(years)]
    scale = Normalize(float(shown.min()), float(shown.max()))
    # The lightest and the darkest grey are left out: ink must be seen, and letters read.
    colours = LinearSegmentedColormap.from_list("ink", ["#f7f7f7", "#252525"])
    for axis, year in zip(axes, years, strict=True):
        frame = values.xs(year, level="year")
        for region, place in _places(regions, frame.index).iterrows():
            value = frame.get(region, np.nan)
            known = np.isfinite(value)
            fill = colours(scale(value)) if known else "white"
            ink = "white" if known and scale(value) > 0.55 else "black"
            text = f"{value:.{digits}f}" if known else "–"
            _shape(axis, region, place, fill, ink, short, text, "" if known else ABSENT, outlines)
        _finish(axis, str(year), regions, frame.index, outlines)
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, location="bottom", shrink=0.5, aspect=40, pad=0.01)
    bar.outline.set_linewidth(0.4)
    bar.set_label(title)
    return figure


def class_map(
    classes: pd.Series,
    regions: pd.DataFrame,
    years: list[int],
    short: dict[str, str],
    order: list[str],
    names: dict[str, str],
    outlines: dict[str, Outline] | None = None,
    *,
    nominal: bool = False,
) -> Figure:
    """Draw a class by (region, year) in greys, in patterns where classes have no order, with numbers where many."""
    from matplotlib.patches import Patch

    unknown = sorted(set(classes.dropna().astype(str)) - set(order))
    if unknown:
        raise RongheError(f"tile map: classes {listing(unknown)} are not in the figure's `order`: {listing(order)}")
    look = _patterns(order) if nominal else _looks(order)
    figure, axes = panels(len(years), 2 if len(years) in (2, 4) else 3, "full", 2.75 if len(years) > 2 else 3.1)
    for axis, year in zip(axes, years, strict=True):
        frame = classes.xs(year, level="year")
        for region, place in _places(regions, frame.index).iterrows():
            value = frame.get(region)
            fill, hatch, ink, sign = look[str(value)] if pd.notna(value) else ("white", ABSENT, "black", "")
            _shape(axis, region, place, fill, ink, short, sign, hatch, outlines)
        _finish(axis, str(year), regions, frame.index, outlines)
    handles = [
        Patch(facecolor=fill, hatch=hatch, edgecolor="0.35", linewidth=0.4, label=f"{sign} {names.get(c, c)}".strip())
        for c, (fill, hatch, _, sign) in look.items()
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(order), 4), handlelength=1.4, columnspacing=1.0
    )
    return figure


def _looks(order: list[str]) -> dict[str, tuple[str, str, str, str]]:
    """Return fill, hatch, ink and sign per class: greys in order, and numbers where there are more than six."""
    looks = {}
    for place, name in enumerate(order):
        share = place / max(1, len(order) - 1)
        level = 0.95 - 0.85 * share if len(order) > 1 else 0.85
        sign = str(place + 1) if len(order) > 6 else ""
        looks[name] = (f"{level:.3f}", "", "white" if level < 0.55 else "black", sign)
    return looks


def _patterns(order: list[str]) -> dict[str, tuple[str, str, str, str]]:
    """Return fill, hatch, ink and sign per class, each told from the others without colour or rank."""
    if len(order) > len(PATTERNS):
        raise RongheError(f"tile map: {len(order)} classes without order; patterns tell {len(PATTERNS)} apart")
    return {c: (fill, hatch, "white" if fill == "0.15" else "black", "")
            for c, (fill, hatch) in zip(order, PATTERNS, strict=False)}  # fmt: skip


def _places(regions: pd.DataFrame, wanted: pd.Index) -> pd.DataFrame:
    """Return the tiles of the regions with values, and of those that the table of regions keeps out of the sample."""
    outside = set(regions.index[~regions["in_sample"].astype(bool)]) if "in_sample" in regions else set()
    return regions.loc[[r for r in regions.index if r in {*wanted, *outside}], ["tile_row", "tile_column"]]


def _shape(axis: Axes, region: str, place: pd.Series, fill: Colour, ink: str, short: dict[str, str], text: str,
           hatch: str, outlines: dict[str, Outline] | None) -> None:  # fmt: skip
    """Draw one region: its tile with name and number, or its outline with the name alone."""
    name = short.get(region, region)
    if outlines is None:
        _tile(axis, place, fill, ink, name, text, hatch)
        return
    if region not in outlines:
        return
    draw_outline(axis, outlines[region], fill, hatch)
    axis.text(*outlines[region].centre, name, ha="center", va="center", color="black" if hatch else ink, fontsize=5)


def _tile(axis: Axes, place: pd.Series, fill: Colour, ink: str, name: str, text: str, hatch: str) -> None:
    from matplotlib.patches import Rectangle

    x, y = float(place["tile_column"]), -float(place["tile_row"])
    axis.add_patch(
        Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, facecolor=fill, edgecolor="0.35", linewidth=0.4, hatch=hatch)
    )
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.85} if hatch else None
    axis.text(x, y + (0.15 if text else 0), name, ha="center", va="center", color="black" if hatch else ink,
              fontsize=7.2, bbox=box)  # fmt: skip
    if text:
        axis.text(x, y - 0.22, text, ha="center", va="center", color=ink, fontsize=6)


def _finish(axis: Axes, title: str, regions: pd.DataFrame, wanted: pd.Index,
            outlines: dict[str, Outline] | None = None) -> None:  # fmt: skip
    axis.set_title(title, pad=2)
    if outlines is not None:
        frame_outlines(axis, outlines)
        return
    places = _places(regions, wanted)
    axis.set_xlim(places["tile_column"].min() - 0.6, places["tile_column"].max() + 0.6)
    axis.set_ylim(-places["tile_row"].max() - 0.6, -places["tile_row"].min() + 0.6)
    axis.set_aspect("equal")
    axis.set_axis_off()
