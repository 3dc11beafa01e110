"""The network of neighbours: regions at their places, links of W as wide as they weigh, nodes sized by a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.paper.figures.canvas import panels
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Nodes in square points and links in points, from the least to the largest.
NODES, LINKS = (25.0, 280.0), (0.25, 2.2)
# Above this many regions none is named or moved; nodes and links are small.
MANY, SMALL_NODES, SMALL_LINKS = 150, (0.5, 9.0), (0.1, 0.5)


def draw(source: Sources) -> Figure:
    """Draw the links of the entry's weights between the regions that they join."""
    regions, variable = source.regions(), source.get("variable")
    year = source.get("years", [None])[-1]
    values = source.panel([variable], "variable")[variable].xs(year, level="year")
    title = source.text("title")
    if len(values) > MANY:
        title = f"{title}\n{source.labels.word('maps.links', f'{len(values):,}')}"
    return draw_network(source.rows(), regions.loc[values.index], values, source.short_names(values.index), title)


def draw_network(
    edges: pd.DataFrame, regions: pd.DataFrame, values: pd.Series, short: dict[str, str], title: str = ""
) -> Figure:
    """Draw every pair of neighbours once, as wide as the larger of its two weights; darker nodes are larger values."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patheffects import withStroke

    figure, (axis,) = panels(1, 1, "full", 4.15)
    # A degree of longitude is shorter than one of latitude: the map keeps shapes at its middle.
    shrink = np.cos(np.deg2rad(regions["latitude"].mean()))
    share = (values - values.min()) / (values.max() - values.min())
    many = len(regions) > MANY
    (least, most), (thin, thick) = (SMALL_NODES, SMALL_LINKS) if many else (NODES, LINKS)
    sizes = least + (most - least) * share
    x, y = regions["longitude"] * shrink, regions["latitude"]
    if not many:
        x, y = _apart(x, y, np.sqrt(sizes / np.pi), figure.get_size_inches())
    pairs = edges.assign(pair=[tuple(sorted(p)) for p in zip(edges["focal"], edges["neighbor"], strict=True)])
    widest = pairs.groupby("pair")["weight"].max()
    lines = [[(x[first], y[first]), (x[second], y[second])] for first, second in widest.index]
    widths = thin + (thick - thin) * widest.to_numpy() / widest.max()
    axis.add_collection(LineCollection(lines, colors="0.55", linewidths=widths, zorder=1, rasterized=many))
    colours = LinearSegmentedColormap.from_list("ink", ["#f0f0f0", "#252525"])
    axis.scatter(
        x,
        y,
        s=sizes,
        c=[colours(s) for s in share],
        edgecolor="black",
        linewidth=0.1 if many else 0.5,
        zorder=2,
        rasterized=many,
    )
    for region in () if many else regions.index:
        inside = share[region] > 0.35
        axis.annotate(
            short[region], (x[region], y[region]), (0, 0 if inside else 3 + np.sqrt(sizes[region]) / 2),
            textcoords="offset points", ha="center", va="center" if inside else "bottom", fontsize=7, zorder=3,
            color="white" if share[region] > 0.55 and inside else "black",
            path_effects=[] if inside else [withStroke(linewidth=1.6, foreground="white")],
        )  # fmt: skip
    for step in (0.0, 0.5, 1.0):
        value = values.min() + step * (values.max() - values.min())
        axis.scatter([], [], s=least + (most - least) * step, color=[colours(step)], edgecolor="black",
                     linewidth=0.5, label=f"{value:.2f}")  # fmt: skip
    beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if many else {"loc": "lower left"}
    axis.legend(title=title, labelspacing=1.3, borderpad=0.8, handletextpad=1.0, **beside)
    axis.set_aspect("equal")
    axis.margins(0.06)
    axis.set_axis_off()
    return figure


def _apart(x: pd.Series, y: pd.Series, radii: pd.Series, inches: np.ndarray) -> tuple[pd.Series, pd.Series]:
    """Move nodes that would cover one another just so far apart that they touch; radii are in points."""
    points = 72 * 0.85 * min(inches[0] / np.ptp(x), inches[1] / np.ptp(y))
    place, reach = np.column_stack([x, y]).astype(float), radii.to_numpy() / points
    for _ in range(100):
        gap = place[:, None] - place[None]
        distance = np.hypot(gap[..., 0], gap[..., 1]) + np.eye(len(place)) * 1e9
        over = np.clip(reach[:, None] + reach[None] - distance, 0, None)
        if not over.any():
            break
        place += (gap / np.maximum(distance, 1e-9)[..., None] * over[..., None]).sum(axis=1) / 2
    return pd.Series(place[:, 0], x.index), pd.Series(place[:, 1], y.index)
