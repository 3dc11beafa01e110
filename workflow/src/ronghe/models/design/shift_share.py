"""Shift-share instruments: sector shares of a base period times growth of the sectors everywhere else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.models.estimate import Data
from ronghe.models.terms import Term


@dataclass(frozen=True)
class Components:
    """What a shift-share instrument is made of: shares by region, and levels by (region, year), one column a sector."""

    shares: pd.DataFrame
    values: pd.DataFrame
    base_year: int

    def shocks(self) -> pd.DataFrame:
        """Return the growth of every sector in the whole country since the base year, one row a year."""
        national = np.log(self.values.groupby(level="year").sum())
        return national - national.loc[self.base_year]


def components(
    data: Data, name: str, table: str, sectors: tuple[str, ...], base_year: int, total: str | None = None
) -> Components:
    """Return shares e_rs0 / e_r0 and levels e_rst; e_r0 is the sum of all sectors, or the sector called `total`."""
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
    size = wide[total] if total else wide.sum(axis=1)
    return Components(values.div(size, axis=0).xs(base_year, level="year"), values, base_year)


def instrument(data: Data, table: str, **options: object) -> pd.Series:
    """Return z_rt = sum_s (e_rs0 / e_r0) ln(e_-r,st / e_-r,s0), keyed by (region, year) (Bartik 1991, chapter 4).

    e_-r leaves the region itself out of the national sum (Goldsmith-Pinkham, Sorkin and Swift 2020, eq. 9), so that its
    own shocks do not enter. The shares of the chosen sectors need not add to one; with period effects in the regression
    that is the case in which Borusyak, Hull and Jaravel (2022, section 3.2) ask for the sum of shares times period
    dummies among the controls.
    """
    made = components(data, table=table, **options)
    others = made.values.groupby(level="year").transform("sum") - made.values
    if (others.to_numpy() <= 0).any():
        raise RongheError(f"shift_share, table {table}: a sector has no employment outside one of the regions")
    growth = np.log(others)
    growth = growth - growth.xs(made.base_year, level="year").reindex(growth.index, level="region")
    shares = made.shares.reindex(growth.index, level="region")
    return (growth * shares).sum(axis=1, skipna=False).reindex(data.panel.index)


def exposure(data: Data, terms: list[Term], index: pd.MultiIndex) -> tuple[np.ndarray, pd.DataFrame]:
    """Return how much each row is exposed to each shock, and the shocks: a sector in a year, one row a column.

    A sector that several instruments use counts once for each.
    """
    blocks, rows = [], []
    regions, years = (index.get_level_values(level) for level in (0, 1))
    for term in terms:
        made = components(data, **dict(term.options))
        shares, shocks = made.shares.reindex(regions).to_numpy(), made.shocks()
        for year in index.unique(1):
            blocks.append(shares * np.asarray(years == year)[:, None])
            rows += [(term.name, sector, year, shocks.loc[year, sector]) for sector in shocks.columns]
    return np.hstack(blocks), pd.DataFrame(rows, columns=["instrument", "sector", "year", "shock"])
