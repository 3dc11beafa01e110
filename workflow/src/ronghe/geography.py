"""Distances and equal-area planes on the globe, by pyproj: one sphere, of the earth's mean radius, for every stage.

Geod on a sphere agrees with the haversine formula to 1e-12 relative from 200 m up and is symmetric to the last bit; it
takes 0.36 s for a million pairs where the formula takes 0.06.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from pyproj import Proj

EARTH_RADIUS_KM = 6371.0088  # mean radius (IUGG)


def great_circle_km(
    longitude: ArrayLike, latitude: ArrayLike, other_longitude: ArrayLike, other_latitude: ArrayLike
) -> np.ndarray:
    """Return the distance along the sphere between points in degrees; arrays broadcast against one another."""
    from pyproj import Geod

    sphere = Geod(a=1000 * EARTH_RADIUS_KM, b=1000 * EARTH_RADIUS_KM)
    ends = np.broadcast_arrays(longitude, latitude, other_longitude, other_latitude)
    # Geod.inv takes any shape only as a flat list.
    metres = sphere.inv(*(np.ravel(end).astype(float) for end in ends))[2]
    return np.reshape(metres, ends[0].shape) / 1000


def distance_matrix_km(coordinates: np.ndarray) -> np.ndarray:
    """Return the distances between all (longitude, latitude) rows in degrees."""
    longitude, latitude = np.asarray(coordinates, float).T
    return great_circle_km(longitude[:, None], latitude[:, None], longitude, latitude)


def sphere_points(longitude: ArrayLike, latitude: ArrayLike) -> np.ndarray:
    """Return points of the unit sphere; the straight line between two grows with the arc, so near stays near."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def chord(km: float) -> float:
    """Return the straight line through the unit sphere that spans an arc of `km`, at most the whole way round."""
    return 2 * np.sin(min(km / EARTH_RADIUS_KM, np.pi) / 2)


def equal_area_plane(origin: tuple[float, float]) -> Proj:
    """Return Lambert's azimuthal equal-area projection about `origin` (longitude, latitude), in km.

    Degrees are not distances: at 40 degrees north one of longitude is three quarters of one of latitude.
    """
    from pyproj import Proj

    longitude, latitude = map(float, origin)
    return Proj(proj="laea", lon_0=longitude, lat_0=latitude, R=1000 * EARTH_RADIUS_KM, units="km")


def project(longitude: ArrayLike, latitude: ArrayLike, origin: tuple[float, float]) -> np.ndarray:
    """Return (x, y) rows in km on the equal-area plane about `origin`."""
    return np.column_stack(equal_area_plane(origin)(longitude, latitude))


def unproject(points: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    """Return (longitude, latitude) rows in degrees of points on the equal-area plane about `origin`."""
    return np.column_stack(equal_area_plane(origin)(*np.asarray(points, float).T, inverse=True))
