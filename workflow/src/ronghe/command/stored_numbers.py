"""Finds a number: in a stored table by its printed form, in a printed table by row and column, in the manuscript."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ronghe.errors import RongheError, listing, nearest

NUMBER = re.compile(r"[-−]?\d[\d,]*\.?\d*")
# How the manuscripts take a number out of a fit: #let NAME = impact("SPECIFICATION", "VARIABLE", "EFFECT").
LET = re.compile(r"#let ([\w-]+) = (\w+)\(([^()]*)\)\s*$")
WORD = re.compile(r'#let ([\w-]+) = "([^"]*)"')
FILES = {"impact": "impacts.csv", "coefficient": "coefficients.csv", "test-of": "tests.csv"}


@dataclass(frozen=True)
class Stored:
    """A number in a stored table: the file, the row (from 1, the headings being row 1) and the column."""

    file: str
    row: int
    column: str
    value: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        """Say where the number stands and what it is."""
        return f"{self.file}: row {self.row} ({', '.join(self.names)}), column {self.column} = {self.value}"


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a stored table, or of the description of a fit as one row."""
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        return [{key: str(value) for key, value in content.items() if isinstance(value, (int, float, str))}]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def in_column(path: Path, names: tuple[str, ...], column: str = "estimate") -> Iterator[Stored]:
    """Yield the cell of a column in the rows of a stored table that hold all `names`."""
    for number, texts, row in _named_rows(path, names):
        yield Stored(str(path), number, column, row[column], texts)


def printed_as(path: Path, printed: str, names: tuple[str, ...]) -> Iterator[Stored]:
    """Yield the cells that round to a printed number, in the rows of a stored table that hold all `names`."""
    for number, texts, row in _named_rows(path, names):
        for heading, cell in row.items():
            if _prints_as(cell, printed):
                yield Stored(str(path), number, heading, cell, texts)


def _named_rows(path: Path, names: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...], dict[str, str]]]:
    for number, row in enumerate(rows_of(path), start=2):
        texts = tuple(cell for cell in row.values() if cell and not _is_number(cell))
        if set(names) <= set(texts):
            yield number, texts, row


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _prints_as(cell: str, printed: str) -> bool:
    """Say whether a stored figure rounds to a printed one."""
    if not _is_number(cell):
        return False
    plain = printed.replace("−", "-").replace(",", "")
    digits = len(plain.partition(".")[2])
    return f"{float(cell):.{digits}f}" == plain


def printed_cell(path: Path, row: str, column: str) -> tuple[str, str, int, str]:
    """Return what a cell of a printed table shows, the label of its row, the number of its column, and its heading.

    Row and column are named by their labels as printed, or by their numbers from 1; a row without a label of its own,
    as that of intervals is, belongs to the label above.
    """
    if not path.is_file():
        raise RongheError(f"{path}: no such file; make it first: snakemake {path}")
    with path.open(encoding="utf-8", newline="") as file:
        head, *body = csv.reader(file)
    first = 2 if head[0] == "group" else 1
    labels, label = [], ""
    for cells in body:
        label = " ".join(filter(None, cells[:first])) if cells[first - 1] else label
        labels.append(label)
    rows = [n for n, text in enumerate(labels) if row in (text, body[n][first - 1])]
    if row.isdigit() and 1 <= int(row) <= len(body):
        rows = [int(row) - 1]
    columns = [n for n, text in enumerate(head[first:]) if column == text or column == re.sub(r" \(\d+\)$", "", text)]
    if column.isdigit() and 1 <= int(column) <= len(head) - first:
        columns = [int(column) - 1]
    if not rows:
        raise RongheError(f"{path}: no row '{row}'{nearest(row, labels)} (rows: {listing(dict.fromkeys(labels), 40)})")
    if not columns:
        close = nearest(column, head[first:])
        raise RongheError(f"{path}: no column '{column}'{close} (columns: {listing(head[first:])})")
    return body[rows[0]][first + columns[0]], labels[rows[0]], columns[0], head[first + columns[0]]


def let_in(text: str, name: str) -> tuple[int, str, str, list[str]] | None:
    """Return line, text, function and arguments of what a manuscript calls `name`, its own words put in."""
    words = dict(WORD.findall(text))
    for number, line in enumerate(text.splitlines(), start=1):
        found = LET.match(line)
        if found and found[2] in FILES and found[1].replace("-", "_") == name.replace("-", "_").removesuffix("_effect"):
            arguments = [part.strip() for part in found[3].split(",")]
            return number, line, found[2], [words.get(part, part.strip('"')) for part in arguments]
    return None
