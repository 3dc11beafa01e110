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


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.0, None), (None, 1.0)])
@pytest.mark.parametrize("bandwidth", [0.02, 0.15, 0.8, 3.0])
def test_a_bounded_density_has_mass_one_inside_its_bounds_and_none_outside(bounds, bandwidth):
    y = np.r_[0.0, 1.0, np.random.default_rng(3).beta(0.7, 2, size=40)]
    low, high = (b if b is not None else s * 30.0 for b, s in zip(bounds, (-1, 1), strict=True))
    grid = np.linspace(low, high, max(401, int(40 * (high - low) / bandwidth) + 1))
    f = kernel_density(y, grid, bandwidth, bounds)
    # The rule of trapezoids errs by (step / bandwidth)^2.
    assert np.trapezoid(f, grid) == pytest.approx(1, abs=1e-4)
    beyond = np.array([b + s * 0.01 for b, s in zip(bounds, (-1, 1), strict=True) if b is not None])
    assert (kernel_density(y, beyond, bandwidth, bounds) == 0).all()


def test_a_bound_far_away_changes_nothing():
    y = np.random.default_rng(4).normal(size=30)
    grid = np.linspace(-3, 3, 31)
    np.testing.assert_allclose(kernel_density(y, grid, 0.3, (-20.0, 20.0)), kernel_density(y, grid, 0.3), rtol=1e-12)


def test_reflection_removes_the_bias_at_the_bound():
    """The uniform density is one everywhere; without correction half of it is lost at the bound."""
    y = np.linspace(0.0005, 0.9995, 1000)
    plain, kept = (kernel_density(y, np.array([0.0, 0.5, 1.0]), 0.05, b) for b in ((None, None), (0.0, 1.0)))
    assert plain == pytest.approx([0.5, 1, 0.5], abs=1e-3) and kept == pytest.approx([1, 1, 1], abs=1e-3)


def test_bounded_years_share_a_grid_that_ends_at_the_bounds():
    rng = np.random.default_rng(5)
    values = panel({2013: rng.beta(1, 4, size=30), 2020: rng.beta(4, 1, size=30)})
    table = densities_by_year(values, points=2048, bounds=(0.0, 1.0))["densities"]
    assert table["value"].min() == 0 and table["value"].max() == 1
    for _, part in table.groupby("year"):
        assert np.trapezoid(part["density"], part["value"]) == pytest.approx(1, abs=1e-4)
    with pytest.raises(RongheError, match="outside the bounds"):
        densities_by_year(values + 0.9, bounds=(0.0, 1.0))


def test_refusals():
    with pytest.raises(RongheError, match="same value in 2"):
        densities_by_year(panel({1: np.array([1.0, 2]), 2: np.array([1.0, 1])}))
    with pytest.raises(RongheError, match="must be positive"):
        densities_by_year(panel({1: np.array([1.0, 2])}), bandwidth=-1)
    with pytest.raises(RongheError, match="missing or infinite"):
        densities_by_year(panel({1: np.array([1.0, np.inf])}))
