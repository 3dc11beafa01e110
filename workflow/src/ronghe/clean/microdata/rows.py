"""Judges the rows of a raw file of microdata: every row is used, or counted under the one fault that it has."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ronghe.clean.microdata.database import Source, text
from ronghe.clean.microdata.declaration import FAULTS, LEAVE_OUT, NOT_LEFT_OUT, OTHER_RULES, REFUSE
from ronghe.clean.regions import Names
from ronghe.errors import RongheError, listing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# More spellings of regions or sectors than any classification has: the wrong column is named.
MOST_SPELLINGS = 200_000
COLUMNS = ["record", "rule", "rows", "first_row", "meaning"]


@dataclass
class Records:
    """How many rows were read, left out under each fault, and used; what is refused is refused here."""

    source: Source
    entry: Mapping
    where: str
    left_out: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def rule(self, fault: str) -> str:
        """Return what the declaration wants done with rows of this fault."""
        return self.entry.get("rules", {}).get(fault, REFUSE)

    def row(self, position: int) -> int:
        """Return the row in the file of a position from 0; the headings of a text file are its row 1."""
        return int(position) + self.source.first_row

    def add(self, fault: str, rows: int, position: int, shown: str = "") -> None:
        """Refuse rows of this fault, or count them, as its rule says."""
        first = self.row(position)
        if self.rule(fault) == REFUSE:
            more = f" (and {rows - 1} more rows)" if rows > 1 else ""
            others = [r for r in ("leave_out", "keep", "count_once") if _allowed(fault, r)]
            raise RongheError(
                f"{self.source.path}: row {first}: {self._meaning(fault)}{shown}{more}; correct the rows, or declare "
                f"'{fault}: {' or '.join(others)}' at {self.where}.rules: what is left out is counted in records.csv"
            )
        self.left_out[fault] = (self.rule(fault), rows, first)

    def _meaning(self, fault: str) -> str:
        return FAULTS[self.entry["kind"]][fault]

    def frame(self, read: int, used: int, noted: Mapping[str, tuple[str, int]]) -> pd.DataFrame:
        """Return all records as a table, after holding rows read against rows used and left out."""
        out = sum(rows for rule, rows, _ in self.left_out.values() if rule == LEAVE_OUT)
        ignored = noted.get("ignored_region", ("", 0))[1]
        if used + out + ignored != read:
            raise AssertionError(f"{read} rows read, {used} used, {out} left out, {ignored} ignored")
        table = [("read", "", read, pd.NA, "rows of the file"), ("used", "", used, pd.NA, "rows that count")]
        table += [(f, rule, n, first, self._meaning(f)) for f, (rule, n, first) in self.left_out.items()]
        table += [(name, "", rows, pd.NA, meaning) for name, (meaning, rows) in noted.items()]
        for name, rule, rows, _, meaning in table:
            logging.info("%s: %d rows %s (%s)", self.source.path, rows, rule or name, meaning)
        return pd.DataFrame(table, columns=COLUMNS).astype({"first_row": "Int64"})


def _allowed(fault: str, rule: str) -> bool:
    return rule in OTHER_RULES.get(fault, []) or (rule == LEAVE_OUT and fault not in NOT_LEFT_OUT)


def map_regions(database: DuckDBPyConnection, source: Source, names: Names) -> None:
    """Make the table `regions` (written, r): the number of each region by its spellings, -1 for names to ignore."""
    found = {}
    for written in _spellings(database, source, "region"):
        region = names.region_of(written)
        if region is not None:
            found[written] = names.regions.index(region)
        elif names.ignored(written):
            found[written] = -1
    _number(database, "regions", found)


def map_codes(database: DuckDBPyConnection, source: Source, column: str, classes: Mapping, table: str) -> None:
    """Make a table (written, r): the number of each class by its written codes; 'C31*' takes all that begin so.

    Where several entries fit a code the longest decides.
    """
    exact = {code: i for i, codes in enumerate(classes.values()) for code in codes if not code.endswith("*")}
    begun = {code[:-1]: i for i, codes in enumerate(classes.values()) for code in codes if code.endswith("*")}
    lengths = sorted({len(start) for start in begun}, reverse=True)
    found = {}
    for written in _spellings(database, source, column):
        starts = (written[:n] for n in lengths if written[:n] in begun and len(written) >= n)
        number = exact.get(written, begun.get(next(starts, None)))
        if number is not None:
            found[written] = number
    _number(database, table, found)


def _spellings(database: DuckDBPyConnection, source: Source, column: str) -> list[str]:
    query = f"SELECT DISTINCT CAST({source.cell(column)} AS VARCHAR) FROM {source.relation} LIMIT {MOST_SPELLINGS + 1}"
    found = [row[0] for row in database.execute(query).fetchall()]
    if len(found) > MOST_SPELLINGS:
        raise RongheError(
            f"{source.path}: '{source.columns[column]}' has more than {MOST_SPELLINGS} spellings; is it the {column}?"
        )
    return sorted(written for written in found if written is not None)


def _number(database: DuckDBPyConnection, table: str, found: Mapping[str, int]) -> None:
    database.execute(f"CREATE TABLE {table} (written VARCHAR, r SMALLINT)")
    if found:
        database.executemany(f"INSERT INTO {table} VALUES (?, ?)", list(found.items()))


def fault_case(kind: str, tests: Mapping[str, str], kept: Iterable[str] = ()) -> str:
    """Return SQL that numbers the first fault of a row from 1; 0 is none, -1 a region to ignore."""
    faults = list(FAULTS[kind])
    whens = " ".join(f"WHEN {tests[f]} THEN {faults.index(f) + 1}" for f in faults if f in tests and f not in kept)
    return f"CASE WHEN r = -1 THEN -1 {whens} ELSE 0 END"


def settle_faults(database: DuckDBPyConnection, records: Records, groups: pd.DataFrame) -> None:
    """Refuse or count each fault found, those to refuse first: `groups` have fault, n rows and first position."""
    names = list(FAULTS[records.entry["kind"]])
    found = groups[groups["fault"] > 0].groupby("fault").agg(n=("n", "sum"), first=("first", "min"))
    found["counted"] = [records.rule(names[number - 1]) != REFUSE for number in found.index]
    for number, n, first, _ in found.sort_values(["counted", "first"]).itertuples():
        fault = names[number - 1]
        records.add(fault, int(n), int(first), _shown(database, records.source, fault, int(first)))


def years_of(groups: pd.DataFrame, path: Path) -> tuple[int, int]:
    """Return the first and last year of rows that count; a year between them without any is refused."""
    if groups.empty:
        raise RongheError(f"{path}: no row is left to count; see the rules of this file")
    years = sorted(groups["y"].astype(int).unique())
    absent = sorted(set(range(years[0], years[-1] + 1)) - set(years))
    if absent:
        raise RongheError(
            f"{path}: no row for {listing(absent)}, between {years[0]} and {years[-1]}: every plant would leave and "
            "enter again; add the rows, or split the file"
        )
    return years[0], years[-1]


def _shown(database: DuckDBPyConnection, source: Source, fault: str, position: int) -> str:
    """Return the cells that a fault is about, as the file has them."""
    about = {"position": ["longitude", "latitude"], "revenue": ["revenue", "service_revenue"]}
    part = fault.rpartition("_")[2]
    columns = [c for c in about.get(part, [part]) if c in source.columns]
    if not columns or fault.startswith("missing"):
        return ""
    query = f"SELECT {', '.join(columns)} FROM {source.relation} WHERE row = {position}"
    cells = database.execute(query).fetchone()
    pairs = zip(columns, cells, strict=True)
    return f" ({listing(f'{source.columns[c]}: ' + ('empty' if v is None else text(str(v))) for c, v in pairs)})"
