"""K-density of one or two industries by name, from the positions of all plants in a year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import require_known
from ronghe.measures.point_patterns.k_density import Options, Sites, colocation, localisation


def plant_locations(
    points: pd.DataFrame,
    industry: str,
    year: int,
    partner: str | None = None,
    null: str = "labels",
    weighted: bool = False,
    simulations: int = 1000,
    level: float = 0.05,
    most_km: float | None = None,
    bandwidth_km: float | None = None,
    cell_km: float | None = None,
    seed: int = 1,
    threads: int = 1,
) -> dict[str, pd.DataFrame]:
    """Return `curves` and `test` of an industry, or of it and its partner; sites are all plants of the year."""
    require_known(str(year), sorted({str(y) for y in points["year"]}), "year with points", "plant_locations")
    table = points[points["year"] == year].reset_index(drop=True)
    for name in (industry, partner):
        if name is not None:
            require_known(name, table["sector"].unique(), "sector with points", f"plant_locations of {year}")
    options = Options(simulations, level, seed, most_km, bandwidth_km, cell_km, threads=threads)
    sites = Sites(table[["longitude", "latitude"]].to_numpy(float), True)
    e = table["employment"].to_numpy(float)
    first = np.flatnonzero(table["sector"] == industry)
    if partner is None:
        result = localisation(sites, first, options, e[first] if weighted else None)
    else:
        second = np.flatnonzero(table["sector"] == partner)
        result = colocation(sites, first, second, options, null, (e[first], e[second]) if weighted else None)
    names = {"industry": industry, "partner": partner or "", "year": year}
    return {"curves": result.curves, "test": pd.DataFrame([names | result.summary])}
