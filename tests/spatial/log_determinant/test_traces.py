"""Tests that the stated error of an estimated tr(G'G) covers, over small graphs of several kinds."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.spatial.log_determinant import traces
from ronghe.spatial.log_determinant.exact import SparseLogDeterminant
from ronghe.weights import Weights
from scipy import sparse
from scipy.spatial import cKDTree

GRAPHS = 30


def nearest(n, rng):
    """Six nearest neighbours: not symmetric."""
    places = rng.random((n, 2))
    links = np.zeros((n, n))
    links[np.arange(n)[:, None], cKDTree(places).query(places, 7)[1][:, 1:]] = 1
    return links


def mutual(n, rng):
    links = nearest(n, rng)
    return np.maximum(links, links.T)


def at_random(n, rng):
    links = np.zeros((n, n))
    for own in links:
        own[rng.choice(n, 4, replace=False)] = 1
    return links


def hubs(n, rng):
    """Three units that look at a third of all others."""
    links = mutual(n, rng)
    links[rng.choice(n, 3, replace=False)] = rng.random((3, n)) < 0.3
    return links


def star(n, rng):
    """One unit at which all others look."""
    links = mutual(n, rng)
    links[:, rng.integers(n)] = 1
    return links


@pytest.fixture(scope="module")
def errors():
    """Return actual and stated relative errors as (kind of graph and a, graph, 2)."""
    found = []
    for k, draw in enumerate((nearest, mutual, at_random, hubs, star)):
        for a in (0.3, 0.8):
            found.append([])
            for seed in range(GRAPHS):
                # Each size has probes of its own.
                n = 80 + 2 * seed
                links = draw(n, np.random.default_rng([k, seed]))
                np.fill_diagonal(links, 0)
                links /= np.maximum(links.sum(axis=1, keepdims=True), 1)
                G = links @ np.linalg.inv(np.eye(n) - a * links)
                ln_det = SparseLogDeterminant(Weights(tuple(range(n)), sparse.csr_array(links), draw.__name__))
                value, stated = traces._asymmetric_part(ln_det, a)
                right, whole = 0.5 * ((G - G.T) ** 2).sum(), np.vdot(G, G)
                found[-1].append([(value - right) / whole, stated / whole])
    return np.array(found)


def test_stated_errors_cover_as_often_as_they_say(errors):
    beyond = np.abs(errors[..., 0] / errors[..., 1])
    # A normal estimate lies beyond two errors in 4.6 % and beyond three in .3 %; of 900 graphs of each kind 4 to 7 %
    # and .6 to 2.1 % do here, and without the wider error for few probes 9 to 12 % and 2 to 4 %.
    assert (beyond > 2).mean() < 0.055 < (beyond * traces.FEW_PROBES > 2).mean()
    assert (beyond > 2).mean(axis=1).max() <= 0.1
    assert (beyond > 3).mean() < 0.01


def test_stated_errors_are_not_far_too_large(errors):
    actual, stated = np.sqrt((errors**2).mean(axis=1)).T
    assert (stated < 1.8 * actual).all()
    means, spread = errors[..., 0].mean(axis=1), errors[..., 0].std(axis=1)
    assert (np.abs(means) < 3.5 * spread / np.sqrt(GRAPHS)).all()
