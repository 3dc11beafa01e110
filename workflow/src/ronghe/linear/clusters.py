"""Leverage of clusters in least squares: adjusted residuals and degrees of freedom, cluster by cluster.

Everything rests on F with H = F F', the projection on regressors and on the effects that are not nested in clusters,
laid out in blocks (cluster, row, column); short clusters are filled up with rows of zeros. Nothing of size n x n is
formed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ronghe.errors import RongheError, require_known

# From this many clusters on, corrections and bootstraps for few clusters change nothing that a reader could see.
MANY_CLUSTERS = 200
# Singular values of a cluster's F beyond 1 - SINGULAR belong to directions that the cluster alone decides.
SINGULAR = 1e-9
# Rows of one cluster up to which its working covariance is written out.
WRITTEN_OUT = 2500
POWERS = {"CR0": 0.0, "CR1": 0.0, "CR2": -0.5, "CR3": -1.0, "corrected": -0.5, "working_pairs": -0.5}


@dataclass(frozen=True)
class Blocks:
    """Where the rows of each cluster stand: `rows` (cluster, place) with -1 where there is none."""

    rows: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray) -> Blocks:
        """Lay out rows by integer code of their cluster, in the order in which they come."""
        sizes = np.bincount(codes)
        rows = np.full((len(sizes), sizes.max()), -1)
        order = np.argsort(codes, kind="stable")
        place = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows[codes[order], place] = order
        return cls(rows)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.rows)

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Return values (row[, column]) as (cluster, place[, column]), zero where there is no row."""
        found = values[self.rows]
        found[self.rows < 0] = 0.0
        return found

    def scatter(self, values: np.ndarray, n: int) -> np.ndarray:
        """Return values (cluster, place[, column]) in the order of the rows."""
        found = np.zeros((n, *values.shape[2:]))
        seen = self.rows >= 0
        found[self.rows[seen]] = values[seen]
        return found


@dataclass(frozen=True)
class ClusterLeverage:
    """F by cluster, with its singular values: I - H_gg = I - F_g F_g'."""

    F: np.ndarray

    @cached_property
    def _thin(self) -> tuple[np.ndarray, np.ndarray]:
        G, m, r = self.F.shape
        if m <= r:
            values, vectors = np.linalg.eigh(self.F @ self.F.transpose(0, 2, 1))
            return vectors, np.clip(values, 0.0, None)
        values, right = np.linalg.eigh(self.F.transpose(0, 2, 1) @ self.F)
        values = np.clip(values, 0.0, None)
        root = np.sqrt(values)
        scale = np.where(root > 1e-8, 1 / np.maximum(root, 1e-8), 0.0)
        return self.F @ (right * scale[:, None, :]), np.where(root > 1e-8, values, 0.0)

    @property
    def largest(self) -> np.ndarray:
        """Largest eigenvalue of H_gg by cluster: at one, the cluster alone decides a coefficient."""
        return self._thin[1].max(axis=1)

    def adjust(self, values: np.ndarray, power: float) -> np.ndarray:
        """Return (I - H_gg)^power values for values (cluster, place[, column]), powers 0, -1/2 and -1.

        Bell and McCaffrey (2002) for -1/2 (CR2), and -1 for CR3. Directions that a cluster alone decides
        are left out (generalised inverse; Pustejovsky and Tipton 2018).
        """
        if power == 0.0:
            return values
        vectors, squares = self._thin
        left = 1 - squares
        gain = np.where(left > SINGULAR, np.maximum(left, SINGULAR) ** power, 0.0) - 1
        flat = values[..., None] if values.ndim == 2 else values
        found = flat + vectors @ (gain[:, :, None] * (vectors.transpose(0, 2, 1) @ flat))
        return found[..., 0] if values.ndim == 2 else found

    def moments(
        self, directions: np.ndarray, power: float, working: Working | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return bias and degrees of freedom of sum_g (c'X_g'A_g e_g)^2 for directions X c (cluster, place, quantity).

        Degrees of freedom: Bell and McCaffrey (2002), Imbens and Kolesar (2016), (sum of
        eigenvalues)^2 over the sum of their squares, of the matrix with cells a_g' Omega a_h, a_g = (I - H)_{.g} A_g
        X_g c. Bias: that sum over c'X'Omega X c, the ratio of the estimate's mean to the variance that it estimates.
        Omega is the identity, or the working covariance. With u_g = F_g'v_g, v_g = A_g X_g c and h_g = F_g'Omega_g v_g
        the matrix is diag(v_g'Omega_g v_g) - h u' - u h' + u (F'Omega F) u', whose squares are summed without it.
        """
        F = self.F
        v = self.adjust(directions, power)
        moved = v if working is None else working.apply(v)
        spread = F if working is None else working.apply(F)
        there = directions if working is None else working.apply(directions)
        r = F.shape[2]
        middle = F.reshape(-1, r).T @ spread.reshape(-1, r)
        core = np.block([[np.zeros((r, r)), -np.eye(r)], [-np.eye(r), middle]])
        own = np.einsum("gmq,gmq->gq", v, moved)
        variance = np.einsum("gmq,gmq->q", directions, there)
        across = F.transpose(0, 2, 1)
        L = np.ascontiguousarray(np.concatenate([across @ moved, across @ v], axis=1).transpose(2, 0, 1))
        low = np.einsum("qga,qga->gq", L @ core, L)
        crossed = core @ (L.transpose(0, 2, 1) @ L)
        first = (own + low).sum(axis=0)
        second = (own**2 + 2 * own * low).sum(axis=0) + np.einsum("qab,qba->q", crossed, crossed)
        df = np.divide(first**2, second, out=np.full(len(first), np.nan), where=second > 0)
        return first / variance, df


DF = ("clusters", "satterthwaite", "working", "normal")


def freedom(
    leverage: ClusterLeverage, directions: np.ndarray, kind: str, df: str | None, working: Callable[[], Working]
) -> tuple[np.ndarray, np.ndarray]:
    """Return factors of the variance and degrees of freedom of quantities, directions X c (cluster, place, quantity).

    `df` is clusters: G - 1. satterthwaite: Bell and McCaffrey (2002), independent disturbances. working: Imbens and
    Kolesar (2016) with a working covariance from the residuals, one autocorrelation for all and a
    variance for each unit. normal: none.

    The factor is one but for the kind `corrected`: CR2 over the ratio of its mean to the variance that it estimates
    under the working covariance (after Young 2016, who takes independent disturbances), with Satterthwaite's degrees
    of freedom. CR2 is unbiased for independent disturbances of equal variance, and too small where regions of much
    leverage vary much, or persist.
    """
    df = ("satterthwaite" if kind == "corrected" else "clusters") if df is None else df
    require_known(df, DF, "df", "few clusters")
    G, Q = directions.shape[0], directions.shape[2]
    factors, found = np.ones(Q), np.full(Q, np.inf if df == "normal" else G - 1.0)
    values = found
    if kind == "corrected" or df == "working":
        bias, values = leverage.moments(directions, POWERS[kind], working())
        factors = 1 / bias if kind == "corrected" else factors
    if df == "satterthwaite":
        values = leverage.moments(directions, POWERS[kind])[1]
    if df in ("satterthwaite", "working"):
        found = np.where(np.isfinite(values), np.maximum(values, 1.0), G - 1.0)
    return factors, found


@dataclass(frozen=True)
class Working:
    """A working covariance of the disturbances: units independent, each an AR(1) with a variance of its own.

    `phi` is the common autocorrelation, `variances` by unit. Imbens and Kolesar (2016) take a working
    covariance from the residuals for their degrees of freedom; theirs has random effects, which unit effects absorb.
    """

    blocks: np.ndarray

    @classmethod
    def estimated(
        cls, residuals: np.ndarray, units: np.ndarray, times: np.ndarray, layout: Blocks, demeaned: bool
    ) -> Working:
        """Take phi and the units' variances from adjusted residuals (row), demeaned by unit or not.

        phi is the value at which an AR(1) demeaned like the residuals has their first-order autocorrelation in
        expectation, so that few periods do not bias it.
        """
        if layout.rows.shape[1] > WRITTEN_OUT:
            raise RongheError(
                f"degrees of freedom: a cluster of {layout.rows.shape[1]} rows is too large for an estimated working "
                "covariance; choose df='satterthwaite' or df='clusters'"
            )
        phi = autocorrelation(residuals, units, times, demeaned)
        gap = np.abs(np.subtract.outer(np.arange(times.max() + 1), np.arange(times.max() + 1)))
        serial = np.where(gap == 0, 1.0, np.sign(phi) ** gap * np.abs(phi) ** gap)
        by_unit = Blocks.of(units)
        u_times = by_unit.gather(times + 1) - 1
        seen = by_unit.rows >= 0
        own = serial[u_times[:, :, None], u_times[:, None, :]] * (seen[:, :, None] & seen[:, None, :])
        size = np.maximum(seen.sum(axis=1), 1)
        expected = np.einsum("umm->u", own) - (own.sum(axis=(1, 2)) / size if demeaned else 0.0)
        squares = np.bincount(units, weights=residuals**2)
        variances = squares / np.where(expected > 0, expected, 1.0)
        seen = layout.rows >= 0
        g_units, g_times = np.where(seen, units[layout.rows], -1), np.where(seen, times[layout.rows], 0)
        same = (g_units[:, :, None] == g_units[:, None, :]) & seen[:, :, None] & seen[:, None, :]
        cells = serial[g_times[:, :, None], g_times[:, None, :]] * same
        return cls(cells * np.where(seen, variances[g_units], 0.0)[:, :, None])

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return Omega_g values_g for values (cluster, place, column)."""
        return self.blocks @ values


def autocorrelation(residuals: np.ndarray, units: np.ndarray, times: np.ndarray, demeaned: bool) -> float:
    """Return phi of an AR(1) whose residuals, demeaned by unit, have the first-order autocorrelation found."""
    T = int(times.max()) + 1
    grid = np.zeros((int(units.max()) + 1, T))
    seen = np.zeros_like(grid)
    grid[units, times], seen[units, times] = residuals, 1.0
    found = float((grid[:, 1:] * grid[:, :-1]).sum() / (grid**2).sum())
    return float(np.interp(found, *expected_autocorrelation(seen, demeaned)))


def expected_autocorrelation(seen: np.ndarray, demeaned: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the autocorrelation expected of (demeaned) AR(1) residuals over a grid of phi, and the grid."""
    if seen.all():
        return _expected_of_complete(seen.shape[1], demeaned)
    return _expected(*np.unique(seen, axis=0, return_counts=True), demeaned)


@lru_cache(maxsize=64)
def _expected_of_complete(n_periods: int, demeaned: bool) -> tuple[np.ndarray, np.ndarray]:
    return _expected(np.ones((1, n_periods)), np.ones(1), demeaned)


def _expected(patterns: np.ndarray, counts: np.ndarray, demeaned: bool) -> tuple[np.ndarray, np.ndarray]:
    T = patterns.shape[1]
    grid = np.concatenate([np.linspace(-0.9, 0.9, 73), np.linspace(0.91, 0.999, 19)])
    gap = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    ratios = []
    for phi in grid:
        serial = np.sign(phi) ** gap * np.abs(phi) ** gap if phi else np.eye(T)
        lagged, own = 0.0, 0.0
        for pattern, count in zip(patterns, counts, strict=True):
            Q = np.diag(pattern) - (np.outer(pattern, pattern) / pattern.sum() if demeaned else 0.0)
            S = Q @ serial @ Q.T
            lagged += count * np.trace(S, offset=1)
            own += count * np.trace(S)
        ratios.append(lagged / own)
    return np.array(ratios), grid
