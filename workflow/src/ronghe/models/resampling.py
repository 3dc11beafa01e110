"""Bootstrap of linear panel regressions by drawing whole units, from per-unit cross-products."""

from __future__ import annotations

import numpy as np

from ronghe.models.absorption import _demean
from ronghe.models.sandwich import Layout


def unit_draws(n_units: int, repetitions: int, seed: int) -> np.ndarray:
    """Return how often each unit is drawn in each repetition (repetitions x units), n_units draws with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=repetitions).astype(float)


class CrossProducts:
    """Cross-products of columns by unit, so that a resample of units costs one weighted sum.

    Unit effects are swept out by unit, which resampling does not disturb; periods (or a constant) stay in as dummies
    whose coefficients are estimated afresh in every resample.
    """

    def __init__(self, columns: np.ndarray, layout: Layout, effects: str) -> None:
        n = len(columns)
        dummies = np.eye(layout.n_periods)[layout.times] if effects in ("time", "twoways") else np.ones((n, 1))
        if effects == "twoways":
            dummies = dummies[:, 1:]
        if effects == "units":
            dummies = np.empty((n, 0))
        full = np.column_stack([columns, dummies])
        if effects in ("units", "twoways"):
            full = _demean(full, layout.units)
        self.n_columns, width = columns.shape[1], full.shape[1]
        products = np.zeros((layout.n_units, width, width))
        np.add.at(products, layout.units, full[:, :, None] * full[:, None, :])
        self.products = products
        self.dummies = list(range(self.n_columns, width))

    def regress(self, y: int, X: list[int], draws: np.ndarray) -> np.ndarray:
        """Return the coefficients on columns X of a regression of column y, one row per draw of units."""
        keep = [*X, *self.dummies]
        totals = np.tensordot(draws, self.products[:, keep][:, :, [*keep, y]], axes=1)
        # A resample can leave a period dummy or a regressor without variation; the pseudo-inverse keeps the rest.
        gram, right = totals[:, :, :-1], totals[:, :, -1:]
        try:
            solved = np.linalg.solve(gram, right)
        except np.linalg.LinAlgError:
            solved = np.linalg.pinv(gram, hermitian=True) @ right
        return solved[:, : len(X), 0]


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap draws."""
    lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def bias_corrected_interval(draws: np.ndarray, estimate: float, level: float = 0.95) -> tuple[float, float]:
    """Return the bias-corrected percentile interval (Efron 1987, eq. 2.4 with zero acceleration)."""
    from scipy.special import ndtr, ndtri

    below = np.clip(np.mean(draws < estimate), 1 / (len(draws) + 1), len(draws) / (len(draws) + 1))
    shift = 2 * ndtri(below)
    tails = ndtr(shift + ndtri([(1 - level) / 2, (1 + level) / 2]))
    lower, upper = np.quantile(draws, tails)
    return float(lower), float(upper)
