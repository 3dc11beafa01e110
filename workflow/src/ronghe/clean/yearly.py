"""A table of one file per year: what each file says in its own way, and whether it is of the year that it should be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ronghe.clean.units import Units
from ronghe.clean.variable import Variable
from ronghe.errors import RongheError, listing, require_known

# A year, unless it is that of prices: 按2010年不变价格 says nothing about whose figures stand below.
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)(?!\s*年?\s*(?:不变|可比|价|=\s*100))")
# What an entry of `files` says beside how its file is read.
OWN = ("called", "units", "written_year")


def years_in(text: str) -> list[int]:
    """Return the years that a name or a title writes, each once."""
    return list(dict.fromkeys(map(int, _YEAR.findall(text))))


def files(table: dict) -> dict[int, dict]:
    """Return the entry of each file of a table in order of its years; nothing for a table of one file."""
    entries = {int(year): entry for year, entry in table.get("files", {}).items()}
    return {year: {"file": e} if isinstance(e, str) else e for year, e in sorted(entries.items())}


def single_files(table: dict) -> list[dict]:
    """Return a table of many files as tables of one each; another is itself."""
    if "files" not in table:
        return [table]
    return [{**table, "files": {year: entry}} for year, entry in table["files"].items()]


def of_one_year(table: dict, year: int) -> dict:
    """Return a table with the file of one year alone: its own way of reading, headings by its own names."""
    entry = files(table)[year]
    key = {part: as_called(heading, entry, year) for part, heading in table["key"].items() if part != "year_written"}
    written = {"year_written": table["key"]["year_written"]} if "year_written" in table["key"] else {}
    reading = {name: value for name, value in entry.items() if name not in OWN}
    return {**{name: value for name, value in table.items() if name != "files"}, **reading, "key": key | written}


def as_called(heading: str, entry: dict, year: int) -> str:
    """Return what one file calls a heading or an indicator; {year} in it stands for its year."""
    return entry.get("called", {}).get(heading, heading).replace("{year}", str(year))


def in_year(variable: Variable, table: dict, year: int, units: Units) -> Variable:
    """Return a variable as the file of one year writes it: headings, unit, range and factor."""
    entry = files(table)[year]
    unit = own_units(entry, table).get(variable.name, variable.written_unit)
    size = float(units.factor(unit, variable.written_unit, place(variable.table, year)))
    low, high = (None if bound is None else bound / size for bound in variable.range)
    return replace(
        variable,
        entry=f"{variable.entry} (files.{year})",
        column=None if variable.column is None else as_called(variable.column, entry, year),
        indicator=None if variable.indicator is None else as_called(variable.indicator, entry, year),
        written_unit=unit,
        factor=float(units.factor(unit, variable.unit, place(variable.table, year))),
        range=(low, high),
    )


def own_units(entry: dict, table: dict) -> dict[str, str]:
    """Return {variable: unit} of one file, FAMILY_* spelled out."""
    found = {}
    for name, unit in entry.get("units", {}).items():
        family = table.get("families", {}).get(name[:-2]) if name.endswith("_*") else None
        found |= {f"{name[:-2]}_{sector}": unit for sector in family["members"]} if family else {name: unit}
    return found


def place(table: str, year: int) -> str:
    """Return where the declaration speaks of the file of one year."""
    return f"tables.{table}.files.{year}"


def check_files(name: str, table: dict, variables: Iterable[Variable], where: str) -> None:
    """Refuse a file that stands for two years, and what a file says of headings or variables that the table lacks."""
    if "files" not in table:
        if "edition" in table:
            raise RongheError(f"{where}: tables.{name}: 'edition' belongs to a table of many files; leave it out")
        if "year" not in table["key"]:
            raise RongheError(f"{where}: tables.{name}.key: the key 'year' is missing; only 'files' can do without it")
        return
    if table.get("layout") == "wide":
        raise RongheError(
            f"{where}: tables.{name}: 'files' holds one file for each year, and 'layout: wide' one column for each; "
            "leave one of them out"
        )
    variables = list(variables)
    headings = [*table["key"].values(), *(h for v in variables for h in (v.column, v.indicator) if h is not None)]
    owners: dict[tuple[str, object], int] = {}
    for year, entry in files(table).items():
        at = f"{where}: {place(name, year)}"
        sheet = (entry["file"], entry.get("sheet", table.get("sheet", 1)))
        first = owners.setdefault(sheet, year)
        if first != year:
            raise RongheError(
                f"{at}: '{entry['file']}' stands already for {first}; give each year its own file or sheet"
            )
        for heading in entry.get("called", {}):
            require_known(heading, headings, "heading", f"{at}.called")
        for variable in own_units(entry, table):
            require_known(variable, [v.name for v in variables], "variable", f"{at}.units")


def check_year(path: str, above: Iterable[str], table: dict, name: str, year: int) -> None:
    """Refuse a file whose name, or whose lines above the headings, speak of another year than its entry."""
    entry, edition = files(table)[year], table.get("edition", 0)
    titled = list(dict.fromkeys(found for line in above for found in years_in(line)))
    # A folder above the dataset's may be named after a year too: only the name that the entry gives counts.
    named = years_in(f"{entry['file']} {entry.get('sheet', '')}")
    slip = {entry["written_year"]} if "written_year" in entry else set()
    if titled and not ({year} | slip) & set(titled):
        raise RongheError(
            f"{path}: the lines above the table speak of {listing(titled)}, but {place(name, year)} takes it for "
            f"{year}; mend the year there, or write 'written_year: {titled[0]}' there if the file has it wrong"
        )
    if named and not ({year + edition} | slip) & set(named):
        raise RongheError(
            f"{path}: the name speaks of {listing(named)}, but {place(name, year)} takes it for {year}; mend the year "
            f"there, or write 'edition: {named[0] - year}' at tables.{name} if names carry the year of a yearbook, or "
            f"'written_year: {named[0]}' there if this name alone is wrong"
        )


def named_files(name: str, table: dict) -> Iterator[tuple[str, str]]:
    """Yield (place in the declaration, file) of every file of a table."""
    if "files" not in table:
        yield f"tables.{name}.file", table["file"]
    for year, entry in files(table).items():
        yield place(name, year), entry["file"]


def told(table: dict) -> str:
    """Return the file of a table, or the first and the last of many, as a message or a codebook names it."""
    if "files" not in table:
        return table["file"]
    there = [entry["file"] for entry in files(table).values()]
    return there[0] if len(there) == 1 else f"{there[0]} ... {Path(there[-1]).name}"
