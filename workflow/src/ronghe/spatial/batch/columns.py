"""Projected columns that many fits share, some of which may differ from draw to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Columns:
    """Columns `flat` (cell, column); `values` (draw, place, cell), where given, stand in for those at `places`."""

    flat: np.ndarray
    places: tuple[int, ...] = ()
    values: np.ndarray | None = None

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return self.flat.shape[1]

    def replaced(self, places: tuple[int, ...], values: np.ndarray) -> Columns:
        """Return the columns with those at `places` taken from draws."""
        flat = self.flat.copy()
        flat[:, places] = 0.0
        return Columns(flat, places, np.ascontiguousarray(values))

    def picked(self, places: Sequence[int]) -> Columns:
        """Return some columns alone."""
        drawn = tuple(k for k, place in enumerate(places) if place in self.places)
        values = self.values[:, [self.places.index(places[k]) for k in drawn]] if drawn else None
        return Columns(self.flat[:, list(places)], drawn, values)

    def beside(self, other: Columns, places: Sequence[int] | None = None) -> Columns:
        """Return some columns, or all, and the same of another with the same draws and places."""
        places = range(self.n_columns) if places is None else places
        flat = np.concatenate([self.flat[:, places], other.flat[:, places]], axis=1)
        drawn = [k for k, place in enumerate(places) if place in self.places]
        if not drawn:
            return Columns(flat)
        chosen = [self.places.index(places[k]) for k in drawn]
        values = np.concatenate([self.values[:, chosen], other.values[:, chosen]], axis=1)
        return Columns(flat, (*drawn, *(len(places) + k for k in drawn)), values)

    def halves(self) -> tuple[Columns, Columns]:
        """Return the two that stand `beside` one another, without a copy."""
        n, d = self.n_columns // 2, len(self.places) // 2
        left, right = (None, None) if self.values is None else (self.values[:, :d], self.values[:, d:])
        places = self.places[:d]
        return Columns(self.flat[:, :n], places, left), Columns(self.flat[:, n:], places, right)

    def less(self, basis: np.ndarray) -> Columns:
        """Return the columns less their projection on orthonormal vectors (cell, vector)."""
        values = None if self.values is None else less(self.values, basis)
        return Columns(self.flat - basis @ (basis.T @ self.flat), self.places, values)

    def column(self, place: int, draw: np.ndarray | None) -> np.ndarray:
        """Return one column of each fit as (fit, cell), or of all as (1, cell)."""
        return self.values[draw, self.places.index(place)] if place in self.places else self.flat[None, :, place]

    def squares(self) -> np.ndarray:
        """Return the columns' sums of squares, (draw or 1, column)."""
        shared = np.einsum("nk,nk->k", self.flat, self.flat)[None]
        if self.values is None:
            return shared
        found = np.repeat(shared, len(self.values), axis=0)
        found[:, list(self.places)] = np.einsum("bkn,bkn->bk", self.values, self.values)
        return found

    def products(self, other: Columns) -> np.ndarray:
        """Return the products with other columns that have the same draws and places, (draw or 1, column, column)."""
        shared = (self.flat.T @ other.flat)[None]
        if self.values is None:
            return shared
        places = list(self.places)
        found = np.repeat(shared, len(self.values), axis=0)
        crossed = _times(self.values, other.flat)
        found[:, places, :] = crossed
        found[:, :, places] = (crossed if other is self else _times(other.values, self.flat)).transpose(0, 2, 1)
        found[np.ix_(range(len(found)), places, places)] = self.values @ other.values.transpose(0, 2, 1)
        return found

    def combine(self, coefficients: np.ndarray, columns: np.ndarray, draw: np.ndarray | None) -> np.ndarray:
        """Return the columns (fit, coefficient) times their coefficients, as (fit, cell)."""
        full = np.zeros((len(coefficients), self.n_columns))
        np.put_along_axis(full, columns, coefficients, axis=1)
        found = full @ self.flat.T
        if self.values is not None and self._in_order(draw):
            by_draw = len(self.values), -1
            own = full[:, self.places].reshape(*by_draw, len(self.places))
            found.reshape(*by_draw, found.shape[1])[:] += own @ self.values
            return found
        for k, place in enumerate(self.places):
            used = full[:, place]
            if used.any():
                found += used[:, None] * self.values[draw, k]
        return found

    def _in_order(self, draw: np.ndarray) -> bool:
        """Return whether the fits come draw by draw, equally many of each."""
        n_draws = len(self.values)
        count = len(draw) // n_draws
        return len(draw) == count * n_draws and bool((draw.reshape(n_draws, -1) == np.arange(n_draws)[:, None]).all())

    def crossed(self, vectors: np.ndarray, columns: np.ndarray, draw: np.ndarray | None) -> np.ndarray:
        """Return the products (fit, column) of the columns of each fit with a vector (fit, cell) of its own."""
        whole = vectors @ self.flat
        for k, place in enumerate(self.places):
            whole[:, place] = np.einsum("bi,bi->b", vectors, self.values[draw, k])
        return np.take_along_axis(whole, columns, axis=1)

    def take(self, columns: np.ndarray, draw: np.ndarray | None) -> np.ndarray:
        """Return the columns of each fit as (fit, column, cell)."""
        found = self.flat.T[columns]
        for k, place in enumerate(self.places):
            fits, positions = np.nonzero(columns == place)
            found[fits, positions] = self.values[draw[fits], k]
        return found


def less(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return values (draw, place, cell) less their projection on orthonormal vectors (cell, vector)."""
    rows = values.reshape(-1, values.shape[2])
    return (rows - (rows @ basis) @ basis.T).reshape(values.shape)


def _times(values: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Return the products of values (draw, place, cell) with columns, as (draw, place, column)."""
    return (values.reshape(-1, values.shape[2]) @ flat).reshape(*values.shape[:2], -1)
