"""Certificates by the engine: those of the batch where both can be had, any number of cores; residual tests."""

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.certificate import Setup, half_lengths
from ronghe.spatial.uncertainty.dependence_tests import TESTS
from ronghe.spatial.uncertainty.effects_tests import NAMES
from ronghe.spatial.uncertainty.engine_certificate import ENGINE_METHODS, EngineSetup, engine_certificate
from ronghe.spatial.uncertainty.residual_test_sizes import HAUSMAN, residual_test_sizes


@pytest.fixture(scope="module")
def data():
    return make_panel(n=14, periods=6, W=uneven_ring(14))


@pytest.mark.parametrize("kind", ["sdm", "slx"])
def test_draws_and_lengths_are_those_of_the_batch(data, kind):
    y, X, W = data
    model = SpatialPanel(y, X, W, kind)
    slow, fast = EngineSetup.of(model, "a"), Setup.of(model, "a", {})
    assert slow.names == fast.names
    np.testing.assert_allclose(slow.truth, fast.truth, rtol=1e-8)
    u = fast.disturbances.draw("ar5", np.random.default_rng(0), 3)
    fit = fast.batch.fit(fast.outcomes(u))
    values, gradients = fast.quantities(fit)
    wanted = half_lengths(fit, gradients, ENGINE_METHODS)
    found = slow.trial("ar5", np.random.default_rng(0), 3)
    for method in ENGINE_METHODS:
        np.testing.assert_allclose(found[method][1], wanted[method], rtol=1e-5, err_msg=method)
        assert np.array_equal(found[method][0].astype(bool), np.abs(values - fast.truth) <= wanted[method])


def test_error_models_have_certificates_that_no_core_changes(data):
    y, X, W = data
    for kind, names in (("sem", {"lambda", "direct"}), ("sarar", {"rho", "lambda", "direct", "indirect", "total"})):
        model = SpatialPanel(y, X, W, kind)
        one, two = (engine_certificate(model, "a", ("flipped",), 100, seed=3, cores=n) for n in (1, 2))
        pd.testing.assert_frame_equal(one.intervals, two.intervals)
        assert set(one.intervals["quantity"]) == names and one.intervals["coverage"].between(0.5, 1).all()
        assert one.method in ENGINE_METHODS and "lowest coverage" in one.verdict
    with pytest.raises(RongheError, match="400"):
        engine_certificate(SpatialPanel(y, X, W, "sem"), "a", repetitions=10)


def test_sizes_of_residual_tests(data):
    y, X, W = data
    table = residual_test_sizes(SpatialPanel(y, X, W), ("independent", "flipped"), 130, seed=1, cores=1)
    pd.testing.assert_frame_equal(
        table, residual_test_sizes(SpatialPanel(y, X, W), ("independent", "flipped"), 130, seed=1, cores=2)
    )
    assert set(table["test"]) == {*TESTS, HAUSMAN, *NAMES.values()} and table["size"].between(0, 1).all()
    sizes = table.set_index(["test", "version"])["size"]
    # 5 % and three simulation errors; the textbook's Wald test of four means with fourteen units is far above.
    assert sizes.loc[:, "studentised by unit, wild bootstrap"].max() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 130)
    assert sizes.loc[HAUSMAN, "wild bootstrap"].max() < 0.11 < sizes.loc[HAUSMAN, "textbook"].max()
