"""Geographic concentration and co-agglomeration of industries, net of the lumpiness of plants.

Ellison and Glaeser (1997), "Geographic concentration in U.S. manufacturing industries", Journal of Political Economy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing

COLUMNS = ["plant", "region", "industry", "year", "employment"]
KEYS = ["region", "industry", "year"]


class PlantConcentration(NamedTuple):
    """Industries by year, and pairs of industries by year."""

    industries: pd.DataFrame
    pairs: pd.DataFrame


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


def cells_of_plants(plants: pd.DataFrame) -> pd.DataFrame:
    """Return employment, plants and the sum of squared employment by region, industry and year."""
    plants = check_plants(plants)
    squares = plants.assign(squares=plants["employment"] ** 2, plants=1)
    return squares.groupby(KEYS, as_index=False)[["employment", "squares", "plants"]].sum()


def cells_of_microdata(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the same from the cells that cleaning made of a file of plants: a Herfindahl gives back the squares."""
    kept = cells[(cells["sector"] != "all") & (cells["employment"] > 0)].rename(columns={"sector": "industry"})
    squares = kept["plant_herfindahl"] * kept["employment"] ** 2
    return kept.assign(squares=squares)[[*KEYS, "employment", "squares", "plants"]]


def plant_concentration(cells: pd.DataFrame, sizes: pd.Series | None = None) -> PlantConcentration:
    """Return by year, for industries and for pairs of them, how concentrated they are beyond the lumpiness of plants.

    Industries: G = sum_r (s_r - x_r)^2, the plants' Herfindahl H, and gamma = (G/(1 - X) - H)/(1 - H), X = sum_r x_r^2
    (eq. 5). `sizes` are the x_r, by region; by default a region's share in the employment of all plants of the year. An
    industry of one plant has 1 - H = 0: its gamma stays empty, with a note that says so.

    Pairs: gamma^c = (G/(1 - X) - H - sum_j gamma_j w_j^2 (1 - H_j))/(1 - sum_j w_j^2), G and H of the pair as one
    industry, w_j the shares of the two in it (section V), and strength = gamma^c / sum_j w_j gamma_j: 0 where the two
    do not attract each other, 1 where they do so as their own plants do.
    """
    by_year = [_one_year(year, block, sizes) for year, block in cells.groupby("year")]
    return PlantConcentration(*(pd.concat(tables, ignore_index=True) for tables in zip(*by_year, strict=True)))


def _one_year(year: int, cells: pd.DataFrame, sizes: pd.Series | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    e = cells.pivot_table(index="region", columns="industry", values="employment", aggfunc="sum", fill_value=0.0)
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
    E = e.sum()
    D = (e / E).sub(x, axis=0)
    G = (D**2).sum()
    H = cells.groupby("industry")["squares"].sum() / E**2
    count = cells.groupby("industry")["plants"].sum()
    single = count == 1
    gamma = (G / (1 - X) - H) / (1 - H).where(~single)
    industries = pd.DataFrame(
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
    return industries, _pairs(year, D, E, H, G / (1 - X), gamma, X)


def _pairs(
    year: int, D: pd.DataFrame, E: pd.Series, H: pd.Series, raw: pd.Series, gamma: pd.Series, X: float
) -> pd.DataFrame:
    i, j = np.triu_indices(len(E), 1)
    amounts, d = E.to_numpy(), D.to_numpy()
    w = amounts[[i, j]] / (amounts[i] + amounts[j])
    G = ((w[0] * d[:, i] + w[1] * d[:, j]) ** 2).sum(axis=0) / (1 - X)
    # gamma_j (1 - H_j) as raw_j - H_j: it exists for an industry of one plant too.
    own = (w**2 * (raw - H).to_numpy()[[i, j]]).sum(axis=0)
    joint = (G - (w**2 * H.to_numpy()[[i, j]]).sum(axis=0) - own) / (1 - (w**2).sum(axis=0))
    alone = (w * gamma.to_numpy()[[i, j]]).sum(axis=0)
    names = E.index.to_numpy(object)
    return pd.DataFrame(
        {
            "year": year,
            "first": names[i],
            "second": names[j],
            "coagglomeration": joint,
            "strength": np.divide(joint, alone, out=np.full(len(i), np.nan), where=alone > 0),
        }
    )
