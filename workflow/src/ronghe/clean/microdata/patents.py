"""From patents to counts by technology class and industry, and to patents that join two fields of technology."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ronghe.clean.microdata.database import Limits, open_database, open_source
from ronghe.clean.microdata.rows import Records, fault_case, map_codes, map_regions, settle_faults, years_of
from ronghe.clean.regions import Names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def aggregate_patents(path: Path, entry: Mapping, names: Names, limits: Limits, where: str) -> dict[str, pd.DataFrame]:
    """Return `counts`, `coclassification` and `records` of a file with a row for each patent and class.

    A patent counts once in each of its classes, regions and sectors, however many subclasses it has there. In
    `counts` stand the patents of every sector (of the applicant) by region, year and class, 0 where there is none.
    In `coclassification` stand, for two fields of technology (sets of classes), the patents in either and in both:
    share = both / (first + second - both), the convergence by co-classification (Curran and Leker 2011).
    """
    with open_database(limits) as (database, scratch):
        source = open_source(database, path, entry, scratch, where)
        records = Records(source, entry, where)
        map_regions(database, source, names)
        map_codes(database, source, "sector", entry["sectors"], "sectors")
        map_codes(database, source, "class", entry.get("technologies", {}), "technologies")
        _judge(database, records)
        groups = database.execute(
            "SELECT fault, y, count(*) AS n, min(row) AS first FROM judged GROUP BY fault, y ORDER BY ALL"
        ).df()
        settle_faults(database, records, groups)
        years_of(groups[groups["fault"] == 0], path)
        _settle_duplicates(database, records)
        counts = _counts(database, names.regions, list(entry["sectors"]))
        joined = _coclassification(database, names.regions, list(entry.get("technologies", {})))
        outside = database.execute("SELECT count(*) FROM judged WHERE fault = 0 AND technology IS NULL").fetchone()[0]
    noted = {
        "ignored_region": ("rows of names under regions.ignore", int(groups.loc[groups["fault"] == -1, "n"].sum()))
    }
    if "technologies" in entry:
        noted["other_technology"] = ("rows that count and whose class is in no declared field of technology", outside)
    used = int(groups.loc[groups["fault"] == 0, "n"].sum())
    return {
        "counts": counts,
        "coclassification": joined,
        "records": records.frame(int(groups["n"].sum()), used, noted),
    }


def _judge(database: DuckDBPyConnection, records: Records) -> None:
    source, digits = records.source, records.entry.get("digits")
    written = f"CAST({source.cell('class')} AS VARCHAR)"
    tests = {
        "missing_patent": "patent IS NULL",
        "missing_region": "in_region IS NULL",
        "unknown_region": "r IS NULL",
        "missing_sector": "in_sector IS NULL",
        "unknown_sector": "s IS NULL",
        "bad_year": "y IS NULL",
        "missing_class": "written IS NULL",
    }
    year = "in_year BETWEEN 1000 AND 2999 AND in_year = floor(in_year)"
    database.execute(f"""
        CREATE TABLE judged AS
        SELECT patent, r, s, y, written, {f"left(written, {digits})" if digits else "written"} AS class, technology,
            row, {fault_case("patents", tests)} AS fault
        FROM (
            SELECT rows.*, regions.r, sectors.r AS s, technologies.r AS technology,
                CASE WHEN {year} THEN CAST(in_year AS SMALLINT) END AS y
            FROM (
                SELECT {source.cell("patent")} AS patent, CAST({source.cell("region")} AS VARCHAR) AS in_region,
                    CAST({source.cell("sector")} AS VARCHAR) AS in_sector, {written} AS written,
                    {source.number("year")} AS in_year, row
                FROM {source.relation}
            ) rows
            LEFT JOIN regions ON regions.written = in_region LEFT JOIN sectors ON sectors.written = in_sector
            LEFT JOIN technologies ON technologies.written = rows.written
        )""")


def _settle_duplicates(database: DuckDBPyConnection, records: Records) -> None:
    query = """
        SELECT patent, written, n, first, last FROM (
            SELECT patent, written, count(*) AS n, min(row) AS first, max(row) AS last FROM judged WHERE fault = 0
            GROUP BY patent, written, r, s, y HAVING count(*) > 1
        ) ORDER BY first"""
    found = database.execute(query).df()
    if len(found):
        one = found.iloc[0]
        shown = f" ({one['patent']} {one['written']}, again in row {records.row(one['last'])})"
        records.add("duplicate_patent_class", int(found["n"].sum()), int(one["first"]), shown)


def _counts(database: DuckDBPyConnection, regions: list[str], sectors: list[str]) -> pd.DataFrame:
    found = database.execute("""
        SELECT r, y, class, s, count(DISTINCT patent) AS n FROM judged WHERE fault = 0 GROUP BY r, y, class, s
        """).df()
    wide = found.pivot(index=["r", "y", "class"], columns="s", values="n").reindex(columns=range(len(sectors)))
    keys = [range(len(regions)), sorted(found["y"].unique()), sorted(found["class"].unique())]
    index = pd.MultiIndex.from_product(keys, names=["region", "year", "class"])
    full = wide.reindex(index).fillna(0).astype(int).set_axis(sectors, axis=1).reset_index()
    return full.assign(region=[regions[r] for r in full["region"]])


def _coclassification(database: DuckDBPyConnection, regions: list[str], fields: list[str]) -> pd.DataFrame:
    columns = ["region", "year", "first", "second", "patents_first", "patents_second", "both", "share"]
    if len(fields) < 2:
        return pd.DataFrame(columns=columns)
    pairs = list(combinations(range(len(fields)), 2))
    tables = [
        database.execute(f"""
            SELECT r, y, {i} AS i, {j} AS j, count_if(a) AS first, count_if(b) AS second, count_if(a AND b) AS both
            FROM (
                SELECT r, y, patent, bool_or(field = {i}) AS a, bool_or(field = {j}) AS b
                FROM (SELECT *, coalesce(technology, -1) AS field FROM judged WHERE fault = 0) GROUP BY r, y, patent
            ) GROUP BY r, y ORDER BY r, y""").df()
        for i, j in pairs
    ]
    found = pd.concat(tables, ignore_index=True)
    either = found["first"] + found["second"] - found["both"]
    return pd.DataFrame(
        {
            "region": [regions[r] for r in found["r"]],
            "year": found["y"].astype(int),
            "first": [fields[i] for i in found["i"]],
            "second": [fields[j] for j in found["j"]],
            "patents_first": found["first"].astype(int),
            "patents_second": found["second"].astype(int),
            "both": found["both"].astype(int),
            "share": found["both"] / either.where(either > 0),
        }
    )
