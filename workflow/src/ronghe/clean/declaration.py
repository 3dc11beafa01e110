"""Loads the declaration of a dataset and checks it against itself before any job runs."""

from __future__ import annotations

from pathlib import Path, PurePath

from ronghe.clean.bands import bands
from ronghe.clean.microdata.declaration import check_microdata, with_cells
from ronghe.clean.units import Units
from ronghe.clean.variables import RECOMPUTATIONS, derivations, expand, named_files, only_one, variables
from ronghe.errors import RongheError, require_known
from ronghe.places import folders
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml


def load_dataset(name: str, folder: str | Path, schema: str | Path) -> dict:
    """Read, validate and cross-check the declaration of a dataset; the first fault is raised as RongheError."""
    path = Path(folder, f"{name}.yaml")
    dataset = load_yaml(path)
    validate(dataset, load_yaml(schema), str(path))
    check_microdata(dataset, str(path))
    dataset = with_cells(dataset, folders(name, "")["processed"], str(path))
    check_dataset(dataset, str(path))
    return {"name": name, **dataset}


def check_dataset(dataset: dict, where: str) -> None:
    """Check every name of a declaration against those that it declares."""
    first, last = dataset["sample"]["years"]
    if first > last:
        raise RongheError(f"{where}: sample.years: {first} comes after {last}; write [first, last]")
    known = {name: variable.unit for name, variable in variables(dataset, where).items()}
    known |= {derivation.name: derivation.unit for derivation in derivations(dataset, where)}
    bands(dataset, where)
    for number, entry in enumerate(dataset.get("breaks", [])):
        for name in expand(dataset, entry["variables"], f"{where}: breaks[{number}]"):
            require_known(name, known, "variable", f"{where}: breaks[{number}]")
    for check, entry in dataset.get("checks", {}).items():
        names = [entry[key] for key in ("total", "part", "variable") if key in entry]
        names += expand(dataset, entry.get("parts", []), f"{where}: checks.{check}")
        for name in names:
            require_known(name, known, "variable", f"{where}: checks.{check}")
            if known[name] != known[names[0]]:
                raise RongheError(
                    f"{where}: checks.{check}: '{name}' is in {known[name]}, '{names[0]}' in {known[names[0]]}; "
                    "compare like with like"
                )
    for name, entry in dataset.get("facts", {}).get("statements", {}).items():
        only_one(entry, RECOMPUTATIONS, f"{where}: facts.statements.{name}")
    _check_input_output(dataset, where)
    facts = {"facts.file": dataset["facts"]["file"]} if "facts" in dataset else {}
    for place, path in {"folder": dataset["folder"], **facts}.items():
        if PurePath(path).is_absolute() or PurePath(path).parts[:1] == ("~",) or ".." in PurePath(path).parts:
            raise RongheError(
                f"{where}: {place}: '{path}' lies outside the project; put the tables into it, and name them there"
            )
    microdata = {f"microdata.{name}.file": entry["file"] for name, entry in dataset.get("microdata", {}).items()}
    for place, file in {**named_files(dataset), **microdata}.items():
        if Path(file).is_absolute() or ".." in Path(file).parts:
            raise RongheError(
                f"{where}: {place}: '{file}' lies outside {dataset['folder']}; put the file there, "
                "and name it from there, so that the data can travel together"
            )
    for place, file in {"folder": dataset["folder"], **facts, **named_files(dataset), **microdata}.items():
        if signs := [sign for sign in file if sign in "{}<>"]:
            raise RongheError(f"{where}: {place}: '{file}' holds '{signs[0]}', a sign of patterns; rename the file")


def _check_input_output(dataset: dict, where: str) -> None:
    declared = dataset.get("input_output")
    if declared:
        Units(dataset["units"], where).name(declared["unit"], "input_output.unit")
        written = [sector["written"] for sector in declared["sectors"].values()] + list(declared["rows"].values())
        twice = sorted({name for name in written if written.count(name) > 1})
        if twice:
            raise RongheError(f"{where}: input_output: '{twice[0]}' stands for more than one row")
