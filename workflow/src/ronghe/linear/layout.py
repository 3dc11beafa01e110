"""Where each row of a panel stands, and sums of rows by unit or period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Where each row stands: codes of its unit and period, and where wanted the position of each unit.

    >>> layout = Layout(units=np.array([0, 0, 1, 1]), times=np.array([0, 1, 0, 1]))
    >>> layout.n_units, layout.n_periods
    (2, 2)
    """

    units: np.ndarray
    times: np.ndarray
    coordinates: np.ndarray | None = None  # degrees, one (longitude, latitude) row per unit code

    @property
    def n_units(self) -> int:
        """Return the number of units."""
        return int(self.units.max()) + 1

    @property
    def n_periods(self) -> int:
        """Return the number of periods."""
        return int(self.times.max()) + 1


def group_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return sums of the rows of `values` by integer code."""
    sums = np.zeros((int(codes.max()) + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums
