"""The log-determinant ln|I - a W|, its derivatives, and solves with I - a W: exact, from eigenvalues or sparse LU."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigs, splu

from ronghe.errors import RongheError

if TYPE_CHECKING:
    from ronghe.weights.matrix import Weights

# Eigenvalues are cheaper than a handful of sparse factors up to these sizes (symmetric form, or none).
SYMMETRIC_EIGENVALUES = 600
GENERAL_EIGENVALUES = 120
# A matrix fuller than this gains nothing from sparse factors; eigenvalues are then used at any size.
FULL = 0.25
# Below this size the inverse of I - a W is formed; convention 9 (nothing N x N) concerns larger W.
DENSE_INVERSE = 600
STEP = 1e-30
LU_OPTIONS = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
_known: WeakKeyDictionary[Weights, LogDeterminant] = WeakKeyDictionary()


def log_determinant(W: Weights) -> LogDeterminant:
    """Return the log-determinant of I - a W by the fastest exact way; it is kept with W for the next model."""
    if W not in _known:
        full = W.sparse.nnz > FULL * W.n**2
        limit = SYMMETRIC_EIGENVALUES if W.n <= SYMMETRIC_EIGENVALUES and W.symmetric_form is not None else 0
        by_eigenvalues = W.n <= max(limit, GENERAL_EIGENVALUES) or full
        _known[W] = (EigenLogDeterminant if by_eigenvalues else SparseLogDeterminant)(W)
    return _known[W]


class LogDeterminant:
    """ln|I - a W| for one W: value, derivatives, the interval of `a`, and solves with I - a W."""

    def __init__(self, W: Weights) -> None:
        """Keep the matrix; what is costly is computed on first use."""
        self.matrix = W.sparse
        self.n = W.n
        self.is_row_standardised = W.is_row_standardised
        self._labelled = W

    def derivatives(self, a: float) -> tuple[float, float, float]:
        """Return ln|I - a W|, its first derivative -tr(G) and its second derivative -tr(G^2)."""
        raise NotImplementedError

    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return ln|I - a W| at many points, good enough to find where a maximum lies."""
        raise NotImplementedError

    @property
    def sketch_bounds(self) -> tuple[float, float]:
        """Interval on which the sketch can be trusted."""
        return self.bounds

    def solve(self, a: float, values: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Return (I - a W)^-1 values, or with the transposed matrix."""
        raise NotImplementedError

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Open interval around zero on which I - a W is regular."""
        raise NotImplementedError

    @cached_property
    def _dense(self) -> np.ndarray:
        return self.matrix.toarray()

    def inverse(self, a: float) -> np.ndarray:
        """Return (I - a W)^-1 as a full matrix, for small or full W."""
        S = -a * self._dense
        S.flat[:: self.n + 1] += 1.0
        return np.linalg.inv(S)

    def restart(self) -> None:
        """Forget what earlier fits left behind, so that a second fit takes the same steps as the first."""

    @property
    def has_small_inverse(self) -> bool:
        """Whether (I - a W)^-1 may be formed: W is small, or is full itself."""
        return self.n <= DENSE_INVERSE or self.matrix.nnz > FULL * self.n**2


class EigenLogDeterminant(LogDeterminant):
    """ln|I - a W| as the sum of ln|1 - a omega| over the eigenvalues omega of W (Ord 1975, equation 2.5)."""

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """All eigenvalues of W, complex where W is not similar to a symmetric matrix."""
        return self._labelled.eigenvalues()

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Reciprocals of the smallest and the largest real eigenvalue; complex ones never make I - a W singular."""
        omega = self.eigenvalues
        radius = np.abs(omega).max(initial=0.0)
        if radius <= 1e-12:
            raise RongheError(
                f"{self._labelled.name}: all eigenvalues are zero (no path leads back to its start), so that rho has "
                "no interval and ln|I - rho W| is always zero; use weights with at least one pair of mutual neighbours"
            )
        real = omega.real[np.abs(omega.imag) <= 1e-9 * radius]
        low, high = real.min(initial=0.0), real.max(initial=0.0)
        if self.is_row_standardised:
            high = 1.0
        return (1.0 / low if low < -1e-9 * radius else -1.0 / radius), (1.0 / high if high > 0 else 1.0 / radius)

    def derivatives(self, a: float) -> tuple[float, float, float]:
        """Return the value and two derivatives at a."""
        remainder = 1.0 - a * self.eigenvalues
        ratio = self.eigenvalues / remainder
        value = np.log(np.abs(remainder)).sum()
        return float(value), -float(ratio.sum().real), -float((ratio @ ratio).real)

    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return the values at many points, exact here."""
        return np.log(np.abs(1.0 - np.multiply.outer(a, self.eigenvalues))).sum(axis=1)

    def solve(self, a: float, values: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Return (I - a W)^-1 values by a dense solve."""
        S = -a * (self._dense.T if transposed else self._dense)
        S.flat[:: self.n + 1] += 1.0
        return np.linalg.solve(S, values)


class SparseLogDeterminant(LogDeterminant):
    """ln|I - a W| from sparse LU factors in one minimum-degree ordering, kept for all values of a.

    The pivots stay on the diagonal: scaled by the Perron vector of W, I - a W is diagonally dominant for |a| below
    the reciprocal of the spectral radius, and such scaling leaves the pivots as they are. The first derivative comes
    from a complex step, ln|I - (a + ih) W| = f(a) + ih f'(a) + O(h^2), exact to rounding at h = 1e-30
    (Squire and Trapp 1998, SIAM Review 40, equation 3).
    """

    def __init__(self, W: Weights) -> None:
        """Find the ordering once and lay out the pattern of I - a W in it."""
        super().__init__(W)
        identity = sparse.eye_array(self.n, format="csc")
        pattern = sparse.csc_array(abs(self.matrix) + identity)
        pattern.indices, pattern.indptr = pattern.indices.astype(np.int32), pattern.indptr.astype(np.int32)
        pattern.data = np.where(pattern.indices == np.repeat(np.arange(self.n), np.diff(pattern.indptr)), 2.0, -1e-3)
        factor = splu(pattern, permc_spec="MMD_AT_PLUS_A", **LU_OPTIONS)
        self.order = order = np.argsort(factor.perm_c)
        self.fill = int(factor.nnz)
        del factor, pattern
        self.ordered = sparse.csc_array(_permuted(self.matrix, order))
        self._layout()
        self._slopes: OrderedDict[float, tuple[float, float]] = OrderedDict()
        self._factors: OrderedDict[float, object] = OrderedDict()

    def _layout(self) -> None:
        """Place the weights on the pattern of I - a W, so that another `a` costs one multiplication."""
        both = sparse.csc_array(self.ordered + sparse.eye_array(self.n, format="csc") * 2.0)
        both.sort_indices()
        self._indices, self._indptr = both.indices.astype(np.int32), both.indptr.astype(np.int32)
        on_diagonal = self._indices == np.repeat(np.arange(self.n), np.diff(self._indptr))
        self._weights = np.where(on_diagonal, 0.0, both.data)
        self._ones = on_diagonal.astype(float)

    def filtered(self, a: complex) -> sparse.csc_array:
        """Return I - a W in the kept ordering."""
        data = self._ones - a * self._weights
        return sparse.csc_array((data, self._indices, self._indptr), shape=(self.n, self.n))

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Interval between the reciprocals of -r and r, where r bounds the spectral radius of W.

        Rows that sum to one or less give r = 1 at once. An interval that reaches below -1/r can exist for W with
        no eigenvalue near -r; it is not searched at this size.
        """
        sums = self._labelled.row_sums
        if sums.max(initial=0.0) <= 1.0 + 1e-10 and np.any(np.abs(sums - 1.0) <= 1e-10):
            return -1.0, 1.0
        start = np.random.default_rng(0).uniform(0.5, 1.5, self.n)
        radius = float(np.abs(eigs(self.matrix, k=1, which="LR", v0=start, return_eigenvectors=False)[0]))
        return -1.0 / radius, 1.0 / radius

    def value_and_slope(self, a: float) -> tuple[float, float]:
        """Return ln|I - a W| and its derivative -tr(G), both exact, from one complex factor."""
        if a not in self._slopes:
            factor = splu(self.filtered(complex(a, STEP)), permc_spec="NATURAL", **LU_OPTIONS)
            pivots = factor.U.diagonal()
            self._slopes[a] = (
                float(np.log(np.abs(pivots.real)).sum()),
                float((pivots.imag / pivots.real).sum()) / STEP,
            )
            if len(self._slopes) > 64:
                self._slopes.popitem(last=False)
        return self._slopes[a]

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
        for _ in range(40):
            power = scaled @ power
            moments.append(float(np.vdot(probes, power)) / n_probes)
        moments[0] = 0.0
        moments[1] = float(scaled.multiply(scaled.T).sum())
        return np.array(moments) / scale ** np.arange(1, 41)

    def sketch(self, a: np.ndarray) -> np.ndarray:
        """Return -sum over k of a^k tr(W^k) / k, from the estimated moments."""
        k = np.arange(1, len(self._moments) + 1)
        return -(np.power.outer(a, k) / k) @ self._moments

    def solve(self, a: float, values: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Return (I - a W)^-1 values; factors are kept for the next."""
        solution = np.empty_like(values, dtype=float)
        solution[self.order] = self._factor(a).solve(
            np.ascontiguousarray(values[self.order], dtype=float), trans="T" if transposed else "N"
        )
        return solution

    def _factor(self, a: float) -> object:
        """Return the factor at a; two are kept, one for rho and one for lambda."""
        if a not in self._factors:
            while len(self._factors) > 1:
                self._factors.popitem(last=False)
            self._factors[a] = splu(self.filtered(a), permc_spec="NATURAL", **LU_OPTIONS)
        return self._factors[a]

    def inverse(self, a: float) -> np.ndarray:
        """Return (I - a W)^-1 as a full matrix, for small W."""
        return self.solve(a, np.eye(self.n))

    def restart(self) -> None:
        """Forget the points visited, so that a second fit takes the same steps as the first."""
        self._slopes.clear()

    def forget(self) -> None:
        """Let go of the kept factors, to make room for a larger one."""
        self._factors.clear()


def _permuted(W: sparse.csr_array, order: np.ndarray) -> sparse.csr_array:
    """Return W with rows and columns in the given order."""
    place = np.empty(len(order), dtype=W.indices.dtype)
    place[order] = np.arange(len(order), dtype=place.dtype)
    P = W[order]
    return sparse.csr_array((P.data, place[P.indices], P.indptr), shape=W.shape)


def trace_of_cycle(left: list[sparse.sparray], right: list[sparse.sparray]) -> float:
    """Return tr(A1^-1 B1 A2^-1 B2 ... Ak^-1 Bk), exact, from one sparse factor of size k N.

    The block matrix with A1..Ak on its diagonal, B1..B(k-1) above it and q Bk in its lower left corner has
    d ln det / dq at q = 0 equal to (-1)^(k+1) times this trace (Jacobi's formula after block elimination); the
    derivative is a complex step. All blocks must be in one fill-reducing order, which the interleaved block matrix
    inherits.
    """
    k, n = len(left), left[0].shape[0]
    cells: list[list[object]] = [[None] * k for _ in range(k)]
    for i in range(k):
        cells[i][i] = left[i]
        corner = i == k - 1
        j = 0 if corner else i + 1
        block = right[i] * (1j * STEP) if corner else right[i]
        cells[i][j] = block if cells[i][j] is None else cells[i][j] + block
    blocks = sparse.coo_array(sparse.block_array(cells, format="coo"))
    rows, columns = ((c % n) * k + c // n for c in blocks.coords)
    shape = (n * k, n * k)
    matrix = sparse.csc_array(sparse.coo_array((blocks.data.astype(complex), (rows, columns)), shape=shape))
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    pivots = splu(matrix, permc_spec="NATURAL", **LU_OPTIONS).U.diagonal()
    return (-1) ** (k + 1) * float((pivots.imag / pivots.real).sum()) / STEP
