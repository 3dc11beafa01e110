"""What is declared: counts, exclusions, drawn subsets, and every refusal before a job starts."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from models.multiverse.worlds import ENTRY, declared
from ronghe.errors import RongheError
from ronghe.models.multiverse.checks import check, check_panel_variables
from ronghe.models.multiverse.declaration import Multiverse, Setting, inputs, results
from ronghe.yaml_files import load_yaml

ROOT = Path(__file__).parents[3]

CONFIG = {
    "measures": {},
    "weights": {"ring": {"kind": "contiguity"}, "pairs": {"kind": "knn", "k": 2}, "raw": {"standardise": "none"}},
    "samples": {"late": {"years": [2002, 2006]}},
    "seed": 7,
}
PANEL = ["service", "trade", "income", "roads", "schools", "towns", "quality", "output"]


def check_all(**changes: object) -> None:
    config = {**CONFIG, "multiverse": {**ENTRY, **changes}}
    check(config)
    check_panel_variables(config, PANEL)


def test_the_count_is_that_of_all_combinations():
    multiverse = declared()
    # Two samples, two treatments of extremes, two outcomes, two treatments, eight subsets; W for two models of three.
    assert multiverse.n_specifications == 2 * 2 * 2 * 2 * 8 * (1 + 2 * 2)
    assert len(multiverse.settings()) == 2 * 2 * 3
    assert declared(covariances=["expected", "CR2"]).n_specifications == 2 * multiverse.n_specifications
    assert {s.weights for s in multiverse.settings()} == {"none", "ring", "pairs"}


def test_subsets_come_by_size_and_within_bounds():
    assert declared().subsets == [0, 1, 2, 4, 3, 5, 6, 7]
    controls = {**ENTRY["controls"], "at_least": 1, "at_most": 2}
    assert declared(controls=controls).subsets == [1, 2, 4, 3, 5, 6]


def test_drawn_subsets_depend_on_the_seed_alone_and_are_all_different():
    controls = {"choose": [f"x{k}" for k in range(40)], "sampled": 300, "at_most": 22}
    drawn = declared(controls=controls).subsets
    assert len(set(drawn)) == 300 and max(bits.bit_count() for bits in drawn) <= 22
    assert drawn == declared(controls=controls).subsets
    other = Multiverse.of({"multiverse": {**ENTRY, "controls": controls}, "seed": 8})
    assert drawn != other.subsets


def test_exclusions_take_out_what_they_name_and_nothing_else():
    rule = {"reason": "output is income", "outcome": "log(output)", "controls": ["roads", "towns"]}
    multiverse = declared(exclude=[rule, {"reason": "not this one", "model": "sar", "weights": ["pairs"]}])
    for setting, kept in itertools.product(multiverse.settings(), [0b101]):
        for cell in multiverse.cells(setting):
            barred = any(bits & kept == kept for bits in cell.subsets)
            assert barred == (cell.outcome == "quality")
            assert (cell.model, setting.weights) != ("sar", "pairs")
    whole, without_sar = 2 * 2 * 2 * 2 * 8 * 5, 2 * 2 * 2 * 2 * 8
    assert multiverse.n_specifications == whole - without_sar - 2 * 2 * 2 * 2 * 4


VARIANTS = [
    {"outcome": "manufacturing_quality_equal.index"},
    {"outcome": "manufacturing_quality_critic.index"},
    {"winsorise": 0.01},
    {"sample": "without_municipalities"},
    {"sample": "without_last_year"},
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_that_the_paper_no_longer_prints_are_members_of_its_multiverse(variant):
    config = {name: load_yaml(ROOT / "config" / f"{name}.yaml") for name in ("multiverse", "specifications")}
    multiverse = Multiverse.of(config["multiverse"])
    baseline = config["specifications"]["specification_defaults"]
    levels = {"sample": "all", "winsorise": 0, "fixed_effects": baseline["effects"], "weights": "none", **variant}
    outcome = levels.pop("outcome", baseline["outcome"])
    bits = sum(1 << multiverse.choose.index(name) for name in baseline["controls"])
    cells = multiverse.cells(Setting(**levels))
    assert any(
        (cell.outcome, cell.model, cell.treatment) == (outcome, "ols", baseline["treatment"]) and bits in cell.subsets
        for cell in cells
    )


def test_exclusions_say_how_many_they_take():
    rule = {"reason": "not this one", "model": "sar", "weights": ["pairs"]}
    multiverse = declared(exclude=[rule, {"reason": "nor that one", "model": "sar"}])
    taken = {row["exclusion"]: row["specifications"] for row in multiverse.excluded()}
    assert taken == {1: 2 * 2 * 2 * 2 * 8, 2: 2 * 2 * 2 * 2 * 8 * 2, "all": 2 * 2 * 2 * 2 * 8 * 2}


def test_an_empty_multiverse_says_which_exclusion_emptied_it():
    rules = [
        {"reason": "the first half", "treatment": "trade"},
        {"reason": "the other half", "treatment": ["service"]},
        {"reason": "nothing left for it", "model": "ols"},
    ]
    with pytest.raises(RongheError, match=r"exclude, number 2 \('the other half'\) takes the last of them"):
        check_all(exclude=rules)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": ["rings"]}, "unknown weights 'rings'; did you mean 'ring'"),
        ({"samples": ["latest"]}, "unknown sample 'latest'; did you mean 'late'"),
        ({"treatments": ["servise"]}, "unknown variable 'servise'; did you mean 'service'"),
        ({"outcomes": ["quality.index"]}, "unknown column of a measure 'quality.index'"),
        ({"controls": {"choose": ["road"]}}, "unknown variable 'road'; did you mean 'roads'"),
        ({"controls": {"choose": ["service"]}}, "'service' is a treatment or an outcome too"),
        ({"controls": {"choose": ["roads"], "always": ["roads"]}}, "'?roads'? stands under always and under choose"),
        ({"controls": {"choose": [f"x{k}" for k in range(21)]}}, "21 controls have 2.21 subsets; say with `sampled`"),
        ({"treatments": ["service", "quality"]}, "quality is treatment and outcome at once"),
        ({"weights": ["raw"]}, "'raw' are standardised 'none'.*fixed_effects: .units"),
        ({"weights": [], "models": ["sdm"]}, "the choices make no specification; models other than ols need weights"),
        ({"samples": ["all", "all"]}, "samples: all is given twice"),
        ({"exclude": [{"reason": "a slip of the pen", "model": "sdn"}]}, "unknown model 'sdn'"),
        ({"exclude": [{"reason": "names nothing at all"}]}, "it names no choice"),
        ({"exclude": [{"reason": "changes nothing", "covariance": "CR1"}]}, "a covariance changes no estimate"),
        ({"exclude": [{"reason": "no such control", "controls": ["income"]}]}, "unknown control to choose from"),
    ],
)
def test_faults_are_told_before_anything_runs(changes, message):
    with pytest.raises(RongheError, match=message):
        check_all(**changes)


def test_a_sound_declaration_passes_and_names_its_files():
    check_all()
    multiverse = Multiverse.of({**CONFIG, "multiverse": ENTRY})
    found = inputs({**CONFIG, "multiverse": ENTRY}, multiverse)
    assert found["weights"] == ["<results>/weights/ring/edges.csv", "<results>/weights/pairs/edges.csv"]
    assert found["regions"] == found["flags"] == found["measures"] == []
    assert results(None) == [] and "<results>/multiverse/summary.csv" in results(multiverse)


def test_nothing_is_declared_without_an_entry():
    assert Multiverse.of({"multiverse": {}}) is None
    check({"multiverse": {}})
