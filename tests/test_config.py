"""The configuration: faults are told by file, place and remedy before anything runs."""

from __future__ import annotations

import re
import shutil

import pytest
from ronghe.clean.declaration import load_dataset
from ronghe.configuration import (
    check_against_dataset,
    check_configuration,
    check_files,
    merge_schemas,
    replace_stages,
    require_dataset,
)
from ronghe.errors import RongheError, nearest
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml

STAGES = (
    "config", "measures", "weights", "explore", "specifications", "multiverse", "tables", "figures", "quotes", "labels",
)  # fmt: skip


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
        ({"kind": "index", "shift": "a"}, r"m.shift: expected a number, found 'a'"),
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
            assert "description" in node or not isinstance(node.get("pattern"), str), (
                f"{place}: a pattern without words"
            )
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
    for stage in (
        "config",
        "measures",
        "weights",
        "explore",
        "specifications",
        "multiverse",
        "tables",
        "figures",
        "quotes",
        "labels",
    ):
        config |= load_yaml(project / f"config/{stage}.yaml")
    files = replace_stages(config, project / "config/datasets" / name, schemas)
    dataset = load_dataset(name, project / "config/datasets", schemas / "dataset.schema.yaml")
    check_configuration(config, files, schemas)
    check_against_dataset(config, files, dataset)
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


def shipped(project, **changes):
    """The shipped configuration of the default dataset with some sections changed, and the files it came from."""
    files = [project / f"config/{stage}.yaml" for stage in STAGES]
    config = {key: value for path in files for key, value in load_yaml(path).items()}
    for section, entries in changes.items():
        config[section] = {**config[section], **entries} if isinstance(entries, dict) else entries
    return config, files


def said(project, **changes):
    """The message that the whole check ends with."""
    config, files = shipped(project, **changes)
    datasets, schemas = project / "config/datasets", project / "workflow/schemas"
    with pytest.raises(RongheError) as told:
        require_dataset(config, datasets)
        check_configuration(config, files, schemas)
        dataset = load_dataset(config["dataset"], datasets, schemas / "dataset.schema.yaml")
        check_against_dataset(config, files, dataset)
    return str(told.value)


FE = {"kind": "fixed_effects"}
IV = {"kind": "instrumental_variables"}
PAIRS = {"kind": "sector_pairs", "sectors": {"a": ["employment_total"], "b": ["employment_mining"]}}
LINKAGE = {"kind": "linkage", "services": ["finance"], "manufacturing": ["chemicals"]}
PLACEBO = {"kind": "placebo", "of": "baseline"}
GROUPS = {"kind": "groups"}
TABLE = {"kind": "regression", "caption": "T", "columns": ["baseline"]}
SUMMARY = {"kind": "summary", "caption": "T", "variables": ["gdp"]}
STORED = {"kind": "stored", "caption": "T", "columns": ["year"]}
DEPENDENCE = {"variables": ["gdp"], "weights": ["contiguity"]}
SHARES = {"name": "s", "table": "employment", "sectors": ["transport"], "base_year": 2013}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": None}, "dataset: nothing .*declared in config/datasets: china_provinces, us_states"),
        ({"dataset": 7}, "dataset: '7' .*name one of them in config/config.yaml"),
        ({"specification_defaults": {"dataset": "china"}}, "specification_defaults: unknown dataset 'china'"),
        ({"specifications": {"m": {**FE, "dataset": "us_state"}}}, "'m': unknown dataset .*did you mean 'us_states'"),
        ({"specifications": {"m": None}}, "specifications.m: expected keys and values, found nothing"),
        ({"specifications": {"m": {**FE, "controls": ["urbanization"]}}}, "'m': unknown variable .*'urbanisation'"),
        ({"specifications": {"m": {**FE, "sample": "without_last_yer"}}}, "'m': unknown sample .*'without_last_year'"),
        ({"specifications": {"m": {**FE, "covariance": "conly"}}}, "'m': unknown covariance .*mean 'conley'"),
        ({"specifications": {"m": {"kind": "spatial", "weights": "knn9"}}}, "'m': unknown weights 'knn9'"),
        ({"specifications": {"m": {**FE, "treatment": {"lagg": 1, "of": "gdp"}}}}, r"m.treatment.*expected .*\{lag: 1"),
        ({"specifications": {"m": {**FE, "treatment": {"lag": 0, "of": "gdp"}}}}, "treatment.lag: 0 is too small; at"),
        ({"specifications": {"m": {**FE, "cluster": "unit"}}}, "cluster: 'unit' is not allowed.*did you mean 'units'"),
        (
            {"specifications": {"m": {**IV, "instruments": {"shift_share": SHARES | {"sectors": ["finanse"]}}}}},
            "'m': shift_share: unknown sector 'finanse'; did you mean 'finance'",
        ),
        (
            {"specifications": {"m": {**IV, "instruments": {"shift_share": SHARES | {"base_year": 1990}}}}},
            "'m': shift_share: base_year 1990 is not in the panel's 2013-2020",
        ),
        (
            {"specifications": {"m": {"kind": "groups", "groups": {"attribute": "macro_regions"}}}},
            "'m': groups: unknown column of the regions table 'macro_regions'; did you mean 'macro_region'",
        ),
        (
            {"specifications": {"m": {"kind": "groups", "groups": {"periods": {"a": [2016, 2013]}}}}},
            "'m': groups: a: 2016 comes after 2013",
        ),
        ({"samples": {"s": {"years": [1990, 2000]}}}, "sample 's': years: 1990-2000 has no year of the panel's 2013"),
        ({"samples": {"s": {"without_flags": {"variables": ["so3"]}}}}, "sample 's': without_flags: unknown variable"),
        ({"samples": {"s": {"without_flags": {"kinds": ["fillled"]}}}}, "unknown kind of flag .*did you mean 'filled'"),
        ({"measures": {"m": LINKAGE | {"services": ["finanse"]}}}, "services: unknown sector of .*mean 'finance'"),
        ({"measures": {"m": PAIRS | {"groups": {"g": ["a", "bb"]}}}}, "measures.m: groups.g: unknown sector 'bb'"),
        ({"weights": {"w": {"knid": "knn", "k": 3}}}, "weights.w: unknown key 'knid'; did you mean 'kind'"),
        ({"weights": {"w": {"k": 3}}}, "weights.w: the key 'kind' is missing"),
        ({"distribution": {"d": {"variable": "urbanization"}}}, "distribution.d: unknown variable .*'urban"),
        ({"tables": {"t": {"kind": "correlations", "caption": "T", "variables": ["gpd"]}}}, "t: unknown variable"),
        (
            {"tables": {"t": {"kind": "correlations", "caption": "T", "variables": ["coagglomeration.indx"]}}},
            "tables.t: unknown column of a measure .*did you mean 'coagglomeration.index'",
        ),
        ({"quotes": {"panel": ["coagglomeration.indx"]}}, "quotes.panel: unknown column of a measure"),
        ({"specifications": 3}, "specifications: expected named entries, found 3"),
        ({"specifications": {"m": GROUPS | {"groups": {"regions": {"other": ["Beijing"]}}}}}, "choose another name"),
        (
            {"specifications": {"m": GROUPS | {"groups": {"periods": {"a": [2013, 2016], "b": [2016, 2020]}}}}},
            "'m': groups: 2016 stands in 'a' and 'b'; keep it in one",
        ),
        (
            {"specifications": {"m": GROUPS | {"groups": {"regions": {"a": ["Beijing"], "b": ["Beijing"]}}}}},
            "'m': groups: Beijing stands in 'a' and 'b'; keep it in one",
        ),
        ({"specifications": {"m": PLACEBO | {"repetitions": 0}}}, "'m': a placebo needs draws"),
        ({"specifications": {"m": IV | {"instruments": "urbanisation"}}}, "urbanisation: an instrument is neither"),
        ({"tables": {"t": TABLE | {"fit": ["nobs"]}}}, "t.fit: unknown statistic 'nobs' .allowed: observations"),
        ({"tables": {"t": SUMMARY | {"years": [1900, 2020]}}}, "t.years: unknown year of the panel '1900'"),
        ({"tables": {"t": {**STORED, "file": "results/../../x.csv"}}}, "t.file: .*leads out of its folder"),
        ({"tables": {"t": {**STORED, "file": "{x}.csv"}}}, "t.file: '.x..csv' holds '.', a sign of patterns"),
        ({"tables": {"t": {**STORED, "file": "x.txt"}}}, "t.file: 'x.txt' is not allowed; a .csv file"),
        ({"tables": {"Über": STORED}}, "'Über' is not allowed; lower-case letters"),
        ({"specifications": {"m": {**FE, "winsorise": float("nan")}}}, "m.winsorise: expected a number, found nan"),
        ({"specifications": {"m": {**FE, "winsorise": 0.5}}}, "m.winsorise: 0.5 is too large; less than 0.5"),
        ({"dependence": {"d": DEPENDENCE | {"lags": [50]}}}, "d.lags: 50 years earlier lies before all of 2013-2020"),
        ({"distribution": {"d": {"variable": "gdp", "group": "macro"}}}, "d.group: unknown .*code, macro_region"),
        ({"manuscript": {"source": "paper/p.typ", "parts": ["paper/{language.x}"]}}, "only .language. is known"),
        ({"weights": {"w": {"kind": "file", "file": "/etc/passwd"}}}, "w.file: '/etc/passwd' lies outside the project"),
        ({"languages": "zh"}, "--config: unknown key 'languages'; did you mean 'language'"),
    ],
)  # fmt: skip
def test_every_misspelt_name_is_told_before_any_job(project, changes, message):
    told = said(project, **changes)
    assert re.search(message, told), told


@pytest.mark.parametrize("key", ["dataset", "seed", "language"])
def test_a_missing_setting_is_told(project, key):
    config, files = shipped(project)
    del config[key]
    with pytest.raises(RongheError, match=f"config/config.yaml: the key '{key}' is missing"):
        check_configuration(config, files, project / "workflow/schemas")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("language: en", "language: english", "config.yaml: language: 'english' is not allowed"),
        ("seed:", "sede:", "config.yaml: unknown key 'sede'; did you mean 'seed'"),
        ("language: en", "language: en\nlanguage: zh", "config.yaml: line .*the key 'language' stands already"),
    ],
)
def test_a_slip_in_the_first_file_is_told(project, tmp_path, old, new, message):
    text = (project / "config/config.yaml").read_text(encoding="utf-8")
    assert old in text
    mine = write(tmp_path / "config.yaml", text.replace(old, new, 1))
    config, files = shipped(project)
    with pytest.raises(RongheError, match=message):
        config.update(load_yaml(mine))
        check_configuration(config, [mine, *files[1:]], project / "workflow/schemas")


def test_a_message_names_the_file_of_its_entry(project, tmp_path):
    mine = write(tmp_path / "mine.yaml", "specifications:\n  baseline: {kind: pooled}\n  mine: {kind: poled}\n")
    config, files = shipped(project, specifications=load_yaml(mine)["specifications"])
    schemas = project / "workflow/schemas"
    with pytest.raises(RongheError, match="^.*mine.yaml: specification 'mine': unknown kind 'poled'"):
        check_configuration(config, [mine, *files], schemas)
    config["weights"] = {**config["weights"], "contiguity": {"kind": "contiguitty"}}
    with pytest.raises(RongheError, match="^--config: weights.contiguity.kind: 'contiguitty' is not allowed"):
        check_configuration(config, [mine, *files], schemas)


@pytest.mark.parametrize(
    ("stage", "text", "message"),
    [
        ("figures", "figures:\n  map: {kind: tile_map, caption: M, variable: gpd}\n", "figures.map: unknown variable"),
        ("quotes", "quotes: {specifications: [basline]}\n", "quotes.specifications: unknown specification 'basline'"),
        (
            "tables",
            "tables:\n  t: {kind: effects, caption: T, columns: [baseline]}\n",
            "tables.t.kind: 'effects' is not",
        ),
    ],
)
def test_tables_figures_and_quotations_are_told_by_their_own_file(project, tmp_path, stage, text, message):
    mine = write(tmp_path / f"{stage}.yaml", text)
    config, files = shipped(project)
    config |= load_yaml(mine)
    files = [mine if path.stem == stage else path for path in files]
    schemas = project / "workflow/schemas"
    dataset = load_dataset(config["dataset"], project / "config/datasets", schemas / "dataset.schema.yaml")
    with pytest.raises(RongheError, match=f"{stage}.yaml: {message}"):
        check_configuration(config, files, schemas)
        check_against_dataset(config, files, dataset)


def test_files_are_checked_before_they_are_merged(project, tmp_path):
    schemas, folder = project / "workflow/schemas", tmp_path / "config"
    shutil.copytree(project / "config", folder)
    check_files(folder, schemas, project)
    write(folder / "explore.yaml", "")
    with pytest.raises(RongheError, match=r"explore.yaml: empty; restore it .* or write explore: \{\} into it"):
        check_files(folder, schemas, project)
    (folder / "explore.yaml").unlink()
    with pytest.raises(RongheError, match="explore.yaml: no such file in .*snakemake --directory"):
        check_files(folder, schemas, project)
    write(folder / "explore.yaml", "explore: [\n")
    with pytest.raises(RongheError, match="explore.yaml: line 2, column 1: not valid YAML"):
        check_files(folder, schemas, project)
