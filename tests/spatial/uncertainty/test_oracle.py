"""Sandwiches, intervals, log-marginals, score tests, draws and sparse factors against loops and quadrature."""

from __future__ import annotations

import warnings

import dense_oracle as dense
import numpy as np
import pandas as pd
import pytest
from oracle_designs import PARTS, draw, frames, labelled, weights
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel
from ronghe.spatial.choice.comparison import log_marginal
from ronghe.spatial.choice.lagrange import lm_tests, residual_moran
from ronghe.spatial.impacts import interpolated, multiplier_values
from ronghe.spatial.log_determinant import exact as log_determinant
from ronghe.spatial.two_stage.panel import SpatialTwoStage
from ronghe.weights import Weights
from scipy import optimize
from scipy.special import chdtri, gammaln, logsumexp


def setting(seed, kind, model, effects, method="lee_yu", other=None, n=12, t=5, k=2, rho=0.4, lam=0.3):
    """Return the engine's model, the oracle's, and (y, X, W, M, series, frame)."""
    rng = np.random.default_rng(seed)
    W = weights(kind, n, rng)
    M = W if other is None else weights(other, n, rng)
    lag, error, durbin = PARTS[model]
    y, X = draw(n, t, k, W, M, rho * lag, lam * error, rng)
    labels = list(range(n))
    series, frame = frames(y, X, labels, list(range(t)), rng)
    options = {"error_weights": labelled(M, labels)} if error and other else {}
    engine = SpatialPanel(series, frame, labelled(W, labels), model=model, effects=effects, method=method, **options)
    parts = {"durbin": None if durbin else [], "lag": lag, "error": error, "effects": effects, "method": method}
    if effects == "pooled":
        X = np.concatenate([np.ones((t, n, 1)), X], axis=2)
        parts["durbin"] = list(range(1, k + 1)) if durbin else []
    return engine, dense.stack(y, X, W, M, **parts), (y, X, W, M, series, frame)


@pytest.mark.parametrize(
    ("model", "effects", "other"), [("sdm", "twoways", None), ("gns", "units", "cycle"), ("sem", "time", None)]
)
@pytest.mark.parametrize("over_time", [False, True])
def test_robust_and_clustered_by_loops(model, effects, other, over_time):
    """The variance of linear plus quadratic forms, written as loops over cells or units (Kelejian and Prucha 2001)."""
    engine, _, (y, X, W, M, _, _) = setting(1, "knn", model, effects, "lsdv", other, n=8, t=4)
    result = engine.fit()
    n, t = W.shape[0], len(y)
    p = result.params
    rho, lam, s2 = p.get("rho", 0.0), p.get("lambda", 0.0), p["sigma2"]
    time = effects in ("time", "twoways")
    J = np.eye(n) - (1 / n if time else 0.0)
    units = effects in ("units", "twoways")

    def project(values):
        values = values - values.mean(axis=0) if units else values
        return values - values.mean(axis=1, keepdims=True) if time else values

    R, G = np.eye(n) - lam * M, W @ np.linalg.inv(np.eye(n) - rho * W)
    names = [c for c in p.index if c not in ("rho", "lambda", "sigma2")]
    columns = [X[:, :, int(c[-1])] @ (W.T if c.startswith("W*") else np.eye(n)) for c in names]
    fitted = sum(p[c] * column for c, column in zip(names, columns, strict=True))
    e = project((y - rho * y @ W.T - fitted) @ R.T)
    linear = [project(c @ R.T) for c in columns]
    forms = {}
    if "rho" in p:
        linear.append(project(fitted @ (R @ G).T))
        forms[len(names)] = J @ R @ G @ np.linalg.inv(R) @ J
    if "lambda" in p:
        forms[len(linear)] = J @ M @ np.linalg.inv(R) @ J
        linear.append(np.zeros_like(e))
    q = len(p)
    own = np.zeros((t, n, q))
    excess = e**2 - (e**2).mean()
    for j, column in enumerate(linear):
        own[:, :, j] = column * e / s2
    for j, A in forms.items():
        own[:, :, j] += np.diag(A) * excess / s2
    own[:, :, -1] = excess / (2 * s2**2)
    meat = np.zeros((q, q))
    for i in range(n):
        for part in [own[:, i].sum(axis=0)] if over_time else own[:, i]:
            meat += np.outer(part, part)
        for j in range(i):
            product = (e[:, i] @ e[:, j]) ** 2 if over_time else (e[:, i] ** 2) @ (e[:, j] ** 2)
            for a, A in forms.items():
                for b, B in forms.items():
                    meat[a, b] += (A[i, j] + A[j, i]) * (B[i, j] + B[j, i]) * product / s2**2
    bread = result.with_covariance("observed").cov.to_numpy()
    wanted = bread @ meat @ bread
    found = result.with_covariance("clustered" if over_time else "robust").cov.to_numpy()
    size = np.sqrt(np.diag(wanted))
    assert np.abs((found - wanted) / np.outer(size, size)).max() < 1e-9


def test_conley_keeps_what_pairs_of_neighbors_add():
    """With a cutoff below every distance it is the robust covariance, rho included; W may link units far apart."""
    engine, _, _ = setting(3, "knn", "gns", "twoways", other="rook", n=30)
    places = pd.DataFrame({"x": np.arange(30.0), "y": 0.0}, index=range(30))
    result = engine.fit("robust")
    near = result.with_covariance("conley", coordinates=places, cutoff=0.5, metric="plane")
    np.testing.assert_allclose(near.cov, result.cov, rtol=1e-9)
    far = result.with_covariance("conley", coordinates=places, cutoff=4.0, metric="plane").std_errors
    assert (far / result.std_errors)["rho"] == pytest.approx(1, abs=0.35)


@pytest.mark.parametrize(
    ("kind", "model", "effects", "name"),
    [("knn", "sdm", "twoways", "rho"), ("raw", "sar", "units", "rho"), ("rook", "sarar", "units", "lambda")],
)
def test_profile_interval(kind, model, effects, name):
    """At both ends the likelihood, maximised over all else, has fallen by half a chi-squared quantile."""
    engine, oracle, _ = setting(4, kind, model, effects, other="cycle" if model == "sarar" else None)
    ends = engine.fit().confidence_interval(name)
    top = dense.loglik(oracle, dense.maximise(oracle))
    for end in ends:
        if oracle.lag and oracle.error:
            low, high = oracle.limits[0]
            edges = np.linspace(low, high, 5)
            height = max(
                -optimize.minimize_scalar(
                    lambda rho, end=end: -dense.loglik(oracle, dense.concentrated(oracle, rho, end)),
                    bounds=pair,
                    method="bounded",
                    options={"xatol": 1e-10},
                ).fun
                for pair in zip(edges, edges[1:], strict=False)
            )
        else:
            height = dense.loglik(oracle, dense.concentrated(oracle, end, 0.0))
        assert 2 * (top - height) == pytest.approx(chdtri(1, 0.05), abs=1e-7)


@pytest.mark.parametrize("model", ["sar", "sem"])
@pytest.mark.parametrize("prior", ["g", "flat"])
def test_log_marginal_by_quadrature_in_three_dimensions(model, prior):
    """The integral of likelihood times prior over (rho, ln sigma2, beta), one regressor, without any algebra."""
    engine, oracle, _ = setting(6, "knn", model, "units", n=10, t=4, k=1)
    low, high = oracle.limits[0 if model == "sar" else 1]
    nodes, node_weights = np.polynomial.legendre.leggauss(150)
    n, parts = oracle.n, []
    for a, weight in zip(low + (high - low) * (nodes + 1) / 2, node_weights / 2, strict=True):
        rho, lam = (a, 0.0) if model == "sar" else (0.0, a)
        R = np.eye(len(oracle.M)) - lam * oracle.M
        v = dense.lagged(R, oracle.y - rho * dense.lagged(oracle.W, oracle.y))
        z = dense.lagged(R, oracle.Z)[:, 0]
        jacobian = oracle.periods * np.linalg.slogdet((np.eye(len(R)) - rho * oracle.W) @ R)[1]
        log_s2 = np.log(v @ v / n) + np.linspace(-5, 5, 401)
        s2 = np.exp(log_s2)[:, None]
        width = np.sqrt(s2 / (z @ z))
        b = z @ v / (z @ z) + width * np.linspace(-10, 10, 161)
        density = -n / 2 * np.log(2 * np.pi * s2) - (v @ v - 2 * b * (z @ v) + b**2 * (z @ z)) / (2 * s2) + jacobian
        if prior == "g":
            spread = n * s2 / (z @ z)
            density = density - 0.5 * np.log(2 * np.pi * spread) - b**2 / (2 * spread)
        parts.append(logsumexp(density + np.log(width * 20 / 160)) + np.log(10 / 400 * weight))
    assert log_marginal(engine, prior).value == pytest.approx(logsumexp(parts), abs=1e-7)


@pytest.mark.parametrize(
    ("seed", "kind", "model", "effects", "n", "t", "c"),
    [
        (1, "knn", "sem", "units", 5, 2, 0.0),
        (11, "one_way", "sdem", "units", 6, 2, -0.95),
        (3, "rook", "sar", "time", 9, 3, 0.995),
    ],
)
def test_log_marginal_where_the_mode_is_no_guide(seed, kind, model, effects, n, t, c):
    """A mode at the edge, or one of two hills: the integral is that of the whole interval."""
    engine, oracle, _ = setting(seed, kind, model, effects, n=n, t=t, rho=c, lam=c)
    low, high = oracle.limits[0 if PARTS[model][0] else 1]
    x, weight = np.polynomial.legendre.leggauss(1500)
    kernel = []
    for a in low + (high - low) * (x + 1) / 2:
        rho, lam = (a, 0.0) if PARTS[model][0] else (0.0, a)
        theta = dense.concentrated(oracle, rho, lam)
        R = np.eye(len(oracle.M)) - lam * oracle.M
        v = dense.lagged(R, oracle.y - rho * dense.lagged(oracle.W, oracle.y))
        jacobian = oracle.periods * np.linalg.slogdet(R @ (np.eye(len(R)) - rho * oracle.W))[1]
        kernel.append(jacobian - oracle.n / 2 * np.log((oracle.n**2 * theta[-1] + v @ v) / (oracle.n + 1)))
    half, k = oracle.n / 2, oracle.Z.shape[1]
    scale = gammaln(half) - half * np.log(np.pi) - k / 2 * np.log(1 + oracle.n)
    wanted = scale + logsumexp(kernel, b=weight / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert log_marginal(engine).value == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "effects", "method"),
    [
        ("knn", "twoways", "lee_yu"),
        ("raw", "twoways", "lsdv"),
        ("island", "time", "lsdv"),
        ("one_way", "pooled", "lsdv"),
    ],
)
def test_score_tests_and_moran(kind, effects, method):
    """LM tests are score tests of the general model at zero; Moran's moments are traces of the dense projection."""
    _, _, (y, X, W, _, series, frame) = setting(2, kind, "sar", effects, method, n=11, t=4)
    oracle = dense.stack(y, X, W, durbin=[], error=True, effects=effects, method=method)
    theta = dense.concentrated(oracle, 0.0, 0.0)
    g, info, p = dense.score(oracle, theta), dense.information(oracle, theta), oracle.Z.shape[1]

    def statistic(tested):
        kept = [*range(p), *tested, p + 2]
        return g[kept] @ dense.scaled_inverse(info[np.ix_(kept, kept)]) @ g[kept]

    lag, error, both = statistic([p]), statistic([p + 1]), statistic([p, p + 1])
    labels = list(range(11))
    found = lm_tests(series, frame, labelled(W, labels), effects, method).set_index("test")["statistic"]
    wanted = [lag, error, both - error, both - lag, both]
    names = ["lm_lag", "lm_error", "robust_lm_lag", "robust_lm_error", "lm_sarma"]
    np.testing.assert_allclose(found[names], wanted, rtol=1e-8)
    dummies = dense.stack(y, X, W, durbin=[], lag=False, effects=effects, method="lsdv").Z
    residual_maker = np.eye(44) - dummies @ np.linalg.pinv(dummies)
    V = np.kron(np.eye(4), W)
    A, scale = residual_maker @ (V + V.T) @ residual_maker / 2, 44 / V.sum()
    e, df = residual_maker @ y.ravel(), np.trace(residual_maker)
    mean = np.trace(A) / df
    variance = 2 * (np.trace(A @ A) - np.trace(A) ** 2 / df) / (df * (df + 2))
    row = residual_moran(series, frame, labelled(W, labels), effects).iloc[0]
    assert row["statistic"] == pytest.approx(scale * (e @ V @ e) / (e @ e), rel=1e-10)
    assert row["z"] == pytest.approx(((e @ V @ e) / (e @ e) - mean) / np.sqrt(variance), rel=1e-10)


@pytest.mark.parametrize(
    ("kind", "model", "effects"), [("raw", "sdm", "units"), ("knn", "sar", "twoways"), ("knn", "sarar", "twoways")]
)
def test_two_stage_by_hand(kind, model, effects):
    """X, W X, W^2 X (W^3 X with Durbin terms) by projection; lambda and its error from two forms in full."""
    _, _, (y, X, W, _, series, frame) = setting(8, kind, model, effects, "lsdv", n=20)
    lag, error, durbin = PARTS[model]
    n, t = 20, 5
    columns = [X[:, :, 0], X[:, :, 1]] + [X[:, :, k] @ W.T for k in range(2 if durbin else 0)]
    instruments = list(columns)
    for k in range(2):
        power = X[:, :, k]
        for _ in range(2 + durbin):
            power = power @ W.T
            instruments.append(power)
    columns.append(y @ W.T)

    def flat(values):
        values = values - values.mean(axis=0)
        return (values - values.mean(axis=1, keepdims=True) if effects == "twoways" else values).ravel()

    U, size, _ = np.linalg.svd(np.stack([flat(c) for c in instruments], axis=1), full_matrices=False)
    U = U[:, size > 1e-9 * size[0]]

    def columns_at(lam):
        A = np.stack([flat(c - lam * c @ W.T) for c in columns], axis=1)
        return A, U @ (U.T @ A), flat(y - lam * y @ W.T)

    def slopes(lam):
        A, fitted, target = columns_at(lam)
        return np.linalg.solve(fitted.T @ A, fitted.T @ target)

    b, lam = slopes(0.0), 0.0
    if error:
        F = dense.helmert(n)
        square = W.T @ W
        kron = [np.kron(np.eye(t), form) for form in (square - np.diag(np.diag(square)), W)]
        Q = np.kron(np.eye(t), F @ F.T)
        # A form of demeaned disturbances has this share of e'e as its expectation.
        forms = [Q @ (A - np.trace(F.T @ A[:n, :n] @ F) / (n - 1) * np.eye(n * t)) @ Q for A in kron]
        MQ = Q @ np.kron(np.eye(t), W)

        def moments(lam, u):
            e = u - lam * MQ @ u
            return np.array([e @ A @ e for A in forms])

        def least(u, weight):
            def distance(lam):
                return moments(lam, u) @ weight @ moments(lam, u) / (u @ u) ** 2

            return optimize.minimize_scalar(
                distance, bounds=(-0.99, 0.99), method="bounded", options={"xatol": 1e-13}
            ).x

        def variance(lam, u):
            """Kelejian and Prucha (2010, equations 21-24): pairs of units within a period, and the linear part."""
            A, fitted, _ = columns_at(lam)
            e = u - lam * MQ @ u
            pull = [-fitted @ np.linalg.inv(fitted.T @ A).T @ (A.T @ (form + form.T) @ e) for form in forms]
            psi = np.array([[np.sum(x * z * e**2) for z in pull] for x in pull])
            pairs = np.outer(e**2, e**2)
            for i, P in enumerate(kron):
                for j, R in enumerate(kron):
                    psi[i, j] += np.sum((P + P.T) * (R + R.T) * pairs) / 2
            return psi

        A0, _, y0 = columns_at(0.0)
        first = least(y0 - A0 @ b, np.eye(2))
        b = slopes(first)
        u = y0 - A0 @ b
        lam = least(u, np.linalg.inv(variance(first, u)))
        step = 1e-6
        slope = (moments(lam + step, u) - moments(lam - step, u)) / (2 * step)
        lam_variance = 1 / (slope @ np.linalg.inv(variance(lam, u)) @ slope)
        e = u - lam * MQ @ u
    A, fitted, target = columns_at(lam)
    e = e if error else target - A @ b
    bread = np.linalg.inv(fitted.T @ A)
    free = n * t - n - (t - 1) * (effects == "twoways") - A.shape[1]
    V = bread @ (fitted.T * e**2 @ fitted) @ bread * n * t / free
    result = SpatialTwoStage(series, frame, labelled(W, list(range(n))), model=model, effects=effects).fit()
    names = ["x0", "x1", *(["W*x0", "W*x1"] if durbin else []), "rho"]
    np.testing.assert_allclose(result.params[names], b, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(result.cov.loc[names, names], V, rtol=1e-6, atol=1e-9)
    if error:
        assert result.params["lambda"] == pytest.approx(lam, rel=1e-6)
        assert result.std_errors["lambda"] ** 2 == pytest.approx(lam_variance * n * t / free, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "model", "effects", "method", "rho"),
    [
        ("rook", "sdm", "twoways", "lee_yu", 0.5),
        ("knn", "gns", "twoways", "lee_yu", 0.97),
        ("raw", "sarar", "units", "lee_yu", -0.5),
        ("island", "sarar", "twoways", "lsdv", 0.5),
    ],
)
def test_sparse_factors_and_eigenvalues_agree(monkeypatch, kind, model, effects, method, rho):
    """The same fit from sparse LU and from eigenvalues: estimates, three covariances, effects by unit."""
    found = []
    for by_eigenvalues in (True, False):
        limit = 10**6 if by_eigenvalues else 0
        for name in ("SYMMETRIC_EIGENVALUES", "GENERAL_EIGENVALUES"):
            monkeypatch.setattr(log_determinant, name, limit)
        monkeypatch.setattr(log_determinant, "DENSE_INVERSE", limit)
        engine, _, _ = setting(9, kind, model, effects, method, other="knn", n=100, t=3, rho=rho)
        result = engine.fit()
        assert type(result.model.likelihood.lag).__name__ == (
            "EigenLogDeterminant" if by_eigenvalues else "SparseLogDeterminant"
        )
        found.append((result, result.with_covariance("observed").cov, result.with_covariance("robust").cov))
    size = found[0][0].std_errors
    assert found[0][0].loglik == pytest.approx(found[1][0].loglik, rel=1e-12)
    assert ((found[0][0].params - found[1][0].params) / size).abs().max() < 1e-7
    for a, b in zip((found[0][0].cov, *found[0][1:]), (found[1][0].cov, *found[1][1:]), strict=True):
        assert np.abs((a - b) / np.outer(size, size)).to_numpy().max() < 1e-7
    columns = ["estimate", "std_error"]
    by_unit = [result.impacts_by_unit()[columns] for result, *_ in found]
    np.testing.assert_allclose(by_unit[0], by_unit[1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("kind", "centre"), [("rook", 0.9), ("cycle", 0.85), ("raw", -0.8)])
def test_multipliers_of_draws_near_the_edge(kind, centre):
    """Draws that reach to the end of the interval, where the multipliers grow without bound."""
    rng = np.random.default_rng(0)
    lag = log_determinant.log_determinant(Weights.coerce(labelled(weights(kind, 30, rng), list(range(30)))))
    low, high = lag.bounds
    points = np.clip(rng.normal(centre, 0.05, 800), -0.996, 0.996) * high
    points = points[(points > low) & (points < high)]
    wanted = np.array([multiplier_values(lag, p) for p in points])
    found = interpolated(lambda p: multiplier_values(lag, p), points)
    assert (np.abs(found - wanted) / np.abs(wanted).max(axis=0)).max() < 1e-9


def test_what_cannot_be_told_apart_is_refused():
    """No regressors and one W for lag and error: rho and lambda change places; another W tells them apart."""
    with pytest.raises(RongheError, match="change places"):
        setting(1, "knn", "sarar", "units", k=0)
    assert setting(1, "knn", "sarar", "units", other="cycle", k=0)[0].fit().params.notna().all()


def test_levels_that_dwarf_their_variation_are_refused():
    """Pooled models subtract the mean last, in the products: levels 100,000 times the spread lose too many digits."""
    rng = np.random.default_rng(0)
    W = weights("knn", 15, rng)
    y, X = draw(15, 5, 2, W, W, 0.3, 0.0, rng)
    labels = list(range(15))
    for far, name in ((X + [1e5, 0.0], "x0"), (X, "the outcome")):
        series, frame = frames(y + (1e6 if name == "the outcome" else 0.0), far, labels, list(range(5)), rng)
        with pytest.raises(RongheError, match=f"level of {name}"):
            SpatialPanel(series, frame, labelled(W, labels), model="sdm", effects="pooled").fit()
        moved = SpatialPanel(series, frame, labelled(W, labels), model="sdm", effects="twoways").fit()
        plain = SpatialPanel(*frames(y, X, labels, list(range(5)), rng), labelled(W, labels), model="sdm").fit()
        np.testing.assert_allclose(moved.params, plain.params, rtol=1e-7)
