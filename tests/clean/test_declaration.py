"""Declarations of datasets: every wrong name, key or kind is refused when the workflow is parsed."""

from __future__ import annotations

import copy

import pytest
from ronghe.clean.declaration import check_dataset, load_dataset
from ronghe.clean.variables import derivations, expand, families, labels, raw_files, variables, without_words
from ronghe.errors import RongheError
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml
from tiny_dataset import DECLARED


@pytest.fixture
def tiny():
    return {key: value for key, value in copy.deepcopy(DECLARED).items() if key != "name"}


@pytest.fixture
def schema(project):
    return load_yaml(project / "workflow/schemas/dataset.schema.yaml")


def refuse(declared, *words):
    with pytest.raises(RongheError) as error:
        check_dataset(declared, "x.yaml")
    for word in ("x.yaml", *words):
        assert word in str(error.value)


def test_shipped_datasets_are_sound(project):
    for path in sorted((project / "config/datasets").glob("*.yaml")):
        dataset = load_dataset(path.stem, path.parent, project / "workflow/schemas/dataset.schema.yaml")
        assert all((project / file).is_file() for file in raw_files(dataset))


def test_every_key_of_the_schema_is_described(schema):
    def keys(node, place):
        if isinstance(node, dict):
            for name, part in node.get("properties", {}).items():
                if isinstance(part, dict) and not part.keys() & {"$ref", "description", "const"}:
                    yield f"{place}.{name}"
            for name, part in node.items():
                yield from keys(part, f"{place}.{name}")

    assert list(keys(schema, "")) == []


@pytest.mark.parametrize("file", ["/etc/passwd", "../other/wages.csv", "a/../../wages.csv"])
def test_a_raw_file_lies_in_the_folder_of_its_dataset(tiny, file):
    tiny["tables"]["wages"]["file"] = file
    refuse(tiny, f"tables.wages.file: '{file}' lies outside raw; put the file there")


def test_unknown_dataset_names_the_others(project):
    with pytest.raises(RongheError, match="china_provnces.yaml: no such file; did you mean 'china_provinces.yaml'"):
        load_dataset("china_provnces", project / "config/datasets", project / "workflow/schemas/dataset.schema.yaml")


def test_key_twice_in_the_file(tmp_path, project):
    (tmp_path / "x.yaml").write_text("title: a\nfolder: b\ntitle: c\n")
    with pytest.raises(RongheError, match="x.yaml: line 3: the key 'title' stands already in line 1"):
        load_dataset("x", tmp_path, project / "workflow/schemas/dataset.schema.yaml")


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("tables", "wages", "varables"), {}, "tables.wages: unknown key 'varables'; did you mean 'variables'"),
        (("tables", "wages", "layout"), "tall", "'tall' is not allowed"),
        (("tables", "wages", "encoding"), "latin1", "'latin1' is not allowed"),
        (("derived", "log_output_per_head"), {"lgo": "output"}, "unknown key 'lgo'; did you mean 'log'"),
        (("derived", "farm_share"), {"share": ["jobs_farms"]}, "derived.farm_share.share"),
        (("sample", "years"), [2020, "2022"], "expected a whole number, found '2022'"),
        (("tables", "wages", "variables", "wage", "gap"), {"interpolate": 0}, "gap"),
        (("checks", "jobs"), {"kind": "adds_up", "tolerance": 0, "parts": ["a"]}, "the key 'total' is missing"),
        (("units", "yuan"), {"base": "yuan", "factor": 0}, "units.yuan.factor"),
        (("tables", "wages", "variables", "Wage"), {"unit": "yuan"}, "tables.wages.variables"),
    ],
)
def test_schema_faults_are_told_by_place(tiny, schema, place, value, words):
    node = tiny
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    with pytest.raises(RongheError) as error:
        validate(tiny, schema, "x.yaml")
    assert words in str(error.value)


def test_variables_of_families_and_units(tiny):
    found = variables(tiny)
    assert list(found) == ["wage", "population", "output", "jobs_total", "jobs_farms", "jobs_shops"]
    assert found["population"].factor == 1000 and found["population"].unit == "person"
    assert found["wage"].unit == "yuan" and found["wage"].written_unit == "元"
    assert found["jobs_shops"].indicator == "Shops, stalls" and found["jobs_shops"].column == "jobs"
    assert families(tiny) == {"jobs": ["farms", "shops"]}
    assert expand(tiny, ["wage", "jobs_*"], "x") == ["wage", "jobs_farms", "jobs_shops"]


def test_derivations_come_after_their_operands_with_units(tiny):
    order = derivations(tiny)
    assert [d.name for d in order] == ["output_per_head", "log_output_per_head", "farm_share"]
    assert [d.unit for d in order] == ["yuan/person", "log of yuan/person", "ratio"]
    assert order[0].factors == (1e6, 1.0)


def test_a_variable_twice(tiny):
    tiny["tables"]["output"]["variables"]["wage"] = {"column": "output", "unit": "yuan"}
    refuse(tiny, "tables.output.variables.wage: 'wage' is already declared at tables.wages.variables.wage")
    del tiny["tables"]["output"]["variables"]["wage"]
    tiny["derived"]["wage"] = {"log": "output"}
    refuse(tiny, "derived.wage: 'wage' is already read from a table")


def test_derived_from_unknown_or_itself(tiny):
    tiny["derived"]["a"] = {"log": "ouput"}
    refuse(tiny, "derived.a: unknown variable 'ouput'; did you mean 'output'")
    tiny["derived"]["a"] = {"log": "b"}
    tiny["derived"]["b"] = {"lag": {"of": "a"}}
    refuse(tiny, "derived.a: made of itself (a -> b -> a)")


def test_two_operations_or_none(tiny):
    tiny["derived"]["a"] = {"log": "output", "lag": {"of": "output"}}
    refuse(tiny, "derived.a: give exactly one of ratio, share, per", "found log, lag")
    tiny["derived"]["a"] = {"definition": "nothing"}
    refuse(tiny, "found none")


def test_units_of_derived_variables(tiny):
    tiny["derived"]["a"] = {"per": ["output", "wage"]}
    refuse(tiny, "derived.a: both count yuan; use ratio or share")
    tiny["derived"]["a"] = {"share": ["output", "population"]}
    refuse(tiny, "derived.a: 'million yuan' cannot become 'person'")
    tiny["derived"]["a"] = {"sum": ["output", "population"]}
    refuse(tiny, "derived.a: 'person' cannot become 'million yuan'")
    tiny["derived"]["a"] = {"per": ["output", "population"], "unit": "person/yuan"}
    refuse(tiny, "the result counts yuan per person")
    tiny["derived"]["a"] = {"deflate": {"of": "output", "base": 2020}}
    refuse(tiny, "derived.a.deflate: give exactly one of volume_index, price_index; found none")
    tiny["derived"]["a"] = {"winsorise": {"of": "output", "lower": 0.9, "upper": 0.1}}
    refuse(tiny, "lower must be below upper")


def test_layouts(tiny):
    wide, long = copy.deepcopy(tiny), copy.deepcopy(tiny)
    wide["tables"]["wages"]["variables"]["wage"]["column"] = "x"
    refuse(wide, "tables.wages.variables.wage: 'column' belongs to the layout long")
    del long["tables"]["output"]["variables"]["output"]["column"]
    refuse(long, "tables.output.variables.output: the key 'column' is missing")
    del tiny["tables"]["wages"]["key"]["indicator"]
    refuse(tiny, "'indicator' is given and 'key.indicator' is not")


def test_years_in_headings_need_a_pattern(tiny):
    tiny["tables"]["wages"]["key"]["year"] = "年"
    refuse(tiny, "tables.wages.key.year must hold {year}")


def test_gap_series(tiny):
    tiny["tables"]["wages"]["variables"]["wage"]["gap"] = {"series": "wages"}
    refuse(tiny, "unknown variable 'wages'; did you mean 'wage'")
    tiny["tables"]["wages"]["variables"]["wage"]["gap"] = {"series": "population"}
    refuse(tiny, "tables.wages.variables.wage.gap: 'person' cannot become 'yuan'")


def test_sectors_checks_breaks_and_years(tiny):
    broken = copy.deepcopy(tiny)
    broken["tables"]["jobs"]["families"]["jobs"]["members"]["mines"] = "Mining"
    refuse(broken, "tables.jobs.families.jobs.members: unknown sector 'mines'")
    broken = copy.deepcopy(tiny)
    broken["checks"]["jobs"]["parts"] = ["job_*"]
    refuse(broken, "checks.jobs: no family 'job'; did you mean 'jobs'")
    broken["checks"]["jobs"]["parts"] = ["output"]
    refuse(broken, "checks.jobs: 'output' is in million yuan, 'jobs_total' in person; compare like with like")
    broken = copy.deepcopy(tiny)
    broken["breaks"] = [{"variables": ["wag"], "years": [2021], "why": "x"}]
    refuse(broken, "breaks[0]: unknown variable 'wag'; did you mean 'wage'")
    broken = copy.deepcopy(tiny)
    broken["sample"]["years"] = [2022, 2020]
    refuse(broken, "sample.years: 2022 comes after 2020")
    broken = copy.deepcopy(tiny)
    broken["tables"]["jobs"]["families"]["flags"] = broken["tables"]["jobs"]["families"].pop("jobs")
    refuse(broken, "'flags' is the name of another table")
    tiny["tables"]["wages"]["variables"]["wage"]["range"] = [5, 1]
    refuse(tiny, "tables.wages.variables.wage.range: 5 is above 1")


def test_labels_of_families_and_words_left_out(tiny):
    handling = tiny["tables"]["jobs"]["families"]["jobs"]
    handling |= {"label": {"en": "Jobs: {sector}"}, "definition": "Jobs."}
    tiny["labels"] = {"wage": {"en": "Wage"}}
    assert labels(tiny) == {
        "jobs_farms": {"en": "Jobs: Farms"},
        "jobs_shops": {"en": "Jobs: Shops"},
        "wage": {"en": "Wage"},
    }
    silent = without_words(tiny)
    assert "title" not in silent and "definition" not in silent["tables"]["jobs"]["families"]["jobs"]
    assert without_words({**tiny, "title": "Another"}) == silent
    assert silent["tables"]["jobs"]["families"]["jobs"]["members"] == handling["members"]
