"""Bootstraps by unit against regressions on every resample, and the size of the wild bootstrap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import REGRESSORS, linked_panel, munnell_frame, regression
from ronghe.linear.bootstrap import CrossProducts, unit_draws, wild_pvalue
from ronghe.linear.covariance import Choice
from ronghe.linear.layout import Layout
from ronghe.linear.panel_models import fit_panel
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


@pytest.fixture(scope="module")
def munnell() -> pd.DataFrame:
    return munnell_frame()


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return linked_panel()


def test_bootstrap_of_cross_products_is_the_regression_on_resampled_units(panel):
    index = panel.index.remove_unused_levels()
    layout = Layout(index.codes[0].astype(int), index.codes[1].astype(int))
    draws = unit_draws(60, 3, seed=5)
    products = CrossProducts(panel[["y", "x", "w"]].to_numpy(), layout, "twoways")
    got, errors = products.regress_with_errors(0, [1, 2], draws)
    for counts, coefficients, error in zip(draws, got, errors, strict=True):
        blocks = []
        for unit, times in enumerate(counts.astype(int)):
            for copy in range(times):
                block = panel.xs(index.levels[0][unit])
                blocks.append(block.set_index(pd.MultiIndex.from_product([[f"{unit}-{copy}"], block.index])))
        sample = pd.concat(blocks)
        sample.index.names = ["region", "year"]
        direct = fit(regression(outcome="y", treatment="x", controls=["w"]), Data(sample))
        np.testing.assert_allclose(coefficients, direct.coefficients["estimate"], rtol=1e-9)
        # Copies of a unit count as clusters of their own, as in the small-sample factor here.
        factor = 60 / 59 * 359 / (360 - 2 - 6)
        np.testing.assert_allclose(error * np.sqrt(factor), direct.coefficients["std_error"], rtol=1e-9)


@pytest.mark.parametrize("effects", ["units", "twoways", "time"])
def test_wild_bootstrap_by_refitting_every_draw(munnell, effects):
    panel = munnell[munnell.index.get_level_values(1) > 1980]
    index = panel.index.remove_unused_levels()
    layout = Layout(index.codes[0].astype(int), index.codes[1].astype(int))
    y, X = panel["ln_gsp"].to_numpy(), panel[REGRESSORS].to_numpy()
    t, p = wild_pvalue(y, X, layout, effects, 0, 12, seed=4)
    choice = Choice("clustered")

    def statistic(outcome: np.ndarray) -> float:
        found = fit_panel(outcome, X, layout, effects, choice)
        G, n, K = 48, len(y), 4 + {"units": 1, "twoways": 6, "time": 6}[effects]
        bare = found.covariance[0, 0] / (G / (G - 1) * (n - 1) / (n - K))
        return found.coefficients[0] / np.sqrt(bare)

    null = fit_panel(y, X[:, 1:], layout, effects, choice)
    signs = np.random.default_rng(4).choice([-1.0, 1.0], size=(12, 48))
    fitted = null.X @ null.coefficients
    draws = np.array([statistic(fitted + s[layout.units] * null.residuals) for s in signs])
    assert t == pytest.approx(statistic(y), rel=1e-8)
    assert p == pytest.approx((1 + np.sum(np.abs(draws) >= abs(t))) / 13)


def test_wild_bootstrap_keeps_its_size_with_twelve_clusters():
    rejected = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        layout = Layout(np.repeat(np.arange(12), 6), np.tile(np.arange(6), 12))
        x = rng.normal(size=72) * np.repeat(rng.uniform(0.3, 2, 12), 6)
        y = np.repeat(rng.normal(size=12), 6) * x + rng.normal(size=72)
        rejected.append(wild_pvalue(y, x[:, None], layout, "twoways", 0, 199, seed)[1] <= 0.05)
    assert 0.01 < np.mean(rejected) < 0.105
