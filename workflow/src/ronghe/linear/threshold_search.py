"""Finds a threshold exactly: the sum of squares at every candidate, in one pass over the sorted threshold variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear.absorption import demean
from ronghe.linear.algebra import least_squares
from ronghe.linear.layout import Layout

# What fixed effects and earlier columns leave of a column, as a share of its length, is rounding below this.
SPANNED = 1e-10


@dataclass(frozen=True)
class Sample:
    """What a threshold is searched in: outcome, regressors that stay, those that change regime, threshold variable."""

    y: np.ndarray
    X: np.ndarray
    x: np.ndarray
    q: np.ndarray
    layout: Layout
    effects: str

    @property
    def df(self) -> int:
        """Return n(T - 1) with unit fixed effects (Hansen 1999, eq. 13), less the periods with two-way ones."""
        return len(self.y) - self.layout.n_units - (self.layout.n_periods - 1 if self.effects == "twoways" else 0)

    def pieces(self, thresholds: tuple[float, ...]) -> np.ndarray:
        """Return x, and x below each threshold."""
        return np.column_stack([self.x, *(self.x * (self.q <= g)[:, None] for g in sorted(thresholds))])


@dataclass(frozen=True)
class Curve:
    """Sums of squares by candidate: `null` without a further threshold, `ssr` with one at each candidate."""

    candidates: np.ndarray
    ssr: np.ndarray
    null: float

    @property
    def best(self) -> float:
        """Return the candidate with the least sum of squares."""
        return float(self.candidates[self.ssr.argmin()])

    @property
    def least(self) -> float:
        """Return the least sum of squares."""
        return float(self.ssr.min())

    def statistic(self, df: int) -> float:
        """Return F = (S0 - S1)/(S1/df) (Hansen 1999, eq. 15)."""
        return (self.null - self.least) / (self.least / df)

    def likelihood_ratio(self, df: int) -> np.ndarray:
        """Return LR(gamma) = (S(gamma) - S1)/(S1/df) at every candidate (Hansen 1999, eq. 17)."""
        return (self.ssr - self.least) / (self.least / df)


def candidates(q: np.ndarray, search: str, trim: float, others: tuple[float, ...] = ()) -> np.ndarray:
    """Return the values to try: every distinct one, or 401 quantiles, that leave each regime a share `trim` of rows.

    Every distinct value is the default. A grid is what most programs use; on Hansen's own data it misses the least sum
    of squares (0.0160 instead of 0.0157).
    """
    ordered = np.sort(q)
    if search == "quantiles":
        values = np.unique(np.quantile(ordered, np.linspace(trim, 1 - trim, 401), method="inverted_cdf"))
    else:
        values = np.unique(ordered)
    inner = np.searchsorted(ordered, values, side="right")
    least = max(int(trim * len(q)), 1)
    keep = (inner >= least) & (len(q) - inner >= least)
    for other in others:
        keep &= np.abs(inner - np.searchsorted(ordered, other, side="right")) >= least
    if not keep.any():
        raise RongheError(f"no threshold leaves {trim:.0%} of the rows in every regime; search for fewer thresholds")
    return values[keep]


class Search:
    """Sums of squares at all candidates for any outcome, given fixed effects, regressors and earlier thresholds.

    For z(gamma) = x 1(q <= gamma), everything needed of the projected z is a running sum over rows in the order of q:
    z'y, z'Q for an orthonormal basis Q of what stays, and z'z less the sum over units of (unit sum)^2/T. The cost
    is one sort, where refitting at each candidate costs a regression each.

    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(30), 6), times=np.tile(np.arange(6), 30))
    >>> x, z, q = rng.normal(size=(3, 180))
    >>> y = np.where(q <= 0.5, 2.0, 0.0) * x + 0.1 * rng.normal(size=180)
    >>> sample = Sample(y, z[:, None], x[:, None], q, layout, "units")
    >>> curve = Search(sample, np.linspace(-1, 1, 21)).curve(y)
    >>> round(curve.best, 1)
    0.5
    """

    def __init__(self, sample: Sample, values: np.ndarray, earlier: tuple[float, ...] = ()) -> None:
        layout, x = sample.layout, sample.x
        self.values, self.sample, self.k = values, sample, x.shape[1]
        stay = [sample.X, sample.pieces(earlier)]
        if sample.effects == "twoways":
            stay.append(np.eye(layout.n_periods)[layout.times][:, 1:])
        columns = np.column_stack(stay)
        columns = columns / np.maximum(np.linalg.norm(columns, axis=0), np.finfo(float).tiny)
        basis, triangle = np.linalg.qr(demean(columns, layout.units))
        self.basis = basis[:, np.abs(np.diag(triangle)) > SPANNED]
        self.order = np.argsort(sample.q, kind="stable")
        self.last = np.searchsorted(sample.q[self.order], values, side="right") - 1
        gram = self._gram(x[self.order], layout.units[self.order])
        cross = self._running(x[:, :, None] * self.basis[:, None, :])
        gram = gram - cross @ cross.transpose(0, 2, 1)
        scale = np.trace(gram, axis1=1, axis2=2)[:, None, None] / self.k
        self.inverse = np.linalg.inv(gram + np.where(scale > 0, 0, 1) * np.eye(self.k))

    def residuals(self, y: np.ndarray) -> np.ndarray:
        """Return outcomes (one or several columns) less what fixed effects and the regressors that stay explain."""
        swept = demean(y.reshape(len(y), -1), self.sample.layout.units)
        return swept - self.basis @ (self.basis.T @ swept)

    def curve(self, y: np.ndarray) -> Curve:
        """Return the sum of squares at each candidate for one outcome."""
        e = self.residuals(y)
        null = float(np.sum(e**2))
        return Curve(self.values, null - self.gains(e)[:, 0], null)

    def gains(self, e: np.ndarray) -> np.ndarray:
        """Return by how much each candidate lowers the sum of squares of each column of residuals."""
        g = self._running(self.sample.x[:, :, None] * e[:, None, :])
        return np.einsum("cab,cak,cbk->ck", self.inverse, g, g, optimize=True)

    def _running(self, terms: np.ndarray) -> np.ndarray:
        """Return sums over rows up to each candidate."""
        ordered = terms[self.order]
        starts = np.concatenate([[0], self.last[:-1] + 1])
        return np.cumsum(np.add.reduceat(ordered[: self.last[-1] + 1], starts, axis=0), axis=0)

    def _gram(self, x: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Return z'Mz by candidate, M sweeping out unit means; rows come in the order of q."""
        by_unit = np.argsort(units, kind="stable")
        sums = np.cumsum(x[by_unit], axis=0)
        first = np.searchsorted(units[by_unit], np.arange(self.sample.layout.n_units))
        offset = np.where(first[:, None] > 0, sums[first - 1], 0.0)
        before = np.empty_like(x)
        before[by_unit] = sums - x[by_unit] - offset[units[by_unit]]
        size = np.bincount(units)[units][:, None, None]
        square = x[:, :, None] * x[:, None, :]
        mixed = before[:, :, None] * x[:, None, :]
        steps = square - (mixed + mixed.transpose(0, 2, 1) + square) / size
        return np.cumsum(steps, axis=0)[self.last]


def curve_of_program(sample: Sample, trim: float, earlier: tuple[float, ...] = ()) -> Curve:
    """Return sums of squares as the program of Hansen (1999) has them.

    It demeans by unit and then leaves out every unit's last period, calls the lower regime q < gamma, and tries 400
    quantiles of the distinct values. On his data: 0.0157 and F = 35.2, as published. Leaving out a period is no within
    estimator (the sum of squares depends on which one is left out); use it for comparison only.
    """
    layout = sample.layout
    if sample.effects != "units" or len(sample.y) != layout.n_units * layout.n_periods:
        raise RongheError("the convention hansen_program is for unit effects and a balanced panel")
    rows = layout.times < layout.n_periods - 1
    distinct = np.unique(sample.q)
    shares = trim + np.arange(int(round((1 - 2 * trim) * 400)) + 1) / 400
    values = np.unique(distinct[np.maximum(np.floor(shares * len(distinct)).astype(int) - 1, 0)])
    pieces = [sample.x * (sample.q < g)[:, None] for g in earlier]
    stay = demean(np.column_stack([sample.X, sample.x, *pieces]), layout.units)[rows]
    basis = np.linalg.qr(stay)[0]
    y = demean(sample.y[:, None], layout.units)[rows]
    e = (y - basis @ (basis.T @ y))[:, 0]
    null = float(e @ e)
    ssr = np.empty(len(values))
    for i, gamma in enumerate(values):
        z = demean(sample.x * (sample.q < gamma)[:, None], layout.units)[rows]
        z = z - basis @ (basis.T @ z)
        fitted = z @ least_squares(z, e)
        ssr[i] = null - float(fitted @ fitted)
    return Curve(values, ssr, null)
