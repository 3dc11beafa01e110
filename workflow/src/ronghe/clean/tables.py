"""Turns raw tables, long or wide, into one series per variable, keyed by region and year."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.clean.numbers import parse_numbers
from ronghe.clean.readers import RawTable, read_raw
from ronghe.clean.regions import Names
from ronghe.clean.units import Units
from ronghe.clean.variable import Variable
from ronghe.clean.variables import check_title
from ronghe.clean.yearly import check_year, files, in_year, of_one_year, place, told
from ronghe.errors import RongheError, listing, nearest


@dataclass(frozen=True)
class Series:
    """One variable as written: figures and the row of each (0 where there is none), regions down, years across.

    `parts` holds the series of each year where every year is a file of its own.
    """

    variable: Variable
    path: str
    values: pd.DataFrame
    rows: pd.DataFrame
    parts: dict[int, Series] = field(default_factory=dict)


def read_table(
    declared: dict, variables: Sequence[Variable], folder: str | Path, names: Names, units: dict[str, dict]
) -> dict[str, Series]:
    """Read every variable declared for one raw table, joined over its files where each year has its own."""
    if "files" not in declared:
        return _read_file(declared, variables, folder, names, units)
    known, parts = Units(units, str(folder)), {}
    for year in files(declared):
        own = [in_year(variable, declared, year, known) for variable in variables]
        parts[year] = _read_file(of_one_year(declared, year), own, folder, names, units, (declared, year))
    return {
        v.name: _joined(v, {year: part[v.name] for year, part in parts.items()}, declared, folder) for v in variables
    }


def _joined(variable: Variable, parts: dict[int, Series], declared: dict, folder: str | Path) -> Series:
    values = pd.concat([part.values for part in parts.values()], axis=1)
    rows = pd.concat([part.rows for part in parts.values()], axis=1).fillna(0).astype(int)
    return Series(variable, f"{folder}/{told(declared)}", values, rows, parts)


def _read_file(
    declared: dict, variables: Sequence[Variable], folder: str | Path, names: Names, units: dict[str, dict],
    one_year: tuple[dict, int] | None = None,
) -> dict[str, Series]:  # fmt: skip
    """Read every variable of one file; `one_year` is the table and the year where it is one file of many."""
    table = read_raw(Path(folder, declared["file"]), declared)
    if one_year:
        check_year(table.path, table.above, one_year[0], variables[0].table, one_year[1])
    key = declared["key"]
    entry = f"tables.{variables[0].table}.key"
    for part in ("region", "indicator", "unit"):
        if part in key:
            table.need(key[part], f"{entry}.{part}")
    if "unit" not in key:
        check_title(table.above, variables, units, table.path)
    regions = names.find(table, key["region"])
    wide = declared.get("layout") == "wide"
    years = _years_across(table, key["year"]) if wide else _years_down(table, key, entry, one_year and one_year[1])
    read = _read_wide if wide else _read_long
    series = {v.name: read(v, table, declared, regions, years) for v in variables}
    if "indicator" in key:
        unused = set(table.cells[key["indicator"]]) - {v.indicator for v in variables}
        if unused:
            logging.info("%s: not used: %s", table.path, listing(sorted(unused), 60))
    return series


def _years_across(table: RawTable, written: str) -> dict[int, str]:
    """Return the year columns of a wide table, {year: heading}."""
    pattern = _year_pattern(written)
    found: dict[int, str] = {}
    for heading in table.cells:
        if written_so := pattern.fullmatch(heading):
            first = found.setdefault(int(written_so[1]), heading)
            if first != heading:
                raise RongheError(
                    f"{table.path}: '{first}' and '{heading}' are columns of the same year; keep one of the two"
                )
    if not found:
        raise RongheError(
            f"{table.path}: no heading is written like '{written}' (headings: {listing(table.cells, 40)}); "
            "mend key.year, with {year} where the year stands"
        )
    return found


def _years_down(table: RawTable, key: dict, entry: str, only: int | None) -> np.ndarray:
    """Return the year of every row of a long table; in the file of one year rows may not say another."""
    if only is not None and "year" not in key:
        return np.full(len(table.rows), only)
    heading = table.need(key["year"], f"{entry}.year")
    pattern = _year_pattern(key.get("year_written", "{year}"))
    years = []
    for cell, row in zip(table.cells[heading], table.rows, strict=True):
        found = pattern.fullmatch(cell)
        if not found:
            raise RongheError(
                f"{table.path}: row {row}: '{heading}': '{cell}' is not a year written like "
                f"'{key.get('year_written', '{year}')}'; correct the cell, or say how years are written in "
                "key.year_written"
            )
        years.append(int(found[1]))
        if only is not None and years[-1] != only:
            raise RongheError(
                f"{table.path}: row {row}: '{heading}' says {cell}, but {place(entry.split('.')[1], only)} says "
                f"{only}; mend the year there, or the cell"
            )
    return np.array(years)


def _year_pattern(written: str) -> re.Pattern:
    before, _, after = written.partition("{year}")
    return re.compile(re.escape(before) + r"\s*([0-9]{4})\s*" + re.escape(after))


def _rows_of(variable: Variable, table: RawTable, key: dict, regions: list[str | None]) -> np.ndarray:
    """Return the positions of a variable's rows, leaving out those of no region; its unit is checked on them."""
    kept = np.array([region is not None for region in regions])
    if variable.indicator is not None:
        column = table.cells[key["indicator"]]
        kept &= (column == variable.indicator).to_numpy()
        if not kept.any():
            known = list(dict.fromkeys(column))
            raise RongheError(
                f"{table.path}: no indicator '{variable.indicator}'{nearest(variable.indicator, known)} "
                f"(there: {listing(known, 40)}); {variable.entry} names it: mend the name there, or the file"
            )
    positions = np.flatnonzero(kept)
    if "unit" in key:
        units = table.cells[key["unit"]]
        for position in positions:
            if units.iat[position] != variable.written_unit:
                raise RongheError(
                    f"{table.path}: row {table.rows[position]}: unit '{units.iat[position]}' where "
                    f"{variable.entry} expects '{variable.written_unit}'; if the file is right, write its unit there "
                    "(and 'target' for the unit wanted)"
                )
    return positions


def _parse(variable: Variable, table: RawTable, declared: dict, positions: np.ndarray, heading: str) -> np.ndarray:
    numbers = parse_numbers(
        table.cells[heading].iloc[positions].tolist(),
        table.rows[positions],
        table.path,
        heading,
        declared.get("thousands", ""),
        declared.get("missing", ()),
        declared.get("marks", ()),
    )
    low, high = variable.range
    outside = np.zeros(len(numbers), bool)
    outside |= numbers < low if low is not None else False
    outside |= numbers > high if high is not None else False
    for position in np.flatnonzero(outside)[:1]:
        bounds = [f"not below {low:g}" if low is not None else "", f"not above {high:g}" if high is not None else ""]
        raise RongheError(
            f"{table.path}: row {table.rows[positions[position]]}: '{heading}': {numbers[position]:g} is outside the "
            f"range of '{variable.name}' ({', '.join(filter(None, bounds))}); correct the cell, or the range at "
            f"{variable.entry}"
        )
    return numbers


def _read_wide(
    variable: Variable, table: RawTable, declared: dict, regions: list[str | None], years: dict[int, str]
) -> Series:
    positions = _rows_of(variable, table, declared["key"], regions)
    names = pd.Index([regions[position] for position in positions], name="region")
    _refuse_twice(names, positions, table, variable)
    ordered = sorted(years)
    values = {year: _parse(variable, table, declared, positions, years[year]) for year in ordered}
    rows = pd.DataFrame({year: table.rows[positions] for year in ordered}, index=names)
    return Series(variable, table.path, pd.DataFrame(values, index=names), rows)


def _read_long(
    variable: Variable, table: RawTable, declared: dict, regions: list[str | None], years: np.ndarray
) -> Series:
    table.need(variable.column, variable.entry)
    positions = _rows_of(variable, table, declared["key"], regions)
    keys = [[regions[position] for position in positions], years[positions]]
    index = pd.MultiIndex.from_arrays(keys, names=["region", "year"])
    _refuse_twice(index, positions, table, variable)
    numbers = _parse(variable, table, declared, positions, variable.column)
    values = pd.Series(numbers, index).unstack("year", sort=True)
    rows = pd.Series(table.rows[positions], index).unstack("year", fill_value=0, sort=True)
    return Series(variable, table.path, values, rows)


def _refuse_twice(keys: pd.Index, positions: np.ndarray, table: RawTable, variable: Variable) -> None:
    again = np.flatnonzero(keys.duplicated())
    if len(again):
        key = keys[again[0]]
        first = next(number for number, other in enumerate(keys) if other == key)
        what = " ".join(map(str, key)) if isinstance(key, tuple) else key
        raise RongheError(
            f"{table.path}: row {table.rows[positions[again[0]]]}: {what} stands already in row "
            f"{table.rows[positions[first]]} (variable '{variable.name}'); keep one of the two rows"
        )


def check_covered(series: Series, regions: Sequence[str], years: Sequence[int]) -> None:
    """Refuse a variable whose table has no row or no column for a region or year of the sample."""
    no_year = [year for year in years if year not in series.values.columns]
    if no_year:
        there = f"{series.values.columns.min()} to {series.values.columns.max()}"
        raise RongheError(
            f"{series.path}: '{series.variable.name}' has no year {listing(no_year)} (there: {there}); add the "
            "figures, or shorten sample.years"
        )
    no_region = [region for region in regions if region not in series.values.index]
    if no_region:
        raise RongheError(
            f"{series.path}: '{series.variable.name}' has no row for {listing(no_region)}; add the rows, or list the "
            "regions under sample.leave_out"
        )
    if isinstance(series.variable.gap, dict):
        return
    absent = series.rows.reindex(index=regions, columns=years).eq(0)
    if absent.to_numpy().any():
        cells = [f"{region} {year}" for region in regions for year in years if absent.at[region, year]]
        raise RongheError(
            f"{series.path}: '{series.variable.name}' has no row for {listing(cells)}; add the rows, "
            "or change the sample"
        )
