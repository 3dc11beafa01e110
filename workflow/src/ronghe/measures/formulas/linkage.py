"""What services put into manufacturing and manufacturing into services, from input-output tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.measures.input_output import InputOutputTable

ALL = "all"


def sector_sets(branches: Sequence[str], groups: Mapping[str, Sequence[str]] | None = None) -> dict[str, list[str]]:
    """Return name -> member sectors: all branches together, each group, and each branch by itself."""
    groups = {name: list(members) for name, members in (groups or {}).items()}
    members = [sector for group in groups.values() for sector in group]
    strange = [sector for sector in members if sector not in branches]
    if strange:
        raise RongheError(f"groups: not among the branches: {listing(strange)} (branches: {listing(branches, 40)})")
    twice = sorted({sector for sector in members if members.count(sector) > 1})
    if twice:
        raise RongheError(f"groups: in more than one group: {listing(twice)}; a sector belongs to one group")
    sets = {ALL: list(branches), **groups}
    clash = [sector for sector in branches if sector in sets]
    if clash:
        raise RongheError(f"groups: a group has the name of a branch: {listing(clash)}; rename the group")
    return {**sets, **{sector: [sector] for sector in branches}}


def _members(table: InputOutputTable, sets: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Return the 0/1 matrix sets x sectors."""
    for name, members in sets.items():
        for sector in members:
            require_known(sector, table.sectors, f"sector of '{name}'", table.name)
    return np.array([table.sectors.isin(members) for members in sets.values()], dtype=float)


def content(
    table: InputOutputTable, suppliers: Mapping[str, Sequence[str]], users: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return how much of each supplier set is contained in the output of each user set.

    With A = Z diag(x)^-1, L = (I - A)^-1, B = L - I, a set S of suppliers and a set M of users, both sums weighted by
    the users' output x (Miller and Blair 2009, ch. 2 and 12):

    - `direct` = sum_{s,m} a_sm x_m / sum_m x_m, bought per unit of output;
    - `complete` = sum_{s,m} b_sm x_m / sum_m x_m, bought at every stage upstream (complete consumption coefficient);
    - `direct_share`, `complete_share`: the same as a share of all intermediate inputs, direct or complete;
    - `value_added` = sum_{s,m} v_s l_sm x_m / sum_m x_m: value added of S in a unit of final output of M; over all
      sectors of the economy it adds to one.
    """
    S, U = _members(table, suppliers), _members(table, users)
    x = table.total.to_numpy()
    outputs = U @ x
    direct = table.flows.to_numpy() @ U.T
    complete = ((table.leontief - np.eye(len(x))) * x) @ U.T
    embodied = ((table.value_added.to_numpy() / x)[:, None] * table.leontief * x) @ U.T
    with np.errstate(invalid="ignore"):
        columns = {
            "direct": S @ direct / outputs,
            "complete": S @ complete / outputs,
            "direct_share": S @ direct / direct.sum(axis=0),
            "complete_share": S @ complete / complete.sum(axis=0),
            "value_added": S @ embodied / outputs,
        }
    keys = pd.MultiIndex.from_product([suppliers, users], names=["supplier", "user"])
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=keys)


def dispersion(table: InputOutputTable) -> pd.DataFrame:
    """Return by sector the power and the sensitivity of dispersion, each with mean one.

    `power` = n sum_i l_ij / sum_ij l_ij and `sensitivity` = n sum_j l_ij / sum_ij l_ij (Rasmussen 1956, eqs 8.5 and
    8.6). `sensitivity_supply` takes the row sums of the Ghosh inverse instead (Jones 1976), because the row sums
    of L answer to a unit of final demand for every sector, however small.
    """
    L, G = table.leontief, table.ghosh
    return pd.DataFrame(
        {
            "power": L.sum(axis=0) / L.sum(axis=0).mean(),
            "sensitivity": L.sum(axis=1) / L.sum(axis=1).mean(),
            "sensitivity_supply": G.sum(axis=1) / G.sum(axis=1).mean(),
        },
        index=table.sectors.rename("sector"),
    )


def integration(
    table: InputOutputTable, services: Mapping[str, Sequence[str]], manufacturing: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return both directions of exchange between service sets S and manufacturing sets M, and the two together.

    - `services_in_manufacturing` = Z_SM / x_M and `manufacturing_in_services` = Z_MS / x_S: direct contents;
    - `services_to_manufacturing` = Z_SM / x_S and `manufacturing_to_services` = Z_MS / x_M: shares of output sold;
    - `integration` = (Z_SM + Z_MS) / (x_S + x_M): the two contents weighted by output;
    - `integration_complete`: the same with complete flows B diag(x) in place of Z.
    """
    S, M = _members(table, services), _members(table, manufacturing)
    x = table.total.to_numpy()
    if (S @ M.T > 0).any():
        raise RongheError(f"{table.name}: a sector is both a service and a manufacturing branch; list it once")
    Z, B = table.flows.to_numpy(), (table.leontief - np.eye(len(x))) * x
    x_S, x_M = (S @ x)[:, None], (M @ x)[None, :]
    to_M, to_S = S @ Z @ M.T, (M @ Z @ S.T).T
    complete = S @ B @ M.T + (M @ B @ S.T).T
    columns = {
        "services_in_manufacturing": to_M / x_M,
        "manufacturing_in_services": to_S / x_S,
        "services_to_manufacturing": to_M / x_S,
        "manufacturing_to_services": to_S / x_M,
        "integration": (to_M + to_S) / (x_S + x_M),
        "integration_complete": complete / (x_S + x_M),
    }
    keys = pd.MultiIndex.from_product([services, manufacturing], names=["service", "manufacturing"])
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=keys)


def decompose(exchange: pd.DataFrame) -> pd.DataFrame:
    """Return how `integration` changed since the first year: within its two sides, and by their weights.

    With w the share of manufacturing in the output of both, integration is w c_M + (1 - w) c_S, c_M the services in a
    unit of manufactures and c_S the manufactures in a unit of services. With bars for means of the two years,
    the change is bar(w) dc_M + (1 - bar(w)) dc_S (`within`) plus dw (bar(c_M) - bar(c_S)) (`between`);
    `at_first_weights` is what integration would be had w stayed. Rows by year, service and manufacturing set.
    """
    inside = exchange[["services_in_manufacturing", "manufacturing_in_services"]]
    c_M, c_S = (inside[name].unstack("year") for name in inside)
    total = exchange["integration"].unstack("year")
    w = (total - c_S) / (c_M - c_S)
    first = total.columns.min()

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sub(frame[first], axis=0)

    def mean(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.add(frame[first], axis=0) / 2

    found = {
        "change": change(total),
        "within": mean(w) * change(c_M) + (1 - mean(w)) * change(c_S),
        "between": change(w) * (mean(c_M) - mean(c_S)),
        "at_first_weights": c_M.mul(w[first], axis=0) + c_S.mul(1 - w[first], axis=0),
    }
    return pd.concat({name: frame.stack() for name, frame in found.items()}, axis=1).reorder_levels([2, 0, 1])


def linkage(
    tables: Mapping[int, InputOutputTable],
    services: Sequence[str],
    manufacturing: Sequence[str],
    groups: Mapping[str, Sequence[str]] | None = None,
    service_groups: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return long tables over all years: `content` both ways, `dispersion`, `integration`, and `decomposition`.

    Sets are all branches together ("all"), each group (such as factor intensities) and each branch.
    """
    S, M = sector_sets(services, service_groups), sector_sets(manufacturing, groups)
    parts: dict[str, list[pd.DataFrame]] = {"content": [], "dispersion": [], "integration": []}
    for year in sorted(tables):
        table = tables[year]
        both = {"services_in_manufacturing": content(table, S, M), "manufacturing_in_services": content(table, M, S)}
        parts["content"].append(pd.concat({year: pd.concat(both, names=["direction"])}, names=["year"]))
        parts["dispersion"].append(pd.concat({year: dispersion(table)}, names=["year"]))
        parts["integration"].append(pd.concat({year: integration(table, S, M)}, names=["year"]))
    found = {name: pd.concat(frames) for name, frames in parts.items()}
    return {**found, "decomposition": decompose(found["integration"]).loc[found["integration"].index]}
