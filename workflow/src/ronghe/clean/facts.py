"""Recomputes the figures that the literature states from the end points that it gives beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.clean.checksums import verify_checksums
from ronghe.clean.numbers import parse_numbers
from ronghe.clean.readers import read_raw
from ronghe.clean.variables import RECOMPUTATIONS
from ronghe.errors import RongheError, listing, nearest

Cell = tuple[str, int]
HEADINGS = ("indicator", "unit", "year", "value", "source")


def recompute_facts(declared: dict, root: str | Path = ".") -> pd.DataFrame:
    """Return one row per statement: stated, recomputed, their difference, and whether rounding explains it."""
    path = Path(root, declared["file"])
    if "checksums" in declared:
        verify_checksums(path.parent / declared["checksums"], [path])
    known = _read_facts(path)
    rows = []
    for name, statement in declared["statements"].items():
        how = next(key for key in RECOMPUTATIONS if key in statement)
        cells = [tuple(cell) for cell in statement[how]]
        where = f"facts.statements.{name}"
        figures = [_find(known, cell, declared["file"], where)["value"] for cell in cells]
        stated = _find(known, tuple(statement["stated"]), declared["file"], where)
        recomputed = _recompute(how, figures, cells)
        difference = recomputed - stated["value"]
        rows.append(
            {
                "fact": name,
                "stated": stated["value"],
                "recomputed": recomputed,
                "unit": stated["unit"],
                "difference": difference,
                "tolerance": statement["tolerance"],
                "agreement": "yes" if abs(difference) <= statement["tolerance"] else "no",
                # The first figure of a change is the last one less the change: its year is not written down.
                "first_year": "" if how == "change_rate" else min(year for _, year in cells),
                "last_year": max(year for _, year in cells),
                "how": how,
                "source": stated["source"],
            }
        )
    return pd.DataFrame(rows)


def _recompute(how: str, figures: list[float], cells: list[Cell]) -> float:
    if how == "sum":
        return float(sum(figures))
    if how == "quotient":
        return 100 * figures[0] / figures[1]
    if how == "change_rate":
        change, last = figures
        return 100 * change / (last - change)
    if how == "growth":
        return 100 * (figures[1] / figures[0] - 1)
    if how == "annual_growth":
        return _yearly(figures[0], figures[1], cells[1][1] - cells[0][1])
    part, share, later_part, later_share = figures
    return _yearly(part / share, later_part / later_share, cells[2][1] - cells[0][1])


def _yearly(first: float, last: float, years: int) -> float:
    return 100 * ((last / first) ** (1 / years) - 1)


def _read_facts(path: Path) -> dict[Cell, dict]:
    table = read_raw(path)
    for heading in HEADINGS:
        table.need(heading, "the table of facts")
    values = parse_numbers(table.cells["value"].tolist(), table.rows, table.path, "value")
    years = parse_numbers(table.cells["year"].tolist(), table.rows, table.path, "year")
    known: dict[Cell, dict] = {}
    for position, row in enumerate(table.rows):
        key = (table.cells["indicator"].iat[position], int(years[position]))
        if key in known:
            raise RongheError(f"{path}: row {row}: {key[0]} {key[1]} stands twice; keep one row")
        if np.isnan(values[position]):
            raise RongheError(f"{path}: row {row}: {key[0]} {key[1]} has no value; fill it in, or take the row out")
        known[key] = {
            "value": values[position],
            "unit": table.cells["unit"].iat[position],
            "source": table.cells["source"].iat[position],
        }
    return known


def _find(known: dict[Cell, dict], cell: Cell, path: str, where: str) -> dict:
    if cell not in known:
        years = sorted(year for name, year in known if name == cell[0])
        hint = (
            f"years there: {listing(years)}" if years else f"no such indicator{nearest(cell[0], [n for n, _ in known])}"
        )
        raise RongheError(f"{where}: {path} has no {cell[0]} in {cell[1]} ({hint}); mend the statement, or add the row")
    return known[cell]
