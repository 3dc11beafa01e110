"""Looks for tables of pairs of regions: borders, matrices of weights or distances, flows of trade or patents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ronghe.command.looks import Grid, is_number, is_year, plain_figure, reading, vocabulary
from ronghe.command.same_region import bare

FEWEST = 3
ALIKE = 0.6


@dataclass
class Pairs:
    """One table of pairs: `kind` is borders, matrix or flows; `options` are the keys by which the file is read."""

    kind: str
    file: str
    place: str
    folder: str
    options: dict = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    distances: bool = False
    alone: bool = False
    guesses: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return where the file lies, from the root of the project."""
        return f"{self.folder}/{self.file}"


def graph_file(name: str, folder: str) -> Pairs:
    """Return a file of GeoDa or PySAL, GAL or GWT, as a matrix."""
    return Pairs("matrix", name, name, folder)


def look_at_pairs(grid: Grid, folder: str) -> Pairs | None:
    """Return what a table of pairs of regions holds, or None where the table is none."""
    # Lines above and below the table, such as a title or a source, have one cell only, or two.
    rows = [n for n, row in enumerate(grid.rows) if sum(map(bool, row)) >= 2]
    found = None
    for place, head in enumerate(rows[:3]):
        headings, body = grid.rows[head], [grid.rows[n] for n in rows[place + 1 :]]
        found = _matrix(headings, body) or _two_columns(headings, body)
        if found:
            break
    if found is None:
        return None
    options = reading(grid, head, 1, rows[-1])
    title = " ".join([grid.file, grid.options.get("sheet", ""), *(c for row in grid.rows[: head + 1] for c in row)])
    kind, columns, names, years, guesses = found
    if kind == "matrix" and _speaks_of(title, "flows") and not _speaks_of(title, "distances"):
        kind = "flows"
    if not columns and "missing" not in options and (marks := _marks(row[1 : len(headings)] for row in body)):
        options["missing"] = marks
        guesses = [*guesses, f"{', '.join(marks)} is taken for no weight"]
    distances = kind != "borders" and _speaks_of(title, "distances")
    return Pairs(kind, grid.file, grid.place, folder, options, columns, names, years, distances, list(guesses))


def _marks(rows: object) -> list[str]:
    return sorted({cell for row in rows for cell in row if cell and not is_number(cell)})


def _speaks_of(text: str, kind: str) -> bool:
    return any(word in text.casefold() for word in vocabulary()[kind])


def _alike(first: Sequence[str], second: Sequence[str]) -> bool:
    """Say whether two lists name the same things, up to suffixes and a few that one lacks."""
    one, other = ({bare(name) for name in names if name} for names in (first, second))
    return len(one & other) >= FEWEST and len(one & other) >= ALIKE * len(one | other)


def _matrix(headings: list[str], body: list[list[str]]) -> tuple | None:
    down, across = [row[0] for row in body], headings[1:]
    if not _alike(down, across) or any(is_year(name) for name in across):
        return None
    return "matrix", {}, tuple(down), (), ()


def _two_columns(headings: list[str], body: list[list[str]]) -> tuple | None:
    columns = [[row[place] if place < len(row) else "" for row in body] for place in range(len(headings))]
    figures = [sum(is_number(plain_figure(c)) for c in column) * 2 > len(body) for column in columns]
    coded = [all(c.isdigit() and len(c) == 6 for c in column) for column in columns]
    names = [p for p, heading in enumerate(headings) if heading and (not figures[p] or coded[p])]
    years = [p for p in names + [p for p, f in enumerate(figures) if f] if all(map(is_year, columns[p]))]
    pair = next(((a, b) for a in names for b in names if a < b and _alike(columns[a], columns[b])), None)
    if pair is None or len({(row[pair[0]], row[pair[1]]) for row in body}) * 2 < len(body) and not years:
        return None
    both = (*columns[pair[0]], *columns[pair[1]])
    values = [p for p, figure in enumerate(figures) if figure and not coded[p] and p not in years and headings[p]]
    if not values:
        kinds = [p for p in names if p not in pair and 1 < len(set(columns[p])) <= 5]
        named = {"region": headings[pair[0]], "neighbor": headings[pair[1]]}
        return "borders", named | ({"kind": headings[kinds[0]]} if kinds else {}), both, (), ()
    named = {"focal": headings[pair[0]], "neighbor": headings[pair[1]], "weight": headings[values[0]]}
    guesses = [f"of {len(values)} columns of figures '{headings[values[0]]}' is taken"] if len(values) > 1 else []
    if not years:
        return "flows", named, both, (), guesses
    there = tuple(sorted({int(cell[:4]) for cell in columns[years[0]]}))
    return "flows", named | {"year": headings[years[0]]}, both, there, guesses
