"""What the log-determinant ln|I - a W| of one spatial filter offers, whichever way it is computed."""

from __future__ import annotations

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
# Orders of the series that steers the search for a maximum.
N_MOMENTS = 40


class LogDeterminant:
    """ln|I - a W| for one W: value, derivatives, the interval of `a`, and solves with I - a W."""

    def __init__(self, W: Weights) -> None:
        """Keep the matrix; what is costly is computed on first use."""
        self.matrix = W.sparse
        self.n = W.n
        self.is_row_standardised = W.is_row_standardised
        self.weights = W
        self._factors: OrderedDict[float, object] = OrderedDict()

    def derivatives(self, a: float) -> tuple[float, float, float]:
        """Return ln|I - a W|, its first derivative -tr(G) and its second derivative -tr(G^2)."""
        raise NotImplementedError

    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return ln|I - a W| at many points, good enough to find where a maximum lies."""
        raise NotImplementedError

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

    def inverse(self, a: float) -> np.ndarray:
        """Return (I - a W)^-1 as a full matrix, for small or full W."""
        return np.linalg.inv(self._filter(a))

    def restart(self) -> None:
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

    def note(self, name: str, a: float, periods: int, error: float) -> str | None:
        """Return what a reader must know about the accuracy, None where it is exact."""


class SlopeLogDeterminant(LogDeterminant):
    """A log-determinant of which one factor gives the value and the slope, both exact."""

    def __init__(self, W: Weights) -> None:
        """Start with no points visited."""
        super().__init__(W)
        self._slopes: OrderedDict[float, tuple[float, float]] = OrderedDict()

    def value_and_slope(self, a: float) -> tuple[float, float]:
        """Return ln|I - a W| and its derivative -tr(G), both exact; 64 points are kept."""
        if a not in self._slopes:
            self._slopes[a] = self._value_and_slope(a)
            if len(self._slopes) > 64:
                self._slopes.popitem(last=False)
        return self._slopes[a]

    def _value_and_slope(self, a: float) -> tuple[float, float]:
        raise NotImplementedError

    def derivatives(self, a: float) -> tuple[float, float, float]:
        """Return the value and slope, exact, and a second derivative good enough for Newton steps.

        It is the difference of the exact slopes at a and at the nearest point visited, with the third derivative from
        the series to centre it; before a second point is visited, that of the series.
        """
        near = [(abs(a - p), p) for p in self._slopes if 1e-8 < abs(a - p) < 0.1]
        value, slope = self.value_and_slope(a)
        k = np.arange(2, len(self._moments) + 1)
        weighted = (k - 1) * self._moments[1:]
        if not near:
            return value, slope, -float(a ** (k - 2) @ weighted)
        p = min(near)[1]
        third = -float(((k[1:] - 2) * a ** (k[1:] - 3)) @ weighted[1:])
        return value, slope, (slope - self._slopes[p][1]) / (a - p) + 0.5 * third * (a - p)

    @cached_property
    def _moments(self) -> np.ndarray:
        """Estimates of tr(W^k), k = 1, 2, ... from seeded probes (Barry and Pace 1999, equation 3); tr(W) is zero."""
        n_probes = int(np.clip(60_000 // self.n, 2, 20))
        probes = np.random.default_rng(20100).choice([-1.0, 1.0], size=(self.n, n_probes))
        scale = self.bounds[1]
        scaled, moments, power = self.matrix * scale, [], probes
        for _ in range(N_MOMENTS):
            power = scaled @ power
            moments.append(float(np.vdot(probes, power)) / n_probes)
        moments[0] = 0.0
        moments[1] = float(scaled.multiply(scaled.T).sum())
        return np.array(moments) / scale ** np.arange(1, N_MOMENTS + 1)

    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return -sum over k of a^k tr(W^k) / k, from the estimated moments."""
        k = np.arange(1, len(self._moments) + 1)
        return -(np.power.outer(a, k) / k) @ self._moments

    def restart(self) -> None:
        """Forget the points visited, so that a second fit takes the same steps as the first."""
        self._slopes.clear()
