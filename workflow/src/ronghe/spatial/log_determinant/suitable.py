"""Chooses between exact factors and probes, by how wide the front of the factors would be, before any is tried."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ronghe.errors import require_known
from ronghe.spatial.log_determinant.base import FULL, LogDeterminant
from ronghe.spatial.log_determinant.exact import LARGEST_DENSE, log_determinant
from ronghe.spatial.log_determinant.probed import APPROXIMATIONS, probed_log_determinant
from ronghe.weights.matrix import Weights

# A full block of so many rows within the factors takes some 10^11 multiplications, minutes for each of five factors,
# and half a gigabyte. The figure is fixed, so that the method does not depend on the machine.
WIDEST = 5000
# Units of so many times the usual number of neighbours are eliminated last, whatever the graph; passes over leaves.
HUB, PASSES = 20, 30
KINDS = ["auto", "exact", *APPROXIMATIONS]


def chosen_log_determinant(W: Weights, kind: str, where: str) -> LogDeterminant:
    """Return the log-determinant that is asked for: "auto", "exact", or one of the approximations."""
    require_known(kind, KINDS, "log_determinant", where)
    if kind == "auto":
        return suitable_log_determinant(W, where)
    return log_determinant(W) if kind == "exact" else probed_log_determinant(W, kind, where)


def suitable_log_determinant(W: Weights, where: str) -> LogDeterminant:
    """Return the exact log-determinant, or the probed one where no exact factor would fit."""
    if W.n <= LARGEST_DENSE or W.sparse.nnz > FULL * W.n**2 or front(W.sparse) <= WIDEST:
        return log_determinant(W)
    return probed_log_determinant(W, "series" if W.symmetric_form is None else "chebyshev", where)


def front(W: sparse.sparray) -> int:
    """Return how many rows are tied to those above them, halfway through an elimination of I - a W: an estimate.

    Rows are taken in the order of Cuthill and McKee (1969), neighbours after neighbours, and the median over them is
    taken. Places on a map give a few times the square root of their number, graphs without places a share of it,
    which no ordering reduces. Leaves and hubs, which cost a better ordering nothing, are left out and counted.
    """
    graph = sparse.csr_array(abs(W) + abs(W).T)
    graph.setdiag(0.0)
    graph.eliminate_zeros()
    for _ in range(PASSES):
        kept = np.diff(graph.indptr) > 1
        if kept.all():
            break
        graph = graph[kept][:, kept]
    degree = np.diff(graph.indptr)
    hubs = degree > HUB * max(np.median(degree), 1) if len(degree) else np.zeros(0, dtype=bool)
    graph = sparse.csr_array(graph[~hubs][:, ~hubs])
    n = graph.shape[0]
    if not graph.nnz:
        return int(hubs.sum())
    place = np.empty(n, dtype=np.intp)
    place[reverse_cuthill_mckee(graph, symmetric_mode=True)] = np.arange(n)
    first = np.arange(n)
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    np.minimum.at(first, place[rows], place[graph.indices])
    # A row is tied from its first neighbour on until its own turn.
    open_rows = np.cumsum(np.bincount(first, minlength=n) - 1)
    return int(np.median(open_rows)) + int(hubs.sum())
