"""Residuals adjusted for leverage, (I - H_ii)^(-1/2) e_i and (I - H_ii)^-1 e_i, for many outcomes at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ellipj, ellipk, ellipkm1

# Eigenvalues of I - H_ii below this are those of directions that a unit alone decides.
SINGULAR = 1e-9


def inverse_root_nodes(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return shifts s_j and weights w_j with x^(-1/2) = sum_j w_j / (s_j + x) for x in [low, high].

    Hale, Higham and Trefethen (2008, method 3): the midpoint rule after an elliptic change of variable;
    the error falls like exp(-2 pi^2 J / (ln(high / low) + 3)), so that this many nodes leave 1e-13.
    """
    count = int(np.ceil(1.52 * (np.log(high / low) + 3)))
    k2 = low / high
    # sn, cn, dn of imaginary argument by Jacobi's transformation, parameter 1 - k2.
    quarter = ellipk(1 - k2) if k2 > 1e-8 else ellipkm1(k2)
    t = (np.arange(1, count + 1) - 0.5) * quarter / count
    sn, cn, dn, _ = ellipj(t, 1 - k2)
    shifts = low * (sn / cn) ** 2
    weights = 2 * quarter * np.sqrt(low) / (np.pi * count) * dn / cn**2
    return shifts, weights


@dataclass(frozen=True)
class Leverage:
    """I - H_ii = P_i - d_i d_i', P_i fixed for all outcomes and d_i the last regressor's own part.

    H_ii = D_i (D'D)^-1 D_i' plus the share of the period dummies, D = [Z, q]: Bell and McCaffrey (2002).
    With q off Z and of length one, d = q. P_i is kept by its eigenvalues and vectors (unit, period, period).
    """

    values: np.ndarray
    vectors: np.ndarray

    @classmethod
    def of(cls, Z: np.ndarray, bread: np.ndarray, has_units: bool, has_time: bool) -> Leverage:
        """Return P_i = I - Z_i (Z'Z)^-1 Z_i' - (share of the period dummies) for regressors (unit, period, column)."""
        N, T, _ = Z.shape
        inner = np.eye(T) - 1 / T if has_units else np.eye(T)
        P = np.eye(T) - Z @ bread @ Z.transpose(0, 2, 1) - (inner / N if has_time else 0.0)
        return cls(*np.linalg.eigh(0.5 * (P + P.transpose(0, 2, 1))))

    def rotate(self, values: np.ndarray) -> np.ndarray:
        """Return values (draw, unit, period) in the eigenvectors of P_i, as (unit, draw, period)."""
        return values.transpose(1, 0, 2) @ self.vectors

    def rotate_back(self, values: np.ndarray) -> np.ndarray:
        """Return values (unit, draw, period) to (draw, unit, period)."""
        return (values @ self.vectors.transpose(0, 2, 1)).transpose(1, 0, 2)

    def inverse(self, e: np.ndarray, d: np.ndarray | None) -> np.ndarray:
        """Return (P_i - d_i d_i')^-1 e_i by Sherman and Morrison; e and d are (draw, unit, period)."""
        held = np.where(self.values > SINGULAR, 1 / np.maximum(self.values, SINGULAR), 0.0)[:, None, :]
        e = self.rotate(e)
        if d is None:
            return self.rotate_back(held * e)
        d = self.rotate(d)
        spread = held * d
        left = 1 - np.einsum("nbt,nbt->nb", d, spread)
        gain = np.where(left > SINGULAR, np.einsum("nbt,nbt->nb", spread, e) / np.maximum(left, SINGULAR), 0.0)
        return self.rotate_back(held * e + spread * gain[:, :, None])

    def inverse_root(self, e: np.ndarray, d: np.ndarray | None) -> np.ndarray:
        """Return (P_i - d_i d_i')^(-1/2) e_i, the symmetric root; e and d are (draw, unit, period).

        x^(-1/2) as a sum over shifts (s_j + x)^-1 turns the root into inverses of shifted matrices, each a rank-one
        update of one that is diagonal in the eigenvectors of P_i.
        """
        kept = self.values > SINGULAR
        root = np.where(kept, 1 / np.sqrt(np.maximum(self.values, SINGULAR)), 0.0)[:, None, :]
        e = self.rotate(e)
        if d is None:
            return self.rotate_back(root * e)
        d = self.rotate(d) * kept[:, None, :]
        spread = np.where(kept, 1 / np.maximum(self.values, SINGULAR), 0.0)[:, None, :] * d
        left = np.maximum(1 - np.einsum("nbt,nbt->nb", d, spread), SINGULAR)
        low = max(float(self.values[kept].min() * left.min()), SINGULAR)
        shifts, weights = inverse_root_nodes(min(low, 0.5), 1.0)
        shifted = np.where(kept[:, :, None], 1 / (self.values[:, :, None] + shifts), 0.0)
        alpha = (d * d) @ shifted
        beta = (d * e) @ shifted
        gain = weights * beta / (1 - alpha)
        moved = gain @ shifted.transpose(0, 2, 1)
        return self.rotate_back(root * e + d * moved)
