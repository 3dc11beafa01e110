"""Linear algebra on scaled matrices, so that units of measurement do not matter."""

from __future__ import annotations

import numpy as np


def solve_scaled(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Solve A x = b for symmetric A after scaling its diagonal to one."""
    scale = 1.0 / np.sqrt(np.diag(A))
    right = (scale * b.T).T
    return (scale * np.linalg.solve(A * np.outer(scale, scale), right).T).T


def inverse_scaled(A: np.ndarray) -> np.ndarray:
    """Invert a symmetric matrix after scaling its diagonal to one."""
    scale = 1.0 / np.sqrt(np.abs(np.diag(A)))
    inverse = np.linalg.inv(A * np.outer(scale, scale)) * np.outer(scale, scale)
    return 0.5 * (inverse + inverse.T)


def least_squares(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the x that makes |A x - b| least, from columns of one length: no small unit is taken for rounding.

    >>> A = np.array([[1e16, 1], [0, 1], [1e16, -1]])
    >>> bool(np.allclose(least_squares(A, A @ [2e-16, 3]) * [1e16, 1], [2, 3]))
    True
    """
    length = np.linalg.norm(A, axis=0)
    length[length == 0] = 1.0
    return (np.linalg.lstsq(A / length, b, rcond=None)[0].T / length).T


def triangle(X: np.ndarray) -> np.ndarray:
    """Return the upper triangle R of X = QR, from columns of one length."""
    length = np.sqrt((X**2).sum(axis=0))
    return np.linalg.qr(X / length, mode="r") * length


def semidefinite(matrix: np.ndarray) -> np.ndarray:
    """Set negative eigenvalues to zero after scaling (Cameron, Gelbach and Miller 2011, section 2.3)."""
    matrix = 0.5 * (matrix + matrix.T)
    scale = np.sqrt(np.maximum(np.abs(np.diag(matrix)), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    if values[0] >= 0:
        return matrix
    return (vectors * np.maximum(values, 0.0)) @ vectors.T * np.outer(scale, scale)
