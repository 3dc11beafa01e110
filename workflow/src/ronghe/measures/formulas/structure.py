"""How specialised and how varied the sectors of a region are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import select_columns
from ronghe.measures.sectors import Groups, sum_groups


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
