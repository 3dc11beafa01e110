"""Estimates of many subsets of regressors: impacts of the regressor of interest, and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ronghe.errors import require_known
from ronghe.spatial.equation import MODELS

if TYPE_CHECKING:
    from ronghe.spatial.batch.error_profile import ErrorProfile
    from ronghe.spatial.batch.newton import LagProfile
    from ronghe.spatial.batch.shared_columns import SharedColumns

COVARIANCES = ("expected", "CR1", "CR2")
IMPACTS = ("direct", "indirect", "total")
# Eigenvalues of I - H_ii below this are those of directions that a unit alone decides.
SINGULAR = 1e-9
# Arrays of all pairs of units are made for so many fits at once, and stay in the processor's cache.
FEW = 64


@dataclass(frozen=True)
class SubsetFits:
    """Fits of one model; every array has the fit as its first axis.

    `columns` are the places of the regressors Z in D, `spatial` is rho or lambda, `slope` (Z'Z)^-1 Z'W y for a lag and
    -db/dlambda for an error, `bends` the two derivatives of the sum of squares in rho or lambda, `refused` a code of
    `REFUSALS`. Numbers of refused fits mean nothing.
    """

    data: SharedColumns
    model: str
    n_own: int
    columns: np.ndarray
    draw: np.ndarray | None
    b: np.ndarray
    spatial: np.ndarray
    ssr: np.ndarray
    inverse: np.ndarray
    slope: np.ndarray | None
    bends: tuple[np.ndarray, np.ndarray] | None
    profile: LagProfile | ErrorProfile | None
    refused: np.ndarray

    @property
    def has_lag(self) -> bool:
        """Whether rho W y enters."""
        return MODELS[self.model][0]

    @property
    def has_error(self) -> bool:
        """Whether u = lambda W u + e."""
        return MODELS[self.model][2]

    @property
    def durbin(self) -> bool:
        """Whether the lags of the regressors enter."""
        return MODELS[self.model][1]

    @property
    def nobs(self) -> int:
        """Observations that the likelihood counts."""
        return self.data.size[0]

    @property
    def sigma2(self) -> np.ndarray:
        """Variances of the disturbance."""
        return self.ssr / self.nobs

    @property
    def coefficient(self) -> np.ndarray:
        """Coefficients of the regressor of interest."""
        return self.b[:, 0]

    @cached_property
    def loglik(self) -> np.ndarray:
        """Complete log-likelihoods."""
        value = -0.5 * self.nobs * (np.log(2 * np.pi * self.sigma2) + 1)
        return value if self.profile is None else value + self.data.jacobian.value(self.spatial)

    @cached_property
    def residuals(self) -> np.ndarray:
        """Projected residuals e = Q R (S y - Z b), as (fit, cell)."""
        ones = np.ones((len(self.b), 1))
        lead = [ones, -self.spatial[:, None]] if self.has_lag else [ones]
        weights = np.concatenate([*lead, -self.b], axis=1)
        places = np.broadcast_to([0, 1][: len(lead)], (len(self.b), len(lead)))
        return self._combine(weights, np.concatenate([places, self.columns], axis=1))

    def _combine(self, coefficients: np.ndarray, columns: np.ndarray) -> np.ndarray:
        if not self.has_error:
            return self.data.columns.combine(coefficients, columns, self.draw)
        both = np.concatenate([coefficients, -self.spatial[:, None] * coefficients], axis=1)
        places = np.concatenate([columns, columns + self.data.columns.n_columns], axis=1)
        return self.data.joined.combine(both, places, self.draw)

    @cached_property
    def _multiplier(self) -> np.ndarray | None:
        """G by fit where the eigenvectors of W cannot carry it; it then serves everywhere."""
        spectrum = self.data.jacobian.spectrum
        return None if spectrum.is_diagonal else spectrum.multipliers(self.spatial)

    @cached_property
    def lagged_fitted(self) -> np.ndarray:
        """Q G Z b = Q W y - Q G e as (fit, unit, period), less what regressors that are partialled out take of W y.

        From G (I - rho W) = W and, with time effects, rows of W that sum to one, so that G takes effects to effects.
        """
        N, T = self.data.shape
        found = self.data.jacobian.spectrum.apply(self.spatial, self.residuals.reshape(-1, N, T), self._multiplier)
        if self.data.projection.has_time:
            found -= np.einsum("bit->bt", found)[:, None] / N
        return np.subtract(self.data.columns.column(1, self.draw).reshape(-1, N, T), found, out=found)

    def _partialled(self, values: np.ndarray) -> np.ndarray:
        """Return values (fit, cell) less their projection on the regressors that are partialled out."""
        basis = self.data.basis
        return values if basis is None else values - (values @ basis) @ basis.T

    @cached_property
    def corner(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inverse of the observed information of (rho or lambda, sigma2) once b is concentrated out."""
        s2, jacobian = self.sigma2, self.data.jacobian
        first, second = self.bends
        return _inverse_two(
            0.5 * second / s2 - jacobian.derivatives(self.spatial)[1],
            -0.5 * first / s2**2,
            self.nobs / (2 * s2**2),
        )

    @cached_property
    def _expected(self) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """The same of the expected information (Lee and Yu 2010, equation 3.8), with what stands in for `slope`."""
        jacobian, s2 = self.data.jacobian, self.sigma2
        gtg, sums = jacobian.spectrum.squared(self.spatial, self._multiplier)
        g, gg = jacobian.spectrum.traces(self.spatial)
        edge = jacobian.edge / (1 - self.spatial)
        corner = jacobian.n_periods * (gg - edge**2 + gtg - (sums / self.data.shape[0] if jacobian.edge else 0.0))
        h = np.zeros_like(self.b)
        if self.has_lag:
            q = self._partialled(self.lagged_fitted.reshape(len(self.b), -1))
            right = self.data.columns.crossed(q, self.columns, self.draw)
            h = np.matmul(self.inverse, right[:, :, None])[:, :, 0]
            corner = corner + (np.einsum("bi,bi->b", q, q) - np.einsum("bk,bk->b", h, right)) / s2
        return h, _inverse_two(corner, jacobian.n_periods * (g - edge) / s2, self.nobs / (2 * s2**2))

    @cached_property
    def _gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """Values of direct and total impact (fit, 2), and their slopes (fit, 2, 3) in beta, theta and rho.

        LeSage and Pace (2009, equations 2.46-2.48), as `impacts.average_impacts`.
        """
        n_fits, W = len(self.b), self.data.weights
        slopes = np.zeros((n_fits, 2, 3))
        slopes[:, :, 0] = 1.0
        theta = self.b[:, self.n_own] if self.durbin else np.zeros(n_fits)
        if self.has_lag:
            spectrum, rho, N = self.data.jacobian.spectrum, self.spatial, self.data.shape[0]
            g, gg = spectrum.traces(rho)
            edge = 1 / (1 - rho)
            r, rr = (edge, edge**2) if W.is_row_standardised else spectrum.row_sums(rho, self._multiplier)
            for k, (first, second) in enumerate(((g / N, gg / N), (r, rr))):
                slopes[:, k, 0], slopes[:, k, 1] = 1 + rho * first, first
                slopes[:, k, 2] = self.coefficient * (first + rho * second) + theta * second
        elif W is not None:
            slopes[:, 1, 1] = W.sparse.sum() / W.sparse.shape[0]
        if not self.durbin:
            slopes[:, :, 1] = 0.0
        return slopes[:, :, 0] * self.coefficient[:, None] + slopes[:, :, 1] * theta[:, None], slopes

    @cached_property
    def effects(self) -> np.ndarray:
        """Direct, indirect and total impact of the regressor of interest (fit, 3), at an edge of rho as elsewhere."""
        values = self._gradients[0]
        return np.stack([values[:, 0], values[:, 1] - values[:, 0], values[:, 1]], axis=1)

    def impacts(self, covariance: str = "CR1", wanted: Sequence[str] = IMPACTS) -> tuple[np.ndarray, np.ndarray]:
        """Return impacts of the regressor of interest, and standard errors, both (fit, impact)."""
        slopes = self._gradients[1]
        slopes = np.stack([slopes[:, 0], slopes[:, 1] - slopes[:, 0], slopes[:, 1]], axis=1)
        chosen = [IMPACTS.index(name) for name in wanted]
        effects, variances = self.effects[:, chosen], self.variances(slopes[:, chosen], covariance)
        none = self.refused > 0
        effects[none], variances[none] = np.nan, np.nan
        return effects, np.sqrt(np.maximum(variances, 0.0))

    def variances(self, slopes: np.ndarray, covariance: str) -> np.ndarray:
        """Return variances of quantities with slopes (fit, quantity, 3) in the first beta, its theta, and rho."""
        require_known(covariance, COVARIANCES, "covariance", "specifications")
        s2 = self.sigma2
        own = slopes[:, :, 0, None] * self.inverse[:, None, 0]
        if self.durbin:
            own = own + slopes[:, :, 1, None] * self.inverse[:, None, self.n_own]
        w_b = s2[:, None, None] * own
        if self.profile is None:
            w_r = w_s = np.zeros(slopes.shape[:2])
        else:
            h, (v_rr, v_rs, _) = self._expected if covariance == "expected" else (self.slope, self.corner)
            gap = slopes[:, :, 0] * h[:, [0]] - slopes[:, :, 2]
            if self.durbin:
                gap = gap + slopes[:, :, 1] * h[:, [self.n_own]]
            w_b = w_b + (v_rr[:, None] * gap)[:, :, None] * h[:, None]
            w_r, w_s = -v_rr[:, None] * gap, -v_rs[:, None] * gap
        if covariance == "expected":
            found = slopes[:, :, 0] * w_b[:, :, 0] + slopes[:, :, 2] * w_r
            return found + slopes[:, :, 1] * w_b[:, :, self.n_own] if self.durbin else found
        return self._sandwich(w_b, w_r, w_s, covariance)

    def _sandwich(self, w_b: np.ndarray, w_r: np.ndarray, w_s: np.ndarray, covariance: str) -> np.ndarray:
        """Return the variance of w'score by units, as `scores.unit_meat` sums it.

        Linear terms and each unit's own part of the quadratic form by unit, the products of two units' disturbances by
        pairs (Kelejian and Prucha 2001, equation 2.6). Of three, the second is the difference of the other two.
        """
        N, T = self.data.shape
        e = self.residuals.reshape(-1, N, T) if covariance == "CR1" else self.adjusted
        s2 = self.sigma2
        squares = np.einsum("bit,bit->bi", e, e)
        excess = squares - squares.mean(axis=1, keepdims=True)
        influence = np.empty((*w_r.shape, N))
        for k in (0, 2) if w_r.shape[1] == 3 else range(w_r.shape[1]):
            linear = self._combine(w_b[:, k], self.columns).reshape(e.shape)
            if self.has_lag:
                linear += w_r[:, k, None, None] * self.lagged_fitted
            influence[:, k] = np.einsum("bit,bit->bi", linear, e) / s2[:, None]
            influence[:, k] += (w_s[:, k] / (2 * s2**2))[:, None] * excess
        if self.profile is not None:
            diagonal, between = self._pairs(e)
            influence += w_r[:, :, None] * (0.5 * diagonal * excess / s2[:, None])[:, None]
        if w_r.shape[1] == 3:
            influence[:, 1] = influence[:, 2] - influence[:, 0]
        variance = np.einsum("bqi,bqi->bq", influence, influence)
        if self.profile is not None:
            variance += (between / s2**2)[:, None] * w_r**2
        return self.factor(covariance) * variance

    def _pairs(self, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the diagonals of the quadratic form, and sum_(i<j) (e_i'e_j (C + C')_ij)^2, a few fits at a time."""
        spectrum = self.data.jacobian.spectrum
        n_fits, N, _ = e.shape
        diagonal, between = np.empty((n_fits, N)), np.empty(n_fits)
        for start in range(0, n_fits, FEW):
            few = slice(start, start + FEW)
            given = None if self._multiplier is None else self._multiplier[few]
            diagonal[few], forms = spectrum.halved_forms(self.spatial[few], given)
            pairs = (e[few] @ e[few].transpose(0, 2, 1)).reshape(-1, N * N).take(spectrum.pairs, axis=1)
            pairs *= forms
            between[few] = np.einsum("bi,bi->b", pairs, pairs)
        return diagonal, between

    def factor(self, covariance: str) -> float:
        """Return the small-sample factor: G/(G-1) (n-1)/(n-K) for CR1, and N/(N-1) for Lee and Yu's time effects."""
        if covariance == "CR2":
            return 1.0
        N, T = self.data.shape
        n, K = N * T, self.b.shape[1] + self.data.n_partialled
        lost = self.data.method == "lee_yu" and self.data.projection.has_time
        return (N / (N - 1) if lost else 1.0) * N / (N - 1) * (n - 1) / max(n - K, 1)

    @cached_property
    def adjusted(self) -> np.ndarray:
        """Residuals (I - H_ii)^(-1/2) e_i of Bell and McCaffrey (2002) as (fit, unit, period).

        H_ii = D_i (D'D)^-1 D_i' plus the share of the period dummies, D = [Z, Q G Z b].
        """
        N, T = self.data.shape
        n_fits = len(self.b)
        e = self.residuals.reshape(n_fits, N, T)
        Z = self._regressors()
        root = np.linalg.cholesky(self.inverse)
        F = (Z @ root).reshape(n_fits, N, T, -1)
        if self.data.basis is not None:
            basis = self.data.basis.reshape(N, T, -1)
            F = np.concatenate([F, np.broadcast_to(basis, (n_fits, *basis.shape))], axis=3)
        if self.has_lag:
            q = self._partialled(self.lagged_fitted.reshape(n_fits, -1))
            rest = q - np.matmul(Z, np.matmul(self.inverse, np.matmul(q[:, None], Z).transpose(0, 2, 1)))[:, :, 0]
            length = np.sqrt(np.einsum("bi,bi->b", rest, rest))
            rest /= np.where(length > 0, length, 1.0)[:, None]
            F = np.concatenate([F, rest.reshape(n_fits, N, T, 1)], axis=3)
        inner = np.eye(T) - 1 / T if self.data.projection.has_units else np.eye(T)
        share = inner / N if self.data.projection.has_time else 0.0
        values, vectors = np.linalg.eigh(np.eye(T) - share - F @ F.transpose(0, 1, 3, 2))
        power = np.where(values > SINGULAR, 1 / np.sqrt(np.maximum(values, SINGULAR)), 0.0)
        turned = np.matmul(e[:, :, None], vectors)
        turned *= power[:, :, None]
        return np.matmul(turned, vectors.transpose(0, 1, 3, 2))[:, :, 0]

    def _regressors(self) -> np.ndarray:
        """Return Z by fit as (fit, cell, regressor)."""
        Z = self.data.columns.take(self.columns, self.draw)
        if self.has_error:
            Z -= self.spatial[:, None, None] * self.data.lagged.take(self.columns, self.draw)
        return np.ascontiguousarray(Z.transpose(0, 2, 1))


def _inverse_two(rr: np.ndarray, rs: np.ndarray, ss: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the inverses of [[rr, rs], [rs, ss]] as (rr, rs, ss)."""
    det = rr * ss - rs * rs
    return ss / det, -rs / det, rr / det
