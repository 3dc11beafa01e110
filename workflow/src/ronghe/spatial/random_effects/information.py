"""The information of a random-effects likelihood, whole and within units alone: exact traces stratum by stratum.

For u ~ N(0, Omega) and y = (I - rho W)^-1 (Z beta + u) the blocks are (Anselin 1988, ch. 6, applied to each stratum)

    beta, beta     Z' Omega^-1 Z
    beta, rho      Z' Omega^-1 G Z beta
    rho, rho       tr(G G) + tr(Omega G' Omega^-1 G) + (G Z beta)' Omega^-1 G Z beta
    rho, omega     tr(Omega^-1 Omega_omega Omega^-1 G Omega)
    omega, omega'  tr(Omega^-1 Omega_omega Omega^-1 Omega_omega') / 2
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LARGEST = 2500


@dataclass(frozen=True)
class Components:
    """The parameters of the error of a random-effects model and of its lag, as fitted."""

    beta: np.ndarray
    rho: float
    lam: float
    sigma2: float
    sigma2_units: float
    error: str

    @property
    def at_boundary(self) -> bool:
        """Whether the variance of the unit effects is zero."""
        return self.sigma2_units <= 1e-7 * self.sigma2


def information(
    Z: np.ndarray,
    W: np.ndarray,
    M: np.ndarray,
    fitted: Components,
    within_only: bool = False,
) -> np.ndarray:
    """Return the expected information of (beta, rho, lambda, sigma2, sigma2_units), dense N x N algebra.

    `Z` is shaped (k, T, N). With `within_only` the between stratum is left out: this is the information that the
    likelihood of the orthonormally transformed data (Lee and Yu 2010) has at the same parameters; its last row and
    column are zero.
    """
    k, n_periods, n_units = Z.shape
    eye = np.eye(n_units)
    G = np.linalg.solve((eye - fitted.rho * W).T, W.T).T
    B = eye - fitted.lam * M
    R = np.linalg.inv(B.T @ B)
    R = (R + R.T) / 2
    R_lam = R @ (M.T @ B + B.T @ M) @ R
    mean = Z.mean(axis=1)
    result = np.zeros((k + 4, k + 4))
    data = {0: Z - mean[:, None], 1: np.sqrt(n_periods) * mean[:, None]}
    for stratum, copies in ((0, n_periods - 1), (1, 1)):
        if within_only and stratum == 1:
            continue
        base = R if stratum == 0 or fitted.error == "kkp" else eye
        unit = 0.0 if stratum == 0 else n_periods * fitted.sigma2_units
        A = fitted.sigma2 * R + unit * base
        slopes = [
            fitted.sigma2 * R_lam + (unit * R_lam if fitted.error == "kkp" else 0.0),
            R,
            np.zeros_like(R) if stratum == 0 else n_periods * base,
        ]
        inverse = np.linalg.inv(A)
        z = data[stratum].reshape(k, -1, n_units)
        Gz = np.einsum("k,ktn->tn", fitted.beta, z) @ G.T
        weighted = z @ inverse
        result[:k, :k] += np.einsum("ktn,ltn->kl", weighted, z)
        result[:k, k] += np.einsum("ktn,tn->k", weighted, Gz)
        result[k, k] += np.einsum("tn,nm,tm->", Gz, inverse, Gz)
        AGAG = (A @ G.T) * (inverse @ G).T
        result[k, k] += copies * (np.sum(G * G.T) + AGAG.sum())
        scaled = [inverse @ s for s in slopes]
        turned = inverse @ G @ A
        for i, s in enumerate(scaled):
            result[k, k + 1 + i] += copies * np.sum(s * turned.T)
            for j, r in enumerate(scaled):
                result[k + 1 + i, k + 1 + j] += copies / 2 * np.sum(s * r.T)
    result[k, :k] = result[:k, k]
    result[k + 1 :, k] = result[k, k + 1 :]
    return result
