"""Turns one figure entry of the configuration into a drawing, from stored results only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ronghe.batch import make_each
from ronghe.paper.figures import (
    curve,
    effect_densities,
    estimates,
    impacts,
    intervals,
    lines,
    matrix,
    network,
    ridges,
    scatter,
    specification_curve,
    tile_map,
    trends,
    vibration,
    workflow,
)
from ronghe.paper.figures.canvas import canvas, save
from ronghe.paper.labels import Labels
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: dict[str, Callable[[Sources], Figure]] = {
    "tile_map": tile_map.draw,
    "network": network.draw,
    "trends": trends.draw,
    "lines": lines.draw,
    "ridges": ridges.draw,
    "curve": curve.draw,
    "scatter": scatter.draw,
    "intervals": intervals.draw,
    "impacts": impacts.draw,
    "estimates": estimates.draw,
    "matrix": matrix.draw,
    "specification_curve": specification_curve.draw,
    "effect_densities": effect_densities.draw,
    "vibration": vibration.draw,
    "workflow": workflow.draw,
}


def draw_figure(
    name: str,
    entry: dict,
    labels: Labels,
    folder: str | Path,
    *,
    panel: Sequence[str] = (),
    files: Sequence[str] = (),
    regions: str | None = None,
    models: str | Path = "",
) -> None:
    """Draw the figure that an entry declares and save it as PDF, SVG and PNG."""
    source = Sources("figures", name, entry, labels, panel, files, regions, models)
    with canvas(labels.language):
        save(KINDS[entry["kind"]](source), name, folder)


def draw_figures(
    entries: dict[str, dict],
    labels: Labels,
    folder: str | Path,
    *,
    reads: dict[str, dict[str, Sequence[str]]],
    models: str | Path = "",
) -> None:
    """Draw the figures of a section, each from the files that it reads; all are tried, and every fault is told."""

    def draw(name: str) -> None:
        read, regions = reads[name], next(iter(reads[name]["regions"]), None)
        given = {"panel": read["panel"], "files": read["files"], "regions": regions, "models": models}
        draw_figure(name, entries[name], labels, folder, **given)

    make_each(entries, draw)
