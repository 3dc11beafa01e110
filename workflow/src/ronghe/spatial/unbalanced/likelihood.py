"""The likelihood of the observed cells of a spatial panel, free of its fixed effects.

The full grid is y_t = S^-1 (Z_t b + mu + tau_t 1 + B^-1 e_t), S = I - rho W, B = I - lambda M, Z = [X, W X]. S is
the same in all periods and W 1 = 1, so that S^-1 mu and tau_t / (1 - rho) are unit and time effects again: whatever
rho, the effects of the observed cells lie in the span of their dummies D. Contrasts K'y with K'D = 0 therefore have a
likelihood without incidental parameters (Patterson and Thompson 1971, Biometrika 58; for a complete panel it is that
of the data transformed as by Lee and Yu 2010):

    -2 ln L = n ln(2 pi sigma2) + ln|V| + ln|D'V^-1 D| - ln|D'D| + (y - m)' Pi (y - m) / sigma2

V_t = P_t C P_t', C = S^-1 B^-1 (S^-1 B^-1)', m_t = P_t S^-1 Z_t b, Pi = V^-1 - V^-1 D (D'V^-1 D)^-1 D'V^-1 and n the
cells less the rank of D; P_t picks the observed units of a period. V is a block for each period, and nothing larger is
formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from ronghe.errors import RongheError
from ronghe.linear.algebra import least_squares

LOG_2_PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Fit:
    """b, sigma2 and the likelihood at one (rho, lambda).

    `inverse` is S^-1, `filtered` B^-1, A their product, `means` S^-1 Z b (unit, period); `factors` are those of V by
    period, `Q` spans the whitened dummies, `free` and `e` are regressors and residual whitened and off them.
    """

    inverse: np.ndarray
    filtered: np.ndarray
    A: np.ndarray
    means: np.ndarray
    factors: list[np.ndarray]
    Q: np.ndarray
    free: np.ndarray
    e: np.ndarray
    b: np.ndarray
    sigma2: float
    loglik: float
    effects: np.ndarray


@dataclass(frozen=True)
class Point:
    """The likelihood at one (rho, lambda), its slope there, and the information if it was asked for."""

    rho: float
    lam: float
    fit: Fit
    slope: np.ndarray
    information: np.ndarray


def whiten(L: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return L^-1 values for a lower triangle L, which has no rows in a period without observations."""
    found, info = linalg.lapack.dtrtrs(L, values, lower=1)
    if info and values.size:
        raise np.linalg.LinAlgError(f"whitening: LAPACK's dtrtrs ends with {info}: a factor has a zero on its diagonal")
    return found


@dataclass(frozen=True)
class ObservedLikelihood:
    """Data (unit, period[, column]) with the cells that are there; a filter that is absent is None."""

    y: np.ndarray
    Z: np.ndarray
    seen: np.ndarray
    W: np.ndarray | None
    M: np.ndarray | None
    has_units: bool
    has_time: bool

    @cached_property
    def rows(self) -> list[np.ndarray]:
        """Observed units of every period."""
        return [np.flatnonzero(column) for column in self.seen.T]

    @cached_property
    def parts(self) -> np.ndarray:
        """Part of every unit and then period, linked by observed cells; who has none is a part of its own."""
        n, t = self.seen.shape
        group = np.arange(n + t)
        for i, s in np.argwhere(self.seen):
            a, b = sorted((group[i], group[n + s]))
            group[group == b] = a
        return group

    @cached_property
    def columns(self) -> np.ndarray:
        """Which dummies enter: units first, then periods, without those that the ones before span."""
        n = len(self.seen)
        kept = np.concatenate([self.seen.any(axis=1) & self.has_units, self.seen.any(axis=0) & self.has_time])
        if self.has_units and self.has_time:
            # Within a part one level is free: its first period goes.
            for part in np.unique(self.parts[:n][self.seen.any(axis=1)]):
                kept[n + np.flatnonzero(self.parts[n:] == part)[0]] = False
        return np.flatnonzero(kept)

    @cached_property
    def identified(self) -> np.ndarray:
        """Of which cells (unit, period) the observed ones tell the sum of the effects."""
        n = len(self.seen)
        if self.has_units and self.has_time:
            return self.parts[:n, None] == self.parts[n:]
        there = np.ones(self.seen.shape, dtype=bool)
        if self.has_units:
            there &= self.seen.any(axis=1, keepdims=True)
        if self.has_time:
            there &= self.seen.any(axis=0)
        return there

    @cached_property
    def dummies(self) -> list[np.ndarray]:
        """The rows of D in every period."""
        n = len(self.seen)
        found = []
        for t, rows in enumerate(self.rows):
            D = np.zeros((len(rows), sum(self.seen.shape)))
            D[np.arange(len(D)), rows] = 1.0
            D[:, n + t] = 1.0
            found.append(D[:, self.columns])
        return found

    @cached_property
    def n_cells(self) -> int:
        """Number of observed cells."""
        return int(self.seen.sum())

    @property
    def nobs(self) -> int:
        """Number of contrasts."""
        return self.n_cells - len(self.columns)

    @cached_property
    def _log_gram(self) -> float:
        gram = sum((D.T @ D for D in self.dummies), np.zeros((len(self.columns),) * 2))
        return float(np.linalg.slogdet(gram)[1]) if len(gram) else 0.0

    def fit(self, rho: float = 0.0, lam: float = 0.0) -> Fit:
        """Return b, sigma2 and the likelihood at (rho, lambda), and what the slope needs of the way there."""
        n, K = len(self.seen), self.Z.shape[2]
        eye = np.eye(n)
        inverse = np.linalg.inv(eye - rho * self.W) if self.W is not None else eye
        filtered = np.linalg.inv(eye - lam * self.M) if self.M is not None else eye
        A = inverse @ filtered
        mean = np.einsum("ij,jtk->itk", inverse, self.Z) if self.W is not None else self.Z
        # Whitened by period: V_t = L_t L_t'.
        factors = self._factors(A @ A.T)
        both = np.concatenate([self.y[:, :, None], mean], axis=2)
        columns = [np.hstack([both[r, s], D]) for s, (r, D) in enumerate(zip(self.rows, self.dummies, strict=True))]
        white = np.vstack([whiten(L, part) for L, part in zip(factors, columns, strict=True)])
        Q, R = np.linalg.qr(white[:, 1 + K :])
        free = white[:, : 1 + K] - Q @ (Q.T @ white[:, : 1 + K])
        b = least_squares(free[:, 1:], free[:, 0])
        e = free[:, 0] - free[:, 1:] @ b
        sigma2 = float(e @ e) / self.nobs
        log_V = 2 * sum(float(np.log(np.diag(L)).sum()) for L in factors)
        log_D = 2 * float(np.log(np.abs(np.diag(R))).sum())
        loglik = -0.5 * (self.nobs * (LOG_2_PI + np.log(sigma2) + 1) + log_V + log_D - self._log_gram)
        effects = np.zeros(sum(self.seen.shape))
        if len(self.columns):
            effects[self.columns] = linalg.solve_triangular(R, Q.T @ (white[:, 0] - white[:, 1 : 1 + K] @ b))
        return Fit(inverse, filtered, A, mean @ b, factors, Q, free[:, 1:], e, b, sigma2, loglik, effects)

    def at(self, rho: float = 0.0, lam: float = 0.0, whole: bool = False) -> Point:
        """Return likelihood and slope at (rho, lambda); `whole` adds the information of (b, rho, lambda, sigma2)."""
        fit = self.fit(rho, lam)
        moved, (Q, e, sigma2) = [], (fit.Q, fit.e, fit.sigma2)
        if self.W is not None:
            G, C = fit.inverse @ self.W, fit.A @ fit.A.T
            moved.append(G @ C + C @ G.T)
        if self.M is not None:
            H = self.M @ fit.filtered
            moved.append(fit.A @ (H + H.T) @ fit.A.T)
        periods = list(zip(fit.factors, self.rows, strict=True))
        cuts = np.cumsum([len(r) for r in self.rows])[:-1]
        U = [[whiten(L, whiten(L, D[np.ix_(r, r)]).T) for L, r in periods] for D in moved]
        E, Qs = np.split(e, cuts), np.split(Q, cuts)
        # d m / d rho = G S^-1 Z b, whitened and off the effects.
        pushed = np.zeros((self.n_cells, 0))
        if self.W is not None:
            change = G @ fit.means
            raw = np.concatenate([whiten(L, change[r, s]) for s, (L, r) in enumerate(periods)])
            pushed = (raw - Q @ (Q.T @ raw))[:, None]
        UQ = [[u @ part for u, part in zip(of, Qs, strict=True)] for of in U]
        empty = np.zeros((Q.shape[1], Q.shape[1]))
        middle = [sum((part.T @ uq for part, uq in zip(Qs, of, strict=True)), empty) for of in UQ]
        traces = np.array([sum(np.trace(u) for u in of) - np.trace(m) for of, m in zip(U, middle, strict=True)])
        forms = np.array([sum(x @ u @ x for x, u in zip(E, of, strict=True)) for of in U])
        slope = 0.5 * (forms / sigma2 - traces)
        if self.W is not None:
            slope[0] += float(pushed[:, 0] @ e) / sigma2
        information = np.zeros((0, 0))
        if whole:
            information = self._information(fit.free, pushed, U, UQ, middle, traces, sigma2)
        return Point(rho, lam, fit, slope, information)

    def dual(self, fit: Fit) -> np.ndarray:
        """Return V^-1 (y - m - effects) as an array (unit, period), zero where nothing is observed."""
        values = np.zeros(self.seen.shape)
        cuts = np.cumsum([len(r) for r in self.rows])[:-1]
        for s, (L, r, e) in enumerate(zip(fit.factors, self.rows, np.split(fit.e, cuts), strict=True)):
            values[r, s] = linalg.solve_triangular(L, e, lower=True, trans=1)
        return values

    def _factors(self, C: np.ndarray) -> list[np.ndarray]:
        """Return the Cholesky factor of C among the observed units of every period, once for each set of them."""
        made: dict[bytes, np.ndarray] = {}
        for r in self.rows:
            if r.tobytes() not in made:
                made[r.tobytes()] = np.linalg.cholesky(C[np.ix_(r, r)])
        return [made[r.tobytes()] for r in self.rows]

    def _information(
        self,
        free: np.ndarray,
        pushed: np.ndarray,
        U: list[list[np.ndarray]],
        UQ: list[list[np.ndarray]],
        middle: list[np.ndarray],
        traces: np.ndarray,
        sigma2: float,
    ) -> np.ndarray:
        """Return the expected information of (b, rho, lambda, sigma2): that of a normal with mean and covariance.

        tr(Pi V_i Pi V_j) = tr(U_i U_j) - 2 tr(Q'U_i U_j Q) + tr(Q'U_i Q Q'U_j Q), U = L^-1 V_i L^-T.
        """
        K, places = free.shape[1], len(U)
        size = K + places + 1
        result = np.zeros((size, size))
        means = np.column_stack([free, pushed])
        k = means.shape[1]
        result[:k, :k] = means.T @ means / sigma2
        for i in range(places):
            for j in range(places):
                both = sum(float(np.sum(a * c)) for a, c in zip(U[i], U[j], strict=True))
                both -= 2 * sum(float(np.sum(a * c)) for a, c in zip(UQ[i], UQ[j], strict=True))
                result[K + i, K + j] += 0.5 * (both + float(np.sum(middle[i] * middle[j].T)))
            result[K + i, -1] = result[-1, K + i] = 0.5 * traces[i] / sigma2
        result[-1, -1] = 0.5 * self.nobs / sigma2**2
        return result


def maximise(likelihood: ObservedLikelihood, bounds: list[tuple[float, float]], where: str) -> np.ndarray:
    """Return (rho, lambda), as far as they are free, at the maximum: a grid finds it, quasi-Newton steps climb it."""
    from scipy.optimize import minimize

    boxes = [(low + 1e-5 * (high - low), high - 1e-5 * (high - low)) for low, high in bounds]
    count = 15 if len(boxes) == 1 else 7
    axes = [0.5 * (a + b) + 0.5 * (b - a) * np.cos(np.pi * (np.arange(count) + 0.5) / count) for a, b in boxes]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(boxes))

    def at(theta: np.ndarray) -> Point:
        return likelihood.at(**named(likelihood, theta))

    heights = [likelihood.fit(**named(likelihood, theta)).loglik for theta in grid]
    start = grid[int(np.argmax(heights))]
    scale = float(likelihood.nobs)

    def fall(theta: np.ndarray) -> tuple[float, np.ndarray]:
        point = at(theta)
        return -point.fit.loglik / scale, -point.slope / scale

    options = {"ftol": 0.0, "gtol": 1e-7, "maxiter": 200}
    theta = minimize(fall, start, jac=True, bounds=boxes, method="L-BFGS-B", options=options).x
    inside = all(low < value < high for value, (low, high) in zip(theta, boxes, strict=True))
    for _ in range(5 if inside else 0):
        step = np.linalg.solve(hessian(likelihood, theta), at(theta).slope)
        theta = np.clip(theta - step, *np.array(boxes).T)
        if np.abs(step).max() < 1e-11:
            break
    slope = at(theta).slope
    if inside and np.abs(slope).max() > 1e-4 * scale:
        raise RongheError(f"{where}: no maximum found for {', '.join(map('{:.4g}'.format, theta))}; check the data")
    return theta


def named(likelihood: ObservedLikelihood, theta: np.ndarray) -> dict[str, float]:
    """Return the spatial parameters by name."""
    free = ["rho"] * (likelihood.W is not None) + ["lam"] * (likelihood.M is not None)
    return dict(zip(free, map(float, theta), strict=True))


def hessian(likelihood: ObservedLikelihood, theta: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Return the derivatives of the slope of the concentrated likelihood, by central differences."""
    rows = []
    for move in np.eye(len(theta)) * step:
        up, down = (likelihood.at(**named(likelihood, theta + sign * move)).slope for sign in (1, -1))
        rows.append((up - down) / (2 * step))
    return 0.5 * (np.array(rows) + np.array(rows).T)
