"""Distributions, convergence, transitions, gravity: names are checked before any job, and options arrive."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from ronghe.configuration import merge_schemas
from ronghe.errors import RongheError
from ronghe.explore import declaration
from ronghe.explore.convergence import describe_convergence
from ronghe.explore.dagum import dagum_by_year
from ronghe.explore.distribution import describe_distribution
from ronghe.explore.regional_values import group_of
from ronghe.explore.theil import theil_by_year
from ronghe.frames import write_tables
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml

MEASURES = {"grown": {"kind": "growth", "variable": "output"}}
GOOD = {
    "measures": MEASURES,
    "weights": {"queen": {}},
    "distribution": {"a": {"variable": "grown.growth", "population": "people"}},
    "convergence": {"a": {"variable": "output", "controls": ["grown.initial"], "weights": "queen"}},
    "transitions": {"a": {"variable": "output", "weights": "queen", "cutoffs": [1, 2], "names": ["x", "y", "z"]}},
    "gravity": {"a": {"variable": "output"}},
}


def changed(section: str, **options) -> dict:
    config = copy.deepcopy(GOOD)
    config[section]["a"].update(options)
    return config


def test_files_of_an_entry():
    declaration.check(GOOD)
    assert declaration.inputs(GOOD, "distribution", "a") == [
        "<processed>/panel.parquet",
        "<results>/measures/grown/panel.csv",
    ]
    assert declaration.edges(GOOD, "transitions", "a") == ["<results>/weights/queen/edges.csv"]
    assert declaration.edges(GOOD, "gravity", "a") == []
    assert declaration.tables("gravity") == {"path": "<results>/explore/gravity/{gravity}/path.csv"}
    assert "<results>/explore/convergence/a/spread.csv" in declaration.targets(GOOD)
    assert declaration.targets({}) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (changed("gravity", variable="grown.grwth"), "gravity.a: unknown column of a measure 'grown.grwth'; did you"),
        (changed("convergence", weights="queens"), "convergence.a: unknown weights 'queens'; did you mean 'queen'"),
        (changed("convergence", controls=["other.x"]), "unknown column of a measure 'other.x'"),
        (changed("transitions", classes=3), "leave 'classes' out"),
        (changed("transitions", names=["x", "y"]), "3 classes need as many names, there are 2"),
    ],
)
def test_faults_are_told_before_any_job(config, message):
    with pytest.raises(RongheError, match=message):
        declaration.check(config)


def test_schema_knows_the_sections(project):
    schema = merge_schemas(project / "workflow" / "schemas")
    shipped = load_yaml(project / "config" / "explore.yaml")
    for section in GOOD.keys() - {"measures", "weights"}:
        part = {"$defs": schema["$defs"], **schema["properties"][section]}
        validate(GOOD[section], part, "test")
        validate(shipped[section], part, "explore.yaml")
        with pytest.raises(RongheError, match="a: unknown key 'varable'; did you mean 'variable'"):
            validate({"a": {"varable": "x"}}, part, "test", [section])


@pytest.fixture
def data() -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"r{i}" for i in range(8)]
    index = pd.MultiIndex.from_product([names, range(2015, 2020)], names=["region", "year"])
    rng = np.random.default_rng(0)
    panel = pd.DataFrame(rng.lognormal(size=(len(index), 3)), index, columns=["y", "x", "people"])
    return panel, pd.DataFrame({"half": ["n", "s"] * 4, "macro_region": ["e"] * 4 + ["w"] * 4}, index=names)


def test_options_arrive(data):
    panel, regions = data
    tables = describe_distribution(panel, regions, "y", group="half", population="people", form="L", points=32)
    assert set(tables) == set(declaration.SECTIONS["distribution"])
    expected = theil_by_year(panel["y"], regions["half"], panel["people"], "L")["parts"]
    pd.testing.assert_frame_equal(tables["theil"], expected)
    pd.testing.assert_frame_equal(tables["dagum"], dagum_by_year(panel["y"], regions["half"])["parts"])
    assert len(tables["densities"]) == 32 * 5
    tables = describe_convergence(panel, regions, "y", controls=["x"])
    assert set(tables) == set(declaration.SECTIONS["convergence"])
    assert set(tables["speeds"].index) == {
        (c, f) for c in ("absolute", "conditional") for f in ("cross_section", "panel")
    }
    assert set(tables["spread"].index.unique("group")) == {"all", "e", "w"}


def test_tables_keep_their_keys(data, tmp_path):
    panel, regions = data
    path = tmp_path / "dagum.csv"
    write_tables({"dagum": dagum_by_year(panel["y"], regions["half"])["pairs"]}, {"dagum": path})
    assert pd.read_csv(path).columns[:3].tolist() == ["year", "group", "other"]


def test_groups_name_every_unit_once():
    with pytest.raises(RongheError, match="in two groups: a"):
        group_of(pd.Index(["a"]), pd.Series(["x", "y"], index=["a", "a"]))
