"""Tests of recovered effects, predictions and draws: dummies, conditional normals, and moments of the draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel
from ronghe.spatial.dynamic.panel import DynamicPanel
from ronghe.spatial.postestimation import simulation
from ronghe.spatial.postestimation.fixed_effects import fixed_effects_table, recover, remainder
from ronghe.spatial.postestimation.prediction import predict, residual_table
from ronghe.spatial.postestimation.simulation import simulate
from ronghe.spatial.random_effects.panel import RandomEffectsPanel


@pytest.mark.parametrize("kind", ["units", "time"])
def test_effects_and_errors_are_those_of_dummies(munnell, kind):
    """For least squares: the coefficients of centred dummies in a regression with all of them."""
    y, X, _ = munnell
    result = SpatialPanel(y, X, model="ols", effects="twoways", method="lee_yu").fit()
    table = fixed_effects_table(result, kind)
    n, t = 48, 17
    frame = pd.concat([y, X], axis=1).sort_index()
    x = frame[X.columns].to_numpy()
    units, times = np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))
    Z = np.column_stack([x, units, times[:, 1:]])
    inverse = np.linalg.inv(Z.T @ Z)
    b = inverse @ Z.T @ frame[y.name].to_numpy()
    C = np.zeros((n, len(b))) if kind == "units" else np.zeros((t, len(b)))
    if kind == "units":
        C[:, 4 : 4 + n] = np.eye(n) - 1 / n
    else:
        C[1:, 4 + n :] = np.eye(t - 1)
        C -= C.mean(axis=0)
    np.testing.assert_allclose(table["estimate"], C @ b, atol=1e-9)
    # sigma2 of the transformed data has (N - 1)(T - 1) below; the errors share it.
    expected = np.sqrt(result.sigma2 * np.diag(C @ inverse @ C.T))
    np.testing.assert_allclose(table["std_error"], expected, rtol=1e-8)


@pytest.mark.parametrize("model", ["sar", "sdm", "sem", "sdem", "sarar"])
@pytest.mark.parametrize("effects", ["units", "time", "twoways"])
def test_effects_leave_the_disturbance_and_nothing_else(munnell, model, effects):
    """The filtered remainder less the recovered effects is the projected residual of the estimator."""
    y, X, W = munnell
    result = SpatialPanel(y, X, W, model=model, effects=effects, method="lsdv").fit()
    u = remainder(result) - recover(result).surface
    M = W.align(result.model.panel.units).sparse
    e = u - result.model.lam * (M @ u)
    np.testing.assert_allclose(e, result.model.residuals, atol=1e-8)
    found = recover(result)
    assert abs(found.units.sum()) < 1e-9 and abs(found.times.sum()) < 1e-9


def test_unit_effects_have_the_spread_that_their_errors_say():
    """Over draws from a fitted SDM with two-way effects: deviation of the recovered effects from the kept ones."""
    y, X, W = small()
    truth = SpatialPanel(y, X, W, effects="twoways").fit()
    kept = recover(truth)
    gaps, errors = [], []
    for column in simulate(truth, 150, seed=1).items():
        result = SpatialPanel(column[1].rename("y"), X, W, effects="twoways").fit()
        table = fixed_effects_table(result, "units")
        gaps.append(table["estimate"].to_numpy() - kept.units)
        errors.append(table["std_error"].to_numpy())
    spread = np.std(gaps, axis=0)
    ratio = np.mean(errors, axis=0) / spread
    assert 0.9 < np.mean(ratio) < 1.1
    assert np.abs(np.mean(gaps, axis=0)).max() < 4 * spread.max() / np.sqrt(150)


def small(n=15, n_periods=12, seed=0):
    from ronghe.weights import Weights

    generator = np.random.default_rng(seed)
    labels = [f"u{i:02d}" for i in range(n)]
    matrix = np.roll(np.eye(n), 1, axis=1) * 0.7 + np.roll(np.eye(n), -1, axis=1) * 0.3
    W = Weights.from_frame(pd.DataFrame(matrix, index=labels, columns=labels))
    x = generator.normal(size=(n, n_periods))
    e = generator.normal(size=(n, n_periods)) + generator.normal(size=(n, 1))
    y = np.linalg.solve(np.eye(n) - 0.4 * matrix, x + 0.3 * matrix @ x + e)
    index = pd.MultiIndex.from_product([labels, range(n_periods)], names=["unit", "period"])
    return pd.Series(y.ravel(), index, name="y"), pd.DataFrame({"x": x.ravel()}, index), W


@pytest.mark.parametrize("model", ["sar", "sdm", "sem", "gns"])
def test_best_prediction_is_the_conditional_mean(model):
    """Of one unit given the others, from the joint normal with its covariance inverted block by block."""
    y, X, W = small()
    result = SpatialPanel(y, X, W, model=model, effects="units", method="lsdv").fit()
    table = residual_table(result)
    m, dense = result.model, W.sparse.toarray()
    n = 15
    S = np.eye(n) - m.rho * dense
    B = np.eye(n) - m.lam * dense
    V = np.linalg.inv(S) @ np.linalg.inv(B) @ np.linalg.inv(B).T @ np.linalg.inv(S).T
    expected, observed = (table[c].to_numpy().reshape(n, 12) for c in ("reduced_form", "y"))
    for i in (0, 7):
        others = np.delete(np.arange(n), i)
        gain = V[i, others] @ np.linalg.inv(V[np.ix_(others, others)])
        conditional = expected[i] + gain @ (observed[others] - expected[others])
        np.testing.assert_allclose(table["best"].to_numpy().reshape(n, 12)[i], conditional, rtol=1e-9)
    errors = (table[[f"{k}_error" for k in ("reduced_form", "naive", "best")]] ** 2).mean()
    assert errors["best_error"] <= errors["reduced_form_error"]
    filtered = B @ (S @ (observed - expected))
    np.testing.assert_allclose(filtered.ravel(), table["disturbance"], atol=1e-9)


def test_new_periods_take_the_time_effect_that_is_asked_for():
    y, X, W = small()
    result = SpatialPanel(y, X, W, effects="twoways").fit()
    again = predict(result, X)
    pd.testing.assert_series_equal(again, predict(result), check_names=False)
    later = X[X.index.get_level_values(1) == 11].rename(index={11: 12}, level=1)
    last = predict(result, later, time_effect="last")
    np.testing.assert_allclose(last.to_numpy(), predict(result).xs(11, level=1).to_numpy(), rtol=1e-10)
    mean, one = predict(result, later), predict(result, later, time_effect=1.0)
    np.testing.assert_allclose((one - mean).to_numpy(), 1 / (1 - result.rho), rtol=1e-9)
    with pytest.raises(RongheError, match="X lacks x"):
        predict(result, later.rename(columns={"x": "z"}))
    with pytest.raises(RongheError, match="every unit"):
        predict(result, later.iloc[1:])
    with pytest.raises(RongheError, match="needs y of the neighbours"):
        predict(result, later, method="naive")


@pytest.mark.parametrize("disturbances", ["normal", "residuals"])
def test_draws_bring_the_parameters_back(disturbances):
    y, X, W = small()
    result = SpatialPanel(y, X, W, model="sdm", effects="twoways").fit()
    estimates = [
        SpatialPanel(c.rename("y"), X, W).fit().params
        for _, c in simulate(result, 120, seed=3, disturbances=disturbances).items()
    ]
    mean, spread = np.mean(estimates, axis=0), np.std(estimates, axis=0)
    np.testing.assert_array_less(np.abs(mean - result.params), 4 * spread / np.sqrt(120) + 0.02)
    np.testing.assert_allclose(spread[:3], result.std_errors.iloc[:3], rtol=0.3)


@pytest.mark.parametrize("errors", ["baltagi", "kkp"])
def test_draws_of_random_effects_have_their_covariance(errors):
    y, X, W = small(n=6, n_periods=3)
    result = RandomEffectsPanel(y, X, W, "sarar", errors).fit()
    c, dense = result.components, W.sparse.toarray()
    drawn = simulate(result, 20_000, seed=0).to_numpy().reshape(6, 3, -1)
    R = np.linalg.inv((np.eye(6) - c.lam * dense).T @ (np.eye(6) - c.lam * dense))
    base = R if errors == "kkp" else np.eye(6)
    S = np.linalg.inv(np.eye(6) - c.rho * dense)
    variance = S @ (c.sigma2 * R + c.sigma2_units * base) @ S.T
    np.testing.assert_allclose(np.cov(drawn[:, 0]), variance, atol=0.05 * variance.max())
    across = S @ (c.sigma2_units * base) @ S.T
    found = np.cov(drawn[:, 0], drawn[:, 2])[:6, 6:]
    np.testing.assert_allclose(found, across, atol=0.05 * variance.max())


def test_draws_of_a_dynamic_panel_start_where_the_data_do():
    y, X, W = small(n_periods=20)
    result = DynamicPanel(y, X, W, "sdm", "twoways").fit()
    drawn = simulate(result, 60, seed=2)
    first = drawn.xs(0, level="period")
    assert np.all(first.to_numpy() == y.xs(0, level="period").to_numpy()[:, None])
    estimates = [DynamicPanel(c.rename("y"), X, W).fit().params for _, c in drawn.items()]
    mean, spread = np.mean(estimates, axis=0), np.std(estimates, axis=0)
    keep = slice(0, 5)
    assert np.all(np.abs(mean - result.params)[keep] < 4 * spread[keep] / np.sqrt(60) + 0.03)
    assert simulate(result, 1, seed=2).iloc[:, 0].equals(drawn.iloc[:, 0])


@pytest.mark.parametrize("kind", [SpatialPanel, RandomEffectsPanel, DynamicPanel])
@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_a_draw_is_the_same_however_many_are_asked(kind, at_once, monkeypatch):
    y, X, W = small()
    result = kind(y, X, W, "sdm" if kind is DynamicPanel else "sarar").fit()
    monkeypatch.setattr(simulation, "BLOCK", at_once * len(y))
    drawn = simulate(result, 7, seed=4)
    assert drawn.T.drop_duplicates().shape[0] == 7
    for count in (1, 4, 6):
        pd.testing.assert_frame_equal(simulate(result, count, seed=4), drawn.iloc[:, :count], check_exact=True)
    monkeypatch.undo()
    np.testing.assert_allclose(simulate(result, 7, seed=4), drawn, rtol=1e-10)
