"""Location quotients: the share of a sector here against its share in all regions, year by year."""

from __future__ import annotations

import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.measures.sectors import Groups, sum_groups


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
