"""Input-output tables: reading, checking, and the matrices that every linkage measure rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import read_csv

VALUE_ADDED, TOTAL = "value_added", "total_input"
INTERMEDIATE = "intermediate_total"


@dataclass(frozen=True)
class InputOutputTable:
    """One table: `flows` from suppliers (rows) to users (columns), value added and total input of every user.

    Flows of a competitive-import table, such as China's national tables, hold imported goods too, so that a content
    computed from them is that of services wherever they come from.
    """

    flows: pd.DataFrame
    value_added: pd.Series
    total: pd.Series
    name: str = "input-output table"

    @property
    def sectors(self) -> pd.Index:
        """Return the sector names, in the order of rows and columns."""
        return self.flows.index

    @cached_property
    def coefficients(self) -> np.ndarray:
        """Return the direct input coefficients A = Z diag(x)^-1."""
        return self.flows.to_numpy() / self.total.to_numpy()

    @cached_property
    def leontief(self) -> np.ndarray:
        """Return the Leontief inverse L = (I - A)^-1, the sum of all powers of A."""
        return _productive_inverse(self.coefficients, self.name)

    @cached_property
    def ghosh(self) -> np.ndarray:
        """Return the Ghosh inverse (I - diag(x)^-1 Z)^-1, which follows output forward to its users."""
        return _productive_inverse(self.flows.to_numpy() / self.total.to_numpy()[:, None], self.name)

    @cached_property
    def final_use(self) -> pd.Series:
        """Return final use net of imports, f = x - Z 1; it is negative where imports exceed final demand."""
        return self.total - self.flows.sum(axis=1)


def _productive_inverse(matrix: np.ndarray, name: str) -> np.ndarray:
    """Invert I - matrix, refusing a table that uses up more than it makes (Hawkins and Simon 1949)."""
    inverse = np.linalg.inv(np.eye(len(matrix)) - matrix)
    if inverse.min() < -1e-9 or not np.isfinite(inverse).all():
        raise RongheError(f"{name}: the economy is not productive (its inverse has negative entries); check the flows")
    return inverse


def check_table(table: InputOutputTable, tolerance: float = 1e-5) -> InputOutputTable:
    """Return the table, or refuse it by sector: labels that differ, missing or negative cells, totals that do not meet.

    Intermediate inputs and value added of a sector must add to its total input within `tolerance` times that total.
    """
    flows, name = table.flows, table.name
    for labels, side in ((flows.index, "rows"), (flows.columns, "columns")):
        if labels.has_duplicates:
            raise RongheError(
                f"{name}: these sectors stand twice in the {side}: {listing(labels[labels.duplicated()])}"
            )
    unlike = flows.index.symmetric_difference(flows.columns, sort=False)
    if len(unlike):
        raise RongheError(f"{name}: these sectors are on one side only: {listing(unlike)}; rows and columns must agree")
    flows = flows.loc[:, flows.index]
    value_added, total = (series.reindex(flows.index) for series in (table.value_added, table.total))
    for sector, cells in (("value added", value_added), ("total input", total), *flows.items()):
        bad = cells.index[~np.isfinite(cells.to_numpy(float))]
        if len(bad):
            raise RongheError(f"{name}: missing or infinite: {sector} x {listing(bad)}; fill in the table's figures")
    negative = [f"{flows.index[s]} -> {flows.index[u]}" for s, u in np.argwhere(flows.to_numpy() < 0)]
    if negative:
        raise RongheError(f"{name}: negative flows: {listing(negative)}; an intermediate use cannot be below zero")
    if (total <= 0).any():
        raise RongheError(f"{name}: total input is not positive for {listing(total.index[total <= 0])}")
    gap = flows.sum() + value_added - total
    unlike = gap.index[gap.abs() > tolerance * total]
    if len(unlike):
        gaps = [f"{sector} (gap {gap[sector]:.6g} of {total[sector]:.6g})" for sector in unlike]
        raise RongheError(
            f"{name}: inputs and value added do not add to total input for {listing(gaps)}; "
            f"mend the table, or raise its tolerance above {(gap.abs() / total).max():.2g}"
        )
    return InputOutputTable(flows, value_added, total, name)


def read_table(
    path: str | Path,
    rows: Mapping[str, str],
    sectors: Mapping[str, str] | None = None,
    tolerance: float = 1e-5,
) -> InputOutputTable:
    """Read one table as received: suppliers down the first column, users along the head, totals as rows at the foot.

    `rows` names the rows that are not suppliers: `value_added` and `total_input`, and if the table has it
    `intermediate_total`, against which the sum of each column is checked. Any other named row is left out of the
    flows. `sectors` gives the key of each sector by its heading in the file.
    """
    raw = read_csv(path, index_col=0)
    raw.index, raw.columns = raw.index.str.strip(), raw.columns.str.strip()
    missing = [row for row in rows.values() if row not in raw.index]
    if missing:
        raise RongheError(f"{path}: no row named {listing(missing)} (rows: {listing(raw.index, 40)})")
    stated = {key: raw.loc[row].astype(float) for key, row in rows.items()}
    flows = raw.drop(index=list(rows.values())).astype(float)
    if INTERMEDIATE in stated:
        gap = flows.sum() - stated[INTERMEDIATE]
        unlike = gap.index[~(gap.abs() <= tolerance * stated[TOTAL])]
        if len(unlike):
            gaps = [f"{s} (gap {gap[s]:.6g} of {stated[INTERMEDIATE][s]:.6g})" for s in unlike]
            raise RongheError(f"{path}: the flows do not add to the row '{rows[INTERMEDIATE]}' for {listing(gaps)}")
    if sectors is not None:
        unknown = flows.index.union(flows.columns).difference(list(sectors))
        if len(unknown):
            raise RongheError(f"{path}: sectors without a key: {listing(unknown)}; name them under `sectors`")
        flows = flows.rename(index=sectors, columns=sectors)
        stated = {key: row.rename(sectors) for key, row in stated.items()}
    return check_table(InputOutputTable(flows, stated[VALUE_ADDED], stated[TOTAL], str(path)), tolerance)


def tables_by_year(long: pd.DataFrame, tolerance: float = 1e-5) -> dict[int, InputOutputTable]:
    """Return one checked table per year from a long table (year, supplier, user, value).

    Among the suppliers stand the rows `value_added` and `total_input`; `intermediate_total` and
    `compensation`, if there, are not flows.
    """
    tables = {}
    for year, part in long.groupby("year"):
        name = f"input-output table {year}"
        twice = part[part.duplicated(["supplier", "user"])]
        if len(twice):
            raise RongheError(f"{name}: stands twice: {listing(twice['supplier'] + ' -> ' + twice['user'])}")
        wide = part.pivot(index="supplier", columns="user", values="value")
        missing = [row for row in (VALUE_ADDED, TOTAL) if row not in wide.index]
        if missing:
            raise RongheError(f"{name}: no row {listing(missing)}")
        flows = wide.drop(index=[VALUE_ADDED, TOTAL, INTERMEDIATE, "compensation"], errors="ignore")
        order = part.loc[part["supplier"].isin(flows.index), "supplier"].unique()
        flows = flows.reindex(order)
        table = InputOutputTable(flows, wide.loc[VALUE_ADDED], wide.loc[TOTAL], name)
        tables[int(year)] = check_table(table, tolerance)
    return tables
