"""The linear wild bootstrap by sums of clusters against draws with all their rows."""

import itertools

import numpy as np
import pandas as pd
import pytest
from dense_oracle import dummies, root
from panel_builders import make_panel, uneven_ring
from ronghe.linear.bootstrap import cluster_weights, wild_pvalue
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.wild_bootstrap import LinearWild, joint_pvalue


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
