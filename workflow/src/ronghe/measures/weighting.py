"""Scales indicators to [0, 1], weighs them, and adds them up: the parts that every composite index is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_from, require_known

SHIFT = 1e-4
SCALINGS, AGGREGATIONS, DIRECTIONS = ("pooled", "yearly"), ("additive", "topsis"), ("positive", "negative")


def scale(
    panel: pd.DataFrame, directions: Mapping[str, str], scaling: str = "pooled", floor: float = 0.0
) -> pd.DataFrame:
    """Scale indicators by min-max so that 1 is best.

    (x - min)/(max - min) where more is better, (max - x)/(max - min) where less is.

    `pooled` takes the bounds over all region-years, so that scores compare over time; `yearly` takes them within
    each year, so that they do not. `floor` f maps the scores on to [f, 1] for uses that cannot bear a zero.
    A constant indicator says nothing and is refused by name.
    """
    require_known(scaling, SCALINGS, "scaling", "index")
    for direction in directions.values():
        require_known(direction, DIRECTIONS, "direction", "index")
    require_from(floor, 0, 1, "index: floor")
    X = panel[list(directions)]
    if scaling == "pooled":
        low, high = X.min(), X.max()
        constant = [f"'{name}'" for name in X if not high[name] > low[name]]
    else:
        years = X.groupby(level="year")
        low, high = years.transform("min"), years.transform("max")
        flat = (high <= low).groupby(level="year").any()
        constant = [f"'{name}' in {year}" for name in X for year in flat.index[flat[name]]]
    if constant:
        raise RongheError(f"constant indicator {listing(constant)}: it cannot be scaled; leave it out of the index")
    R = (X - low) / (high - low)
    less_is_better = [name for name, direction in directions.items() if direction == "negative"]
    R[less_is_better] = 1 - R[less_is_better]
    return floor + (1 - floor) * R


@dataclass(frozen=True)
class Moments:
    """Sums over region-years that every weighting is a function of, one row per draw of regions.

    `n`: region-years per draw; `total`, `entropy`: sums of a = r + s and of a ln a; `first`, `second`: sums of
    r - mean(r) and of its products. Sums over a draw are sums over its regions, so that a thousand resamples
    cost one matrix product. Centring at the full sample's mean keeps the variances exact.
    """

    n: float
    mean: np.ndarray
    total: np.ndarray
    entropy: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @classmethod
    def of(cls, R: np.ndarray, counts: np.ndarray, n_years: int, shift: float) -> Moments:
        """Sum the scores R (regions x years in order) over regions drawn `counts` times, one draw per row."""
        n_regions, k = counts.shape[1], R.shape[1]
        a, c = R + shift, R - R.mean(axis=0)
        cube = c.reshape(n_regions, n_years, k)

        def by_region(values: np.ndarray) -> np.ndarray:
            return values.reshape(n_regions, n_years, k).sum(axis=1)

        # 0 ln 0 = 0, the limit, where a score and the shift are both zero.
        plogp = a * np.log(np.where(a > 0, a, 1.0))
        products = np.einsum("itj,itk->ijk", cube, cube).reshape(n_regions, k * k)
        return cls(
            n=float(R.shape[0]),
            mean=R.mean(axis=0),
            total=counts @ by_region(a),
            entropy=counts @ by_region(plogp),
            first=counts @ by_region(c),
            second=(counts @ products).reshape(-1, k, k),
        )

    @property
    def covariance(self) -> np.ndarray:
        """Return the population covariance of the scores, one matrix per draw."""
        mean = self.first / self.n
        return self.second / self.n - mean[:, :, None] * mean[:, None, :]

    @property
    def deviation(self) -> np.ndarray:
        """Return the standard deviation of the scores, one row per draw."""
        variance = np.einsum("dii->di", self.covariance)
        # Rounding leaves +-1e-17 where a draw holds one value only.
        return np.sqrt(np.where(variance > 1e-15, variance, 0.0))

    @property
    def correlation(self) -> np.ndarray:
        """Return the correlation of the scores; an indicator that does not vary in a draw is uncorrelated with all."""
        inverse = np.divide(1.0, self.deviation, out=np.zeros_like(self.deviation), where=self.deviation > 0)
        R = self.covariance * inverse[:, :, None] * inverse[:, None, :]
        np.einsum("dii->di", R)[:] = 1.0
        return R


def entropy_weights(m: Moments) -> np.ndarray:
    """Weigh by 1 - e_j, e_j = -sum_i p_ij ln p_ij / ln n, p_ij = (r_ij + s)/sum_i (r_ij + s) (Shannon 1948)."""
    e = (np.log(m.total) - m.entropy / m.total) / np.log(m.n)
    return _normalise(1 - e)


def equal_weights(m: Moments) -> np.ndarray:
    """Weigh all indicators alike."""
    return np.full(m.total.shape, 1 / m.total.shape[1])


def critic_weights(m: Moments) -> np.ndarray:
    """Weigh by sd_j sum_k (1 - corr_jk): contrast and conflict (Diakoulaki, Mavrotas and Papayannakis 1995)."""
    return _normalise(m.deviation * (1 - m.correlation).sum(axis=2))


def variation_weights(m: Moments) -> np.ndarray:
    """Weigh by the coefficient of variation of the scores, sd_j / mean_j."""
    return _normalise(m.deviation / (m.mean + m.first / m.n))


def component_weights(m: Moments) -> np.ndarray:
    """Weigh by the squared loadings of the first principal component of the correlations (OECD and JRC 2008, step 6).

    They add to one by construction: each is the share of the component's variance that the indicator explains.
    """
    return loadings(m) ** 2


def loadings(m: Moments) -> np.ndarray:
    """Return the first component's loadings, signed so that they add to more than zero: a negative one runs against."""
    v = np.linalg.eigh(m.correlation)[1][:, :, -1]
    return v * np.where(v.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)


WEIGHTINGS = {
    "entropy": entropy_weights,
    "equal": equal_weights,
    "critic": critic_weights,
    "variation": variation_weights,
    "component": component_weights,
}


def _normalise(w: np.ndarray) -> np.ndarray:
    return w / w.sum(axis=1, keepdims=True)


def weigh(
    scores: pd.DataFrame, weighting: str = "entropy", shift: float = SHIFT, counts: np.ndarray | None = None
) -> np.ndarray:
    """Return the weights of scaled indicators: one row, or one per draw of regions (row of `counts`)."""
    require_known(weighting, WEIGHTINGS, "weighting", "index")
    require_from(shift, 0, np.inf, "index: shift")
    n_years = scores.index.get_level_values("year").nunique()
    if counts is None:
        counts = np.ones((1, len(scores) // n_years))
    return WEIGHTINGS[weighting](Moments.of(scores.to_numpy(float), counts, n_years, shift))


def aggregate(R: np.ndarray, w: np.ndarray, aggregation: str = "additive") -> np.ndarray:
    """Aggregate scores R (rows x indicators) under each row of weights w; one column per row of weights.

    `additive`: U = sum_j w_j r_ij. `topsis` (Hwang and Yoon 1981): U = d-/(d- + d+), the Euclidean distances of
    w_j r_ij from the worst and the best value of each indicator.
    """
    require_known(aggregation, AGGREGATIONS, "aggregation", "index")
    if aggregation == "additive":
        return R @ w.T
    to_worst = np.sqrt((R - R.min(axis=0)) ** 2 @ (w**2).T)
    to_best = np.sqrt((R.max(axis=0) - R) ** 2 @ (w**2).T)
    return to_worst / (to_worst + to_best)


def contribute(R: np.ndarray, w: np.ndarray, aggregation: str = "additive") -> np.ndarray:
    """Split each aggregate over its indicators; the parts of a row add to its index.

    Additive parts are w_j r_ij. Those of TOPSIS share the index in proportion to the squared distances from the
    worst values, of which d- is made; a row that is worst in everything has index 0 and parts 0.
    """
    if aggregation == "additive":
        return w * R
    squares = (w * (R - R.min(axis=0))) ** 2
    total = squares.sum(axis=1, keepdims=True)
    share = np.divide(squares, total, out=np.zeros_like(squares), where=total > 0)
    return share * aggregate(R, w[None, :], aggregation)


def rank_within_years(U: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Rank the rows of each column of U within their year: 1 is the highest, ties share the better rank."""
    ranks = np.empty(U.shape, int)
    for year in np.unique(years):
        rows = np.flatnonzero(years == year)
        block = -U[rows]
        order = np.argsort(block, axis=0, kind="stable")
        ordered = np.take_along_axis(block, order, axis=0)
        place = np.arange(len(rows))[:, None] * np.ones((1, U.shape[1]), int)
        place[1:] = np.where(ordered[1:] == ordered[:-1], 0, place[1:])
        result = np.empty_like(place)
        np.put_along_axis(result, order, np.maximum.accumulate(place, axis=0) + 1, axis=0)
        ranks[rows] = result
    return ranks
