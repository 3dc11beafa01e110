"""Projection off the fixed effects: one demeaning for y, Wy, X and WX alike, on arrays (unit, period, column)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EFFECTS = ["pooled", "units", "time", "twoways"]


@dataclass(frozen=True)
class Projection:
    """Q of Lee and Yu (2010, section 2): demeaning over periods (unit effects), over units (time effects) or both.

    Lags are always taken first: Q(Wy), never W(Qy). With time effects only the first equals explicit dummies
    (Anselin, Le Gallo and Jayet 2008, section 19.2).
    """

    effects: str

    @property
    def has_units(self) -> bool:
        """Whether unit effects are removed."""
        return self.effects in ("units", "twoways")

    @property
    def has_time(self) -> bool:
        """Whether time effects are removed."""
        return self.effects in ("time", "twoways")

    def apply(self, values: np.ndarray, in_place: bool = False) -> np.ndarray:
        """Return Q values for an array (unit, period) or (unit, period, column)."""
        result = values if in_place else values.copy()
        if self.has_units:
            result -= result.mean(axis=1, keepdims=True)
        if self.has_time:
            result -= result.mean(axis=0, keepdims=True)
        return result

    def effective_size(self, n_units: int, n_periods: int, method: str) -> tuple[int, int]:
        """Return the units and periods that count in the likelihood.

        The transformation of Lee and Yu (2010, equations 2.4 and 3.3) leaves T - 1 periods where unit effects are
        removed and N - 1 units where time effects are; least squares with dummies counts all N and T.
        """
        if method != "lee_yu":
            return n_units, n_periods
        return n_units - self.has_time, n_periods - self.has_units

    def n_absorbed(self, n_units: int, n_periods: int) -> int:
        """Return the number of fixed-effect parameters that the projection removes."""
        return self.has_units * n_units + self.has_time * n_periods - (self.effects == "twoways")
