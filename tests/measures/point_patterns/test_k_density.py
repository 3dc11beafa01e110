"""K-density: against a dense double loop, a known density, the raster's stated error, and the size of the tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ronghe.errors import RongheError
from ronghe.geography import distance_matrix_km
from ronghe.measures.point_patterns.envelopes import envelope_p_value, global_upper_band
from ronghe.measures.point_patterns.k_density import Options, Sites, colocation, localisation
from ronghe.measures.point_patterns.pair_counts import ExactPairs, RasterPairs

# The exact way shares each distance between two bins of a twentieth of the bandwidth: an error of (1/20)^2/8 f''.
EXACT = 2e-3
QUICK = Options(simulations=19, most=100.0, bandwidth=10.0, points=21, cell=0)


def clustered(n: int, seed: int = 0) -> np.ndarray:
    """Return points in km about thirty towns."""
    rng = np.random.default_rng(seed)
    towns = rng.uniform(0, 400, (30, 2))
    return towns[rng.integers(0, 30, n)] + rng.normal(0, 15, (n, 2))


def dense(distances: np.ndarray, e: np.ndarray, d: np.ndarray, h: float) -> np.ndarray:
    """Return the reflected K-density by its formula, over all pairs at all distances at once."""
    pairs = e / e.sum()
    f = np.exp(-(((d[:, None, None] - distances) / h) ** 2) / 2) + np.exp(
        -(((d[:, None, None] + distances) / h) ** 2) / 2
    )
    return (f * pairs).sum(axis=(1, 2)) / (h * np.sqrt(2 * np.pi))


@pytest.mark.parametrize("spherical", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_density_is_the_formula(spherical, weighted):
    points = clustered(300)
    coordinates = np.column_stack([100 + points[:, 0] / 90, 30 + points[:, 1] / 111]) if spherical else points
    members, rng = np.arange(0, 300, 3), np.random.default_rng(1)
    e = rng.lognormal(size=len(members)) if weighted else None
    result = localisation(Sites(coordinates, spherical), members, QUICK, e).curves
    if spherical:
        distances = distance_matrix_km(coordinates[members])
    else:
        distances = np.hypot(*(points[members, None] - points[members]).transpose(2, 0, 1))
    products = np.outer(e, e) if weighted else np.ones(distances.shape)
    np.fill_diagonal(products, 0)
    K = dense(distances, products, result["distance_km"].to_numpy(), 10.0)
    np.testing.assert_allclose(result["density"], K, rtol=EXACT)


def test_codensity_is_the_formula():
    points = clustered(300)
    first, second = np.arange(0, 100), np.arange(100, 260)
    e = (np.random.default_rng(2).lognormal(size=100), np.ones(160))
    result = colocation(Sites(points, False), first, second, QUICK, "labels", e).curves
    distances = np.hypot(*(points[first, None] - points[second]).transpose(2, 0, 1))
    K = dense(distances, np.outer(*e), result["distance_km"].to_numpy(), 10.0)
    np.testing.assert_allclose(result["density"], K, rtol=EXACT)


def test_a_density_of_all_distances_integrates_to_one():
    sites = Sites(clustered(200), False)
    result = localisation(sites, np.arange(50), replace(QUICK, most=700.0, points=2001)).curves
    step = result["distance_km"][1]
    assert result["density"].sum() * step - result["density"].iloc[0] * step / 2 == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("part", "bound"), [(2, 0.03), (4, 0.01)])
def test_the_raster_keeps_its_stated_error(part, bound):
    """Cells of half the bandwidth cost at most 3 percent of the density, cells of a quarter 1 percent."""
    sites, members = Sites(clustered(6000), False), np.arange(1500)
    exact = localisation(sites, members, QUICK)
    raster = localisation(sites, members, replace(QUICK, cell=10.0 / part))
    assert raster.summary["distances"] == "raster"
    np.testing.assert_allclose(raster.curves["density"], exact.curves["density"], rtol=bound)
    # The same seed draws the same sites: bands move as little as the density.
    np.testing.assert_allclose(raster.curves["global_upper"], exact.curves["global_upper"], rtol=bound)
    first, second = np.arange(700), np.arange(700, 1500)
    exact = colocation(sites, first, second, QUICK).curves
    raster = colocation(sites, first, second, replace(QUICK, cell=10.0 / part)).curves
    np.testing.assert_allclose(raster["density"], exact["density"], rtol=bound)


def test_the_raster_loses_no_pair():
    points = clustered(500)
    members, other = np.arange(200), np.arange(200, 320)
    raster, exact = RasterPairs(points, 2000.0, 7.0), ExactPairs(points, False, 2000.0, 1.0)
    for pairs in (raster, exact):
        assert pairs.within(members, None).sum() == pytest.approx(200 * 199, abs=1e-6)
        assert pairs.between(members, other, None).sum() == pytest.approx(200 * 120, abs=1e-6)
    counts = raster.within(members, None)
    assert (counts == np.rint(counts)).all()
    # Mean squared distances agree: what the cells add to it is taken into the distance of each bin and its variance.
    mean = (counts @ (raster.distances**2 + raster.variance)) / counts.sum()
    truth = ((points[members, None] - points[members]) ** 2).sum() / (200 * 199)
    assert mean == pytest.approx(truth, rel=2e-3)


def test_size_under_the_null():
    """Industries that are random draws of sites leave the global bands in some 5 percent of cases on each side."""
    sites, rng, n = Sites(clustered(3000), False), np.random.default_rng(5), 120
    options = replace(QUICK, simulations=99, points=25)
    verdicts, p = [], []
    for k in range(n):
        members = rng.choice(3000, 60, replace=False)
        summary = localisation(sites, members, replace(options, seed=k)).summary
        verdicts.append(summary["verdict"])
        p.append(summary["p_localised"])
    # Three binomial standard errors of 120 draws about 0.05; the p-value is exact, so uniform.
    error = 3 * np.sqrt(0.05 * 0.95 / n)
    assert abs(np.mean([v == "localised" for v in verdicts]) - 0.05) < error
    assert abs(np.mean(np.array(p) <= 0.05) - 0.05) < error
    assert abs(np.mean(p) - 0.5) < 3 * np.sqrt(1 / 12 / n)


@pytest.mark.parametrize("null", ["labels", "sites"])
def test_size_of_the_test_of_colocation(null):
    """Two random parts of one cluster are as random under labels; random draws of all plants are so under sites."""
    points, rng, n = clustered(3000), np.random.default_rng(9), 120
    sites = Sites(points, False)
    near = np.argsort(np.hypot(*(points - points[0]).T))[:400]
    p = []
    for k in range(n):
        drawn = rng.permutation(near if null == "labels" else 3000)[:90]
        options = replace(QUICK, seed=k)
        p.append(colocation(sites, drawn[:40], drawn[40:], options, null).summary["p_localised"])
    # Of nineteen simulations p is 1/20, ..., 1, each as likely: exact whatever their number.
    assert abs(np.mean(p) - 10.5 / 20) < 3 * np.sqrt(1 / 12 / n)
    assert abs(np.mean(np.array(p) <= 0.05) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n)


def test_truth_is_found():
    points = clustered(4000)
    sites = Sites(points, False)
    near = np.argsort(np.hypot(*(points - points[0]).T))
    rng = np.random.default_rng(7)
    assert localisation(sites, near[:100], replace(QUICK, simulations=99)).summary["verdict"] == "localised"
    # The two halves of one cluster belong together; one half and a far cluster do not.
    mixed = rng.permutation(near[:200])
    together = colocation(sites, mixed[:100], mixed[100:], replace(QUICK, simulations=99), "sites").summary
    apart = colocation(sites, near[:100], near[-100:], replace(QUICK, simulations=99)).summary
    assert together["verdict"] == "localised" and together["p_localised"] == 0.01
    assert apart["verdict"] == "dispersed" and apart["p_dispersed"] == 0.01


def test_threads_change_nothing():
    sites, members = Sites(clustered(2000), False), np.arange(500)
    one, two = (localisation(sites, members, replace(QUICK, cell=4.0, threads=t)) for t in (1, 2))
    assert one.curves.equals(two.curves)


def test_projection_states_its_error():
    rng = np.random.default_rng(1)
    coordinates = rng.uniform([100, 20], [120, 45], (2000, 2))
    plane, error = Sites(coordinates, True).plane()
    assert 0.005 < error < 0.02
    true = distance_matrix_km(coordinates[:200])
    flat = np.hypot(*(plane[:200, None] - plane[:200]).transpose(2, 0, 1))
    near = (true > 0) & (true < 300)
    assert np.abs(flat[near] / true[near] - 1).max() < error
    assert Sites(rng.uniform([-75, -5], [-60, 5], (500, 2)), True).plane()[1] < 0.01


def test_bands_by_hand():
    curves = np.arange(1.0, 21)[:, None] * np.array([1.0, 1.0])
    # Twenty curves that never cross: one of them (5 percent) may pass the band, which is then the second largest.
    assert global_upper_band(curves, 0.05).tolist() == [19, 19]
    assert envelope_p_value(np.array([21.0, 21.0]), curves) == 1 / 21
    # Highest at one distance and lowest at the other: the largest curve, first and second, is more extreme.
    assert envelope_p_value(np.array([21.0, 0.0]), curves) == 2 / 21
    assert envelope_p_value(np.array([19.5, 19.5]), curves) == 2 / 21


def test_bad_points_are_refused():
    good = clustered(10)
    for build, message in {
        lambda: Sites(np.array([[200.0, 3.0]]), True): "rows 1: longitude beyond 180",
        lambda: Sites(np.array([[np.nan, 3.0]]), False): "two finite coordinates",
        lambda: localisation(Sites(good, False), np.array([1]), QUICK): "at least 2",
        lambda: localisation(Sites(good, False), np.array([1, 1]), QUICK): "stands twice",
        lambda: localisation(Sites(good, False), np.array([1, 11]), QUICK): "not among the 10 sites",
        lambda: localisation(Sites(good, False), np.array([1, 2]), QUICK, np.array([1, -1.0])): "weights",
        lambda: colocation(Sites(good, False), np.array([1, 2]), np.array([2, 3]), QUICK): "both industries",
        lambda: localisation(Sites(np.ones((9, 2)), False), np.arange(3), Options(19)): "on one spot",
        lambda: localisation(Sites(good, False), np.arange(2), Options(19)): "give 'bandwidth_km'",
    }.items():
        with pytest.raises(RongheError, match=message):
            build()
