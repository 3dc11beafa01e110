"""The log-determinant ln|I - a W|, its derivatives, and solves with I - a W: exact, by the cheapest of three ways."""

from __future__ import annotations

from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, spilu, splu

from ronghe.errors import RongheError
from ronghe.spatial.log_determinant.base import DENSE_INVERSE, FULL, STEP, LogDeterminant
from ronghe.spatial.log_determinant.hessenberg import HessenbergLogDeterminant
from ronghe.spatial.log_determinant.slopes import SlopeLogDeterminant
from ronghe.weights.matrix import Weights

# Eigenvalues are cheaper than a handful of sparse factors up to these sizes (symmetric form, or none).
SYMMETRIC_EIGENVALUES = 600
GENERAL_EIGENVALUES = 120
# Of a matrix that gains nothing from sparse factors, eigenvalues are taken up to this size, or where they are real.
FULL_EIGENVALUES = 1000
# Sparse factors that fill more than this share of the matrix cost more than dense ones, as far as those fit in memory.
HEAVY_FILL = 0.15
LARGEST_DENSE = 8000
PIVOTS = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
# The factors of neighbours' graphs have narrow supernodes: column by column they take two thirds of the time.
LU_OPTIONS = {"panel_size": 1, "relax": 8, **PIVOTS}
EPSILON = float(np.finfo(float).eps)
# A kept factor serves points nearer than this share of the distance to the end of the interval.
NEAR = 1e-7
_known: WeakKeyDictionary[Weights, LogDeterminant] = WeakKeyDictionary()


def log_determinant(W: Weights) -> LogDeterminant:
    """Return the log-determinant of I - a W by the fastest exact way; it is kept with W for the next model."""
    if W not in _known:
        _known[W] = _fastest(W)
    return _known[W]


def _fastest(W: Weights) -> LogDeterminant:
    """Choose by size, by symmetry, and by how far sparse factors fill in (a random graph, a full matrix)."""
    small = W.n <= SYMMETRIC_EIGENVALUES and W.symmetric_form is not None
    if small or W.n <= GENERAL_EIGENVALUES:
        return EigenLogDeterminant(W)
    if W.sparse.nnz <= FULL * W.n**2:
        factored = SparseLogDeterminant(W)
        if not DENSE_INVERSE < W.n <= LARGEST_DENSE or factored.fill <= HEAVY_FILL * W.n**2:
            return factored
    by_eigenvalues = W.n <= FULL_EIGENVALUES or W.symmetric_form is not None
    return (EigenLogDeterminant if by_eigenvalues else HessenbergLogDeterminant)(W)


class EigenLogDeterminant(LogDeterminant):
    """ln|I - a W| as the sum of ln|1 - a omega| over the eigenvalues omega of W (Ord 1975, equation 2.5)."""

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """All eigenvalues of W, complex where W is not similar to a symmetric matrix."""
        return self.weights.eigenvalues()

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Reciprocals of the smallest and the largest real eigenvalue; complex ones never make I - a W singular."""
        omega = self.eigenvalues
        radius = np.abs(omega).max(initial=0.0)
        if radius <= 1e-12:
            raise RongheError(
                f"{self.weights.name}: all eigenvalues are zero (no path leads back to its start), so that rho has "
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


class _ComplexFactor:
    """The factor of a complex step for real right sides, two in each complex one; its step is lost in rounding."""

    def __init__(self, factor: SuperLU) -> None:
        self._factor = factor

    def solve(self, values: np.ndarray, trans: str) -> np.ndarray:
        """Return the solution for one column or many."""
        columns = values.reshape(len(values), -1)
        half = (columns.shape[1] + 1) // 2
        pairs = columns[:, :half].astype(complex)
        pairs.imag[:, : columns.shape[1] - half] = columns[:, half:]
        found = self._factor.solve(pairs, trans)
        return np.concatenate([found.real, found.imag[:, : columns.shape[1] - half]], axis=1).reshape(values.shape)


class SparseLogDeterminant(SlopeLogDeterminant):
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
        # Incomplete factors that drop whatever they may: only their ordering is wanted.
        factor = spilu(pattern, drop_tol=1.0, fill_factor=1, permc_spec="MMD_AT_PLUS_A", **PIVOTS)
        self.order = order = np.argsort(factor.perm_c)
        del factor, pattern
        self.ordered = sparse.csc_array(_permuted(self.matrix, order))
        self._layout()

    @property
    def walked(self) -> sparse.sparray:
        """W' in the kept ordering: neighbours lie close in memory, and traces of powers are those of W."""
        W = self.ordered.T
        return sparse.csr_array((W.data, W.indices.astype(np.int32), W.indptr.astype(np.int32)), shape=W.shape)

    @cached_property
    def fill(self) -> int:
        """Return how many numbers the factors hold."""
        return int(self._factorise(0.5 * self.bounds[1]).nnz)

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

    def _value_and_slope(self, a: float) -> tuple[float, float]:
        """Return the two from the pivots of one complex factor."""
        self.forget()
        factor = splu(self.filtered(complex(a, STEP)), permc_spec="NATURAL", **LU_OPTIONS)
        self.__dict__.setdefault("fill", int(factor.nnz))
        pivots = factor.U.diagonal()
        if not self.has_small_inverse:
            self._factors[a] = _ComplexFactor(factor)
        return float(np.log(np.abs(pivots.real)).sum()), float((pivots.imag / pivots.real).sum()) / STEP

    def near(self, a: float) -> float:
        """Return the point next to `a` whose factor is kept, or `a` itself."""
        kept = min(self._factors, key=lambda x: abs(x - a), default=a)
        return kept if abs(kept - a) <= NEAR * (self.bounds[1] - abs(a)) else a

    def solve(self, a: float, values: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Return (I - a W)^-1 values; factors are kept for the next.

        With a factor at b near a, (I - a W)^-1 = sum over k of [(a - b) (I - b W)^-1 W]^k (I - b W)^-1, to rounding.
        """
        at, trans = self.near(a), "T" if transposed else "N"
        factor, W = self._factor(at), self.ordered.T if transposed else self.ordered
        term = factor.solve(np.ascontiguousarray(values[self.order], dtype=float), trans=trans)
        solution = np.empty_like(values, dtype=float)
        total, size = term, np.abs(term).max(initial=0.0)
        last = now = size if at != a else 0.0
        # The next term is smaller than the last one by as much as that was than the one before.
        while now**2 > EPSILON * last * size:
            term = factor.solve((a - at) * (W @ term), trans=trans)
            total, last, now = total + term, now, np.abs(term).max()
        solution[self.order] = total
        return solution

    def _factorise(self, a: float) -> object:
        return splu(self.filtered(a), permc_spec="NATURAL", **LU_OPTIONS)

    def inverse(self, a: float) -> np.ndarray:
        """Return (I - a W)^-1 as a full matrix, for small W."""
        return self.solve(a, np.eye(self.n))


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
