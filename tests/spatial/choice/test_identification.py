"""Tests of the identification table: its numbers are those of the tests it gathers, its verdicts follow the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import grid
from ronghe.errors import RongheError
from ronghe.spatial.choice.identification import identification_table
from ronghe.spatial.choice.lagrange import lm_tests
from ronghe.spatial.choice.nested_tests import nested_tests
from spatial.choice.test_nested_tests import circle


def simulate(seed, rho=0.0, lam=0.0, theta=0.0, time=2.0, n=49, n_periods=10):
    generator = np.random.default_rng(seed)
    weights = circle(n)
    W = weights.sparse.toarray()
    mu, tau = generator.normal(size=(n, 1)), time * generator.normal(size=n_periods)
    x = generator.normal(size=(n, n_periods)) + 0.8 * mu
    u = np.linalg.solve(np.eye(n) - lam * W, generator.normal(size=(n, n_periods)))
    y = np.linalg.solve(np.eye(n) - rho * W, x + theta * W @ x + mu + tau + u)
    index = grid(weights.labels, range(n_periods))
    return pd.Series(y.ravel(), index, name="y"), pd.DataFrame({"x": x.ravel()}, index), weights


def test_numbers_are_those_of_the_single_tests(munnell):
    found = identification_table(*munnell, draws=0)
    table = found.table.set_index("test")
    lm = lm_tests(*munnell, "twoways", "lee_yu").set_index("test")["statistic"]
    assert table.loc["robust LM lag", "statistic"] == lm["robust_lm_lag"]
    nested = nested_tests(*munnell).set_index("test")["statistic"]
    assert table.loc["LR: sdm against sem", "statistic"] == nested["LR: sdm against sem"]
    assert list(found.table["step"].unique()) == [
        "dependence",
        "fixed effects",
        "fixed or random",
        "restrictions",
        "conclusion",
    ]
    assert found.model == "sdm" and found.effects == "twoways"
    assert found.verdict == "SDM with two-way effects"
    assert "fixed effects" in found.verdicts["fixed or random"]
    assert found.table.drop(columns=["note", "verdict"]).iloc[:-1].notna().sum().min() >= len(found.table) - 3


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        ({"rho": 0.5}, "sar"),
        ({"lam": 0.6}, "sem"),
        ({"rho": 0.4, "theta": 0.8}, "sdm"),
        ({"theta": 0.8}, "slx"),
        ({}, "ols"),
    ],
)
def test_verdicts_follow_the_truth(model, settings):
    found = [identification_table(*simulate(seed, **settings), draws=99) for seed in range(3)]
    # Tests of 5 % reject a restriction that holds now and then.
    assert sum(f.model == model for f in found) >= 2
    assert all(f.effects == "twoways" for f in found)


def test_verdicts_rest_on_the_bootstrap(munnell):
    found = identification_table(*munnell, draws=999)
    table = found.table.set_index("code")
    textbook = identification_table(*munnell, draws=0).table.set_index("code")
    common = textbook.index.drop("conclusion")
    np.testing.assert_array_equal(table.loc[common, "statistic"], textbook["statistic"].drop("conclusion"))
    # The common factor: textbook .01 (disturbances as independent), by wild bootstrap of whole states not rejected.
    assert table.loc["wald_sem", "pvalue"] < 0.02 and table.loc["wild_sem", "pvalue"] > 0.05
    assert table.loc["wald_sar", "pvalue"] < 1e-3 and table.loc["wild_sar", "pvalue"] > 0.05
    assert table.loc["wild_ols", "pvalue"] < 0.05 and found.model in ("sar", "sem")
    assert table.loc["wild_means", "step"] == "fixed or random" and table.loc["wild_means", "df"] == 8


def test_effects_that_are_absent_are_not_found():
    found = [identification_table(*simulate(seed, rho=0.4, time=0.0), effects="units", draws=0) for seed in range(6)]
    assert sum(f.effects == "units" for f in found) >= 5
    assert all(f.verdict == "SAR with unit effects" for f in found if f.model == "sar" and f.effects == "units")
    other = identification_table(*simulate(1, rho=0.4), effects="units", draws=0)
    assert "run them again" in other.verdict


def test_refusals():
    with pytest.raises(RongheError, match="level must lie"):
        identification_table(*simulate(0), level=5)
