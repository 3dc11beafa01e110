"""Tests that probes take the place of exact factors where these would not fit, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.spatial import SpatialPanel
from ronghe.spatial.log_determinant import suitable
from ronghe.spatial.log_determinant.exact import SparseLogDeterminant
from ronghe.spatial.log_determinant.probed import ProbedLogDeterminant
from ronghe.spatial.log_determinant.suitable import WIDEST, front, suitable_log_determinant
from scipy import sparse

from benchmarks.engine import nearest_neighbours, random_graph, simulated_panel


def path(n):
    return sparse.csr_array(sparse.diags_array([np.ones(n - 1)], offsets=[1], shape=(n, n)))


def star(n):
    return sparse.csr_array((np.ones(n - 1), (np.arange(1, n), np.zeros(n - 1, dtype=int))), shape=(n, n))


def tree(n):
    parents = (np.random.default_rng(0).random(n) * np.arange(n)).astype(int)[1:]
    return sparse.csr_array((np.ones(n - 1), (np.arange(1, n), parents)), shape=(n, n))


def two_random(n):
    half = random_graph(n // 2).sparse
    both = sparse.lil_array(sparse.block_diag([half, half]))
    both[0, n - 1] = 1.0
    return sparse.csr_array(both)


def with_hubs(n):
    W = sparse.lil_array(nearest_neighbours(n).sparse)
    W[:5, :] = 1.0
    return sparse.csr_array(W)


def test_front_of_a_grid_is_its_side():
    """A square of 60 x 60 cells, neighbours by edges: the diagonal of the search is at most the side."""
    side = 60
    line = sparse.csr_array(sparse.diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1], shape=(side, side)))
    grid = sparse.csr_array(sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line))
    assert 0.5 * side < front(grid) <= side


@pytest.mark.parametrize(
    ("graph", "n", "least", "most"),
    [
        (path, 20_000, 0, 2),
        (star, 20_000, 0, 2),
        (tree, 20_000, 0, 50),
        (with_hubs, 9_000, 5, 1_000),
        (lambda n: nearest_neighbours(n).sparse, 30_000, 100, 1_000),
        (lambda n: random_graph(n).sparse, 30_000, WIDEST, 30_000),
        (two_random, 30_000, WIDEST, 15_000),
    ],
)
def test_front_tells_graphs_with_places_from_those_without(graph, n, least, most):
    assert least <= front(graph(n)) <= most


def test_front_does_not_depend_on_the_order_of_units():
    W = random_graph(4_000).sparse
    order = np.random.default_rng(3).permutation(4_000)
    assert front(sparse.csr_array(W[order][:, order])) == pytest.approx(front(W), rel=0.1)


def test_choice():
    large, small = random_graph(30_000), random_graph(1_100)
    assert isinstance(suitable_log_determinant(large, "test"), ProbedLogDeterminant)
    assert not isinstance(suitable_log_determinant(small, "test"), ProbedLogDeterminant)
    assert isinstance(suitable_log_determinant(nearest_neighbours(9_000), "test"), SparseLogDeterminant)


@pytest.mark.parametrize("model", ["sdm", "sem"])
def test_probed_by_itself_beside_the_exact_value(model, monkeypatch):
    """At a size where both run: within the error that the note states, a small share of the standard error."""
    W = random_graph(1_200)
    y, X = simulated_panel(1_200, 5, W)
    exact = SpatialPanel(y, X, W, model).fit()
    assert exact.notes == ()
    monkeypatch.setattr(suitable, "LARGEST_DENSE", 1_000)
    monkeypatch.setattr(suitable, "WIDEST", 200)
    found = SpatialPanel(y, X, W, model).fit()
    name = "rho" if model == "sdm" else "lambda"
    note = found.notes[0]
    assert f"log-determinant of {name} by series" in note
    stated = float(note.split(" of the log-likelihood, ")[1].split()[0])
    share = float(note.split(f"of {name}, ")[1].split()[0])
    assert abs(found.params[name] - exact.params[name]) < 4 * stated
    assert share == pytest.approx(100 * stated / exact.std_errors[name], rel=0.5)
    assert 0 < share < 2
    assert note in str(found.summary())
    np.testing.assert_allclose(found.std_errors, exact.std_errors, rtol=5e-3)
    again = SpatialPanel(y, X, W, model).fit()
    np.testing.assert_array_equal(found.values, again.values)


def test_known_rho_is_found_at_fourteen_thousand_units():
    """Six neighbours at random, no exact factor: truth within four standard errors, impacts too."""
    W = random_graph(14_000)
    y, X = simulated_panel(14_000, 5, W, rho=0.4, exact=False)
    found = SpatialPanel(y, X, W).fit()
    assert "by series" in found.notes[0]
    assert abs(found.rho - 0.4) < 4 * found.std_errors["rho"]
    truth = (np.linspace(1.0, 0.5, 4) + np.linspace(-0.5, 0.5, 4)) / (1 - 0.4)
    total = found.impacts().xs("total", level=1)
    assert (np.abs(total["estimate"].to_numpy() - truth) < 4 * total["std_error"].to_numpy()).all()
