"""Variance of a score where units are independent, for thousands of units: neighbours exactly, the rest by its mean."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.uncertainty.information import effective_traces
from ronghe.spatial.uncertainty.scores import linear_scores

# Terms of the series of G stop at this share of its sum of squares, or at this many neighbours for each unit.
NEGLIGIBLE, MOST_NEIGHBOURS = 1e-10, 150
# Cells of the series below this are dropped: 3e-4 of the variance at rho = .8, 5e-5 at .4, half the time of 1e-4.
DROPPED = 3e-4
# Share of the squares outside the neighbours from which the exact sum over all pairs is the better tool.
LARGEST_REST = 0.05


def near_parts(model: FittedModel, sizes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray] | None:
    """Return `scores.unit_parts(model, over_time=True)` for one filter, None where too much lies far from neighbours.

    The sum over pairs of (c_ij + c_ji)^2 (e_i'e_j)^2 takes every pair for which the series G = W + a W^2 + ... has a
    term within reach; the squares that remain, known from the traces of C, are spread over the other pairs with these
    pairs' mean of (e_i'e_j)^2, known from E'E. With 5 % of the squares there at most, the sum is right to about
    5 % of the difference between the two means.
    """
    likelihood = model.likelihood
    if (likelihood.lag is None) == (likelihood.error is None):
        return None
    ln_det, a = (likelihood.lag, model.rho) if likelihood.error is None else (likelihood.error, model.lam)
    name = "rho" if likelihood.error is None else "lambda"
    traces = model.lag_traces if likelihood.error is None else model.error_traces
    N, e, s2 = model.panel.n_units, model.residuals, model.sigma2
    near = _series(ln_det.matrix, a)
    if near is None:
        return None
    rows, columns = near.nonzero()
    values = near.data.copy()
    centred = model.projection.has_time
    total_c, total_cc = traces.gtg, traces.gg
    if centred:
        ones = np.ones(N)
        received = ln_det.matrix @ ln_det.solve(a, ones)
        given = ln_det.solve(a, ln_det.matrix.T @ ones, transposed=True)
        mean = received.sum() / N
        values -= given[columns] / N + received[rows] / N - mean / N
        # |J G J|^2 and tr(J G J G), J = I - 11'/N.
        total_c += -(received @ received) / N - traces.column_sums_squared / N + mean**2
        total_cc += -2 * (given @ received) / N + mean**2
    C = sparse.csr_array((values, (rows, columns)), shape=(N, N))
    B = C + C.T
    diagonal = C.diagonal()
    B.setdiag(0.0)
    B = B.tocoo()
    x = e if sizes is None else sizes[:, None]
    products = np.einsum("nt,nt->n", x[B.row], x[B.col]) ** 2
    squares = np.einsum("it,it->i", x, x)
    far = 2 * (total_c + total_cc) - float(np.sum((2 * diagonal) ** 2)) - float(np.sum(B.data**2))
    if far > LARGEST_REST * 2 * (total_c + total_cc):
        return None
    outer = x.T @ x
    rest = float(np.sum(outer * outer)) - float(np.sum(squares**2)) - float(products.sum())
    n_rest = N * (N - 1) - B.nnz
    between = 0.5 * (float(B.data**2 @ products) + max(far, 0.0) * rest / max(n_rest, 1)) / s2**2
    own = linear_scores(model)
    place = model.place(name)
    shift = (effective_traces(model)[name] - diagonal.sum()) / N
    excess = e**2 - np.mean(e**2)
    own[:, :, place] += (diagonal + shift)[:, None] * excess / s2
    sums = own.sum(axis=1)
    pairs = np.zeros((sums.shape[1], sums.shape[1]))
    pairs[place, place] = between
    return sums.T @ sums, pairs


def _series(W: sparse.csr_array, a: float) -> sparse.csr_array | None:
    """Return W + a W^2 + a^2 W^3 + ..., very small cells dropped; None where it does not come to an end in reach."""
    N = W.shape[0]
    term, total = W, W.copy()
    for _ in range(200):
        term = sparse.csr_array(a * (term @ W))
        term.data[np.abs(term.data) < DROPPED] = 0.0
        term.eliminate_zeros()
        total = sparse.csr_array(total + term)
        if total.nnz > MOST_NEIGHBOURS * N:
            return total
        if float(term.data @ term.data) <= NEGLIGIBLE * float(total.data @ total.data):
            return total
    return total
