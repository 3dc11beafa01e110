"""CR2, CR3, the jackknife and degrees of freedom of spatial models against dense implementations."""

import numpy as np
import pandas as pd
import pytest
from dense_oracle import dummies, root
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.linear.clusters import Working
from ronghe.spatial.batch.freedom import Freedom
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.few_clusters import FewClusters, shared_freedom
from ronghe.spatial.uncertainty.near_pairs import near_parts


def dense_spatial(result, kind, codes=None):
    """Covariance of an SDM clustered by unit with every matrix written out: NT x NT, explicit dummies."""
    m = result.model
    N, T = m.panel.y.shape
    codes = np.arange(N) if codes is None else codes
    W = m.lag_matrix.toarray()
    X = m.panel.X.reshape(N * T, -1)
    WX = np.kron(W, np.eye(T)) @ X
    Z = np.column_stack([X, WX]) if m.specification.durbin else X
    G = W @ np.linalg.inv(np.eye(N) - m.rho * W)
    GZb = np.kron(G, np.eye(T)) @ Z @ m.b
    dummy = dummies(m.projection.effects, N, T)
    Q = np.eye(N * T) - dummy @ np.linalg.pinv(dummy)
    D = Q @ np.column_stack([Z, GZb])
    whole = np.column_stack([D, dummy])
    H = whole @ np.linalg.pinv(whole)
    y = m.panel.y.reshape(-1)
    e = Q @ (y - m.rho * np.kron(W, np.eye(T)) @ y - Z @ m.b)
    rows = np.repeat(codes, T)
    adjusted = np.zeros_like(e)
    for g in range(codes.max() + 1):
        own = np.flatnonzero(rows == g)
        # In the space that unit effects leave: their dummies are nested in the clusters.
        block = np.eye(len(own)) - H[np.ix_(own, own)]
        adjusted[own] = root(block, {"CR2": -0.5, "CR3": -1.0}[kind]) @ e[own]
    A = adjusted.reshape(N, T)
    s2 = m.sigma2
    J = np.eye(N) - 1 / N if m.projection.has_time else np.eye(N)
    C = J @ G @ J
    groups = codes.max() + 1
    K = Z.shape[1]
    scores = np.zeros((groups, K + 2))
    linear = D * adjusted[:, None] / s2
    for g in range(groups):
        scores[g, : K + 1] = linear[rows == g].sum(axis=0)
    gram = A @ A.T
    squares = np.diag(gram)
    own_form = np.array([np.sum((C * gram)[np.ix_(codes == g, codes == g)]) for g in range(groups)])
    mean = np.array([np.diag(C)[codes == g].sum() for g in range(groups)]) * np.mean(squares)
    scores[:, K] += (own_form - mean) / s2
    scores[:, -1] = [((squares - squares.mean())[codes == g]).sum() / (2 * s2**2) for g in range(groups)]
    meat = scores.T @ scores
    for g in range(groups):
        for h in range(g):
            a, b = codes == g, codes == h
            crossed = np.sum((C * gram)[np.ix_(a, b)]) + np.sum((C * gram)[np.ix_(b, a)])
            meat[K, K] += crossed**2 / s2**2
    bread = result.with_covariance("observed").covariance
    factor = 1.0 if kind == "CR2" else (groups - 1) / groups
    return factor * bread @ meat @ bread


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
def test_spatial_covariances_equal_the_dense_ones(panel, kind, effects):
    y, X, W = panel
    if effects == "pooled":
        result = SpatialPanel(y, X.assign(const=1.0), W, "sar", effects).fit()
    else:
        result = SpatialPanel(y, X, W, "sdm", effects).fit()
    found, wanted = FewClusters(result.model).covariance(kind), dense_spatial(result, kind)
    scale = np.sqrt(np.diag(wanted))
    np.testing.assert_allclose(found / np.outer(scale, scale), wanted / np.outer(scale, scale), atol=1e-8)


def test_groups_of_units_equal_the_dense_ones():
    y, X, W = make_panel(n=14)
    result = SpatialPanel(y, X, W).fit()
    codes = np.arange(14) // 2
    for kind in ("CR2", "CR3"):
        found, wanted = FewClusters(result.model, codes).covariance(kind), dense_spatial(result, kind, codes)
        scale = np.sqrt(np.diag(wanted))
        np.testing.assert_allclose(found / np.outer(scale, scale), wanted / np.outer(scale, scale), atol=1e-8)


@pytest.mark.parametrize("model", ["ols", "slx", "sar", "sdm", "sem", "sdem", "sarar", "gns"])
def test_cr1_is_the_engine_s_and_every_model_has_all(panel, model):
    y, X, W = panel
    result = SpatialPanel(y, X, W, model).fit("clustered", small_sample="clusters")
    clusters = FewClusters(result.model)
    np.testing.assert_allclose(clusters.covariance("CR1"), result.covariance, rtol=1e-9)
    sizes = [np.sqrt(np.diag(clusters.covariance(kind))) for kind in ("CR1", "CR2", "CR3")]
    assert np.all(np.isfinite(sizes))
    assert np.all(sizes[2][:-1] > sizes[1][:-1] * (10 / 11) ** 0.5)


def test_batch_degrees_of_freedom_equal_those_of_one_fit(panel):
    y, X, W = panel
    for kind, effects in (("sdm", "twoways"), ("slx", "units"), ("sar", "time")):
        model = SpatialPanel(y, X, W, kind, effects)
        result = model.fit()
        fit = Batch(model).fit(model.panel.y[None])
        gradients = fit.impacts()[1].reshape(1, -1, len(model.specification.parameters))
        clusters = FewClusters(result.model)
        for power in ("CR1", "CR2", "CR3"):
            freedom = Freedom(fit, gradients, power)
            np.testing.assert_allclose(
                freedom.moments(False)[1][0], clusters.freedom(power, gradients[0], "satterthwaite")[1]
            )
            np.testing.assert_allclose(freedom.moments(True)[1][0], clusters.freedom(power, gradients[0], "working")[1])
        np.testing.assert_allclose(
            1 / Freedom(fit, gradients).moments(True)[0][0], clusters.freedom("corrected", gradients[0])[0]
        )


@pytest.mark.parametrize(("kind", "effects"), [("sdm", "twoways"), ("sar", "units"), ("sar", "time")])
def test_working_pairs_take_the_products_of_two_units_from_the_working_covariance(panel, kind, effects):
    y, X, W = panel
    model = SpatialPanel(y, X, W, kind, effects)
    result = model.fit()
    m, clusters = result.model, FewClusters(result.model)
    N, T = m.panel.y.shape
    # Every matrix written out: tr(Q Omega_i Q Omega_j) for (e_i'e_j)^2, in what CR2 has else.
    Q = np.eye(T) - 1 / T if m.projection.has_units else np.eye(T)
    e, Omega = clusters.adjusted("CR2"), clusters._working.blocks
    J = np.eye(N) - 1 / N if m.projection.has_time else np.eye(N)
    C = J @ m.lag_matrix.toarray() @ np.linalg.inv(np.eye(N) - m.rho * m.lag_matrix.toarray()) @ J
    gap = 0.0
    for i in range(N):
        for j in range(i):
            expected = np.trace(Q @ Omega[i] @ Q @ Omega[j])
            gap += (C[i, j] + C[j, i]) ** 2 * (expected - (e[i] @ e[j]) ** 2) / m.sigma2**2
    bread, place = result.with_covariance("observed").covariance, m.place("rho")
    wanted = clusters.covariance("CR2") + gap * np.outer(bread[:, place], bread[:, place])
    found = clusters.covariance("working_pairs")
    scale = np.sqrt(np.diag(wanted))
    np.testing.assert_allclose(found / np.outer(scale, scale), wanted / np.outer(scale, scale), atol=1e-9)
    # The same in batches, with the degrees of freedom of both parts.
    fit = Batch(model).fit(model.panel.y[None])
    gradients = np.concatenate([np.eye(len(found))[[0, place]], fit.impacts()[1].reshape(-1, len(found))])
    freedom = Freedom(fit, gradients[None], "CR2")
    own, pairs = fit.variance_parts("CR2", gradients[None], freedom.pair_sizes)
    np.testing.assert_allclose((own + pairs)[0], np.einsum("qp,pr,qr->q", gradients, found, gradients), rtol=1e-8)
    df = shared_freedom(own[0], pairs[0], freedom.moments(True)[1][0], N)
    np.testing.assert_allclose(clusters.freedom("working_pairs", gradients)[1], df, rtol=1e-7)
    table = model.fit("clustered", small_sample="working_pairs").tidy().set_index("term")
    np.testing.assert_allclose(table.loc["rho", ["std_error", "df"]], [found[place, place] ** 0.5, df[1]], rtol=1e-7)
    # Without own degrees of freedom of the sums: G - 1.
    by_clusters = model.fit("clustered", small_sample="working_pairs", df="clusters").tidy().set_index("term")
    np.testing.assert_allclose(by_clusters.loc["rho", "df"], N - 1)


def test_working_pairs_are_for_complete_panels_clustered_by_units(panel):
    y, X, W = panel
    units = y.index.get_level_values(0).unique()
    groups = pd.Series(np.arange(len(units)) // 2, index=units)
    with pytest.raises(RongheError, match="complete panel clustered by units"):
        SpatialPanel(y, X, W).fit("clustered", groups=groups, small_sample="working_pairs")


def test_p_value_and_interval_agree(panel):
    y, X, W = panel
    table = SpatialPanel(y, X, W).fit("clustered", small_sample="corrected").impacts()
    outside = (table["lower"] > 0) | (table["upper"] < 0)
    assert np.array_equal(outside, table["pvalue"] < 0.05)
    assert np.all(table["df"] >= 1)


@pytest.mark.parametrize("model", ["sar", "sdm", "sem"])
def test_the_sum_over_near_pairs_is_the_sum_over_all(model):
    y, X, W = make_panel(n=150, periods=4, rho=0.3, W=uneven_ring(150))
    result = SpatialPanel(y, X, W, model).fit()
    from ronghe.spatial.uncertainty.scores import unit_meat

    wanted, found = unit_meat(result.model, True), sum(near_parts(result.model))
    scale = np.sqrt(np.diag(wanted))
    np.testing.assert_allclose(found / np.outer(scale, scale), wanted / np.outer(scale, scale), atol=2e-3)


def test_scaling_of_the_outcome_scales_the_errors(panel):
    y, X, W = panel
    small, large = (
        SpatialPanel(f * y, X, W).fit("clustered", small_sample="corrected").impacts() for f in (1.0, 1000.0)
    )
    np.testing.assert_allclose(large["std_error"], 1000 * small["std_error"], rtol=1e-6)
    np.testing.assert_allclose(large["df"], small["df"], rtol=1e-6)
    assert isinstance(Working(np.eye(2)[None]).apply(np.ones((1, 2, 1))), np.ndarray)
