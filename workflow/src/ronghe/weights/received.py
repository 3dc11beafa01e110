"""Reads matrices, edge lists and flows as a user received them: any kind of file, regions by any of their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.clean.numbers import parse_numbers
from ronghe.clean.readers import RawTable, read_raw
from ronghe.clean.regions import Names
from ronghe.errors import RongheError, listing
from ronghe.weights.files import read_table
from ronghe.weights.tables import EDGES

GRAPHS = (".gal", ".gwt")


def read_received(path: str, entry: dict, names: Names) -> pd.DataFrame:
    """Return rows (focal, neighbor, weight, year where the entry names one), regions by their own names.

    A name that stands for no region is refused unless it is declared to be none; a cell without a figure is no weight.
    """
    if Path(path).suffix.lower() in GRAPHS:
        edges = read_table(path)
        place = pd.Series(np.arange(len(edges)) + 1)
        table = RawTable(path, edges[EDGES[:2]].astype(str), place.to_numpy())
        numbers = edges["weight"].to_numpy(float)
        return _edges(table, dict(zip(EDGES, EDGES, strict=True)), names, numbers)
    options = entry.get("read", {})
    table = read_raw(path, options)
    columns = entry.get("columns", dict(zip(EDGES, EDGES, strict=True)))
    if "columns" in entry or set(EDGES) <= set(table.cells):
        for key, heading in columns.items():
            table.need(heading, f"columns.{key}")
        return _edges(table, columns, names, _numbers(table, columns["weight"], options))
    return _square(table, names, options)


def _numbers(table: RawTable, heading: str, options: dict) -> np.ndarray:
    cells = table.cells[heading].tolist()
    return parse_numbers(
        cells, table.rows, table.path, heading, options.get("thousands", ""), options.get("missing", ())
    )


def _edges(table: RawTable, columns: dict, names: Names, numbers: np.ndarray) -> pd.DataFrame:
    found = {key: names.find(table, columns[key]) for key in ("focal", "neighbor")}
    edges = pd.DataFrame({**found, "weight": numbers, "row": table.rows})
    if "year" in columns:
        edges["year"] = parse_numbers(table.cells[columns["year"]].tolist(), table.rows, table.path, columns["year"])
    edges = edges.dropna()
    again = edges[edges.duplicated([c for c in edges if c not in ("weight", "row")])]
    if len(again):
        pair = f"{again['focal'].iloc[0]} - {again['neighbor'].iloc[0]}"
        raise RongheError(
            f"{table.path}: row {again['row'].iloc[0]}: {pair} stands twice; keep one row, or name the column of years "
            "under columns.year"
        )
    return edges.drop(columns="row").reset_index(drop=True)


def _square(table: RawTable, names: Names, options: dict) -> pd.DataFrame:
    """Return the cells of a square table: rows give weight to columns."""
    first, *headings = table.cells.columns
    down = names.find(table, first)
    across = {heading: names.region_of(heading) for heading in headings}
    unknown = [h for h, region in across.items() if region is None and not names.ignored(h)]
    if unknown:
        raise RongheError(
            f"{table.path}: the headings {listing(unknown)} are no regions (known: {listing(names.regions, 60)}); a "
            "square table has the regions down its first column and across its headings; an edge list has the columns "
            f"{listing(EDGES)}, or says under columns: which they are"
        )
    for kind, given in (("row", down), ("column", list(across.values()))):
        known = [region for region in given if region is not None]
        twice = [region for region in dict.fromkeys(known) if known.count(region) > 1]
        if twice:
            raise RongheError(f"{table.path}: {listing(twice)} has more than one {kind}; keep one")
    lacking = [r for r in down if r is not None and r not in across.values()]
    lacking += [r for r in across.values() if r is not None and r not in down]
    if lacking:
        raise RongheError(f"{table.path}: {listing(dict.fromkeys(lacking))} has a row or a column, not both; add it")
    parts = [
        pd.DataFrame({"focal": down, "neighbor": region, "weight": _numbers(table, heading, options)})
        for heading, region in across.items()
        if region is not None
    ]
    return pd.concat(parts, ignore_index=True).dropna().reset_index(drop=True)


def within(edges: pd.DataFrame, units: Sequence[str], path: str) -> pd.DataFrame:
    """Keep the edges between the units, and refuse a unit of which the file says nothing."""
    there = set(edges["focal"]) | set(edges["neighbor"])
    absent = [unit for unit in units if unit not in there]
    if absent:
        raise RongheError(
            f"{path}: says nothing of {listing(absent)}; add the rows, or leave the regions out (leave_out)"
        )
    return edges[edges[["focal", "neighbor"]].isin(set(units)).all(axis=1)]
