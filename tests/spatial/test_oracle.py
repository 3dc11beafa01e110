"""The static engine against a dense likelihood with explicit dummies or explicit transformations."""

from __future__ import annotations

import dense_oracle as dense
import numpy as np
import pandas as pd
import pytest
from oracle_designs import DURBIN, ERROR, LAG, PARTS, draw, frames, labelled, weights
from ronghe.spatial import SpatialPanel
from ronghe.spatial.postestimation.fixed_effects import fixed_effects_table
from ronghe.spatial.postestimation.prediction import predict

# Of a standard error: what the oracle's own search leaves.
CLOSE = 2e-6


def setting(seed, kind, model, effects, method, error=None, durbin=None, rho=0.4, lam=0.3, n=12, t=4, k=2, scale=1.0):
    """Return the engine's model, the oracle's, and (W, X, names)."""
    rng = np.random.default_rng(seed)
    W = weights(kind, n, rng)
    M = W if error is None else weights(error, n, rng)
    parts = PARTS[model]
    y, X = draw(n, t, k, W, M, rho * parts[LAG], lam * parts[ERROR], rng)
    y = y * scale
    labels = [[f"u{i:02d}" for i in range(n)], list(range(90, 90 + n)), list(range(n, 0, -1))][seed % 3]
    series, frame = frames(y, X, labels, list(range(2000, 2000 + t)), rng)
    options = {"error_weights": labelled(M, labels)} if parts[ERROR] and error else {}
    if durbin is not None:
        options["durbin"] = [f"x{i}" for i in durbin]
    engine = SpatialPanel(series, frame, labelled(W, labels), model=model, effects=effects, method=method, **options)
    picked = (list(range(k)) if durbin is None else durbin) if parts[DURBIN] else []
    if effects == "pooled":
        X = np.concatenate([np.ones((t, n, 1)), X], axis=2)
        picked = [p + 1 for p in picked]
    arguments = {"durbin": picked, "lag": parts[LAG], "error": parts[ERROR], "effects": effects}
    return engine, (y, X, W, M, arguments), labels


def gap(found, wanted, covariance):
    """Return the largest difference in standard errors, or of covariances in products of standard errors."""
    size = np.sqrt(np.diag(covariance))
    found, wanted = np.asarray(found), np.asarray(wanted)
    return np.abs((found - wanted) / (size if found.ndim == 1 else np.outer(size, size))).max()


DESIGNS = [
    ("rook", "sdm", "twoways", "lee_yu", {}),
    ("knn", "sdm", "twoways", "lsdv", {"durbin": [1]}),
    ("cycle", "sar", "time", "lee_yu", {"rho": 0.9, "n": 11}),
    ("raw", "sar", "twoways", "lsdv", {"scale": 1e6}),
    ("spectral", "sdm", "pooled", "lee_yu", {"rho": 0.97}),
    ("one_way", "gns", "units", "lee_yu", {"error": "cycle", "durbin": [0]}),
    ("two_components", "sdem", "twoways", "lee_yu", {"lam": -0.8, "scale": 1e-6}),
    ("island", "sarar", "units", "lee_yu", {"error": "knn", "n": 16}),
    ("island", "sarar", "twoways", "lsdv", {"error": "knn", "n": 16}),
    ("one_way", "gns", "time", "lsdv", {"error": "knn", "durbin": [1]}),
    ("full", "sem", "twoways", "lee_yu", {"lam": 0.2, "t": 2}),
    ("knn", "sarar", "twoways", "lee_yu", {"error": "two_components", "rho": -0.5, "lam": 0.6, "n": 20}),
    ("rook", "sar", "units", "lee_yu", {"k": 1, "t": 2, "n": 9, "rho": -0.6}),
    ("island", "slx", "twoways", "lee_yu", {}),
    ("knn", "ols", "time", "lsdv", {}),
    ("rook", "sem", "units", "lsdv", {"k": 0}),
]


@pytest.mark.parametrize("seed", range(len(DESIGNS)))
def test_estimates_covariances_and_effects(seed):
    """Point, likelihood, expected and observed covariance, effects and their errors, all from first principles."""
    kind, model, effects, method, options = DESIGNS[seed]
    engine, (y, X, W, M, arguments), _ = setting(seed, kind, model, effects, method, **options)
    result = engine.fit()
    oracle = dense.stack(y, X, W, M, method=method, **arguments)
    theta = dense.maximise(oracle)
    assert result.loglik == pytest.approx(dense.loglik(oracle, theta), rel=1e-11)
    expected, observed = dense.expected(oracle, theta), dense.observed(oracle, theta)
    assert gap(result.params, dense.kept(oracle, theta), expected) < CLOSE
    assert gap(result.cov, expected, expected) < CLOSE
    assert gap(result.with_covariance("observed").cov, observed, observed) < CLOSE
    if not (PARTS[model][LAG] or PARTS[model][DURBIN]):
        return
    names, table = list(result.params.index), result.impacts()
    for name in engine.panel.names:
        if name == "const":
            continue
        places = [names.index(c) if c in names else None for c in ("rho", name, f"W*{name}")]

        def effect(values, places=places):
            return dense.effects(W, *(0.0 if p is None else values[p] for p in places))

        np.testing.assert_allclose(table.loc[name]["estimate"], effect(result.params.to_numpy()), rtol=1e-9, atol=1e-12)
        errors = dense.delta_method(effect, result.params.to_numpy(), result.cov.to_numpy())
        np.testing.assert_allclose(table.loc[name]["std_error"], errors, rtol=1e-6, atol=1e-9 * errors.max())


@pytest.mark.parametrize(
    ("kind", "model", "effects", "options"),
    [
        ("rook", "sdm", "twoways", {}),
        ("knn", "sarar", "time", {"error": "rook"}),
        ("one_way", "sar", "units", {}),
        ("cycle", "sem", "twoways", {}),
    ],
)
def test_bias_correction(kind, model, effects, options):
    """Lee and Yu's correction from the dense information."""
    engine, (y, X, W, M, arguments), _ = setting(7, kind, model, effects, "bias_corrected", **options)
    result = engine.fit()
    wanted = dense.bias_corrected(y, X, W, M, **arguments)
    assert gap(result.params, wanted, result.cov.to_numpy()) < CLOSE


@pytest.mark.parametrize(
    ("kind", "model", "effects", "error"),
    [
        ("knn", "gns", "twoways", "knn"),
        ("one_way", "sarar", "time", "knn"),
        ("rook", "sem", "time", "full"),
        ("island", "sdm", "twoways", None),
        ("rook", "sdem", "units", "cycle"),
    ],
)
def test_effects_of_units_and_periods(kind, model, effects, error):
    """Recovered effects and their errors are those of the likelihood with all dummies among its parameters."""
    engine, (y, X, W, M, arguments), labels = setting(3, kind, model, effects, "lsdv", error=error, t=5)
    result = engine.fit("observed")
    oracle = dense.stack(y, X, W, M, method="lsdv", **arguments)
    theta = dense.maximise(oracle)
    free, p = oracle.free, oracle.Z.shape[1]
    V = dense.scaled_inverse(-dense.hessian(oracle, theta))[free:p, free:p]
    t, n = y.shape
    of_units, of_periods = np.zeros((n, p - free)), np.zeros((t, p - free))
    if effects != "time":
        of_units[:, :n] = np.eye(n) - 1 / n
    width = t - (effects == "twoways")
    if effects != "units":
        of_periods[t - width :, p - free - width :] = np.eye(width)
        of_periods -= of_periods.mean(axis=0)
    for kind_of_effect, C, rows in (("units", of_units, labels), ("time", of_periods, list(range(2000, 2000 + t)))):
        if not C.any():
            continue
        table = fixed_effects_table(result, kind_of_effect).set_index("unit" if kind_of_effect == "units" else "period")
        np.testing.assert_allclose(table.loc[rows, "estimate"], C @ theta[free:p], atol=1e-7)
        np.testing.assert_allclose(table.loc[rows, "std_error"], np.sqrt(np.diag(C @ V @ C.T)), rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "effects"), [("gns", "twoways"), ("sar", "units"), ("sem", "time"), ("sdm", "pooled")]
)
def test_predictions(model, effects):
    """Reduced form, naive and best linear predictions from dense conditional moments."""
    engine, (y, X, W, M, arguments), labels = setting(5, "knn", model, effects, "lsdv")
    result = engine.fit()
    oracle = dense.stack(y, X, W, M, method="lsdv", **arguments)
    theta = dense.maximise(oracle)
    delta, rho, lam, _ = dense.unpack(oracle, theta)
    n = len(W)
    S, R = np.eye(n) - rho * W, np.eye(n) - lam * M
    fitted = (oracle.Z @ delta).reshape(y.shape)
    reduced = np.linalg.solve(S, fitted.T).T
    omega = np.linalg.inv((R @ S).T @ (R @ S))
    best = np.empty_like(y)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        gain = np.linalg.solve(omega[np.ix_(others, others)], omega[others, i])
        best[:, i] = reduced[:, i] + (y - reduced)[:, others] @ gain
    wanted = {"reduced_form": reduced, "naive": fitted + rho * y @ W.T, "best": best}
    index = pd.MultiIndex.from_product([labels, range(2000, 2000 + len(y))])
    for method, values in wanted.items():
        np.testing.assert_allclose(predict(result, method=method).loc[index], values.T.ravel(), atol=1e-6)
