"""How many pairs of plants stand how far apart: exactly for few, through a raster and Fourier transforms for many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import fft
from scipy.spatial.distance import cdist

from ronghe.errors import RongheError
from ronghe.geography import EARTH_RADIUS_KM, sphere_points

# A raster of this many cells takes half a gigabyte in transforms.
MOST_CELLS = 2**24
# Rows of pairs taken at once: 32 MB of distances.
CHUNK = 2**22


class PairCounts(Protocol):
    """Counts pairs of sites by distance: `distances` of the bins, and `variance`, how far a bin's pairs scatter."""

    distances: np.ndarray
    variance: float

    def within(self, members: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return for each bin the sum over ordered pairs i != j of members of e_i e_j (1 without weights)."""

    def between(
        self, first: np.ndarray, second: np.ndarray, weights: tuple[np.ndarray, np.ndarray] | None
    ) -> np.ndarray:
        """Return for each bin the sum over pairs (i, j) of one of the first and one of the second of e_i e_j."""


@dataclass(frozen=True)
class ExactPairs:
    """Distances of all pairs, along the sphere or on the plane, in bins of `width` km, shared by the two bins about."""

    coordinates: np.ndarray
    spherical: bool
    reach: float
    width: float

    variance = 0.0

    @cached_property
    def distances(self) -> np.ndarray:
        """Distance of each bin."""
        return np.arange(int(np.ceil(self.reach / self.width)) + 2) * self.width

    def within(self, members: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return the ordered pairs of different members."""
        counts = self.between(members, members, None if weights is None else (weights, weights))
        counts[0] -= len(members) if weights is None else weights @ weights
        return counts

    def between(
        self, first: np.ndarray, second: np.ndarray, weights: tuple[np.ndarray, np.ndarray] | None
    ) -> np.ndarray:
        """Return the pairs of one of each."""
        counts = np.zeros(len(self.distances))
        step = max(1, CHUNK // max(1, len(second)))
        for start in range(0, len(first), step):
            rows = first[start : start + step]
            d = self._distances(rows, second)
            near = d <= self.reach
            e = None if weights is None else (weights[0][start : start + step, None] * weights[1])[near]
            below, share = np.divmod(d[near] / self.width, 1.0)
            below = below.astype(np.intp)
            up = share if e is None else share * e
            down = 1 - share if e is None else (1 - share) * e
            counts += np.bincount(below, down, len(counts)) + np.bincount(below + 1, up, len(counts))
        return counts

    @cached_property
    def points(self) -> np.ndarray:
        """Sites as points of the unit sphere, or of the plane."""
        return sphere_points(*self.coordinates.T) if self.spherical else self.coordinates

    def _distances(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        straight = cdist(self.points[rows], self.points[columns])
        return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(straight / 2, 1)) if self.spherical else straight


class RasterPairs:
    """Pairs by the cells of a raster that they stand in, as the autocorrelation of the counts of plants in cells.

    Two plants in cells whose centres are D apart, anywhere in them, are sqrt(D^2 + a^2/6) apart on average with
    variance a^2/6 (a: side of a cell; second order in a/D). The variance adds to that of the kernel, so that what is
    left of the raster is of higher order in a/h. Counts of pairs are whole numbers, and rounding to them removes the
    error of the transforms.
    """

    def __init__(self, points: np.ndarray, reach: float, side: float) -> None:
        low = points.min(axis=0)
        place = ((points - low) / side).astype(np.int64)
        self.shape = tuple(int(n) + 1 for n in place.max(axis=0))
        if np.prod(self.shape) > MOST_CELLS:
            raise RongheError(
                f"a raster of {self.shape[0]} x {self.shape[1]} cells of {side:.3g} km is too large; give a wider "
                "'bandwidth' or 'cell', or leave far-off points out"
            )
        self.cells = (place[:, 0] * self.shape[1] + place[:, 1]).astype(np.int32)
        self.variance = side**2 / 6
        lags = min(int(np.ceil(reach / side)), max(self.shape) - 1)
        rows, columns = (min(lags, n - 1) for n in self.shape)
        # Padding by the largest lag wanted: what wraps round lies beyond it.
        self.padded = tuple(
            fft.next_fast_len(n + lag, real=True) for n, lag in zip(self.shape, (rows, columns), strict=True)
        )
        self.rows = np.arange(-rows, rows + 1) % self.padded[0]
        down, across = np.meshgrid(np.arange(-rows, rows + 1), np.arange(-columns, columns + 1), indexing="ij")
        apart = np.sqrt((down**2 + across**2) * side**2 + self.variance)
        wanted = apart <= reach
        width = side / 8
        self.taken = (np.nonzero(wanted)[0] * self.padded[1] + (across % self.padded[1])[wanted]).astype(np.int64)
        self.bins = np.rint(apart[wanted] / width).astype(np.int32)
        self.distances = np.arange(int(self.bins.max(initial=0)) + 1) * width
        self.origin = int(np.rint(np.sqrt(self.variance) / width))

    def _transform(self, members: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        counts = np.bincount(self.cells[members], weights, self.shape[0] * self.shape[1])
        rows = fft.rfft(counts.reshape(self.shape), self.padded[1], axis=1)
        return fft.fft(rows, self.padded[0], axis=0, overwrite_x=True)

    def _correlation(self, product: np.ndarray, whole: bool) -> np.ndarray:
        near = fft.ifft(product, axis=0, overwrite_x=True)[self.rows]
        values = fft.irfft(near, self.padded[1], axis=1).ravel()[self.taken]
        return np.bincount(self.bins, np.rint(values) if whole else values, len(self.distances))

    def within(self, members: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return the ordered pairs of different members."""
        F = self._transform(members, weights)
        counts = self._correlation(F.real**2 + F.imag**2 + 0j, weights is None)
        counts[self.origin] -= len(members) if weights is None else weights @ weights
        return counts

    def between(
        self, first: np.ndarray, second: np.ndarray, weights: tuple[np.ndarray, np.ndarray] | None
    ) -> np.ndarray:
        """Return the pairs of one of each."""
        one, other = weights or (None, None)
        product = self._transform(first, one) * self._transform(second, other).conj()
        return self._correlation(product, weights is None)
