"""The wild bootstrap of spatial models against whole refits by the engine, and enumeration."""

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.linear.bootstrap import cluster_weights
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.engine_bootstrap import engine_bootstrap
from ronghe.spatial.uncertainty.few_clusters import FewClusters
from ronghe.spatial.uncertainty.joint_tests import JointTest, bootstrap_tests
from ronghe.spatial.uncertainty.mundlak import mundlak_wild
from ronghe.spatial.uncertainty.wild_bootstrap import (
    ImposedNull,
    WildBootstrap,
    imposed_null,
    quantile,
    wild_bootstrap,
)


def test_few_clusters_are_enumerated():
    v = cluster_weights(5, 999)
    assert v.shape == (32, 5) and len(np.unique(v, axis=0)) == 32
    assert cluster_weights(12, 999).shape == (999, 12)
    webb = cluster_weights(6, 20000, "webb", seed=1)
    assert len(np.unique(webb)) == 6 and abs(np.mean(webb**2) - 1) < 0.02
    with pytest.raises(RongheError, match="999"):
        cluster_weights(6, 20)


@pytest.mark.parametrize("studentised", ["CR1", "CR2", "CR3"])
def test_draws_are_whole_refits_of_the_engine(panel, studentised):
    y, X, W = panel
    result = SpatialPanel(y, X, W).fit()
    boot = WildBootstrap(result)
    quantities = boot.quantities(["rho", "a"], ["a"])
    v = cluster_weights(11, 99, seed=2)[:3]
    values, errors, t = boot.statistics(quantities, v, studentised)
    base = result.impacts().loc["a", "estimate"]
    np.testing.assert_allclose(values, [result.rho, result.params["a"], *base], rtol=1e-8)
    for i, outcome in enumerate(boot.draw(v)):
        again = SpatialPanel(_series(boot, outcome), X, W).fit()
        V = FewClusters(again.model).covariance(studentised)
        errors = np.sqrt(np.diag(V))
        names = list(again.params.index)
        for q, name in enumerate(["rho", "a"]):
            place = names.index(name)
            np.testing.assert_allclose(t[i, q], (again.params[name] - values[q]) / errors[place], rtol=1e-5)
        impacts = again.__class__(again.model, V, again.choice, again.loglik).impacts().loc["a"]
        np.testing.assert_allclose(t[i, 2:], (impacts["estimate"] - values[2:]) / impacts["std_error"], rtol=1e-5)


def _series(boot, y):
    panel = boot.batch.panel
    index = pd.MultiIndex.from_product([panel.units, panel.periods], names=panel.index.names)
    return pd.Series(y.ravel(), index=index, name="y")


def test_unit_weights_give_the_outcome_back(panel):
    y, X, W = panel
    boot = WildBootstrap(SpatialPanel(y, X, W).fit(), residuals="CR0")
    np.testing.assert_allclose(boot.draw(np.ones((1, 11)))[0], boot.batch.panel.y, atol=1e-9)


def test_symmetric_interval_and_p_value_agree(panel):
    y, X, W = panel
    table = wild_bootstrap(SpatialPanel(y, X, W).fit(), draws=399, seed=5)
    covers = (table["lower"] <= 0) & (table["upper"] >= 0)
    assert np.array_equal(covers, table["pvalue"] > 0.05)
    assert np.all(table["lower_equal"] < table["upper_equal"])
    assert quantile(np.arange(1.0, 100.0), 0.95) == 95.0


def test_the_restricted_estimate_satisfies_the_null_and_tops_its_neighbours(panel):
    y, X, W = panel
    boot = WildBootstrap(SpatialPanel(y, X, W).fit())
    for effect in ("direct", "indirect", "total"):
        null = ImposedNull(boot, "a", effect)
        b, rho = null.estimate(0.3)
        assert abs(null._restriction(rho) @ b - 0.3) < 1e-9
    # A null at the estimate restricts nothing.
    null = ImposedNull(boot, "a", "total")
    values = null.quantities.of(boot.fit)[0][0, 2]
    b, rho = null.estimate(values)
    np.testing.assert_allclose([rho, *b], [boot.fit.rho[0], *boot.fit.b[0]], atol=1e-6)
    found = imposed_null(SpatialPanel(y, X, W).fit(), "a", "total", value=values, draws=199)
    assert found["pvalue"] == 1.0


def test_interval_by_inversion_holds_what_is_not_rejected(panel):
    y, X, W = panel
    result = SpatialPanel(y, X, W).fit()
    found = imposed_null(result, "a", "direct", draws=199, level=0.9, seed=3)
    inside = imposed_null(result, "a", "direct", value=found["lower"] + 1e-3, draws=199, seed=3)["pvalue"]
    outside = imposed_null(result, "a", "direct", value=found["lower"] - 1e-3, draws=199, seed=3)["pvalue"]
    assert outside <= 0.1 + 1e-9 < inside + 0.01


def test_joint_statistics_are_those_of_the_engine(panel):
    from ronghe.spatial.choice.nested_tests import lr_test, wald_restriction

    y, X, W = panel
    model = SpatialPanel(y, X, W)
    whole = model.fit()
    for to in ("sar", "sem", "slx", "ols"):
        test = JointTest(model, to)
        found, null = test.statistics(model.panel.y[None], ("LR", "LM", "Wald, expected", "Wald, CR1"))
        small = SpatialPanel(y, X, W, to).fit()
        np.testing.assert_allclose(found["LR"][0], lr_test(small, whole)["statistic"], rtol=1e-8)
        np.testing.assert_allclose(found["Wald, expected"][0], wald_restriction(whole, to)["statistic"], rtol=1e-8)
        clustered = whole.with_covariance("clustered", small_sample="clusters")
        np.testing.assert_allclose(found["Wald, CR1"][0], wald_restriction(clustered, to)["statistic"], rtol=1e-7)
        assert 0 < found["LM"][0] < 2 * found["LR"][0] + 5
        # Weights of one give the outcome back.
        again = test.draw(null, np.zeros(1, int), np.ones((1, 1, 11)))[0]
        np.testing.assert_allclose(again, model.panel.y, atol=1e-8)


def test_joint_lm_of_no_dependence_is_that_of_the_residual_tests(panel):
    from ronghe.spatial.choice.lagrange import lm_tests

    y, X, W = panel
    lags = pd.DataFrame(
        np.einsum("ij,jtk->itk", W.sparse.toarray(), X.to_numpy().reshape(11, 5, 2)).reshape(55, 2),
        index=X.index,
        columns=["Wa", "Wb"],
    )
    found, _ = JointTest(SpatialPanel(y, X, W), "slx").statistics(SpatialPanel(y, X, W).panel.y[None], ("LM",))
    wanted = (
        lm_tests(y, pd.concat([X, lags], axis=1), W, "twoways", "lee_yu").set_index("test").at["lm_lag", "statistic"]
    )
    np.testing.assert_allclose(found["LM"][0], wanted, rtol=1e-8)


def test_bootstrap_table_has_both_p_values(panel):
    y, X, W = panel
    table = bootstrap_tests(SpatialPanel(y, X, W), ("sar", "slx"), ("LR", "Wald, CR3"), draws=199)
    assert list(table["df"]) == [2, 2, 1, 1] and table["pvalue"].between(0, 1).all()
    one = bootstrap_tests(SpatialPanel(y, X, W), ("sar", "slx"), ("LR", "Wald, CR3"), draws=199)
    pd.testing.assert_frame_equal(table, one)
    with pytest.raises(RongheError, match="sdm"):
        bootstrap_tests(SpatialPanel(y, X, W, "sar"))


def test_the_engine_draws_what_the_batch_draws(panel):
    y, X, W = panel
    model = SpatialPanel(y, X, W)
    slow = engine_bootstrap(model, ["a"], draws=99, seed=4)
    fast = wild_bootstrap(model.fit(), None, ["a"], draws=99, seed=4)
    np.testing.assert_allclose(slow[fast.columns].loc[fast.index], fast, rtol=1e-4, atol=1e-6)
    sem = engine_bootstrap(SpatialPanel(y, X, W, "sem"), draws=99, seed=4)
    assert "lambda" in sem.index.get_level_values(0) and sem["pvalue"].between(0, 1).all()


def test_mundlak_compares_unit_means(panel):
    y, X, W = make_panel(n=16, periods=5, W=uneven_ring(16))
    found = mundlak_wild(SpatialPanel(y, X, W), draws=199)
    assert found["df"] == 4 and 0 < found["pvalue"] <= 1
    with pytest.raises(RongheError, match="fewer regressors"):
        y, X, W = make_panel(n=5, periods=5, W=uneven_ring(5))
        mundlak_wild(SpatialPanel(y, X, W), draws=199)
