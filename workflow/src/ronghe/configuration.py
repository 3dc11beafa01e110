"""Reads and checks the configuration: safe YAML, no key twice, every entry known, every name declared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from ronghe.errors import RongheError, listing, nearest


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Safe YAML that refuses a key given twice, where plain YAML lets the later one win silently."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        lines: dict[object, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if key in lines:
                raise RongheError(
                    f"{self.name}: line {line}: the key '{key}' stands already in line {lines[key]}; keep one of them"
                )
            lines[key] = line
        return super().construct_mapping(node, deep=deep)


def load_yaml(path: str | Path) -> dict:
    """Read one YAML file as a mapping; a broken file or a key given twice is refused with its line."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        siblings = sorted(p.name for p in path.parent.glob("*.yaml"))
        raise RongheError(
            f"{path}: no such file{nearest(path.name, siblings)} (there: {listing(siblings) or 'none'})"
        ) from None
    except UnicodeDecodeError as error:
        raise RongheError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    loader = _UniqueKeyLoader(text)
    loader.name = str(path)
    try:
        data = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise RongheError(f"{path}: {place}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise RongheError(f"{path}: not valid YAML: {error}") from None
    finally:
        loader.dispose()
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise RongheError(f"{path}: expected keys and values, found a {type(data).__name__}")
    return data


def validate(entry: object, schema: dict, where: str, path: Iterable[object] = ()) -> None:
    """Check an entry against a JSON schema; the first fault is told by place, what is wrong, and what is allowed."""
    import jsonschema

    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(entry),
        key=lambda e: ([str(p) for p in e.absolute_path], e.validator != "additionalProperties"),
    )
    if errors:
        error = jsonschema.exceptions.best_match(errors[:1])
        place = ".".join(str(p) for p in [*path, *error.absolute_path])
        raise RongheError(f"{where}: {place + ': ' if place else ''}{_in_words(error)}")


def _in_words(error: object) -> str:
    """Say a schema violation as a sentence with the nearest allowed name."""
    value, rule = error.instance, error.validator_value
    if error.validator == "additionalProperties" and isinstance(value, dict):
        allowed = list(error.schema.get("properties", {}))
        unknown = [k for k in value if k not in allowed]
        return f"unknown key '{unknown[0]}'{nearest(unknown[0], allowed)} (allowed: {listing(allowed, 40)})"
    if error.validator == "required":
        missing = [k for k in rule if k not in value]
        described = error.schema.get("properties", {}).get(missing[0], {}).get("description", "")
        return f"the key '{missing[0]}' is missing" + (f" ({described})" if described else "")
    if error.validator in ("enum", "const"):
        allowed = rule if error.validator == "enum" else [rule]
        return f"'{value}' is not allowed{nearest(value, allowed)} (allowed: {listing(allowed, 40)})"
    if error.validator == "type":
        return f"expected {rule if isinstance(rule, str) else ' or '.join(rule)}, found {value!r}"
    described = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    return error.message + (f" ({described})" if described else "")


def merge_schemas(folder: str | Path) -> dict:
    """Join the schemas of all configuration files into one; together they name every key there is."""
    merged = {"type": "object", "additionalProperties": False, "properties": {}, "$defs": {}}
    for path in sorted(Path(folder).glob("*.schema.yaml")):
        if path.name.startswith("dataset"):
            continue
        schema = load_yaml(path)
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
    general = ("config", "labels", "dataset")
    stages = {path.name.split(".")[0]: path for path in sorted(Path(schemas).glob("*.schema.yaml"))}
    stages = {name: path for name, path in stages.items() if name not in general}
    files = sorted(folder.glob("*.yaml"))
    for path in files:
        if path.stem not in stages:
            raise RongheError(f"{path}: no stage reads this file{nearest(path.stem, stages)} (read: {listing(stages)})")
    for name, schema in stages.items():
        own = load_yaml(folder / f"{name}.yaml") if folder / f"{name}.yaml" in files else {}
        allowed = list(load_yaml(schema)["properties"])
        for key in own:
            if key not in allowed:
                close = nearest(key, allowed)
                raise RongheError(f"{folder / name}.yaml: unknown key '{key}'{close} (allowed: {listing(allowed, 40)})")
        config.update({key: own.get(key, {}) for key in allowed})
    return files


def check_configuration(config: dict, files: Iterable[str | Path], schemas: str | Path) -> None:
    """Check the merged configuration and each file it came from; raise RongheError at the first fault."""
    loaded = {str(path): load_yaml(path) for path in files}
    schema = merge_schemas(schemas)
    for path, content in loaded.items():
        for key in content:
            if key not in schema["properties"]:
                allowed = list(schema["properties"])
                raise RongheError(
                    f"{path}: unknown key '{key}'{nearest(key, allowed)} (allowed: {listing(allowed, 40)})"
                )
    for key, value in config.items():
        origin = [path for path, content in loaded.items() if key in content] or ["--config"]
        part = {"$defs": schema["$defs"], **schema["properties"].get(key, {"not": {}})}
        validate(value, part, " or ".join(reversed(origin)), [key])
    _check_stages(config)


def _check_stages(config: dict) -> None:
    """Let every stage check the names that its entries use against those declared."""
    from ronghe.explore import declaration as explore
    from ronghe.measures import declaration as measures
    from ronghe.models import declaration as models
    from ronghe.paper import declaration as paper
    from ronghe.weights import declaration as weights

    for stage in (measures, weights, explore, models, paper):
        stage.check(config)
