"""Participation and position of sectors in global value chains, from an inter-country input-output table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing

SUPPLIER = ["country", "sector"]


def check_inter_country(
    flows: pd.DataFrame, final: pd.DataFrame, tolerance: float = 1e-5
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return aligned flows, final demand and output, or refuse them by naming the cells at fault.

    `flows`: (country, sector) x (country, sector); `final`: (country, sector) x country of use. Output is the row sum
    of both; a sector without output, or whose inputs exceed its output, is refused.
    """
    if flows.index.has_duplicates or flows.columns.has_duplicates:
        raise RongheError("inter-country table: a country and sector stands twice; keep one row and column of each")
    unlike = flows.index.symmetric_difference(flows.columns).union(flows.index.symmetric_difference(final.index))
    if len(unlike):
        raise RongheError(
            f"inter-country table: rows, columns and final demand do not name the same: {listing(unlike)}"
        )
    countries = flows.index.get_level_values(0).unique()
    strange = final.columns.symmetric_difference(countries)
    if len(strange):
        raise RongheError(f"inter-country table: final demand and flows differ in countries: {listing(strange)}")
    flows, final = flows.loc[:, flows.index], final.loc[flows.index, countries]
    for part, table in (("flows", flows), ("final demand", final)):
        bad = table.index[~np.isfinite(table.to_numpy(float)).all(axis=1)]
        if len(bad):
            raise RongheError(f"inter-country table: missing {part} of {listing(bad)}")
    output = flows.sum(axis=1) + final.sum(axis=1)
    if (output <= 0).any():
        raise RongheError(f"inter-country table: no output for {listing(output.index[output <= 0])}; leave them out")
    over = (flows.sum() - output) / output
    if (over > tolerance).any():
        gaps = [
            f"{key} (gap {over[key] * output[key]:.6g} of {output[key]:.6g})" for key in over.index[over > tolerance]
        ]
        raise RongheError(f"inter-country table: inputs exceed output of {listing(gaps)}")
    return flows, final, output


def value_added_in_exports(flows: pd.DataFrame, final: pd.DataFrame, tolerance: float = 1e-5) -> pd.DataFrame:
    """Return diag(v) B diag(e): value added of the row's sector in the gross exports of the column's sector.

    v = 1 - column sums of A, B = (I - A)^-1, e = gross exports (Koopman, Powers, Wang and Wei 2010). Each column
    adds to the exports of its sector.
    """
    flows, final, output = check_inter_country(flows, final, tolerance)
    A = flows.to_numpy() / output.to_numpy()
    exports = _gross_exports(flows, final)
    v = 1 - A.sum(axis=0)
    embodied = v[:, None] * np.linalg.inv(np.eye(len(A)) - A) * exports.to_numpy()
    return pd.DataFrame(embodied, index=flows.index, columns=flows.columns)


def _gross_exports(flows: pd.DataFrame, final: pd.DataFrame) -> pd.Series:
    """Return sales abroad of each country and sector, for intermediate and final use."""
    home = flows.index.get_level_values(0).to_numpy()[:, None]
    abroad = (home != flows.columns.get_level_values(0).to_numpy()[None, :]) * flows.to_numpy()
    finished = (home != final.columns.to_numpy()[None, :]) * final.to_numpy()
    return pd.Series(abroad.sum(axis=1) + finished.sum(axis=1), index=flows.index, name="exports")


def value_chain(
    flows: pd.DataFrame, final: pd.DataFrame, sectors: Sequence[str] | None = None, tolerance: float = 1e-5
) -> pd.DataFrame:
    """Return by country and sector exports, their parts, and participation and position in global value chains.

    FV: foreign value added in the sector's exports; DV: domestic value added in them; IV: value added of the sector in
    the exports of other countries. Participation = (IV + FV) / E and position = ln(1 + IV/E) - ln(1 + FV/E) (Koopman,
    Powers, Wang and Wei 2010; Koopman, Wang and Wei 2014). `forward` = IV/E can exceed one for services,
    which leave a country mostly inside the goods of others. A sector without exports has no ratio: they are missing.
    """
    embodied = value_added_in_exports(flows, final, tolerance)
    country = embodied.index.get_level_values(0).to_numpy()
    foreign = country[:, None] != country[None, :]
    values = embodied.to_numpy()
    result = pd.DataFrame(
        {
            "exports": values.sum(axis=0),
            "domestic": (values * ~foreign).sum(axis=0),
            "foreign": (values * foreign).sum(axis=0),
            "indirect": (values * foreign).sum(axis=1),
        },
        index=embodied.index.set_names(SUPPLIER),
    )
    exports = result["exports"].where(result["exports"] > 0)
    result["forward"] = result["indirect"] / exports
    result["backward"] = result["foreign"] / exports
    result["participation"] = result["forward"] + result["backward"]
    result["position"] = np.log1p(result["forward"]) - np.log1p(result["backward"])
    if sectors is None:
        return result
    known = result.index.get_level_values("sector").unique()
    unknown = [s for s in sectors if s not in known]
    if unknown:
        raise RongheError(f"inter-country table: unknown sectors {listing(unknown)} (there: {listing(known, 40)})")
    return result[result.index.get_level_values("sector").isin(list(sectors))]


def from_long(flows: pd.DataFrame, final: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return square flows and final demand from long tables; a pair that is not listed has no flow.

    `flows`: country, sector, user_country, user_sector, value; `final`: country, sector, user_country, value.
    """
    for table, keys in ((flows, [*SUPPLIER, "user_country", "user_sector"]), (final, [*SUPPLIER, "user_country"])):
        missing = [key for key in (*keys, "value") if key not in table]
        if missing:
            raise RongheError(
                f"inter-country table: no column {listing(missing)} (needed: {listing([*keys, 'value'])})"
            )
        if table.duplicated(keys).any():
            raise RongheError(
                f"inter-country table: stands twice: {listing(table[table.duplicated(keys)][keys].values)}"
            )
    square = flows.pivot(index=SUPPLIER, columns=["user_country", "user_sector"], values="value")
    demand = final.pivot(index=SUPPLIER, columns="user_country", values="value")
    # ASSUME a pair that the long table leaves out has no flow; a listed one without a value is missing.
    listed = flows.assign(value=1.0).pivot(index=SUPPLIER, columns=["user_country", "user_sector"], values="value")
    wanted = final.assign(value=1.0).pivot(index=SUPPLIER, columns="user_country", values="value")
    square, demand = square.mask(listed.isna(), 0.0), demand.mask(wanted.isna(), 0.0)
    keys = square.index.union(demand.index).union(square.columns.set_names(SUPPLIER))
    countries = keys.get_level_values(0).unique()
    square.columns = square.columns.set_names(SUPPLIER)
    return (
        square.reindex(index=keys, columns=keys, fill_value=0.0),
        demand.reindex(index=keys, columns=countries, fill_value=0.0),
    )
