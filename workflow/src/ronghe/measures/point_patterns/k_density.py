"""K-density of an industry's location, and of two industries' co-location, against simulated locations.

Duranton and Overman (2005, "Testing for localization using micro-geographic data", Review of Economic Studies 72) for
one industry; Duranton and Overman (2008, Journal of Regional Science 48) for two.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyproj import Proj

from ronghe.errors import RongheError, listing, require_count, require_known, require_positive, require_share
from ronghe.geography import EARTH_RADIUS_KM
from ronghe.measures.point_patterns.envelopes import (
    envelope_p_value,
    global_lower_band,
    global_upper_band,
    local_bands,
)
from ronghe.measures.point_patterns.pair_counts import ExactPairs, PairCounts, RasterPairs

Draw = Callable[[np.random.Generator], tuple[np.ndarray, ...]]
NULLS = ("sites", "labels")
# Pairs whose distances tell spread and median where there are more.
SAMPLED_PAIRS = 500_000
# Distances of pairs over all simulations up to which each is worked out: some ten seconds.
EXACT_PAIRS = 1e8
# Beyond this many bandwidths the normal kernel is below 4e-6 of its height.
TAIL = 5.0


@dataclass(frozen=True)
class Options:
    """How K-densities are estimated and tested; what is None is chosen from the data and reported."""

    simulations: int = 1000
    level: float = 0.05
    seed: int = 1
    most: float | None = None
    bandwidth: float | None = None
    cell: float | None = None
    points: int = 100
    threads: int = 1

    def __post_init__(self) -> None:
        for name, least in (("simulations", 1), ("seed", 0), ("points", 2), ("threads", 1)):
            require_count(getattr(self, name), f"K-density: {name}", least)
        require_share(self.level, "K-density: level")
        for name in ("most", "bandwidth", "cell"):
            # Cells of side 0: every distance is worked out.
            if getattr(self, name) is not None and not (name == "cell" and self.cell == 0):
                require_positive(getattr(self, name), f"K-density: {name}")


@dataclass(frozen=True)
class Density:
    """`curves`: K-density with local and global bands by distance; `summary`: one row of tests and what was chosen."""

    curves: pd.DataFrame
    summary: dict[str, object]


@dataclass(frozen=True)
class Sites:
    """Positions of all plants, any of which a plant could have taken: degrees if `spherical`, else km on a plane."""

    coordinates: np.ndarray
    spherical: bool

    def __post_init__(self) -> None:
        c = self.coordinates
        if c.ndim != 2 or c.shape[1] != 2 or not np.isfinite(c).all():
            raise RongheError("sites: two finite coordinates for each plant are needed; leave plants without them out")
        limits = np.array([180.0, 90.0])
        outside = np.flatnonzero((np.abs(c) > limits).any(axis=1)) if self.spherical else []
        if len(outside):
            raise RongheError(
                f"sites: rows {listing(outside + 1)}: longitude beyond 180 or latitude beyond 90 degrees; see whether "
                "the two are exchanged, or say that the coordinates are kilometres"
            )

    def plane(self) -> tuple[np.ndarray, float]:
        """Return the sites in km on a plane, and the largest share by which it stretches or shrinks a short distance.

        Degrees go through a conformal conic projection (Mercator's across the equator), scaled to be right on average.
        """
        if not self.spherical:
            return self.coordinates, 0.0
        longitude, latitude = self.coordinates.T
        turn = np.exp(1j * np.radians(longitude))
        centre = float(np.degrees(np.angle(turn.mean())))
        low, high = float(latitude.min()), float(latitude.max())
        south, north = low + (high - low) / 6, high - (high - low) / 6
        sphere = {"R": 1000 * EARTH_RADIUS_KM, "units": "km", "lon_0": centre}
        if abs(south + north) < 10:
            plane = Proj(proj="merc", lat_ts=(abs(low) + abs(high)) / 4, **sphere)
        else:
            plane = Proj(proj="lcc", lat_1=south, lat_2=north, lat_0=(low + high) / 2, **sphere)
        scale = plane.get_factors(longitude, latitude).meridional_scale
        points = np.column_stack(plane(longitude, latitude)) / scale.mean()
        return points, float(np.abs(scale / scale.mean() - 1).max())


def localisation(sites: Sites, members: np.ndarray, options: Options, weights: np.ndarray | None = None) -> Density:
    """Return the K-density of the plants at `members` (rows of the sites) and its test against random sites.

    K(d) = sum_{i != j} e_i e_j f((d - d_ij)/h) / (h sum_{i != j} e_i e_j), f normal, reflected at 0; without weights
    all e are 1. A simulation puts the same plants on sites drawn from all, no site twice.
    """
    members = _checked(members, sites, "industry")
    e = _checked_weights(weights, members)

    def draw(rng: np.random.Generator) -> tuple[np.ndarray]:
        return (rng.choice(len(sites.coordinates), len(members), replace=False, shuffle=e is not None),)

    def count(pairs: PairCounts, chosen: tuple[np.ndarray, ...]) -> np.ndarray:
        return pairs.within(chosen[0], e)

    n = len(members)
    mass = n * (n - 1.0) if e is None else e.sum() ** 2 - e @ e
    return _test(sites, (members,), mass, draw, count, options)


def colocation(
    sites: Sites,
    first: np.ndarray,
    second: np.ndarray,
    options: Options,
    null: str = "labels",
    weights: tuple[np.ndarray, np.ndarray] | None = None,
) -> Density:
    """Return the K-density of distances between two industries' plants and its test.

    Under "labels" the plants of the two industries change places with each other: are they nearer than two parts of one
    industry would be? Under "sites" both move to sites drawn from all: are they nearer than industry at large?
    """
    require_known(null, NULLS, "null hypothesis", "colocation")
    first, second = _checked(first, sites, "first industry"), _checked(second, sites, "second industry")
    if len(np.intersect1d(first, second)):
        raise RongheError("colocation: a plant stands in both industries; put it in one")
    e = None if weights is None else (_checked_weights(weights[0], first), _checked_weights(weights[1], second))
    pool = np.concatenate([first, second])

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        drawn = (
            rng.permutation(pool) if null == "labels" else rng.choice(len(sites.coordinates), len(pool), replace=False)
        )
        return drawn[: len(first)], drawn[len(first) :]

    def count(pairs: PairCounts, chosen: tuple[np.ndarray, ...]) -> np.ndarray:
        return pairs.between(chosen[0], chosen[1], e)

    mass = float(len(first) * len(second)) if e is None else float(e[0].sum() * e[1].sum())
    return _test(sites, (first, second), mass, draw, count, options)


def _checked(members: np.ndarray, sites: Sites, what: str) -> np.ndarray:
    members = np.asarray(members, np.intp)
    if len(members) < 2:
        raise RongheError(f"{what}: {len(members)} plants have no distances to tell; at least 2 are needed")
    if len(np.unique(members)) < len(members):
        raise RongheError(f"{what}: a plant stands twice among its members; name each once")
    if members.min() < 0 or members.max() >= len(sites.coordinates):
        raise RongheError(f"{what}: a member is not among the {len(sites.coordinates)} sites")
    return members


def _checked_weights(weights: np.ndarray | None, members: np.ndarray) -> np.ndarray | None:
    if weights is None:
        return None
    e = np.asarray(weights, float)
    if e.shape != members.shape or not np.isfinite(e).all() or (e < 0).any() or np.count_nonzero(e) < 2:
        raise RongheError("weights: one finite number from 0 for each plant is needed, at least two of them above 0")
    return e


def _test(
    sites: Sites,
    observed: tuple[np.ndarray, ...],
    mass: float,
    draw: Draw,
    count: Callable[[PairCounts, tuple[np.ndarray, ...]], np.ndarray],
    options: Options,
) -> Density:
    """Return the observed K-density beside those of simulated members."""
    setup = np.random.default_rng([options.seed, 0])
    points, distortion = sites.plane()
    everyone = np.arange(len(points))
    most = options.most or float(np.median(_sampled(points, (everyone,), setup)))
    h = options.bandwidth or _silverman(_sampled(points, observed, setup), _number_of_pairs(observed))
    n = [len(members) for members in observed]
    exact = options.cell == 0 or (options.cell is None and n[0] * n[-1] * (options.simulations + 1) <= EXACT_PAIRS)
    pairs: PairCounts
    if exact:
        pairs = ExactPairs(sites.coordinates, sites.spherical, most + TAIL * h, h / 20)
        distortion = 0.0
    else:
        pairs = RasterPairs(points, most + TAIL * h, options.cell or h / 2)
    d = np.linspace(0, most, options.points)
    smooth = kernel_operator(d, pairs.distances, float(np.sqrt(h**2 + pairs.variance))) / mass
    seeds = np.random.SeedSequence([options.seed, 1]).spawn(options.simulations)

    def simulate(seed: np.random.SeedSequence) -> np.ndarray:
        return smooth @ count(pairs, draw(np.random.default_rng(seed)))

    K = smooth @ count(pairs, observed)
    with ThreadPoolExecutor(options.threads) as workers:
        curves = np.array(list(workers.map(simulate, seeds)))
    summary = {
        **{f"plants_{i}" if len(n) > 1 else "plants": size for i, size in enumerate(n, start=1)},
        "sites": len(points),
        "simulations": options.simulations,
        "most_km": most,
        "bandwidth_km": h,
        "distances": "exact" if exact else "raster",
        "cell_km": 0.0 if exact else float(np.sqrt(6 * pairs.variance)),
        "projection_error": distortion,
    }
    return _result(d, K, curves, options.level, summary)


def _number_of_pairs(members: tuple[np.ndarray, ...]) -> float:
    """Return the number of pairs behind a K-density."""
    n = [len(part) for part in members]
    return n[0] * (n[0] - 1) / 2 if len(n) == 1 else float(n[0] * n[1])


def _sampled(points: np.ndarray, members: tuple[np.ndarray, ...], rng: np.random.Generator) -> np.ndarray:
    """Return distances of pairs drawn at random, one of each group, or two of the one."""
    i, j = (points[rng.choice(members[k], SAMPLED_PAIRS)] for k in (0, -1))
    d = np.hypot(*(i - j).T)
    d = d[d > 0]
    if len(d) == 0:
        raise RongheError("K-density: the plants stand on one spot: there is no distance to tell")
    return d


def _silverman(d: np.ndarray, n_pairs: float) -> float:
    """Return 0.9 min(standard deviation, quartile range / 1.34) N^(-1/5) of N distances (Silverman 1986, eq. 3.31)."""
    quartiles = np.quantile(d, [0.25, 0.75])
    spread = min(d.std(), np.ptp(quartiles) / 1.34)
    if spread < 1e-6 * d.max():
        raise RongheError(
            "K-density: at least half of all distances are equal: no bandwidth follows; give 'bandwidth_km'"
        )
    return float(0.9 * spread * n_pairs**-0.2)


def kernel_operator(d: np.ndarray, distances: np.ndarray, h: float) -> np.ndarray:
    """Return the matrix that takes pairs in bins to sums of normal kernels at `d`, reflected at 0."""
    away, mirrored = (d[:, None] - distances) / h, (d[:, None] + distances) / h
    return (np.exp(-(away**2) / 2) + np.exp(-(mirrored**2) / 2)) / (h * np.sqrt(2 * np.pi))


def _result(d: np.ndarray, K: np.ndarray, curves: np.ndarray, level: float, summary: dict[str, object]) -> Density:
    lower, upper = local_bands(curves, level)
    low, high = global_lower_band(curves, level), global_upper_band(curves, level)
    above = np.maximum(K - high, 0)
    # What crowds at short distances is thin at long ones: dispersion is told only of what is nowhere localised.
    below = np.maximum(low - K, 0) if not above.any() else np.zeros_like(K)
    table = pd.DataFrame(
        {
            "distance_km": d,
            "density": K,
            "local_lower": lower,
            "local_upper": upper,
            "global_lower": low,
            "global_upper": high,
            "localisation": above,
            "dispersion": below,
        }
    )
    step = d[1] - d[0]
    verdict = "localised" if above.any() else "dispersed" if below.any() else "as random"
    tests = {
        "localisation": float(above.sum() * step),
        "dispersion": float(below.sum() * step),
        "p_localised": envelope_p_value(K, curves),
        "p_dispersed": envelope_p_value(-K, -curves),
        "verdict": verdict,
    }
    return Density(table, {**summary, **tests})
