"""The wild cluster bootstrap of a coefficient: p-values that hold with few clusters."""

from __future__ import annotations

import numpy as np

from ronghe.linear.absorption import effect_columns
from ronghe.linear.layout import Layout, group_sums


def unit_signs(n_units: int, repetitions: int, seed: int) -> np.ndarray:
    """Return Rademacher signs, one per unit and repetition."""
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=(repetitions, n_units))


def wild_pvalue(
    y: np.ndarray, X: np.ndarray, layout: Layout, effects: str, place: int, repetitions: int, seed: int
) -> tuple[float, float]:
    """Return t of the coefficient at `place`, clustered by unit, and its restricted wild cluster bootstrap p-value."""
    t, draws = wild_draws(y, X, layout, effects, place, unit_signs(layout.n_units, repetitions, seed))
    return t, float((1 + np.sum(np.abs(draws) >= abs(t) * (1 - 1e-12))) / (1 + repetitions))


def wild_draws(
    y: np.ndarray, X: np.ndarray, layout: Layout, effects: str, place: int, signs: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return t of the coefficient at `place` and its draws under the null that it is zero.

    Residuals under the null, one Rademacher sign per unit (Cameron, Gelbach and Miller 2008, appendix B; Roodman et al.
    2019, section 4). Period effects are estimated anew in every draw, as dummies; a unit's summed score is
    X'y* - X'X b*, so that no draw needs its rows. t carries no small-sample factor, and neither do its draws.
    """
    columns = effect_columns(np.column_stack([y, X]), layout, effects)
    y, X = columns[:, 0], columns[:, 1:]
    n, k = layout.n_units, X.shape[1]
    own = group_sums((X[:, :, None] * X[:, None, :]).reshape(len(X), -1), layout.units).reshape(n, k, k)
    own_y = group_sums(X * y[:, None], layout.units)
    inverse = np.linalg.inv(own.sum(axis=0))
    t = _statistics(own_y[None], own, inverse, place)[0]
    kept = [i for i in range(k) if i != place]
    restricted = np.zeros(k)
    restricted[kept] = np.linalg.lstsq(X[:, kept], y, rcond=None)[0]
    fitted = own @ restricted
    drawn = fitted[None] + signs[:, :, None] * (own_y - fitted)[None]
    return float(t), _statistics(drawn, own, inverse, place)


def _statistics(own_y: np.ndarray, own: np.ndarray, inverse: np.ndarray, place: int) -> np.ndarray:
    """Return the clustered t for each draw of the units' X'y (draw, unit, column)."""
    beta = own_y.sum(axis=1) @ inverse
    scores = own_y - np.einsum("gij,bj->bgi", own, beta)
    influence = scores @ inverse[:, place]
    return beta[:, place] / np.sqrt(np.sum(influence**2, axis=1))
