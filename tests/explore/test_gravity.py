"""Centre of gravity and deviational ellipse: symmetric layouts, known distances, projection there and back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.explore.gravity import ellipse, gravity_by_year
from ronghe.geography import EARTH_RADIUS_KM, project


def cross(step=1.0, centre=(100.0, 0.0)) -> pd.DataFrame:
    lon, lat = centre
    rows = {
        "e": (lon + step, lat),
        "n": (lon, lat + step),
        "s": (lon, lat - step),
        "w": (lon - step, lat),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["longitude", "latitude"]).rename_axis("region")


def panel(columns: dict[int, list[float]], index) -> pd.Series:
    frame = pd.DataFrame(columns, index=index).rename_axis("region").rename_axis("year", axis=1)
    return frame.stack().rename("y").astype(float)


def test_ellipse_of_a_tilted_line_and_a_cross():
    along = np.array([[-1.0, -1], [0, 0], [1, 1]])
    found = ellipse(along, np.ones(3))
    assert found["rotation"] == pytest.approx(45, abs=1e-9)
    assert found["long_axis"] == pytest.approx(np.sqrt(4 / 3), rel=1e-14) and found["short_axis"] == pytest.approx(
        0, abs=1e-7
    )
    wide = ellipse(np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]]), np.ones(4))
    assert wide["rotation"] == pytest.approx(90, abs=1e-9)
    assert (wide["long_axis"], wide["short_axis"]) == pytest.approx((np.sqrt(2), np.sqrt(0.5)), rel=1e-14)


def test_weights_pull_the_centre():
    regions = cross()
    found = gravity_by_year(panel({2013: [1, 1, 1, 1], 2014: [3, 1, 1, 1], 2015: [3, 1, 1, 1]}, regions.index), regions)
    assert found.loc[2013, ["longitude", "latitude"]].tolist() == pytest.approx([100, 0], abs=1e-9)
    # A third of the weight more to the east: a third of one degree along the equator.
    assert found.loc[2014, "longitude"] == pytest.approx(100 + 1 / 3, abs=1e-5)
    assert found.loc[2014, "moved"] == pytest.approx(np.radians(1 / 3) * EARTH_RADIUS_KM, rel=1e-4)
    assert found.loc[2014, "bearing"] == pytest.approx(90, abs=1e-6)
    assert np.isnan(found.loc[2013, "moved"]) and found.loc[2015, "moved"] == 0 and np.isnan(found.loc[2015, "bearing"])


def test_scale_does_not_matter():
    rng = np.random.default_rng(1)
    regions = pd.DataFrame(
        {"longitude": rng.uniform(75, 130, 20), "latitude": rng.uniform(20, 50, 20)},
        index=[f"r{i:02}" for i in range(20)],
    )
    values = panel({1: rng.random(20), 2: rng.random(20)}, regions.index)
    found, again = gravity_by_year(values, regions), gravity_by_year(values * 1e7, regions.iloc[::-1])
    pd.testing.assert_frame_equal(found, again, rtol=1e-9)
    # The eigenvalues keep the total variance of both coordinates.
    points = project(regions["longitude"], regions["latitude"], tuple(regions.mean()))
    w = values.xs(1, level="year").to_numpy()
    spread = np.average((points - np.average(points, axis=0, weights=w)) ** 2, axis=0, weights=w).sum()
    assert found.loc[1, "long_axis"] ** 2 + found.loc[1, "short_axis"] ** 2 == pytest.approx(spread, rel=1e-10)


def test_refusals():
    regions = cross()
    values = panel({1: [1, 1, 1, 1]}, regions.index)
    with pytest.raises(RongheError, match="no position for w"):
        gravity_by_year(values, regions.drop("w"))
    with pytest.raises(RongheError, match="gravity in 1: 'y' is missing or negative for n"):
        gravity_by_year(panel({1: [1, -1, 1, 1]}, regions.index), regions)
