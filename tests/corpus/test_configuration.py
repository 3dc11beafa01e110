"""Bad configurations: every number, key and path of the shipped ones damaged in turn; each damage ends in a message."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import pytest
from ronghe.configuration import merge_schemas, refuse_outside
from ronghe.errors import RongheError
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml

PROJECT = Path(__file__).resolve().parents[2]
SCHEMAS = PROJECT / "workflow/schemas"
SECTIONS = ("seed", "measures", "weights", "distribution", "transitions", "specifications", "specification_defaults")
SECTIONS += ("samples", "validation", "tables", "figures", "quotes", "china_provinces", "us_states")
# A number in these places may be a text, a truth value or nothing too, and says so in the schema.
OPEN = {"where", "sheet", "names", "range", "gap", "keep", "level", "mark", "order", "digits", "threshold_km"}
DAMAGES = {
    "not a number": float("nan"),
    "infinite": float("inf"),
    "minus infinity": float("-inf"),
    "a word": "some",
    "a list of lists": [[1]],
    "nothing": None,
    "true": True,
    "keys": {"a": 1},
    "thirty digits": 10**30,
    "with a half": 0.5,
}


@cache
def schema_of(section: str) -> dict:
    if section in ("china_provinces", "us_states"):
        return load_yaml(SCHEMAS / "dataset.schema.yaml")
    merged = merge_schemas(SCHEMAS)
    return {"$defs": merged["$defs"], **merged["properties"][section]}


@cache
def shipped(section: str) -> object:
    """Return a section of the shipped configuration, or the declaration of a dataset."""
    if section in ("china_provinces", "us_states"):
        return load_yaml(PROJECT / f"config/datasets/{section}.yaml")
    for path in sorted((PROJECT / "config").glob("*.yaml")):
        if section in (content := load_yaml(path)):
            return content[section]
    raise KeyError(section)


def leaves(value, path=()):
    """Yield the place and the value of every leaf."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        yield path, value
    for key, part in parts or ():
        yield from leaves(part, (*path, key))


def with_value(section: str, path: tuple, value: object) -> object:
    """Return the entry that holds a leaf, alone in its section, with another value there."""
    whole = shipped(section)
    if not path:
        return value
    # The other entries of a section do not matter to the schema, nor do the other parts of a dataset's declaration.
    if section in ("china_provinces", "us_states"):
        needed = ("title", "folder", "units", "regions", "sample", "tables")
        whole = {
            **{key: whole[key] for key in needed if key != "tables"},
            "tables": SMALL_TABLE,
            path[0]: whole[path[0]],
        }
        if len(path) > 2 and path[0] in ("tables", "derived", "checks"):
            whole[path[0]] = {path[1]: whole[path[0]][path[1]]}
    elif section == "quotes":
        name, *rest = path
        whole = {name: {rest[0]: whole[name][rest[0]]} if name == "cells" else whole[name]}
    elif section not in ("specification_defaults", "validation"):
        whole = {path[0]: whole[path[0]]}
    return replaced(whole, path, value)


SMALL_TABLE = {"t": {"file": "t.csv", "layout": "wide", "key": {"region": "r", "year": "{year}"}}}


def replaced(whole, path, value):
    """Return a copy in which one leaf has another value."""
    if not path:
        return value
    part = copy.copy(whole)
    part[path[0]] = replaced(whole[path[0]], path[1:], value)
    return part


def refused(section: str, entry: object) -> str:
    """Return the message that an entry ends in, or nothing."""
    try:
        validate(entry, schema_of(section), "corpus", [section])
    except RongheError as error:
        return str(error)
    return ""


def one_of_each(section: str, wanted) -> list[tuple]:
    """Return one place of each key that holds such a value: the same key in another entry has the same schema."""
    found = {}
    for path, value in leaves(shipped(section)):
        if wanted(value) and not OPEN & set(path):
            found.setdefault(tuple(key for key in path[1:] if isinstance(key, str)), path)
    return list(found.values())


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


NUMBERS = [(s, path) for s in SECTIONS for path in one_of_each(s, is_number)]
NAMES = [".".join(map(str, (s, *path))) for s, path in NUMBERS]


@pytest.mark.parametrize(("section", "path"), NUMBERS, ids=NAMES)
def test_a_damaged_number_is_refused(section, path):
    right = _at(shipped(section), path)
    for name, damage in DAMAGES.items():
        message = refused(section, with_value(section, path, damage))
        if name == "with a half" and not message:
            # A share, a tolerance or a distance may be a half; what counts things may not.
            assert not refused(section, with_value(section, path, 0.25)), (section, path)
            continue
        assert message, f"{section} {path}: {name} instead of {right} passes"
        assert "Traceback" not in message and section in message, message
    if isinstance(right, int):
        message = refused(section, with_value(section, path, float(right)))
        assert not message or f"{float(right)} (write {right})" in message or "expected" in message, message


def _at(value, path):
    for key in path:
        value = value[key]
    return value


TEXTS = [(s, path) for s in SECTIONS[1:-2] for path in one_of_each(s, lambda v: isinstance(v, str))]
# What is only told to readers is free.
FREE = {"about", "caption", "notes", "title", "heading", "label", "en", "zh", "stub", "x_label", "y_label"}
TEXTS = [(s, path) for s, path in TEXTS if not FREE & set(path)]


@pytest.mark.parametrize(("section", "path"), TEXTS, ids=[".".join(map(str, (s, *p))) for s, p in TEXTS])
def test_a_text_is_no_number_and_no_path_out(section, path):
    for damage in (float("nan"), 7, {"a": {"b": 1}}):
        assert refused(section, with_value(section, path, damage)), f"{section} {path}: {damage} passes"
    with pytest.raises(RongheError, match="lies outside the project"):
        refuse_outside(with_value(section, path, "../../etc/passwd"), section)


def entries() -> list[tuple[str, str, str]]:
    """One entry per kind and section, with each of its keys."""
    found = {}
    for section in SECTIONS[1:-2]:
        whole = shipped(section)
        if section in ("specification_defaults", "validation", "quotes"):
            continue
        for name, entry in whole.items():
            for key in entry:
                found.setdefault((section, entry.get("kind"), key), (section, name, key))
    return list(found.values())


@pytest.mark.parametrize(("section", "name", "key"), entries(), ids=[".".join(e) for e in entries()])
def test_a_misspelt_key_is_refused(section, name, key):
    entry = dict(shipped(section)[name])
    entry[f"{key}x"] = entry.pop(key)
    message = refused(section, {name: entry})
    assert f"'{key}x'" in message or f"'{key}' is missing" in message, message


@pytest.mark.parametrize("section", ["measures", "weights", "transitions", "specifications", "samples", "tables"])
@pytest.mark.parametrize("name", [2020, "no way", "../x", "W*y", "Über", ""])
def test_a_name_is_a_plain_word(section, name):
    entry = next(iter(shipped(section).values()))
    assert refused(section, {name: entry})


@pytest.mark.parametrize("name", [2020, "no way", "../../x", "W*y", "Über", "", "a.index"])
def test_a_derived_variable_has_a_plain_name(name):
    entry = shipped("china_provinces")
    derived = next(iter(entry["derived"].values()))
    assert refused("china_provinces", entry | {"derived": {name: derived}})


def test_a_published_figure_of_nothing_is_refused_in_words():
    entry = shipped("china_provinces")
    name, check = next((n, c) for n, c in entry["checks"].items() if "values" in c)
    year = next(iter(check["values"]))
    told = refused("china_provinces", entry | {"checks": {name: check | {"values": {year: 0}}}})
    assert f"checks.{name}.values.{year}: '0' is not allowed; a published figure other than 0" in told


TEXT = {
    "2020.5: 1\n": "line 1: the key 2020.5 is read as a number; write a name, in quotes: '2020.5'",
    "a:\n  no: 1\n": "line 2: the key no is read as true or false; write a name, in quotes: 'no'",
    "~: 1\n": "line 1: the key ~ is read as nothing; write a name, in quotes",
    "? \n: 1\n": "line 1: the key without a name is read as nothing",
    "2020-01-01: 1\n": "line 1: the key 2020-01-01 is read as no text",
    "? [a]\n: 1\n": "line 1: the key a list or a mapping is read as no text",
    "? {a: 1}\n: 1\n": "line 1: the key a list or a mapping is read as no text",
    "a: .nan\n": "line 1: '.nan' is no figure; write a finite number",
    "a: [1, {b: .inf}]\n": "line 1: '.inf' is no figure",
    "a: -.inf\n": "line 1: '-.inf' is no figure",
    "a: 1.0e+999\n": "line 1: '1.0e+999' is no figure",
    "a: &x {b: *x}\n": "line 1: an anchor that holds itself; write the entry out",
    "a: &x [*x]\n": "line 1: an anchor that holds itself",
    "a: 1\n---\nb: 2\n": "not valid YAML",
    "a: !!python/name:os.system x\n": "not valid YAML",
    "a: !!python/object/new:os.system [ls]\n": "not valid YAML",
    "a: *nowhere\n": "not valid YAML",
    "a: 2020-13-45\n": "not valid YAML",
    "a: 'open\n": "not valid YAML",
    "a:\t1\n  b: 2\n": "not valid YAML",
    "just words\n": "expected keys and values",
    "7\n": "expected keys and values",
    "a: \x01\n": "not valid YAML",
}


@pytest.mark.parametrize("text", TEXT, ids=[repr(t) for t in TEXT])
def test_yaml_that_means_something_else_is_refused(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RongheError) as told:
        load_yaml(tmp_path / "c.yaml")
    assert TEXT[text] in str(told.value) and "c.yaml" in str(told.value)


def test_aliases_of_aliases_do_not_grow_without_end(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (tmp_path / "c.yaml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(RongheError, match="more than 200000 entries"):
        load_yaml(tmp_path / "c.yaml")


@pytest.mark.parametrize("content", [b"\xff\xfea\x00:\x00", "a: 北京".encode("gb18030"), b"\x89PNG\r\n", b"a: \xc3("])
def test_bytes_that_are_no_text(tmp_path, content):
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(RongheError, match="c.yaml"):
        load_yaml(tmp_path / "c.yaml")


def test_a_folder_or_a_circle_of_links_in_place_of_a_file(tmp_path):
    (tmp_path / "c.yaml").mkdir()
    (tmp_path / "d.yaml").symlink_to(tmp_path / "d.yaml")
    for name in ("c.yaml", "d.yaml"):
        with pytest.raises(RongheError, match=f"{name}: cannot be read"):
            load_yaml(tmp_path / name)
