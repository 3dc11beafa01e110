"""Tests of approximate log-determinants: their error is stated, and measured against the exact ones."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel
from ronghe.spatial.log_determinant import probed
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.log_determinant.probed import probed_log_determinant
from ronghe.weights.matrix import Weights

from benchmarks.engine import nearest_neighbours, simulated_panel

N = 1500


@pytest.fixture(scope="module")
def asymmetric():
    return nearest_neighbours(N)


@pytest.fixture(scope="module")
def mutual(asymmetric):
    W = asymmetric.sparse
    return Weights(asymmetric.labels, W.maximum(W.T) > 0, "mutual").standardise("row")


@pytest.fixture(params=["chebyshev", "lanczos", "series", "series, asymmetric", "chebyshev, scaled"])
def pair(request, asymmetric, mutual):
    """Return an approximate log-determinant and the exact one."""
    kind, _, what = request.param.partition(", ")
    W = {"": mutual, "asymmetric": asymmetric}.get(what)
    W = Weights(mutual.labels, mutual.sparse * 3.0, "scaled") if W is None else W
    return probed_log_determinant(W, kind, "test"), log_determinant(W)


@pytest.mark.parametrize("share", [-0.8, -0.3, 0.0, 0.002, 0.5, 0.9])
def test_value_and_slope_lie_within_the_stated_error(pair, share):
    ours, exact = pair
    a = share * ours.bounds[1]
    found, errors, right = ours.derivatives(a), ours.errors(a), exact.value_and_slope(a)
    for k in (0, 1):
        assert abs(found[k] - right[k]) <= 4 * errors[k] + N * ours.truncation(a) + 1e-9
    # The error is small where few orders of neighbours count.
    assert errors[0] < (1e-2 if abs(share) <= 0.5 else 3.0)


def test_derivatives_are_those_of_the_estimate(pair):
    ours, _ = pair
    for a in (-0.4 * ours.bounds[1], 1e-9, 0.7 * ours.bounds[1]):
        step = 1e-5 * ours.bounds[1]
        (below, slope_below, _), (above, slope_above, _) = ours.derivatives(a - step), ours.derivatives(a + step)
        _, slope, curve = ours.derivatives(a)
        assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-4)
        assert curve == pytest.approx((slope_above - slope_below) / (2 * step), rel=1e-6)


def test_known_traces_are_exact(pair):
    """An estimate without any probe error: polynomials of order four, and hence small a."""
    ours, exact = pair
    controls = ours._probe_weights @ ours._controls
    np.testing.assert_allclose(controls, 0.0, atol=1e-9 * N)
    power, traces = np.eye(N), []
    for _ in range(4):
        power = ours.scaled @ power
        traces.append(np.trace(power))
    assert ours._known_traces == pytest.approx(traces, rel=1e-10, abs=1e-9)
    a = 0.01 * ours.bounds[1]
    assert ours.derivatives(a)[0] == pytest.approx(exact.derivatives(a)[0], rel=1e-7)


def test_errors_have_the_size_of_the_spread(mutual, monkeypatch):
    """Over many seeds the estimates scatter by what each states."""
    a, values, stated = 0.85, [], []

    def seeded(seed):
        return lambda _: iter([np.random.default_rng(seed).choice([-1.0, 1.0], size=(N, 30))])

    for seed in range(40):
        monkeypatch.setattr(probed.Chebyshev, "_probes", seeded(seed))
        one = probed.Chebyshev(mutual)
        values.append(one.derivatives(a)[0])
        stated.append(one.errors(a)[0])
    assert np.std(values) == pytest.approx(np.sqrt(np.mean(np.square(stated))), rel=0.35)
    assert abs(np.mean(values) - log_determinant(mutual).derivatives(a)[0]) < 4 * np.std(values) / np.sqrt(40)


@pytest.mark.parametrize("transposed", [False, True])
def test_solves(pair, transposed):
    ours, exact = pair
    right = np.random.default_rng(0).standard_normal((N, 3))
    a = 0.9 * ours.bounds[1]
    left = ours.solve(a, right, transposed)
    np.testing.assert_allclose(left, exact.solve(a, right, transposed), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("kind", "model"), [("chebyshev", "sdm"), ("lanczos", "sem"), ("series", "sdm"), ("series", "gns")]
)
def test_a_fit_states_the_error_that_it_has(mutual, kind, model):
    y, X = simulated_panel(N, 6, mutual)
    exact = SpatialPanel(y, X, mutual, model).fit()
    found = SpatialPanel(y, X, mutual, model, log_determinant=kind).fit()
    for name in [n for n in ("rho", "lambda") if n in exact.params.index]:
        note = next(text for text in found.notes if text.startswith(f"log-determinant of {name} by {kind}"))
        value, stated, _ = (float(x) for x in re.findall(r"\d\.\de[+-]\d+", note))
        assert abs(found.params[name] - exact.params[name]) < 4 * stated + 1e-9
        assert 0 < stated < 0.02 * exact.std_errors[name]
        assert value < 1.0
    np.testing.assert_allclose(found.std_errors, exact.std_errors, rtol=3e-3)
    if model == "sdm":
        np.testing.assert_allclose(found.impacts(), exact.impacts(), rtol=5e-3, atol=1e-6)
    assert exact.notes == ()


def test_refusals(asymmetric):
    y, X = simulated_panel(N, 2, asymmetric)
    with pytest.raises(RongheError, match="choose log_determinant='series'"):
        SpatialPanel(y, X, asymmetric, log_determinant="lanczos").fit()
    with pytest.raises(RongheError, match="unknown log_determinant 'grid'"):
        SpatialPanel(y, X, asymmetric, log_determinant="grid")
