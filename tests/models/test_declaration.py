"""What a specification may say: a mistake is told before any job, by entry, with what is allowed and the nearest."""

from __future__ import annotations

import copy

import pytest
from ronghe.configuration import merge_schemas
from ronghe.errors import RongheError
from ronghe.models import checks, declaration
from ronghe.models.kinds import KINDS, TERM_KEYS, estimator
from ronghe.models.terms import parse
from ronghe.provenance import module_path
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml

CONFIG = {
    "dataset": "here",
    "measures": {
        "quality": {"kind": "index", "indicators": {"patents": {"direction": "positive"}}},
        "together": {
            "kind": "coagglomeration",
            "total": "jobs",
            "industry": ["jobs_m"],
            "partner": ["jobs_s"],
            "branches": {},
        },
    },
    "weights": {
        "contiguity": {"kind": "contiguity"},
        "knn4": {"kind": "knn", "k": 4},
        "bare": {"kind": "knn", "k": 4, "standardise": "none"},
    },
    "samples": {"early": {"years": [2013, 2016]}, "east": {"where": {"zone": ["East"]}, "about": "the coast"}},
    "specification_defaults": {
        "outcome": "quality.index",
        "treatment": "together.index",
        "controls": ["income", "trade"],
        "effects": "twoways",
        "covariance": "clustered",
        "by_kind": {"spatial": {"weights": "contiguity", "covariance": "expected"}},
    },
    "specifications": {"base": {"kind": "fixed_effects"}, "space": {"kind": "spatial"}},
}


def with_entry(**entry: object) -> dict:
    config = copy.deepcopy(CONFIG)
    config["specifications"]["mine"] = entry
    return config


def refusal(**entry: object) -> str:
    with pytest.raises(RongheError) as caught:
        checks.check(with_entry(**entry))
    return str(caught.value)


def test_a_good_entry_passes_and_is_completed_by_the_defaults():
    config = with_entry(kind="fixed_effects", sample="early", about="for readers")
    checks.check(config)
    complete = declaration.complete("mine", config)
    assert complete["controls"] == ["income", "trade"] and complete["effects"] == "twoways"
    assert complete["sample"] == {"years": [2013, 2016]} and complete["sample_name"] == "early"
    assert complete["kind"] == "fixed_effects" and "about" not in complete
    spatial = declaration.complete("space", config)
    assert spatial["weights"] == "contiguity" and spatial["covariance"] == "expected"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "fixed_efects"}, "specification 'mine': unknown kind 'fixed_efects'; did you mean 'fixed_effects'?"),
        ({}, "specification 'mine': the key 'kind' is missing"),
        (
            {"kind": "fixed_effects", "weights": "knn4"},
            "unknown key for the kind fixed_effects 'weights'",
        ),
        ({"kind": "fixed_effects", "treatment": "together.indx"}, "'together.indx'; did you mean 'together.index'?"),
        (
            {"kind": "fixed_effects", "treatment": "togethr.index"},
            "measure (in 'togethr.index') 'togethr'; did you mean",
        ),
        (
            {"kind": "fixed_effects", "sample": "earl"},
            "unknown sample 'earl'; did you mean 'early'? (allowed: all, early",
        ),
        ({"kind": "spatial", "weights": "knn9"}, "unknown weights 'knn9'; did you mean 'knn4'?"),
        (
            {"kind": "fixed_effects", "covariance": "driscol"},
            "unknown covariance for fixed_effects 'driscol'; did you mean 'driscoll_kraay'? (allowed: homoskedastic",
        ),
        ({"kind": "spatial", "covariance": "homoskedastic"}, "(allowed: expected, observed, robust, clustered"),
        ({"kind": "random_effects", "effects": "time"}, "unknown effects for random_effects 'time'"),
        ({"kind": "fixed_effects", "covariance": "conley"}, "a conley covariance needs cutoff_km"),
        (
            {"kind": "fixed_effects", "controls": ["quality.index"]},
            "'quality.index' is both the outcome and a regressor",
        ),
        ({"kind": "fixed_effects", "controls": ["income", "income"]}, "income: the same regressor twice"),
        ({"kind": "instrumental_variables"}, "the kind instrumental_variables needs the key 'instruments'"),
        (
            {
                "kind": "instrumental_variables",
                "treatment": ["together.index", "income"],
                "controls": [],
                "instruments": "z",
            },
            "2 endogenous treatments need as many instruments or more; there are 1",
        ),
        ({"kind": "spatial", "model": "sar", "durbin": ["income"]}, "the model sar has no W*x terms"),
        ({"kind": "spatial", "model": "sdm", "error_weights": "knn4"}, "the model sdm has no spatial error"),
        ({"kind": "spatial", "method": "lee_yu", "effects": "pooled"}, "choose lsdv"),
        (
            {"kind": "spatial_dynamic", "model": "sem", "weights": "knn4", "covariance": "expected"},
            "sar or sdm, not sem",
        ),
        ({"kind": "spatial", "weights": "bare"}, "weights 'bare' are standardised 'none', and with twoways effects"),
        (
            {"kind": "spatial", "weights": "knn4", "covariance": "robust", "small_sample": "CR2"},
            "clustered by units alone",
        ),
        ({"kind": "fixed_effects", "cluster": ["units", "time"], "df": "clusters"}, "clustered by units alone"),
        ({"kind": "fixed_effects", "small_sample": "none"}, "small_sample: 'none' is for the kinds spatial and"),
        ({"kind": "leave_one_out", "of": "bse"}, "unknown specification 'bse'; did you mean 'base'?"),
        ({"kind": "placebo", "of": "base", "shuffle": "weights"}, "'base' has no weights to shuffle"),
        ({"kind": "family", "family": ["base", "space"]}, "unknown kind for 'family' 'spatial'"),
        ({"kind": "mediation", "mediator": "m", "treatment": ["together.index", "x"]}, "takes one treatment"),
        ({"kind": "fixed_effects", "controls": [{"lag": 1}]}, "specification 'mine': controls: {'lag': 1} lacks 'of'"),
    ],
)
def test_mistakes_are_told_with_the_entry_and_what_is_allowed(entry, message):
    text = refusal(**entry)
    assert message in text
    assert "'mine'" in text


def test_defaults_for_clusters_bind_clustered_entries_alone():
    config = with_entry(kind="spatial", weights="knn4", covariance="expected")
    assert "small_sample" not in declaration.complete("mine", config)
    clustered = with_entry(kind="spatial", weights="knn4", covariance="clustered")
    assert declaration.complete("mine", clustered)["small_sample"] == "corrected"


def test_variables_of_the_panel_are_checked_against_the_dataset():
    config = with_entry(kind="fixed_effects", controls=["incme"])
    with pytest.raises(RongheError, match="specification 'mine': unknown variable 'incme'; did you mean 'income'"):
        checks.check_variables(config, ["income", "trade"], [])


def test_samples_are_checked():
    config = copy.deepcopy(CONFIG) | {"samples": {"late": {"years": [2020, 2013]}}}
    with pytest.raises(RongheError, match="sample 'late': years: 2020 comes after 2013"):
        checks.check(config)


def test_an_entry_names_its_measures_weights_and_code_and_no_others():
    config = with_entry(kind="spatial", weights="knn4", treatment="income", controls=[{"lag": 1, "of": "trade"}])
    mine = declaration.complete("mine", config)
    assert declaration.variables(mine) == ["quality.index", "income", "trade"]
    assert declaration.measures(mine) == ["quality"]
    assert declaration.weights(mine) == ["knn4"]
    assert declaration.modules(mine) == ["ronghe.models.estimators.spatial"]
    assert not declaration.needs_regions(mine)
    built = with_entry(kind="leave_one_out", of="space")
    mine = declaration.complete("mine", built)
    assert declaration.measures(mine) == ["quality", "together"]
    assert declaration.weights(mine) == ["contiguity"]
    assert declaration.modules(mine) == ["ronghe.models.estimators.leave_one_out", "ronghe.models.estimators.spatial"]
    assert declaration.needs_regions(declaration.complete("mine", with_entry(kind="fixed_effects", sample="east")))


def test_indicators_that_outcome_and_treatment_share_are_named():
    config = with_entry(kind="fixed_effects", treatment="other.index")
    config["measures"]["other"] = {"kind": "index", "indicators": {"patents": {"direction": "positive"}, "jobs": {}}}
    assert declaration.complete("mine", config)["shared_indicators"] == ["patents"]
    assert "shared_indicators" not in declaration.complete("base", config)
    assert declaration.base_variables("together.index", config) == {"jobs", "jobs_m", "jobs_s"}


def test_a_specification_of_another_dataset_is_left_out():
    config = with_entry(kind="fixed_effects", dataset="elsewhere", treatment="unknown.thing")
    checks.check(config)
    assert "mine" not in declaration.specifications(config)


def test_every_kind_names_an_estimator_that_exists_and_keys_that_the_schema_describes(project):
    schema = merge_schemas(project / "workflow" / "schemas")["$defs"]["specification_keys"]["properties"]
    for name, kind in KINDS.items():
        path = module_path(estimator(name))
        assert path is not None and "def estimate(specification: dict, data: Data)" in path.read_text("utf-8"), name
        assert set(kind.allowed) <= set(schema), name
    assert set(TERM_KEYS) <= set(schema)
    assert all(value.get("description") for value in schema.values())


def test_terms_are_a_closed_vocabulary():
    assert parse("x").name == "x"
    assert parse({"lag": 2, "of": "a.b"}).name == "L2.a.b"
    assert parse({"lead": 1, "of": "x"}).order == -1
    assert parse({"product": ["x", "z"]}).variables == ("x", "z")
    with pytest.raises(RongheError, match="name a variable, or one of: lag"):
        parse({"exp": "x"})


def test_the_default_configuration_holds_the_ladder(project):
    config = load_yaml(project / "config" / "specifications.yaml")
    kinds = [entry["kind"] for entry in config["specifications"].values()]
    assert len(kinds) >= 40
    wanted = {"fixed_effects", "spatial", "instrumental_variables", "mediation", "moderation", "threshold", "groups"}
    assert wanted | {"family", "leave_one_out", "placebo", "unit_roots", "identification"} <= set(kinds)
    schema = merge_schemas(project / "workflow" / "schemas")
    part = {"$defs": schema["$defs"], **schema["properties"]["specifications"]}
    validate(config["specifications"], part, "specifications.yaml")
