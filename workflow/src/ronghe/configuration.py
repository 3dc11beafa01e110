"""Checks the whole configuration: every key known, every name declared, every stage agreeing with the dataset."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ronghe.clean.labels import check_labels
from ronghe.clean.variables import derivations, families, sample_years, variables
from ronghe.clean.variables import labels as own_labels
from ronghe.default_stages import in_memory
from ronghe.errors import RongheError, listing, nearest, require_known
from ronghe.explore import declaration as explore
from ronghe.measures import declaration as measures
from ronghe.models import checks as models
from ronghe.models import declaration as models_declaration
from ronghe.models.multiverse import checks as multiverse
from ronghe.paper import declaration as paper
from ronghe.paper.labels import Labels
from ronghe.validation import unknown_key, validate
from ronghe.weights import declaration as weights
from ronghe.yaml_files import load_yaml


def merge_schemas(folder: str | Path) -> dict:
    """Join the schemas of all configuration files into one; together they name every key there is."""
    merged = {"type": "object", "additionalProperties": False, "required": [], "properties": {}, "$defs": {}}
    for path in sorted(Path(folder).glob("*.schema.yaml")):
        if path.name.startswith("dataset"):
            continue
        schema = load_yaml(path)
        merged["required"] += schema.get("required", [])
        merged["properties"].update(schema["properties"])
        merged["$defs"].update(schema.get("$defs", {}))
    return merged


def replace_stages(config: dict, folder: str | Path, schemas: str | Path) -> list[Path]:
    """Let a dataset's own files (measures.yaml, specifications.yaml ...) stand in for the general ones; return them.

    A dataset with such a folder brings all its later stages: a section that it does not bring is empty, because the
    general one speaks of variables of another dataset. Without a folder nothing changes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    stages = _stages(schemas)
    files = sorted(folder.glob("*.yaml"))
    for path in files:
        if path.stem not in stages:
            raise RongheError(f"{path}: no stage reads this file{nearest(path.stem, stages)} (read: {listing(stages)})")
    own = {path.stem: load_yaml(path) for path in files}
    for name, schema in stages.items():
        allowed = list(load_yaml(schema)["properties"])
        for key in own.get(name, {}):
            if key not in allowed:
                close = nearest(key, allowed)
                raise RongheError(f"{folder / name}.yaml: unknown key '{key}'{close} (allowed: {listing(allowed, 40)})")
    _put(config, own, stages)
    return files


def fit_stages(config: dict, dataset: dict, folder: str | Path, schemas: str | Path) -> bool:
    """Give a dataset without stages of its own those that fit its variables, and say whether it needed them.

    The general stages belong to the dataset that specification_defaults names; another one has none of those variables.
    """
    name = dataset["name"]
    if Path(folder).is_dir() or config.get("specification_defaults", {}).get("dataset", name) == name:
        return False
    _put(config, in_memory(dataset, f"config/datasets/{name}.yaml"), _stages(schemas))
    return True


def _stages(schemas: str | Path) -> dict[str, Path]:
    """Return the schema of each stage that a dataset may bring."""
    stages = {path.name.split(".")[0]: path for path in sorted(Path(schemas).glob("*.schema.yaml"))}
    return {name: path for name, path in stages.items() if name not in ("config", "labels", "dataset")}


def _put(config: dict, own: dict[str, dict], stages: dict[str, Path]) -> None:
    """Put the stages of a dataset in the place of the general ones; what it does not bring is empty."""
    for name, schema in stages.items():
        config.update({key: own.get(name, {}).get(key, {}) for key in load_yaml(schema)["properties"]})


def require_dataset(config: dict, folder: str | Path) -> None:
    """Refuse a dataset that has no declaration, before anything is looked up by its name."""
    declared = sorted(path.stem for path in Path(folder).glob("*.yaml"))
    name = config.get("dataset")
    if not isinstance(name, str) or name not in declared:
        given = f"'{name}'{nearest(name, declared)}" if name is not None else "nothing"
        raise RongheError(
            f"dataset: {given} (declared in {Path(folder).parent.name}/{Path(folder).name}: {listing(declared)}); "
            "name one of them in config/config.yaml, or write its declaration"
        )
    # A specification for a dataset that nobody declared would be left out of every run without a word.
    specifications = config.get("specifications") or {}
    if not isinstance(specifications, dict):
        raise RongheError(f"specifications: expected named entries, found {specifications!r}")
    entries = {"specification_defaults": config.get("specification_defaults"), **specifications}
    for entry_name, entry in entries.items():
        if isinstance(entry, dict) and (written_for := entry.get("dataset", name)) not in declared:
            place = entry_name if entry_name == "specification_defaults" else f"specification '{entry_name}'"
            require_known(written_for, declared, "dataset", place)


def check_files(folder: str | Path, schemas: str | Path, project: str | Path) -> None:
    """Check that every configuration file of the project is there, can be read, and says something."""
    for schema in sorted(Path(schemas).glob("*.schema.yaml")):
        path = Path(folder, f"{schema.name.split('.')[0]}.yaml")
        if path.stem == "dataset":
            continue
        if not path.exists():
            raise RongheError(
                f"{path}: no such file in {Path.cwd()}; if this is not the folder of the project, go there or say "
                f"snakemake --directory {project}; if it is, restore the file: git checkout {path}"
            )
        if not load_yaml(path):
            raise RongheError(f"{path}: empty; restore it (git checkout {path}), or write {path.stem}: {{}} into it")


def check_configuration(config: dict, files: Iterable[str | Path], schemas: str | Path) -> None:
    """Check the merged configuration and each file it came from; raise RongheError at the first fault."""
    files = list(files)
    loaded = {str(path): load_yaml(path) for path in files}
    schema = merge_schemas(schemas)
    allowed = list(schema["properties"])
    for path, content in [*loaded.items(), ("--config", config)]:
        for key in content:
            if key not in allowed:
                raise RongheError(f"{path}: {unknown_key(key, allowed)}")
    for key in schema["required"]:
        if key not in config:
            meaning = schema["properties"][key].get("description", "")
            raise RongheError(f"config/config.yaml: the key '{key}' is missing ({meaning}); write it again")
    with naming_file(config, files):
        for key, value in config.items():
            validate(value, {"$defs": schema["$defs"], **schema["properties"][key]}, "", [key])
        for stage in (measures, weights, explore, models, multiverse, paper):
            stage.check(config)
        for key, value in config.items():
            refuse_outside(value, key)


def check_against_dataset(config: dict, files: Iterable[str | Path], dataset: dict) -> None:
    """Check what the entries of every stage say of variables, sectors and years against the dataset's declaration."""
    check_labels(config["labels"], dataset, f"config/datasets/{dataset.get('name', 'NAME')}.yaml")
    check_names(config, files, dataset)
    check_printed(config, dataset)


def check_printed(config: dict, dataset: dict) -> None:
    """Refuse what tables print and no label names, all of it in one list, before anything runs."""
    labels, missing = Labels({**config["labels"], **own_labels(dataset)}, config["language"]), []
    declared = models_declaration.specifications(config)
    for entry in config.get("tables", {}).values():
        fits = [declared[spec] for spec in paper.specifications_of(entry) if spec in declared]
        names = [*paper.variables_of(entry), *(v for fit in fits for v in models_declaration.variables(fit))]
        missing += [name for name in dict.fromkeys(names) if name not in missing and not labels.has(name)]
    if missing:
        raise RongheError(
            f"labels: printed in a table and without a label: {listing(missing, 60)}; name each under labels: in "
            f"config/datasets/{config['dataset']}.yaml (NAME: {{en: ..., zh: ...}})"
        )


def check_names(config: dict, files: Iterable[str | Path], dataset: dict) -> None:
    """Check that every name of a variable, sector or year that an entry uses is one of the dataset."""
    known = [*variables(dataset), *(derivation.name for derivation in derivations(dataset))]
    with naming_file(config, files):
        for stage in (measures, weights, explore, multiverse, paper):
            stage.check_panel_variables(config, known)
        measures.check_microdata(config, {n: entry["kind"] for n, entry in dataset.get("microdata", {}).items()})
        measures.check_sectors(config, dataset.get("input_output", {}).get("sectors", {}))
        attributes = [key for key in dataset["regions"]["columns"] if key != "region"]
        explore.check_dataset(config, attributes, sample_years(dataset))
        paper.check_years(config, sample_years(dataset))
        models.check_variables(config, known, families(dataset))
        models.check_against_dataset(config, dataset, known)
        paper.check_places(config, dataset["regions"]["columns"])


# What a key of these names holds is a path, or several.
PATHS = ("file", "boundaries", "figures", "neighbors", "source")


def refuse_outside(value: object, where: str, key: str = "") -> None:
    """Refuse a path that leads out of the project, wherever in an entry it stands."""
    if isinstance(value, dict):
        for name, part in value.items():
            refuse_outside(part, f"{where}.{name}", name if isinstance(name, str) else key)
    elif isinstance(value, list):
        for part in value:
            refuse_outside(part, where, key)
    elif isinstance(value, str):
        steps = value.replace("\\", "/").split("/")
        # A caption may hold two points; a name or a path has no reason to.
        outside = ".." in steps or (key in PATHS and (steps[0] in ("", "~") or steps[0].endswith(":")))
        if outside and not value.strip() == "":
            raise RongheError(f"{where}: '{value}' lies outside the project; put the file into it, and name it there")


# How the messages of some stages call an entry of these sections.
NOUNS = {"specification": "specifications", "sample": "samples", "table": "tables", "figure": "figures"}


@contextlib.contextmanager
def naming_file(config: dict, files: Iterable[str | Path]) -> Iterator[None]:
    """Put before a message that opens with its entry (`measures.x: ...`, `specification 'x': ...`) the file of that."""
    try:
        yield
    except RongheError as error:
        message = str(error).removeprefix(": ")
        section, *place = re.split(r"[. ]", message.partition(": ")[0].replace("'", ""))
        place = [NOUNS.get(section, section), *place]
        loaded = {str(path): load_yaml(path) for path in files}
        raise RongheError(f"{' or '.join(_origins(config, loaded, place))}: {message}") from None


def _origins(config: dict, loaded: dict[str, dict], place: list[str]) -> list[str]:
    """Return the files that give the configuration its value at a place: those that reach deepest into it."""
    depths = {name: _depth(content, config, place) for name, content in loaded.items()}
    deepest = max(depths.values(), default=0)
    return [name for name, depth in depths.items() if depth == deepest] if deepest > 0 else ["--config"]


def _depth(content: object, merged: object, place: list[str]) -> float:
    """Return how many keys of a place a file has; less than none where the value that holds there is another one."""
    for depth, key in enumerate(place):
        if not isinstance(content, dict) or key not in content or not isinstance(merged, dict) or key not in merged:
            return depth
        content, merged = content[key], merged[key]
    same = content == merged
    return len(place) + same / 2 if same or isinstance(merged, dict) else -1
