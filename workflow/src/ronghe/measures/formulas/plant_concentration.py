"""Geographic concentration of industries from plant data, net of the lumpiness of plants (Ellison and Glaeser 1997)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing

COLUMNS = ["plant", "region", "industry", "year", "employment"]


def check_plants(plants: pd.DataFrame) -> pd.DataFrame:
    """Return the plants with positive employment numbers and unique keys, or refuse them by row."""
    missing = [c for c in COLUMNS if c not in plants]
    if missing:
        raise RongheError(f"plants: no column {listing(missing)} (needed: {listing(COLUMNS)})")
    bad = plants.index[~(pd.to_numeric(plants["employment"], errors="coerce") > 0)]
    if len(bad):
        raise RongheError(f"plants: employment must be above 0; rows {listing(bad + 2)} of the file are not")
    twice = plants.loc[plants.duplicated(["plant", "year"]), "plant"].unique()
    if len(twice):
        raise RongheError(f"plants: {listing(twice)} stand twice in a year; keep one row per plant and year")
    return plants.astype({"employment": float})


def plant_concentration(plants: pd.DataFrame, sizes: pd.Series | None = None) -> pd.DataFrame:
    """Return by industry and year: G = sum_r (s_r - x_r)^2, the plants' Herfindahl H, and gamma.

    gamma = (G/(1 - X) - H)/(1 - H), X = sum_r x_r^2 (Ellison and Glaeser 1997, eq. 5). `sizes` are the x_r, by
    region; by default a region's share in the employment of all plants of the year. An industry of one plant
    has 1 - H = 0: its gamma stays empty, with a note that says so.
    """
    plants = check_plants(plants)
    by_year = [_one_year(year, block, sizes) for year, block in plants.groupby("year")]
    return pd.concat(by_year, ignore_index=True)


def _one_year(year: int, plants: pd.DataFrame, sizes: pd.Series | None) -> pd.DataFrame:
    e = plants.pivot_table(index="region", columns="industry", values="employment", aggfunc="sum", fill_value=0.0)
    if sizes is None:
        x = e.sum(axis=1) / e.to_numpy().sum()
    else:
        unknown = e.index.difference(sizes.index)
        if len(unknown):
            raise RongheError(f"plants: no size is given for {listing(unknown)}: complete the sizes of regions")
        e, x = e.reindex(sizes.index, fill_value=0.0), sizes / sizes.sum()
    X = (x**2).sum()
    if len(x) < 2 or X >= 1:
        raise RongheError(f"plants: all of {year} lies in one region: concentration would be 0/0")
    G = ((e / e.sum()).sub(x, axis=0) ** 2).sum()
    z = plants["employment"] / plants.groupby("industry")["employment"].transform("sum")
    H = (z**2).groupby(plants["industry"]).sum()
    count = plants.groupby("industry").size()
    single = count == 1
    gamma = (G / (1 - X) - H) / (1 - H).where(~single)
    return pd.DataFrame(
        {
            "year": year,
            "industry": G.index,
            "plants": count.to_numpy(),
            "raw_concentration": G.to_numpy(),
            "plant_herfindahl": H.to_numpy(),
            "gamma": gamma.to_numpy(),
            "note": np.where(single, "one plant: gamma is 0/0", ""),
        }
    )
