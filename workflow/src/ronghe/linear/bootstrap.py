"""Bootstrap of linear panel regressions by drawing whole units, from per-unit cross-products."""

from __future__ import annotations

import numpy as np

from ronghe.linear.absorption import effect_columns
from ronghe.linear.layout import Layout


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
        full = effect_columns(columns, layout, effects)
        self.n_columns, width = columns.shape[1], full.shape[1]
        products = np.zeros((layout.n_units, width, width))
        np.add.at(products, layout.units, full[:, :, None] * full[:, None, :])
        self.products = products
        self.dummies = list(range(self.n_columns, width))

    def regress_with_errors(self, y: int, X: list[int], draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and their errors clustered by unit, one row per draw, without small-sample factors.

        The summed score of a unit is its X'y - X'X b, so that errors need no residuals either.
        """
        keep = [*X, *self.dummies]
        own = self.products[:, keep][:, :, [*keep, y]]
        totals = np.tensordot(draws, own, axes=1)
        gram, right = totals[:, :, :-1], totals[:, :, -1:]
        try:
            inverse = np.linalg.inv(gram)
        except np.linalg.LinAlgError:
            # A resample can leave a period or a regressor without variation; the pseudo-inverse keeps the rest.
            inverse = np.linalg.pinv(gram, hermitian=True)
        beta = (inverse @ right)[:, :, 0]
        scores = own[None, :, :, -1] - np.einsum("ijk,bk->bij", own[:, :, :-1], beta)
        influence = np.einsum("bij,bjk->bik", scores, inverse[:, :, : len(X)])
        return beta[:, : len(X)], np.sqrt(np.einsum("bi,bik->bk", draws, influence**2))


def studentised_interval(
    draws: np.ndarray, errors: np.ndarray, estimate: float, error: float, level: float = 0.95
) -> tuple[float, float]:
    """Return the bootstrap-t interval: quantiles of (draw - estimate)/its error, times the error of the estimate."""
    t = np.quantile((draws - estimate) / errors, [(1 + level) / 2, (1 - level) / 2])
    return float(estimate - t[0] * error), float(estimate - t[1] * error)


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap draws."""
    lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)
