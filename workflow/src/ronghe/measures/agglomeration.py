"""Location quotients and the co-agglomeration of an industry with its partners, region by region and year by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import select_columns

Groups = Mapping[str, Sequence[str]]


def sum_groups(panel: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Add up the columns of each named group of sectors; a missing or negative cell is refused by name."""
    X = select_columns(panel, (column for columns in groups.values() for column in columns), "employment")
    for name in X:
        bad = X.index[X[name] < 0]
        if len(bad):
            raise RongheError(f"'{name}' is negative for {listing(bad)}: an amount cannot be; mend the source")
    return pd.DataFrame({group: X[list(columns)].sum(axis=1) for group, columns in groups.items()}, index=X.index)


def location_quotients(panel: pd.DataFrame, sectors: Groups, total: str) -> pd.DataFrame:
    """Return LQ_ir = (e_ir/e_r)/(E_i/E) of each sector, the base of a year being all regions of the panel."""
    e = sum_groups(panel, {**sectors, "": [total]})
    E = e.groupby(level="year").transform("sum")
    for group in e:
        empty = e.index[e[group] == 0] if group == "" else E.index[E[group] == 0].unique("year")
        if len(empty):
            what = f"the total '{total}'" if group == "" else f"'{group}' in all regions"
            raise RongheError(f"{what} is 0 for {listing(empty)}: the location quotient would be 0/0; leave it out")
    shares = e.div(e[""], axis=0) / E.div(E[""], axis=0)
    return shares.drop(columns="")


def coagglomeration(
    panel: pd.DataFrame, industry: Sequence[str], partner: Sequence[str], total: str, branches: Groups | None = None
) -> pd.DataFrame:
    """Return the co-agglomeration of an industry with all its partners and with each branch of them.

    quality = 1 - |LQ_i - LQ_p|/(LQ_i + LQ_p), height = LQ_i + LQ_p, index = quality + height. Where both location
    quotients are 0 the quality is 0/0 and the region-year is refused by name.
    """
    LQ = location_quotients(panel, {"industry": industry, "partner": partner, **(branches or {})}, total)
    result = {"location_quotient_industry": LQ["industry"]}
    for group in ["partner", *(branches or {})]:
        suffix = "" if group == "partner" else f"_{group}"
        height = LQ["industry"] + LQ[group]
        empty = height.index[height == 0]
        if len(empty):
            raise RongheError(f"neither the industry nor '{group}' exists in {listing(empty)}: the index would be 0/0")
        quality = 1 - (LQ["industry"] - LQ[group]).abs() / height
        result |= {f"index{suffix}": quality + height, f"quality{suffix}": quality, f"height{suffix}": height}
        result[f"location_quotient{suffix or '_partner'}"] = LQ[group]
    return pd.DataFrame(result)
