"""Looks at one raw table as it came and says what it seems to be: titles, headings, regions, years, units, gaps."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ronghe.clean.readers import cell_text, join_headings
from ronghe.clean.regions import fold
from ronghe.clean.unit_words import units_in, without_unit
from ronghe.errors import RongheError
from ronghe.yaml_files import load_yaml

ENDINGS = (".csv", ".tsv", ".xlsx", ".xlsm")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_NUMBER = re.compile(r"[-+−]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?%?")


@cache
def vocabulary() -> dict:
    """Return the words by which tables are recognised."""
    return load_yaml(Path(__file__).with_name("vocabulary.yaml"))


def plain(text: str) -> str:
    """Return a heading as it is compared: without unit, marks, spaces and case."""
    return re.sub(r"[、，,。：:\s*]|^其中", "", fold(without_unit(text)))


def is_word(text: str, kind: str) -> bool:
    """Say whether a heading is one of the words of a kind."""
    return plain(text) in {plain(word) for word in vocabulary()[kind]}


def is_number(cell: str) -> bool:
    """Say whether a cell holds a figure."""
    return bool(_NUMBER.fullmatch(cell.replace(" ", "")))


def is_year(cell: str) -> bool:
    """Say whether a cell is a year, as 2019 or 2019年."""
    return bool(re.fullmatch(r"(19|20)\d{2}\s*年?", cell))


@dataclass
class Look:
    """What one table seems to be; `options` are the keys of the declaration by which it is read."""

    file: str
    options: dict
    title: list[str]
    headings: list[str]
    body: list[list[str]]
    region: int
    year: int | None = None
    years: dict[int, int] = field(default_factory=dict)
    indicator: int | None = None
    unit: int | None = None
    guesses: list[str] = field(default_factory=list)

    def column(self, place: int) -> list[str]:
        """Return the cells of a column."""
        return [row[place] for row in self.body]

    def values(self) -> list[int]:
        """Return the columns of figures."""
        taken = {self.region, self.year, self.indicator, self.unit}
        return [
            place
            for place, heading in enumerate(self.headings)
            if place not in taken and heading and any(is_number(cell) for cell in self.column(place))
        ]

    @property
    def title_unit(self) -> str | None:
        """Return the unit that the lines above the table announce."""
        return next((unit for cell in self.title for unit in units_in(cell)), None)


def look_at(path: Path) -> Look:
    """Look at a file; what cannot be read is refused with the reason."""
    grid, options = _read(path)
    grid = [[cell.strip() for cell in row] for row in grid]
    first = next((n for n, row in enumerate(grid) if _holds_figures(row)), None)
    if first is None:
        raise RongheError(f"{path.name}: no row of figures was found")
    last = max(n for n, row in enumerate(grid) if _holds_figures(row))
    heads = []
    for number in range(first - 1, max(first - 4, -1), -1):
        cells = [cell for cell in grid[number] if cell]
        if len(cells) < 2 or any("单位" in cell and ("：" in cell or ":" in cell) for cell in cells):
            break
        heads.insert(0, number)
    if not heads:
        raise RongheError(f"{path.name}: row {first + 1} holds figures, but there is no row of headings above it")
    width = max(len(row) for row in grid[heads[0] : last + 1])
    rows = [row + [""] * (width - len(row)) for row in grid]
    headings = join_headings([rows[number] for number in heads])
    options |= {"skip_rows": heads[0]} if heads[0] else {}
    options |= {"header_rows": len(heads)} if len(heads) > 1 else {}
    options |= {"skip_footer": len(grid) - 1 - last} if last < len(grid) - 1 else {}
    body = [row for row in rows[first : last + 1] if any(row)]
    while headings and not headings[-1]:
        headings.pop()
    title = [cell for row in grid[: heads[0]] for cell in row if cell]
    look = Look(path.name, options, title, headings, [row[: len(headings)] for row in body], 0)
    _find_keys(look)
    _find_marks(look)
    return look


def _read(path: Path) -> tuple[list[list[str]], dict]:
    if path.suffix.lower() not in ENDINGS:
        raise RongheError(f"{path.name}: files ending in '{path.suffix}' are not looked at; save it as .xlsx or .csv")
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        import openpyxl

        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except Exception as error:
            raise RongheError(f"{path.name}: not a readable Excel workbook ({error}); save it anew as .xlsx") from None
        sheet = book.worksheets[0]
        return [[cell_text(value) for value in row] for row in sheet.iter_rows(values_only=True)], {}
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise RongheError(f"{path.name}: the text is neither UTF-8 nor GB18030; save it as UTF-8")
    options = {"encoding": "gb18030"} if encoding == "gb18030" else {}
    separator = max((",", ";", "\t"), key=text.count)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    options |= {"separator": separator} if separator != usual else {}
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)), options


def _holds_figures(row: list[str]) -> bool:
    cells = [cell for cell in row[1:] if cell]
    figures = [cell for cell in cells if is_number(cell) and not is_year(cell)]
    return bool(row and row[0] and figures) and len(figures) * 2 >= len([c for c in cells if not is_year(c)]) - 2


def _find_keys(look: Look) -> None:
    texts = [
        place
        for place in range(len(look.headings))
        if sum(is_number(cell) for cell in look.column(place)) * 2 < len(look.body)
    ]
    for place, heading in enumerate(look.headings):
        if is_word(heading, "unit") and place in texts:
            look.unit = place
        elif is_word(heading, "indicator") and place in texts:
            look.indicator = place
        elif all(is_year(cell) for cell in look.column(place)):
            look.year = place
    named = [p for p in texts if is_word(look.headings[p], "region") and p not in (look.unit, look.indicator)]
    free = [p for p in texts if p not in (look.unit, look.indicator, look.year)]
    if not named and not free:
        raise RongheError(f"{look.file}: no column of regions was found (headings: {', '.join(look.headings)})")
    look.region = (named or free)[0]
    if not named:
        look.guesses.append(f"the regions stand under '{look.headings[look.region]}'")
    if look.year is None:
        found = {p: _YEAR.search(h) for p, h in enumerate(look.headings) if p not in (look.region, look.indicator)}
        look.years = {place: int(year[1]) for place, year in found.items() if year}


def _find_marks(look: Look) -> None:
    """Note what stands for a missing figure, and how thousands are separated."""
    cells = {row[place] for place in look.values() for row in look.body}
    marks = sorted(cell for cell in cells if cell and not is_number(cell))
    if marks:
        look.options["missing"] = marks
        look.guesses.append(f"missing figures are written {', '.join(marks)}")
    if any(re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", cell) for cell in cells):
        look.options["thousands"] = ","
