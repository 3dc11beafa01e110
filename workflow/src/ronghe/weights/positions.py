"""Positions on the globe: checked coordinates, great-circle distances, and the pairs that lie near one another.

libpysal finds the same neighbours, but breaks ties by the order of rows and returns its haversine distances in radians
where kilometres are documented (4.14); so the search is here, on points of the sphere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ronghe.errors import RongheError, listing
from ronghe.geography import EARTH_RADIUS_KM, chord, great_circle_km, sphere_points

# Two distances that differ by less than this share of the larger are equal: rounding must not decide who is nearest.
SAME_DISTANCE = 1e-9


@dataclass(frozen=True)
class Positions:
    """Units with longitude and latitude in degrees, as points of the sphere."""

    labels: tuple[str, ...]
    longitude: np.ndarray
    latitude: np.ndarray

    @classmethod
    def from_table(cls, regions: pd.DataFrame, name: str = "regions") -> Positions:
        """Read `longitude` and `latitude` of a table keyed by region; refuse gaps, values out of range, double keys."""
        absent = [c for c in ("longitude", "latitude") if c not in regions]
        if absent:
            raise RongheError(f"{name}: no column {listing(absent)}; weights by distance need positions")
        if regions.index.has_duplicates:
            raise RongheError(f"{name}: stands twice: {listing(regions.index[regions.index.duplicated()].unique())}")
        values = {c: regions[c].to_numpy(float) for c in ("longitude", "latitude")}
        for column, limit in (("longitude", 180.0), ("latitude", 90.0)):
            bad = regions.index[~(np.abs(values[column]) <= limit)]
            if len(bad):
                found = listing(f"{unit} ({regions.at[unit, column]})" for unit in bad)
                raise RongheError(
                    f"{name}: {column} must be a number from -{limit:g} to {limit:g} degrees: {found}; "
                    "see whether the two columns are exchanged"
                )
        return cls(tuple(regions.index), values["longitude"], values["latitude"])

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.labels)

    @cached_property
    def points(self) -> np.ndarray:
        """Points of the unit sphere, between which the search goes."""
        return sphere_points(self.longitude, self.latitude)

    @cached_property
    def rank(self) -> np.ndarray:
        """Place of each unit in the order of names, which settles ties whatever the order of rows."""
        return np.argsort(np.argsort(np.array([str(label) for label in self.labels]), kind="stable"))

    def distances(self, focal: np.ndarray, neighbor: np.ndarray) -> np.ndarray:
        """Return great-circle distances in km between paired units."""
        lon, lat = self.longitude, self.latitude
        return great_circle_km(lon[focal], lat[focal], lon[neighbor], lat[neighbor])

    def nearest(self, k: int) -> np.ndarray:
        """Return the k nearest other units of each unit, n x k, nearest first; ties go by the order of names."""
        if not 1 <= k < self.n:
            raise RongheError(f"{k} nearest neighbours of {self.n} units: choose from 1 to {self.n - 1}")
        found = np.empty((self.n, k), dtype=int)
        tree, pending, asked = cKDTree(self.points), np.arange(self.n), k + 9
        while len(pending):
            asked = min(asked, self.n)
            chord, near = tree.query(self.points[pending], k=asked)
            other = near != pending[:, None]
            # A unit may not find itself first among others at the same place, or not at all.
            settled = (chord[:, -1] > chord[:, k] * (1 + SAME_DISTANCE)) | (asked == self.n)
            rows = np.flatnonzero(settled)
            tied = np.cumsum(np.diff(chord[rows], axis=1, prepend=0.0) > SAME_DISTANCE * chord[rows], axis=1)
            order = np.lexsort((self.rank[near[rows]], tied, ~other[rows]), axis=1)
            found[pending[rows]] = np.take_along_axis(near[rows], order, axis=1)[:, :k]
            pending, asked = pending[~settled], asked * 2
        return found

    def pairs(self, cutoff_km: float | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return all ordered pairs of different units within a distance, and the distance of each."""
        if cutoff_km is None or cutoff_km >= np.pi * EARTH_RADIUS_KM:
            focal, neighbor = np.nonzero(~np.eye(self.n, dtype=bool))
            return focal, neighbor, self.distances(focal, neighbor)
        reach = chord(cutoff_km) * (1 + 1e-9)
        once = cKDTree(self.points).query_pairs(reach, output_type="ndarray")
        focal, neighbor = np.concatenate([once, once[:, ::-1]]).T
        distance = self.distances(focal, neighbor)
        within = distance <= cutoff_km * (1 + 1e-12)
        return focal[within], neighbor[within], distance[within]

    def take(self, units: Sequence[str]) -> Positions:
        """Return the positions of some units, in the order given."""
        place = {label: i for i, label in enumerate(self.labels)}
        absent = [unit for unit in units if unit not in place]
        if absent:
            raise RongheError(f"no position of {listing(absent)}")
        rows = [place[unit] for unit in units]
        return Positions(tuple(units), self.longitude[rows], self.latitude[rows])
