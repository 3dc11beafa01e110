"""Outlines of regions for maps: polygons of a boundary file, projected to equal areas, and their drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ronghe.errors import RongheError, listing
from ronghe.geography import project

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True)
class Outline:
    """The rings of one region in km, and a point inside it for its name."""

    rings: tuple[np.ndarray, ...]
    centre: tuple[float, float]


def read_boundaries(path: str | Path, key: str, regions: Sequence[str]) -> dict[str, Outline]:
    """Return the outline of each region from a file of polygons whose field `key` holds the regions' names.

    Polygons in another coordinate system than degrees are converted first; the projection is Lambert's azimuthal
    equal-area about the middle of the regions, so that large and small regions compare.
    """
    import geopandas

    shapes = geopandas.read_file(path)
    if key not in shapes:
        raise RongheError(f"{path}: no field '{key}' (there: {listing(c for c in shapes if c != 'geometry')})")
    shapes = shapes[shapes[key].isin(list(regions))]
    absent = sorted(set(regions) - set(shapes[key]))
    if absent:
        raise RongheError(f"{path}: no polygon for {listing(absent)}; '{key}' must hold the names of the regions")
    shapes = shapes if shapes.crs is None else shapes.to_crs(4326)
    west, south, east, north = shapes.total_bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise RongheError(f"{path}: coordinates are not degrees; state the coordinate system in the file")
    origin = ((west + east) / 2, (south + north) / 2)
    return {region: _outline(shapes.geometry[shapes[key] == region].union_all(), origin) for region in regions}


def _outline(shape: BaseGeometry, origin: tuple[float, float]) -> Outline:
    """Project every ring of a polygon or of several, and find a point inside the largest."""
    parts = list(getattr(shape, "geoms", [shape]))
    rings = [project(*np.asarray(r.coords)[:, :2].T, origin) for p in parts for r in (p.exterior, *p.interiors)]
    inside = max(parts, key=lambda part: part.area).representative_point()
    (centre,) = project(np.array([inside.x]), np.array([inside.y]), origin)
    return Outline(tuple(rings), (float(centre[0]), float(centre[1])))


def draw_outline(axis: Axes, outline: Outline, fill: str | tuple[float, ...], hatch: str = "") -> None:
    """Fill one region; holes stay empty."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outlines

    path = Outlines.make_compound_path(*(Outlines(ring, closed=True) for ring in outline.rings))
    axis.add_patch(PathPatch(path, facecolor=fill, edgecolor="0.35", linewidth=0.3, hatch=hatch))


def frame_outlines(axis: Axes, outlines: Mapping[str, Outline]) -> None:
    """Fit the axes to all outlines, with equal scales and without a frame."""
    points = np.concatenate([ring for outline in outlines.values() for ring in outline.rings])
    margin = 0.02 * np.ptp(points, axis=0).max()
    axis.set_xlim(points[:, 0].min() - margin, points[:, 0].max() + margin)
    axis.set_ylim(points[:, 1].min() - margin, points[:, 1].max() + margin)
    axis.set_aspect("equal")
    axis.set_axis_off()
