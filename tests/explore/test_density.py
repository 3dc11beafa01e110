"""Kernel densities: against scipy at the same bandwidth, integration to one, peaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.explore.density import densities_by_year, kernel_density, silverman
from scipy.stats import gaussian_kde


def panel(columns: dict[int, np.ndarray]) -> pd.Series:
    frame = pd.DataFrame(columns, index=[f"r{i:03}" for i in range(len(next(iter(columns.values()))))])
    frame.index.name, frame.columns.name = "region", "year"
    return frame.stack().rename("y")


def test_agrees_with_scipy():
    y = np.random.default_rng(0).normal(size=50)
    grid = np.linspace(-3, 3, 31)
    width = silverman(y)
    other = gaussian_kde(y, bw_method=width / y.std(ddof=1))(grid)
    np.testing.assert_allclose(kernel_density(y, grid, width), other, rtol=1e-12)


def test_bandwidth_by_hand():
    """1..5: sd sqrt(2.5), IQR 2, 2/1.34 is the smaller."""
    assert silverman(np.arange(1.0, 6)) == pytest.approx(0.9 * 2 / 1.34 * 5**-0.2, rel=1e-14)
    # Where half of the values agree the quartile range is zero and the standard deviation stands in.
    spike = np.array([0.0, 1, 1, 1, 1, 1, 9])
    assert silverman(spike) == pytest.approx(0.9 * spike.std(ddof=1) * 7**-0.2, rel=1e-14)


def test_every_year_integrates_to_one():
    rng = np.random.default_rng(1)
    tables = densities_by_year(panel({2013: rng.normal(size=30), 2020: rng.normal(3, 0.2, size=30)}), points=1024)
    for _, part in tables["densities"].groupby("year"):
        assert np.trapezoid(part["density"], part["value"]) == pytest.approx(1, abs=1e-4)
    grids = [part["value"].to_numpy() for _, part in tables["densities"].groupby("year")]
    np.testing.assert_array_equal(*grids)


def test_peaks_and_moments():
    rng = np.random.default_rng(2)
    two = np.r_[rng.normal(0, 0.1, 50), rng.normal(5, 0.1, 150)]
    shapes = densities_by_year(panel({1: rng.normal(size=200), 2: two}))["shapes"]
    assert shapes.loc[2, "peaks"] == 2 and shapes.loc[2, "main_peak"] == pytest.approx(5, abs=0.2)
    assert shapes.loc[2, "mean"] == pytest.approx(two.mean(), rel=1e-14)
    assert shapes.loc[2, "skewness"] < 0


def test_refusals():
    with pytest.raises(RongheError, match="same value in 2"):
        densities_by_year(panel({1: np.array([1.0, 2]), 2: np.array([1.0, 1])}))
    with pytest.raises(RongheError, match="must be positive"):
        densities_by_year(panel({1: np.array([1.0, 2])}), bandwidth=-1)
    with pytest.raises(RongheError, match="missing or infinite"):
        densities_by_year(panel({1: np.array([1.0, np.inf])}))
