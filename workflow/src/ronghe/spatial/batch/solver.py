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
        B = len(y)
        own = self.projection.apply_to_draws(y.copy())
        flat = own.reshape(B, -1)
        b0 = (flat @ self.flat) @ self.bread
        if not self.has_lag:
            e = own - (b0 @ self.flat.T).reshape(y.shape)
            ssr = np.einsum("bit,bit->b", e, e)
            return BatchFit(self, y, None, None, b0, np.zeros(B), ssr, e, None, np.zeros(B, dtype=bool))
        lagged = self.W @ y
        projected = self.projection.apply_to_draws(lagged.copy())
        b1 = (projected.reshape(B, -1) @ self.flat) @ self.bread
        e0 = own - (b0 @ self.flat.T).reshape(y.shape)
        e1 = projected - (b1 @ self.flat.T).reshape(y.shape)
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
