"""Random unit effects, first-order serial correlation and spatial error together: likelihood and score tests.

u_t = mu + v_t, v_t = (I - lambda W)^-1 w_t, w_t = psi w_{t-1} + e_t, so that the covariance of the stacked u is
sigma2_units (J_T x I_N) + V x (B'B)^-1 with V the covariance of an AR(1) and B = I - lambda W: Baltagi, Song, Jung and
Koh (2007), J. Econometrics 140, eq. 2.5. In the eigenvectors of (B'B)^-1 it falls into N blocks of size T x T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ronghe.spatial.random_effects.likelihood import newton

NAMES = ("sigma2", "sigma2_units", "psi", "lambda")


@dataclass(frozen=True)
class SerialComponents:
    """A panel y (T, N) on regressors Z (k, T, N) with these errors; dense N x N algebra."""

    y: np.ndarray
    Z: np.ndarray
    W: np.ndarray

    def _blocks(self, psi: float, lam: float, phi: float) -> tuple[np.ndarray, ...]:
        """Return the blocks of Omega / sigma2, their eigenvectors, (B'B)^-1's eigenvalues and the AR(1) matrix."""
        n_periods, n_units = self.y.shape
        B = np.eye(n_units) - lam * self.W
        values, U = np.linalg.eigh(B.T @ B)
        r = 1 / values
        V = ar_covariance(psi, n_periods)
        return phi + r[:, None, None] * V, U, r, V

    def concentrated(self, psi: float, lam: float, phi: float) -> tuple[float, np.ndarray, float]:
        """Return the complete log-likelihood with beta and sigma2 concentrated out, beta, and sigma2."""
        blocks, U, _, _ = self._blocks(psi, lam, phi)
        k, n_periods, n_units = self.Z.shape
        root = np.linalg.cholesky(blocks)
        data = np.concatenate([self.y[None], self.Z]) @ U
        white = np.linalg.solve(root, data.transpose(2, 1, 0))
        S = np.einsum("itc,itd->cd", white, white)
        beta = np.linalg.solve(S[1:, 1:], S[1:, 0])
        nobs = n_units * n_periods
        sigma2 = (S[0, 0] - beta @ S[1:, 0]) / nobs
        log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum()
        return -nobs / 2 * (np.log(2 * np.pi * sigma2) + 1) - log_det / 2, beta, float(sigma2)

    def maximise(self, free: tuple[str, ...]) -> dict[str, float | np.ndarray]:
        """Maximise over those of phi (sigma2_units / sigma2), psi and lambda that are free; the others are zero."""
        radius = float(np.abs(np.linalg.eigvals(self.W)).max()) if "lambda" in free else 1.0
        limits = {"psi": (-0.9999, 0.9999), "lambda": (-0.9999 / radius, 0.9999 / radius), "phi": (0.0, 1e6)}
        box = [limits[name] for name in free]

        def theta(x: np.ndarray) -> list[float]:
            given = dict(zip(free, x, strict=True))
            return [float(given.get(name, 0.0)) for name in ("psi", "lambda", "phi")]

        def target(x: np.ndarray) -> tuple[float, np.ndarray]:
            psi, lam, phi = theta(x)
            loglik, beta, sigma2 = self.concentrated(psi, lam, phi)
            d = self._scores(_fitted(beta, sigma2, psi, lam, phi, loglik), informed=False)[0]
            slopes = {"psi": d["psi"], "lambda": d["lambda"], "phi": d["sigma2_units"] * sigma2}
            return -loglik / self.y.size, -np.array([slopes[name] for name in free]) / self.y.size

        # The likelihood can have two hills: one with a large unit variance, one with strong serial correlation.
        hills = ({"psi": 0.3, "lambda": 0.1, "phi": 4.0}, {"psi": 0.95, "lambda": 0.3, "phi": 0.2})
        starts = [np.array([hill[name] for name in free]) for hill in hills]
        climbs = [minimize(target, x, jac=True, bounds=box, method="L-BFGS-B") for x in starts]
        best = min(climbs, key=lambda climb: climb.fun)
        psi, lam, phi = theta(newton(lambda x: target(x)[1], best.x, box, tolerance=1e-7))
        loglik, beta, sigma2 = self.concentrated(psi, lam, phi)
        return _fitted(beta, sigma2, psi, lam, phi, loglik)

    def score_test(self, fitted: dict, tested: tuple[str, ...], nuisance: tuple[str, ...] = NAMES) -> float:
        """Return the LM statistic of the hypothesis that the `tested` components are zero, at restricted estimates.

        d' J^-1 d with the score d and the expected information J of the tested and the nuisance components among
        (sigma2, sigma2_units, psi, lambda). For one component this is the square of `signed_score`.
        """
        d, J = self._scores(fitted)
        place = [i for i, name in enumerate(NAMES) if name in tested or name in nuisance]
        score = np.array([d[NAMES[i]] if NAMES[i] in tested else 0.0 for i in place])
        return float(score @ np.linalg.solve(J[np.ix_(place, place)], score))

    def signed_score(self, fitted: dict, tested: str, nuisance: tuple[str, ...]) -> float:
        """Return the root of the LM statistic of one component with the sign of its score: standard normal."""
        d, _ = self._scores(fitted)
        return float(np.sign(d[tested]) * np.sqrt(self.score_test(fitted, (tested,), nuisance)))

    def _scores(self, fitted: dict, informed: bool = True) -> tuple[dict[str, float], np.ndarray]:
        """Return the scores of the components and, if `informed`, their expected information (else zeros)."""
        s2, phi = fitted["sigma2"], fitted["sigma2_units"] / fitted["sigma2"]
        n_periods, n_units = self.y.shape
        blocks, U, r, V = self._blocks(fitted["psi"], fitted["lambda"], phi)
        inverse = np.linalg.inv(s2 * blocks)
        B = np.eye(n_units) - fitted["lambda"] * self.W
        slope = U.T @ (self.W.T @ B + B.T @ self.W) @ U
        R_lam = r[:, None] * slope * r
        e = (self.y - np.einsum("k,ktn->tn", fitted["beta"], self.Z)) @ U
        q = np.einsum("itu,ui->it", inverse, e)
        J_T = np.ones((n_periods, n_periods))
        slopes = {
            "sigma2": r[:, None, None] * V,
            "sigma2_units": np.broadcast_to(J_T, inverse.shape),
            "psi": s2 * r[:, None, None] * _ar_slope(fitted["psi"], n_periods),
        }
        scaled = {name: inverse @ D for name, D in slopes.items()}
        KV = inverse @ (s2 * V)
        d = {
            name: (np.einsum("it,itu,iu->", q, D, q) - np.einsum("itt->", scaled[name])) / 2
            for name, D in slopes.items()
        }
        traces = np.einsum("itt->i", KV)
        d["lambda"] = ((R_lam * (q @ (s2 * V) @ q.T)).sum() - np.diag(R_lam) @ traces) / 2
        J = np.zeros((4, 4))
        if not informed:
            return d, J
        for i, a in enumerate(NAMES[:3]):
            for j, b in enumerate(NAMES[:3]):
                J[i, j] = np.einsum("itu,iut->", scaled[a], scaled[b]) / 2
            J[i, 3] = J[3, i] = np.einsum("itu,iut,i->", scaled[a], KV, np.diag(R_lam)) / 2
        flat = KV.reshape(n_units, -1)
        turned = KV.transpose(0, 2, 1).reshape(n_units, -1)
        J[3, 3] = (R_lam * R_lam.T * (flat @ turned.T)).sum() / 2
        return d, J


def _fitted(beta: np.ndarray, sigma2: float, psi: float, lam: float, phi: float, loglik: float) -> dict:
    """Name what a fit gives."""
    components = {"sigma2": sigma2, "sigma2_units": phi * sigma2, "psi": psi, "lambda": lam}
    return {"beta": beta, **components, "loglik": loglik}


def ar_covariance(psi: float, n_periods: int) -> np.ndarray:
    """Return the covariance of a stationary AR(1) with unit innovations."""
    steps = np.abs(np.subtract.outer(np.arange(n_periods), np.arange(n_periods)))
    return psi**steps / (1 - psi**2) if psi else np.eye(n_periods)


def _ar_slope(psi: float, n_periods: int) -> np.ndarray:
    """Return its derivative by psi."""
    steps = np.abs(np.subtract.outer(np.arange(n_periods), np.arange(n_periods)))
    power = np.where(steps > 0, steps * psi ** np.maximum(steps - 1, 0), 0.0)
    return power / (1 - psi**2) + 2 * psi * psi**steps / (1 - psi**2) ** 2
