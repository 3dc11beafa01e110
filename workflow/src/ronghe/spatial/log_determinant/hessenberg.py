"""The log-determinant of a full W, or of one whose sparse factors fill in: reduced once, then cheap at every point."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from ronghe.spatial.log_determinant.base import STEP
from ronghe.spatial.log_determinant.slopes import SlopeLogDeterminant
from ronghe.weights.matrix import Weights


class HessenbergLogDeterminant(SlopeLogDeterminant):
    """ln|I - a W| = ln|I - a H| with H = Q'W Q of upper Hessenberg form (Golub and Van Loan 2013, algorithm 7.4.2).

    The reduction takes N^3 steps once; I - a H is then eliminated in N^2 at every point (the same, section 4.3.4),
    so that grids, profiles and further models with the same W cost next to nothing. Solves and traces rest on one
    dense factor.
    """

    def __init__(self, W: Weights) -> None:
        """Reduce W."""
        super().__init__(W)
        work = int(lapack.dgehrd_lwork(self.n)[0])
        reduced, _, _ = lapack.dgehrd(self.matrix.toarray(order="F"), lwork=work, overwrite_a=True)
        self._reduced = np.ascontiguousarray(reduced)

    @property
    def has_small_inverse(self) -> bool:
        """The inverse is formed: a sparse factor would hold about as many numbers."""
        return True

    def _value_and_slope(self, a: float) -> tuple[float, float]:
        """Eliminate I - (a + ih) H row by row, the larger of two candidates as pivot; the step gives the slope."""
        H, n, step = self._reduced, self.n, complex(-a, -STEP)
        pivots = np.empty(n, dtype=complex)
        row = step * H[0]
        row[0] += 1.0
        for k in range(n - 1):
            below = step * H[k + 1, k:]
            below[1] += 1.0
            upper, lower = row[0], below[0]
            if abs(lower.real) > abs(upper.real):
                pivots[k] = lower
                row = row[1:] - (upper / lower) * below[1:]
            else:
                pivots[k] = upper
                row = below[1:] - (lower / upper) * row[1:]
        pivots[-1] = row[0]
        return float(np.log(np.abs(pivots.real)).sum()), float((pivots.imag / pivots.real).sum()) / STEP
