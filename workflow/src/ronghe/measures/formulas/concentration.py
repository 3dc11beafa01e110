"""How concentrated in space each sector is: spatial and locational Gini, Herfindahl, raw concentration."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.measures.sectors import Groups, region_sizes, regional_shares, sum_groups


def concentration(panel: pd.DataFrame, sectors: Groups, total: str | None = None) -> pd.DataFrame:
    """Return by sector and year how its employment is spread over regions, s_r being a region's share.

    gini = sum_r sum_q |s_r - s_q| / (2 n^2 mean(s)); locational_gini is the Gini of s against x, the regions' shares
    in `total` (or in the sum of the sectors), ordered by s/x (Krugman 1991); herfindahl = sum_r s_r^2;
    raw_concentration = sum_r (s_r - x_r)^2 (the G of Ellison and Glaeser 1997).
    """
    e = sum_groups(panel, sectors)
    s = regional_shares(e)
    whole = e if total is None else sum_groups(panel, {"total": [total]})
    x = region_sizes(whole, s, "total")
    years, n_sectors = e.index.unique("year"), e.shape[1]
    return pd.DataFrame(
        {
            "year": np.repeat(years, n_sectors),
            "sector": np.tile(np.array(list(e), dtype=object), len(years)),
            "gini": lorenz_gini(s, np.full_like(s, 1 / s.shape[1])).ravel(),
            "locational_gini": lorenz_gini(s, np.broadcast_to(x[:, :, None], s.shape)).ravel(),
            "herfindahl": (s**2).sum(axis=1).ravel(),
            "raw_concentration": ((s - x[:, :, None]) ** 2).sum(axis=1).ravel(),
        }
    )


def lorenz_gini(s: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return twice the area between the diagonal and the Lorenz curve of shares s against shares x, along axis 1.

    Regions stand in the order of s/x; one with x = 0 stands last, and one with s = x = 0 weighs nothing anywhere.
    With equal x this is the plain Gini coefficient. Unlike `inequality.gini`, it takes reference shares, and all
    years and sectors at once.
    """
    ratio = np.divide(s, x, out=np.full(s.shape, np.inf), where=x > 0)
    order = np.argsort(ratio, axis=1, kind="stable")
    s, x = np.take_along_axis(s, order, axis=1), np.take_along_axis(x, order, axis=1)
    S = s.cumsum(axis=1)
    return 1 - (x * (2 * S - s)).sum(axis=1)
