"""Reads square input-output tables, one per year, and holds each column against its totals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.clean.numbers import parse_numbers
from ronghe.clean.readers import RawTable, read_raw
from ronghe.errors import RongheError, listing, nearest

COLUMNS = ["year", "from", "to", "value"]


def read_input_output(declared: dict | None, folder: str | Path) -> pd.DataFrame:
    """Return all tables as (year, from, to, value): flows from sector to sector, then the rows of totals.

    A dataset without input-output tables gets an empty one.
    """
    if declared is None:
        return pd.DataFrame(columns=COLUMNS)
    parts = []
    for year, file in declared["files"].items():
        matrix = _read_one(read_raw(Path(folder, file), declared), declared)
        _check_totals(matrix, declared, str(Path(folder, file)))
        long = matrix.rename_axis(index="from", columns="to").stack().rename("value").reset_index()
        long.insert(0, "year", int(year))
        parts.append(long)
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _read_one(table: RawTable, declared: dict) -> pd.DataFrame:
    sectors = {sector: entry["written"] for sector, entry in declared["sectors"].items()}
    heading = table.need(declared["heading"], "input_output.heading")
    written = {name: position for position, name in enumerate(table.cells[heading])}
    wanted = {**sectors, **declared["rows"]}
    for name, text in wanted.items():
        if text not in written:
            raise RongheError(
                f"{table.path}: no row '{text}'{nearest(text, written)} (rows: {listing(written, 60)}); "
                f"input_output names it as '{name}': mend the name there, or the file"
            )
    if len(written) < len(table.cells):
        raise RongheError(f"{table.path}: a row name under '{heading}' stands twice; keep one")
    extra = [c for c in table.cells if c != heading and c not in sectors.values()]
    if extra:
        raise RongheError(f"{table.path}: columns that input_output.sectors does not name: {listing(extra)}; add them")
    positions = [written[text] for text in wanted.values()]
    columns = {}
    for sector, text in sectors.items():
        cells = table.cells[table.need(text, f"input_output.sectors.{sector}")].iloc[positions].tolist()
        reading = [declared.get(key, other) for key, other in (("thousands", ""), ("missing", ()), ("marks", ()))]
        numbers = parse_numbers(
            cells, table.rows[positions], table.path, text, *reading, instead="write 0 where there is no flow"
        )
        if np.isnan(numbers).any():
            row = table.rows[positions[int(np.flatnonzero(np.isnan(numbers))[0])]]
            raise RongheError(f"{table.path}: row {row}: '{text}' holds no figure; write 0 where there is no flow")
        columns[sector] = numbers
    return pd.DataFrame(columns, index=list(wanted))


def _check_totals(matrix: pd.DataFrame, declared: dict, path: str) -> None:
    flows = matrix.loc[list(declared["sectors"])].sum()
    total = matrix.loc["intermediate"] + matrix.loc["value_added"]
    pairs = {"intermediate": (flows, matrix.loc["intermediate"]), "total_input": (total, matrix.loc["total_input"])}
    for row, (figure, expected) in pairs.items():
        gap = (figure - expected).abs()
        worst = gap.idxmax()
        # A last digit each way beyond the tolerance is the rounding of binary numbers, not of the table.
        if gap[worst] > declared["tolerance"] * (1 + 1e-9):
            raise RongheError(
                f"{path}: column '{worst}' adds to {figure[worst]:.10g} where the row '{row}' says "
                f"{expected[worst]:.10g} (gap {gap[worst]:.4g}, tolerance {declared['tolerance']:g}); "
                "correct the table, or input_output.tolerance"
            )
