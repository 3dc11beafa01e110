"""Input-output tables: their checks, and the matrices that every linkage measure rests on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing

VALUE_ADDED, TOTAL = "value_added", "total_input"


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


def tables_by_year(long: pd.DataFrame, tolerance: float = 1e-5) -> dict[int, InputOutputTable]:
    """Return one checked table per year from the long table of the clean stage (year, from, to, value).

    Rows of `from` that are not also sectors of `to` are totals: `value_added` and `total_input` must be there.
    """
    tables = {}
    for year, part in long.groupby("year"):
        name = f"input-output table {year}"
        twice = part[part.duplicated(["from", "to"])]
        if len(twice):
            raise RongheError(f"{name}: stands twice: {listing(twice['from'] + ' -> ' + twice['to'])}")
        wide = part.pivot(index="from", columns="to", values="value")
        missing = [row for row in (VALUE_ADDED, TOTAL) if row not in wide.index]
        if missing:
            raise RongheError(f"{name}: no row {listing(missing)}")
        sectors = list(part["to"].unique())
        flows = wide.reindex(index=sectors, columns=sectors)
        tables[int(year)] = check_table(
            InputOutputTable(flows, wide.loc[VALUE_ADDED], wide.loc[TOTAL], name), tolerance
        )
    if not tables:
        raise RongheError("no input-output tables: name their files in the dataset, or leave out measures of linkage")
    return tables
