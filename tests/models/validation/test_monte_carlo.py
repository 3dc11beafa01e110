"""Tests of the Monte Carlo: the same on any number of cores, true targets, and what theory says of each estimator."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.models.validation.monte_carlo import _shown, _summary, validate_estimators, validate_tests
from ronghe.models.validation.truth import Truth
from ronghe.spatial import SpatialPanel
from ronghe.weights import Weights


@pytest.fixture(scope="module")
def truth():
    generator = np.random.default_rng(0)
    n, n_periods = 36, 6
    labels = [f"u{i:02d}" for i in range(n)]
    W = np.roll(np.eye(n), 1, axis=1) * 0.6 + np.roll(np.eye(n), -1, axis=1) * 0.4
    weights = Weights.from_frame(pd.DataFrame(W, index=labels, columns=labels))
    index = pd.MultiIndex.from_product([labels, range(n_periods)], names=["unit", "period"])
    X = pd.DataFrame({"x": generator.normal(size=n * n_periods)}, index)
    effects = generator.normal(size=(n, 1)) + generator.normal(size=(1, n_periods))
    return Truth(X, weights, np.array([1.0]), np.array([0.5]), 0.4, 0.0, 1.0, effects)


def test_tables_are_the_same_on_any_number_of_cores(truth):
    for function in (validate_estimators, validate_tests):
        one = function(truth, 12, seed=3, cores=1)
        two = function(truth, 12, seed=3, cores=2)
        three = function(truth, 12, seed=3, cores=3)
        pd.testing.assert_frame_equal(one, two, check_exact=True)
        pd.testing.assert_frame_equal(one, three, check_exact=True)
    other = validate_estimators(truth, 12, seed=4, cores=1)
    assert not np.array_equal(other["mean"], validate_estimators(truth, 12, seed=3, cores=1)["mean"])


def test_targets_are_the_effects_by_definition(truth):
    W = truth.weights.sparse.toarray()
    E = np.linalg.inv(np.eye(36) - 0.4 * W) @ (np.eye(36) + 0.5 * W)
    target = truth.targets()
    assert target["x: direct"] == pytest.approx(np.trace(E) / 36, rel=1e-12)
    assert target["x: total"] == pytest.approx(E.sum() / 36, rel=1e-12)
    result = SpatialPanel(truth.draw(np.random.default_rng(1)), truth.X, truth.weights).fit()
    again = Truth.of(result, truth.weights).targets()
    np.testing.assert_allclose(again[list(result.params.index)], result.params, rtol=1e-12)
    np.testing.assert_allclose(again.iloc[4:], result.impacts()["estimate"], rtol=1e-10)


def test_estimators_do_what_theory_says(truth):
    table = validate_estimators(truth, 200, seed=5, cores=2).set_index(["estimator", "parameter"])
    coverage, bias = table["coverage"], table["bias"] / table["deviation"]
    # Lee and Yu (2010): dummies shift rho and sigma2, their transformation does not.
    assert bias["lsdv", "rho"] < -0.5 and abs(bias["lee_yu", "rho"]) < 0.25
    assert bias["lsdv", "sigma2"] < -1.0 and coverage["lsdv", "rho"] < 0.91
    wide = 3 * np.sqrt(0.95 * 0.05 / 200)
    for parameter in ("x", "W*x", "rho", "x: direct", "x: indirect", "x: total"):
        assert abs(coverage["lee_yu", parameter] - 0.95) < wide, parameter
        assert coverage["lee_yu, n - K", parameter] >= coverage["lee_yu", parameter]
    assert table["note"]["lsdv", "rho"].startswith("bias of -")
    assert (table["note"] == "").equals(table["within"])
    np.testing.assert_allclose(table["rmse"] ** 2, table["bias"] ** 2 + table["deviation"] ** 2 * 199 / 200, rtol=1e-9)


def test_sizes(truth):
    table = validate_tests(truth, 120, seed=6, cores=2)
    wide = 3.2 * np.sqrt(0.05 * 0.95 / 120)
    lee_yu = table[table["method"] == "lee_yu"]
    ratios = lee_yu[lee_yu["test"].str.startswith("LR")]
    assert len(ratios) == 3 and np.all(np.abs(ratios["size"] - 0.05) < wide)
    assert set(table["hypothesis"]) == {"no spatial dependence", "ols is true", "sar is true", "sem is true"}


def test_reasons_are_told_apart():
    generator = np.random.default_rng(0)
    draws = generator.normal(size=4000)
    fine = _summary(draws, np.ones(4000), 0.0)
    assert fine["within"] and fine["note"] == ""
    assert "bias of +0.49" in _summary(draws + 0.5, np.ones(4000), 0.0)["note"]
    assert "standard errors 10% too small" in _summary(draws, np.full(4000, 0.9), 0.0)["note"]
    skewed = generator.gamma(1.0, size=4000) - 1
    assert (
        "skewed" in _summary(skewed, np.full(4000, skewed.std()), 0.0)["note"]
        or _summary(skewed, np.full(4000, skewed.std()), 0.0)["within"]
    )


def test_residual_draws_have_the_variance_of_the_model(truth):
    result = SpatialPanel(truth.draw(np.random.default_rng(2)), truth.X, truth.weights).fit()
    other = Truth.of(result, truth.weights, "residuals")
    assert np.mean(other.pool**2) == pytest.approx(result.sigma2, rel=1e-12)
    with pytest.raises(RongheError, match="say nothing"):
        validate_estimators(truth, 1, seed=0)


def test_progress_reaches_the_stream(truth):
    stream = io.StringIO()
    validate_estimators(truth, 10, seed=0, cores=1, progress=_shown("estimators", stream))
    assert stream.getvalue().splitlines()[-1] == "validate estimators: 10 of 10 draws"
