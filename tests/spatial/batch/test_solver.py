"""The batch solver against the ordinary engine, model by model."""

import itertools

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.spatial.batch.error_models import ErrorBatch
from ronghe.spatial.batch.leverage import Leverage, inverse_root_nodes
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.spatial.spatial_panel import SpatialPanel

EFFECTS, METHODS = ("pooled", "units", "time", "twoways"), ("lee_yu", "lsdv")


def outcomes(model, count=3):
    rng = np.random.default_rng(1)
    y = model.panel.y
    return y + np.arange(count)[:, None, None] * 0.5 * rng.normal(size=(count, *y.shape))


def series(model, y):
    index = pd.MultiIndex.from_product([model.panel.units, model.panel.periods], names=model.panel.index.names)
    return pd.Series(y.ravel(), index=index, name="y")


@pytest.mark.parametrize("kind,effects,method", list(itertools.product(("ols", "slx", "sar", "sdm"), EFFECTS, METHODS)))
def test_estimates_impacts_and_covariances_equal_the_engine(panel, kind, effects, method):
    y, X, W = panel
    model = SpatialPanel(y, X, W, kind, effects, method)
    drawn = outcomes(model)
    fit = Batch(model).fit(drawn)
    impacts, gradients = fit.impacts()
    for i, values in enumerate(drawn):
        result = SpatialPanel(series(model, values), X, W, kind, effects, method).fit(
            "clustered", small_sample="clusters"
        )
        np.testing.assert_allclose(fit.values[i], result.params, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(fit.loglik[i], result.loglik, rtol=1e-10)
        for name, cov in (("CR1", "clustered"), ("expected", "expected"), ("observed", "observed")):
            settings = {"small_sample": "clusters"} if name == "CR1" else {}
            wanted = result.with_covariance(cov, **settings).covariance
            scale = np.sqrt(np.diag(wanted))
            np.testing.assert_allclose(
                fit.covariance(name)[i] / np.outer(scale, scale), wanted / np.outer(scale, scale), atol=1e-8
            )
        table = result.impacts()
        np.testing.assert_allclose(impacts[i].ravel(), table["estimate"], rtol=1e-8, atol=1e-10)
        flat = np.repeat(gradients[i].reshape(1, -1, gradients.shape[-1]), len(drawn), axis=0)
        np.testing.assert_allclose(np.sqrt(fit.variances("CR1", flat)[i]), table["std_error"], rtol=1e-8)


@pytest.mark.parametrize("kind,effects", list(itertools.product(("ols", "slx", "sar", "sdm"), EFFECTS)))
def test_outcomes_with_signs_are_projected_as_if_made_one_by_one(panel, kind, effects):
    y, X, W = panel
    batch = Batch(SpatialPanel(y, X, W, kind, effects))
    rng, (N, T) = np.random.default_rng(2), (batch.n_units, batch.n_periods)
    base, e = rng.normal(size=(2, 3, N, T))
    e -= e.mean(axis=2, keepdims=True) if batch.projection.has_units else 0.0
    v = rng.choice([-1.0, 1.0], size=(3, 4, N))
    for A in (None, np.eye(N) + 0.1 * rng.normal(size=(3, N, N))):
        moved = (np.eye(N) if A is None else A[:, None]) @ (v[:, :, :, None] * e[:, None])
        whole = batch.fit((base[:, None] + moved).reshape(-1, N, T))
        fit = batch.fit_projected(batch.signed(A, base, e, v))
        np.testing.assert_allclose(fit.values, whole.values, rtol=1e-8, atol=1e-10)
        gradients = rng.normal(size=(12, 3, len(batch.names)))
        for cov in ("CR1", "CR3"):
            V = gradients @ whole.covariance(cov) @ gradients.transpose(0, 2, 1)
            np.testing.assert_allclose(fit.covariances(cov, gradients), V, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(fit.variances(cov, gradients), np.einsum("bqq->bq", V), rtol=1e-7)


def test_lsdv_with_time_effects_and_rows_that_do_not_sum_to_one():
    W = uneven_ring(11) * np.linspace(0.5, 1.5, 11)[:, None]
    y, X, weights = make_panel(W=W, rho=0.3)
    model = SpatialPanel(y, X, weights, "sdm", "twoways", "lsdv")
    fit = Batch(model).fit(outcomes(model, 2))
    for i in range(2):
        result = SpatialPanel(series(model, outcomes(model, 2)[i]), X, weights, "sdm", "twoways", "lsdv").fit(
            "clustered"
        )
        np.testing.assert_allclose(fit.values[i], result.params, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(fit.covariance("CR0")[i], result.covariance, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(fit.impacts()[0][i].ravel(), result.impacts()["estimate"], rtol=1e-8)


@pytest.mark.parametrize("kind,effects,method", list(itertools.product(("sem", "sdem"), EFFECTS, METHODS)))
def test_error_models_equal_the_engine(panel, kind, effects, method):
    y, X, W = panel
    model = SpatialPanel(y, X, W, kind, effects, method)
    drawn = outcomes(model)
    fit = ErrorBatch(model).fit(drawn)
    for i, values in enumerate(drawn):
        result = SpatialPanel(series(model, values), X, W, kind, effects, method).fit()
        found = np.r_[fit.b[i], fit.lam[i], fit.sigma2[i]]
        np.testing.assert_allclose(found, result.params, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(fit.loglik[i], result.loglik, rtol=1e-10)


def test_results_do_not_depend_on_company(panel):
    y, X, W = panel
    model = SpatialPanel(y, X, W)
    drawn = outcomes(model, 9)
    together = Batch(model).fit(drawn)
    alone = [Batch(model).fit(one[None]) for one in drawn]
    for kind in ("CR1", "CR2", "CR3"):
        np.testing.assert_allclose(
            together.covariance(kind), [f.covariance(kind)[0] for f in alone], rtol=1e-7, atol=1e-12
        )


def test_weights_without_eigenvectors_use_inverses():
    # A chain is nilpotent: all eigenvalues are zero and the eigenvectors span one dimension.
    W = np.diag(np.ones(5), 1)
    spectrum = Spectrum(W, centred=True)
    assert not spectrum.is_diagonal
    a = np.array([0.3, -0.2])
    G = [W @ np.linalg.inv(np.eye(6) - v * W) for v in a]
    np.testing.assert_allclose(spectrum.multipliers(a), G, atol=1e-12)
    J = np.eye(6) - 1 / 6
    np.testing.assert_allclose(spectrum.symmetric_forms(a), [J @ g @ J + (J @ g @ J).T for g in G], atol=1e-12)
    np.testing.assert_allclose(spectrum.row_sums(a)[0], [g.sum() / 6 for g in G], atol=1e-12)


def test_spectrum_of_weights_with_complex_eigenvalues():
    rng = np.random.default_rng(2)
    W = rng.uniform(size=(7, 7)) * (rng.uniform(size=(7, 7)) < 0.4)
    np.fill_diagonal(W, 0)
    W /= np.maximum(W.sum(axis=1, keepdims=True), 1e-9)
    spectrum = Spectrum(W, centred=False)
    a = np.array([0.5])
    G = W @ np.linalg.inv(np.eye(7) - 0.5 * W)
    np.testing.assert_allclose(spectrum.multipliers(a)[0], G, atol=1e-10)
    np.testing.assert_allclose(spectrum.symmetric_forms(a)[0], G + G.T, atol=1e-10)
    np.testing.assert_allclose(spectrum.traces(a)[1][0], np.trace(G @ G), atol=1e-10)
    np.testing.assert_allclose(spectrum.squared(a)[0][0], np.sum(G * G), atol=1e-10)
    np.testing.assert_allclose(spectrum.squared(a)[1][0], np.sum(G.sum(axis=0) ** 2), atol=1e-10)
    sign, value = np.linalg.slogdet(np.eye(7) - 0.5 * W)
    np.testing.assert_allclose(spectrum.log_determinant(a)[0], value, atol=1e-10)


@pytest.mark.parametrize("low", [0.5, 1e-2, 1e-5])
def test_the_inverse_root_is_a_sum_over_shifts(low):
    shifts, weights = inverse_root_nodes(low, 1.0)
    x = np.geomspace(low, 1, 200)
    np.testing.assert_allclose((weights / (shifts + x[:, None])).sum(axis=1), x**-0.5, rtol=1e-10)


def test_adjusted_residuals_are_those_of_the_dense_roots():
    rng = np.random.default_rng(4)
    N, T = 6, 4
    Z = rng.normal(size=(N, T, 3))
    Z -= Z.mean(axis=1, keepdims=True)
    Z -= Z.mean(axis=0, keepdims=True)
    bread = np.linalg.inv(np.einsum("itk,itl->kl", Z, Z))
    lever = Leverage.of(Z, bread, True, True)
    d = rng.normal(size=(2, N, T)) * 0.15
    d -= d.mean(axis=2, keepdims=True)
    e = rng.normal(size=(2, N, T))
    e -= e.mean(axis=2, keepdims=True)
    for b, i in itertools.product(range(2), range(N)):
        block = np.eye(T) - Z[i] @ bread @ Z[i].T - (np.eye(T) - 1 / T) / N - np.outer(d[b, i], d[b, i])
        values, vectors = np.linalg.eigh(block)
        root = (vectors * values**-0.5) @ vectors.T
        np.testing.assert_allclose(lever.inverse_root(e, d)[b, i], root @ e[b, i], atol=1e-10)
        np.testing.assert_allclose(lever.inverse(e, d)[b, i], np.linalg.solve(block, e[b, i]), atol=1e-10)


def test_refusals_name_the_remedy(panel):
    y, X, W = panel
    with pytest.raises(RongheError, match="use SpatialPanel"):
        Batch(SpatialPanel(y, X, W, "sarar"))
    with pytest.raises(RongheError, match="shape"):
        Batch(SpatialPanel(y, X, W)).fit(np.zeros((2, 3, 4)))
    with pytest.raises(RongheError, match="not finite"):
        Batch(SpatialPanel(y, X, W)).fit(np.full((1, 11, 5), np.nan))
    model = SpatialPanel(y, X, W, "sem")
    with pytest.raises(RongheError, match="explain some outcomes without remainder"):
        ErrorBatch(model).fit(np.stack([model.panel.y, model.panel.y + 1e8 * model.panel.X[:, :, 0]]))
