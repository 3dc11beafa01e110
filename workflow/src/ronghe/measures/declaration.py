"""What the configuration may say about the measures stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from ronghe.errors import RongheError, require_known
from ronghe.measures.kinds import KINDS, PANEL

CLEAN_PANEL = "<processed>/panel.parquet"
FOLDER = "<results>/measures"
MICRODATA = "<processed>/microdata"
# What cleaning makes of microdata and a kind of measure reads.
MADE = {
    "plant_concentration": "cells.csv",
    "plant_locations": "points.parquet",
    "technology_convergence": "counts.csv",
}


def entries(config: dict, *kinds: str) -> dict[str, dict]:
    """Return the measures declared, of the kinds named or of all."""
    declared = config.get("measures", {})
    return {name: entry for name, entry in declared.items() if not kinds or entry["kind"] in kinds}


def columns(config: dict) -> dict[str, str]:
    """Return every column that a measure yields, as NAME.column, with the file that holds it."""
    return {
        f"{name}.{column}": f"{FOLDER}/{name}/{PANEL}"
        for name, entry in entries(config).items()
        for column in KINDS[entry["kind"]].yields(entry)
    }


def sources(config: dict, variables: Iterable[str]) -> list[str]:
    """Return the files that hold these variables: the clean panel first, where a plain name asks for it."""
    found, paths = columns(config), set()
    for variable in variables:
        if "." in variable:
            require_known(variable, found, "column of a measure", "measures")
        paths.add(found.get(variable, CLEAN_PANEL))
    return sorted(paths, key=lambda path: (path != CLEAN_PANEL, path))


def inputs(config: dict, name: str) -> list[str]:
    """Return the files that hold the variables that the measure `name` uses."""
    entry = config["measures"][name]
    return sources(config, KINDS[entry["kind"]].uses(entry))


def wildcard_inputs(config: dict, wildcards: object) -> list[str]:
    """Return the inputs of the measure that a rule's wildcard names."""
    return inputs(config, wildcards.measure)


def needs(config: dict, name: str) -> set[str]:
    """Return the measures whose columns or tables the measure `name` uses."""
    entry = config["measures"][name]
    kind = KINDS[entry["kind"]]
    return {v.partition(".")[0] for v in kind.uses(entry) if "." in v} | set(kind.reads(entry))


def wildcard_file(config: dict, wildcards: object) -> str:
    """Return the file that a measure of a user's own data reads: the one named, or what cleaning made of microdata."""
    entry = config["measures"][wildcards.measure]
    if "file" in entry:
        return entry["file"]
    return f"{MICRODATA}/{entry['microdata']}/{MADE[entry['kind']]}"


def check_microdata(config: dict, known: Mapping[str, str]) -> None:
    """Check that every file of microdata that a measure names is one of the dataset's, given with their kinds."""
    for name, entry in entries(config, *MADE).items():
        if "microdata" in entry:
            kind = "patents" if entry["kind"] == "technology_convergence" else "plants"
            allowed = [file for file, its_kind in known.items() if its_kind == kind]
            require_known(entry["microdata"], allowed, f"microdata of {kind}", f"measures.{name}")


def tables(config: dict, name: str) -> list[str]:
    """Return the files that the measure `name` writes."""
    return [f"{FOLDER}/{name}/{file}" for file in KINDS[config["measures"][name]["kind"]].tables]


def outputs(kind: str) -> dict[str, str]:
    """Return table name -> path pattern of what a rule for this kind writes; its wildcard is `measure`."""
    return {file.removesuffix(".csv"): f"{FOLDER}/{{measure}}/{file}" for file in KINDS[kind].tables}


def tables_of(names: Iterable[str], file: str) -> list[str]:
    """Return the path of one file of each of these measures, in their order."""
    return [f"{FOLDER}/{name}/{file}" for name in names]


def systems(config: dict, name: str) -> dict[str, str]:
    """Return the index behind each subsystem of a coupling, for those subsystems that are the index of a system."""
    indices = entries(config, "index")
    behind = {s: v.removesuffix(".index") for s, v in config["measures"][name]["subsystems"].items()}
    return {s: index for s, index in behind.items() if index in indices}


def labels(config: dict) -> dict[str, str]:
    """Return the label of every column that has one, in the language of the configuration."""
    words, language = config["labels"], config["language"]
    return {name: words[name].get(language, name) for name in columns(config) if name in words}


def descriptions(config: dict) -> list[dict[str, str]]:
    """Return what may be said before any job of every table, and of every column of a panel.csv."""
    rows = []
    for name, entry in entries(config).items():
        kind = KINDS[entry["kind"]]
        for file, row in kind.tables.items():
            facts = {"measure": name, "kind": entry["kind"], "table": f"{FOLDER}/{name}/{file}", "row": row}
            defined = kind.yields(entry) if file == PANEL else {"": ""}
            rows += [{**facts, "column": column, "definition": text} for column, text in defined.items()]
    return rows


def targets(config: dict) -> list[str]:
    """Return one file of every measure: asking for these builds the stage."""
    return [tables(config, name)[0] for name in entries(config)]


def pattern(names: Iterable[str]) -> str:
    """Return the pattern that matches these names and nothing else, for a rule's wildcard."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def kind_pattern(config: dict, *kinds: str) -> str:
    """Return the pattern of the names of all measures of these kinds."""
    return pattern(entries(config, *kinds))


def check_panel_variables(config: dict, known: Iterable[str]) -> None:
    """Check that every plain name that a measure uses is a variable of the clean panel."""
    known = list(known)
    for name, entry in entries(config).items():
        for variable in KINDS[entry["kind"]].uses(entry):
            if "." not in variable:
                require_known(variable, known, "variable of the panel", f"measures.{name}")


def check_sectors(config: dict, sectors: Iterable[str]) -> None:
    """Check that every sector of a linkage stands in the dataset's input-output tables."""
    sectors = list(sectors)
    for name, entry in entries(config, "linkage").items():
        for key in ("services", "manufacturing"):
            for sector in entry[key]:
                require_known(sector, sectors, "sector of the input-output tables", f"measures.{name}: {key}")


def check(config: dict) -> None:
    """Check every measure entry against the names that are declared; raise RongheError at the first fault."""
    declared = entries(config)
    found = columns(config)
    for name, entry in declared.items():
        where = f"measures.{name}"
        kind = KINDS[entry["kind"]]
        for fault in kind.faults(entry):
            raise RongheError(f"{where}: {fault}; change the entry")
        for other in kind.reads(entry):
            require_known(other, entries(config, *kind.reads_kinds), f"{' or '.join(kind.reads_kinds)} measure", where)
        for variable in kind.uses(entry):
            if "." in variable:
                require_known(variable, found, "column of a measure", where)
    try:
        TopologicalSorter({name: needs(config, name) for name in declared}).prepare()
    except CycleError as error:
        raise RongheError(f"measures: {' needs '.join(error.args[1][::-1])}: a circle; break it in one entry") from None
