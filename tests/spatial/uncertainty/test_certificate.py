"""The certificate: independent of cores, a known answer, and its sentences; sensitivity against published values."""

import numpy as np
import pandas as pd
import pytest
from panel_builders import make_panel, uneven_ring
from ronghe.errors import RongheError
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
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
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.certificate import METHODS, Setup, certificate
from ronghe.spatial.uncertainty.designs import DESIGNS, Disturbances


@pytest.fixture(scope="module")
def case():
    y, X, W = make_panel(n=16, periods=6, W=uneven_ring(16))
    model = SpatialPanel(y, X, W)
    return model.fit(), model


def test_tables_do_not_depend_on_the_number_of_cores(case):
    settings = {"designs": ("independent", "flipped"), "repetitions": 130, "seed": 4, "hypotheses": ("sar",)}
    one, two = (certificate(*case, "a", **settings, cores=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one.intervals, two.intervals)
    pd.testing.assert_frame_equal(one.sizes, two.sizes)
    assert one.method == two.method and one.verdict == two.verdict
    assert set(one.intervals["quantity"]) == {"rho", "direct", "indirect", "total"}
    assert one.intervals["coverage"].between(0.6, 1).all()
    ratios = one.intervals.set_index("method").loc["CR3, t(G-1)", "length_ratio"]
    np.testing.assert_allclose(ratios, 1.0)


def test_coverage_has_its_known_answer_where_the_model_is_linear():
    # Independent normal errors, no spatial terms: by the normal with sigma2 over n, not n - K, the share of a t with
    # n - K = 75 - 4 degrees of freedom below 1.96 (71 / 75)^(1/2) is .939; CR2 with its own degrees has .95.
    y, X, W = make_panel(n=16, periods=6, W=uneven_ring(16))
    model = SpatialPanel(y, X, W, "slx")
    found = certificate(
        model.fit(),
        model,
        "a",
        ("independent",),
        4000,
        hypotheses=(),
        cores=1,
        methods=tuple(m for m in METHODS if m != "wild bootstrap"),
    )
    table = found.intervals.pivot(index="quantity", columns="method", values="coverage")
    assert list(table.index) == ["direct", "indirect", "total"]
    assert np.all(np.abs(table["independent errors, normal"] - 0.939) < 0.014)
    assert np.all(np.abs(table["CR2, Satterthwaite"] - 0.95) < 0.014)
    assert np.all(np.abs(table["corrected"] - 0.95) < 0.02)
    assert "intervals by" in found.verdict and found.sizes.empty


def test_without_spatial_terms_the_direct_impact_is_all(case):
    y, X, W = make_panel(n=16, periods=6, W=uneven_ring(16))
    model = SpatialPanel(y, X, W, "ols")
    found = certificate(model.fit(), model, "a", ("ar5",), 250, hypotheses=(), cores=1)
    assert list(found.intervals["quantity"].unique()) == ["direct"]
    assert found.intervals["coverage"].between(0.7, 1).all()


def test_truth_may_be_the_user_s(case):
    result, model = case
    setup = Setup.of(result, model, "a", {"rho": 0.1})
    assert setup.truth[0] == 0.1
    same = Setup.of(result, model, "a", {})
    np.testing.assert_allclose(same.truth[1:], result.impacts().loc["a", "estimate"], rtol=1e-8)
    # Without disturbances the truth comes back.
    y = setup.outcomes(1e-6 * np.random.default_rng(0).normal(size=(1, 16, 6)))
    assert abs(Batch(model).fit(y).rho[0] - 0.1) < 1e-3
    with pytest.raises(RongheError, match="lambda"):
        Setup.of(result, model, "a", {"lambda": 0.2})
    with pytest.raises(RongheError, match="1,000"):
        certificate(result, model, "a", repetitions=10)


def test_designs_have_the_dependence_that_they_name():
    rng = np.random.default_rng(1)
    e = rng.normal(size=(6, 8)) * np.arange(1, 7)[:, None]
    shape = Disturbances(2.0, e)
    for name in DESIGNS:
        assert shape.draw(name, rng, 3).shape == (3, 6, 8)
    drawn = shape.draw("ar5", rng, 4000)
    np.testing.assert_allclose(np.mean(drawn[:, :, 1:] * drawn[:, :, :-1]) / np.mean(drawn**2), 0.5, atol=0.02)
    np.testing.assert_allclose(np.mean(drawn**2), 2.0, rtol=0.03)
    unequal = shape.draw("heteroskedastic", rng, 4000)
    np.testing.assert_allclose(unequal.std(axis=(0, 2)) / np.sqrt(2.0), shape.deviations, rtol=0.03)
    spatial = shape.draw("spatial", rng, 8000)
    np.testing.assert_allclose(np.einsum("bit,bjt->ij", spatial, spatial) / 64000, e @ e.T / 8, atol=0.12 * 36)
    flipped = shape.draw("flipped", rng, 5)
    np.testing.assert_allclose(np.abs(flipped), np.abs(np.broadcast_to(e, flipped.shape)))
    with pytest.raises(RongheError, match="allowed"):
        shape.draw("none", rng, 3)


def test_robustness_values_are_those_published_for_darfur():
    # Cinelli and Hazlett (2020), table 1: t 4.18, 783 degrees of freedom; 13.9 %, 7.6 %, 2.2 %.
    assert round(100 * robustness_value(4.18445, 783), 1) == 13.9
    assert round(100 * robustness_value(4.18445, 783, size=0.05), 1) == 7.6
    assert round(100 * partial_r2(4.18445, 783), 1) == 2.2
    estimate, error = adjusted_estimate(0.09731582, 0.02325654, 783, 0.009164287, 0.1246409)
    assert abs(estimate - 0.0752203) < 1e-4 and abs(error - 0.0218733) < 1e-5
    assert robustness_value(1.0, 100, size=0.05) == 0.0


def test_a_confounder_in_the_data_is_what_the_bounds_say():
    # Adding the benchmark itself as confounder: the formula for the bias is an identity.
    y, X, _ = make_panel(n=30, periods=6, W=uneven_ring(30))
    units, times = (pd.factorize(y.index.get_level_values(i))[0] for i in (0, 1))
    layout = Layout(units, times)
    long = fit_least_squares(y.to_numpy(), X.to_numpy(), layout, "twoways")
    short = fit_least_squares(y.to_numpy(), X.to_numpy()[:, :1], layout, "twoways")
    t_b = long.coefficients[1] / np.sqrt(long.bread[1, 1] * long.ssr / long.df_residual)
    with_d = fit_least_squares(X.to_numpy()[:, 0], X.to_numpy()[:, 1:], layout, "twoways")
    t_d = with_d.coefficients[0] / np.sqrt(with_d.bread[0, 0] * with_d.ssr / with_d.df_residual)
    error = np.sqrt(short.bread[0, 0] * short.ssr / short.df_residual)
    low, new_error = adjusted_estimate(
        short.coefficients[0],
        error,
        short.df_residual,
        partial_r2(t_d, with_d.df_residual),
        partial_r2(t_b, long.df_residual),
    )
    gap = abs(short.coefficients[0] - long.coefficients[0])
    np.testing.assert_allclose(abs(short.coefficients[0] - low), gap, rtol=1e-8)
    np.testing.assert_allclose(new_error, np.sqrt(long.bread[0, 0] * long.ssr / long.df_residual), rtol=1e-8)
    table = benchmark_bounds(long, ["a", "b"], "a", ["b"])
    assert np.all(np.diff(table["r2_treatment"].dropna()) > 0)
    assert sensitivity_table(long, ["a", "b"], "a")["robustness_value"] > 0
    with pytest.raises(RongheError, match="own benchmark"):
        benchmark_bounds(long, ["a", "b"], "a", ["a"])


def test_detectable_effects():
    assert abs(detectable_effect(1.0) - 2.8016) < 1e-3
    assert detectable_effect(1.0, 10) > detectable_effect(1.0, 100) > detectable_effect(1.0)
    np.testing.assert_allclose(detectable_from_interval(1.959964, np.inf), 2.8016, atol=1e-3)
    with pytest.raises(RongheError, match="power"):
        detectable_effect(1.0, power=0.01)


def test_weights_of_regions_are_shares_of_what_is_left():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    units = np.repeat(np.arange(8), 5)
    table = region_weights(X, 0, units, list("abcdefgh"))
    assert abs(table["share"].sum() - 1) < 1e-12 and table["share"].is_monotonic_decreasing
    d = X[:, 0] - X[:, 1:] @ np.linalg.lstsq(X[:, 1:], X[:, 0], rcond=None)[0]
    np.testing.assert_allclose(table.at["a", "share"], np.sum(d[:5] ** 2) / np.sum(d**2))
    assert 1 < table.attrs["effective_regions"] <= 8
