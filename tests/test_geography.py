"""The globe: great circles, equal areas, and the way back from the plane."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.geography import (
    EARTH_RADIUS_KM,
    chord,
    distance_matrix_km,
    great_circle_km,
    project,
    sphere_points,
    unproject,
)


def test_projection_there_and_back():
    rng = np.random.default_rng(0)
    places = np.column_stack([rng.uniform(75, 135, 50), rng.uniform(18, 53, 50)])
    origin = (105.0, 36.0)
    np.testing.assert_allclose(unproject(project(*places.T, origin), origin), places, rtol=1e-12)
    np.testing.assert_allclose(project(*np.array([origin]).T, origin), [[0, 0]], atol=1e-9)


def test_projection_keeps_areas():
    """A degree cell far from the origin has its area on the sphere, R^2 (sin b2 - sin b1) (l2 - l1)."""
    edge = np.linspace(0, 1, 200)
    ring = np.concatenate(
        [np.c_[130 + edge, 0 * edge + 45], np.c_[0 * edge + 131, 45 + edge], np.c_[131 - edge, 0 * edge + 46],
         np.c_[0 * edge + 130, 46 - edge]]
    )  # fmt: skip
    x, y = project(*ring.T, (105.0, 36.0)).T
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    exact = EARTH_RADIUS_KM**2 * (np.sin(np.radians(46)) - np.sin(np.radians(45))) * np.radians(1)
    assert area == pytest.approx(exact, rel=1e-5)


def test_great_circle():
    quarter = np.pi / 2 * EARTH_RADIUS_KM
    assert great_circle_km(0, 0, 90, 0) == pytest.approx(quarter, rel=1e-14)
    assert great_circle_km(10, 20, -30, 90) == pytest.approx(quarter * 70 / 90, rel=1e-14)
    assert great_circle_km(10, 20, 10, 20) == 0


def test_distances_equal_the_haversine_formula_and_are_symmetric_to_the_last_bit():
    rng = np.random.default_rng(0)
    coordinates = np.column_stack([rng.uniform(75, 135, 60), rng.uniform(-50, 53, 60)])
    longitude, latitude = np.radians(coordinates).T
    half = np.sin((latitude[:, None] - latitude) / 2) ** 2
    half += np.cos(latitude[:, None]) * np.cos(latitude) * np.sin((longitude[:, None] - longitude) / 2) ** 2
    found = distance_matrix_km(coordinates)
    np.testing.assert_allclose(found, 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half)), rtol=1e-11)
    assert (found == found.T).all() and (np.diag(found) == 0).all()


def test_chords_of_the_unit_sphere_span_the_arc():
    points = sphere_points([0, 3], [40, 41])
    arc = float(great_circle_km(0, 40, 3, 41))
    assert chord(arc) == pytest.approx(np.linalg.norm(points[0] - points[1]), rel=1e-12)
    assert chord(1e6) == pytest.approx(2)
