"""Quantiles by moments: known location and scale, equivariance, and the bias of short panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit
from ronghe.models.estimators.quantile import by_moments, estimates
from scipy.special import ndtri

TAUS = [0.1, 0.5, 0.9]


def simulated(seed: int, n: int, T: int) -> tuple[np.ndarray, np.ndarray, Layout]:
    """y = a_i + x + (d_i + x) u: the effect at quantile tau is 1 + the normal quantile of tau."""
    rng = np.random.default_rng(seed)
    x, u = rng.uniform(0, 2, size=(n, T)), rng.normal(size=(n, T))
    y = rng.normal(size=(n, 1)) + x + (rng.uniform(0.5, 1, size=(n, 1)) + x) * u
    return y.ravel(), x.ravel()[:, None], Layout(np.repeat(np.arange(n), T), np.tile(np.arange(T), n))


def panel_of(seed: int, n: int, T: int) -> pd.DataFrame:
    y, X, _ = simulated(seed, n, T)
    index = pd.MultiIndex.from_product([[f"r{i:03d}" for i in range(n)], range(2000, 2000 + T)])
    index.names = ["region", "year"]
    return pd.DataFrame({"y": y, "x": X[:, 0]}, index=index)


def entry(**changes: object) -> dict:
    base = {"name": "t", "kind": "quantile", "outcome": "y", "treatment": "x", "controls": [], "effects": "units"}
    return base | {"quantiles": TAUS, "repetitions": 99} | changes


def test_known_quantile_effects_are_recovered_in_a_long_panel():
    found = np.mean([estimates(*simulated(s, 200, 60), "units", TAUS, True)[0][:3] for s in range(8)], axis=0)
    np.testing.assert_allclose(found, 1 + ndtri(TAUS), atol=0.03)


def test_the_jackknife_takes_out_most_of_the_bias_of_eight_periods():
    truth = 1 + ndtri(TAUS)
    plain = np.mean([by_moments(*simulated(s, 1000, 8), "units", TAUS)[0][:, 0] for s in range(40)], axis=0)
    split = np.mean([estimates(*simulated(s, 1000, 8), "units", TAUS, True)[0][:3] for s in range(40)], axis=0)
    assert np.abs(plain - truth)[[0, 2]].min() > 0.24
    assert np.abs(split - truth).max() < 0.06


def test_the_median_location_is_the_within_estimate():
    panel = panel_of(1, 50, 10)
    location = fit(entry(jackknife=False), Data(panel)).coefficients.set_index("term").loc["x[location]", "estimate"]
    within = fit({**entry(), "kind": "fixed_effects", "covariance": "homoskedastic"}, Data(panel)).coefficients
    assert location == pytest.approx(within["estimate"].iloc[0], rel=1e-10)


def test_scale_of_the_outcome_and_a_shift_carry_over():
    """y -> 3 y + 2 x: location moves by 2 after scaling, scale by the factor alone."""
    panel = panel_of(2, 50, 10)
    other = panel.assign(y=3 * panel["y"] + 2 * panel["x"])
    a, b = (
        fit(entry(negative_scale="report"), Data(frame, seed=1)).coefficients["estimate"] for frame in (panel, other)
    )
    np.testing.assert_allclose(b[:4], 3 * a[:4] + 2, rtol=1e-8)
    np.testing.assert_allclose(b[4], 3 * a[4], rtol=1e-8)


def test_an_effect_on_scale_is_found_and_absence_kept():
    assert fit(entry(), Data(panel_of(3, 80, 10), seed=1)).tests["pvalue"].iloc[0] < 1e-6
    flat = panel_of(4, 80, 10)
    flat["y"] = flat["x"] + np.random.default_rng(5).normal(size=len(flat))
    result = fit(entry(), Data(flat, seed=1))
    assert result.tests["pvalue"].iloc[0] > 0.05
    np.testing.assert_allclose(result.coefficients["estimate"][:3], 1, atol=0.25)


def with_negative_scale() -> pd.DataFrame:
    """Return a panel in which the spread falls so steeply with x that the fitted scale of two cells is negative."""
    rng = np.random.default_rng(7)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(40)], range(2000, 2010)], names=["region", "year"])
    x = rng.uniform(0, 1, size=400)
    x[57] = 2.0
    return pd.DataFrame({"x": x, "y": x + (1.2 - x) * rng.normal(size=400)}, index=index)


def test_a_negative_scale_is_refused_by_name_or_reported():
    panel = with_negative_scale()
    with pytest.raises(
        RongheError, match="negative in 2 of 400 cells: r05 2007, r15 2005; .*set negative_scale: report"
    ):
        fit(entry(jackknife=False), Data(panel))
    result = fit(entry(jackknife=False, negative_scale="report", repetitions=19), Data(panel))
    held = result.fit["negative_scale"]
    assert (
        held["cells"] == [["r05", 2007], ["r15", 2005]] and held["regions"] == ["r05", "r15"] and held["n_cells"] == 2
    )
    assert 0 < held["resamples"]["with_negative_scale"] <= 19
    # The cells take part in location and scale, not in the quantiles of the scaled residuals.
    layout = Layout(np.repeat(np.arange(40), 10), np.tile(np.arange(10), 40))
    y, X = panel["y"].to_numpy(), panel[["x"]].to_numpy()
    parts = by_moments(y, X, layout, "units", TAUS)
    location = fit_least_squares(y, X, layout, "units")
    above = location.residuals >= 0
    size = 2 * location.residuals * (above - above.mean())
    fitted = size - fit_least_squares(size, X, layout, "units").residuals
    assert list(np.flatnonzero(parts[3])) == list(np.flatnonzero(fitted <= 0)) == [57, 155]
    q = np.quantile(np.delete(location.residuals / fitted, [57, 155]), TAUS)
    np.testing.assert_allclose(parts[0][:, 0], parts[1] + q * parts[2], rtol=1e-12)


def test_a_positive_scale_is_said_to_be_so():
    held = fit(entry(jackknife=False), Data(panel_of(3, 80, 10), seed=1)).fit["negative_scale"]
    assert held["rule"] == "refuse" and held["n_cells"] == 0 and held["cells"] == []
