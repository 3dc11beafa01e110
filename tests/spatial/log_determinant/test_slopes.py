"""Tests of what is read off between the points at which a log-determinant was factored."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.spatial import SpatialPanel
from ronghe.spatial.log_determinant.exact import SparseLogDeterminant, log_determinant
from ronghe.spatial.log_determinant.slopes import SLOPE_TOLERANCE
from ronghe.spatial.log_determinant.traces import NEAR_EXACT
from ronghe.weights.matrix import Weights
from scipy import sparse
from scipy.spatial import Delaunay

from benchmarks.engine import nearest_neighbours, random_graph, simulated_panel

N = 700
# Slopes carry rounding of about N times the precision of a number.
ROUNDING = 1e-14 * N


@pytest.fixture(scope="module", params=["neighbours", "raw", "hub"])
def exact(request):
    """Return a log-determinant by sparse factors, and the eigenvalues to hold it against."""
    W = nearest_neighbours(N)
    if request.param == "raw":
        W = Weights(W.labels, W.sparse * 4.0 + W.sparse.T * 1.5, "raw")
    if request.param == "hub":
        star = sparse.lil_array((N, N))
        star[0, 1:] = star[1:, 0] = 1.0
        W = Weights(W.labels, sparse.csr_array(star), "star").standardise("row")
    return SparseLogDeterminant(W), np.linalg.eigvals(W.sparse.toarray())


def by_eigenvalues(omega, a):
    ratio = omega / (1 - a * omega)
    return np.log(np.abs(1 - a * omega)).sum(), -ratio.sum().real, -(ratio @ ratio).real


@pytest.mark.parametrize("share", [-0.9, -0.2, 0.0, 0.4, 0.85, 0.99])
def test_what_is_read_off_is_as_good_as_a_factor(exact, share):
    """A search closes in on a point, as Newton's steps do: its last points need no factor, and have the right slope."""
    ours, omega = exact
    ours.restart()
    a = share * ours.bounds[1]
    tolerance = SLOPE_TOLERANCE * np.sqrt(N) + ROUNDING / (1 - abs(share)) ** 2
    for distance in (1e-3, -1e-4, 1e-6, -1e-8, 1e-10, 1e-11, 1e-12):
        point = a + distance * (ours.bounds[1] - abs(a))
        value, slope, _ = ours.derivatives(point)
        right = by_eigenvalues(omega, point)
        assert abs(slope - right[1]) <= tolerance * ours.weights.row_sums.max()
        assert value == pytest.approx(right[0], rel=1e-11, abs=ROUNDING)
    assert len(ours._slopes) <= 5


@pytest.mark.parametrize("share", [-0.9, 0.0, 0.4, 0.85, 0.99])
@pytest.mark.parametrize("tolerance", [NEAR_EXACT, 1e-6])
def test_second_derivative(exact, share, tolerance):
    ours, omega = exact
    ours.restart()
    a = share * ours.bounds[1]
    assert ours.second(a, tolerance) == pytest.approx(by_eigenvalues(omega, a)[2], rel=3 * tolerance)


def test_a_fit_takes_few_factors_and_the_same_ones_again():
    W = nearest_neighbours(N)
    y, X = simulated_panel(N, 8, W)
    model = SpatialPanel(y, X, W)
    first = model.fit()
    visited = dict(log_determinant(W)._slopes)
    # Two or three on the way up, and two beside the top for tr(G^2).
    assert 4 <= len(visited) <= 5
    second = model.fit()
    assert dict(log_determinant(W)._slopes) == visited
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.cov, second.cov)


def test_a_fit_by_factors_is_that_by_eigenvalues():
    from ronghe.spatial.log_determinant import exact as module
    from ronghe.spatial.log_determinant.exact import EigenLogDeterminant

    W = nearest_neighbours(N)
    y, X = simulated_panel(N, 8, W)
    ours = SpatialPanel(y, X, W).fit()
    same = Weights(W.labels, W.sparse, W.name)
    module._known[same] = EigenLogDeterminant(same)
    theirs = SpatialPanel(y, X, same).fit()
    errors = theirs.std_errors.to_numpy()
    assert np.abs((ours.values - theirs.values) / errors).max() < 1e-9
    np.testing.assert_allclose(ours.cov / np.outer(errors, errors), theirs.cov / np.outer(errors, errors), atol=1e-9)


def grid(side=30):
    line = sparse.diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1], shape=(side, side))
    both = sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line)
    return Weights(tuple(range(side**2)), sparse.csr_array(both), "grid").standardise("row")


def counties(n=900):
    """Return a planar map: areas that touch, as the triangles between random places say."""
    edges = Delaunay(np.random.default_rng(5).random((n, 2))).simplices[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    A = sparse.coo_array((np.ones(len(edges)), edges.T), shape=(n, n)).tocsr()
    return Weights(tuple(range(n)), sparse.csr_array((A + A.T > 0).astype(float)), "counties").standardise("row")


GRAPHS = {"grid": grid, "counties": counties, "nearest": lambda: nearest_neighbours(900)}
GRAPHS["random"] = lambda: random_graph(900)


@pytest.fixture(scope="module", params=GRAPHS)
def graph(request):
    W = GRAPHS[request.param]()
    return SparseLogDeterminant(W), np.linalg.eigvals(W.sparse.toarray())


def noise(omega, a):
    """Rounding of slopes, larger where I - a W is nearer to being singular."""
    return 1e-14 * len(omega) / (1 - abs(a)) ** 2


@pytest.mark.parametrize("a", [-0.7, 0.1, 0.4, 0.8, 0.95])
@pytest.mark.parametrize("first", [0.2, 1e-2, 1e-3])
def test_stated_error_bounds_the_true_one(graph, a, first):
    """Points close in on `a` from `first` of the room about it; what is said of the next point holds before it is."""
    ours, omega = graph
    ours.restart()
    room, held = 1 - abs(a), []
    for k in range(4):
        point = a + first * room * (-0.1) ** k
        nearby = point + 0.03 * first * room * 0.1**k * np.array([-1.0, 0.3, 1.0])
        ours.value_and_slope(point)
        for x in nearby:
            true = abs(ours._between(x, ours._nodes(x, 1e-14))[1] - by_eigenvalues(omega, x)[1])
            held.append(true <= ours.stated_error(x) + noise(omega, x))
    assert all(held)


def test_one_lucky_point_does_not_make_the_rest_look_good(graph):
    """Where the series misses nothing at one point by chance, the error found before is still held to be possible."""
    ours, omega = graph
    ours.restart()
    ours.value_and_slope(0.8)
    tried = np.linspace(-0.6, 0.95, 1501)

    def shares():
        nodes = [ours._nodes(x, 1e-14) for x in tried]
        missed = [abs(ours._between(x, k)[1] - by_eigenvalues(omega, x)[1]) for x, k in zip(tried, nodes, strict=True)]
        bounds = np.array([ours._bound(x, k) for x, k in zip(tried, nodes, strict=True)])
        apart = np.min([np.abs(tried - x) for x in ours._slopes], axis=0) > 0.02
        return np.where(apart, missed / np.maximum(bounds, 1e-300), np.nan)

    ours.value_and_slope(float(tried[np.nanargmin(shares())]))
    needed = np.nanmax(shares())
    # The last point alone would have said less than is missed elsewhere.
    assert ours._shares[-1] < needed <= ours._share


def test_a_kept_factor_solves_nearby_points_to_rounding(graph):
    ours, omega = graph
    b = np.random.default_rng(0).standard_normal((ours.n, 3))
    for a in (0.4, -0.6, 0.9):
        ours.restart()
        ours.value_and_slope(a)
        for shift in (0.0, 1e-9, 5e-8 * (1 - abs(a))):
            assert ours.near(a + shift) == a
            for transposed in (False, True):
                S = np.eye(ours.n) - (a + shift) * ours.matrix.toarray()
                x = ours.solve(a + shift, b, transposed)
                assert np.abs((S.T if transposed else S) @ x - b).max() < 1e-13 * np.abs(x).max()
                np.testing.assert_allclose(ours.solve(a + shift, b[:, 0], transposed), x[:, 0], atol=1e-12)
        assert ours.near(a + 1e-5) == a + 1e-5
