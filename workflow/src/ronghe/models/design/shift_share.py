"""Shift-share instruments: sector shares of a base period times growth of the sectors everywhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.models.estimate import Data


def instrument(
    data: Data, name: str, table: str, sectors: tuple[str, ...], base_year: int, total: str | None = None
) -> pd.Series:
    """Return z_rt = sum_s (e_rs0 / e_r0) ln(e_-r,st / e_-r,s0), keyed by (region, year) (Bartik 1991, chapter 4).

    e_-r leaves the region itself out of the national sum (Goldsmith-Pinkham, Sorkin and Swift 2020, eq. 9), so that its
    own shocks do not enter. e_r0 is the sum of all sectors of the table, or the sector called `total`. The shares of
    the chosen sectors need not add to one; with period effects in the regression that is the case in which Borusyak,
    Hull and Jaravel (2022, section 3.2) ask for the sum of shares times period dummies among the controls.
    """
    del name
    long = data.tables[table]
    require_known(base_year, long["year"].unique(), "base year", f"shift_share, table {table}")
    for sector in (*sectors, *([total] if total else [])):
        require_known(sector, long["sector"].unique(), "sector", f"shift_share, table {table}")
    wide = long.pivot(index=["region", "year"], columns="sector", values="value")
    index = data.panel.index
    absent = index.difference(wide.index)
    if len(absent):
        raise RongheError(f"shift_share, table {table}: no row for {listing(absent)}")
    wide = wide.loc[wide.index.get_level_values(0).isin(index.unique(0))]
    values = wide[list(sectors)]
    size = wide[total] if total else wide.drop(columns=[total] if total else []).sum(axis=1)
    shares = values.div(size, axis=0).xs(base_year, level="year")
    others = values.groupby(level="year").transform("sum") - values
    if (others.to_numpy() <= 0).any():
        raise RongheError(f"shift_share, table {table}: a sector has no employment outside one of the regions")
    growth = np.log(others)
    growth = growth - growth.xs(base_year, level="year").reindex(growth.index, level="region")
    return (growth * shares.reindex(growth.index, level="region")).sum(axis=1, skipna=False).reindex(index)
