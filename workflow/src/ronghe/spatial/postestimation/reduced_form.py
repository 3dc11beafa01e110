"""The reduced form of any fitted model, and its predictions for the sample and for other regressors.

    y_t = S^-1 (X_t b + W X_t theta + phi y_(t-1) + psi W y_(t-1) + mu + tau_t 1),   S = I - rho W

mu and tau are the fixed effects as recovered, or the best linear predictors of random ones. phi and psi are those of a
dynamic model: where y_(t-1) is in the sample it is taken as observed, and beyond the sample as predicted.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.spatial.equation import CONSTANT
from ronghe.spatial.grid import Panel
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.projection import Projection
from ronghe.spatial.sufficient_statistics import lag
from ronghe.weights.matrix import Weights


@dataclass(frozen=True)
class FixedEffects:
    """Constant, unit effects and time effects; the latter two sum to zero."""

    constant: float
    units: np.ndarray
    times: np.ndarray

    @property
    def surface(self) -> np.ndarray:
        """Their sum as an array (unit, period)."""
        return self.constant + self.units[:, None] + self.times[None, :]

    @classmethod
    def of(cls, units: np.ndarray, times: np.ndarray) -> FixedEffects:
        """Return effects whose level is in the constant."""
        level = np.array([np.nanmean(units), times.mean()])
        return cls(float(level.sum()), units - level[0], times - level[1])


def split(remainder: np.ndarray, projection: Projection, shares: np.ndarray | None = None) -> FixedEffects:
    """Return what of y - rho W y - X b - W X theta are fixed effects: its means over periods and over units.

    Elhorst (2014, eq. 3.9 and 3.13). `shares` are those of the units in a time effect, equal ones if left out. Where
    cells are missing the effects solve the normal equations of the observed ones; a unit without any has none (NaN).
    """
    n_units, n_periods = remainder.shape
    if projection.effects == "pooled":
        return FixedEffects(0.0, np.zeros(n_units), np.zeros(n_periods))
    if projection.observed is not None:
        return FixedEffects.of(*projection.effects_of(remainder))
    by_unit = remainder.mean(axis=1) if projection.has_units else np.zeros(n_units)
    by_time = np.full(n_units, 1 / n_units) @ remainder if shares is None else shares @ remainder
    if not projection.has_time:
        return FixedEffects.of(by_unit, np.zeros(n_periods))
    if not projection.has_units:
        return FixedEffects.of(by_unit, by_time)
    return FixedEffects(by_unit.mean(), by_unit - by_unit.mean(), by_time - by_time.mean())


@dataclass(frozen=True)
class ReducedForm:
    """What predictions need of a fitted model; `periods` are those that have a time effect."""

    panel: Panel
    names: Sequence[str]
    durbin: Sequence[str]
    b: np.ndarray
    weights: Weights | None
    rho: float
    lag: LogDeterminant | None
    effects: FixedEffects
    periods: Sequence[Hashable]
    persistence: tuple[float, float] | None = None
    # Whether the effects are S^-1 mu and S^-1 tau 1, as where those of unobserved units are unknown.
    effects_on_outcome: bool = False

    def structural(self, X: np.ndarray) -> np.ndarray:
        """Return X b + W X theta as an array (unit, period)."""
        return structural_part(X, self.names, self.durbin, self.b, self.weights)

    def solve(self, values: np.ndarray) -> np.ndarray:
        """Return S^-1 values."""
        return values if self.lag is None else self.lag.solve(self.rho, values)

    def sample(self) -> pd.Series:
        """Return predictions for the sample, in the order of its rows; of a dynamic model from the second period on."""
        panel = self.panel
        frame = pd.DataFrame(panel.X.reshape(-1, len(panel.names)), columns=list(panel.names))
        frame.index = pd.MultiIndex.from_product([panel.units, panel.periods], names=panel.index.names)
        if self.persistence is not None:
            frame = frame[frame.index.get_level_values(1) != panel.periods[0]]
        found = self.at(frame, "mean")
        if self.persistence is None:
            return panel.series(found.to_numpy().reshape(panel.y.shape), "prediction")
        return found.reindex(panel.index).dropna()

    def at(self, X: pd.DataFrame, time_effect: float | str = "mean") -> pd.Series:
        """Return predictions for regressors that hold every unit once in each of their periods."""
        periods = sorted(set(X.index.get_level_values(1)))
        whole = self.structural(self._columns(X, periods))
        effects = self.effects.constant + self.effects.units[:, None] + self._times(periods, time_effect)
        if self.effects_on_outcome:
            values = self.solve(whole) + effects
        elif self.persistence is None:
            values = self.solve(whole + effects)
        else:
            values = self._onwards(whole + effects, periods)
        grid = pd.MultiIndex.from_product([self.panel.units, periods], names=X.index.names)
        return pd.Series(values.ravel(), index=grid, name="prediction").reindex(X.index)

    def _columns(self, X: pd.DataFrame, periods: list) -> np.ndarray:
        """Return regressors (unit, period, column), a constant where the model has one and X does not."""
        absent = [n for n in self.names if n not in X.columns and n != CONSTANT]
        if absent:
            raise RongheError(f"predict: X lacks {listing(absent)}")
        grid = pd.MultiIndex.from_product([self.panel.units, periods])
        gaps, foreign = grid.difference(X.index), X.index.difference(grid)
        if X.index.has_duplicates or len(gaps) or len(foreign):
            raise RongheError(
                f"predict: X must hold every unit once in each period; missing: {listing(gaps) or 'none'}; "
                f"unknown: {listing(foreign) or 'none'}"
            )
        ordered, shape = X.reindex(grid), (self.panel.n_units, len(periods))
        return np.stack(
            [ordered[n].to_numpy(float).reshape(shape) if n in X.columns else np.ones(shape) for n in self.names],
            axis=2,
        )

    def _times(self, periods: list, time_effect: float | str) -> np.ndarray:
        """Return the time effects of periods; those outside the sample have the one that is asked for."""
        times = self.effects.times
        if time_effect == "last":
            unknown = float(times[-1])
        elif time_effect == "mean":
            unknown = 0.0
        elif isinstance(time_effect, (int, float)):
            unknown = float(time_effect)
        else:
            raise RongheError(f"predict: time_effect is 'mean', 'last' or a number, not '{time_effect}'")
        known = dict(zip(self.periods, times, strict=True))
        return np.array([known.get(p, unknown) for p in periods])

    def _onwards(self, whole: np.ndarray, periods: list) -> np.ndarray:
        """Return predictions period by period, each from the outcome of the one before it."""
        sample = list(self.panel.periods)
        phi, psi = self.persistence
        values = np.empty_like(whole)
        for j, period in enumerate(periods):
            if period in sample[1:]:
                past = self.panel.y[:, sample.index(period) - 1]
            elif follows(period, sample):
                past = self.panel.y[:, -1]
            elif j and periods[j - 1] not in sample and follows(period, [*sample, *periods[:j]]):
                past = values[:, j - 1]
            else:
                raise RongheError(
                    f"predict: nothing is known of the outcome in the period before {period}; X may hold the periods "
                    f"from {sample[1]} to {sample[-1]}, and those after in an unbroken run"
                )
            values[:, j] = self.solve(whole[:, j] + phi * past + psi * (self.weights.sparse @ past))
        return values


def follows(period: Hashable, earlier: Sequence[Hashable]) -> bool:
    """Whether a period comes right after those before it; for labels without distance, whether it comes later."""
    if isinstance(period, (int, np.integer)) and len(earlier) > 1:
        return period - earlier[-1] == earlier[1] - earlier[0]
    return period > earlier[-1]


def structural_part(
    X: np.ndarray, names: Sequence[str], durbin: Sequence[str], b: np.ndarray, weights: Weights | None
) -> np.ndarray:
    """Return X b + W X theta as an array (unit, period); b holds beta and then theta."""
    part = X @ b[: len(names)]
    if durbin:
        picked = [list(names).index(name) for name in durbin]
        part = part + lag(weights.sparse, np.ascontiguousarray(X[:, :, picked])) @ b[len(names) :]
    return part
