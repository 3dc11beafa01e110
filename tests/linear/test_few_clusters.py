"""CR2, CR3 and degrees of freedom of the linear model against dense implementations written from the papers."""

import numpy as np
import pandas as pd
import pytest
from dense_oracle import dummies, root
from panel_builders import make_panel
from ronghe.linear.clusters import autocorrelation
from ronghe.linear.covariance import Choice
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import Layout
from ronghe.linear.panel_models import fit_panel


def linear_fit(periods=5, seed=3, drop=()):
    y, X, _ = make_panel(periods=periods, seed=seed)
    kept = np.delete(np.arange(len(y)), list(drop))
    units, times = (pd.factorize(y.index.get_level_values(i))[0][kept] for i in (0, 1))
    layout = Layout(units, times)
    choice = Choice("clustered", ("units",))
    return (y.to_numpy()[kept], X.to_numpy()[kept], layout), {
        effects: fit_panel(y.to_numpy()[kept], X.to_numpy()[kept], layout, effects, choice)
        for effects in ("pooled", "units", "time", "twoways")
    }


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
@pytest.mark.parametrize("drop", [(), (3, 17, 18, 40)])
def test_linear_cr1_is_the_old_one_and_cr3_the_jackknife(effects, drop):
    (y, X, layout), fits = linear_fit(drop=drop)
    fit = fits[effects]
    clusters = LinearClusters(fit, layout, effects)
    np.testing.assert_allclose(clusters.covariance("CR1"), fit.covariance, rtol=1e-10)
    G = layout.n_units
    time = np.eye(layout.n_periods)[layout.times]
    extra = {"pooled": np.ones((len(y), 1)), "units": np.zeros((len(y), 0)), "time": time, "twoways": time}[effects]
    within = effects in ("units", "twoways")
    leaving = []
    for g in range(G):
        kept = layout.units != g
        others = np.eye(G)[layout.units][:, np.arange(G) != g] if within else np.zeros((len(y), 0))
        whole = np.column_stack([X, extra, others])[kept]
        leaving.append(np.linalg.lstsq(whole, y[kept], rcond=None)[0][: X.shape[1]])
    gaps = np.array(leaving) - fit.coefficients
    np.testing.assert_allclose(clusters.without_each(), leaving, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(clusters.covariance("CR3"), (G - 1) / G * gaps.T @ gaps, rtol=1e-7)


def dense_linear(fit, layout, effects, c, power, Omega=None):
    """Bias and degrees of freedom of c'V c from the NT x NT matrices."""
    n, G = len(fit.y), layout.n_units
    dummy = dummies(effects, G, layout.n_periods)
    dummy = np.ones((n, 1)) if effects == "pooled" else dummy
    whole = np.column_stack([fit.X, dummy])
    M = np.eye(n) - whole @ np.linalg.pinv(whole)
    Omega = np.eye(n) if Omega is None else Omega
    direction = fit.X @ fit.bread @ c
    a = np.zeros((n, G))
    for g in range(G):
        own = layout.units == g
        a[:, g] = M[:, own] @ root(M[np.ix_(own, own)], power) @ direction[own]
    cells = a.T @ Omega @ a
    # Unit effects are out of the quantity itself, so that its variance is that of the demeaned direction.
    return np.trace(cells) / (direction @ Omega @ direction), np.trace(cells) ** 2 / np.sum(cells**2)


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
def test_cr2_is_unbiased_and_its_degrees_of_freedom_are_the_dense_ones(effects):
    (_, _, layout), fits = linear_fit()
    fit = fits[effects]
    clusters = LinearClusters(fit, layout, effects)
    c = np.array([1.0, 0.3])
    bias, df = dense_linear(fit, layout, effects, c, -0.5)
    np.testing.assert_allclose(bias, 1.0, rtol=1e-9)
    factors, found = clusters.freedom("CR2", c[None], "satterthwaite")
    np.testing.assert_allclose([factors[0], found[0]], [1.0, df], rtol=1e-9)
    bias, df = dense_linear(fit, layout, effects, c, -1.0)
    assert bias > 1
    np.testing.assert_allclose(clusters.freedom("CR3", c[None], "satterthwaite")[1][0], df, rtol=1e-9)


@pytest.mark.parametrize("effects", ["units", "twoways"])
def test_the_working_covariance_gives_the_dense_bias_and_degrees_of_freedom(effects):
    (_, _, layout), fits = linear_fit()
    fit = fits[effects]
    clusters = LinearClusters(fit, layout, effects)
    e = clusters.adjusted("CR2")
    N, T = layout.n_units, layout.n_periods
    phi = autocorrelation(e, layout.units, layout.times, True)
    serial = phi ** np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    Q = np.eye(T) - 1 / T
    variances = (e.reshape(N, T) ** 2).sum(axis=1) / np.trace(Q @ serial)
    Omega = np.kron(np.diag(variances), serial)
    c = np.array([1.0, 0.3])
    bias, df = dense_linear(fit, layout, effects, c, -0.5, Omega)
    np.testing.assert_allclose(clusters.freedom("CR2", c[None], "working")[1][0], df, rtol=1e-8)
    factors, found = clusters.freedom("corrected", c[None])
    np.testing.assert_allclose(factors[0], 1 / bias, rtol=1e-8)
    np.testing.assert_allclose(found[0], dense_linear(fit, layout, effects, c, -0.5)[1], rtol=1e-8)


def test_phi_is_found_whatever_the_number_of_periods():
    rng = np.random.default_rng(0)
    N, T = 4000, 6
    e = rng.normal(size=(N, T))
    for t in range(1, T):
        e[:, t] = 0.6 * e[:, t - 1] + 0.8 * e[:, t]
    e -= e.mean(axis=1, keepdims=True)
    units, times = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    assert abs(autocorrelation(e.ravel(), units, times, True) - 0.6) < 0.03


def test_clusters_of_periods_and_of_groups_in_the_linear_model():
    (y, X, layout), fits = linear_fit()
    for effects in ("units", "time", "twoways"):
        by_time = LinearClusters(fits[effects], layout, effects, "time")
        wanted = fit_panel(y, X, layout, effects, Choice("clustered", ("time",))).covariance
        np.testing.assert_allclose(by_time.covariance("CR1"), wanted, rtol=1e-9)
        assert np.all(np.diag(by_time.covariance("CR3")) > 0)
    groups = LinearClusters(fits["twoways"], layout, "twoways", layout.units // 3)
    table = groups.tidy(["a", "b"])
    assert groups.n_clusters == 4 and np.all(table["upper"] > table["lower"])
