"""Turns text cells into numbers, strictly: a cell is a plain number, a declared sign of a gap, or an error."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ronghe.errors import RongheError

PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# As separators of thousands they look like a space.
NARROW_SPACES = re.compile("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\N{FIGURE SPACE}]")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[,  '][0-9]{3})+(?:\.[0-9]+)?")


def parse_numbers(
    cells: Sequence[str],
    rows: Sequence[int],
    path: str,
    heading: str,
    thousands: str = "",
    missing: Sequence[str] = (),
    marks: Sequence[str] = (),
    instead: str = "",
) -> np.ndarray:
    """Return the cells as floats, gaps as NaN; anything else is refused with file, row, heading and remedy.

    `marks` are signs that may follow a figure and are no part of it: %, the star of a footnote. `instead` is what is
    written where no figure may be missing.
    """
    gaps, tails = {"", *missing}, sorted(marks, key=len, reverse=True)
    numbers = np.full(len(cells), np.nan)
    for position, cell in enumerate(cells):
        if cell in gaps:
            continue
        cell = NARROW_SPACES.sub(" ", cell)
        cell = cell.removesuffix(next((tail for tail in tails if cell.endswith(tail)), "")).rstrip()
        text = cell.replace(thousands, "") if thousands and GROUPED.fullmatch(cell) else cell
        if not PLAIN.fullmatch(text):
            raise RongheError(f"{path}: row {rows[position]}: '{heading}': {_explain(cell, instead)}")
        numbers[position] = float(text)
        if not np.isfinite(numbers[position]):
            raise RongheError(f"{path}: row {rows[position]}: '{heading}': '{cell}' is too large to be a figure")
    return numbers


def _explain(cell: str, instead: str) -> str:
    grouped = GROUPED.fullmatch(cell)
    if grouped:
        sign = next(character for character in cell if character in ",  '")
        return (
            f"'{cell}' holds a separator of thousands; write 'thousands: \"{sign}\"' for this table, "
            "or take the separators out"
        )
    figure = re.match(PLAIN.pattern, cell)
    if figure and figure[0] and not re.search(r"[0-9]", cell[figure.end() :]):
        sign = cell[figure.end() :].strip()
        return (
            f"'{cell}' is not a number; write 'marks: [\"{sign}\"]' for this table if the sign is no part of the "
            "figure (%, the mark of a footnote), or correct the cell"
        )
    if instead:
        return f"'{cell}' is not a number; correct the cell, or {instead}"
    return (
        f"'{cell}' is not a number; correct the cell, or, if it stands for a missing figure, "
        f"write 'missing: [\"{cell}\"]' for this table"
    )
