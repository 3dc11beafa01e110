"""Centre of gravity and standard deviational ellipse of a variable, year by year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.explore.regional_values import by_region_and_year, require_amounts
from ronghe.geography import great_circle_km, project, unproject


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
    outside = position.index[((position.abs() > [180.0, 90.0]).any(axis=1)).to_numpy()]
    if len(outside):
        raise RongheError(
            f"centre of gravity: longitude beyond 180 or latitude beyond 90 degrees for {listing(outside)}; are "
            "the two exchanged?"
        )
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
    centres = table[["longitude", "latitude"]].to_numpy().T
    table["moved"] = [np.nan, *great_circle_km(*centres[:, :-1], *centres[:, 1:])]
    table["bearing"] = (np.degrees(np.arctan2(steps["x"], steps["y"])) % 360).where(table["moved"] > 0)
    table["flattening"] = 1 - table["short_axis"] / table["long_axis"].where(table["long_axis"] > 0)
    return table
