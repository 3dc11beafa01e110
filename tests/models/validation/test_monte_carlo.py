"""Tests of the Monte Carlo: the same on any number of cores, true targets, and what theory says of each estimator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.models.validation.monte_carlo import _summary, validate_estimators, validate_tests
from ronghe.models.validation.truth import Truth
from ronghe.spatial import SpatialPanel
from ronghe.spatial.choice.lagrange import lm_tests, residual_moran
from ronghe.spatial.choice.nested_tests import lr_test, wald_restriction
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


def test_the_batch_gives_what_the_engine_gives_draw_by_draw(truth):
    table = validate_estimators(truth, 3, seed=3).set_index(["estimator", "parameter"])
    draws = [truth.draw(np.random.default_rng(s)) for s in np.random.SeedSequence(3).spawn(3)]
    ways = {name: (name, "none") for name in ("lsdv", "lee_yu", "bias_corrected")}
    for name, (method, small_sample) in {**ways, "lee_yu, n - K": ("lee_yu", "parameters")}.items():
        found = []
        for y in draws:
            fit = SpatialPanel(truth.series(y), truth.X, truth.weights, "sdm", "twoways", method)
            result = fit.fit("expected", small_sample=small_sample)
            impacts = result.impacts()
            found.append([[*result.params, *impacts["estimate"]], [*result.std_errors, *impacts["std_error"]]])
        mean, error = np.mean(found, axis=0)
        np.testing.assert_allclose(table.loc[name, "mean"], mean, rtol=1e-8)
        np.testing.assert_allclose(table.loc[name, "mean_std_error"], error, rtol=1e-8)
    assert not np.allclose(table["mean"], validate_estimators(truth, 3, seed=4)["mean"])


def test_sizes_are_those_of_the_tests_draw_by_draw(truth):
    table = validate_tests(truth, 20, seed=3).set_index(["test", "method"])["size"]
    own = [s.spawn(3) for s in np.random.SeedSequence(3).spawn(20)]
    rejected = {key: [] for key in table.index}
    for streams in own:
        for to, stream in zip(("ols", "sar", "sem"), streams, strict=True):
            y = truth.series(truth.restricted(to).draw(np.random.default_rng(stream)))
            for method in ("lsdv", "lee_yu"):
                whole, small = (
                    SpatialPanel(y, truth.X, truth.weights, kind, "twoways", method).fit() for kind in ("sdm", to)
                )
                for test in (lr_test(small, whole), wald_restriction(whole, to)):
                    rejected[test["test"].partition(" (")[0], method].append(test["pvalue"] < 0.05)
                if to == "ols":
                    for _, test in lm_tests(y, truth.X, truth.weights, "twoways", method).iterrows():
                        rejected[test["test"], method].append(test["pvalue"] < 0.05)
            if to == "ols":
                moran = residual_moran(y, truth.X, truth.weights)
                rejected["residual_moran", "lsdv"].append(moran["pvalue"][0] < 0.05)
    assert {key: np.mean(value) for key, value in rejected.items()} == table.to_dict()


def test_targets_are_the_effects_by_definition(truth):
    W = truth.weights.sparse.toarray()
    E = np.linalg.inv(np.eye(36) - 0.4 * W) @ (np.eye(36) + 0.5 * W)
    target = truth.targets()
    assert target["x: direct"] == pytest.approx(np.trace(E) / 36, rel=1e-12)
    assert target["x: total"] == pytest.approx(E.sum() / 36, rel=1e-12)
    result = SpatialPanel(truth.series(truth.draw(np.random.default_rng(1))), truth.X, truth.weights).fit()
    again = Truth.of(result, truth.weights).targets()
    np.testing.assert_allclose(again[list(result.params.index)], result.params, rtol=1e-12)
    np.testing.assert_allclose(again.iloc[4:], result.impacts()["estimate"], rtol=1e-10)


def test_estimators_do_what_theory_says(truth):
    table = validate_estimators(truth, 200, seed=5).set_index(["estimator", "parameter"])
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
    table = validate_tests(truth, 120, seed=6)
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


def test_one_draw_is_refused(truth):
    with pytest.raises(RongheError, match="say nothing"):
        validate_estimators(truth, 1, seed=0)
