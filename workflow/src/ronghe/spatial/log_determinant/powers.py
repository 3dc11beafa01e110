"""Known traces of the first powers of W, and weights of probes that reproduce them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

# Traces of W^3 and W^4 are taken while W^2 holds at most about this many numbers for each unit.
LARGE_SQUARE = 70
# And while it holds at most about this many in all.
LARGEST_SQUARE = 50_000_000


def power_traces(W: sparse.sparray) -> np.ndarray:
    """Return tr(W^k), k = 1, ..., 4, or 1, 2 where W^2 is too full."""
    W = sparse.csr_array(W)
    transposed = sparse.csr_array(W.T)
    traces = [float(W.trace()), float(W.multiply(transposed).sum())]
    degrees = np.diff(W.indptr)
    # So many products make W^2.
    cost = int(degrees[W.indices].sum())
    if cost <= min(LARGE_SQUARE * W.shape[0], LARGEST_SQUARE):
        square = W @ W
        traces += [float(square.multiply(transposed).sum()), float(square.multiply(square.T).sum())]
    return np.array(traces)


def probe_weights(controls: np.ndarray, n: int) -> np.ndarray:
    """Return weights that sum to one and give the controls (probe, power) a mean of zero; those nearest to equal ones.

    The controls are samples less known traces (Glynn and Szechtman 2002, equation 3).
    """
    C = controls[:, np.ptp(controls, axis=0) > 1e-9 * n]
    design = np.column_stack([np.ones(len(C)), C / np.maximum(np.abs(C).max(axis=0, initial=0.0), 1e-300)])
    target = np.zeros(design.shape[1])
    target[0] = 1.0
    return np.linalg.lstsq(design.T, target, rcond=None)[0]
