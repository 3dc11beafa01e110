"""Co-agglomeration of an industry with its partners, region by region and year by year."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.measures.formulas.location_quotient import location_quotients
from ronghe.measures.sectors import Groups


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
