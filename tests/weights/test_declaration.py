"""Declared weights and explorations: files they rest on, and faults told before any job runs."""

from __future__ import annotations

import pytest
from ronghe.configuration import merge_schemas
from ronghe.errors import RongheError
from ronghe.explore import declaration as explore_declaration
from ronghe.validation import validate
from ronghe.weights import declaration
from ronghe.yaml_files import load_yaml

WEIGHTS = {
    "near": {"kind": "knn", "k": 4},
    "alike": {"kind": "economic", "variable": "gdp_per_head", "years": [2012, 2012]},
    "both": {"kind": "nested", "geographic": "near", "economic": "alike"},
}


def checked(weights, **sections):
    config = {"measures": {}, "weights": weights, **sections}
    declaration.check(config)
    explore_declaration.check(config)
    return config


def test_files_of_each_kind():
    config = checked(WEIGHTS | {"land": {"kind": "contiguity"}})
    assert declaration.files(config, "near") == {"regions": declaration.REGIONS, "weights": []}
    assert declaration.files(config, "alike")["variable"] == declaration.SERIES
    assert declaration.files(config, "both")["weights"] == [
        "<results>/weights/near/edges.csv",
        "<results>/weights/alike/edges.csv",
    ]
    assert declaration.files(config, "land")["borders"] == declaration.BORDERS
    found = declaration.paths(declaration.files(config, "both"))
    assert found == [declaration.REGIONS, "<results>/weights/near/edges.csv", "<results>/weights/alike/edges.csv"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"both": {"kind": "nested", "geographic": "nears", "economic": "alike"}}, "unknown weights 'nears'; did you"),
        ({"near": {"kind": "size", "geographic": "both", "variable": "gdp"}}, "a circle"),
        ({"alike": {"kind": "economic", "variable": "quality.index"}}, "unknown column of a measure 'quality.index'"),
        ({"alike": {"kind": "economic", "variable": "gdp", "years": [2014, 2012]}}, "2014 comes after 2012"),
        ({"own": {"kind": "file", "file": "data/no_such.csv"}}, "file: no such file: data/no_such.csv"),
        ({"land": {"kind": "contiguity", "boundaries": "no.gpkg", "key": "n"}}, "boundaries: no such file: no.gpkg"),
    ],
)
def test_faults_of_weights(change, message):
    with pytest.raises(RongheError, match=message):
        checked(WEIGHTS | change)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "knn"}, "the key 'k' is missing"),
        ({"kind": "knn", "k": 0}, "k: 0 is too small; at least 1"),
        ({"kind": "knn", "k": 4, "cutoff": 5}, "unknown key 'cutoff'"),
        ({"kind": "knnn", "k": 4}, "'knnn' is not allowed; did you mean 'knn'"),
        ({"kind": "contiguity", "islands": "drop"}, "'drop' is not allowed"),
        ({"kind": "contiguity", "boundaries": "a.gpkg"}, "'key' is a dependency of 'boundaries'"),
        ({"kind": "exponential"}, "the key 'scale_km' is missing"),
        ({"kind": "band", "threshold_km": -1}, "threshold_km"),
    ],
)
def test_faults_of_entries(project, entry, message):
    schema = merge_schemas(project / "workflow" / "schemas")
    part = {"$defs": schema["$defs"], **schema["properties"]["weights"]}
    with pytest.raises(RongheError, match=message):
        validate({"w": entry}, part, "weights.yaml", ["weights"])


def test_every_kind_has_a_builder_and_a_schema(project):
    from ronghe.weights.build import BUILDERS

    schema = load_yaml(project / "workflow" / "schemas" / "weights.schema.yaml")
    kinds = schema["properties"]["weights"]["additionalProperties"]["properties"]["kind"]["enum"]
    assert set(kinds) == set(BUILDERS)
    assert all(schema["$defs"][f"weights_{kind}"]["additionalProperties"] is False for kind in kinds)


def test_plain_names_are_checked_against_the_dataset():
    config = checked(WEIGHTS, dependence={"main": {"variables": ["gpd"], "weights": ["near"]}})
    with pytest.raises(RongheError, match="weights 'alike': unknown variable of the panel 'gdp_per_head'"):
        declaration.check_panel_variables(config, ["gdp"])
    with pytest.raises(RongheError, match="dependence.main: unknown variable of the panel 'gpd'; did you mean 'gdp'"):
        explore_declaration.check_panel_variables(config, ["gdp"])


def test_faults_of_explorations():
    main = {"variables": ["gdp"], "weights": ["near"]}
    with pytest.raises(RongheError, match="local_dependence.main: unknown weights 'neer'; did you mean 'near'"):
        checked(WEIGHTS, local_dependence={"main": {**main, "weights": ["neer"]}})
    with pytest.raises(RongheError, match="dependence.main: unknown column of a measure 'a.b'"):
        checked(WEIGHTS, dependence={"main": {**main, "pairs": [["gdp", "a.b"]]}})


def test_inputs_of_an_exploration():
    entry = {"outcome": "y", "regressors": ["x", "z"], "weights": ["near", "both"]}
    config = checked(WEIGHTS, residual_tests={"main": entry})
    assert explore_declaration.inputs(config, "residual_tests", "main") == ["<processed>/panel.parquet"]
    assert explore_declaration.edges(config, "residual_tests", "main") == [
        "<results>/weights/near/edges.csv",
        "<results>/weights/both/edges.csv",
    ]
    assert explore_declaration.targets(config) == ["<results>/explore/residual_tests/main/lagrange.csv"]
