"""Robustness values by their paper's example and an added confounder, detectable effects, weights of regions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import LeastSquares, fit_least_squares
from ronghe.linear.sensitivity import (
    adjusted_estimate,
    benchmark_bounds,
    detectable_effect,
    detectable_from_interval,
    partial_r2,
    region_weights,
    robustness_value,
    sensitivity_table,
)
from scipy.integrate import quad
from scipy.stats import chi, norm, t

NAMES = ["directlyharmed", "age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur", "female"]


@pytest.fixture(scope="module")
def darfur() -> LeastSquares:
    """Cinelli and Hazlett's example: attitudes to peace on exposure to violence, village effects taken out."""
    sensemakr = pytest.importorskip("sensemakr", reason="the data are PySensemakr's: pip install --no-deps PySensemakr")
    data = sensemakr.load_darfur()
    villages = pd.factorize(data["village"])[0]
    layout = Layout(villages, data.groupby("village").cumcount().to_numpy())
    return fit_least_squares(data["peacefactor"].to_numpy(), data[NAMES].to_numpy(float), layout, "units", NAMES)


def test_the_papers_example(darfur):
    """Cinelli and Hazlett (2020), table 1: estimate .097, t 4.18, df 783, RV 13.9 and 7.6 %, partial R2 2.2 %."""
    row = sensitivity_table(darfur, NAMES, "directlyharmed")
    assert row["df"] == 783
    assert row["estimate"] == pytest.approx(0.0973, abs=5e-5)
    assert row["statistic"] == pytest.approx(4.18, abs=0.005)
    assert row["partial_r2"] == pytest.approx(0.022, abs=5e-4)
    assert row["robustness_value"] == pytest.approx(0.139, abs=5e-4)
    assert row["robustness_value_significance"] == pytest.approx(0.076, abs=5e-4)


def test_the_values_printed_need_no_data():
    """Table 1 again, from the t and the degrees of freedom alone."""
    assert round(100 * robustness_value(4.18445, 783), 1) == 13.9
    assert round(100 * robustness_value(4.18445, 783, size=0.05), 1) == 7.6
    assert round(100 * partial_r2(4.18445, 783), 1) == 2.2


def test_bounds_and_values_are_those_of_the_authors_program(darfur):
    """Bounds benchmarked on `female`, 1 to 3 times as strong, from the t values of the same regression."""
    import sensemakr

    bounds = benchmark_bounds(darfur, NAMES, "directlyharmed", ["female"])
    errors = np.sqrt(np.diag(darfur.bread) * darfur.ssr / 783)
    whole = darfur.coefficients / errors
    for size in (None, 0.05):
        theirs = sensemakr.robustness_value(t_statistic=pd.Series(whole[:1]), dof=783, alpha=size or 1.0)
        assert robustness_value(whole[0], 783, 1.0, size) == pytest.approx(float(np.ravel(theirs)[0]), rel=1e-10)
    others = [i for i in range(7) if i]
    X, d = darfur.X[:, others], darfur.X[:, 0]
    b = np.linalg.solve(X.T @ X, X.T @ d)
    e = d - X @ b
    first = b[-1] / np.sqrt(np.linalg.inv(X.T @ X)[-1, -1] * (e @ e) / 784)
    theirs = sensemakr.ovb_partial_r2_bound(
        r2dxj_x=partial_r2(first, 784), r2yxj_dx=partial_r2(whole[6], 783), kd=[1, 2, 3], ky=[1, 2, 3]
    )
    np.testing.assert_allclose(bounds["r2_treatment"], theirs["r2dz_x"], rtol=1e-10)
    np.testing.assert_allclose(bounds["r2_outcome"], theirs["r2yz_dx"], rtol=1e-10)
    # As printed by the authors' package for R.
    np.testing.assert_allclose(bounds["adjusted"], [0.0752, 0.0529, 0.0304], atol=5e-5)
    np.testing.assert_allclose(bounds["adjusted_t"], [3.4389, 2.6002, 1.6281], atol=1e-3)


def simulated(seed: int = 0, n: int = 60) -> tuple[np.ndarray, np.ndarray, Layout]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    X[:, 0] += 0.5 * X[:, 1] + 0.3 * X[:, 2]
    y = 0.4 * X[:, 0] + X[:, 1] - 0.5 * X[:, 2] + rng.normal(size=n)
    return y, X, Layout(np.arange(n) // 6, np.arange(n) % 6)


def test_a_confounder_of_known_strength_moves_the_estimate_as_said():
    """An added regressor z: its two partial R2 give coefficient and error of the regression that holds it, exactly."""
    y, X, layout = simulated()
    z = np.random.default_rng(5).normal(size=len(y)) + 0.4 * X[:, 0] + 0.3 * y
    short = fit_least_squares(y, X, layout, "units")
    long = fit_least_squares(y, np.column_stack([X, z]), layout, "units")
    error = np.sqrt(short.bread[0, 0] * short.ssr / short.df_residual)
    wanted = np.sqrt(long.bread[0, 0] * long.ssr / long.df_residual)
    with_outcome = 1 - long.ssr / short.ssr
    on_controls = fit_least_squares(X[:, 0], X[:, 1:], layout, "units").ssr
    with_treatment = 1 - fit_least_squares(X[:, 0], np.column_stack([X[:, 1:], z]), layout, "units").ssr / on_controls
    adjusted, new = adjusted_estimate(short.coefficients[0], error, short.df_residual, with_treatment, with_outcome)
    # The formula moves towards zero; here z takes from the estimate, or adds to it.
    gap = abs(long.coefficients[0] - short.coefficients[0])
    assert abs(adjusted - short.coefficients[0]) == pytest.approx(gap, rel=1e-9)
    assert new == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("statistic", "df"), [(2.5, 40), (4.2, 783), (0.3, 30), (40.0, 25)])
def test_a_confounder_as_strong_as_the_robustness_value_takes_all_of_the_estimate(statistic, df):
    value = robustness_value(statistic, df)
    adjusted, _ = adjusted_estimate(statistic, 1.0, df, value, value)
    assert adjusted == pytest.approx(0, abs=1e-9 * statistic)
    significance = robustness_value(statistic, df, 1.0, 0.05)
    assert significance <= value
    if 0 < significance and statistic < 10:
        left, error = adjusted_estimate(statistic, 1.0, df, significance, significance)
        assert left / error == pytest.approx(t.ppf(0.975, df - 1), rel=1e-9)


def test_an_insignificant_estimate_needs_no_confounder():
    assert robustness_value(1.5, 100, 1.0, 0.05) == 0.0
    assert robustness_value(0.0, 100) == 0.0


@pytest.mark.parametrize("df", [4, 29, 200])
def test_a_detectable_effect_has_its_power(df):
    """Power by integrating the normal over the distribution of the estimated error."""
    effect, critical = detectable_effect(0.5, df), t.ppf(0.975, df)

    def rejected(s: float) -> float:
        shift = effect / 0.5
        return (norm.sf(critical * s - shift) + norm.cdf(-critical * s - shift)) * chi.pdf(s * np.sqrt(df), df)

    assert np.sqrt(df) * quad(rejected, 0, np.inf)[0] == pytest.approx(0.8, abs=1e-7)


def test_with_many_degrees_it_is_2_80_errors_and_follows_from_the_interval():
    assert detectable_effect(1.0) == pytest.approx(norm.ppf(0.975) + norm.ppf(0.8), abs=1e-4)
    assert detectable_from_interval(t.ppf(0.975, 29) * 0.3, 29) == pytest.approx(detectable_effect(0.3, 29), rel=1e-12)


def test_region_weights_are_squared_residuals_of_the_treatment():
    y, X, layout = simulated()
    fit = fit_least_squares(y, X, layout, "units")
    labels = [f"r{i}" for i in range(10)]
    table = region_weights(fit.X, 0, layout.units, labels)
    d = fit.X[:, 0] - fit.X[:, 1:] @ np.linalg.lstsq(fit.X[:, 1:], fit.X[:, 0], rcond=None)[0]
    by_hand = pd.Series([d[layout.units == u] @ d[layout.units == u] for u in range(10)], labels) / (d @ d)
    np.testing.assert_allclose(table["share"], by_hand[table.index], rtol=1e-10)
    assert table["share"].is_monotonic_decreasing and table["cumulated"].iloc[-1] == pytest.approx(1)
    assert table.attrs["effective_regions"] == pytest.approx(1 / (by_hand**2).sum())
    # Weighted regional slopes add up to the coefficient (Frisch and Waugh 1933).
    slopes = [d[layout.units == u] @ fit.y[layout.units == u] / (d @ d) for u in range(10)]
    assert sum(slopes) == pytest.approx(fit.coefficients[0], rel=1e-10)


def test_what_cannot_be_is_refused():
    y, X, layout = simulated()
    fit = fit_least_squares(y, X, layout, "units")
    names = ["x", "a", "b"]
    with pytest.raises(RongheError, match="no such regressors: c"):
        benchmark_bounds(fit, names, "x", ["c"])
    with pytest.raises(RongheError, match="cannot be its own benchmark"):
        benchmark_bounds(fit, names, "x", ["x"])
    with pytest.raises(RongheError, match="no regressor 'q'"):
        sensitivity_table(fit, names, "q")
    with pytest.raises(RongheError, match="0 < size < power < 1"):
        detectable_effect(1.0, power=0.01)
    with pytest.raises(RongheError, match="positive standard error"):
        detectable_effect(0.0)
    with pytest.raises(RongheError, match="too few"):
        robustness_value(2.0, 1)
