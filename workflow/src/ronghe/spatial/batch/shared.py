"""What many outcomes on the same regressors, weights and effects share, computed once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear.algebra import inverse_scaled
from ronghe.spatial.batch.leverage import Leverage
from ronghe.spatial.batch.newton import Jacobian
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel

MODELS = ("ols", "slx", "sar", "sdm")
METHODS = ("lee_yu", "lsdv")
# Spectra are dense: beyond this size the ordinary engine is the better tool.
LARGEST = 1500


class Shared:
    """What all outcomes share: projected regressors Z = Q[X, W X], (Z'Z)^-1, the spectrum of W, leverages."""

    def __init__(self, model: SpatialPanel | SpatialPanelResult) -> None:
        """Check that the model has a batch form, and keep what does not change from outcome to outcome."""
        if isinstance(model, SpatialPanelResult):
            where, weights, model = "batch", model.model.lag_weights, model.model
        else:
            where, weights = f"{model.name}: batch", model.weights
        s, p = model.specification, model.panel
        if s.model not in MODELS:
            raise RongheError(
                f"{where}: model '{s.model}' has none (there is one for {', '.join(MODELS)}); "
                "use SpatialPanel for each outcome"
            )
        if s.method not in METHODS:
            raise RongheError(f"{where}: method '{s.method}' has none; choose {' or '.join(METHODS)}")
        if p.observed is not None or p.n_units > LARGEST:
            raise RongheError(
                f"{where}: a complete panel of at most {LARGEST} units is needed; use SpatialPanel for each outcome"
            )
        self.specification, self.panel, self.projection = s, p, model.projection
        self.n_units, self.n_periods = p.y.shape
        moments = model.moments
        lead = moments.n_lead
        self.Z = np.ascontiguousarray(moments.data[:, :, lead:])
        self.flat = self.Z.reshape(-1, self.Z.shape[2])
        self.products = moments.plain[lead:, lead:]
        self.bread = inverse_scaled(self.products)
        self.nobs, self.periods = model.projection.effective_size(self.n_units, self.n_periods, s.method)
        self.W = None if weights is None else weights.sparse.toarray()
        self.is_row_standardised = weights is None or weights.is_row_standardised
        self.has_lag = s.has_lag
        self.spectrum = Spectrum(self.W, model.projection.has_time) if s.has_lag else None
        # The likelihood refuses too few rows and regressors that repeat one another.
        likelihood = model.likelihood
        if s.has_lag:
            edge = float(model.projection.has_time and s.method == "lee_yu")
            self.jacobian = Jacobian(self.spectrum, likelihood.lag.bounds, self.periods, edge)
        self.names = s.parameters

    @cached_property
    def raw(self) -> np.ndarray:
        """[X, W X] before the projection, (unit, period, column)."""
        s, X = self.specification, self.panel.X
        picked = [s.names.index(name) for name in s.durbin]
        return np.concatenate([X, np.einsum("ij,jtk->itk", self.W, X[:, :, picked])], axis=2) if picked else X

    @cached_property
    def leverage(self) -> Leverage:
        """I - H_ii of the regressors by unit."""
        return Leverage.of(self.Z, self.bread, self.projection.has_units, self.projection.has_time)

    @cached_property
    def hat_root(self) -> np.ndarray:
        """F with F F' = Z (Z'Z)^-1 Z', (unit, period, column)."""
        scale = 1 / np.sqrt(np.diag(self.products))
        values, vectors = np.linalg.eigh(self.products * np.outer(scale, scale))
        return self.Z @ (scale[:, None] * vectors / np.sqrt(values))

    def generate(self, b: np.ndarray, rho: float, effects: np.ndarray, disturbances: np.ndarray) -> np.ndarray:
        """Return outcomes (I - rho W)^-1 (Z b + effects + u) for disturbances (draw, unit, period)."""
        right = (self.raw @ b + effects)[None] + disturbances
        return np.linalg.inv(np.eye(self.n_units) - rho * self.W) @ right if rho else right

    def in_chunks(self, n_draws: int, size: int = 250) -> Iterator[slice]:
        """Yield slices of draws small enough for the processor's cache; results do not depend on their size."""
        for start in range(0, n_draws, size):
            yield slice(start, min(start + size, n_draws))
