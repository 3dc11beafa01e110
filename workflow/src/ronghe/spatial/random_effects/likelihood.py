"""The likelihood of a spatial panel with random unit effects: its cross-products, its maximum, its information.

Model, t = 1..T: y_t = rho W y_t + Z_t beta + u_t, with the unit effect mu_i ~ (0, sigma2_units) inside u_t as

    "baltagi"  u_t = mu + (I - lambda M)^-1 e_t          Baltagi, Song, Koh (2003), J. Econometrics 117, eq. 1.2-1.3
    "kkp"      u_t = (I - lambda M)^-1 (mu + e_t)        Kapoor, Kelejian, Prucha (2007), J. Econometrics 140, eq. 2-3

and e_t ~ (0, sigma2 I). Both covariances split into a within stratum, T - 1 copies of A_0 = sigma2 (B'B)^-1 with
B = I - lambda M, and a between stratum, one copy of A_1 = T sigma2_units I + A_0 (for "kkp": (T sigma2_units + sigma2)
(B'B)^-1). Everything follows from cross-products in the two strata; with phi = sigma2_units / sigma2 the between one
needs K = I + T phi B B' alone, a sparse matrix, so that nothing dense is formed before an expected information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse.linalg import splu

from ronghe.errors import RongheError
from ronghe.spatial.log_determinant.exact import LU_OPTIONS, LogDeterminant

ERRORS = ("baltagi", "kkp")
STEP = 1e-30
NEWTON_STEP = 1e-5
DENSE = 400


@dataclass(frozen=True)
class Strata:
    """Cross-products of y, Wy, Z and of their lags by M, within units and between them (times T)."""

    within: tuple[np.ndarray, np.ndarray, np.ndarray]
    means: np.ndarray
    lagged_means: np.ndarray
    n_units: int
    n_periods: int

    @classmethod
    def of(cls, y: np.ndarray, Wy: np.ndarray, Z: np.ndarray, M: sparse.sparray | None) -> Strata:
        """Collect the cross-products of arrays shaped (T, N), the regressors (k, T, N)."""
        columns = np.concatenate([y[None], Wy[None], Z])
        n_periods, n_units = y.shape
        lagged = np.zeros_like(columns) if M is None else _lag(M, columns)
        means, lagged_means = columns.mean(axis=1), lagged.mean(axis=1)
        a = (columns - means[:, None]).reshape(len(columns), -1)
        b = (lagged - lagged_means[:, None]).reshape(len(columns), -1)
        return cls((a @ a.T, a @ b.T, b @ b.T), means, lagged_means, n_units, n_periods)

    @property
    def nobs(self) -> int:
        """Return the number of unit-periods."""
        return self.n_units * self.n_periods


@dataclass(frozen=True)
class Point:
    """The likelihood at one (rho, lambda, phi), with beta and sigma2 concentrated out."""

    loglik: float
    gradient: np.ndarray
    beta: np.ndarray
    sigma2: float
    normal: np.ndarray


class ErrorComponents:
    """The concentrated likelihood over (rho, lambda, phi), any of rho and lambda held at zero."""

    def __init__(
        self,
        strata: Strata,
        error: str,
        log_determinant: LogDeterminant | None,
        error_log_determinant: LogDeterminant | None,
        M: sparse.sparray | None,
    ) -> None:
        self.strata, self.error, self.M = strata, error, M
        self.lag, self.spatial_error = log_determinant, error_log_determinant

    def at(self, rho: float, lam: float, phi: float) -> Point:
        """Return the concentrated log-likelihood, complete with constants, and its gradient (rho, lambda, phi).

        With v = (1, -rho, -beta) the sum of squares is v' S v, S the weighted cross-products, and by the envelope
        theorem its derivative is v' dS v.
        """
        s = self.strata
        n_periods, scale = s.n_periods, 1 + s.n_periods * phi
        c00, c01, c11 = s.within
        S = c00 - lam * (c01 + c01.T) + lam**2 * c11
        d_lam = 2 * lam * c11 - (c01 + c01.T)
        filtered = s.means - lam * s.lagged_means
        baltagi = self.error == "baltagi" and self.spatial_error is not None
        if baltagi:
            K = self._middle(lam, phi)
            solved = K.solve(filtered.T).T
        else:
            solved = filtered / scale
        S = S + n_periods * filtered @ solved.T
        normal = S[2:, 2:]
        try:
            beta = np.linalg.solve(normal, S[2:, 0] - rho * S[2:, 1])
        except np.linalg.LinAlgError:
            raise RongheError("random effects: the regressors are collinear; leave one of them out") from None
        v = np.concatenate([[1.0, -rho], -beta])
        squares = float(v @ S @ v)
        sigma2 = squares / s.nobs
        d_squares = np.array([2 * (np.array([0.0, -1.0] + [0.0] * len(beta)) @ S @ v), v @ d_lam @ v, 0.0])
        q, lag_of_mean = v @ solved, v @ s.lagged_means
        d_squares[1] -= 2 * n_periods * lag_of_mean @ q
        if baltagi:
            Bq = q - lam * (self.M.T @ q)
            d_squares[1] += 2 * n_periods**2 * phi * (self.M.T @ q) @ Bq
            d_squares[2] = -(n_periods**2) * Bq @ Bq
            log_middle = K.log_determinant
            d_middle = self._middle_slope(lam, phi, K)
        else:
            d_squares[2] = -(n_periods**2) / scale * (v @ filtered) @ q
            log_middle = s.n_units * np.log(scale)
            d_middle = np.array([0.0, s.n_units * n_periods / scale])
        loglik = -s.nobs / 2 * (np.log(2 * np.pi * sigma2) + 1) - log_middle / 2
        gradient = -d_squares / (2 * sigma2)
        gradient[1:] -= d_middle / 2
        for place, (x, log_determinant) in enumerate(((rho, self.lag), (lam, self.spatial_error))):
            if log_determinant is not None:
                value, slope, _ = log_determinant.derivatives(x)
                loglik += n_periods * value
                gradient[place] += n_periods * slope
        return Point(loglik, gradient, beta, sigma2, normal)

    def complete(self, theta: np.ndarray) -> float:
        """Return the complete log-likelihood at (beta, rho, lambda, sigma2, sigma2_units)."""
        s = self.strata
        *beta, rho, lam, sigma2, sigma2_units = theta
        phi = sigma2_units / sigma2
        point = self.at(rho, lam, phi)
        gap = np.array(beta) - point.beta
        squares = s.nobs * point.sigma2 + gap @ point.normal @ gap
        return point.loglik + s.nobs / 2 * (np.log(point.sigma2 / sigma2) + 1) - squares / (2 * sigma2)

    def maximise(self, bounds: tuple[float, float], error_bounds: tuple[float, float]) -> tuple[np.ndarray, Point]:
        """Return (rho, lambda, phi) at the maximum, and the likelihood there; not converging is an error.

        The share of the error variance, u = 1/(1 + T phi) in (0, 1], is searched rather than phi.
        """
        free = [self.lag is not None, self.spatial_error is not None, True]
        n_periods = self.strata.n_periods
        margin = 1e-6
        limits = [tuple(b) for b in (bounds, error_bounds)]
        limits = [(lo + margin * (hi - lo), hi - margin * (hi - lo)) for lo, hi in limits] + [(1e-8, 1.0)]

        def full(x: np.ndarray) -> tuple[np.ndarray, float]:
            theta = np.zeros(3)
            theta[free] = x
            u = theta[2]
            theta[2] = (1 / u - 1) / n_periods
            return theta, -1 / (n_periods * u**2)

        def slope(x: np.ndarray) -> np.ndarray:
            theta, chain = full(x)
            gradient = self.at(*theta).gradient * np.array([1.0, 1.0, chain])
            return -gradient[free]

        def target(x: np.ndarray) -> tuple[float, np.ndarray]:
            theta, chain = full(x)
            point = self.at(*theta)
            return -point.loglik, -(point.gradient * np.array([1.0, 1.0, chain]))[free]

        box = [b for b, f in zip(limits, free, strict=True) if f]
        best = None
        for start in _starts(lambda x: target(x)[0], box):
            found = minimize(
                target, start, jac=True, bounds=box, method="L-BFGS-B", options={"ftol": 1e-10, "gtol": 1e-6}
            )
            if best is None or found.fun < best.fun:
                best = found
        x = newton(slope, best.x, box)
        theta, _ = full(x)
        return theta, self.at(*theta)

    def _middle(self, lam: float, phi: float) -> _Factor:
        """Factor K = I + T phi B B'."""
        n, weight = self.strata.n_units, self.strata.n_periods * phi
        if n <= DENSE:
            B = np.eye(n) - lam * self._dense_M
            return _DenseFactor(np.eye(n) + weight * (B @ B.T))
        order, M = self._ordered
        B = sparse.eye_array(n, format="csc") - lam * M
        return _Factor(sparse.csc_array(sparse.eye_array(n) + weight * (B @ B.T)), order)

    @cached_property
    def _ordered(self) -> tuple[np.ndarray, sparse.csc_array]:
        """A fill-reducing order of K, found once from its pattern, and M in that order."""
        n = self.strata.n_units
        spread = sparse.eye_array(n) + abs(self.M)
        pattern = sparse.csc_array(spread @ spread.T)
        pattern.data[:] = -1.0
        pattern = sparse.csc_array(pattern + 2.0 * sparse.diags_array(np.diff(pattern.indptr).astype(float)))
        order = np.argsort(splu(pattern, permc_spec="MMD_AT_PLUS_A", **LU_OPTIONS).perm_c)
        return order, sparse.csc_array(sparse.csr_array(self.M)[order][:, order])

    @cached_property
    def _dense_M(self) -> np.ndarray:
        return self.M.toarray()

    def _middle_slope(self, lam: float, phi: float, K: _Factor) -> np.ndarray:
        """Return the derivatives of ln|K| by lambda and phi: from the inverse, or by complex steps for large N."""
        n, n_periods = self.strata.n_units, self.strata.n_periods
        if isinstance(K, _DenseFactor):
            B = np.eye(n) - lam * self._dense_M
            right = K.inverse @ B
            return n_periods * np.array([-2 * phi * np.vdot(right, self._dense_M), np.vdot(right, B)])
        # A complex step gives the derivative of an analytic function to rounding (Squire and Trapp 1998, eq. 3).
        return np.array([self._middle(lam + 1j * STEP, phi).slope, self._middle(lam, phi + 1j * STEP).slope])


class _Factor:
    """A sparse factorisation of K, symmetric positive definite, laid out in a fill-reducing order."""

    def __init__(self, K: sparse.csc_array, order: np.ndarray) -> None:
        """Factor in the order given; the pivots stay on the diagonal."""
        self._lu, self._order = splu(K, permc_spec="NATURAL", **LU_OPTIONS), order
        self._pivots = self._lu.U.diagonal()
        self.log_determinant = float(np.log(np.abs(self._pivots)).sum())

    @property
    def slope(self) -> float:
        """Derivative of the log-determinant, where K was built with a complex step."""
        return float((self._pivots.imag / self._pivots.real).sum() / STEP)

    def solve(self, b: np.ndarray) -> np.ndarray:
        """Return K^-1 b."""
        solution = np.empty_like(b)
        solution[self._order] = self._lu.solve(np.ascontiguousarray(b[self._order]))
        return solution


class _DenseFactor(_Factor):
    """The inverse of a small one."""

    def __init__(self, K: np.ndarray) -> None:
        root = np.linalg.cholesky(K)
        self.log_determinant = float(2 * np.log(np.diag(root)).sum())
        self.inverse = np.linalg.inv(K)

    def solve(self, b: np.ndarray) -> np.ndarray:
        """Return K^-1 b."""
        return self.inverse @ b


def _starts(target: Callable[[np.ndarray], float], box: list[tuple[float, float]]) -> list[np.ndarray]:
    """Return starting points: no dependence with two shares of the disturbance, and the best points of a grid."""
    shares = (0.5, 0.05)
    fractions = (0.04, 0.2, 0.35, 0.65, 0.8, 0.96) if len(box) == 2 else (0.1, 0.35, 0.65, 0.9)
    axes = [[low + f * (high - low) for f in fractions] for low, high in box[:-1]]
    grid = [np.array(point) for point in product(*axes, (0.98, *shares))]
    grid.sort(key=target)
    return [np.array([0.0] * len(axes) + [u]) for u in shares] + grid[:2]


def newton(
    slope: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    box: list[tuple[float, float]],
    tolerance: float = 1e-10,
) -> np.ndarray:
    """Take Newton steps on a gradient until it vanishes; coordinates at a bound stay there."""
    low, high = np.array(box).T
    scale = np.maximum(np.abs(x), 1e-2)
    for _ in range(25):
        g = slope(x)
        held = ((x <= low) & (g > 0)) | ((x >= high) & (g < 0))
        move = ~held
        if not move.any():
            return x
        H = np.empty((len(x), len(x)))
        for i in range(len(x)):
            h = NEWTON_STEP * scale[i]
            up, down = x.copy(), x.copy()
            up[i], down[i] = min(x[i] + h, high[i]), max(x[i] - h, low[i])
            H[:, i] = (slope(up) - slope(down)) / (up[i] - down[i])
        H = (H + H.T)[np.ix_(move, move)] / 2
        try:
            step = np.linalg.solve(H, g[move])
        except np.linalg.LinAlgError:
            break
        new = x.copy()
        new[move] = np.clip(x[move] - step, low[move], high[move])
        change = np.max(np.abs(new - x) / scale)
        x = new
        if change < tolerance:
            return x
    raise RongheError(
        "random effects: the likelihood has no maximum that can be found; see whether the regressors explain the "
        "outcome exactly, rescale them, or use fixed effects (SpatialPanel with effects='units')"
    )


def _lag(M: sparse.sparray, columns: np.ndarray) -> np.ndarray:
    """Apply M to the units, the last axis, of an array."""
    shape = columns.shape
    return (M @ columns.reshape(-1, shape[-1]).T).T.reshape(shape)
