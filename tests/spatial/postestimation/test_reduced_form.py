"""Predictions of every class of results against formulas written out here with dense matrices and dummies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import DynamicPanel, RandomEffectsPanel, SpatialPanel, SpatialTwoStage
from ronghe.weights import Weights

# Dense solves of the same few numbers: rounding remains.
EXACT = 1e-8
N, T = 9, 7


@pytest.fixture(scope="module")
def made():
    """Return y, X, a later X of two more periods, W and dense W; rows in no order."""
    rng = np.random.default_rng(5)
    labels = [f"u{k}" for k in range(N)]
    dense = rng.random((N, N)) * (rng.random((N, N)) < 0.4)
    dense += np.roll(np.eye(N), 1, axis=1)
    np.fill_diagonal(dense, 0.0)
    dense /= dense.sum(axis=1, keepdims=True)
    W = Weights.from_frame(pd.DataFrame(dense, index=labels, columns=labels))
    periods = list(range(2001, 2001 + T + 2))
    index = pd.MultiIndex.from_product([labels, periods], names=["unit", "year"])
    x = rng.normal(size=(N, T + 2, 2)) + rng.normal(size=(N, 1, 2))
    u = rng.normal(size=(N, T + 2)) + rng.normal(size=(N, 1)) + rng.normal(size=(1, T + 2))
    y = np.linalg.solve(np.eye(N) - 0.4 * dense, x @ [1.0, -0.5] + 0.4 * dense @ x[:, :, 0] + u)
    X = pd.DataFrame(x.reshape(-1, 2), index, columns=["a", "b"])
    y = pd.Series(y.ravel(), index, name="y")
    later = X.index.get_level_values(1) > 2000 + T
    order = rng.permutation((~later).sum())
    return y[~later].iloc[order], X[~later].iloc[order], X[later], W, dense


def grid(series: pd.Series) -> np.ndarray:
    """Return values (unit, period)."""
    return series.sort_index().to_numpy().reshape(N, -1)


def hand(params: pd.Series, dense: np.ndarray, X: pd.DataFrame) -> np.ndarray:
    """Return X b + W X theta (unit, period), term by term."""
    part = np.zeros((N, len(X) // N))
    for name in X.columns:
        x = grid(X[name])
        part += params.get(name, 0.0) * x + params.get(f"W*{name}", 0.0) * dense @ x
    return part + params.get("const", 0.0)


def dummies(r: np.ndarray, effects: str, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float]:
    """Return unit effects, time effects (each about zero) and their level, by generalised least squares on dummies."""
    n, t = r.shape
    units, times = np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))
    D = {"pooled": np.zeros((n * t, 1)), "units": units, "time": times, "twoways": np.hstack([units, times])}[effects]
    F = np.eye(n * t) if weight is None else np.kron(weight, np.eye(t))
    fitted = (D @ np.linalg.lstsq(F @ D, F @ r.ravel(), rcond=None)[0]).reshape(n, t)
    level = fitted.mean()
    return fitted.mean(axis=1) - level, fitted.mean(axis=0) - level, level


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
@pytest.mark.parametrize("model", ["ols", "slx", "sar", "sem", "sdm", "sdem", "sarar", "gns"])
def test_fixed_effects(made, model, effects):
    y, X, later, W, dense = made
    result = SpatialPanel(y, X, W, model=model, effects=effects).fit()
    S = np.eye(N) - result.params.get("rho", 0.0) * dense
    B = np.eye(N) - result.params.get("lambda", 0.0) * dense
    units, times, level = dummies(S @ grid(y) - hand(result.params, dense, X), effects, B)
    inside = np.linalg.solve(S, hand(result.params, dense, X) + level + units[:, None] + times)
    np.testing.assert_allclose(grid(result.predict()), inside, atol=EXACT)
    for asked, tau in (("mean", 0.0), ("last", times[-1]), (0.3, 0.3)):
        beyond = np.linalg.solve(S, hand(result.params, dense, later) + level + units[:, None] + tau)
        np.testing.assert_allclose(grid(result.predict(later, time_effect=asked)), beyond, atol=EXACT)


@pytest.mark.parametrize("effects", ["units", "twoways"])
@pytest.mark.parametrize("model", ["sar", "sdm", "sarar"])
def test_two_stages(made, model, effects):
    """With an instrumented regressor: it is taken as given."""
    y, X, later, W, dense = made
    rng = np.random.default_rng(1)
    z = X[["b"]].rename(columns={"b": "z"}) + rng.normal(size=(len(X), 1))
    result = SpatialTwoStage(y, X, W, model=model, effects=effects, endogenous=["b"], instruments=z).fit()
    S = np.eye(N) - result.params["rho"] * dense
    B = np.eye(N) - result.params.get("lambda", 0.0) * dense
    units, times, level = dummies(S @ grid(y) - hand(result.params, dense, X), effects, B)
    inside = np.linalg.solve(S, hand(result.params, dense, X) + level + units[:, None] + times)
    np.testing.assert_allclose(grid(result.predict()), inside, atol=EXACT)
    beyond = np.linalg.solve(S, hand(result.params, dense, later) + level + units[:, None])
    np.testing.assert_allclose(grid(result.predict(later)), beyond, atol=EXACT)


@pytest.mark.parametrize("errors", ["baltagi", "kkp"])
@pytest.mark.parametrize("model", ["ols", "sar", "sem", "sdm", "gns"])
def test_random_effects_predict_the_conditional_mean_of_later_periods(made, model, errors):
    """E[y later | y of the sample] from the joint normal distribution, its covariance written out whole."""
    y, X, later, W, dense = made
    result = RandomEffectsPanel(y, X, W, model=model, errors=errors).fit(cov_type="observed")
    p = result.params
    S = np.eye(N) - p.get("rho", 0.0) * dense
    B = np.eye(N) - p.get("lambda", 0.0) * dense
    R = np.linalg.inv(B.T @ B)
    base = R if errors == "kkp" else np.eye(N)
    omega = np.kron(p["sigma2"] * R, np.eye(T + 2)) + np.kron(p["sigma2_units"] * base, np.ones((T + 2, T + 2)))
    inverse = np.kron(np.linalg.inv(S), np.eye(T + 2))
    V = inverse @ omega @ inverse.T
    mean = np.linalg.solve(S, hand(p, dense, pd.concat([X, later]).sort_index()))
    seen = np.tile(np.arange(T + 2) < T, N)
    gain = V[np.ix_(~seen, seen)] @ np.linalg.inv(V[np.ix_(seen, seen)])
    expected = mean.ravel()[~seen] + gain @ (grid(y).ravel() - mean.ravel()[seen])
    np.testing.assert_allclose(result.predict(later).sort_index(), expected, atol=1e-7)


def test_random_effects_with_years(made):
    """The dummies of periods carry over: the mean of all, the last, or a number."""
    y, X, later, W, dense = made
    model = RandomEffectsPanel(y, X, W, model="sar", effects="twoways")
    result = model.fit(cov_type="observed")
    S = np.eye(N) - result.params["rho"] * dense
    years = [
        0.0,
        *(dict(zip(model.specification.terms, result.components.beta, strict=True))[n] for n in model.period_names),
    ]
    own = result.unit_effects()["estimate"].to_numpy()[:, None]
    base = hand(result.params, dense, later) + own
    inside = np.linalg.solve(S, hand(result.params, dense, X) + own + years)
    np.testing.assert_allclose(grid(result.predict()), inside, atol=EXACT)
    for asked, tau in (("mean", np.mean(years)), ("last", years[-1])):
        expected = np.linalg.solve(S, base + tau)
        np.testing.assert_allclose(grid(result.predict(later, time_effect=asked)), expected, atol=EXACT)


@pytest.mark.parametrize("model", ["sar", "sdm"])
@pytest.mark.parametrize("effects", ["units", "time", "twoways"])
@pytest.mark.parametrize("lags", [(True, True), (True, False), (False, True)])
def test_dynamic_models_go_on_from_what_they_predicted(made, model, effects, lags):
    y, X, later, W, dense = made
    options = {"time_lag": lags[0], "space_time_lag": lags[1]}
    result = DynamicPanel(y, X, W, model=model, effects=effects, **options).fit(bias_corrected=False)
    p, eye = result.params, np.eye(N)
    S, P = eye - p["rho"] * dense, p.get("L1.y", 0.0) * eye + p.get("W*L1.y", 0.0) * dense
    Y, part = grid(y), hand(p, dense, X)[:, 1:]
    units, times, level = dummies(S @ Y[:, 1:] - P @ Y[:, :-1] - part, effects)
    inside = np.linalg.solve(S, P @ Y[:, :-1] + part + level + units[:, None] + times)
    np.testing.assert_allclose(grid(result.predict()), inside, atol=EXACT)
    beyond, past = [], Y[:, -1]
    for k in range(2):
        past = np.linalg.solve(S, P @ past + hand(p, dense, later)[:, k] + level + units)
        beyond.append(past)
    np.testing.assert_allclose(grid(result.predict(later)), np.array(beyond).T, atol=EXACT)
    from_both = result.predict(pd.concat([X[X.index.get_level_values(1) == 2000 + T], later]))
    np.testing.assert_allclose(grid(from_both)[:, 1:], np.array(beyond).T, atol=EXACT)


def test_a_dynamic_model_says_what_it_cannot_know(made):
    y, X, later, W, _ = made
    result = DynamicPanel(y, X, W).fit(bias_corrected=False)
    years = later.index.get_level_values(1)
    for X_new in (later[years == 2002 + T], X):
        with pytest.raises(RongheError, match="nothing is known of the outcome in the period before"):
            result.predict(X_new)


@pytest.mark.parametrize("effects", ["units", "time", "twoways"])
def test_effects_of_a_panel_with_gaps_are_those_of_its_cells(made, effects):
    """Least squares on the dummies of the rows that are there."""
    y, X, later, W, dense = made
    kept = np.random.default_rng(2).random(len(y)) < 0.8
    result = SpatialPanel(y[kept], X[kept], W, model="ols", effects=effects, missing="select").fit()
    rows = y.index[kept]
    units = pd.get_dummies(rows.get_level_values(0)).to_numpy(float)
    times = pd.get_dummies(rows.get_level_values(1)).to_numpy(float)
    D = {"units": units, "time": times, "twoways": np.hstack([units, times])}[effects]
    b = np.linalg.lstsq(np.hstack([X[kept].to_numpy(), D]), y[kept].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(result.predict(), np.hstack([X[kept].to_numpy(), D]) @ b, atol=EXACT)
    np.testing.assert_allclose(result.params[["a", "b"]], b[:2], atol=EXACT)


def test_what_only_fixed_effects_can_do_is_said(made):
    from ronghe.spatial import predict

    y, X, _, W, _ = made
    with pytest.raises(RongheError, match="is for SpatialPanel; TwoStageResults predicts by its 'reduced_form'"):
        predict(SpatialTwoStage(y, X, W).fit(), method="best")
