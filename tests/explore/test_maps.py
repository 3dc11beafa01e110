"""Outlines of regions: equal areas, holes, names, and the map that is drawn from them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.explore.maps import read_boundaries
from ronghe.geography import EARTH_RADIUS_KM

NAMES = ["south", "north"]


def box(west, south, east, north, steps=40):
    """A ring along meridians and parallels, in small steps, because parallels are curves."""
    lon, lat = np.linspace(west, east, steps), np.linspace(south, north, steps)
    low, high = np.full(steps, south), np.full(steps, north)
    left, right = np.full(steps, west), np.full(steps, east)
    ring = np.vstack([np.c_[lon, low], np.c_[right, lat], np.c_[lon[::-1], high], np.c_[left, lat[::-1]]])
    return np.vstack([ring, ring[:1]]).tolist()


@pytest.fixture
def boundaries(tmp_path):
    shapes = {
        "south": [box(0, 0, 10, 10), box(4, 4, 6, 6)],
        "north": [box(0, 50, 10, 60)],
        "other": [box(50, 0, 60, 9)],
    }
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": rings}}
        for name, rings in shapes.items()
    ]
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def shoelace(ring):
    x, y = ring.T
    return abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def on_sphere(south, north, degrees):
    return EARTH_RADIUS_KM**2 * np.radians(degrees) * (np.sin(np.radians(north)) - np.sin(np.radians(south)))


def test_areas_are_those_of_the_globe(boundaries):
    found = read_boundaries(boundaries, "name", NAMES)
    assert list(found) == NAMES
    outer, hole = found["south"].rings
    assert shoelace(outer) == pytest.approx(on_sphere(0, 10, 10), rel=1e-3)
    assert shoelace(hole) == pytest.approx(on_sphere(4, 6, 2), rel=1e-3)
    assert shoelace(found["north"].rings[0]) == pytest.approx(on_sphere(50, 60, 10), rel=1e-3)


def test_centre_lies_inside_the_region(boundaries):
    from matplotlib.path import Path

    outline = read_boundaries(boundaries, "name", NAMES)["south"]
    outer, hole = (Path(ring) for ring in outline.rings)
    assert outer.contains_point(outline.centre) and not hole.contains_point(outline.centre)


def test_map_of_outlines_shares_one_scale(boundaries):
    from ronghe.paper.figures.tile_map import class_map, number_map

    index = pd.MultiIndex.from_product([NAMES, [2001, 2002]], names=["region", "year"])
    regions = pd.DataFrame({"tile_row": [1, 2], "tile_column": [1, 1]}, index=NAMES)
    outlines = read_boundaries(boundaries, "name", NAMES)
    values = pd.Series([1.0, 2.0, 3.0, 1.0], index=index)
    figure = number_map(values, regions, [2001, 2002], {}, outlines=outlines)
    fills = [[patch.get_facecolor() for patch in axis.patches] for axis in figure.axes[:2]]
    # south rises from 1 to 2, north falls from 3 to 1: equal values, equal ink in both years.
    assert fills[0][0] == fills[1][1] and len(set(fills[0])) == 2
    classes = pd.Series(["high", "low", "low", "low"], index=index)
    figure = class_map(classes, regions, [2001, 2002], {}, ["low", "high"], {}, outlines)
    assert [text.get_text() for text in figure.axes[0].texts] == NAMES


def test_bad_boundaries_are_refused(boundaries, tmp_path):
    with pytest.raises(RongheError, match="no field 'nom' .there: name"):
        read_boundaries(boundaries, "nom", NAMES)
    with pytest.raises(RongheError, match="no polygon for west"):
        read_boundaries(boundaries, "name", [*NAMES, "west"])
    content = json.loads(boundaries.read_text())
    content["features"][0]["geometry"]["coordinates"] = [[[0, 0], [5e5, 0], [5e5, 5e5], [0, 0]]]
    path = tmp_path / "metres.geojson"
    path.write_text(json.dumps(content))
    with pytest.raises(RongheError, match="not degrees"):
        read_boundaries(path, "name", NAMES)
