"""Maps without tiles: a square for each region at its position, small multiples over years, thousands of regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.geography import project, require_degrees
from ronghe.paper.figures.canvas import panels
from ronghe.paper.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

# Above this many regions the scale ends at the 1st and 99th percentile, so that a few do not take all the greys, and
# the squares are one picture in PDF and SVG, not an object each.
MANY = 200
ENDS = (0.01, 0.99)
HEIGHT = 3.1


def number_map(values: pd.Series, regions: pd.DataFrame, years: list[int], title: str, labels: Labels) -> Figure:
    """Draw a number by (region, year) in greys on one scale shared by all years; a region without figure is a cross."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shown = values[values.index.get_level_values("year").isin(years)]
    places, many = _places(regions, shown), shown.index.get_level_values("region").nunique() > MANY
    low, high = shown.quantile(list(ENDS)) if many else (shown.min(), shown.max())
    scale, colours = Normalize(low, high, clip=True), LinearSegmentedColormap.from_list("ink", ["#e9e9e9", "#101010"])
    figure, axes = panels(len(years), 2 if len(years) in (2, 4) else 3, "full", HEIGHT)
    for axis, year in zip(axes, years, strict=True):
        frame = values.xs(year, level="year").reindex(places.index)
        _squares(axis, places, frame.to_numpy(float), scale, colours)
        axis.set_title(str(year), pad=2)
    bar = figure.colorbar(
        ScalarMappable(scale, colours), ax=axes, location="bottom", shrink=0.5, aspect=40, pad=0.01,
        extend="both" if many else "neither",
    )  # fmt: skip
    bar.outline.set_linewidth(0.4)
    said = [labels.word("maps.positions", f"{len(places):,}"), *([labels.word("maps.percentiles")] if many else [])]
    bar.set_label(f"{title}\n{labels.join(said)}")
    return figure


def class_map(
    classes: pd.Series, regions: pd.DataFrame, years: list[int], order: list[str], names: dict[str, str], labels: Labels
) -> Figure:
    """Draw a class by (region, year) in greys in the order given; a region without class is a cross."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.lines import Line2D

    unknown = sorted(set(classes.dropna().astype(str)) - set(order))
    if unknown:
        raise RongheError(f"map: classes {listing(unknown)} are not in the figure's `order`: {listing(order)}")
    places = _places(regions, classes[classes.index.get_level_values("year").isin(years)])
    scale, colours = Normalize(0, max(1, len(order) - 1)), LinearSegmentedColormap.from_list("ink", ["0.92", "0.05"])
    figure, axes = panels(len(years), 2 if len(years) in (2, 4) else 3, "full", HEIGHT)
    for axis, year in zip(axes, years, strict=True):
        frame = classes.xs(year, level="year").reindex(places.index)
        codes = frame.astype(object).map({name: k for k, name in enumerate(order)}, na_action="ignore")
        _squares(axis, places, codes.to_numpy(float), scale, colours)
        axis.set_title(str(year), pad=2)
    handles = [
        Line2D([], [], linestyle="", marker="s", color=colours(scale(k)), label=names.get(name, name))
        for k, name in enumerate(order)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(order), 4), columnspacing=1.0,
                  title=labels.word("maps.positions", f"{len(places):,}"))  # fmt: skip
    return figure


def _places(regions: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Return the place of every region with values, in km on a plane of equal areas."""
    known = regions[regions.index.isin(values.index.unique("region"))]
    degrees = known[["longitude", "latitude"]].to_numpy(float)
    require_degrees(degrees, list(known.index), "map")
    middle = (degrees.max(axis=0) + degrees.min(axis=0)) / 2
    return pd.DataFrame(project(*degrees.T, tuple(middle)), known.index, ["x", "y"])


def _squares(axis: Axes, places: pd.DataFrame, numbers: np.ndarray, scale: Normalize, colours: Colormap) -> None:
    """Draw the squares, as large as the map has room for."""
    spread = np.ptp(places.to_numpy(), axis=0)
    box = axis.get_position()
    room = np.array(axis.figure.get_size_inches()) * [box.width, box.height] * 72
    # Points of print per km, and the side of a square that has each region's share of the rectangle around all.
    side = 0.9 * np.sqrt(np.prod(spread) / len(places)) * (room / spread).min() if len(places) > 1 else 20.0
    known, style = np.isfinite(numbers), {"linewidths": 0, "clip_on": False, "rasterized": len(places) > MANY}
    spot = places[known]
    axis.scatter(spot["x"], spot["y"], s=side**2, c=colours(scale(numbers[known])), marker="s", **style)
    absent = places[~known]
    axis.scatter(absent["x"], absent["y"], s=side**2, color="0.35", marker="x", linewidths=0.6)
    axis.set_aspect("equal")
    axis.set_axis_off()
