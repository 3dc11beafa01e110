"""Panel unit-root statistics of many panels at once, and their distribution when every series is a random walk.

Ours, because statsmodels tests single series, and no maintained package has null distributions for a panel of eight
years: published tables start at T = 10 or 25.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError

# Levin, Lin and Chu (2002), table 2: mean and standard deviation adjustments at T = 25, the least of the table, and on.
LLC_PERIODS = np.array([25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 250])
LLC_CONSTANT = np.array(
    [
        [-0.554, -0.546, -0.541, -0.537, -0.533, -0.531, -0.527, -0.524, -0.521, -0.520, -0.518, -0.509],
        [0.919, 0.889, 0.867, 0.850, 0.837, 0.826, 0.810, 0.798, 0.789, 0.782, 0.776, 0.742],
    ]
)
LLC_TREND = np.array(
    [
        [-0.703, -0.674, -0.653, -0.637, -0.624, -0.614, -0.598, -0.587, -0.578, -0.571, -0.566, -0.533],
        [1.003, 0.949, 0.906, 0.871, 0.842, 0.818, 0.780, 0.751, 0.728, 0.710, 0.695, 0.603],
    ]
)
# Pesaran (2007), section 3: single statistics are cut to this interval, so that moments exist in short panels.
CIPS_BOUNDS = {False: (-6.19, 2.61), True: (-6.42, 1.70)}


@dataclass(frozen=True)
class Deterministic:
    """What every region's regression holds beside the lagged level: a constant, perhaps a trend, lags of changes."""

    trend: bool = False
    lags: int = 0

    def require(self, n_periods: int) -> None:
        """Refuse a regression that a series of `n_periods` cannot carry."""
        rows, columns = n_periods - 1 - self.lags, 4 + self.trend + 2 * self.lags
        if rows <= columns:
            raise RongheError(f"{n_periods} periods leave {rows} rows for {columns} terms; use fewer lags or no trend")


@dataclass(frozen=True)
class Null:
    """Draws of every statistic, and of a single region's t, when all regions are independent random walks."""

    draws: dict[str, np.ndarray]
    single: np.ndarray

    @classmethod
    def simulate(cls, n_units: int, n_periods: int, deterministic: Deterministic, repetitions: int, seed: int) -> Null:
        """Simulate panels of this size; single t statistics come from regions of their own."""
        rng = np.random.default_rng(seed)
        singles = np.cumsum(rng.standard_normal((20_000, 1, n_periods)), axis=2)
        single = np.sort(dickey_fuller(singles, deterministic)[0].ravel())
        found: dict[str, list[np.ndarray]] = {}
        for start in range(0, repetitions, 250):
            size = min(250, repetitions - start)
            panels = np.cumsum(rng.standard_normal((size, n_units, n_periods)), axis=2)
            for name, values in statistics(panels, deterministic, single).items():
                found.setdefault(name, []).append(values)
        return cls({name: np.concatenate(parts) for name, parts in found.items()}, single)


def statistics(panels: np.ndarray, deterministic: Deterministic, single: np.ndarray) -> dict[str, np.ndarray]:
    """Return the four statistics of panels (panel, region, period)."""
    t, parts = dickey_fuller(panels, deterministic)
    p = np.clip(np.searchsorted(single, t, side="right") / len(single), 1 / len(single), 1.0)
    cadf = np.clip(_cross_augmented(panels, deterministic), *CIPS_BOUNDS[deterministic.trend])
    return {
        "levin_lin_chu": _levin_lin_chu(panels, parts, deterministic),
        "im_pesaran_shin": t.mean(axis=1),
        "fisher": -2 * np.log(p).sum(axis=1),
        "cips": cadf.mean(axis=1),
    }


def dickey_fuller(panels: np.ndarray, deterministic: Deterministic) -> tuple[np.ndarray, tuple]:
    """Return each region's t of the lagged level, with residuals of change and level on the other terms and s."""
    change, level, others = _terms(panels, deterministic)
    e, v = _residuals(change, others), _residuals(level, others)
    return _t(e, v, others.shape[-1] + 1), (e, v)


def _terms(panels: np.ndarray, deterministic: Deterministic) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the change, the level before, and constant, trend and lagged changes, (panel, region, row[, column])."""
    p = deterministic.lags
    changes = np.diff(panels, axis=2)
    rows = changes.shape[2] - p
    columns = [np.ones(panels.shape[:2] + (rows,))]
    if deterministic.trend:
        columns.append(np.broadcast_to(np.arange(rows, dtype=float), columns[0].shape))
    columns += [changes[:, :, p - j : p - j + rows] for j in range(1, p + 1)]
    return changes[:, :, p:], panels[:, :, p : p + rows], np.stack(columns, axis=-1)


def _residuals(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    gram = np.swapaxes(right, -1, -2) @ right
    return left - (right @ np.linalg.solve(gram, np.swapaxes(right, -1, -2) @ left[..., None]))[..., 0]


def _t(e: np.ndarray, v: np.ndarray, n_terms: int) -> np.ndarray:
    vv = np.sum(v * v, axis=-1)
    delta = np.sum(e * v, axis=-1) / vv
    ssr = np.sum((e - delta[..., None] * v) ** 2, axis=-1)
    return delta / np.sqrt(ssr / (e.shape[-1] - n_terms) / vv)


def _cross_augmented(panels: np.ndarray, deterministic: Deterministic) -> np.ndarray:
    """Return t of the lagged level with cross-section averages of level and changes added (Pesaran 2007, eq. 6)."""
    change, level, others = _terms(panels, deterministic)
    average = panels.mean(axis=1, keepdims=True)
    mean_change, mean_level, mean_others = _terms(average, deterministic)
    first = 1 + deterministic.trend
    extra = np.concatenate([mean_change[..., None], mean_level[..., None], mean_others[..., first:]], axis=-1)
    both = np.concatenate([others, np.broadcast_to(extra, others.shape[:3] + extra.shape[-1:])], axis=-1)
    return _t(_residuals(change, both), _residuals(level, both), both.shape[-1] + 1)


def _levin_lin_chu(panels: np.ndarray, parts: tuple, deterministic: Deterministic) -> np.ndarray:
    """Return the adjusted t of the pooled regression of normalised residuals (Levin, Lin and Chu 2002, eq. 3 to 12)."""
    e, v = parts
    n_rows = e.shape[2]
    n_terms = 2 + deterministic.trend + deterministic.lags
    own = np.sum(e * v, axis=2) / np.sum(v * v, axis=2)
    sigma = np.sqrt(np.sum((e - own[..., None] * v) ** 2, axis=2) / (n_rows - n_terms))
    e, v = e / sigma[..., None], v / sigma[..., None]
    vv = np.sum(v * v, axis=(1, 2))
    delta = np.sum(e * v, axis=(1, 2)) / vv
    count = e.shape[1] * n_rows
    s2 = np.sum((e - delta[:, None, None] * v) ** 2, axis=(1, 2)) / count
    error = np.sqrt(s2 / vv)
    ratio = np.mean(np.sqrt(_long_run_variance(panels, deterministic)) / sigma, axis=1)
    table = LLC_TREND if deterministic.trend else LLC_CONSTANT
    mu, sd = (np.interp(n_rows, LLC_PERIODS, row) for row in table)
    return (delta / error - count * ratio * error / s2 * mu) / sd


def _long_run_variance(panels: np.ndarray, deterministic: Deterministic) -> np.ndarray:
    """Return the Bartlett long-run variance of changes, bandwidth 3.21 T^(1/3) (LLC, eq. 6 and section 3)."""
    changes = np.diff(panels, axis=2)
    if deterministic.trend:
        changes = changes - changes.mean(axis=2, keepdims=True)
    T = changes.shape[2]
    bandwidth = min(int(3.21 * T ** (1 / 3)), T - 1)
    total = np.mean(changes**2, axis=2)
    for lag in range(1, bandwidth + 1):
        gamma = np.sum(changes[:, :, lag:] * changes[:, :, :-lag], axis=2) / T
        total = total + 2 * (1 - lag / (bandwidth + 1)) * gamma
    return np.maximum(total, 1e-300)
