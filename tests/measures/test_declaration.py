"""What configuration says of measures: columns and files known before any job, and every mistake told by name."""

from __future__ import annotations

import copy
import re

import pytest
from ronghe.configuration import merge_schemas
from ronghe.errors import RongheError
from ronghe.measures import declaration
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml

ENTRIES = {
    "quality": {
        "kind": "index",
        "indicators": {"rd": {"direction": "positive", "dimension": "innovation"}, "so2": {"direction": "negative"}},
    },
    "services": {
        "kind": "index",
        "indicators": {"software": {"direction": "positive"}, "lq.s": {"direction": "positive"}},
    },
    "lq": {"kind": "location_quotient", "total": "all", "sectors": {"m": ["e_m"], "s": ["e_s", "e_f"]}},
    "both": {"kind": "coupling", "subsystems": {"services": "services.index", "industry": "quality.index"}},
    "compared": {"kind": "weighting_comparison", "indices": ["quality", "services"]},
}


@pytest.fixture
def config() -> dict:
    return {"measures": copy.deepcopy(ENTRIES)}


@pytest.fixture(scope="module")
def shipped(request) -> dict:
    root = request.getfixturevalue("project")
    names = ("measures", "labels")
    return {name: load_yaml(root / f"config/{name}.yaml")[name] for name in names}


def test_columns_and_the_files_that_hold_them(config):
    found = declaration.columns(config)
    assert found["quality.index"] == "<results>/measures/quality/panel.csv"
    assert found["quality.innovation"] == "<results>/measures/quality/panel.csv"
    assert {c for c in found if c.startswith("lq.")} == {"lq.m", "lq.s"}
    assert not [c for c in found if c.startswith("compared.")]


def test_inputs_follow_the_variables(config):
    panel = "<processed>/panel.parquet"
    assert declaration.inputs(config, "quality") == [panel]
    assert declaration.inputs(config, "services") == [panel, "<results>/measures/lq/panel.csv"]
    assert declaration.inputs(config, "both") == [
        "<results>/measures/quality/panel.csv",
        "<results>/measures/services/panel.csv",
    ]
    assert declaration.systems(config, "both") == {"services": "services", "industry": "quality"}


def test_patterns_match_the_names_of_their_kinds_only(config):
    assert re.fullmatch(declaration.kind_pattern(config, "index"), "services")
    assert not re.fullmatch(declaration.kind_pattern(config, "index"), "both")
    assert not re.fullmatch(declaration.kind_pattern(config, "synergy"), "")


def change(name: str, **keys: object):
    return lambda measures: measures[name].update(keys)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (
            change("both", subsystems={"a": "service.index", "b": "quality.index"}),
            "'service.index'; did you mean 'services.index'",
        ),
        (
            change("both", subsystems={"a": "services.indx", "b": "quality.index"}),
            "'services.indx'; did you mean 'services.index'",
        ),
        (change("compared", indices=["quality", "lq"]), "measures.compared: unknown index measure 'lq'"),
        (change("both", weights={"services": 0.5, "industry": 0.6}), "add to 1.1, not to 1"),
        (change("both", weights={"services": 1.0}), "weights are for services, the subsystems are services, industry"),
        (
            change("quality", indicators={"a": {"direction": "positive", "dimension": "rank"}}),
            "may not be called 'rank'",
        ),
        (change("lq", total="services.index"), "a circle"),
    ],
)
def test_mistakes_in_names_are_told(config, mistake, message):
    mistake(config["measures"])
    with pytest.raises(RongheError, match=message.replace("(", r"\(")):
        declaration.check(config)


def test_variables_of_the_panel_are_checked(config):
    known = ["rd", "so2", "software", "all", "e_m", "e_s"]
    with pytest.raises(RongheError, match="measures.lq: unknown variable of the panel 'e_f'; did you mean"):
        declaration.check_panel_variables(config, known)
    declaration.check_panel_variables(config, [*known, "e_f"])


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (
            change("quality", weighting="entropie"),
            "quality.weighting: 'entropie' is not allowed; did you mean 'entropy'",
        ),
        (change("quality", kind="indx"), "quality.kind: 'indx' is not allowed; did you mean 'index'"),
        (change("lq", totl="x"), "unknown key 'totl'; did you mean 'total'"),
        (lambda m: m["lq"].pop("total"), "measures.lq: the key 'total' is missing"),
        (lambda m: m["quality"]["indicators"]["rd"].update(direction="up"), "rd.direction: 'up' is not allowed"),
        (lambda m: m.update(Quality=m["quality"]), "'Quality' is not allowed; lower-case"),
    ],
)
def test_mistakes_in_keys_are_told(config, project, mistake, message):
    schema = merge_schemas(project / "workflow/schemas")
    part = {"$defs": schema["$defs"], **schema["properties"]["measures"]}
    validate(config["measures"], part, "config/measures.yaml", ["measures"])
    mistake(config["measures"])
    with pytest.raises(RongheError, match=message):
        validate(config["measures"], part, "config/measures.yaml", ["measures"])


def test_schema_and_declaration_know_the_same_kinds(project):
    schema = load_yaml(project / "workflow/schemas/measures.schema.yaml")
    entry = schema["properties"]["measures"]["additionalProperties"]
    assert sorted(entry["properties"]["kind"]["enum"]) == sorted(declaration.KINDS)
    assert sorted(b["if"]["properties"]["kind"]["const"] for b in entry["allOf"]) == sorted(declaration.KINDS)


def test_every_shipped_column_has_a_label_in_both_languages(shipped):
    missing = [c for c in declaration.columns(shipped) if {"en", "zh"} - set(shipped["labels"].get(c, {}))]
    assert missing == []


def test_every_column_is_defined_and_every_table_explained(shipped):
    for row in declaration.descriptions(shipped):
        assert row["row"] and (row["definition"] or not row["column"])
