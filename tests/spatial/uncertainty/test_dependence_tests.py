"""LM and Hausman tests by wild bootstrap: textbook forms equal the single tests, scores their definition by loops."""

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.spatial.choice.lagrange import lm_tests
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.dependence_tests import TESTS, DependenceTests, dependence_bootstrap
from ronghe.spatial.uncertainty.mundlak import MeansTest, means_bootstrap


@pytest.mark.parametrize("effects", ["units", "time", "twoways"])
@pytest.mark.parametrize("method", ["lee_yu", "lsdv"])
def test_textbook_statistics_are_those_of_one_panel(effects, method):
    y, X, W = make_panel(n=12, periods=5, W=uneven_ring(12))
    test = DependenceTests(SpatialPanel(y, X, W, effects=effects, method=method))
    other, _, _ = make_panel(n=12, periods=5, W=uneven_ring(12), seed=9)
    found = test.textbook(test.parts(np.stack([v.to_numpy().reshape(12, 5) for v in (y, other)])))
    for place, outcome in enumerate((y, other)):
        wanted = lm_tests(outcome, X, W, effects, method).set_index("test")["statistic"]
        np.testing.assert_allclose([found[name][place] for name in TESTS], wanted[list(TESTS)], rtol=1e-9)


def by_loops(test, y):
    """The scores of rho and lambda and their covariance, cell by cell, with (I - H_ii)^-1 e_i from dense matrices."""
    N, T = y.shape
    e = test.remove(y[None])[0]
    q = test.remove(test.W @ (y - e)[None])[0]
    Z = test.batch.Z.reshape(N * T, -1)
    dummies = np.column_stack([np.kron(np.eye(N), np.ones((T, 1))), np.kron(np.ones((N, 1)), np.eye(T))])
    Q = np.eye(N * T) - dummies @ np.linalg.pinv(dummies)
    M = Q - Q @ Z @ np.linalg.pinv(Q @ Z)
    a = np.zeros((N, T))
    for i in range(N):
        own = slice(i * T, (i + 1) * T)
        # Unit effects are nested in the clusters, so that their dummies have no part in the leverage.
        block = M[own, own] + 1 / T
        a[i] = np.linalg.solve(block, e[i])
        a[i] -= a[i].mean()
    J = np.eye(N) - 1 / N
    C = J @ test.W @ J
    S = C + C.T
    s2 = np.sum(e * e) / test.nobs
    error, linear = np.sum(e * (test.W @ e)) - test.centre * s2, np.sum(e * q)
    mean = np.mean([a[i] @ a[i] for i in range(N)])
    ll = sum((a[i] @ q[i]) ** 2 for i in range(N))
    own = [0.5 * S[i, i] * (a[i] @ a[i] - mean) for i in range(N)]
    qq = sum(o * o for o in own) + sum((S[i, j] * (a[i] @ a[j])) ** 2 for i in range(N) for j in range(i))
    lq = sum(own[i] * (a[i] @ q[i]) for i in range(N))
    V = np.array([[ll, lq], [lq, qq]])
    scores = np.array([linear, error])
    share = test.trace / (np.sum(q * q) / s2 + test.trace)
    directions = {
        "lm_lag": [1, 1],
        "lm_error": [0, 1],
        "robust_lm_lag": [1, 0],
        "robust_lm_error": [-share, 1 - share],
    }
    found = {name: (np.dot(d, scores)) ** 2 / (d @ V @ d) for name, d in directions.items() for d in [np.array(d)]}
    return found | {"lm_sarma": scores @ np.linalg.solve(V, scores)}


def test_statistics_studentised_by_unit_follow_their_definition():
    y, X, W = make_panel(n=9, periods=5, W=uneven_ring(9))
    model = SpatialPanel(y, X, W)
    test = DependenceTests(model)
    found = test.clustered(test.parts(model.panel.y[None]))
    for name, wanted in by_loops(test, model.panel.y).items():
        np.testing.assert_allclose(found[name][0], wanted, rtol=1e-8, err_msg=name)


def test_every_sign_pattern_is_refitted_and_counted():
    y, X, W = make_panel(n=7, periods=5, W=uneven_ring(7))
    model = SpatialPanel(y, X, W)
    table = dependence_bootstrap(model, draws=999)
    assert (table["draws"] == 128).all() and list(table.index) == list(TESTS)
    e = DependenceTests(model).parts(model.panel.y[None]).residuals[0]
    fitted = model.panel.y - e
    above = 0
    for bits in range(128):
        signs = 1.0 - 2.0 * ((bits >> np.arange(7)) & 1)
        drawn = pd.Series((fitted + signs[:, None] * e).ravel(), index=y.index)
        statistic = lm_tests(drawn, X, W, "twoways", "lee_yu").set_index("test").at["lm_lag", "statistic"]
        above += statistic >= table.at["lm_lag", "textbook_statistic"] * (1 - 1e-9)
    assert table.at["lm_lag", "pvalue_textbook"] == above / 128
    webb = dependence_bootstrap(model, draws=199, weights="webb", seed=3)
    assert webb["pvalue"].between(0, 1).all() and (webb["draws"] == 199).all()


def test_size_where_errors_persist_and_regions_differ():
    """AR(1) of .9 and standard deviations from 1 to 4: the textbook rejects a true null far above 5 %."""
    n, T, draws, B = 20, 6, 200, 99
    y, X, W = make_panel(n=n, periods=T, W=uneven_ring(n))
    test = DependenceTests(SpatialPanel(y, X, W))
    generator = np.random.default_rng(0)
    e = generator.normal(size=(draws, n, T))
    for t in range(1, T):
        e[:, :, t] = 0.9 * e[:, :, t - 1] + np.sqrt(1 - 0.81) * e[:, :, t]
    outcomes = e * np.linspace(1, 4, n)[:, None]
    at = test.parts(outcomes)
    v = 1.0 - 2.0 * generator.integers(0, 2, size=(draws, B, n))
    again = test.parts(test.draw(outcomes, at, v))
    for name in ("lm_lag", "lm_error", "robust_lm_lag", "robust_lm_error", "lm_sarma"):
        reached = test.clustered(again)[name].reshape(draws, B) >= test.clustered(at)[name][:, None]
        size = np.mean(1 + reached.sum(axis=1) <= 0.05 * (1 + B))
        # 5 % and two and a half simulation errors.
        assert size <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / draws)
    assert np.mean(test.textbook(at)["lm_lag"] > 3.841) > 0.15


def test_the_hausman_statistic_is_a_wald_test_of_the_engine():
    y, X, W = make_panel(n=16, periods=5, W=uneven_ring(16))
    means = X.groupby(level=0).transform("mean").add_prefix("mean of ")
    for model in ("sar", "sdm"):
        found = means_bootstrap(SpatialPanel(y, X, W, model), draws=199)
        whole = SpatialPanel(y, pd.concat([X, means], axis=1), W, model, "time")
        result = whole.fit("clustered", small_sample="CR3")
        tested = [n for n in result.names if "mean of" in n]
        b, V = result.params[tested], result.cov.loc[tested, tested]
        assert found["df"] == len(tested) == (2 if model == "sar" else 4)
        np.testing.assert_allclose(found["statistic"], b @ np.linalg.solve(V, b), rtol=1e-6)
        assert 0 < found["pvalue"] <= 1


def test_means_enter_where_effects_follow_them():
    y, X, W = make_panel(n=30, periods=5, W=uneven_ring(30))
    none = means_bootstrap(SpatialPanel(y, X, W, "sar"), draws=499)
    pulled = y + 3 * X["a"].groupby(level=0).transform("mean")
    assert means_bootstrap(SpatialPanel(pulled, X, W, "sar"), draws=499)["pvalue"] < 0.02 < none["pvalue"]


def test_what_has_no_such_test_is_refused():
    y, X, W = make_panel(n=6, periods=5, W=uneven_ring(6))
    with pytest.raises(RongheError, match="sar and sdm"):
        MeansTest(SpatialPanel(y, X, W, "sem"))
    with pytest.raises(RongheError, match="fewer regressors"):
        wide = pd.concat([X, X**2 + X.shift(1).fillna(0.0)], axis=1).set_axis(list("abcd"), axis=1)
        MeansTest(SpatialPanel(y, wide, W))
