"""What the configuration may say about the weights stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from ronghe.errors import RongheError, require_known
from ronghe.measures import declaration as measures

FOLDER = "<results>/weights"
REGIONS = "<processed>/regions.csv"
BORDERS = "<processed>/adjacency.csv"
SERIES = "<processed>/series.csv"


def entries(config: dict) -> dict[str, dict]:
    """Return the weights declared."""
    return config.get("weights", {})


def edges(name: str) -> str:
    """Return where the edge list of the weights `name` lies."""
    return f"{FOLDER}/{name}/edges.csv"


def parts(entry: Mapping) -> list[str]:
    """Return the weights that an entry is built from."""
    return [entry[key] for key in ("geographic", "economic") if key in entry and entry["kind"] in ("nested", "size")]


def files(config: dict, name: str) -> dict[str, str | list[str]]:
    """Return the files that the weights `name` are built from, under the names of their sources."""
    entry = entries(config)[name]
    found: dict[str, str | list[str]] = {"regions": REGIONS, "weights": [edges(part) for part in parts(entry)]}
    if entry["kind"] == "contiguity":
        found |= {"file": entry["boundaries"]} if "boundaries" in entry else {"borders": BORDERS}
    if "file" in entry:
        found["file"] = entry["file"]
    if "variable" in entry:
        found["variable"] = variable_file(config, entry["variable"])
    return found


def own_files(config: dict, name: str) -> list[str]:
    """Return the files that a user brings for the weights `name`."""
    return [entries(config)[name][key] for key in ("file", "boundaries") if key in entries(config)[name]]


def spellings(config: dict, name: str, regions: Mapping) -> dict:
    """Return the names that regions go by in the raw tables, for weights that come from a file of the user."""
    if entries(config)[name]["kind"] not in ("file", "flows"):
        return {}
    return {key: regions[key] for key in ("aliases", "suffixes", "ignore") if key in regions}


def paths(found: Mapping[str, str | list[str]]) -> list[str]:
    """Return the paths among the files of an entry, one by one."""
    return [path for value in found.values() for path in ([value] if isinstance(value, str) else value)]


def variable_file(config: dict, variable: str) -> str:
    """Return the file that holds a variable in all years: the clean series, or the panel of a measure."""
    return measures.columns(config)[variable] if "." in variable else SERIES


def check_panel_variables(config: dict, known: Iterable[str]) -> None:
    """Check that every plain name that an entry or the comparison uses is a variable of the dataset."""
    known = list(known)
    for name, entry in entries(config).items():
        if "." not in (variable := entry.get("variable", ".")):
            require_known(variable, known, "variable of the panel", f"weights '{name}'")
    for variable in config.get("weights_comparison", {}).get("variables", []):
        if "." not in variable:
            require_known(variable, known, "variable of the panel", "weights_comparison")


def check(config: dict) -> None:
    """Check every weights entry against the names that are declared; raise RongheError at the first fault."""
    declared = entries(config)
    columns = measures.columns(config)
    for name, entry in declared.items():
        where = f"weights '{name}'"
        for part in parts(entry):
            require_known(part, [other for other in declared if other != name], "weights", where)
        if "." in (variable := entry.get("variable", "")):
            require_known(variable, columns, "column of a measure", where)
        if "years" in entry and entry["years"][0] > entry["years"][1]:
            first, last = entry["years"]
            raise RongheError(f"{where}: years: {first} comes after {last}; write the first year first")
        _check_file(entry, where)
    for variable in config.get("weights_comparison", {}).get("variables", []):
        if "." in variable:
            require_known(variable, columns, "column of a measure", "weights_comparison")
    try:
        TopologicalSorter({name: parts(entry) for name, entry in declared.items()}).prepare()
    except CycleError as error:
        raise RongheError(f"weights: {' needs '.join(error.args[1][::-1])}: a circle; break it in one entry") from None


def _check_file(entry: Mapping, where: str) -> None:
    """Refuse a file of the user that is not there."""
    for key in ("file", "boundaries"):
        if key in entry and not Path(entry[key]).exists():
            raise RongheError(f"{where}: {key}: no such file: {entry[key]}")
