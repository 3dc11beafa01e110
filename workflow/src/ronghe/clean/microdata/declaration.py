"""What a dataset may say of its microdata: files, classifications, and what is done with a row at fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ronghe.errors import RongheError, require_known
from ronghe.places import placed

FOLDER = "<processed>/microdata"
REFUSE, LEAVE_OUT = "refuse", "leave_out"
# Why a row cannot be used, in the order in which it is asked; a row counts under the first that holds.
FAULTS: dict[str, dict[str, str]] = {
    "plants": {
        "missing_plant": "no name of a plant",
        "missing_region": "no region",
        "unknown_region": "a region that the dataset does not have",
        "missing_sector": "no sector",
        "unknown_sector": "a sector outside the classification",
        "bad_year": "a year that is missing or not a whole number of four digits",
        "missing_employment": "no employment",
        "text_employment": "employment that is not a number",
        "negative_employment": "employment below 0",
        "zero_employment": "employment of 0",
        "fractional_employment": "employment with more digits than 'decimals' keeps, or beyond 3 thousand million",
        "bad_revenue": "revenue that is not a number, is below 0, or is less than its part from services",
        "bad_position": "a position of which one half is missing, not a number, or out of range",
        "duplicate_plant_year": "a plant that stands twice in a year",
    },
    "patents": {
        "missing_patent": "no number of a patent",
        "missing_region": "no region",
        "unknown_region": "a region that the dataset does not have",
        "missing_sector": "no sector",
        "unknown_sector": "a sector outside the classification",
        "bad_year": "a year that is missing or not a whole number of four digits",
        "missing_class": "no technology class",
        "duplicate_patent_class": "a patent that stands twice in a class",
    },
}
# What is made of a file of each kind.
FILES = {
    "plants": ["cells.csv", "points.parquet", "records.csv"],
    "patents": ["counts.csv", "coclassification.csv", "records.csv"],
}
# Ways with a fault beside refusing it and leaving its rows out.
OTHER_RULES = {"zero_employment": ["keep"], "duplicate_patent_class": ["count_once"]}
NOT_LEFT_OUT = ("duplicate_patent_class",)
# How the cells of plants are read as a raw table of the layout long.
CELLS = {"layout": "long", "key": {"region": "region", "year": "year", "indicator": "sector"}}
ALL_SECTORS = "all"


def outputs(name: str, kind: str) -> dict[str, str]:
    """Return the files made of one file of microdata, by the name of each."""
    return {Path(file).stem: f"{FOLDER}/{name}/{file}" for file in FILES[kind]}


def targets(dataset: Mapping) -> list[str]:
    """Return the records of every file of microdata: asking for these sums all of them up."""
    return [outputs(name, entry["kind"])["records"] for name, entry in dataset.get("microdata", {}).items()]


def name_pattern(dataset: Mapping, kind: str) -> str:
    """Return the pattern that matches the names of this kind and nothing else, for a rule's wildcard."""
    return "|".join(_of_kind(dataset, kind)) or "(?!)"


def sources(dataset: Mapping, name: str) -> list[str]:
    """Return the raw files that the cells of one file of microdata rest on, the file of checksums included."""
    files = [dataset["microdata"][name]["file"], dataset["regions"]["file"]]
    files += [dataset["checksums"]] if "checksums" in dataset else []
    return [Path(dataset["folder"], file).as_posix() for file in files]


def used_cells(dataset: Mapping) -> list[str]:
    """Return the tables of cells that the panel is made of."""
    names = dict.fromkeys(table["microdata"] for table in dataset["tables"].values() if "microdata" in table)
    return [outputs(name, "plants")["cells"] for name in names]


def what_counts(dataset: Mapping, name: str) -> dict:
    """Return what the declaration says that bears on one file of microdata: a change elsewhere reruns nothing."""
    kept = {key: dataset[key] for key in ("folder", "regions", "checksums") if key in dataset}
    return {**kept, "microdata": {name: dataset["microdata"][name]}}


def with_cells(dataset: dict, processed: str, where: str = "dataset") -> dict:
    """Return a declaration in which a table that names microdata is read from its cells, in the folder `processed`."""
    tables = {}
    for table, entry in dataset["tables"].items():
        if "microdata" in entry:
            place = f"{where}: tables.{table}"
            require_known(entry["microdata"], _of_kind(dataset, "plants"), "microdata of plants", f"{place}.microdata")
            mine = [key for key in ("file", "layout", "key") if key in entry]
            if mine:
                raise RongheError(f"{place}: '{mine[0]}' belongs to a raw table; a table of microdata has none")
            cells = placed(outputs(entry["microdata"], "plants")["cells"], {"processed": processed})
            entry = {**entry, **CELLS, "file": cells}
        tables[table] = entry
    return {**dataset, "tables": tables}


def _of_kind(dataset: Mapping, kind: str) -> list[str]:
    return [name for name, entry in dataset.get("microdata", {}).items() if entry["kind"] == kind]


def check_microdata(dataset: Mapping, where: str) -> None:
    """Check the classifications, rules and columns of every file of microdata."""
    for name, entry in dataset.get("microdata", {}).items():
        place = f"{where}: microdata.{name}"
        if Path(entry["file"]).suffix.lower() not in (".csv", ".tsv", ".parquet"):
            raise RongheError(f"{place}.file: '{entry['file']}': microdata are read from .csv, .tsv or .parquet")
        for fault, rule in entry.get("rules", {}).items():
            require_known(fault, FAULTS[entry["kind"]], "fault", f"{place}.rules")
            usual = [REFUSE] if fault in NOT_LEFT_OUT else [REFUSE, LEAVE_OUT]
            require_known(rule, [*usual, *OTHER_RULES.get(fault, [])], "rule", f"{place}.rules.{fault}")
        if ALL_SECTORS in entry["sectors"]:
            raise RongheError(
                f"{place}.sectors: '{ALL_SECTORS}' stands for the sum of the sectors; choose another name"
            )
        _refuse_twice(entry["sectors"], f"{place}.sectors")
        if "technologies" in entry:
            _refuse_twice(entry["technologies"], f"{place}.technologies")
        if entry["kind"] == "plants":
            _check_plants(entry, place)


def _refuse_twice(classes: Mapping[str, Iterable[str]], place: str) -> None:
    owners: dict[str, str] = {}
    for owner, codes in classes.items():
        for code in codes:
            if code in owners:
                raise RongheError(f"{place}: '{code}' stands for both '{owners[code]}' and '{owner}'; keep one")
            owners[code] = owner


def _check_plants(entry: Mapping, place: str) -> None:
    columns = entry["columns"]
    for one, other in (("longitude", "latitude"), ("revenue", "service_revenue")):
        if (one in columns) != (other in columns):
            raise RongheError(f"{place}.columns: '{one}' and '{other}' go together; give both or neither")
    if "points" in entry and "longitude" not in columns:
        raise RongheError(f"{place}.points: points need the columns longitude and latitude")
    if ("service_revenue" in entry) != ("service_revenue" in columns):
        raise RongheError(
            f"{place}: the columns revenue and service_revenue, and the entry service_revenue with its threshold, "
            "go together; give all or none"
        )
