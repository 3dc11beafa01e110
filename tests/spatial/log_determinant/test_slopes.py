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

from benchmarks.engine import nearest_neighbours, simulated_panel

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
