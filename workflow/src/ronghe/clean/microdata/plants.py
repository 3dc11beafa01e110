"""From plants to cells: employment, plants, Herfindahl, entry and exit, servitisation by region, sector and year."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.clean.microdata.database import Limits, open_database, open_source, text
from ronghe.clean.microdata.declaration import ALL_SECTORS
from ronghe.clean.microdata.rows import Records, fault_case, map_codes, map_regions, settle_faults, years_of
from ronghe.clean.regions import Names
from ronghe.errors import RongheError, listing
from ronghe.files import replacing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LARGEST = 3_000_000_000  # its square still fits 64 bits, so that sums of squares are exact
POSITION = ("longitude", "latitude")
LONGEST = 62  # years that fit the bits of one number


def aggregate_plants(
    path: Path, entry: Mapping, names: Names, limits: Limits, where: str, points: str | Path | None = None
) -> dict[str, pd.DataFrame]:
    """Return `cells` and `records` of a file of plants, and write the positions wanted to `points`.

    A plant enters in a year in which it stands in the file and in the year before does not, and leaves in the last
    year before one in which it does not; the file's first year knows no entry and its last no exit. Employment is
    summed in whole units of its last decimal: nothing depends on the order of rows or the number of threads.
    """
    with open_database(limits) as (database, scratch):
        source = open_source(database, path, entry, scratch, where)
        records = Records(source, entry, where)
        map_regions(database, source, names)
        map_codes(database, source, "sector", entry["sectors"], "sectors")
        _judge(database, records)
        groups = _groups(database)
        settle_faults(database, records, groups)
        first, last = years_of(groups[groups["fault"] == 0], path)
        if last - first >= LONGEST:
            raise RongheError(f"{path}: years from {first} to {last}: more than {LONGEST}; correct the years")
        if _find_duplicates(database, records, first):
            _judge(database, records, duplicates=True)
            groups = _groups(database)
            years_of(groups[groups["fault"] == 0], path)
            _find_presence(database, first)
        cells = groups[groups["fault"] == 0].merge(_turnover(database, first, last), on=["r", "s", "y"], how="left")
        if points is not None:
            _write_points(database, entry, points)
    noted = {
        "ignored_region": ("rows of names under regions.ignore", int(groups.loc[groups["fault"] == -1, "n"].sum()))
    }
    if "longitude" in entry["columns"]:
        noted["without_position"] = ("rows that count and have no position", int(cells["unplaced"].sum()))
    if "revenue" in entry["columns"]:
        silent = int((cells["n"] - cells["reporting"]).sum())
        noted["without_revenue"] = ("rows that count and lack revenue or its part from services", silent)
    table = _table(cells, names.regions, entry, first, last)
    return {"cells": table, "records": records.frame(int(groups["n"].sum()), int(cells["n"].sum()), noted)}


def _judge(database: DuckDBPyConnection, records: Records, duplicates: bool = False) -> None:
    """Make the view `judged`: all rows in numbers, each with its fault (0 for none)."""
    source, entry = records.source, records.entry
    scale = 10 ** entry.get("decimals", 0)
    columns = [
        f"{source.cell('plant')} AS plant",
        f"CAST({source.cell('region')} AS VARCHAR) AS in_region",
        f"CAST({source.cell('sector')} AS VARCHAR) AS in_sector",
        f"{source.number('year')} AS in_year",
    ]
    tests = {
        "missing_plant": "plant IS NULL",
        "missing_region": "in_region IS NULL",
        "unknown_region": "r IS NULL",
        "missing_sector": "in_sector IS NULL",
        "unknown_sector": "s IS NULL",
        "bad_year": "y IS NULL",
        "missing_employment": "NOT has_employment",
        "text_employment": _no_number("employment"),
        "negative_employment": "employment < 0",
        "zero_employment": "employment = 0",
        "fractional_employment": f"e IS NULL OR abs(employment * {scale} - e) > 1e-6",
    }
    numbers, passes, placed = ["employment"], "CAST(NULL AS BOOLEAN)", "true"
    if "revenue" in entry["columns"]:
        numbers += ["revenue", "service_revenue"]
        bad = [f"(has_{c} AND ({_no_number(c)} OR {c} < 0))" for c in ("revenue", "service_revenue")]
        tests["bad_revenue"] = f"{bad[0]} OR {bad[1]} OR service_revenue > revenue"
        # 8.7 is 30 percent of 29 and passes, though in binary numbers it falls short by a last digit.
        share = entry["service_revenue"]["threshold"] / 100 * (1 - 1e-12)
        passes = f"CASE WHEN revenue > 0 THEN service_revenue >= revenue * {share!r}::DOUBLE END"
    if "longitude" in entry["columns"]:
        numbers += ["longitude", "latitude"]
        outside = "NOT longitude BETWEEN -180 AND 180 OR NOT latitude BETWEEN -90 AND 90"
        missing = "longitude IS NULL OR latitude IS NULL"
        tests["bad_position"] = f"has_longitude <> has_latitude OR (has_longitude AND ({missing} OR {outside}))"
        placed = "has_longitude"
    if duplicates:
        tests["duplicate_plant_year"] = "(plant, y) IN (SELECT (plant, y) FROM duplicates)"
    columns += [f"{source.number(c)} AS {c}, ({source.cell(c)}) IS NOT NULL AS has_{c}" for c in numbers]
    whole = f"round(employment * {scale})"
    year = "in_year BETWEEN 1000 AND 2999 AND in_year = floor(in_year)"
    keep = [fault for fault in tests if records.rule(fault) == "keep"]
    database.execute(f"""
        CREATE OR REPLACE VIEW judged AS
        SELECT *, {fault_case("plants", tests, keep)} AS fault FROM (
            SELECT rows.*, regions.r, sectors.r AS s, CASE WHEN {year} THEN CAST(in_year AS SMALLINT) END AS y,
                CASE WHEN abs({whole}) <= {LARGEST} THEN CAST({whole} AS BIGINT) END AS e,
                {passes} AS passes, {placed} AS placed
            FROM (SELECT {", ".join(columns)}, row FROM {source.relation}) rows
            LEFT JOIN regions ON regions.written = in_region LEFT JOIN sectors ON sectors.written = in_sector
        )""")


def _no_number(column: str) -> str:
    return f"({column} IS NULL OR NOT isfinite({column}))"


def _groups(database: DuckDBPyConnection) -> pd.DataFrame:
    """Return by fault, region, sector and year: rows, first position, sums of employment and of its squares."""
    return database.execute("""
        SELECT fault, r, s, y, count(*) AS n, min(row) AS first, CAST(sum(e) AS DOUBLE) AS e,
            CAST(sum(CAST(e AS HUGEINT) * e) AS DOUBLE) AS squares, count(passes) AS reporting,
            count_if(coalesce(passes, false)) AS passing, count_if(NOT placed) AS unplaced
        FROM judged GROUP BY fault, r, s, y ORDER BY ALL""").df()


def _find_presence(database: DuckDBPyConnection, first: int) -> None:
    """Make the table `presence`: of each plant the years in which it stands, as bits, and the number of its rows."""
    database.execute(f"""
        CREATE OR REPLACE TEMP TABLE presence AS
        SELECT plant, bit_or(1::BIGINT << (y - {first})) AS years, count(*) AS n
        FROM judged WHERE fault = 0 GROUP BY plant""")


def _find_duplicates(database: DuckDBPyConnection, records: Records, first: int) -> bool:
    """Refuse plants that stand twice in a year, or name them in `duplicates` and return True to leave them out."""
    _find_presence(database, first)
    database.execute("""
        CREATE TABLE duplicates AS
        SELECT plant, y, count(*) AS n, min(row) AS first, max(row) AS last FROM judged
        WHERE fault = 0 AND plant IN (SELECT plant FROM presence WHERE n <> bit_count(years))
        GROUP BY plant, y HAVING count(*) > 1""")
    rows, one = database.execute("SELECT sum(n), arg_min((plant, y, first, last), first) FROM duplicates").fetchone()
    if rows is None:
        return False
    plant, year, position, last = one.values() if isinstance(one, dict) else one
    shown = f" ({plant} {year}, again in row {records.row(last)})"
    records.add("duplicate_plant_year", int(rows), int(position), shown)
    return True


def _turnover(database: DuckDBPyConnection, first: int, last: int) -> pd.DataFrame:
    """Return entries and exits by region, sector and year, from the plants that are not there all the time."""
    full = (1 << (last - first + 1)) - 1
    return database.execute(f"""
        SELECT r, s, y,
            count_if(y > {first} AND (years >> (y - {first} - 1)) & 1 = 0) AS entries,
            count_if(y < {last} AND (years >> (y - {first} + 1)) & 1 = 0) AS exits
        FROM judged JOIN (SELECT plant, years FROM presence WHERE years <> {full}) USING (plant)
        WHERE fault = 0 GROUP BY r, s, y""").df()


def _write_points(database: DuckDBPyConnection, entry: Mapping, path: str | Path) -> None:
    """Write the plants of the years wanted (none unless declared) with positions, in an order no thread decides."""
    names = list(entry["sectors"])
    scale = 10 ** entry.get("decimals", 0)
    whens = " ".join(f"WHEN {i} THEN {text(name)}" for i, name in enumerate(names))
    years = entry.get("points", [])
    wanted = f"fault = 0 AND placed AND list_contains({years}::INTEGER[], y)"
    found = [row[0] for row in database.execute(f"SELECT DISTINCT y FROM judged WHERE {wanted}").fetchall()]
    absent = sorted(set(years) - set(found))
    if absent:
        raise RongheError(f"points: no plant with a position in {listing(absent)}; mend the years under points")
    positions = ", ".join(c if c in entry["columns"] else f"CAST(NULL AS DOUBLE) AS {c}" for c in POSITION)
    with replacing(path, seal=False) as part:
        database.execute(f"""
            COPY (
                SELECT CASE s {whens} END AS sector, CAST(y AS INTEGER) AS year, {positions},
                    e / {scale} AS employment
                FROM judged WHERE {wanted} ORDER BY s, y, longitude, latitude, employment
            ) TO {text(part)} (FORMAT parquet)""")


def _table(cells: pd.DataFrame, regions: list[str], entry: Mapping, first: int, last: int) -> pd.DataFrame:
    """Return the cells of every region, sector and year: 0 where no plant is, blank where a share is 0/0."""
    scale, sectors = 10 ** entry.get("decimals", 0), list(entry["sectors"])
    amounts = ["e", "squares", "n", "entries", "exits", "reporting", "passing"]
    keys = pd.MultiIndex.from_product(
        [range(len(regions)), range(first, last + 1), range(len(sectors))], names=["r", "y", "s"]
    )
    one = cells.set_index(["r", "y", "s"])[amounts].astype(float).reindex(keys).fillna(0.0)
    together = one.groupby(level=["r", "y"]).sum()
    together = together.assign(s=len(sectors)).set_index("s", append=True)
    full = pd.concat([one, together]).sort_index()
    r, y, s = (full.index.get_level_values(level).to_numpy() for level in ("r", "y", "s"))
    table = pd.DataFrame(
        {
            "region": np.array(regions, dtype=object)[r],
            "year": y.astype(int),
            "sector": np.array([*sectors, ALL_SECTORS], dtype=object)[s],
            "employment": full["e"].to_numpy() / scale,
            "plants": full["n"].to_numpy().astype(int),
            "plant_herfindahl": (full["squares"] / full["e"].where(full["e"] > 0) ** 2).to_numpy(),
            "entries": full["entries"].where(y > first).to_numpy(),
            "exits": full["exits"].where(y < last).to_numpy(),
        }
    )
    if "service_revenue" in entry:
        reporting = full["reporting"]
        table["reporting"] = reporting.to_numpy().astype(int)
        table["service_providers"] = full["passing"].to_numpy().astype(int)
        table["service_provider_share"] = (full["passing"] / reporting.where(reporting > 0)).to_numpy()
    return table
