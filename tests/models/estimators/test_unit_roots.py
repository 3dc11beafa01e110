"""Panel unit-root statistics: published moments and critical values, loops over regions, size and power."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear.unit_roots import Deterministic, Null, dickey_fuller, statistics
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit
from statsmodels.tsa.stattools import adfuller


@pytest.mark.parametrize(("T", "mean", "variance"), [(10, -1.504, 1.069), (15, -1.514, 0.923), (50, -1.527, 0.760)])
def test_moments_of_t_are_those_of_im_pesaran_and_shin(T, mean, variance):
    """Im, Pesaran and Shin (2003), table 1: T rows in the regression, no lags."""
    walks = np.cumsum(np.random.default_rng(0).standard_normal((60_000, 1, T + 1)), axis=2)
    t = dickey_fuller(walks, Deterministic())[0]
    assert t.mean() == pytest.approx(mean, abs=0.012)
    assert t.var() == pytest.approx(variance, abs=0.02)


def test_critical_values_of_cips_are_pesarans():
    """Pesaran (2007), table 2b, N = 10 and T = 20: -2.60, -2.34, -2.21 at 1, 5 and 10 %."""
    draws = Null.simulate(10, 21, Deterministic(), 12000, 1).draws["cips"]
    np.testing.assert_allclose(np.quantile(draws, [0.01, 0.05, 0.1]), [-2.60, -2.34, -2.21], atol=0.035)


@pytest.mark.parametrize("trend", [False, True])
@pytest.mark.parametrize("lags", [0, 1, 2])
def test_single_statistics_equal_statsmodels(trend, lags):
    walks = np.cumsum(np.random.default_rng(3).standard_normal((1, 5, 30)), axis=2)
    ours = dickey_fuller(walks, Deterministic(trend, lags))[0][0]
    theirs = [
        adfuller(y, maxlag=lags, regression="ct" if trend else "c", autolag=None, result_object=False)[0]
        for y in walks[0]
    ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_cips_by_explicit_regressions():
    panel = np.cumsum(np.random.default_rng(4).standard_normal((6, 15)), axis=1)
    average = panel.mean(axis=0)
    t = []
    for y in panel:
        X = np.column_stack([y[:-1], np.ones(14), np.diff(average), average[:-1]])
        b, *_ = np.linalg.lstsq(X, np.diff(y), rcond=None)
        e = np.diff(y) - X @ b
        t.append(b[0] / np.sqrt(e @ e / (14 - 4) * np.linalg.inv(X.T @ X)[0, 0]))
    got = statistics(panel[None], Deterministic(), np.array([-1.0, 0.0]))["cips"][0]
    assert got == pytest.approx(np.mean(np.clip(t, -6.19, 2.61)), rel=1e-10)


def test_levin_lin_chu_is_about_normal_in_long_panels():
    draws = Null.simulate(20, 101, Deterministic(), 400, 1).draws["levin_lin_chu"]
    assert abs(draws.mean()) < 0.25 and draws.std() == pytest.approx(1, abs=0.15)


def panel_of(values: np.ndarray) -> Data:
    n, T = values.shape
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n)], range(2000, 2000 + T)])
    index.names = ["region", "year"]
    return Data(pd.DataFrame({"x": values.ravel()}, index=index), seed=5)


def entry(**changes: object) -> dict:
    return {"name": "t", "kind": "unit_roots", "variables": ["x"], "repetitions": 499} | changes


def test_noise_is_rejected_and_a_walk_is_not():
    rng = np.random.default_rng(6)
    noise = fit(entry(), panel_of(rng.normal(size=(30, 12)))).tables["unit_roots"]
    assert (noise.loc[noise["form"] == "level", "pvalue"] < 0.05).all()
    walk = fit(entry(), panel_of(np.cumsum(rng.normal(size=(30, 12)), axis=1))).tables["unit_roots"]
    level, change = walk[walk["form"] == "level"], walk[walk["form"] == "change"]
    assert (level["pvalue"] > 0.05).all()
    assert (change.loc[change["test"] != "cips", "pvalue"] < 0.05).all()


def test_size_is_kept_in_a_panel_of_eight_years():
    rng = np.random.default_rng(7)
    null = Null.simulate(30, 8, Deterministic(), 1999, 1)
    panels = np.cumsum(rng.normal(size=(600, 30, 8)), axis=2)
    for name, values in statistics(panels, Deterministic(), null.single).items():
        critical = np.quantile(null.draws[name], 0.95 if name == "fisher" else 0.05)
        rejected = np.mean(values > critical if name == "fisher" else values < critical)
        assert 0.02 < rejected < 0.085, name


def test_common_shocks_mislead_all_but_cips():
    rng = np.random.default_rng(8)
    null = Null.simulate(30, 20, Deterministic(), 999, 1)
    walks = np.cumsum(rng.normal(size=(300, 30, 20)) + 2 * rng.normal(size=(300, 1, 20)), axis=2)
    got = statistics(walks, Deterministic(), null.single)
    cips = np.mean(got["cips"] < np.quantile(null.draws["cips"], 0.05))
    fisher = np.mean(got["fisher"] > np.quantile(null.draws["fisher"], 0.95))
    assert cips < 0.09 and fisher > 0.12


def test_too_short_a_panel_is_refused():
    with pytest.raises(RongheError, match="periods leave"):
        fit(entry(lags=1), panel_of(np.random.default_rng(1).normal(size=(5, 8))))
