"""Opens DuckDB within bounds of memory, threads and folder, and reads a raw file of microdata as a numbered table."""

from __future__ import annotations

import csv
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ronghe.errors import RongheError, nearest
from ronghe.progress import following

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MISSING = (
    "microdata are read by DuckDB, which is not installed; install it beside the rest: pip install 'duckdb>=1.1' "
    "(or, in the project's folder, pip install -e '.[microdata]')"
)


@dataclass(frozen=True)
class Limits:
    """What a job may use: megabytes of memory, threads, and a folder for what does not fit in memory.

    DuckDB is held to 60 percent of the memory: it does not count what it reads files into, nor does Python.
    """

    scratch: str | Path
    memory: int = 4000
    threads: int = 2


@contextmanager
def open_database(limits: Limits) -> Iterator[tuple[DuckDBPyConnection, Path]]:
    """Open an empty database, and the one folder it writes to, which is removed afterwards."""
    try:
        import duckdb
    except ModuleNotFoundError:
        raise RongheError(MISSING) from None
    Path(limits.scratch).mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=limits.scratch)).resolve()
    settings = {
        "temp_directory": str(scratch),
        "home_directory": str(scratch),
        "extension_directory": str(scratch / "extensions"),
        "secret_directory": str(scratch / "secrets"),
        "memory_limit": f"{int(0.6 * limits.memory)}MB",
        "threads": limits.threads,
        # Nothing is fetched: what the wheel holds (CSV, Parquet) is all that is used.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(":memory:", config=settings) as database:
            database.execute("SET preserve_insertion_order = false; SET enable_progress_bar = true")
            database.execute("SET enable_progress_bar_print = false")
            with following("microdata", database.query_progress):
                yield database, scratch
    except duckdb.OutOfMemoryException as error:
        reason = str(error).splitlines()[0]
        raise RongheError(
            f"{limits.memory} MB do not suffice ({reason}); give the rule more mem_mb, or free disk for {scratch}"
        ) from None
    finally:
        shutil.rmtree(scratch)
        if not any(Path(limits.scratch).iterdir()):
            Path(limits.scratch).rmdir()


def quote(name: str) -> str:
    """Return a heading as SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str | Path) -> str:
    """Return a text as SQL."""
    return "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True)
class Source:
    """A raw file as rows for SQL: `columns` by our name, those that hold text, and the number of the first row."""

    path: Path
    relation: str
    columns: dict[str, str]
    texts: frozenset[str]
    first_row: int
    missing: tuple[str, ...] = ()

    def cell(self, column: str) -> str:
        """Return a column as SQL; blank text, and what is declared to stand for a missing figure, is NULL."""
        if column not in self.texts:
            return column
        empty = ", ".join(text(word) for word in ("", *self.missing))
        return f"CASE WHEN trim({column}) NOT IN ({empty}) THEN trim({column}) END"

    def number(self, column: str) -> str:
        """Return a column as a number in SQL, NULL where it is missing or no number (1_000 is none)."""
        if column not in self.texts:
            return f"TRY_CAST({column} AS DOUBLE)"
        return f"CASE WHEN NOT contains({column}, '_') THEN TRY_CAST(trim({column}) AS DOUBLE) END"


def open_source(database: DuckDBPyConnection, path: Path, entry: Mapping, scratch: str | Path, where: str) -> Source:
    """Return a raw file as a relation of its declared columns and `row`, the position of each row from 0.

    A CSV file is brought to Parquet in the scratch folder first: it is read once, as text, and its rows are numbered.
    """
    if not path.is_file():
        raise RongheError(f"{path}: no such file ({where}.file); put it there, or mend the name")
    if path.suffix.lower() == ".parquet":
        parquet, first_row = path, 1
        _refuse_other_kind(path)
    else:
        parquet, first_row = Path(scratch, "raw.parquet"), 2
        _bring_to_parquet(database, path, entry, parquet, where)
    described = _ask(database, f"DESCRIBE SELECT * FROM read_parquet({text(parquet)})", path)
    types = dict(zip(described["column_name"], described["column_type"], strict=True))
    columns = entry["columns"]
    _need(columns, types, path, where)
    chosen = ", ".join(f"{quote(heading)} AS {key}" for key, heading in columns.items())
    relation = f"(SELECT {chosen}, file_row_number AS row FROM read_parquet({text(parquet)}, file_row_number = true))"
    texts = frozenset(key for key, heading in columns.items() if types[heading] == "VARCHAR")
    return Source(path, relation, dict(columns), texts, first_row, tuple(entry.get("missing", ())))


def _refuse_other_kind(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            raise RongheError(f"{path}: the ending says '.parquet' but the file is none; give it its right ending")


def _need(columns: Mapping[str, str], there: Mapping[str, str], path: Path, where: str) -> None:
    for key, heading in columns.items():
        if heading not in there:
            raise RongheError(
                f"{path}: no column '{heading}'{nearest(heading, there)} (columns: {', '.join(there)}); "
                f"{where}.columns.{key} names it: mend the name there, or the file"
            )


def _ask(database: DuckDBPyConnection, query: str, path: Path) -> pd.DataFrame:
    import duckdb

    try:
        return database.execute(query).df()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise RongheError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); save it anew") from None


def _bring_to_parquet(database: DuckDBPyConnection, path: Path, entry: Mapping, target: Path, where: str) -> None:
    import duckdb

    separator = entry.get("separator", "\t" if path.suffix.lower() == ".tsv" else ",")
    headings = _headings(path, separator)
    columns = entry["columns"]
    _need(columns, dict.fromkeys(headings, ""), path, where)
    types = ", ".join(f"{text(heading)}: 'VARCHAR'" for heading in headings)
    chosen = ", ".join(quote(heading) for heading in dict.fromkeys(columns.values()))
    reader = (
        f"read_csv({text(path)}, auto_detect = false, header = true, delim = {text(separator)}, quote = '\"', "
        f"escape = '\"', columns = {{{types}}})"
    )
    logging.info("%s: brought to Parquet in %s", path, target.parent)
    try:
        # The row of a fault is its position: here the order of the file has to be kept.
        database.execute("SET preserve_insertion_order = true")
        database.execute(f"COPY (SELECT {chosen} FROM {reader}) TO {text(target)} (FORMAT parquet)")
        database.execute("SET preserve_insertion_order = false")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        line = re.search(r"Line: (\d+)", str(error))
        place = f"row {line[1]}: " if line else ""
        if "unicode" in str(error).lower() or "utf-8" in str(error).lower():
            raise RongheError(f"{path}: {place}not UTF-8 text; save the file as UTF-8") from None
        reason = next((r for r in str(error).splitlines() if "Expected Number" in r or "unterminated" in r), "")
        raise RongheError(
            f"{path}: {place}not a proper CSV line ({(reason or str(error).splitlines()[0]).strip()}); a cell that "
            "holds the separator must stand in quotation marks"
        ) from None


def _headings(path: Path, separator: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            headings = next(csv.reader(file, delimiter=separator), [])
    except UnicodeDecodeError:
        raise RongheError(f"{path}: not UTF-8 text; save the file as UTF-8") from None
    if not headings:
        raise RongheError(f"{path}: the file is empty")
    twice = sorted({heading for heading in headings if headings.count(heading) > 1})
    if twice:
        raise RongheError(f"{path}: the heading '{twice[0]}' stands twice; give each column its own")
    return headings
