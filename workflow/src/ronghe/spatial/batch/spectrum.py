"""The filter I - a W of a small W at many values of a at once: log-determinants, traces, products with G."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from ronghe.spatial.batch.rational import RationalInverse

# Eigenvectors that reproduce W no better than this are not used; inverses are formed instead.
DEFECTIVE = 1e-11
ILL_CONDITIONED = 1e5
# So many factors of a determinant are multiplied before the logarithm: too few to leave the range of numbers.
TOGETHER = 32
# Above this many units the inverses at all nodes would take more room than they save time.
MOST_NODES = 120


class Spectrum:
    """G(a) = W (I - a W)^-1 = sum_k g_k(a) P_k, g_k = w_k / (1 - a w_k), with P_k = v_k u_k' of the eigenvectors of W.

    Ord (1975, equation 2.6) for the log-determinant. Where the eigenvectors cannot carry the sum (W not
    diagonalisable, as some k-nearest-neighbour weights are), G comes from inverses at N + 1 nodes, see `rational`.
    `centred` is for time effects: C = J G J with J = I - 11'/N stands for G in the quadratic forms.
    """

    def __init__(self, W: np.ndarray, centred: bool) -> None:
        """Take the eigenvalues and, where they serve, the eigenvectors."""
        self.W, self.n, self.centred = W, len(W), centred
        values, vectors = np.linalg.eig(W)
        # Eigenvalues that stand twice may come as a pair with complex vectors and imaginary parts of rounding size.
        real = not np.iscomplexobj(vectors) or np.abs(vectors.imag).max(initial=0.0) == 0.0
        self.values = values.real if real else values
        self.is_diagonal = bool(np.linalg.cond(vectors) < ILL_CONDITIONED)
        if self.is_diagonal:
            inverse = np.linalg.inv(vectors)
            gap = np.abs((vectors * values) @ inverse - W).max()
            self.is_diagonal = bool(gap <= DEFECTIVE * np.abs(W).max())
            self.right, self.left = (vectors.real, inverse.real) if real else (vectors, inverse)

    def log_determinant(self, a: np.ndarray) -> np.ndarray:
        """Return ln|I - a W| at every a: logarithms of the products of some eigenvalues' factors."""
        factors = 1 - np.multiply.outer(a, self.values.real)
        if np.iscomplexobj(self.values):
            factors = np.hypot(factors, np.multiply.outer(a, self.values.imag))
        ends = np.arange(0, self.n, TOGETHER)
        return np.log(np.abs(np.multiply.reduceat(factors, ends, axis=-1))).sum(axis=-1)

    def gains(self, a: np.ndarray) -> np.ndarray:
        """Return the eigenvalues g_k of G at every a, as (a, k)."""
        return self.values / (1 - np.multiply.outer(a, self.values))

    def traces(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return tr(G) and tr(G^2) at every a."""
        g = self.gains(a)
        return g.sum(axis=-1).real, (g * g).sum(axis=-1).real

    @cached_property
    def _projectors(self) -> np.ndarray:
        """C + C' as a linear map of the gains, (k, N N); for complex gains real and imaginary parts side by side.

        Of two gains that are each other's conjugates, one stands for both.
        """
        right, left = self.right[:, self._upper], self.left[self._upper]
        if self.centred:
            right, left = right - right.mean(axis=0), left - left.mean(axis=1, keepdims=True)
        P = right.T[:, :, None] * left[:, None, :]
        P = (P + P.transpose(0, 2, 1)).reshape(len(P), -1)
        if np.isrealobj(P):
            return P
        P *= np.where(self.values[self._upper].imag > 0, 2.0, 1.0)[:, None]
        return np.concatenate([P.real, -P.imag])

    @cached_property
    def _upper(self) -> np.ndarray:
        """Which eigenvalues are real, then which are the first of a pair of conjugates."""
        found = np.flatnonzero(self.values.imag >= 0)
        return found[np.argsort(self.values[found].imag > 0, kind="stable")]

    def symmetric_forms(self, a: np.ndarray, G: np.ndarray | None = None) -> np.ndarray:
        """Return C + C' at every a as (a, N, N), C being G (given, where known) or, with time effects, J G J."""
        if not self.is_diagonal:
            return self._symmetric(self.multipliers(a) if G is None else G)
        return self._weigh(a, self._projectors).reshape(-1, self.n, self.n)

    def _symmetric(self, C: np.ndarray) -> np.ndarray:
        if self.centred:
            C = C - C.mean(axis=1, keepdims=True)
            C = C - C.mean(axis=2, keepdims=True)
        return C + C.transpose(0, 2, 1)

    @cached_property
    def pairs(self) -> np.ndarray:
        """Places above the diagonal in an N x N matrix laid out by rows."""
        rows, columns = np.triu_indices(self.n, 1)
        return rows * self.n + columns

    def halved_forms(self, a: np.ndarray, G: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the diagonals of the symmetric forms at every a, and what stands above them, ordered as `pairs`."""
        if self.is_diagonal:
            found = self._weigh(a, self._halves)
        elif self._has_nodes(a):
            found = self._between_nodes(a, self._halves, lambda few: self._halved(self.multipliers(few)))
        else:
            found = self._halved(self.multipliers(a) if G is None else G)
        return found[:, : self.n], found[:, self.n :]

    @cached_property
    def _halves(self) -> np.ndarray:
        return self._halved(self._node_multipliers) if not self.is_diagonal else self._projectors[:, self._kept_half]

    def _halved(self, G: np.ndarray) -> np.ndarray:
        return self._symmetric(G).reshape(len(G), -1).take(self._kept_half, axis=1)

    @cached_property
    def _kept_half(self) -> np.ndarray:
        return np.concatenate([np.arange(self.n) * (self.n + 1), self.pairs])

    def _weigh(self, a: np.ndarray, projectors: np.ndarray) -> np.ndarray:
        g = self.gains(a)[:, self._upper]
        return (g if np.isrealobj(g) else np.concatenate([g.real, g.imag], axis=1)) @ projectors

    def multipliers(self, a: np.ndarray) -> np.ndarray:
        """Return G at every a as (a, N, N)."""
        if self.is_diagonal:
            return ((self.right * self.gains(a)[:, None, :]) @ self.left).real
        if not self._has_nodes(a):
            return self._inverted(a)
        nodes = self._node_multipliers.reshape(len(self._node_multipliers), -1)
        found = self._between_nodes(a, nodes, lambda few: self._inverted(few).reshape(len(few), -1))
        return found.reshape(-1, self.n, self.n)

    def _inverted(self, a: np.ndarray) -> np.ndarray:
        return self.W @ np.linalg.inv(np.eye(self.n) - a[:, None, None] * self.W)

    def _has_nodes(self, a: np.ndarray) -> bool:
        """Return whether so many values are asked for that the inverses at all nodes pay."""
        return self.n <= min(len(a), MOST_NODES)

    @cached_property
    def _rational(self) -> RationalInverse:
        """(I - a W)^-1 between the reciprocals of the outermost real eigenvalues."""
        radius, size = np.abs(self.values).max(), np.abs(self.W).max()
        # Where nobody is linked back to, all eigenvalues are zero: the interval has no ends of its own.
        radius = radius if radius > 1e-6 * size else size
        real = self.values.real[np.abs(self.values.imag) <= 1e-9 * radius]
        low, high = real.min(initial=0.0), real.max(initial=0.0)
        bounds = 1 / low if low < -1e-9 * radius else -1 / radius, 1 / high if high > 1e-9 * radius else 1 / radius
        return RationalInverse(lambda a: np.eye(self.n) - a[:, None, None] * self.W, self.n, bounds)

    @cached_property
    def _node_multipliers(self) -> np.ndarray:
        return self.W @ self._rational.inverses

    def _between_nodes(
        self, a: np.ndarray, at_nodes: np.ndarray, exactly: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Return what is linear in G from its values (node, value), `exactly` where that would lose digits."""
        shares, poor = self._rational.shares(a)
        found = shares @ at_nodes
        if poor.any():
            found[poor] = exactly(a[poor])
        return found

    def apply(self, a: np.ndarray, values: np.ndarray, G: np.ndarray | None = None) -> np.ndarray:
        """Return G(a) values, for values (a, N, T)."""
        if not self.is_diagonal:
            return (self.multipliers(a) if G is None else G) @ values
        if np.isrealobj(self.values):
            return self.right @ (self.gains(a)[:, :, None] * (self.left @ values))
        left, right, n_real = self._in_real_numbers
        # Rows: real eigenvalues, then real parts for one of each pair of conjugates, then imaginary parts.
        turned = left @ values
        g = self.gains(a)[:, self._upper, None]
        pairs = (len(turned[0]) - n_real) // 2
        real, imaginary = turned[:, n_real : n_real + pairs], turned[:, n_real + pairs :]
        gr, gi = g.real[:, n_real:], g.imag[:, n_real:]
        found = np.empty_like(turned)
        np.multiply(g.real[:, :n_real], turned[:, :n_real], out=found[:, :n_real])
        np.subtract(gr * real, gi * imaginary, out=found[:, n_real : n_real + pairs])
        np.add(gr * imaginary, gi * real, out=found[:, n_real + pairs :])
        return right @ found

    @cached_property
    def _in_real_numbers(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Left and right vectors of real and imaginary parts, one for each pair of conjugates; how many are real."""
        n_real = int((self.values[self._upper].imag == 0).sum())
        left, right = self.left[self._upper], self.right[:, self._upper]
        parts = [right.real[:, :n_real], 2 * right.real[:, n_real:], -2 * right.imag[:, n_real:]]
        return np.concatenate([left.real, left.imag[n_real:]]), np.concatenate(parts, axis=1), n_real

    def solve(self, a: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return (I - a W)^-1 values = values + a G values, for values (a, N, T)."""
        return values + a[:, None, None] * self.apply(a, values)

    def squared(self, a: np.ndarray, G: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return tr(G'G) and the squared length of the column sums G'1 at every a."""
        if not self.is_diagonal:
            G = self.multipliers(a) if G is None else G
            sums = G.sum(axis=1)
            return np.einsum("bij,bij->b", G, G), (sums * sums).sum(axis=1)
        g = self.gains(a)
        inner = self.left @ self.left.T
        gram = (self.right.T @ self.right) * inner
        ones = self.right.sum(axis=0)
        edge = np.multiply.outer(ones, ones) * inner
        return ((g @ gram) * g).sum(axis=1).real, ((g @ edge) * g).sum(axis=1).real

    def row_sums(self, a: np.ndarray, G: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return 1'G 1 / N and 1'G^2 1 / N at every a."""
        if not self.is_diagonal:
            G = self.multipliers(a) if G is None else G
            sums = G.sum(axis=2)
            return sums.mean(axis=1), np.einsum("bij,bj->b", G, sums) / self.n
        g, share = self.gains(a), self.right.sum(axis=0) * self.left.sum(axis=1) / self.n
        return (g @ share).real, ((g * g) @ share).real
