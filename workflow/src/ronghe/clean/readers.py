"""Reads one raw table as it is, CSV, Excel, Stata or Parquet, into text cells with the row each stands in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, nearest

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet as Worksheet
    from xlrd.book import Book

# How a file of each kind begins; what begins so is that kind, whatever its name says.
BEGINNINGS = {
    b"PK\x03\x04": "an Excel workbook (or another zip file)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"PAR1": "a Parquet file",
    b"<stata_dta>": "a Stata file",
    b"%PDF": "a PDF",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
WANTED = {
    ".xlsx": b"PK\x03\x04",
    ".xlsm": b"PK\x03\x04",
    ".xls": b"\xd0\xcf\x11\xe0",
    ".parquet": b"PAR1",
    ".dta": b"<stata_dta>",
}
TEXT = (".csv", ".tsv", ".txt")
EXCEL = (".xlsx", ".xlsm", ".xls")
OLD_STATA = (0x69, 0x6C, 0x6E, 0x6F, 0x71, 0x72, 0x73)


@dataclass(frozen=True)
class RawTable:
    """The cells of a raw table as text (missing ones empty), under its headings, with the row of each in the file.

    `above` holds the cells of the lines above the headings: the title, often with the unit of the whole table.
    """

    path: str
    cells: pd.DataFrame
    rows: np.ndarray
    above: tuple[str, ...] = ()

    def need(self, heading: str, entry: str) -> str:
        """Return the heading if the table has it; otherwise name those it has."""
        if heading not in self.cells:
            raise RongheError(
                f"{self.path}: no column '{heading}'{nearest(heading, self.cells)} "
                f"(columns: {listing(self.cells, 40)}); {entry} names it: mend the name there, or the file"
            )
        return heading


def read_raw(path: str | Path, options: dict | None = None) -> RawTable:
    """Read a raw table by its ending, after checking that the file is what the ending says."""
    path, options = Path(path), options or {}
    if not path.is_file():
        there = [p.name for p in path.parent.glob("*") if p.is_file()] if path.parent.is_dir() else []
        raise RongheError(
            f"{path}: no such file{nearest(path.name, there)} (there: {listing(sorted(there)) or 'none'})"
        )
    ending = path.suffix.lower()
    if ending not in (*TEXT, *WANTED):
        raise RongheError(f"{path}: files ending in '{ending}' are not read; save it as .csv, .xlsx, .dta or .parquet")
    _check_kind(path, ending)
    if ending in TEXT:
        grid = _read_text(path, options, "\t" if ending == ".tsv" else ",")
    elif ending in EXCEL:
        grid = _read_excel(path, options)
    else:
        return _from_frame(path)
    return _from_grid(path, grid, options)


def _read_frame(path: Path, ending: str) -> pd.DataFrame:
    try:
        frame = pd.read_stata(path) if ending == ".dta" else pd.read_parquet(path)
        # Text of Parquet is decoded when it is looked at: a damaged cell belongs to this file's message.
        frame.to_numpy(object)
        return frame
    except Exception as error:
        kind = "Stata" if ending == ".dta" else "Parquet"
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RongheError(f"{path}: not a readable {kind} file ({why}); save it anew") from None


def _check_kind(path: Path, ending: str) -> None:
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        raise RongheError(f"{path}: the file is empty")
    looks = next((kind for sign, kind in BEGINNINGS.items() if start.startswith(sign)), None)
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<table")):
        looks = "a web page"
    if ending in TEXT:
        wrong = looks
    else:
        old_stata = ending == ".dta" and start[0] in OLD_STATA and start[1:2] in (b"\1", b"\2")
        wrong = (
            None if start.startswith(WANTED[ending]) or old_stata else (looks or "something else, perhaps plain text")
        )
    if wrong:
        raise RongheError(
            f"{path}: the ending says '{ending}' but the file is {wrong}; give it its right ending, or save it anew"
        )


def _read_text(path: Path, options: dict, separator: str) -> list[list[str]]:
    encoding = options.get("encoding", "utf-8")
    text = _decode(path, path.read_bytes(), encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=options.get("separator", separator), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise RongheError(f"{path}: row {reader.line_num}: not a proper CSV line: {error}") from None


def _decode(path: Path, data: bytes, encoding: str) -> str:
    """Decode a text file, naming the other encoding where the one declared does not fit."""
    if encoding == "gb18030" and not data.isascii() and _decodes(data, "utf-8"):
        raise RongheError(f"{path}: declared as gb18030 but the file is UTF-8; leave 'encoding' out")
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        other = "gb18030" if encoding == "utf-8" else "utf-8"
        remedy = f"write 'encoding: {other}' for this table" if _decodes(data, other) else "save the file as UTF-8"
        raise RongheError(f"{path}: row {row}: not {encoding} text; {remedy}") from None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _read_excel(path: Path, options: dict) -> list[list[str]]:
    sheet = options.get("sheet", 1)
    with open_sheets(path, str(path)) as sheets:
        names = list(sheets)
        if isinstance(sheet, int) and not 1 <= sheet <= len(names):
            raise RongheError(f"{path}: no sheet number {sheet} (sheets: {listing(names)})")
        if isinstance(sheet, str) and sheet not in names:
            raise RongheError(f"{path}: no sheet '{sheet}'{nearest(sheet, names)} (sheets: {listing(names)})")
        return sheets[names[sheet - 1] if isinstance(sheet, int) else sheet]()


@contextmanager
def open_sheets(path: Path, name: str) -> Iterator[dict[str, Callable[[], list[list[str]]]]]:
    """Give the sheets of a workbook by name in their order, each to be called for its cells as text."""
    try:
        if path.suffix.lower() == ".xls":
            import xlrd

            # What the reader finds odd about a file goes nowhere: what matters are its cells.
            old = xlrd.open_workbook(path, on_demand=True, logfile=io.StringIO())
            sheets = {one: partial(_old_cells, old, one) for one in old.sheet_names()}
            close = old.release_resources
        else:
            import openpyxl

            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            sheets = {one.title: partial(_cells, one) for one in book.worksheets}
            close = book.close
    except Exception as error:
        raise RongheError(f"{name}: not a readable Excel workbook ({error}); save it anew as .xlsx") from None
    try:
        yield sheets
    finally:
        close()


def _cells(sheet: Worksheet) -> list[list[str]]:
    return [[cell_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]


def _old_cells(book: Book, name: str) -> list[list[str]]:
    """Return the cells of a sheet of the old format; dates as a workbook of the new format gives them."""
    import xlrd

    def text(cell: xlrd.sheet.Cell) -> str:
        if cell.ctype == xlrd.XL_CELL_DATE:
            return str(xlrd.xldate_as_datetime(cell.value, book.datemode))
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return str(bool(cell.value))
        return xlrd.error_text_from_code[cell.value] if cell.ctype == xlrd.XL_CELL_ERROR else cell_text(cell.value)

    return [[text(cell) for cell in row] for row in book.sheet_by_name(name).get_rows()]


def cell_text(value: object) -> str:
    """Return a typed cell as text: whole numbers without a point, others to the last bit, missing ones empty."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
    return str(value).strip()


def _from_grid(path: Path, grid: list[list[str]], options: dict) -> RawTable:
    """Make a table of rows of text: headings first, blank lines left out, every row as long as the headings."""
    skip, footer = options.get("skip_rows", 0), options.get("skip_footer", 0)
    numbered = [(number, row) for number, row in enumerate(grid, start=1) if number > skip]
    numbered = numbered[: len(numbered) - footer]
    numbered = [(number, row) for number, row in numbered if any(cell.strip() for cell in row)]
    heads = options.get("header_rows", 1)
    if len(numbered) < heads + 1:
        raise RongheError(f"{path}: no row of figures below the headings; check the file and 'skip_rows'")
    headings = join_headings([[cell.strip() for cell in row] for _, row in numbered[:heads]])
    while headings and not headings[-1]:
        headings.pop()
    body = []
    for number, row in numbered[heads:]:
        if len(row) < len(headings) or any(cell.strip() for cell in row[len(headings) :]):
            raise RongheError(
                f"{path}: row {number}: {len(row)} cells under {len(headings)} headings; a cell that holds the "
                "separator must stand in quotation marks, and lines above the headings need 'skip_rows'"
            )
        body.append([cell.strip() for cell in row[: len(headings)]])
    _check_headings(path, headings)
    rows = np.array([number for number, _ in numbered[heads:]])
    above = tuple(cell for row in grid[:skip] for cell in row if cell.strip())
    return RawTable(str(path), pd.DataFrame(body, columns=headings, dtype=object), rows, above)


def join_headings(rows: list[list[str]]) -> list[str]:
    """Join headings of several rows: a cell that spans columns stands over each of them, the parts apart by a space."""
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    above = []
    for row in rows[:-1]:
        filled, current = [], ""
        for place, cell in enumerate(row):
            # A column whose last row is empty ends the span: its heading stands in the upper row alone.
            current = cell or (current if rows[-1][place] else "")
            filled.append(current)
        above.append(filled)
    return [" ".join(filter(None, parts)) for parts in zip(*above, rows[-1], strict=True)]


def _check_headings(path: Path, headings: list[str]) -> None:
    twice = sorted({heading for heading in headings if headings.count(heading) > 1})
    if twice:
        raise RongheError(f"{path}: the heading '{twice[0]}' stands twice; give each column its own")


def frame_cells(path: Path) -> pd.DataFrame:
    """Return the cells of a Stata or Parquet file as text under its headings."""
    _check_kind(path, path.suffix.lower())
    frame = _read_frame(path, path.suffix.lower())
    if frame.index.names != [None] or not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    headings = [str(column).strip() for column in frame]
    _check_headings(path, headings)
    return pd.DataFrame({h: [cell_text(v) for v in frame.iloc[:, i]] for i, h in enumerate(headings)}, dtype=object)


def _from_frame(path: Path) -> RawTable:
    cells = frame_cells(path)
    # Stata and Parquet have no heading line: the first row of data is row 1.
    return RawTable(str(path), cells, np.arange(1, len(cells) + 1))
