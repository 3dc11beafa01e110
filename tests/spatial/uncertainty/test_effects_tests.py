"""Bootstraps of tests for unit and time effects: statistics against dummies, draws without effects, size and power."""

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.spatial.choice.nested_tests import fixed_effects_tests
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.effects_tests import GRID, PRESENCE, EffectsTest, effects_bootstrap, signs


@pytest.fixture(scope="module")
def case():
    return make_panel(n=16, periods=6, W=uneven_ring(16))


def test_f_is_the_textbook_s_and_wald_that_of_dummies(case):
    y, X, W = case
    found = effects_bootstrap(y, X, W, draws=99)
    f = fixed_effects_tests(y, X, W).loc["f_units_given_time"]
    np.testing.assert_allclose(found.loc["units_given_time", "statistic"], f["statistic"], rtol=1e-7)
    periods = y.index.get_level_values(1)
    own = pd.DataFrame({f"d{t}": (periods == t) * 1.0 for t in sorted(set(periods))[1:]}, index=y.index)
    fit = SpatialPanel(y, X.join(own), W, effects="units", method="lsdv", durbin=list(X)).fit(
        "clustered", small_sample="CR3"
    )
    b, V = fit.params[list(own)], fit.cov.loc[list(own), list(own)]
    np.testing.assert_allclose(found.loc["time_given_units", "statistic"], b @ np.linalg.solve(V, b), rtol=1e-6)
    assert found.loc["time_given_units", "df"] == 5
    with pytest.raises(RongheError, match="use 999"):
        effects_bootstrap(y, X, W, draws=9)


def test_the_autocorrelation_foretold_is_the_dense_one(case):
    y, X, W = case
    test = EffectsTest.of("units_given_time", y, X, W)
    batch, (N, T) = test.without, (16, 6)
    H = np.column_stack([batch.flat, np.tile(np.eye(T), (N, 1))])
    M = np.eye(N * T) - H @ np.linalg.pinv(H)
    phi = GRID[25]
    omega = np.kron(np.eye(N), phi ** np.abs(np.subtract.outer(np.arange(T), np.arange(T))))
    L = np.kron(np.eye(N), 0.5 * (np.eye(T, k=1) + np.eye(T, k=-1)))
    wanted = np.trace(L @ M @ omega @ M) / np.trace(M @ omega @ M)
    np.testing.assert_allclose(test._expected[25], wanted, rtol=1e-9)


def test_draws_keep_what_they_should(case):
    y, X, W = case
    generator = np.random.default_rng(0)
    for code in PRESENCE:
        test = EffectsTest.of(code, y, X, W)
        null = test.without.fit(test.whole.panel.y[None])
        drawn = test.draw(null, np.zeros(1, dtype=int), 40, generator)
        e = null.residuals[0]
        rest = drawn - null.rho[0] * (test.without.W @ drawn)
        u = rest - (test.whole.panel.y - null.rho[0] * (test.without.W @ test.whole.panel.y) - e)
        if code == "time_given_units":
            np.testing.assert_allclose(np.abs(u), np.broadcast_to(np.abs(e), u.shape), atol=1e-10)
        else:
            # Each innovation is its own but for the sign.
            start = np.abs(u[:, :, 0])
            np.testing.assert_allclose(start, np.broadcast_to(np.abs(e[:, 0]), start.shape), atol=1e-10)
    assert set(np.unique(signs(generator, (50,)))) == {-1.0, 1.0}


def test_size_and_power():
    y, X, W = make_panel(n=24, periods=6, W=uneven_ring(24))
    generator = np.random.default_rng(3)
    for code, shape in (("units_given_time", (24, 1)), ("time_given_units", (1, 6))):
        test = EffectsTest.of(code, y, X, W)
        null = test.without.fit(test.whole.panel.y[None])
        surface = null.y[0] - null.rho[0] * null.lagged[0] - null.residuals[0]
        spread = np.linalg.inv(np.eye(24) - null.rho[0] * test.without.W)
        shares = []
        for strength in (0.0, 1.5):
            u = generator.normal(size=(120, 24, 6)) + strength * generator.normal(size=(120, *shape))
            observed, at = test.of_outcomes(spread @ (surface + u))
            shares.append(np.mean(test.reached(at, np.arange(120), observed, 99, generator) <= 4))
        assert shares[0] <= 0.11 and shares[1] > 0.6
