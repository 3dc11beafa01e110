"""Centre of gravity and standard deviational ellipse of a variable, year by year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.explore.distribution import by_region_and_year, require_amounts

EARTH_RADIUS = 6371.0088  # km, mean radius (IUGG)


def project(longitude: np.ndarray, latitude: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    """Return Lambert azimuthal equal-area coordinates in km about `origin` (Snyder 1987, eqs 24-2 to 24-4, sphere).

    Degrees are not distances: at 40 degrees north one of longitude is three quarters of one of latitude.
    """
    lon, lat = np.radians(np.asarray(longitude, float)), np.radians(np.asarray(latitude, float))
    lon0, lat0 = np.radians(origin)
    cosine = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(lon - lon0)
    k = EARTH_RADIUS * np.sqrt(2 / (1 + cosine))
    x = k * np.cos(lat) * np.sin(lon - lon0)
    y = k * (np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(lon - lon0))
    return np.column_stack([x, y])


def unproject(points: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    """Return longitude and latitude in degrees of projected points (Snyder 1987, eqs 20-14, 20-15 and 24-16)."""
    lon0, lat0 = np.radians(origin)
    x, y = np.asarray(points, float).T
    rho = np.hypot(x, y)
    c = 2 * np.arcsin(rho / (2 * EARTH_RADIUS))
    ratio = np.divide(np.sin(c), rho, out=np.zeros_like(rho), where=rho > 0)
    lat = np.arcsin(np.cos(c) * np.sin(lat0) + y * ratio * np.cos(lat0))
    lon = lon0 + np.arctan2(x * np.sin(c), rho * np.cos(lat0) * np.cos(c) - y * np.sin(lat0) * np.sin(c))
    return np.degrees(np.column_stack([lon, lat]))


def great_circle(start: np.ndarray, end: np.ndarray) -> float:
    """Return the distance in km between two (longitude, latitude) points (haversine formula)."""
    lon1, lat1, lon2, lat2 = np.radians([*start, *end])
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return float(2 * EARTH_RADIUS * np.arcsin(np.sqrt(h)))


def ellipse(points: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Return centre, semi-axes, and rotation of the weighted standard deviational ellipse in the plane.

    The semi-axes are the square roots of the eigenvalues of the weighted covariance matrix (Yuill 1971; Wang, Shi and
    Miao 2015), one standard deviation each and without the factor sqrt(2) of some programs; the rotation is the long
    axis's direction clockwise from north, in degrees from 0 to 180.
    """
    w = weights / weights.sum()
    centre = w @ points
    deviations = points - centre
    variances, axes = np.linalg.eigh((deviations * w[:, None]).T @ deviations)
    short, long = np.sqrt(np.maximum(variances, 0.0))
    rotation = np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180
    return {"x": centre[0], "y": centre[1], "long_axis": long, "short_axis": short, "rotation": rotation}


def gravity_by_year(values: pd.Series, regions: pd.DataFrame) -> pd.DataFrame:
    """Return by year the centre of gravity, its move since the year before, and the standard deviational ellipse.

    `regions` gives longitude and latitude of each region (of its seat, unless the user has better). All distances are
    in km: positions are projected on one equal-area plane about the regions' plain mean, the same for every year.
    `moved` is the great-circle distance from last year's centre and `bearing` its direction on that plane, clockwise
    from north.
    """
    panel = by_region_and_year(values)
    position = regions.reindex(panel.index)[["longitude", "latitude"]].astype(float)
    lost = position.index[position.isna().any(axis=1)]
    if len(lost):
        raise RongheError(f"centre of gravity: no position for {listing(lost)}; add longitude and latitude")
    origin = tuple(position.mean())
    points = project(position["longitude"].to_numpy(), position["latitude"].to_numpy(), origin)
    rows = {}
    for year, column in panel.items():
        mass = require_amounts(column.rename(values.name), f"centre of gravity in {year}")
        found = ellipse(points, mass)
        longitude, latitude = unproject(np.array([[found["x"], found["y"]]]), origin)[0]
        area = np.pi * found["long_axis"] * found["short_axis"]
        rows[year] = {"longitude": longitude, "latitude": latitude, **found, "area": area}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("year")
    steps = table[["x", "y"]].diff()
    centres = table[["longitude", "latitude"]].to_numpy()
    table["moved"] = [np.nan, *(great_circle(*pair) for pair in zip(centres[:-1], centres[1:], strict=True))]
    table["bearing"] = (np.degrees(np.arctan2(steps["x"], steps["y"])) % 360).where(table["moved"] > 0)
    table["flattening"] = 1 - table["short_axis"] / table["long_axis"].where(table["long_axis"] > 0)
    return table
