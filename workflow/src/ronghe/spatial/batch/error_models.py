"""Exact maximum likelihood of spatial error models (sem, sdem) for many outcomes: parameters and likelihoods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.spatial.batch.bordered_profile import BorderedProfile
from ronghe.spatial.batch.newton import Jacobian
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.spatial.spatial_panel import SpatialPanel

LARGEST = 1500


@dataclass(frozen=True)
class ErrorFit:
    """Estimates of a spatial error model by draw."""

    b: np.ndarray
    lam: np.ndarray
    sigma2: np.ndarray
    loglik: np.ndarray


class ErrorBatch:
    """What all outcomes of y = Z b + effects + u, u = lambda M u + e share.

    The residual is Q R (y - Z b) with R = I - lambda M: filtered first, then projected. From the products of R [Z, y]
    b and the sum of squares follow in closed form, and lambda by Newton steps on the concentrated likelihood.
    """

    def __init__(self, model: SpatialPanel) -> None:
        """Keep the regressors, their lags by M and all products that do not involve the outcome."""
        s = model.specification
        if s.model not in ("sem", "sdem") or s.method not in ("lee_yu", "lsdv") or model.panel.observed is not None:
            raise RongheError(
                f"{model.name}: batch: sem or sdem by lee_yu or lsdv on a complete panel is needed, not "
                f"{s.model} by {s.method}; use SpatialPanel for each outcome"
            )
        if model.panel.n_units > LARGEST:
            raise RongheError(f"{model.name}: batch: at most {LARGEST} units; use SpatialPanel for each outcome")
        self.specification, self.panel, self.projection = s, model.panel, model.projection
        self.n_units, self.n_periods = model.panel.y.shape
        m = model.moments
        self.Z, self.MZ = (
            np.ascontiguousarray(d[:, :, 1:]).reshape(self.n_units * self.n_periods, -1) for d in (m.data, m.lagged)
        )
        self.products = np.stack([m.plain, -m.mixed, m.twice])[:, 1:, 1:]
        self.nobs = model.likelihood.nobs
        self.M = model.error_weights.sparse.toarray()
        self.jacobian = Jacobian(
            Spectrum(self.M, model.projection.has_time),
            model.likelihood.error.bounds,
            model.likelihood.n_periods,
            float(model.likelihood.transformed_units),
        )

    def fit(self, y: np.ndarray) -> ErrorFit:
        """Return the estimates of every outcome y (draw, unit, period)."""
        blocks = self.products, *self._products(y)
        profile = BorderedProfile.of(self.jacobian, self.nobs, blocks, tuple(range(self.Z.shape[1])))
        lam = profile.maximise()
        _, b, ssr, *_ = profile.solve(np.nan_to_num(lam))
        if profile.is_explained(ssr, lam).any():
            raise RongheError(
                "batch: the regressors and effects explain some outcomes without remainder: nothing to "
                "estimate; look at the draws that made them"
            )
        sigma2 = ssr / self.nobs
        loglik = -0.5 * self.nobs * (np.log(2 * np.pi * sigma2) + 1) + self.jacobian.value(lam)
        return ErrorFit(b, lam, sigma2, loglik)

    def _products(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the products of R y with R Z, (power of lambda, draw, 1, column), and with itself."""
        B = len(y)
        own = self.projection.apply_to_draws(np.array(y, dtype=float)).reshape(B, -1)
        lagged = self.projection.apply_to_draws(self.M @ y).reshape(B, -1)
        crossed = np.stack([own @ self.Z, -(own @ self.MZ + lagged @ self.Z), lagged @ self.MZ])
        pairs = ((1, own, own), (-2, own, lagged), (1, lagged, lagged))
        squares = np.stack([sign * (u * v).sum(axis=1) for sign, u, v in pairs])
        return crossed[:, :, None], squares[:, :, None, None]
