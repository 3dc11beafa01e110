"""Dynamic spatial panels by quasi-maximum likelihood, with the bias of short panels taken out.

y_t = rho W y_t + phi y_{t-1} + psi W y_{t-1} + X_t beta + W X_t theta + mu + tau_t 1 + e_t, t = 1..T, y_0 given:
Yu, de Jong and Lee (2008), J. Econometrics 146, eq. 1 (unit effects); Lee and Yu (2010), Econometric Theory 26, eq. 2
(unit and time effects). The two lags of y are called "L1.y" and "W*L1.y" here, as terms are elsewhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.algebra import inverse_scaled
from ronghe.spatial.dynamic.results import DynamicResults
from ronghe.spatial.equation import specify
from ronghe.spatial.grid import read_panel_arrays
from ronghe.spatial.likelihood import Likelihood, maximise
from ronghe.spatial.log_determinant.exact import EigenLogDeterminant, LogDeterminant, log_determinant
from ronghe.spatial.log_determinant.traces import filter_traces, multiplier
from ronghe.spatial.projection import Projection
from ronghe.spatial.sufficient_statistics import Moments, build_moments, lag
from ronghe.weights import Weights

MODELS = ("sar", "sdm")
METHODS = ("lee_yu", "lsdv")
EFFECTS = ("units", "time", "twoways")
COVARIANCES = ("expected", "robust")
WHERE = "DynamicPanel"


class DynamicPanel:
    """A dynamic SAR or SDM with fixed effects.

    `method="lee_yu"` removes time effects by the transformation to N - 1 units, so that no bias of order 1/N arises;
    "lsdv" keeps dummies and `fit(bias_corrected=True)` removes that bias afterwards. Unit effects leave a bias of order
    1/T under either, which it takes out too; with time effects alone there is none.
    """

    def __init__(
        self,
        y: pd.Series,
        X: pd.DataFrame,
        W: object,
        model: str = "sdm",
        effects: str = "twoways",
        method: str = "lee_yu",
        time_lag: bool = True,
        space_time_lag: bool = True,
        durbin: Sequence[str] | None = None,
    ) -> None:
        """Lay the panel out by label; the first period serves as y_0 only."""
        require_known(model, MODELS, "model", WHERE)
        require_known(effects, EFFECTS, "effects", WHERE)
        require_known(method, METHODS, "method", WHERE)
        if not (time_lag or space_time_lag):
            raise RongheError(f"{WHERE}: without y_(t-1) and W y_(t-1) the model is not dynamic; use SpatialPanel")
        self.weights = Weights.coerce(W)
        self.panel = read_panel_arrays(y, X, self.weights.labels, WHERE)
        if self.panel.n_periods < 3:
            raise RongheError(f"{WHERE}: {self.panel.n_periods} periods are too few; the first is spent on y_(t-1)")
        self._check_spacing()
        self.model, self.method, self.projection = model, method, Projection(effects)
        self.log_determinant = log_determinant(self.weights)
        if self.transforms_units and not self.weights.is_row_standardised:
            raise RongheError(
                f"{WHERE}: method 'lee_yu' with effects='{effects}' needs weights whose rows sum to one; "
                "standardise them, or choose method='lsdv'"
            )
        names = [f"L1.{self.panel.outcome}"] * time_lag + [f"W*L1.{self.panel.outcome}"] * space_time_lag
        self.lags = tuple(names)
        self.time_lag, self.space_time_lag = time_lag, space_time_lag
        parts = specify(model, effects, method, self.panel.names, durbin, WHERE)
        self.terms = (*names, *parts.terms)
        self.durbin = parts.durbin

    def _check_spacing(self) -> None:
        """Refuse years that do not follow one another: y_{t-1} would be the outcome of another year."""
        periods = self.panel.periods
        if not all(isinstance(period, (int, np.integer)) for period in periods):
            return
        gaps = np.diff(periods)
        if (gaps != gaps.min()).any():
            last = periods[int(np.argmax(gaps > gaps.min()))]
            raise RongheError(
                f"{WHERE}: periods must be equally far apart, and after {last} some are absent; y_(t-1) would be the "
                "outcome of another period. Add the rows, or use an unbroken run of periods"
            )

    @property
    def transforms_units(self) -> bool:
        """Whether the likelihood is that of the data transformed to N - 1 units."""
        return self.method == "lee_yu" and self.projection.has_time

    @property
    def has_time_dummies(self) -> bool:
        """Whether the likelihood has a dummy for every period."""
        return self.projection.has_time and not self.transforms_units

    @property
    def size(self) -> tuple[int, int]:
        """Return the units and periods that count."""
        return self.panel.n_units - self.transforms_units, self.panel.n_periods - 1

    def moments(self) -> Moments:
        """Return the projected data and their products."""
        before, now = self.panel.y[:, :-1], self.panel.y[:, 1:]
        W = self.weights.sparse
        lags = [before] * self.time_lag + [lag(W, before)] * self.space_time_lag
        X = np.concatenate([np.stack(lags, axis=2), self.panel.X[:, 1:]], axis=2)
        names = [*self.lags, *self.panel.names]
        return build_moments(now, X, names, self.durbin, W, None, True, self.projection, WHERE)

    def fit(self, cov_type: str = "expected", bias_corrected: bool = True) -> DynamicResults:
        """Maximise the likelihood, correct the bias, and give the covariance at the estimates reported."""
        require_known(cov_type, COVARIANCES, "cov_type", WHERE)
        moments = self.moments()
        n_units, n_periods = self.size
        likelihood = Likelihood(
            moments, self.log_determinant, None, n_units * n_periods, n_periods, self.transforms_units
        )
        maximum = maximise(likelihood, WHERE)
        point = maximum.point
        uncorrected = np.concatenate([point.b, [point.rho, point.sigma2]])
        theta, removed = uncorrected, 0
        if bias_corrected and (self.projection.has_units or self.has_time_dummies):
            theta, removed = self._corrected(uncorrected, moments)
        if not 0 < theta[-1] or not self.log_determinant.bounds[0] < theta[-2] < self.log_determinant.bounds[1]:
            raise RongheError(
                f"{WHERE}: the bias correction leads to rho = {theta[-2]:.4g}, sigma2 = {theta[-1]:.4g}, where the "
                "model is not defined; the panel is too short or the process has a unit root (bias_corrected=False)"
            )
        expected, residuals = self._information(theta, moments), self._residuals(theta, moments)
        covariance = inverse_scaled(expected.matrix) / (n_units * n_periods)
        if cov_type == "robust":
            middle = _kurtosis_part(theta[-1], residuals, expected, n_units)
            covariance = covariance + covariance @ middle @ covariance * (n_units * n_periods)
        result = DynamicResults(self, theta, covariance, uncorrected, point.loglik, residuals, cov_type, removed)
        if not result.is_stable:
            warnings.warn(
                f"{WHERE}: the largest root of the process is {result.largest_root:.4f}; long-run effects do not "
                "exist and the bias correction rests on a stable process",
                stacklevel=2,
            )
        return result

    def _residuals(self, theta: np.ndarray, moments: Moments) -> np.ndarray:
        return moments.data @ np.concatenate([[1.0, -theta[-2]], -theta[:-2]])

    def _information(self, theta: np.ndarray, moments: Moments) -> _Information:
        """Return the expected information per observation, Lee and Yu (2010, ET, eq. 18), G Z b projected like Z."""
        b, rho, sigma2 = theta[:-2], theta[-2], theta[-1]
        Z = moments.data[:, :, 2:]
        n_units, n_periods = self.size
        if self.has_time_dummies and not self.weights.is_row_standardised:
            # G 1 is no multiple of 1, so that the time effects, within S y - e, do not drop out of Q G (Z b + tau).
            y, W = self.panel.y[:, 1:], self.weights.sparse
            GZb = lag(W, y - self.log_determinant.solve(rho, self._residuals(theta, moments)))
        else:
            GZb = self.weights.sparse @ self.log_determinant.solve(rho, Z @ b)
        GZb = self.projection.apply(GZb)
        traces = filter_traces(self.log_determinant, rho)
        g, gg, gtg = traces.g, traces.gg, traces.gtg
        if self.transforms_units:
            # J G J in place of G: with rows that sum to one, G 1 = 1 / (1 - rho).
            unit = 1 / (1 - rho)
            g, gg, gtg = g - unit, gg - unit**2, gtg - traces.column_sums_squared / self.panel.n_units
        k = len(b)
        flat, GZb = Z.reshape(-1, k), GZb.reshape(-1)
        nobs = n_units * n_periods
        result = np.zeros((k + 2, k + 2))
        result[:k, :k] = flat.T @ flat / sigma2 / nobs
        result[:k, k] = result[k, :k] = flat.T @ GZb / sigma2 / nobs
        result[k, k] = GZb @ GZb / sigma2 / nobs + (gg + gtg) / n_units
        result[k, k + 1] = result[k + 1, k] = g / n_units / sigma2
        result[k + 1, k + 1] = 1 / (2 * sigma2**2)
        return _Information(result, self.log_determinant, rho, self.transforms_units)

    def _corrected(self, theta: np.ndarray, moments: Moments) -> tuple[np.ndarray, int]:
        """Return theta + Sigma^-1 a_1 / T (+ Sigma^-1 a_2 / N with dummies for time), and the unit roots set aside.

        a_1 is Yu, de Jong and Lee (2008, eq. 17), a_2 the vector of Lee and Yu (2010, ET, eq. 29): (0, 1'G1/N,
        1/(2 sigma2)) in (b, rho, sigma2).
        """
        n_units, n_periods = self.size
        inverse = inverse_scaled(self._information(theta, moments).matrix)
        corrected, removed = theta, 0
        if self.projection.has_units:
            first, removed = self._time_bias(theta)
            corrected = corrected + inverse @ first / n_periods
        if self.has_time_dummies:
            second = np.zeros(len(theta))
            ones = np.ones(n_units)
            second[-2] = ones @ (self.weights.sparse @ self.log_determinant.solve(theta[-2], ones)) / n_units
            second[-1] = 1 / (2 * theta[-1])
            corrected = corrected + inverse @ second / n_units
        return corrected, removed

    def _time_bias(self, theta: np.ndarray) -> tuple[np.ndarray, int]:
        """Return a_1 = (tr D^-1 / n, tr W D^-1 / n, 0, tr W D^-1 / n, 1/(2 sigma2)), D = (1 - phi) I - (rho + psi) W.

        This is the published vector in short: with A = S^-1 (phi I + psi W), (I - A)^-1 S^-1 = D^-1 and
        phi tr(G D^-1) + psi tr(G W D^-1) + tr G = tr(W D^-1). Roots of A above 1 - 1/n are taken for unit roots, as
        in Yu, de Jong and Lee (2012, J. Econometrics 167, theorem 2): A loses them and T / (2 (1 - rho)) takes
        their place; except with dummies for time, where no theory covers them.
        """
        phi, psi = self.persistence(theta)
        rho, sigma2 = theta[-2], theta[-1]
        n_units, n_periods = self.size
        removed = 0
        if isinstance(self.log_determinant, EigenLogDeterminant):
            omega = self.log_determinant.eigenvalues
            if self.transforms_units:
                omega = np.delete(omega, np.argmin(np.abs(omega - 1)))
            roots = (phi + psi * omega) / (1 - rho * omega)
            unit = np.zeros(len(omega), bool) if self.has_time_dummies else roots.real > 1 - 1 / n_units
            removed = int(unit.sum())
            kept = np.where(unit, 0.0, roots)
            D = (1 - kept) * (1 - rho * omega)
            own = float((1 / D).sum().real)
            spatial = float((omega / D).sum().real)
            # The same as `spatial` where A is whole; with roots set aside, phi tr(G D^-1) + psi tr(G W D^-1) + tr G.
            cross = float((omega / (1 - rho * omega) * ((phi + psi * omega) / D + 1)).sum().real)
            extra = removed / n_units * n_periods / (2 * (1 - rho))
        else:
            a = (rho + psi) / (1 - phi)
            if not self.log_determinant.bounds[0] < a < self.log_determinant.bounds[1] or phi >= 1:
                raise RongheError(
                    f"{WHERE}: the process is not stable (phi + rho + psi = {phi + rho + psi:.4f}), and no bias "
                    "correction exists; use bias_corrected=False or difference the data"
                )
            cross = -self.log_determinant.derivatives(a)[1] / (1 - phi)
            own = (self.panel.n_units + a * cross * (1 - phi)) / (1 - phi)
            if self.transforms_units:
                unit_root = 1 / (1 - phi - rho - psi)
                own, cross = own - unit_root, cross - unit_root
            spatial, extra = cross, 0.0
        own, spatial, cross = (x / n_units + extra for x in (own, spatial, cross))
        bias = np.zeros(len(theta))
        if self.time_lag:
            bias[0] = own
        if self.space_time_lag:
            bias[int(self.time_lag)] = spatial
        bias[-2], bias[-1] = cross, 1 / (2 * sigma2)
        return bias, removed

    def persistence(self, theta: np.ndarray) -> tuple[float, float]:
        """Return (phi, psi), the coefficients of y_{t-1} and W y_{t-1}."""
        phi = float(theta[0]) if self.time_lag else 0.0
        psi = float(theta[int(self.time_lag)]) if self.space_time_lag else 0.0
        return phi, psi


@dataclass(frozen=True)
class _Information:
    """The information matrix, and what its fourth-moment companion needs."""

    matrix: np.ndarray
    log_determinant: LogDeterminant
    rho: float
    transforms_units: bool

    def diagonals(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the diagonals of G and of I, both between demeaning matrices J where units are transformed."""
        if not self.log_determinant.has_small_inverse:
            raise RongheError(f"{WHERE}: cov_type 'robust' needs the diagonal of G, which is not formed at this size")
        G = multiplier(self.log_determinant, self.rho)
        n = len(G)
        if not self.transforms_units:
            return np.diag(G), np.ones(n)
        JGJ = G - G.mean(axis=0) - G.mean(axis=1)[:, None] + G.mean()
        return np.diag(JGJ), np.full(n, 1 - 1 / n)


def _kurtosis_part(sigma2: float, residuals: np.ndarray, information: _Information, n_units: int) -> np.ndarray:
    """Return Omega of Yu, de Jong and Lee (2008, eq. 13): what excess kurtosis adds to the variance of the score.

    With units transformed the sums run over the diagonals of J G J and J, which do not depend on which orthonormal
    basis carries the transformation; the diagonal of F'GF, which some programs use, does.
    """
    excess = (np.mean(residuals**4) - 3 * sigma2**2) / sigma2**2
    diagonal, ones = information.diagonals()
    k = len(information.matrix) - 2
    result = np.zeros_like(information.matrix)
    result[k, k] = excess * diagonal @ diagonal / n_units
    result[k, k + 1] = result[k + 1, k] = excess * diagonal @ ones / (2 * sigma2 * n_units)
    result[k + 1, k + 1] = excess * ones @ ones / (4 * sigma2**2 * n_units)
    return result
