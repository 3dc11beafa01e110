"""The wild bootstrap against whole refits by the engine, enumeration, and the linear one with all its rows."""

import itertools

import numpy as np
import pandas as pd
import pytest
from dense_oracle import dummies, root
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.linear.bootstrap import cluster_weights, wild_pvalue
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.wild_bootstrap import LinearWild, joint_pvalue
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


def linear_panel(n=6, periods=5, effects="twoways"):
    y, X, _ = make_panel(n=n, periods=periods, W=uneven_ring(n))
    units, times = (pd.factorize(y.index.get_level_values(i))[0] for i in (0, 1))
    layout = Layout(units, times)
    fit = fit_least_squares(y.to_numpy(), X.to_numpy(), layout, effects)
    return y.to_numpy(), X.to_numpy(), layout, fit


def dense_linear_draws(layout, fit, effects, c, value, null, studentised, residuals, v):
    """Every draw with its rows: outcome, regression, adjusted residuals, t."""
    n, G, T = len(fit.y), layout.n_units, layout.n_periods
    whole = np.column_stack([fit.X, np.ones((n, 1)) if effects == "pooled" else dummies(effects, G, T)])
    M = np.eye(n) - whole @ np.linalg.pinv(whole)
    blocks = [np.flatnonzero(layout.units == g) for g in range(G)]
    power = {"CR0": 0.0, "CR1": 0.0, "CR2": -0.5, "CR3": -1.0}

    def adjust(e, kind):
        found = e.copy()
        for own in blocks if power[kind] else []:
            found[own] = root(M[np.ix_(own, own)], power[kind]) @ e[own]
        return found

    beta0 = fit.coefficients - null * fit.bread @ c * (c @ fit.coefficients - value) / (c @ fit.bread @ c)
    u = adjust(fit.y - fit.X @ beta0, residuals)
    found = []
    for weights in v:
        y = fit.X @ beta0 + u * weights[layout.units]
        e = M @ y
        b = np.linalg.lstsq(whole, y, rcond=None)[0][: len(c)]
        a = adjust(e, studentised)
        influence = [fit.bread[:, :] @ fit.X[own].T @ a[own] @ c for own in blocks]
        found.append((c @ b - c @ beta0) / np.sqrt(np.sum(np.square(influence))))
    return np.array(found)


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
@pytest.mark.parametrize(
    "null,studentised,residuals", [(True, "CR1", "CR0"), (True, "CR3", "CR3"), (False, "CR2", "CR3")]
)
def test_sums_by_cluster_give_the_draws_of_all_rows(effects, null, studentised, residuals):
    _, _, layout, fit = linear_panel(effects=effects)
    clusters = LinearClusters(fit, layout, effects)
    c = np.array([1.0, 0.5])
    wild = LinearWild.of(clusters, c, 999, studentised, null, residuals)
    v = cluster_weights(6, 999)
    assert wild.enumerated and len(v) == 64
    for value in (0.0, 0.7) if null else (0.0,):
        wanted = dense_linear_draws(layout, fit, effects, c, value, null, studentised, residuals, v)
        np.testing.assert_allclose(wild.draws(value), wanted, rtol=1e-6, atol=1e-8)
        t = abs(c @ fit.coefficients - value) / wild.error
        assert wild.pvalue(value) == np.mean(np.abs(wanted) >= t * (1 - 1e-8))


def test_the_linear_bootstrap_gives_the_p_of_the_one_before():
    y, X, layout, fit = linear_panel(n=12)
    clusters = LinearClusters(fit, layout, "twoways")
    _, before = wild_pvalue(y, X, layout, "twoways", 0, 4999, 7)
    after = LinearWild.of(clusters, np.array([1.0, 0.0]), 99999, "CR0").pvalue()
    assert LinearWild.of(clusters, np.array([1.0, 0.0]), 99999, "CR0").enumerated
    assert abs(before - after) < 4 * np.sqrt(after * (1 - after) / 4999) + 1e-3


def test_linear_intervals_hold_what_is_not_rejected():
    _, _, layout, fit = linear_panel(n=10)
    clusters = LinearClusters(fit, layout, "twoways")
    wild = LinearWild.of(clusters, np.array([0.0, 1.0]), 1023)
    low, high = wild.interval(0.9)
    assert low < wild.estimate < high
    assert wild.pvalue(low - 1e-6) <= 0.1 < wild.pvalue(low + 1e-6)
    assert wild.pvalue(high + 1e-6) <= 0.1 < wild.pvalue(high - 1e-6)


def test_a_joint_test_of_one_restriction_is_the_single_one():
    _, _, layout, fit = linear_panel(n=10)
    clusters = LinearClusters(fit, layout, "twoways")
    for kind in ("CR1", "CR3"):
        single = LinearWild.of(clusters, np.array([1.0, 0.0]), 1023, kind).pvalue()
        assert joint_pvalue(clusters, np.array([1.0, 0.0]), 1023, kind)[1] == single
    statistic, p = joint_pvalue(clusters, np.eye(2), 1023)
    assert statistic > 0 and 0 < p <= 1


def test_all_signs_flipped_change_no_p_value():
    _, _, layout, fit = linear_panel()
    wild = LinearWild.of(LinearClusters(fit, layout, "twoways"), np.array([1.0, 0.0]), 999)
    t = wild.draws(0.0)
    np.testing.assert_allclose(np.sort(t), np.sort(-t), atol=1e-9)
    assert len(list(itertools.product((-1, 1), repeat=6))) == len(t)


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
