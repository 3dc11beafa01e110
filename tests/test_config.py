"""The configuration: faults are told by file, place and remedy before anything runs."""

from __future__ import annotations

import pytest
from ronghe.clean.declaration import load_dataset
from ronghe.clean.variables import derivations, families, variables
from ronghe.configuration import check_configuration, load_yaml, merge_schemas, replace_stages, validate
from ronghe.errors import RongheError, nearest
from ronghe.models.declaration import check_variables


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", r"c.yaml: line 3: the key 'a' stands already in line 1"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", r"c.yaml: line 4: the key 'b' stands already in line 2"),
        ("a: [1, 2\nb: 3\n", r"c.yaml: line 2, column \d+: not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "c.yaml: line 1, column 4: not valid YAML"),
        ("- 1\n- 2\n", "expected keys and values, found a list"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(RongheError, match=message):
        load_yaml(write(tmp_path / "c.yaml", text))


def test_anchors_and_merge_keys_are_allowed(tmp_path):
    path = write(tmp_path / "c.yaml", "base: &b {x: 1, y: 2}\nmine: {<<: *b, y: 3}\n")
    assert load_yaml(path)["mine"] == {"x": 1, "y": 3}


def test_a_missing_file_names_the_nearest(tmp_path):
    write(tmp_path / "provinces.yaml", "a: 1\n")
    with pytest.raises(RongheError, match="did you mean 'provinces.yaml'"):
        load_yaml(tmp_path / "province.yaml")


def test_other_encodings_are_named(tmp_path):
    (tmp_path / "c.yaml").write_bytes("a: 北京\n".encode("gb18030"))
    with pytest.raises(RongheError, match="not UTF-8 at byte 3"):
        load_yaml(tmp_path / "c.yaml")


SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind"],
    "properties": {
        "kind": {"enum": ["index", "coupling"], "description": "what it is"},
        "shift": {"type": "number"},
    },
}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "index", "shfit": 1}, r"f.yaml: m: unknown key 'shfit'; did you mean 'shift'\?"),
        ({"kind": "indx"}, r"m.kind: 'indx' is not allowed; did you mean 'index'\?"),
        ({"shift": 1}, r"m: the key 'kind' is missing \(what it is\)"),
        ({"kind": "index", "shift": "a"}, r"m.shift: expected number, found 'a'"),
    ],
)
def test_an_entry_is_checked_in_words(entry, message):
    with pytest.raises(RongheError, match=message):
        validate(entry, SCHEMA, "f.yaml", ["m"])


def test_a_misspelt_section_names_its_file(tmp_path, project):
    path = write(tmp_path / "mine.yaml", "specificatons: {}\n")
    with pytest.raises(RongheError, match=r"mine.yaml: unknown key 'specificatons'; did you mean 'specifications'"):
        check_configuration({}, [path], project / "workflow" / "schemas")


def test_the_shipped_schemas_are_strict_and_described(project):
    """Every key that a user can set has a description, and no mapping admits an unknown key by omission."""

    def walk(node, place):
        if isinstance(node, dict):
            for name, part in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
                reference = isinstance(part, dict) and set(part) & {"$ref", "description", "const", "enum", "not"}
                assert part is True or part is False or reference or not part, f"{place}.{name} lacks a description"
            for key, part in node.items():
                walk(part, f"{place}.{key}")
        elif isinstance(node, list):
            for i, part in enumerate(node):
                walk(part, f"{place}[{i}]")

    for path in sorted((project / "workflow" / "schemas").glob("*.schema.yaml")):
        walk(load_yaml(path), path.name)


def test_every_shipped_section_has_a_schema(project):
    allowed = merge_schemas(project / "workflow" / "schemas")["properties"]
    for path in (project / "config").glob("*.yaml"):
        assert set(load_yaml(path)) <= set(allowed), path


def test_nearest_says_nothing_when_nothing_is_near():
    assert nearest("zzz", ["index", "coupling"]) == ""


@pytest.mark.parametrize("name", ["china_provinces", "us_states"])
def test_every_shipped_dataset_goes_with_its_measures_and_specifications(project, name):
    schemas = project / "workflow/schemas"
    config = {}
    for stage in ("config", "measures", "weights", "explore", "specifications", "tables", "labels"):
        config |= load_yaml(project / f"config/{stage}.yaml")
    files = replace_stages(config, project / "config/datasets" / name, schemas)
    dataset = load_dataset(name, project / "config/datasets", schemas / "dataset.schema.yaml")
    check_configuration(config, files, schemas)
    panel = [*variables(dataset), *(d.name for d in derivations(dataset))]
    check_variables(config, panel, families(dataset))
    assert config["specifications"] and config["measures"]


def test_a_dataset_with_a_folder_brings_all_its_stages(tmp_path, project):
    schemas = project / "workflow/schemas"
    config = {"measures": {"a": {}}, "specifications": {"b": {}}, "dataset": "x", "labels": {"c": {"en": "C"}}}
    assert replace_stages(dict(config), tmp_path / "none", schemas) == []
    (tmp_path / "measures.yaml").write_text("measures: {d: {kind: index}}\n")
    assert replace_stages(config, tmp_path, schemas) == [tmp_path / "measures.yaml"]
    assert config["measures"] == {"d": {"kind": "index"}} and config["specifications"] == {}
    assert config["dataset"] == "x" and config["labels"] == {"c": {"en": "C"}}
    (tmp_path / "measures.yaml").write_text("measure: {}\n")
    with pytest.raises(RongheError, match="measures.yaml: unknown key 'measure'; did you mean 'measures'"):
        replace_stages(config, tmp_path, schemas)
    (tmp_path / "mesures.yaml").write_text("")
    with pytest.raises(RongheError, match="mesures.yaml: no stage reads this file; did you mean 'measures'"):
        replace_stages(config, tmp_path, schemas)
