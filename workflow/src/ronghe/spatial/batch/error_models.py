"""Exact maximum likelihood of spatial error models (sem, sdem) for many outcomes: parameters and likelihoods."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ronghe.errors import RongheError
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.spatial.maximum import EDGE, MAX_STEPS, STALLED, STEP_TOLERANCE
from ronghe.spatial.spatial_panel import SpatialPanel

GRID = 41
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

    The residual is Q R (y - Z b) with R = I - lambda M: filtered first, then projected. With A(lambda) the products of
    R [y, Z], b and the sum of squares follow in closed form, and lambda by Newton steps on the concentrated
    likelihood, as in the ordinary engine.
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
        self.products = tuple(p[1:, 1:] for p in (m.plain, m.mixed, m.twice))
        self.nobs, self.periods = model.likelihood.nobs, model.likelihood.n_periods
        self.M = model.error_weights.sparse.toarray()
        self.spectrum = Spectrum(self.M, model.projection.has_time)
        self.edge = float(model.likelihood.transformed_units)
        self.bounds = model.likelihood.error.bounds

    def _project(self, values: np.ndarray) -> np.ndarray:
        if self.projection.has_units:
            values -= values.mean(axis=2, keepdims=True)
        if self.projection.has_time:
            values -= values.mean(axis=1, keepdims=True)
        return values

    def fit(self, y: np.ndarray) -> ErrorFit:
        """Return the estimates of every outcome y (draw, unit, period)."""
        B = len(y)
        own = self._project(np.array(y, dtype=float)).reshape(B, -1)
        lagged = self._project(self.M @ y).reshape(B, -1)
        squares = np.stack([(own * own).sum(axis=1), 2 * (own * lagged).sum(axis=1), (lagged * lagged).sum(axis=1)])
        crossed = np.stack([own @ self.Z, own @ self.MZ + lagged @ self.Z, lagged @ self.MZ])
        lam = self._climb(self._start(squares, crossed), squares, crossed)
        b, ssr = self._solve(lam, squares, crossed)[:2]
        sigma2 = ssr / self.nobs
        loglik = -0.5 * self.nobs * (np.log(2 * np.pi * sigma2) + 1) + self.periods * self._log_jacobian(lam)
        return ErrorFit(b, lam, sigma2, loglik)

    def _log_jacobian(self, lam: np.ndarray) -> np.ndarray:
        return self.spectrum.log_determinant(lam) - self.edge * np.log1p(-lam)

    @cached_property
    def _grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        low, high = self.bounds
        grid = low + (high - low) * 0.5 * (1 - np.cos(np.pi * (np.arange(GRID) + 0.5) / GRID))
        plain, mixed, twice = self.products
        roots = np.stack([np.linalg.inv(np.linalg.cholesky(plain - a * mixed + a * a * twice)).T for a in grid])
        return grid, roots, self.periods * self._log_jacobian(grid)

    def _start(self, squares: np.ndarray, crossed: np.ndarray) -> np.ndarray:
        grid, roots, log_det = self._grid
        heights = np.empty((squares.shape[1], len(grid)))
        for j, a in enumerate(grid):
            explained = (crossed[0] - a * crossed[1] + a * a * crossed[2]) @ roots[j]
            ssr = squares[0] - a * squares[1] + a * a * squares[2] - (explained * explained).sum(axis=1)
            heights[:, j] = log_det[j] - 0.5 * self.nobs * np.log(ssr)
        return grid[heights.argmax(axis=1)]

    def _solve(self, lam: np.ndarray, squares: np.ndarray, crossed: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return b, the sum of squares, and the latter's two derivatives in lambda."""
        plain, mixed, twice = self.products
        a, A = lam[:, None], lam[:, None, None]
        ZZ = plain - A * mixed + A * A * twice
        Zy = crossed[0] - a * crossed[1] + a * a * crossed[2]
        dZZ, dZy = 2 * A * twice - mixed, 2 * a * crossed[2] - crossed[1]
        scale = 1 / np.sqrt(np.einsum("bkk->bk", ZZ))
        inverse = np.linalg.inv(ZZ * scale[:, :, None] * scale[:, None, :]) * scale[:, :, None] * scale[:, None, :]
        b = np.einsum("bkl,bl->bk", inverse, Zy)
        ssr = squares[0] - lam * squares[1] + lam**2 * squares[2] - np.einsum("bk,bk->b", b, Zy)
        db = np.einsum("bkl,bl->bk", dZZ, b)
        first = 2 * lam * squares[2] - squares[1] - 2 * np.einsum("bk,bk->b", b, dZy) + np.einsum("bk,bk->b", b, db)
        second = 2 * (squares[2] - 2 * np.einsum("bk,bk->b", b, crossed[2]) + np.einsum("bk,kl,bl->b", b, twice, b))
        gap = dZy - db
        second -= 2 * np.einsum("bk,bkl,bl->b", gap, inverse, gap)
        return b, ssr, first, second

    def _climb(self, start: np.ndarray, squares: np.ndarray, crossed: np.ndarray) -> np.ndarray:
        low, high = self.bounds
        bottom, top = low + EDGE * (high - low), high - EDGE * (high - low)
        lam = np.clip(start, bottom, top)
        low, high = np.full(len(lam), bottom), np.full(len(lam), top)
        moved, active = np.full(len(lam), np.inf), np.arange(len(lam))
        for _ in range(MAX_STEPS):
            a = lam[active]
            _, ssr, first, second = self._solve(a, squares[:, active], crossed[:, active])
            g, gg = self.spectrum.traces(a)
            slope = -0.5 * self.nobs * first / ssr - self.periods * (g - self.edge / (1 - a))
            curve = -0.5 * self.nobs * (second / ssr - (first / ssr) ** 2)
            curve -= self.periods * (gg - self.edge / (1 - a) ** 2)
            rising = slope > 0
            low[active], high[active] = np.where(rising, a, low[active]), np.where(rising, high[active], a)
            newton = np.full(len(a), np.inf)
            np.divide(-slope, curve, out=newton, where=curve < 0)
            size = np.abs(newton)
            done = (size <= STEP_TOLERANCE) | ((size < STALLED) & (size > 0.3 * moved[active]))
            following = a + newton
            outside = ~((following > low[active]) & (following < high[active]))
            following = np.where(outside, 0.5 * (low[active] + high[active]), following)
            done |= outside & (high[active] - low[active] <= STEP_TOLERANCE)
            moved[active] = np.abs(following - a)
            lam[active] = np.where(done, a, following)
            active = active[~done]
            if not len(active):
                return lam
        raise RongheError(f"batch: no maximum of lambda found for {len(active)} outcomes in {MAX_STEPS} steps")
