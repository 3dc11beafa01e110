"""A slow, dense, obvious likelihood of spatial panels, written from the papers alone, that the engine is held to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize


def helmert(n: int) -> np.ndarray:
    """Return an n by n-1 matrix F with F'F = I and F'1 = 0: any F_{n,n-1} of Lee and Yu (2010, section 2)."""
    return np.linalg.qr(np.c_[np.ones(n), np.eye(n)[:, : n - 1]])[0][:, 1:]


def interval(W: np.ndarray) -> tuple[float, float]:
    """Return the interval around zero on which |I - rho W| > 0: real eigenvalues bound it, else the spectral radius."""
    values = np.linalg.eigvals(W)
    radius = np.abs(values).max()
    real = values[np.abs(values.imag) < 1e-9 * radius].real
    low = 1 / real.min() if real.size and real.min() < -1e-9 * radius else -1 / radius
    return low, 1 / real.max()


@dataclass
class Dense:
    """Stacked data of one model: y, Z (dummies last), W and M of one period, and how many columns are no dummies."""

    y: np.ndarray
    Z: np.ndarray
    W: np.ndarray
    M: np.ndarray
    free: int
    lag: bool
    error: bool
    limits: tuple[tuple[float, float], ...]

    @property
    def n(self) -> int:
        """Return the number of stacked observations."""
        return len(self.y)

    @property
    def periods(self) -> int:
        """Return the number of stacked periods."""
        return self.n // len(self.W)


def lagged(A: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (I_T kron A) values."""
    return np.concatenate([A @ part for part in np.split(values, len(values) // len(A))])


def stack(y, X, W, M=None, durbin=None, lag=True, error=False, effects="twoways", method="lee_yu") -> Dense:
    """Stack y (T, N) and X (T, N, K) period by period, with dummies (lsdv) or Lee and Yu's transformation (lee_yu)."""
    T, N = y.shape
    M = W if M is None else M
    K = X.shape[2]
    columns = [X[:, :, k] for k in range(K)]
    columns += [X[:, :, k] @ W.T for k in (range(K) if durbin is None else durbin)]
    data = [y, *columns]
    limits = tuple(interval(A) if on else (0.0, 0.0) for A, on in ((W, lag), (M, error)))
    units, time = effects in ("units", "twoways"), effects in ("time", "twoways")
    if method == "lee_yu":
        left = helmert(T).T if units else np.eye(T)
        right = helmert(N) if time else np.eye(N)
        data = [left @ part @ right for part in data]
        W, M = right.T @ W @ right, right.T @ M @ right
    periods, cells = data[0].shape
    Z = np.column_stack([part.ravel() for part in data[1:]]) if columns else np.empty((periods * cells, 0))
    free = Z.shape[1]
    if method == "lsdv" and (units or time):
        dummies = [np.kron(np.ones((T, 1)), np.eye(N))] if units else []
        if time:
            dummies.append(np.kron(np.eye(T), np.ones((N, 1)))[:, int(units) :])
        Z = np.column_stack([Z, *dummies])
    return Dense(data[0].ravel(), Z, W, M, free, lag, error, limits)


def unpack(model: Dense, theta):
    """Split the parameter vector (delta, rho, lambda, sigma2), the spatial ones only where the model has them."""
    p = model.Z.shape[1]
    delta, rest = theta[:p], list(theta[p:])
    rho = rest.pop(0) if model.lag else 0.0
    lam = rest.pop(0) if model.error else 0.0
    return delta, rho, lam, rest[0]


def residuals(model: Dense, theta) -> np.ndarray:
    """Return e = R (S y - Z delta)."""
    delta, rho, lam, _ = unpack(model, theta)
    u = model.y - rho * lagged(model.W, model.y) - model.Z @ delta
    return u - lam * lagged(model.M, u)


def loglik(model: Dense, theta) -> float:
    """Return the complete Gaussian log-likelihood."""
    _, rho, lam, sigma2 = unpack(model, theta)
    e = residuals(model, theta)
    eye = np.eye(len(model.W))
    jacobian = sum(np.linalg.slogdet(eye - value * A)[1] for value, A in ((rho, model.W), (lam, model.M)) if value)
    return -model.n / 2 * np.log(2 * np.pi * sigma2) + model.periods * jacobian - e @ e / (2 * sigma2)


def score(model: Dense, theta) -> np.ndarray:
    """Return the gradient of the log-likelihood, term by term."""
    delta, rho, lam, sigma2 = unpack(model, theta)
    eye = np.eye(len(model.W))
    S, R = eye - rho * model.W, eye - lam * model.M
    u = lagged(S, model.y) - model.Z @ delta
    e = lagged(R, u)
    parts = [lagged(R, model.Z).T @ e / sigma2]
    if model.lag:
        trace = model.periods * np.trace(np.linalg.solve(S, model.W))
        parts.append([-trace + e @ lagged(R @ model.W, model.y) / sigma2])
    if model.error:
        trace = model.periods * np.trace(np.linalg.solve(R, model.M))
        parts.append([-trace + e @ lagged(model.M, u) / sigma2])
    parts.append([-model.n / (2 * sigma2) + e @ e / (2 * sigma2**2)])
    return np.concatenate(parts)


def concentrated(model: Dense, rho: float, lam: float) -> np.ndarray:
    """Return the parameters with delta and sigma2 at their maximum given rho and lambda."""
    R = np.eye(len(model.M)) - lam * model.M
    left, right = lagged(R, model.Z), lagged(R, model.y - rho * lagged(model.W, model.y))
    delta = np.linalg.lstsq(left, right, rcond=None)[0]
    e = right - left @ delta
    spatial = [rho] * model.lag + [lam] * model.error
    return np.array([*delta, *spatial, e @ e / model.n])


def spatial_score(model: Dense, spatial) -> np.ndarray:
    """Return the derivative of the concentrated log-likelihood in (rho, lambda)."""
    spatial = list(spatial)
    rho = spatial.pop(0) if model.lag else 0.0
    lam = spatial.pop(0) if model.error else 0.0
    p = model.Z.shape[1]
    return score(model, concentrated(model, rho, lam))[p:-1]


def maximise(model: Dense, starts: int = 5) -> np.ndarray:
    """Return the global maximum found from a grid of starts, polished on the score."""
    limits = [pair for pair, on in zip(model.limits, (model.lag, model.error), strict=True) if on]
    if not limits:
        return concentrated(model, 0.0, 0.0)
    boxes = [(low * (1 - 1e-6), high * (1 - 1e-6)) for low, high in limits]
    grids = [np.linspace(low, high, starts + 2)[1:-1] for low, high in boxes]

    def value(spatial):
        spatial = list(spatial)
        rho = spatial.pop(0) if model.lag else 0.0
        lam = spatial.pop(0) if model.error else 0.0
        return loglik(model, concentrated(model, rho, lam))

    best, best_value = None, -np.inf
    for start in np.array(np.meshgrid(*grids)).reshape(len(grids), -1).T:
        found = optimize.minimize(
            lambda s: -value(s), start, jac=lambda s: -spatial_score(model, s), bounds=boxes, method="L-BFGS-B"
        )
        if -found.fun > best_value:
            best, best_value = found.x, -found.fun
    polished = optimize.root(lambda s: spatial_score(model, s), best, tol=1e-14)
    if np.allclose(polished.x, best, atol=1e-3, rtol=1e-2) and value(polished.x) > best_value - 1e-6:
        best = polished.x
    spatial = list(best)
    rho = spatial.pop(0) if model.lag else 0.0
    lam = spatial.pop(0) if model.error else 0.0
    return concentrated(model, rho, lam)


def _drop_dummies(model: Dense, covariance: np.ndarray) -> np.ndarray:
    """Keep the rows and columns of the free regressors, the spatial coefficients and sigma2."""
    p = model.Z.shape[1]
    keep = [*range(model.free), *range(p, len(covariance))]
    return covariance[np.ix_(keep, keep)]


def kept(model: Dense, theta) -> np.ndarray:
    """Return the parameters without the dummies."""
    p = model.Z.shape[1]
    return np.concatenate([theta[: model.free], theta[p:]])


def hessian(model: Dense, theta) -> np.ndarray:
    """Return the second derivatives by Richardson-extrapolated central differences of the score."""
    theta = np.asarray(theta, dtype=float)
    sigma = np.sqrt(theta[-1])
    on = (model.lag, model.error)
    edges = [min(a - low, high - a) for a, (low, high) in zip(unpack(model, theta)[1:3], model.limits, strict=True)]
    room = [0.01 * edge for edge, free in zip(edges, on, strict=True) if free]
    scale = np.concatenate([sigma / np.sqrt((model.Z**2).sum(0)), room, [theta[-1] * 0.01]])
    columns = []
    for j, h in enumerate(scale):
        step = np.eye(len(theta))[j] * h

        def slope(k, step=step, h=h):
            return (score(model, theta + k * step) - score(model, theta - k * step)) / (2 * k * h)

        first, second, third = slope(1.0), slope(0.5), slope(0.25)
        one, two = (4 * second - first) / 3, (4 * third - second) / 3
        columns.append((16 * two - one) / 15)
    H = np.column_stack(columns)
    return (H + H.T) / 2


def observed(model: Dense, theta) -> np.ndarray:
    """Return the inverse of minus the Hessian, dummies among the parameters, then dropped."""
    return _drop_dummies(model, scaled_inverse(-hessian(model, theta)))


def scaled_inverse(A: np.ndarray) -> np.ndarray:
    """Invert a symmetric matrix after scaling its diagonal to one."""
    scale = 1 / np.sqrt(np.diag(A))
    return np.linalg.inv(A * np.outer(scale, scale)) * np.outer(scale, scale)


def information(model: Dense, theta) -> np.ndarray:
    """Return the expected information from first principles, dummies among the parameters."""
    delta, rho, lam, sigma2 = unpack(model, theta)
    eye, blocks = np.eye(len(model.W)), np.eye(model.periods)
    S, R = eye - rho * model.W, eye - lam * model.M
    inverse = np.linalg.inv(R)
    G, H = np.kron(blocks, model.W @ np.linalg.inv(S)), np.kron(blocks, model.M @ inverse)
    R, inverse = np.kron(blocks, R), np.kron(blocks, inverse)
    tilde = R @ G @ inverse
    RZ, RGZb = R @ model.Z, R @ G @ model.Z @ delta
    p, q = model.Z.shape[1], len(theta)
    info = np.zeros((q, q))
    info[:p, :p] = RZ.T @ RZ / sigma2
    info[-1, -1] = model.n / (2 * sigma2**2)
    if model.lag:
        info[:p, p] = info[p, :p] = RZ.T @ RGZb / sigma2
        info[p, p] = np.trace(tilde @ tilde) + (tilde**2).sum() + RGZb @ RGZb / sigma2
        info[p, -1] = info[-1, p] = np.trace(G) / sigma2
    if model.error:
        k = p + model.lag
        info[k, k] = np.trace(H @ H) + (H**2).sum()
        info[k, -1] = info[-1, k] = np.trace(H) / sigma2
        if model.lag:
            info[p, k] = info[k, p] = (tilde * H).sum() + np.trace(H @ tilde)
    return info


def expected(model: Dense, theta) -> np.ndarray:
    """Return the inverse of the expected information without the dummies."""
    return _drop_dummies(model, scaled_inverse(information(model, theta)))


def effects(W: np.ndarray, rho: float, beta: float, theta: float) -> np.ndarray:
    """Return (direct, indirect, total) of one regressor by dense inversion (LeSage and Pace 2009, 2.46)."""
    N = len(W)
    S = np.linalg.inv(np.eye(N) - rho * W) @ (beta * np.eye(N) + theta * W)
    direct, total = np.trace(S) / N, S.sum() / N
    return np.array([direct, total - direct, total])


def delta_method(function, point: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return standard errors of function(point) with five-point numerical derivatives."""
    rows = []
    spread = np.sqrt(np.diag(covariance))
    for j, h in enumerate(np.maximum(spread * 1e-2, 1e-300)):
        step = np.eye(len(point))[j] * h
        outer = function(point + 2 * step) - function(point - 2 * step)
        inner = function(point + step) - function(point - step)
        rows.append((8 * inner - outer) / (12 * h))
    J = np.array(rows)
    return np.sqrt(np.einsum("ji,jk,ki->i", J, covariance, J))


def bias_corrected(y, X, W, M=None, effects="twoways", **options) -> np.ndarray:
    """Return LSDV less its analytical bias (Lee and Yu 2010, theorem 4; Elhorst 2014, 3.16), dummies left out."""
    T, N = y.shape
    M = W if M is None else M
    model = stack(y, X, W, M, effects=effects, method="lsdv", **options)
    theta = maximise(model)
    _, rho, lam, sigma2 = unpack(model, theta)
    found = kept(model, theta)
    if effects in ("time", "twoways"):
        score_bias = [*np.zeros(model.free), *[1 / (1 - rho)] * model.lag, *[1 / (1 - lam)] * model.error]
        found = found + T * expected(model, theta) @ [*score_bias, 1 / (2 * sigma2)]
    if effects in ("units", "twoways"):
        found[-1] *= T / (T - 1)
    return found


def root(block, power):
    """Return a power of a symmetric block, over the directions in which it is not singular."""
    values, vectors = np.linalg.eigh(block)
    kept = values > 1e-9
    return (vectors[:, kept] * values[kept] ** power) @ vectors[:, kept].T


def dummies(effects, N, T):
    """Return the dummies of the effects of a complete panel, units first."""
    units, times = np.kron(np.eye(N), np.ones((T, 1))), np.kron(np.ones((N, 1)), np.eye(T))
    return {
        "pooled": np.zeros((N * T, 0)),
        "units": units,
        "time": times,
        "twoways": np.column_stack([units, times[:, 1:]]),
    }[effects]
