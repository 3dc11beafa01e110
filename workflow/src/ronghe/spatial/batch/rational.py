"""Inverses of a matrix polynomial at many values of its argument, out of those at a few nodes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Shares whose absolute values sum to more than this would lose digits: such values are left to a direct inverse.
MOST_CANCELLED = 300.0


class RationalInverse:
    """A(a)^-1 = sum_j c_j(a) A(x_j)^-1 with c_j proportional to w_j det A(x_j) / (a - x_j), exactly.

    adj A and det A are polynomials in a, and so what barycentric weights w_j take through one node more than the degree
    of the determinant (Berrut and Trefethen 2004, equation 4.2); in the ratio of the two the common factor cancels.
    """

    def __init__(self, values_at: Callable[[np.ndarray], np.ndarray], degree: int, bounds: tuple[float, float]) -> None:
        """Invert A, whose determinant has this degree, at Chebyshev points between the bounds."""
        angles = np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1)
        self.nodes = bounds[0] + (bounds[1] - bounds[0]) * 0.5 * (1 - np.cos(angles))
        values = values_at(self.nodes)
        self.inverses = np.linalg.inv(values)
        sign, size = np.linalg.slogdet(values)
        self._weights = sign * np.exp(size - size.max()) * np.sin(angles) * (-1.0) ** np.arange(degree + 1)

    def shares(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return c_j at every a as (a, node), and where they would lose digits."""
        gaps = np.subtract.outer(a, self.nodes)
        at_node = gaps == 0.0
        shares = self._weights / np.where(at_node, 1.0, gaps)
        shares = np.where(at_node.any(axis=1, keepdims=True), at_node, shares)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares, np.abs(shares).sum(axis=1) > MOST_CANCELLED
