"""Bias and degrees of freedom of covariances for few clusters, for many outcomes at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ronghe.linear.clusters import POWERS, expected_autocorrelation

if TYPE_CHECKING:
    from ronghe.spatial.batch.fits import BatchFit


class Freedom:
    """The sums of `uncertainty.clusters.ClusterLeverage.moments` by draw, for quantities g'theta.

    `gradients` are (draw, quantity, parameter); quantities must have a linear part (coefficients, rho, impacts).
    """

    def __init__(self, fit: BatchFit, gradients: np.ndarray, kind: str = "CR2") -> None:
        """Take the directions D c of every quantity and adjust them for leverage."""
        self.fit, batch = fit, fit.batch
        K = fit.b.shape[1]
        c = gradients @ fit.inverse_information
        directions = np.einsum("bqk,itk->bqit", c[:, :, :K], batch.Z, optimize=True)
        if batch.has_lag:
            directions += c[:, :, K, None, None] * fit.lagged_fitted[:, None]
        directions /= np.sqrt((directions**2).sum(axis=(2, 3), keepdims=True))
        self.directions = directions
        power = POWERS[kind]
        rule = {0.0: None, -0.5: batch.leverage.inverse_root, -1.0: batch.leverage.inverse}[power]
        found = np.empty_like(directions)
        for q in range(directions.shape[1]):
            found[:, q] = directions[:, q] if rule is None else rule(directions[:, q], fit.own_regressor)
        self.v = found.transpose(0, 2, 1, 3)

    @cached_property
    def F(self) -> np.ndarray:
        """F with H = F F', (draw, unit, period, column)."""
        fit, batch = self.fit, self.fit.batch
        B, T = fit.n_draws, batch.n_periods
        parts = [batch.hat_root]
        if batch.projection.has_time:
            basis = np.linalg.svd(np.eye(T) - 1 / T)[0][:, : T - 1] if batch.projection.has_units else np.eye(T)
            parts.append(np.broadcast_to(basis / np.sqrt(batch.n_units), (batch.n_units, *basis.shape)))
        fixed = np.concatenate(parts, axis=2)
        r = fixed.shape[2]
        F = np.empty((B, *fixed.shape[:2], r + batch.has_lag))
        F[..., :r] = fixed
        if batch.has_lag:
            F[..., r] = fit.own_regressor
        return F

    def moments(self, working: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return bias and degrees of freedom (draw, quantity), for independent disturbances or a working covariance."""
        F, v = self.F, self.v
        d = self.directions.transpose(0, 2, 1, 3)
        if working:
            Omega = self.working
            moved, spread = v @ Omega, Omega @ F
            variance = np.einsum("biqt,biqt->bq", d @ Omega, d)
        else:
            moved, spread = v, F
            variance = np.einsum("biqt,biqt->bq", d, d)
        B, N, T, r = F.shape
        middle = F.reshape(B, N * T, r).transpose(0, 2, 1) @ spread.reshape(B, N * T, r)
        own = np.einsum("biqt,biqt->bqi", v, moved)
        u = (v @ F).transpose(0, 2, 1, 3)
        h = (moved @ F).transpose(0, 2, 1, 3)
        cells = (u @ middle[:, None]) @ u.transpose(0, 1, 3, 2)
        crossed = h @ u.transpose(0, 1, 3, 2)
        cells -= crossed
        cells -= crossed.transpose(0, 1, 3, 2)
        places = np.arange(N)
        cells[:, :, places, places] += own
        first = np.einsum("bqii->bq", cells)
        second = np.einsum("bqij,bqij->bq", cells, cells)
        return first / variance, np.maximum(first**2 / second, 1.0)

    @cached_property
    def working(self) -> np.ndarray:
        """Omega by draw and unit, (draw, unit, period, period): see `uncertainty.clusters.Working`."""
        fit, T = self.fit, self.fit.batch.n_periods
        demeaned = fit.batch.projection.has_units
        e = fit.adjusted("CR2")
        found = np.einsum("bit,bit->b", e[:, :, 1:], e[:, :, :-1]) / np.einsum("bit,bit->b", e, e)
        phi = np.interp(found, *expected_autocorrelation(np.ones((1, T)), demeaned))
        gap = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
        serial = np.sign(phi)[:, None, None] ** gap * np.abs(phi)[:, None, None] ** gap
        serial = np.where(gap == 0, 1.0, serial)
        expected = T - serial.sum(axis=(1, 2)) / T if demeaned else np.full(fit.n_draws, float(T))
        variances = np.einsum("bit,bit->bi", e, e) / expected[:, None]
        return variances[:, :, None, None] * serial[:, None]

    @cached_property
    def pair_sizes(self) -> np.ndarray:
        """x (draw, unit) with (x_i x_j)^2 the variance of e_i'e_j under it: see `FewClusters.pair_sizes`."""
        T = self.fit.batch.n_periods
        Q = np.eye(T) - 1 / T if self.fit.batch.projection.has_units else np.eye(T)
        moved = Q @ self.working
        return np.einsum("bits,bist->bi", moved, moved) ** 0.25
