"""Clustered errors of random-effects models: dense implementations, the information where it holds, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from dense_oracle import root
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.spatial.random_effects.few_clusters import RandomEffectsClusters, Whitened
from ronghe.spatial.random_effects.panel import RandomEffectsPanel


def dense(model, fitted, kind):
    """Covariance clustered by unit with every matrix written out: NT x NT, Omega and its inverse root."""
    s, (N, T) = model.specification, model.panel.y.shape
    W, M = (w.sparse.toarray() for w in (model.weights, model.error_weights))
    B, S = np.eye(N) - fitted.lam * M, np.eye(N) - fitted.rho * W
    over_time = fitted.sigma2 * np.eye(T) + fitted.sigma2_units * np.ones((T, T))
    K = np.kron(np.eye(N), root(over_time, -0.5))
    Z = model.regressors.transpose(2, 1, 0).reshape(N * T, -1)
    BT = np.kron(B, np.eye(T))
    e = K @ BT @ (np.kron(S, np.eye(T)) @ model.panel.y.reshape(-1) - Z @ fitted.beta)
    D = K @ BT @ Z
    forms = {}
    if s.has_lag:
        G = W @ np.linalg.inv(S)
        forms["rho"] = B @ G @ np.linalg.inv(B)
        D = np.column_stack([D, K @ BT @ np.kron(G, np.eye(T)) @ Z @ fitted.beta])
    if s.has_error:
        forms["lambda"] = M @ np.linalg.inv(B)
    H = D @ np.linalg.pinv(D)
    power = {"CR1": 0.0, "CR2": -0.5, "CR3": -1.0}[kind]
    rows = np.arange(N * T).reshape(N, T)
    a = np.array([root(np.eye(T) - H[np.ix_(r, r)], power) @ e[r] for r in rows])
    names = model.parameters[1]
    scores, gram, k = np.zeros((N, len(names))), a @ a.T, Z.shape[1]
    meat = np.zeros((len(names),) * 2)
    for i, r in enumerate(rows):
        scores[i, :k] = D[r, :k].T @ a[i]
        v = K[np.ix_(r, r)] @ a[i]
        scores[i, -2:] = 0.5 * v @ v, 0.5 * v.sum() ** 2
        for name, C in forms.items():
            scores[i, names.index(name)] = C[i, i] * gram[i, i] + (D[r, k] @ a[i] if name == "rho" else 0.0)
    linear = np.zeros_like(scores)
    if s.has_lag:
        linear[:, names.index("rho")] = [D[r, k] @ x for r, x in zip(rows, a, strict=True)]
    for name, C in forms.items():
        scores[:, names.index(name)] -= np.diag(C) * np.mean(np.diag(gram))
    scores[:, -2:] -= scores[:, -2:].mean(axis=0)
    meat = scores.T @ scores
    for p, C in forms.items():
        for q, E in forms.items():
            both = [(C[i, j] + C[j, i]) * (E[i, j] + E[j, i]) * gram[i, j] ** 2 for i in range(N) for j in range(i)]
            meat[names.index(p), names.index(q)] += sum(both)
    places = model.parameters[0]
    bread = np.linalg.inv(model.observed_information(fitted)[np.ix_(places, places)])
    n = N * T
    factor = {"CR1": N / (N - 1) * (n - 1) / (n - k), "CR2": 1.0, "CR3": (N - 1) / N}[kind]
    return factor * bread @ meat @ bread


@pytest.mark.parametrize(("model", "errors"), [("ols", "baltagi"), ("sdm", "baltagi"), ("sem", "kkp"), ("gns", "kkp")])
def test_covariances_equal_the_dense_ones(model, errors):
    panel = RandomEffectsPanel(*make_panel(n=12, periods=5, W=uneven_ring(12)), model, errors, effects="units")
    fitted, _ = panel.maximum()
    clusters = RandomEffectsClusters.at(panel, fitted)
    for kind in ("CR1", "CR2", "CR3"):
        wanted = dense(panel, fitted, kind)
        scale = np.sqrt(np.diag(wanted))
        found = clusters.covariance(kind)
        np.testing.assert_allclose(found / np.outer(scale, scale), wanted / np.outer(scale, scale), atol=1e-7)


def test_the_sum_is_the_information_where_the_model_is_true():
    y, X, W = make_panel(n=40, periods=5, W=uneven_ring(40))
    panel = RandomEffectsPanel(y, X, W, "sarar", "kkp", effects="units")
    fitted, _ = panel.maximum()
    places = panel.parameters[0]
    information = panel.information(fitted)[np.ix_(places, places)]
    rng = np.random.default_rng(1)
    S, B = (np.eye(40) - a * w.sparse.toarray() for a, w in ((fitted.rho, W), (fitted.lam, panel.error_weights)))
    surface = np.einsum("k,ktn->nt", fitted.beta, panel.regressors)
    total = 0.0
    for _ in range(300):
        u = fitted.sigma2**0.5 * rng.normal(size=(40, 5)) + fitted.sigma2_units**0.5 * rng.normal(size=(40, 1))
        drawn = RandomEffectsPanel(
            panel.panel.series(np.linalg.solve(S, surface + np.linalg.solve(B, u)), "y"), X, W, "sarar", "kkp", None,
            None, "units",
        )  # fmt: skip
        # With a bread of one the sandwich is the sum itself.
        clusters = RandomEffectsClusters(Whitened.of(drawn, fitted), information=np.eye(len(places)))
        total = total + clusters.covariance("CR1") / clusters.factor("CR1") / 300
    scale = np.sqrt(np.diag(information))
    np.testing.assert_allclose(total / np.outer(scale, scale), information / np.outer(scale, scale), atol=0.13)


def test_intervals_p_values_and_impacts_have_one_t():
    y, X, W = make_panel(n=20, periods=6, W=uneven_ring(20))
    model = RandomEffectsPanel(y, X, W, effects="twoways")
    result = model.fit("clustered")
    clusters = RandomEffectsClusters.at(model, result.components)
    names = list(model.parameters[1])
    factors, df = clusters.freedom("corrected", np.eye(len(names))[[names.index("a")]])
    row = result.tidy().set_index("term").loc["a"]
    np.testing.assert_allclose(row["df"], df[0])
    place = names.index("a")
    np.testing.assert_allclose(row["std_error"] ** 2, factors[0] * clusters.covariance("CR2")[place, place])
    table = result.impacts()
    assert np.array_equal((table["lower"] > 0) | (table["upper"] < 0), table["pvalue"] < 0.05)
    assert table["df"].between(1, 19).all() and not any(t.startswith("period") for t in result.names)
    by_clusters = model.fit("clustered", small_sample="jackknife", df="clusters").tidy()
    np.testing.assert_allclose(by_clusters["df"], 19)


def test_refusals():
    y, X, W = make_panel(n=12, periods=5, W=uneven_ring(12))
    with pytest.raises(RongheError, match="choose errors='kkp'"):
        RandomEffectsPanel(y, X, W, "sem").fit("clustered")
    with pytest.raises(RongheError, match="are for cov_type='clustered'"):
        RandomEffectsPanel(y, X, W).fit("expected", small_sample="CR2")
    with pytest.raises(RongheError, match="small_sample"):
        RandomEffectsPanel(y, X, W).fit("clustered", small_sample="working_pairs")
