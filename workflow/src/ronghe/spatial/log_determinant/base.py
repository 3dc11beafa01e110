"""What the log-determinant ln|I - a W| of one spatial filter offers, whichever way it is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from functools import cached_property

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse.linalg import eigs

from ronghe.weights.matrix import Weights

# A matrix fuller than this gains nothing from sparse factors.
FULL = 0.25
# Below this size the inverse of I - a W is formed; convention 9 (nothing N x N) concerns larger W.
DENSE_INVERSE = 600
# Step of complex derivatives: f(a + ih) = f(a) + ih f'(a) + O(h^2) (Squire and Trapp 1998, SIAM Review 40, eq. 3).
STEP = 1e-30


class LogDeterminant(ABC):
    """ln|I - a W| for one W: value, derivatives, the interval of `a`, and solves with I - a W."""

    # Whether a point costs a factor, so that a search does well to begin where the sketch has its top.
    is_costly = False

    def __init__(self, W: Weights) -> None:
        """Keep the matrix; what is costly is computed on first use."""
        self.matrix = W.sparse
        self.n = W.n
        self.is_row_standardised = W.is_row_standardised
        self.weights = W
        self._factors: OrderedDict[float, object] = OrderedDict()

    @abstractmethod
    def derivatives(self, a: float) -> tuple[float, float, float]:
        """Return ln|I - a W|, its first derivative -tr(G) and its second derivative -tr(G^2)."""

    @abstractmethod
    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return ln|I - a W| at many points, good enough to find where a maximum lies."""

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Interval between the reciprocals of -r and r, where r bounds the spectral radius of W.

        Rows that sum to one or less give r = 1 at once. An interval that reaches below -1/r can exist for W with
        no eigenvalue near -r; it is not searched where eigenvalues are not computed.
        """
        sums = self.weights.row_sums
        if sums.max(initial=0.0) <= 1.0 + 1e-10 and np.any(np.abs(sums - 1.0) <= 1e-10):
            return -1.0, 1.0
        start = np.random.default_rng(0).uniform(0.5, 1.5, self.n)
        radius = float(np.abs(eigs(self.matrix, k=1, which="LR", v0=start, return_eigenvectors=False)[0]))
        return -1.0 / radius, 1.0 / radius

    @cached_property
    def _dense(self) -> np.ndarray:
        return self.matrix.toarray()

    def _filter(self, a: float) -> np.ndarray:
        S = -a * (self._dense if self.n <= DENSE_INVERSE else self.matrix.toarray())
        S.flat[:: self.n + 1] += 1.0
        return S

    def solve(self, a: float, values: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Return (I - a W)^-1 values, or with the transposed matrix; by dense factors unless there is a better way."""
        if self.n <= DENSE_INVERSE:
            S = self._filter(a)
            return np.linalg.solve(S.T if transposed else S, values)
        return lu_solve(self._factor(a), values, trans=int(transposed), check_finite=False)

    def _factor(self, a: float) -> object:
        """Return the factor at a; two are kept, one for rho and one for lambda."""
        if a not in self._factors:
            while len(self._factors) > 1:
                self._factors.popitem(last=False)
            self._factors[a] = self._factorise(a)
        return self._factors[a]

    def _factorise(self, a: float) -> object:
        return lu_factor(self._filter(a), overwrite_a=True, check_finite=False)

    def near(self, a: float) -> float:
        """Return a point that is as good as `a` for an estimate, and at which a solve costs less."""
        return a

    def inverse(self, a: float) -> np.ndarray:
        """Return (I - a W)^-1 as a full matrix, for small or full W."""
        return np.linalg.inv(self._filter(a))

    def restart(self) -> None:  # noqa: B027 (most keep nothing)
        """Forget what earlier fits left behind, so that a second fit takes the same steps as the first."""

    def forget(self) -> None:
        """Let go of the kept factors, to make room for a larger one."""
        self._factors.clear()

    @property
    def has_small_inverse(self) -> bool:
        """Whether (I - a W)^-1 may be formed: W is small, or is full itself."""
        return self.n <= DENSE_INVERSE or self.matrix.nnz > FULL * self.n**2

    def errors(self, a: float) -> np.ndarray:
        """Return the standard errors of the value and of its two derivatives: zero where they are exact."""
        return np.zeros(3)

    def note(self, name: str, a: float, periods: int, error: float, own: float) -> str | None:
        """Return what a reader must know about the accuracy, None where it is exact."""
        return None
