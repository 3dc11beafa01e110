"""Exact maximum likelihood for many outcomes on the same regressors, weights and effects."""

from __future__ import annotations

import numpy as np

from ronghe.errors import RongheError
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.newton import LagProfile
from ronghe.spatial.batch.shared import Shared


class Batch(Shared):
    """The estimates of many outcomes.

    Built from a `SpatialPanel` or its result (the outcome there is not used). `fit(y)` takes outcomes (draw, unit,
    period) in the order of `panel.units` and `panel.periods`.
    """

    def fit(self, y: np.ndarray) -> BatchFit:
        """Return the estimates of every outcome y (draw, unit, period)."""
        y = np.asarray(y, dtype=float)
        if y.ndim != 3 or y.shape[1:] != (self.n_units, self.n_periods):
            raise RongheError(
                f"batch: outcomes must have the shape (draw, {self.n_units}, {self.n_periods}), not {y.shape}"
            )
        if not np.isfinite(y).all():
            raise RongheError("batch: some outcomes are not finite; look at the draws that made them")
        own = self.projection.apply_to_draws(y.copy())
        if not self.has_lag:
            return self._estimate(own, None, y, None)
        lagged = self.W @ y
        return self._estimate(own, self.projection.apply_to_draws(lagged.copy()), y, lagged)

    def fit_projected(self, outcomes: np.ndarray) -> BatchFit:
        """Return the estimates of outcomes given as Q y and, with a lag, Q W y, (which, draw, unit, period)."""
        return self._estimate(*outcomes) if self.has_lag else self._estimate(outcomes[0], None)

    def signed(self, A: np.ndarray | None, base: np.ndarray, e: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return Q y and Q W y (which, data set and draw, unit, period) of y = base + A (v e).

        v is (data set, draw, unit), A one matrix for each data set or none. Where effects of units are out, e must have
        no mean over time: then neither has v e.
        """
        N, T = self.n_units, self.n_periods
        A = np.eye(N)[None] if A is None else A
        count = 2 if self.has_lag else 1
        means, maps = (np.stack([m, self.W @ m] if self.has_lag else [m], axis=1) for m in (base, A))
        means = self.projection.apply_to_draws(means.reshape(-1, N, T)).reshape(means.shape)
        if self.projection.has_time:
            maps -= maps.mean(axis=2, keepdims=True)
        signed = v.transpose(0, 2, 1)[:, :, :, None] * e[:, :, None]
        found = maps.reshape(len(A), -1, N) @ signed.reshape(len(e), N, -1)
        found = (
            found.reshape(len(e), count, N, -1, T).transpose(1, 0, 3, 2, 4) + means.transpose(1, 0, 2, 3)[:, :, None]
        )
        return found.reshape(count, -1, N, T)

    def _estimate(
        self,
        own: np.ndarray,
        projected: np.ndarray | None,
        y: np.ndarray | None = None,
        lagged: np.ndarray | None = None,
    ) -> BatchFit:
        B, flat = len(own), own.reshape(len(own), -1)
        b0 = (flat @ self.flat) @ self.bread
        if not self.has_lag:
            e = own - (b0 @ self.flat.T).reshape(own.shape)
            ssr = np.einsum("bit,bit->b", e, e)
            return BatchFit(self, y, None, None, b0, np.zeros(B), ssr, e, None, np.zeros(B, dtype=bool))
        b1 = (projected.reshape(B, -1) @ self.flat) @ self.bread
        e0 = own - (b0 @ self.flat.T).reshape(own.shape)
        e1 = projected - (b1 @ self.flat.T).reshape(own.shape)
        sums = [np.einsum("bit,bit->b", left, right) for left, right in ((e0, e0), (e0, e1), (e1, e1))]
        if np.any(sums[0] <= 1e-22 * np.einsum("bi,bi->b", flat, flat)):
            raise RongheError(
                "batch: the regressors and effects explain some outcomes without remainder: nothing to "
                "estimate; look at the draws that made them"
            )
        rho = LagProfile(self.jacobian, self.nobs, *sums).maximise()
        e = e0 - rho[:, None, None] * e1
        b = b0 - rho[:, None] * b1
        ssr = np.einsum("bit,bit->b", e, e)
        return BatchFit(self, y, lagged, projected, b, rho, ssr, e, e1, self.jacobian.at_edge(rho), slope=b1)
