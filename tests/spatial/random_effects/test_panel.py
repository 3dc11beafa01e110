"""Tests of random-effects panels and their LM tests: dense covariances, another program, published figures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial.random_effects.information import Components, information
from ronghe.spatial.random_effects.likelihood import ErrorComponents
from ronghe.spatial.random_effects.panel import RandomEffectsPanel
from ronghe.spatial.random_effects.score_tests import Ratios, conditional_tests, mixed_chi2_pvalue, random_effects_tests
from ronghe.spatial.random_effects.serial import SerialComponents, ar_covariance
from ronghe.weights import Weights

MODELS = ["ols", "sar", "sdm", "sem", "sarar"]


def small(n=7, n_periods=4, seed=0, rho=0.3, lam=0.4, unit=1.0):
    generator = np.random.default_rng(seed)
    labels = [f"u{i}" for i in range(n)]
    W = generator.uniform(0.2, 1, (n, n)) * (np.abs(np.subtract.outer(range(n), range(n))) <= 2)
    np.fill_diagonal(W, 0)
    weights = Weights.from_frame(pd.DataFrame(W / W.sum(1, keepdims=True), index=labels, columns=labels))
    W = weights.sparse.toarray()
    x, mu = generator.normal(size=(n_periods, n)), unit * generator.normal(size=n)
    u = mu + np.linalg.solve(np.eye(n) - lam * W, generator.normal(size=(n, n_periods))).T
    y = np.linalg.solve(np.eye(n) - rho * W, (1 + x + u).T)
    index = pd.MultiIndex.from_product([labels, range(n_periods)], names=["unit", "period"])
    return pd.Series(y.ravel(), index, name="y"), pd.DataFrame({"x": x.T.ravel()}, index), weights


def dense_loglik(model, theta, y=None):
    """The log-likelihood from the NT x NT covariance, for (beta, rho, lambda, sigma2, sigma2_units)."""
    *beta, rho, lam, sigma2, sigma2_units = theta
    W, Z = model.weights.sparse.toarray(), model.regressors
    y = model.panel.y.T if y is None else y
    n_periods, n = y.shape
    B = np.eye(n) - lam * W
    R = np.linalg.inv(B.T @ B)
    base = R if model.errors == "kkp" else np.eye(n)
    omega = np.kron(np.eye(n_periods), sigma2 * R) + np.kron(np.ones((n_periods, n_periods)), sigma2_units * base)
    u = (y - rho * y @ W.T - np.einsum("k,ktn->tn", beta, Z)).ravel()
    log_jacobian = n_periods * np.linalg.slogdet(np.eye(n) - rho * W)[1]
    quadratic = u @ np.linalg.solve(omega, u)
    return -(n * n_periods * np.log(2 * np.pi) + np.linalg.slogdet(omega)[1] + quadratic) / 2 + log_jacobian


def all_parameters(result):
    c = result.components
    return np.concatenate([c.beta, [c.rho, c.lam, c.sigma2, c.sigma2_units]])


@pytest.mark.parametrize("errors", ["baltagi", "kkp"])
@pytest.mark.parametrize("model", MODELS)
def test_maximum_is_that_of_the_dense_likelihood(munnell, model, errors):
    y, X, W = munnell
    some = y.index.get_level_values(1) < 1976
    result = RandomEffectsPanel(y[some], X[some], W, model, errors).fit()
    theta = all_parameters(result)
    assert dense_loglik(result.model, theta) == pytest.approx(result.loglik, abs=1e-8)
    free = [np.arange(len(result.components.beta)), [-2, -1]]
    free += [[-4]] * ("rho" in result.names) + [[-3]] * ("lambda" in result.names)
    for place in np.concatenate(free):
        step = np.zeros(len(theta))
        step[place] = 1e-5 * max(abs(theta[place]), 1e-3)
        slope = dense_loglik(result.model, theta + step) - dense_loglik(result.model, theta - step)
        curve = dense_loglik(result.model, theta + step) + dense_loglik(result.model, theta - step) - 2 * result.loglik
        assert curve <= 1e-9
        assert abs(slope / 2e-5) * 1e-5 < 1e-7


@pytest.mark.parametrize(("model", "errors"), [("sar", "baltagi"), ("sdm", "baltagi"), ("sdem", "kkp")])
def test_period_effects_are_dummies(munnell, model, errors):
    """The dense likelihood has its maximum there, and explicit dummies give the same numbers."""
    y, X, W = munnell
    some = y.index.get_level_values(1) < 1975
    y, X = y[some], X[some]
    result = RandomEffectsPanel(y, X, W, model, errors, effects="twoways").fit()
    years = y.index.get_level_values(1)
    dummies = pd.DataFrame({f"d{t}": (years == t) * 1.0 for t in sorted(set(years))[1:]}, index=y.index)
    lags = None if model == "sar" else list(X)
    explicit = RandomEffectsPanel(y, pd.concat([X, dummies], axis=1), W, model, errors, durbin=lags).fit()
    assert not set(result.names) & set(dummies) and "period 1971" not in result.names
    np.testing.assert_allclose(result.values, explicit.params[list(result.names)], rtol=1e-9)
    np.testing.assert_allclose(result.cov, explicit.cov.loc[list(result.names), list(result.names)], rtol=1e-7)
    theta = all_parameters(result)
    assert dense_loglik(result.model, theta) == pytest.approx(result.loglik, abs=1e-8)
    if model != "sdem":
        table = result.impacts()
        assert list(table.index.levels[0]) == sorted(X)
        np.testing.assert_allclose(table, explicit.impacts().loc[list(X)], rtol=1e-6)


def test_period_effects_equal_subtracted_means_without_a_spatial_error(munnell):
    """Rows of W sum to one: without lambda, means of periods taken from y, W y and Z give the dummies' estimates.

    The likelihood of the demeaned data has the same maximum, since its Jacobian and constants are the whole data's.
    """
    y, X, W = munnell
    result = RandomEffectsPanel(y, X, W, "sar", effects="twoways").fit()
    model = RandomEffectsPanel(y, X, W, "sar")
    A = model.regressors[1:]
    Wy = (W.sparse @ model.panel.y).T
    swept = [a - a.mean(axis=-1, keepdims=True) for a in (model.panel.y.T, Wy, A)]
    likelihood = model.likelihood
    likelihood.strata = type(likelihood.strata).of(*swept, None)
    (rho, _, _), point = likelihood.maximise(likelihood.lag.bounds, (-1.0, 1.0))
    assert rho == pytest.approx(result.params["rho"], rel=1e-8)
    assert point.loglik == pytest.approx(result.loglik, abs=1e-8)
    np.testing.assert_allclose(point.beta, result.params[list(X)], rtol=1e-8)


def test_gradient_is_the_derivative_of_the_likelihood():
    for errors in ("baltagi", "kkp"):
        likelihood: ErrorComponents = RandomEffectsPanel(*small(), "sarar", errors).likelihood
        point = np.array([0.2, 0.3, 0.7])
        found = likelihood.at(*point).gradient
        numeric = [
            (likelihood.at(*(point + h)).loglik - likelihood.at(*(point - h)).loglik) / 2e-6 for h in 1e-6 * np.eye(3)
        ]
        np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-7)


def test_sparse_and_dense_ways_agree(monkeypatch):
    """The same likelihood and gradient from sparse factors in a fill-reducing order and from inverses; W asymmetric."""
    from ronghe.spatial.random_effects import likelihood as error_components

    data = small(n=60, n_periods=3, seed=9)
    point = (0.2, 0.3, 0.7)
    dense = RandomEffectsPanel(*data, "sarar", "baltagi").likelihood.at(*point)
    monkeypatch.setattr(error_components, "DENSE", 10)
    sparse = RandomEffectsPanel(*data, "sarar", "baltagi").likelihood.at(*point)
    assert sparse.loglik == pytest.approx(dense.loglik, rel=1e-13)
    np.testing.assert_allclose(sparse.gradient, dense.gradient, rtol=1e-10)
    np.testing.assert_allclose(sparse.beta, dense.beta, rtol=1e-10)


@pytest.mark.parametrize("errors", ["baltagi", "kkp"])
def test_expected_information_is_the_mean_hessian(errors):
    """The log-likelihood is quadratic in y, so that 2n points of its distribution give its expectation exactly."""
    y, X, weights = small(n=5, n_periods=3)
    model = RandomEffectsPanel(y, X, weights, "sarar", errors)
    beta, rho, lam, sigma2, sigma2_units = np.array([0.5, 1.2]), 0.25, 0.35, 0.8, 0.6
    W = weights.sparse.toarray()
    eye = np.eye(5)
    B = eye - lam * W
    R = np.linalg.inv(B.T @ B)
    base = R if errors == "kkp" else eye
    omega = np.kron(np.eye(3), sigma2 * R) + np.kron(np.ones((3, 3)), sigma2_units * base)
    S = np.kron(np.eye(3), np.linalg.inv(eye - rho * W))
    mean = S @ np.einsum("k,ktn->tn", beta, model.regressors).ravel()
    spread = S @ np.linalg.cholesky(omega) * np.sqrt(15)
    points = [mean + sign * column for column in spread.T for sign in (1, -1)]
    theta = np.concatenate([beta, [rho, lam, sigma2, sigma2_units]])

    def expected(values):
        return np.mean([dense_loglik(model, values, p.reshape(3, 5)) for p in points])

    h = 1e-3
    steps = h * np.eye(6)
    hessian = np.array(
        [
            [
                (expected(theta + a + b) - expected(theta + a - b) - expected(theta - a + b) + expected(theta - a - b))
                / (4 * h * h)
                for b in steps
            ]
            for a in steps
        ]
    )
    fitted = Components(beta, rho, lam, sigma2, sigma2_units, errors)
    np.testing.assert_allclose(information(model.regressors, W, W, fitted), -hessian, rtol=1e-4, atol=1e-4)


def test_within_information_is_that_of_the_transformed_data(munnell):
    """Its block of (beta, rho, sigma2) at the within estimates is the information of Lee and Yu's likelihood."""
    from ronghe.spatial import SpatialPanel

    y, X, W = munnell
    within = SpatialPanel(y, X, W, model="sdm", effects="units", method="lee_yu").fit()
    model = RandomEffectsPanel(y, X, W, "sdm")
    p = within.params
    beta = np.concatenate([[0.0], p.iloc[:8]])
    full = model.information(Components(beta, p["rho"], 0.0, p["sigma2"], 0.1, "baltagi"), within_only=True)
    keep = [*range(1, 9), 9, 11]
    np.testing.assert_allclose(np.linalg.inv(full[np.ix_(keep, keep)]), within.cov, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("model", ["sar", "sdm", "sem"])
def test_observed_information_is_minus_the_dense_hessian(model):
    data = small(n=9, n_periods=5, seed=3)
    result = RandomEffectsPanel(*data, model, "baltagi").fit("observed")
    theta = all_parameters(result)
    k = len(result.components.beta)
    free = [*range(k), *([k] * ("rho" in result.names)), *([k + 1] * ("lambda" in result.names)), k + 2, k + 3]
    h = 1e-4
    f = lambda t: dense_loglik(result.model, t)  # noqa: E731
    steps = np.eye(len(theta)) * h
    H = [
        [
            (f(theta + steps[i] + steps[j]) - f(theta + steps[i] - steps[j])) / (4 * h * h)
            - (f(theta - steps[i] + steps[j]) - f(theta - steps[i] - steps[j])) / (4 * h * h)
            for j in free
        ]
        for i in free
    ]
    np.testing.assert_allclose(np.linalg.inv(-np.array(H)), result.cov, rtol=2e-3, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.parametrize("model", ["sar", "sem"])
def test_agrees_with_spreg(munnell, model):
    """At the parameters where spreg stops, its likelihood and coefficients are ours; ours has its maximum at ours.

    Its error model takes eigenvalues of W for those of B'B, right for symmetric W only.
    """
    spreg = pytest.importorskip("spreg")
    from libpysal.weights import full2W

    y, X, W = munnell
    if model == "sem":
        W = Weights.from_frame((W.to_frame() > 0).astype(float)).standardise("spectral")
    order = list(W.labels)
    columns = [c.unstack().loc[order].to_numpy().T.reshape(-1, 1) for c in (y, *(X[name] for name in X))]
    program = spreg.ML_LagRE if model == "sar" else spreg.ML_ErrorRE
    other = program(columns[0], np.hstack(columns[1:]), full2W(W.sparse.toarray()))
    likelihood = RandomEffectsPanel(y, X, W, model, "baltagi").likelihood
    share = other.phi if model == "sem" else (other.phi**-2 - 1) / 17
    spatial = (0.0, other.lam) if model == "sem" else (other.rho, 0.0)
    there = likelihood.at(*(float(np.squeeze(a)) for a in (*spatial, share)))
    assert there.loglik == pytest.approx(float(np.squeeze(other.logll)), abs=1e-6)
    np.testing.assert_allclose(there.beta, other.betas.ravel()[:5], rtol=1e-8)
    c = RandomEffectsPanel(y, X, W, model, "baltagi").fit().components
    ours = likelihood.at(c.rho, c.lam, c.sigma2_units / c.sigma2)
    assert ours.loglik >= there.loglik - 1e-10
    np.testing.assert_allclose(ours.gradient, 0.0, atol=1e-6)


def test_unit_effects_are_the_conditional_means():
    """The best linear predictor from the joint normal of (mu, u), written out."""
    data = small(n=6, n_periods=4, seed=5)
    result = RandomEffectsPanel(*data, "sem", "baltagi").fit()
    c, n_periods, n = result.components, 4, 6
    B = np.eye(n) - c.lam * data[2].sparse.toarray()
    R = np.linalg.inv(B.T @ B)
    omega = np.kron(np.eye(n_periods), c.sigma2 * R) + np.kron(np.ones((4, 4)), c.sigma2_units * np.eye(n))
    across = c.sigma2_units * np.kron(np.ones((1, n_periods)), np.eye(n))
    mean = across @ np.linalg.solve(omega, result.residual_array.T.ravel())
    variance = c.sigma2_units * np.eye(n) - across @ np.linalg.solve(omega, across.T)
    table = result.unit_effects()
    np.testing.assert_allclose(table["estimate"], mean, rtol=1e-9)
    np.testing.assert_allclose(table["std_error"], np.sqrt(np.diag(variance)), rtol=1e-9)


def test_large_sparse_weights_take_the_sparse_way():
    """500 units exceed what is inverted: same maximum as the closed form where lambda's likelihood has one."""
    n, n_periods = 500, 4
    labels = list(range(n))
    edges = pd.DataFrame({"focal": labels * 2, "neighbor": [*labels[1:], 0, labels[-1], *labels[:-1]], "weight": 0.5})
    weights = Weights.from_edges(edges)
    generator = np.random.default_rng(1)
    index = pd.MultiIndex.from_product([weights.labels, range(n_periods)], names=["unit", "period"])
    x = generator.normal(size=n * n_periods)
    W = weights.sparse.toarray()
    e = np.linalg.solve(np.eye(n) - 0.5 * W, generator.normal(size=(n, n_periods)))
    y = pd.Series(1 + 2 * x + (e + generator.normal(size=(n, 1))).ravel(), index, name="y")
    model = RandomEffectsPanel(y, pd.DataFrame({"x": x}, index), weights, "sem")
    result = model.fit("observed")
    # A chain of two-sided lags on a circle has the eigenvectors of the Fourier transform: an independent likelihood.
    omega = np.cos(2 * np.pi * np.arange(n) / n)
    c = result.components
    u = result.residual_array
    spectrum = np.abs(np.fft.fft(u, axis=0)) ** 2 / n
    r = c.sigma2 / (1 - c.lam * omega) ** 2
    mean = np.abs(np.fft.fft(u.mean(axis=1))) ** 2 / n * n_periods
    between = r + n_periods * c.sigma2_units
    total = -0.5 * (n * n_periods * np.log(2 * np.pi) + (n_periods - 1) * np.log(r).sum() + np.log(between).sum())
    total -= 0.5 * ((spectrum.sum(axis=1) - mean) / r).sum() + 0.5 * (mean / between).sum()
    assert result.loglik == pytest.approx(total, rel=1e-9)
    assert c.lam == pytest.approx(0.5, abs=0.08) and result.params["x"] == pytest.approx(2, abs=0.1)


def test_refusals_name_what_is_wrong(munnell):
    y, X, W = munnell
    with pytest.raises(RongheError, match="unknown errors 'bsk'"):
        RandomEffectsPanel(y, X, W, errors="bsk")
    with pytest.raises(RongheError, match="add up to one another: pc, twice"):
        RandomEffectsPanel(y, X.assign(twice=2 * X["pc"])[["pc", "twice"]], W, "sar").fit()
    with pytest.raises(RongheError, match="unknown effects 'time'"):
        RandomEffectsPanel(y, X, W, effects="time")
    with pytest.raises(RongheError, match="no spatial error"):
        RandomEffectsPanel(y, X, W, "sar", error_weights=W)


def test_score_and_information_with_serial_correlation_match_the_dense_ones():
    y, X, weights = small(n=5, n_periods=4, seed=7)
    Z = np.concatenate([np.ones((1, 4, 5)), X.to_numpy().reshape(5, 4, 1).transpose(2, 1, 0)])
    W = weights.sparse.toarray()
    errors = SerialComponents(np.ascontiguousarray(y.to_numpy().reshape(5, 4).T), Z, W)
    beta, theta = np.array([0.8, 1.1]), np.array([0.9, 0.4, 0.3, 0.2])
    u = (errors.y - np.einsum("k,ktn->tn", beta, Z)).ravel()

    def omega(t):
        B = np.eye(5) - t[3] * W
        return np.kron(np.ones((4, 4)), t[1] * np.eye(5)) + np.kron(
            t[0] * ar_covariance(t[2], 4), np.linalg.inv(B.T @ B)
        )

    def loglik(t):
        return -(np.linalg.slogdet(omega(t))[1] + u @ np.linalg.solve(omega(t), u)) / 2

    h = 1e-5
    slopes = [(omega(theta + s) - omega(theta - s)) / (2 * h) for s in h * np.eye(4)]
    inverse = np.linalg.inv(omega(theta))
    expected = [[np.trace(inverse @ a @ inverse @ b) / 2 for b in slopes] for a in slopes]
    fitted = dict(zip(("sigma2", "sigma2_units", "psi", "lambda"), theta, strict=True)) | {"beta": beta}
    d, J = errors._scores(fitted)
    numeric = [(loglik(theta + s) - loglik(theta - s)) / (2 * h) for s in h * np.eye(4)]
    np.testing.assert_allclose(list(d.values()), numeric, rtol=1e-6)
    np.testing.assert_allclose(J, expected, rtol=1e-6)


def test_lm_tests_of_the_reference(munnell, recorded):
    """Joint and conditional tests as splm prints them; its LM2 standardised takes an asymmetric W for symmetric."""
    entries = json.loads((recorded / "tests.json").read_text())["entries"]

    def printed(name):
        value = entries[name]["statistic"]
        return value["data"][0][0] if "data" in value else next(iter(value.values()))

    y, X, W = munnell
    table = random_effects_tests(y, X, W).set_index("test")["statistic"]
    assert table["BSK LM1: no unit effects"] == pytest.approx(printed("bsktest_LM1"), rel=1e-8)
    assert table["BSK LM1, standardised"] == pytest.approx(printed("bsktest_SLM1"), rel=1e-8)
    assert table["BSK LM2: no spatial error"] == pytest.approx(printed("bsktest_LM2"), rel=1e-8)
    assert table["BSK joint LM: neither"] == pytest.approx(printed("bsktest_LMH"), rel=1e-8)
    assert table.filter(like="BSJK joint").iloc[0] == pytest.approx(printed("bsjktest_J"), rel=1e-8)
    # splm stops its optimiser at a finite step.
    given_units = table["BSK conditional LM: no spatial error given unit effects"]
    assert given_units == pytest.approx(printed("bsktest_CLMlambda"), rel=1e-8)
    given_space = table["BSK conditional LM: no unit effects given spatial error"]
    assert given_space == pytest.approx(printed("bsktest_CLMmu"), rel=1e-6)
    Z = np.concatenate([np.ones((1, 17, 48)), X.to_numpy().reshape(48, 17, 4).transpose(2, 1, 0)])
    ratios = Ratios.of(y.to_numpy().reshape(48, 17).T, Z, W)
    assert ratios.standardised("space", symmetric=False) == pytest.approx(printed("bsktest_SLM2"), rel=1e-8)


def test_conditional_tests_agree_with_likelihood_ratios():
    """Near the hypothesis LM and LR agree; splm's C.1 on Munnell's panel is 0.26 where LR is 288."""
    y, X, W = small(n=40, n_periods=8, seed=11, rho=0.0, lam=0.12, unit=0.15)
    Z = np.concatenate([np.ones((1, 8, 40)), X.to_numpy().reshape(40, 8, 1).transpose(2, 1, 0)])
    errors = SerialComponents(np.ascontiguousarray(y.to_numpy().reshape(40, 8).T), Z, W.sparse.toarray())
    whole = errors.maximise(("lambda", "phi"))["loglik"]
    by_ratio = [2 * (whole - errors.maximise((free,))["loglik"]) for free in ("phi", "lambda")]
    by_score = [row["statistic"] ** 2 for row in conditional_tests(errors).values()]
    np.testing.assert_allclose(by_score, by_ratio, rtol=0.35, atol=0.3)
    full = errors.maximise(("psi", "lambda", "phi"))["loglik"]
    for name, free, tested in (("psi", ("lambda", "phi"), "psi"), ("lambda", ("psi", "phi"), "lambda")):
        restricted = errors.maximise(free)
        ratio = 2 * (full - restricted["loglik"])
        assert errors.score_test(restricted, (tested,)) == pytest.approx(ratio, rel=0.35, abs=0.3), name


def test_size_of_the_marginal_tests():
    rejections = []
    for seed in range(100):
        y, X, W = small(n=25, n_periods=5, seed=seed, rho=0.0, lam=0.0, unit=0.0)
        table = random_effects_tests(y, X, W, serial=False)
        rejections.append((table["pvalue"] < 0.05).to_numpy())
    share = np.mean(rejections, axis=0)
    assert np.all(share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100))
    assert share[1] > 0.005 and share[3] > 0.005


def test_mixture_of_chi_squared():
    assert mixed_chi2_pvalue(0.0) == 1.0
    draws = np.random.default_rng(0).normal(size=(200_000, 2))
    simulated = np.mean((np.maximum(draws, 0) ** 2).sum(axis=1) > 4.231)
    assert mixed_chi2_pvalue(4.231) == pytest.approx(simulated, abs=0.002)
