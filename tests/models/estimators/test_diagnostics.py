"""Diagnostics against statsmodels, hand calculation, and panels with a known fault."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.linear.absorption import absorb
from ronghe.linear.layout import Layout
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.outliers_influence import variance_inflation_factor
from statsmodels.stats.stattools import jarque_bera


def simulated(seed: int = 0, n: int = 40, T: int = 10, persistence: float = 0.0, spread: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n)], range(2000, 2000 + T)])
    index.names = ["region", "year"]
    x = rng.normal(size=(n, T))
    w = 0.8 * x + rng.normal(size=(n, T))
    e = rng.normal(size=(n, T)) * np.exp(spread * rng.normal(size=(n, 1)))
    for t in range(1, T):
        e[:, t] += persistence * e[:, t - 1]
    y = x - w + rng.normal(size=(n, 1)) + e
    return pd.DataFrame({"y": y.ravel(), "x": x.ravel(), "w": w.ravel()}, index=index)


def diagnose(panel: pd.DataFrame, effects: str = "units") -> object:
    base = {"name": "b", "kind": "fixed_effects", "outcome": "y", "treatment": "x", "controls": ["w"]}
    base["effects"] = effects
    return fit({"name": "t", "kind": "diagnostics", "of": base}, Data(panel))


def test_breusch_pagan_and_jarque_bera_equal_statsmodels():
    panel = simulated(spread=0.5)
    index = panel.index.remove_unused_levels()
    layout = Layout(index.codes[0].astype(int), index.codes[1].astype(int))
    within = absorb(panel.to_numpy(), layout, "units")
    e = within[:, 0] - within[:, 1:] @ np.linalg.lstsq(within[:, 1:], within[:, 0], rcond=None)[0]
    tests = diagnose(panel).tests.set_index("test")
    lm, p, _, _ = het_breuschpagan(e, np.column_stack([np.ones(len(e)), within[:, 1:]]))
    assert tests.loc["Breusch-Pagan", "statistic"] == pytest.approx(lm, rel=1e-9)
    assert tests.loc["Breusch-Pagan", "pvalue"] == pytest.approx(p, rel=1e-8)
    assert tests.loc["Jarque-Bera", "statistic"] == pytest.approx(jarque_bera(e)[0], rel=1e-9)
    wald = tests.loc["modified Wald", "statistic"]
    own = (e.reshape(40, 10) ** 2).mean(axis=1)
    spread = ((e.reshape(40, 10) ** 2 - own[:, None]) ** 2).sum(axis=1) / 10 / 9
    assert wald == pytest.approx(np.sum((own - own.mean()) ** 2 / spread), rel=1e-10)


def test_variance_inflation_equals_statsmodels():
    panel = simulated()
    table = diagnose(panel).tables["collinearity"].set_index("variable")
    X = np.column_stack([np.ones(len(panel)), panel[["x", "w"]]])
    wanted = [variance_inflation_factor(X, i) for i in (1, 2)]
    np.testing.assert_allclose(table["vif"], wanted, rtol=1e-9)
    within = panel - panel.groupby(level=0).transform("mean")
    r = within["x"].corr(within["w"])
    np.testing.assert_allclose(table["vif_within"], 1 / (1 - r**2), rtol=1e-9)


@pytest.mark.parametrize("effects", ["units", "twoways"])
def test_serial_correlation_keeps_its_size_and_has_power(effects, kernel_fits):
    name = "Wooldridge serial correlation"
    null = [diagnose(simulated(s), effects).tests.set_index("test").loc[name, "pvalue"] < 0.05 for s in range(100)]
    # Three binomial errors.
    assert 0.0 < np.mean(null) < 0.115
    assert diagnose(simulated(persistence=0.6), effects).tests.set_index("test").loc[name, "pvalue"] < 1e-3


def test_common_shocks_are_found():
    panel = simulated()
    shock = np.random.default_rng(3).normal(size=10) * 2
    panel["y"] += np.tile(shock, 40)
    assert diagnose(panel).tests.set_index("test").loc["Pesaran CD", "pvalue"] < 1e-6
    assert diagnose(simulated()).tests.set_index("test").loc["Pesaran CD", "pvalue"] > 0.01


def test_correlations_are_pairwise():
    panel = simulated()
    table = diagnose(panel).tables["correlations"].set_index(["variable", "with"])
    assert len(table) == 3
    assert table.loc[("w", "x"), "correlation"] == pytest.approx(panel["w"].corr(panel["x"]), rel=1e-12)
