"""Where each row of a panel stands, and sums of rows by unit or period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.frames import require_size, require_spread


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

    def require(self, y: np.ndarray, X: np.ndarray, names: list[str] | None = None) -> None:
        """Refuse columns that are not of as many finite figures as there are rows here, or not named one by one."""
        names = names or [f"column {i}" for i in range(X.shape[1] if X.ndim == 2 else 0)]
        sizes = {len(self.units), len(self.times), len(y), len(X)}
        if X.ndim != 2 or y.ndim != 1 or len(sizes) > 1 or not len(y) or len(names) != X.shape[1]:
            raise RongheError(
                f"linear model: y {y.shape}, X {X.shape}, {len(self.units)} units, {len(self.times)} periods and "
                f"{len(names)} names do not fit; give one row per observation and one name per column of X"
            )
        for name, column in zip(["the outcome", *names], [y, *X.T], strict=True):
            bad = np.flatnonzero(~np.isfinite(column.astype(float)))
            if len(bad):
                raise RongheError(
                    f"linear model: {name} is missing or infinite in row {bad[0]} of the arrays; leave it out"
                )
            frame = pd.DataFrame({name: column})
            require_size(frame, "linear model")
            require_spread(frame, "linear model")


def group_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return sums of the rows of `values` by integer code."""
    sums = np.zeros((int(codes.max()) + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums
