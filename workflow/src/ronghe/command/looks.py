"""Looks at one raw table as it came and says what it seems to be: titles, headings, regions, years, units, gaps."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ronghe.clean.readers import EXCEL, TEXT, frame_cells, join_headings, open_sheets
from ronghe.clean.regions import fold
from ronghe.clean.unit_words import read_unit, units_in, without_unit
from ronghe.errors import RongheError
from ronghe.yaml_files import load_yaml

FRAMES = (".dta", ".parquet")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_NUMBER = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?(?:[eE][-+]?\d+)?")
_TAIL = re.compile(r"(?<=\d)(%|\*+|[①-⑳]|[a-z]|\(\d\)|（\d）)$")


@cache
def vocabulary() -> dict:
    """Return the words by which tables are recognised."""
    return load_yaml(Path(__file__).with_name("vocabulary.yaml"))


def plain(text: str) -> str:
    """Return a heading as it is compared: without unit, marks, spaces and case."""
    return re.sub(r"[、，,。：:\s*]|^其中", "", fold(without_unit(text)))


def is_word(text: str, kind: str) -> bool:
    """Say whether a heading, or its first part where a row of units stands below, is one of the words of a kind."""
    words = {plain(word) for word in vocabulary()[kind]}
    return plain(text) in words or bool(text.split()) and plain(text.split()[0]) in words


def is_number(cell: str) -> bool:
    """Say whether a cell holds a figure."""
    return bool(_NUMBER.fullmatch(cell.replace(" ", "")))


def plain_figure(cell: str) -> str:
    """Return a cell without a sign that may follow its figure, such as % or the mark of a footnote."""
    return _TAIL.sub("", cell)


def is_year(cell: str) -> bool:
    """Say whether a cell is a year, as 2019 or 2019年."""
    return bool(re.fullmatch(r"(19|20)\d{2}\s*年?", cell))


@dataclass
class Grid:
    """The cells of a table as text, and the keys of the declaration that say how the file stores them."""

    file: str
    rows: list[list[str]]
    options: dict
    sheet: str = ""

    def __post_init__(self) -> None:
        """Take spaces around cells away."""
        self.rows = [[cell.strip() for cell in row] for row in self.rows]

    @property
    def place(self) -> str:
        """Return the name of the file, and of its sheet where it has several."""
        return f"{self.file}, sheet '{self.sheet}'" if self.sheet else self.file


@dataclass
class Look:
    """What one table seems to be; `options` are the keys of the declaration by which it is read."""

    grid: Grid
    options: dict
    title: list[str]
    headings: list[str]
    body: list[list[str]]
    region: int
    year: int | None = None
    years: dict[int, int] = field(default_factory=dict)
    indicator: int | None = None
    unit: int | None = None
    code: int | None = None
    guesses: list[str] = field(default_factory=list)

    def column(self, place: int) -> list[str]:
        """Return the cells of a column."""
        return [row[place] for row in self.body]

    def values(self) -> list[int]:
        """Return the columns of figures."""
        taken = {self.region, self.year, self.indicator, self.unit, self.code}
        return [
            place
            for place, heading in enumerate(self.headings)
            if place not in taken and heading and any(is_number(plain_figure(cell)) for cell in self.column(place))
        ]

    @property
    def file(self) -> str:
        """Return the name of the file."""
        return self.grid.file

    @property
    def title_unit(self) -> str | None:
        """Return the unit that the lines above the table announce."""
        return next((unit for cell in self.title for unit in units_in(cell)), None)


def grids(path: Path, name: str) -> Iterator[Grid]:
    """Yield the tables of a file as rows of text: one, or every sheet of a workbook that holds something."""
    ending = path.suffix.lower()
    if ending in EXCEL:
        with open_sheets(path, name) as sheets:
            for number, (sheet, read) in enumerate(sheets.items()):
                if any(map(any, cells := read())):
                    yield Grid(name, cells, {"sheet": sheet} if number else {}, sheet if len(sheets) > 1 else "")
    elif ending in FRAMES:
        cells = frame_cells(path)
        yield Grid(name, [list(cells), *cells.to_numpy().tolist()], {})
    elif ending in TEXT:
        yield _text_grid(path, name)
    else:
        raise RongheError(
            f"{name}: files ending in '{path.suffix}' are not looked at; save it as .xlsx, .csv, .dta or .parquet"
        )


def _text_grid(path: Path, name: str) -> Grid:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise RongheError(f"{name}: the text is neither UTF-8 nor GB18030; save it as UTF-8")
    options = {"encoding": "gb18030"} if encoding == "gb18030" else {}
    separator = max((",", ";", "\t"), key=text.count)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    options |= {"separator": separator} if separator != usual else {}
    return Grid(name, list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)), options)


def look_at(grid: Grid) -> Look:
    """Look at a table; what cannot be read is refused with the reason."""
    first = next((n for n, row in enumerate(grid.rows) if _holds_figures(row)), None)
    if first is None:
        raise RongheError(f"{grid.place}: no row of figures was found")
    last = max(n for n, row in enumerate(grid.rows) if _holds_figures(row))
    heads: list[int] = []
    for number in range(first - 1, max(first - 4, -1), -1):
        cells = [cell for cell in grid.rows[number] if cell]
        # A row of units may hold one of them only.
        alone = len(cells) < 2 and not (cells and heads == [] and read_unit(cells[0]))
        if alone or any("单位" in cell and ("：" in cell or ":" in cell) for cell in cells):
            break
        heads.insert(0, number)
    if not heads:
        raise RongheError(f"{grid.place}: row {first + 1} holds figures, but there is no row of headings above it")
    width = max(len(row) for row in grid.rows[heads[0] : last + 1])
    rows = [row + [""] * (width - len(row)) for row in grid.rows]
    headings = join_headings([rows[number] for number in heads])
    options = reading(grid, heads[0], len(heads), last)
    body = [row for row in rows[first : last + 1] if any(row)]
    while headings and not headings[-1]:
        headings.pop()
    title = [cell for row in grid.rows[: heads[0]] for cell in row if cell]
    look = Look(grid, options, title, headings, [row[: len(headings)] for row in body], 0)
    _find_keys(look)
    _find_marks(look)
    return look


def reading(grid: Grid, skip: int, heads: int, last: int) -> dict:
    """Return the keys of the declaration by which a table is read: how it is stored, and what stands around it."""
    options = dict(grid.options)
    options |= {"skip_rows": skip} if skip else {}
    options |= {"header_rows": heads} if heads > 1 else {}
    return options | ({"skip_footer": len(grid.rows) - 1 - last} if last < len(grid.rows) - 1 else {})


def _holds_figures(row: list[str]) -> bool:
    cells = [cell for cell in row[1:] if cell]
    figures = [cell for cell in cells if is_number(plain_figure(cell)) and not is_year(cell)]
    return bool(row and row[0] and figures) and len(figures) * 2 >= len([c for c in cells if not is_year(c)]) - 2


def _find_keys(look: Look) -> None:
    texts = [
        place
        for place in range(len(look.headings))
        if sum(is_number(plain_figure(cell)) for cell in look.column(place)) * 2 < len(look.body)
    ]
    for place, heading in enumerate(look.headings):
        if is_word(heading, "unit") and place in texts:
            look.unit = place
        elif is_word(heading, "indicator") and place in texts:
            look.indicator = place
        elif is_word(heading, "code") and all(cell.isdigit() or not cell for cell in look.column(place)):
            look.code = place
        elif all(is_year(cell) for cell in look.column(place)):
            look.year = place
    taken = (look.unit, look.indicator, look.year, look.code)
    named = [p for p in texts if is_word(look.headings[p], "region") and p not in taken]
    free = [p for p in texts if p not in taken]
    if not named and not free and look.code is None:
        raise RongheError(f"{look.grid.place}: no column of regions was found (headings: {', '.join(look.headings)})")
    look.region = (named or free or [look.code])[0]
    if not named:
        look.guesses.append(f"the regions stand under '{look.headings[look.region]}'")
    if look.year is None:
        found = {p: _YEAR.search(h) for p, h in enumerate(look.headings) if p not in (look.region, *taken)}
        look.years = {place: int(year[1]) for place, year in found.items() if year}


def _find_marks(look: Look) -> None:
    """Note what stands for a missing figure, what follows a figure and is no part of it, and how thousands are set."""
    cells = {row[place] for place in look.values() for row in look.body} - {""}
    tails = {found[1] for cell in cells if (found := _TAIL.search(cell)) and is_number(cell.removesuffix(found[1]))}
    cells = {cell.removesuffix(next((tail for tail in tails if cell.endswith(tail)), "")) for cell in cells}
    if tails:
        look.options["marks"] = sorted(tails)
        if notes := tails - {"%"}:
            look.guesses.append(f"signs after figures that are left out: {', '.join(sorted(notes))}")
    # A cell with digits that is no number may be a slip of the pen: it stays for `ronghe check` to name its row.
    marks = sorted(cell for cell in cells if not is_number(cell) and not re.search(r"\d", cell))
    if marks:
        look.options["missing"] = marks
        look.guesses.append(f"missing figures are written {', '.join(marks)}")
    if any(re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", cell) for cell in cells):
        look.options["thousands"] = ","


def spelt(words: str) -> str:
    """Return words as a name; Chinese ones by their pinyin."""
    if words.isascii():
        return identifier(words, "")
    from pypinyin import lazy_pinyin

    return identifier("_".join(lazy_pinyin(re.sub(r"\W", "", words)))[:40], "")


def identifier(words: str, fallback: str) -> str:
    """Return words as a name: lower case letters of English, digits and _; the fallback where nothing is left."""
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return name if re.match(r"[a-z]", name) else f"t_{name}" if name else fallback
