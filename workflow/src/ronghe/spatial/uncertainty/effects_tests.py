"""Tests for the presence of unit and time effects where disturbances persist and differ in variance: by bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.grid import WeightsLike
from ronghe.spatial.spatial_panel import SpatialPanel

# Effects of the smaller model and of the larger one; the verdict on effects rests on these two.
PRESENCE = {"units_given_time": ("time", "twoways"), "time_given_units": ("units", "twoways")}
NAMES = {"units_given_time": "unit effects given time effects", "time_given_units": "time effects given unit effects"}
# Autocorrelations at which the one of residuals is foretold.
GRID = np.concatenate([np.linspace(-0.8, 0.8, 33), np.linspace(0.82, 0.98, 17), [0.99, 0.995]])


@dataclass(frozen=True)
class EffectsTest:
    """A statistic of effects for many outcomes, and outcomes drawn from the model without them.

    Time effects are T - 1 restrictions on sums over regions: Wald with the variance of CR3, its residuals carrying
    signs by unit (see `joint_tests`). Unit effects are themselves dependence within a region, which such signs keep;
    what can be told apart is an effect that never fades and an autocorrelation that does. There the statistic is F,
    residuals of the model without them are an AR(1), one phi for all and variances of their own, and the innovations
    carry signs, cell by cell.
    """

    without: Batch
    whole: Batch
    dummies: tuple[int, ...]

    @classmethod
    def of(cls, code: str, y: pd.Series, X: pd.DataFrame, W: WeightsLike, **options: object) -> EffectsTest:
        """Lay out both models, with dummies; those of periods are columns where they are tested."""
        small, large = PRESENCE[code]
        smaller = SpatialPanel(y, X, W, effects=small, method="lsdv", **options)
        if code == "units_given_time":
            return cls(Batch(smaller), Batch(SpatialPanel(y, X, W, effects=large, method="lsdv", **options)), ())
        periods = y.index.get_level_values(1)
        labels = sorted(set(periods))[1:]
        own = pd.DataFrame({f"period {label}": (periods == label).astype(float) for label in labels}, index=y.index)
        lags = list(smaller.specification.durbin) or None
        options = options | {"durbin": lags, "effects": small, "method": "lsdv"}
        whole = Batch(SpatialPanel(y, pd.concat([X, own], axis=1), W, **options))
        return cls(Batch(smaller), whole, tuple(whole.names.index(name) for name in own.columns))

    @property
    def df(self) -> tuple[int, int]:
        """Restrictions, and what is left to the larger model."""
        N, T = self.whole.n_units, self.whole.n_periods
        taken = [b.projection.n_absorbed(N, T) + b.Z.shape[2] for b in (self.without, self.whole)]
        return taken[1] - taken[0], N * T - taken[1]

    def of_outcomes(self, y: np.ndarray) -> tuple[np.ndarray, BatchFit]:
        """Return the statistic of every outcome and the estimates without the effects."""
        null = self.without.fit(y)
        return self.statistic(null, self.whole.fit(y)), null

    def statistic(self, null: BatchFit, whole: BatchFit) -> np.ndarray:
        """Return Wald, or F = (SSR_0 - SSR_1) / q / (SSR_1 / (NT - K)), both SSR at the rho of the larger model."""
        if self.dummies:
            b = whole.values[:, self.dummies]
            V = whole.covariance("CR3")[:, self.dummies][:, :, self.dummies]
            return np.einsum("bi,bi->b", b, np.linalg.solve(V, b[:, :, None])[:, :, 0])
        ssr, (q, left) = null.ssr, self.df
        if self.whole.has_lag:
            step, e, e1 = null.rho - whole.rho, null.residuals, null.partialled
            ssr = ssr + 2 * step * np.einsum("bit,bit->b", e1, e) + step**2 * np.einsum("bit,bit->b", e1, e1)
        return (ssr - whole.ssr) / q / (whole.ssr / left)

    @cached_property
    def _expected(self) -> np.ndarray:
        """Autocorrelation that residuals of the smaller model have in expectation, over GRID.

        e = M u with M = I - HH', H the regressors and period dummies: E(e'Le) / E(e'e) = tr(LM Omega M) / tr(M Omega).
        """
        F = self.without
        H = np.linalg.qr(np.concatenate([F.hat_root, self._periods], axis=2).reshape(F.n_units * F.n_periods, -1))[0]
        H = H.reshape(F.n_units, F.n_periods, -1)
        T = F.n_periods
        L = 0.5 * (np.eye(T, k=1) + np.eye(T, k=-1))
        gap, found = np.abs(np.subtract.outer(np.arange(T), np.arange(T))), []
        for phi in GRID:
            omega = np.where(gap == 0, 1.0, np.sign(phi) ** gap * np.abs(phi) ** gap)
            inner = np.einsum("itk,ts,isl->kl", H, omega, H, optimize=True)
            across = np.einsum("itk,ts,isl->kl", H, L, H, optimize=True)
            crossed = np.einsum("itk,ts,isk->", H, L @ omega, H, optimize=True)
            lagged = F.n_units * np.trace(L @ omega) - 2 * crossed + np.sum(across * inner)
            found.append(lagged / (F.n_units * T - np.trace(inner)))
        return np.array(found)

    @property
    def _periods(self) -> np.ndarray:
        N, T = self.without.n_units, self.without.n_periods
        return np.tile(np.eye(T) / np.sqrt(N), (N, 1, 1))

    def draw(self, null: BatchFit, places: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
        """Return outcomes without the effects around those of `null` at `places`, (place and draw, unit, period)."""
        e, rho = null.residuals[places], null.rho[places]
        N, T = e.shape[1:]
        lagged = rho[:, None, None] * null.lagged[places] if self.without.has_lag else 0.0
        surface = (null.y[places] - lagged - e)[:, None]
        if self.dummies:
            u = e[:, None] * signs(generator, (len(e), draws, N, 1))
        else:
            found = np.einsum("bit,bit->b", e[:, :, 1:], e[:, :, :-1]) / np.einsum("bit,bit->b", e, e)
            phi = np.interp(found, self._expected, GRID)[:, None, None]
            fresh = np.concatenate([e[:, :, :1], e[:, :, 1:] - phi * e[:, :, :-1]], axis=2)
            u = fresh[:, None] * signs(generator, (len(e), draws, N, T))
            for t in range(1, T):
                u[..., t] += phi * u[..., t - 1]
        y = surface + u
        if self.without.has_lag:
            y = np.linalg.inv(np.eye(N) - rho[:, None, None] * self.without.W)[:, None] @ y
        return y.reshape(-1, N, T)

    def reached(
        self, null: BatchFit, places: np.ndarray, observed: np.ndarray, draws: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Return how many of the draws at every place reach what was observed there."""
        y = self.draw(null, places, draws, generator)
        drawn = np.concatenate([self.of_outcomes(y[part])[0] for part in self.whole.in_chunks(len(y))])
        return np.sum(drawn.reshape(len(places), draws) >= observed[places, None], axis=1)


def signs(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return Rademacher's signs."""
    return 1.0 - 2.0 * generator.integers(0, 2, size=shape)


def effects_bootstrap(
    y: pd.Series,
    X: pd.DataFrame,
    W: WeightsLike,
    model: str = "sdm",
    durbin: Sequence[str] | None = None,
    draws: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Return statistic, df and p-value of tests for unit effects given time effects, and for time given unit effects.

    For complete panels and the models ols, slx, sar and sdm.

    >>> import numpy as np
    >>> from ronghe.spatial import munnell
    >>> data, W = munnell()
    >>> found = effects_bootstrap(np.log(data["gsp"]), np.log(data[["emp"]]), W, "sar", draws=99)
    >>> list(found.index), bool(found.loc["units_given_time", "pvalue"] <= 0.05)
    (['units_given_time', 'time_given_units'], True)
    """
    if draws < 99:
        raise RongheError(f"effects_bootstrap: {draws} draws say little; use 999, or 99 at the least")
    rows = {}
    for place, code in enumerate(PRESENCE):
        test = EffectsTest.of(code, y, X, W, model=model, durbin=durbin)
        generator = np.random.default_rng(np.random.SeedSequence([seed, 6, place]))
        observed, null = test.of_outcomes(test.whole.panel.y[None])
        above = test.reached(null, np.zeros(1, dtype=int), observed, draws, generator)[0]
        rows[code] = {"statistic": observed[0], "df": test.df[0], "pvalue": (above + 1) / (draws + 1)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("test")
