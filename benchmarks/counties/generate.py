"""Generates counties: irregular neighbours on a map, provinces, and raw tables made by a Durbin process that is known.

Every figure is generated, with a fixed seed; nothing is observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from ronghe.geography import great_circle_km
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial import Delaunay

LAST_YEAR = 2020
SPACING = 0.35  # degrees between neighbours
SECTORS = {
    "agriculture": 0.25,
    "manufacturing": 0.28,
    "retail": 0.2,
    "transport": 0.08,
    "information": 0.04,
    "finance": 0.05,
    "leasing_business": 0.06,
    "research_technical": 0.04,
}
PARTNERS = ("transport", "information", "finance", "leasing_business", "research_technical")
# y = rho W y + x beta + W x theta + county + year + e, and e follows its own past within a county.
TRUTH = {
    "rho": 0.4,
    "coagglomeration.index": 0.15,
    "urbanisation": 0.6,
    "log_roads": 0.1,
    "W*coagglomeration.index": 0.05,
    "W*urbanisation": -0.3,
    "W*log_roads": 0.02,
}
ERROR, PERSISTENCE = 0.1, 0.5


@dataclass(frozen=True)
class Counties:
    """The table of counties, each pair of neighbours once, and the figures by county and year."""

    regions: pd.DataFrame
    borders: pd.DataFrame
    figures: pd.DataFrame

    def write(self, folder: Path) -> None:
        """Write the raw tables."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("regions", "borders", "figures"):
            getattr(self, name).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def generate(counties: int, years: int, seed: int = 20201231) -> Counties:
    """Return that many counties and years."""
    rng = np.random.default_rng(seed)
    place = _places(counties, rng)
    pairs = _neighbors(place)
    names = np.array([f"County {k:0{len(str(counties))}d}" for k in range(1, counties + 1)])
    seats = place[np.sort(rng.choice(counties, max(4, counties // 100), replace=False))]
    near = ((place[:, None] - seats[None]) ** 2).sum(axis=2).argmin(axis=1)
    regions = pd.DataFrame(
        {
            "County": names,
            "Province": [f"Province {k + 1:02d}" for k in near],
            "Longitude": place[:, 0].round(5),
            "Latitude": place[:, 1].round(5),
        }
    )
    borders = pd.DataFrame({"County": names[pairs[:, 0]], "Neighbour": names[pairs[:, 1]]})
    return Counties(regions, borders, _figures(names, _row_standardised(pairs, counties), years, rng))


def _places(counties: int, rng: np.random.Generator) -> np.ndarray:
    """Return longitude and latitude on a shaken grid around 105 degrees east, 35 north."""
    side = int(np.ceil(np.sqrt(counties)))
    grid = np.stack(np.divmod(np.arange(counties), side), axis=1) + rng.uniform(-0.4, 0.4, (counties, 2))
    return np.array([105.0, 35.0]) + SPACING * (grid[:, ::-1] - side / 2)


def _neighbors(place: np.ndarray) -> np.ndarray:
    """Return pairs whose Voronoi cells touch; at the rim of the map far cells do, and are left out."""
    corners = Delaunay(place).simplices
    pairs = np.unique(np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])), axis=0)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    first, second = place[pairs[:, 0]], place[pairs[:, 1]]
    distance = great_circle_km(first[:, 0], first[:, 1], second[:, 0], second[:, 1])
    return pairs[distance < 2.2 * np.median(distance)]


def _row_standardised(pairs: np.ndarray, n: int) -> sparse.csr_array:
    both = np.concatenate([pairs, pairs[:, ::-1]])
    W = sparse.csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(n, n))
    return sparse.csr_array(sparse.diags_array(1 / W.sum(axis=1)) @ W)


def _wave(shape: tuple[int, int], persistence: float, rng: np.random.Generator) -> np.ndarray:
    """Return draws of variance one that follow their own past over the second axis."""
    draws = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        draws[:, t] = persistence * draws[:, t - 1] + np.sqrt(1 - persistence**2) * draws[:, t]
    return draws


def _figures(names: np.ndarray, W: sparse.csr_array, years: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row by county and year; regressors are computed from the rounded figures that the tables hold."""
    n, shape = len(names), (len(names), years)
    growth = 1.02 ** np.arange(years)
    population = np.rint(np.exp(12.5 + 0.6 * rng.standard_normal((n, 1))) * growth)
    jobs = {}
    for sector, share in SECTORS.items():
        taste = 0.5 * rng.standard_normal((n, 1)) + 0.25 * _wave(shape, 0.8, rng)
        jobs[sector] = np.maximum(np.rint(0.5 * population * share * np.exp(taste)), 1)
    total = np.sum(list(jobs.values()), axis=0)
    urban = np.rint(population / (1 + np.exp(-0.5 * rng.standard_normal((n, 1)) - 0.3 * _wave(shape, 0.8, rng))))
    roads = np.round(np.exp(7 + 0.4 * rng.standard_normal((n, 1)) + 0.2 * _wave(shape, 0.8, rng)), 1)
    X = {
        "coagglomeration.index": coagglomeration(jobs["manufacturing"], sum(jobs[p] for p in PARTNERS), total),
        "urbanisation": urban / population,
        "log_roads": np.log(roads),
    }
    of_county = 0.3 * rng.standard_normal((n, 1)) + 0.2 * X["coagglomeration.index"].mean(axis=1, keepdims=True)
    surface = of_county + 0.04 * np.arange(years) + 5.0 + ERROR * _wave(shape, PERSISTENCE, rng)
    for name, x in X.items():
        surface = surface + TRUTH[name] * x + TRUTH[f"W*{name}"] * (W @ x)
    y = spsolve((sparse.eye_array(n) - TRUTH["rho"] * W).tocsc(), surface)
    value = np.exp(y) * jobs["manufacturing"]
    gdp = value + np.exp(4.6 + 0.2 * _wave(shape, 0.8, rng)) * (total - jobs["manufacturing"])
    columns = {
        "County": np.repeat(names, years),
        "Year": np.tile(np.arange(LAST_YEAR - years + 1, LAST_YEAR + 1), n),
        "Population": population,
        "Urban population": urban,
        "Roads": roads,
        "GDP": np.round(gdp, 2),
        "Value added of manufacturing": np.round(value, 3),
        "Jobs": total,
        **{f"Jobs in {sector}": figures for sector, figures in jobs.items()},
    }
    table = pd.DataFrame({name: np.asarray(column).ravel() for name, column in columns.items()})
    whole = [name for name in table if name.startswith(("Jobs", "Population", "Urban"))]
    return table.astype(dict.fromkeys(whole, "int64"))


def coagglomeration(industry: np.ndarray, partner: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return 1 - |a - b| / (a + b) + a + b of two location quotients: the index, written out once more."""
    a, b = ((jobs / total) / (jobs.sum(axis=0) / total.sum(axis=0)) for jobs in (industry, partner))
    return 1 - np.abs(a - b) / (a + b) + a + b
