"""Dynamic and random-effects panels against a dense likelihood and the published bias vectors written out."""

from __future__ import annotations

import warnings
from dataclasses import replace

import dense_oracle as dense
import numpy as np
import pytest
from oracle_designs import PARTS, draw, frames, labelled, weights
from ronghe.errors import RongheError
from ronghe.spatial.dynamic.panel import DynamicPanel
from ronghe.spatial.random_effects.panel import RandomEffectsPanel

CLOSE = 2e-6


def process(seed, kind, n=14, t=9, rho=0.3, phi=0.4, psi=-0.1):
    """Return (y, X, W) of a dynamic panel, y of one period more."""
    rng = np.random.default_rng(seed)
    W = weights(kind, n, rng)
    radius = np.abs(np.linalg.eigvals(W)).max()
    rho, psi = rho / radius, psi / radius
    X, mu, tau = rng.standard_normal((t + 1, n, 2)), rng.standard_normal(n), rng.standard_normal(t + 1)
    inverse = np.linalg.inv(np.eye(n) - rho * W)
    y = np.zeros((t + 1, n))
    y[0] = inverse @ (mu + rng.standard_normal(n))
    for s in range(1, t + 1):
        y[s] = inverse @ (phi * y[s - 1] + psi * W @ y[s - 1] + X[s] @ [1, -0.5] + mu + tau[s] + rng.standard_normal(n))
    return y, X, W, rng


DYNAMIC = [
    ("knn", "sdm", "units", "lee_yu"),
    ("rook", "sar", "twoways", "lee_yu"),
    ("cycle", "sdm", "twoways", "lsdv"),
    ("knn", "sar", "time", "lsdv"),
    ("raw", "sdm", "time", "lsdv"),
    ("one_way", "sar", "twoways", "lsdv"),
    ("island", "sdm", "twoways", "lsdv"),
]


@pytest.mark.parametrize(("kind", "model", "effects", "method"), DYNAMIC)
def test_dynamic_panels(kind, model, effects, method):
    """Estimates, likelihood and information with dummies; then the bias of Yu, de Jong and Lee and of Lee and Yu."""
    y, X, W, rng = process(3, kind)
    n, t = len(W), len(y) - 1
    labels = list(range(n))
    series, frame = frames(y, X, labels, list(range(1990, 1991 + t)), rng)
    panel = DynamicPanel(series, frame, labelled(W, labels), model=model, effects=effects, method=method)
    plain = panel.fit(bias_corrected=False)
    before = y[:-1]
    Z = np.concatenate([np.stack([before, before @ W.T], axis=2), X[1:]], axis=2)
    durbin = [2, 3] if model == "sdm" else []
    if method == "lee_yu" and effects != "units":
        F = dense.helmert(n)
        used = F.T @ W @ F
        oracle = dense.stack(
            y[1:] @ F, np.einsum("tnk,nm->tmk", Z, F), used, durbin=durbin, effects="units", method="lsdv"
        )
        oracle = replace(oracle, limits=(dense.interval(W), (0.0, 0.0)))
    else:
        used = W
        oracle = dense.stack(y[1:], Z, W, durbin=durbin, effects=effects, method="lsdv")
    theta = dense.maximise(oracle)
    b, expected = dense.kept(oracle, theta), dense.expected(oracle, theta)
    size = np.sqrt(np.diag(expected))
    assert plain.loglik == pytest.approx(dense.loglik(oracle, theta), rel=1e-11)
    assert np.abs((plain.params - b) / size).max() < CLOSE
    assert np.abs((plain.cov - expected) / np.outer(size, size)).to_numpy().max() < CLOSE
    wanted, m, rho = b.copy(), len(used), b[-2]
    eye = np.eye(m)
    S = np.linalg.inv(eye - rho * used)
    G = used @ S
    if effects != "time":
        total = np.linalg.inv(eye - S @ (b[0] * eye + b[1] * used))
        bias = np.zeros(len(b))
        bias[0], bias[1] = np.trace(total @ S), np.trace(used @ total @ S)
        bias[-2] = b[0] * np.trace(G @ total @ S) + b[1] * np.trace(G @ used @ total @ S) + np.trace(G)
        bias[-1] = m / (2 * b[-1])
        wanted += expected @ bias
    if effects != "units" and method == "lsdv":
        bias = np.zeros(len(b))
        bias[-2], bias[-1] = G.sum() / n, 1 / (2 * b[-1])
        wanted += t * expected @ bias
    assert np.abs((panel.fit().params - wanted) / size).max() < CLOSE


def test_a_missing_year_is_refused():
    """A gap of years would make y_(t-1) the outcome of two years before."""
    y, X, W, rng = process(1, "knn", n=8, t=5)
    series, frame = frames(y, X, list(range(8)), [2000, 2001, 2002, 2004, 2005, 2006], rng)
    with pytest.raises(RongheError, match="after 2002"):
        DynamicPanel(series, frame, labelled(W, list(range(8))))
    biennial = [2000, 2002, 2004, 2006, 2008, 2010]
    series, frame = frames(y, X, list(range(8)), biennial, rng)
    assert DynamicPanel(series, frame, labelled(W, list(range(8)))).fit().params.notna().all()


def omega(n, t, M, lam, sigma2, sigma2_units, errors):
    """Return the whole covariance of the disturbances, period by period."""
    inverse = np.linalg.inv(np.eye(n) - lam * M)
    V = inverse @ inverse.T
    return np.kron(np.ones((t, t)), sigma2_units * (V if errors == "kkp" else np.eye(n))) + np.kron(
        np.eye(t), sigma2 * V
    )


RANDOM = [
    ("knn", "rook", "gns", "baltagi"),
    ("one_way", "knn", "sarar", "kkp"),
    ("island", "rook", "sdem", "baltagi"),
    ("raw", "cycle", "sem", "kkp"),
    ("cycle", "rook", "sdm", "baltagi"),
]


@pytest.mark.parametrize(("kind", "other", "model", "errors"), RANDOM)
def test_random_effects(kind, other, model, errors):
    """The likelihood is that of the dense covariance, the estimate its top, the information E[-Hessian]."""
    rng = np.random.default_rng(2)
    n, t, k = 9, 4, 2
    W, M = weights(kind, n, rng), weights(other, n, rng)
    lag, error, has_durbin = PARTS[model]
    y, X = draw(n, t, k, W, M, 0.4 * lag, 0.3 * error, rng)
    labels = list(range(n))
    series, frame = frames(y, X, labels, list(range(t)), rng)
    options = {"error_weights": labelled(M, labels)} if error else {}
    panel = RandomEffectsPanel(series, frame, labelled(W, labels), model=model, errors=errors, **options)
    result = panel.fit()
    Z = [np.ones((t, n)), *X.transpose(2, 0, 1)]
    Z += [X[:, :, i] @ W.T for i in range(k)] if has_durbin else []
    Z, target = np.stack([z.ravel() for z in Z], axis=1), y.ravel()
    width = Z.shape[1]

    def split(theta):
        spatial = list(theta[width:])
        rho = spatial.pop(0) if lag else 0.0
        lam = spatial.pop(0) if error else 0.0
        return theta[:width], rho, lam, *spatial

    def moments(theta):
        """Mean and covariance of y itself."""
        b, rho, lam, sigma2, sigma2_units = split(theta)
        S = np.kron(np.eye(t), np.linalg.inv(np.eye(n) - rho * W))
        return S @ Z @ b, S @ omega(n, t, M, lam, sigma2, sigma2_units, errors) @ S.T

    def loglik(theta):
        mean, covariance = moments(theta)
        gap = target - mean
        return -0.5 * (
            n * t * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + gap @ np.linalg.solve(covariance, gap)
        )

    theta, size = result.params.to_numpy(), result.std_errors.to_numpy()
    assert result.loglik == pytest.approx(loglik(theta), rel=1e-11)
    means, slopes = [], []
    for j in range(len(theta)):
        step = np.eye(len(theta))[j] * size[j] * 1e-3
        parts = [moments(theta + f * step) for f in (1, -1, 2, -2)]
        m, V = ((8 * (parts[0][i] - parts[1][i]) - (parts[2][i] - parts[3][i])) / (12e-3 * size[j]) for i in (0, 1))
        means.append(m)
        slopes.append(V)
        if theta[-1] > 1e-6:
            assert abs(loglik(theta + step) - loglik(theta - step)) / 2e-3 < 1e-4
    inverse = np.linalg.inv(moments(theta)[1])
    scaled = [inverse @ V for V in slopes]
    information = np.array(
        [
            [m1 @ inverse @ m2 + 0.5 * np.sum(A * B.T) for m2, B in zip(means, scaled, strict=True)]
            for m1, A in zip(means, scaled, strict=True)
        ]
    )
    wanted = dense.scaled_inverse(information)
    assert np.abs((result.cov - wanted) / np.outer(size, size)).to_numpy().max() < 1e-6


@pytest.mark.parametrize(("kind", "seed"), [("knn", 22), ("spectral", 11), ("rook", 11)])
def test_random_effects_find_the_higher_hill(kind, seed):
    """Seven units in two periods: climbs from no dependence alone end one log unit and more below the top."""
    rng = np.random.default_rng(seed)
    labels = list(range(7))
    W, M = weights("knn", 7, rng), weights(kind, 7, rng)
    y, X = draw(7, 2, 2, W, M, 0.0, -0.8, rng)
    series, frame = frames(y, X, labels, [0, 1], rng)
    options = {"error_weights": labelled(M, labels)}
    panel = RandomEffectsPanel(series, frame, labelled(W, labels), model="sdem", errors="kkp", **options)
    likelihood = panel.likelihood
    low, high = likelihood.spatial_error.bounds
    lams, shares = np.linspace(low, high, 83)[1:-1], np.linspace(0.02, 1.0, 50)
    heights = [likelihood.at(0.0, lam, (1 / u - 1) / 2).loglik for lam in lams for u in shares]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        _, point = panel.maximum()
    assert point.loglik >= max(heights) - 1e-8
