"""Eigenvalues of sparse weights: a symmetric matrix that shares them, and the ends of a large spectrum."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def symmetric_form(W: sparse.csr_array) -> sparse.csr_array | None:
    """Return the symmetric matrix that W is similar to by a diagonal matrix, or None where there is none.

    W = D^-1 A with A symmetric (rows standardised from symmetric weights) is similar to the matrix with cells
    sqrt(w_ij w_ji) (Ord 1975, section 2). D is recovered along a spanning tree and checked on every edge.
    """
    T = W.T.tocsr()
    T.sort_indices()
    if not (np.array_equal(W.indptr, T.indptr) and np.array_equal(W.indices, T.indices)):
        return None
    scale = _diagonal_similarity(W)
    focal = np.repeat(np.arange(W.shape[0]), np.diff(W.indptr))
    left, right = np.log(W.data) + scale[focal], np.log(T.data) + scale[W.indices]
    if np.max(np.abs(left - right), initial=0.0) > 1e-9:
        return None
    return sparse.csr_array((np.sqrt(W.data * T.data), W.indices, W.indptr), shape=W.shape)


def _diagonal_similarity(W: sparse.csr_array) -> np.ndarray:
    """Return log d with d_i w_ij = d_j w_ji along a spanning tree of every component."""
    n = W.shape[0]
    _, component = sparse.csgraph.connected_components(W, directed=False)
    roots = np.unique(component, return_index=True)[1]
    # One more node that leads to a root of each component makes the forest a tree, walked in one call.
    crown = sparse.coo_array((np.ones(len(roots)), (np.full(len(roots), n), roots)), shape=(n + 1, n + 1))
    joined = sparse.csr_array(sparse.block_diag([W, sparse.coo_array((1, 1))]) + crown)
    _, parent = sparse.csgraph.breadth_first_order(joined, n)
    parent[n] = n
    scale = np.zeros(n + 1)
    child = np.flatnonzero(parent[:n] < n)
    above = parent[child]
    scale[child] = np.log(W[above, child]) - np.log(W[child, above])
    # Every node adds up the ratios on its way to the root, doubling its stride each time.
    while np.any(parent != n):
        scale, parent = scale + scale[parent], parent[parent]
    return scale[:n]


def outer_eigenvalue(W: sparse.csr_array, S: sparse.csr_array | None, end: str, bound: float) -> float:
    """Return the smallest or largest (real part of an) eigenvalue of W, moved outwards by the iteration's tolerance.

    S is the symmetric form of W, where it has one. Where the iteration does not settle, the answer is the bound on
    the spectral radius.
    """
    sign, letter = (1.0, "L") if end == "largest" else (-1.0, "S")
    # A fixed start makes the iteration repeat to the last bit.
    start = np.random.default_rng(0).uniform(0.5, 1.5, W.shape[0])
    options = {"k": 1, "v0": start, "tol": 1e-9, "maxiter": 3000, "return_eigenvectors": False}
    try:
        if S is not None:
            value = sparse.linalg.eigsh(S, which=f"{letter}A", **options)[0]
        else:
            value = sparse.linalg.eigs(W, which=f"{letter}R", **options)[0].real
    except sparse.linalg.ArpackNoConvergence:
        return sign * bound
    return sign * float(min(sign * value + 1e-9 * bound, bound))
