"""Bootstraps of linear panel regressions by unit: whole units drawn again, or their residuals given random signs."""

from __future__ import annotations

import numpy as np

from ronghe.errors import RongheError, require_known
from ronghe.linear.absorption import fixed_effect_columns
from ronghe.linear.algebra import least_squares
from ronghe.linear.layout import Layout, group_sums

WEIGHTS = ("rademacher", "webb")


def unit_draws(n_units: int, repetitions: int, seed: int) -> np.ndarray:
    """Return how often each unit is drawn in each repetition (repetitions x units), n_units draws with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=repetitions).astype(float)


class CrossProducts:
    """Cross-products of columns by unit, so that a resample of units costs one weighted sum.

    Unit fixed effects are taken out once, because unit means do not change when whole units are drawn again. Periods,
    or a constant, are dummies whose coefficients every resample estimates anew.

    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> x = rng.normal(size=100)
    >>> once = np.ones((1, 20))
    >>> b, error = CrossProducts(np.column_stack([2 * x, x]), layout, "units").regress_with_errors(0, [1], once)
    >>> b.round(8).tolist()
    [[2.0]]
    """

    def __init__(self, columns: np.ndarray, layout: Layout, effects: str) -> None:
        full = fixed_effect_columns(columns, layout, effects)
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
    """Return the bootstrap-t interval: order statistics of (draw - estimate)/its error, times the estimate's error.

    With k = (1 - level)/2 (B + 1) rounded down, the k-th largest and the k-th least of B draws: exactly the values that
    `studentised_pvalue` does not reject. Fewer draws than k = 1 needs bound nothing.
    """
    t = np.sort((draws - estimate) / errors)
    k = int(np.floor((1 - level) / 2 * (len(t) + 1) + 1e-9))
    if not k:
        return -np.inf, np.inf
    return float(estimate - t[-k] * error), float(estimate - t[k - 1] * error)


def studentised_pvalue(draws: np.ndarray, errors: np.ndarray, estimate: float, error: float, value: float = 0) -> float:
    """Return the p-value of the bootstrap-t interval: it is at most 1 - level where the interval leaves `value` out."""
    t, observed = (draws - estimate) / errors, (estimate - value) / error
    tail = min(int(np.sum(t >= observed)), int(np.sum(t <= observed)))
    return min(2 * (1 + tail) / (1 + len(t)), 1.0)


def unit_signs(n_units: int, repetitions: int, seed: int) -> np.ndarray:
    """Return Rademacher signs, one per unit and repetition."""
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=(repetitions, n_units))


def cluster_weights(n_clusters: int, draws: int, kind: str = "rademacher", seed: int = 0) -> np.ndarray:
    """Return weights (draw, cluster): signs, or Webb's six points; all 2^G signs where these are no more than `draws`.

    Webb (2023): +-sqrt(1/2), +-1, +-sqrt(3/2), for few clusters, where signs alone give few different
    draws. Enumeration: MacKinnon and Webb (2018).
    """
    require_known(kind, WEIGHTS, "weights", "wild bootstrap")
    if draws < 99:
        raise RongheError(f"wild bootstrap: {draws} draws are too few for a p-value; use 999 or more")
    if kind == "rademacher" and 2.0**n_clusters <= draws:
        bits = np.arange(2**n_clusters)[:, None] >> np.arange(n_clusters)
        return 1.0 - 2.0 * (bits & 1)
    generator = np.random.default_rng(seed)
    if kind == "rademacher":
        return 1.0 - 2.0 * generator.integers(0, 2, size=(draws, n_clusters))
    points = np.sqrt([0.5, 1.0, 1.5])
    return np.concatenate([-points, points])[generator.integers(0, 6, size=(draws, n_clusters))]


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
    2019, section 4). Period fixed effects are dummies, estimated anew in every draw; a unit's summed score is
    X'y* - X'X b*, so that no draw needs its rows. t carries no small-sample factor, and neither do its draws.

    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> x = rng.normal(size=(100, 1))
    >>> signs = rng.choice([-1.0, 1.0], size=(99, 20))
    >>> t, drawn = wild_draws(2 * x[:, 0] + rng.normal(size=100), x, layout, "units", 0, signs)
    >>> bool(abs(t) > np.abs(drawn).max())
    True
    """
    columns = fixed_effect_columns(np.column_stack([y, X]), layout, effects)
    y, X = columns[:, 0], columns[:, 1:]
    n, k = layout.n_units, X.shape[1]
    own = group_sums((X[:, :, None] * X[:, None, :]).reshape(len(X), -1), layout.units).reshape(n, k, k)
    own_y = group_sums(X * y[:, None], layout.units)
    inverse = np.linalg.inv(own.sum(axis=0))
    t = _statistics(own_y[None], own, inverse, place)[0]
    kept = [i for i in range(k) if i != place]
    restricted = np.zeros(k)
    restricted[kept] = least_squares(X[:, kept], y)
    fitted = own @ restricted
    drawn = fitted[None] + signs[:, :, None] * (own_y - fitted)[None]
    return float(t), _statistics(drawn, own, inverse, place)


def _statistics(own_y: np.ndarray, own: np.ndarray, inverse: np.ndarray, place: int) -> np.ndarray:
    """Return the clustered t for each draw of the units' X'y (draw, unit, column)."""
    beta = own_y.sum(axis=1) @ inverse
    scores = own_y - np.einsum("gij,bj->bgi", own, beta)
    influence = scores @ inverse[:, place]
    return beta[:, place] / np.sqrt(np.sum(influence**2, axis=1))
