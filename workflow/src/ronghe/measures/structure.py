"""How specialised and varied the sectors of a region are, and how concentrated in space each sector is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import select_columns
from ronghe.measures.agglomeration import Groups, sum_groups
from ronghe.measures.pairwise import region_sizes, regional_shares


def structure(panel: pd.DataFrame, sectors: Groups, total: str | None = None, area: str | None = None) -> pd.DataFrame:
    """Return specialised and diversified agglomeration, Krugman dissimilarity, Herfindahl and density of each region.

    With e_rs employment of sector s in region r, e_r its total (the column `total`, or else the sum of the
    sectors) and E, E_s the sums over regions of a year:
    specialisation = sum_s |e_rs/e_r - (E_s - e_rs)/(E - e_r)| (Ezcurra, Pascual and Rapun 2006);
    diversification = sum_s e_rs/e_r [(e_r - e_rs)^2/sum_{s'!=s} e_rs'^2] / [(E - E_s)^2/sum_{s'!=s} E_s'^2]
    (Combes 2000); dissimilarity is the former and herfindahl = sum_s share^2 with shares in the sum of the
    sectors, whatever `total` is.
    """
    e = sum_groups(panel, sectors)
    own = e.sum(axis=1)
    whole = own if total is None else sum_groups(panel, {"total": [total]})["total"]
    excess = e.index[whole < own * (1 - 1e-9)]
    if len(excess):
        raise RongheError(f"the sectors add to more than '{total}' for {listing(excess)}: name the right total")
    result = {
        "specialisation": _distance_from_rest(e, whole),
        "diversification": _diversification(e, whole),
        "dissimilarity": _distance_from_rest(e, own),
        "herfindahl": (e.div(own, axis=0) ** 2).sum(axis=1),
    }
    if area is not None:
        size = select_columns(panel, [area], "area")[area]
        bad = size.index[size <= 0]
        if len(bad):
            raise RongheError(f"area '{area}' is not above 0 for {listing(bad)}")
        result["density"] = own / size
    return pd.DataFrame(result)


def _distance_from_rest(e: pd.DataFrame, whole: pd.Series) -> pd.Series:
    """Return sum_s |e_rs/e_r - (E_s - e_rs)/(E - e_r)|: the sector shares here against those of all other regions."""
    rest = e.groupby(level="year").transform("sum") - e
    rest_whole = whole.groupby(level="year").transform("sum") - whole
    _refuse_zero(whole, "employment")
    _refuse_zero(rest_whole, "employment of all other regions")
    return (e.div(whole, axis=0) - rest.div(rest_whole, axis=0)).abs().sum(axis=1)


def _diversification(e: pd.DataFrame, whole: pd.Series) -> pd.Series:
    national, national_whole = e.groupby(level="year").sum(), whole.groupby(level="year").sum()
    here = _variety(e, whole)
    there = _variety(national, national_whole).reindex(e.index.get_level_values("year")).set_axis(e.index)
    return (e.div(whole, axis=0) * here / there).sum(axis=1)


def _variety(e: pd.DataFrame, whole: pd.Series) -> pd.DataFrame:
    """Return for each sector s the inverse Herfindahl of the others: (e - e_s)^2 / sum_{s' != s} e_s'^2."""
    # A product with ones off the diagonal: the difference of sums would cancel where one sector dominates.
    others = pd.DataFrame(e.to_numpy() ** 2 @ (1 - np.eye(e.shape[1])), index=e.index, columns=e.columns)
    for sector in e:
        _refuse_zero(others[sector], f"employment of the sectors beside '{sector}'")
    return ((-e).add(whole, axis=0)) ** 2 / others


def _refuse_zero(values: pd.Series, what: str) -> None:
    empty = values.index[values <= 0]
    if len(empty):
        raise RongheError(f"{what} is 0 for {listing(empty)}: the measure would be 0/0; leave the sector or region out")


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
