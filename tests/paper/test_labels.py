"""Words: each exists in both languages and is used; terms, codes and values are called as the configuration says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from paper.builders import LABELS, regression
from ronghe.errors import RongheError
from ronghe.models.kinds import KINDS
from ronghe.paper import labels
from ronghe.paper.formats.tex import render_tex
from ronghe.paper.labels import WORDS, Labels
from ronghe.paper.render_table import build_table
from ronghe.yaml_files import load_yaml

# Codes that the library puts together: kind of covariance and clusters, method and option, sign of a regime's bounds.
COMPOSED = {
    "bootstrap_units", "clustered_units", "clustered_time", "clustered_units_time", "clustered_units_CR2",
    "clustered_units_CR3", "clustered_units_corrected", "clustered_units_jackknife", "clustered_units_working_pairs",
    "random_units", "random_twoways",
    "within_groups_everything", "within_groups_treatment", "random_effects_baltagi", "random_effects_kkp",
    "regime_lower", "regime_upper", "regime_lower_upper",
}  # fmt: skip


@pytest.fixture(scope="module")
def codes(project: Path) -> set[str]:
    """Return every string of the library, the last part of each that is a key, and every word in tables.yaml."""
    strings = {
        node.value
        for path in (project / "workflow/src/ronghe").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    keys = {text.rpartition(".")[2] for text in strings if text in WORDS}
    return strings | keys | set(re.findall(r"\w+", (project / "config/tables.yaml").read_text(encoding="utf-8")))


def test_every_word_is_in_both_languages_with_the_same_places() -> None:
    load_yaml(Path(labels.__file__).with_name("words.yaml"))
    for key, word in WORDS.items():
        assert set(word) == {"en", "zh"} and all(word.values()), key
        places = [sorted(re.findall(r"\{\d\}", text)) for text in word.values()]
        assert places[0] == places[1], key


def test_every_word_is_used(codes: set[str]) -> None:
    assert {key for key in WORDS if key.rpartition(".")[2] not in codes | COMPOSED} == set()


def test_every_word_of_a_kind_exists() -> None:
    # Spatial kinds are called by their spatial model.
    assert {f"models.{kind}" for kind in KINDS if not kind.startswith("spatial")} <= set(WORDS)


def test_every_covariance_that_can_be_asked_for_has_a_word() -> None:
    asked = {covariance for kind in KINDS.values() for covariance in kind.covariances}
    clustered = {"clustered_units", "clustered_time", "clustered_units_time"}
    assert {f"covariances.{code}" for code in asked - {"clustered"} | clustered} <= set(WORDS)


def test_chinese_words_replace_all_english_ones(models: Path) -> None:
    table = build_table("main", regression(stars=True), Labels(LABELS, "zh"), models=str(models))
    assert table.caption == "主要结果"
    text = render_tex(table)
    assert "协同集聚" in text and "Co-agglomeration" not in text
    assert table.notes.startswith("注：被解释变量：制造业质量。括号内为标准误。")


def test_a_variable_inside_a_phrase_loses_its_capital_but_no_abbreviation_does() -> None:
    labels = Labels({"x": {"en": "Slope"}, "q": {"en": "Digital economy"}, "g": {"en": "GDP per head"}}, "en")
    assert labels.variable("x[q<=0.385]") == "Slope, where digital economy ≤ 0.385"
    assert (labels.variable("log(q)"), labels.variable("log(g)")) == ("ln digital economy", "ln GDP per head")


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("W*L1.x", "W × Slope, one year earlier"),
        ("L3.x", "Slope, 3 years earlier"),
        ("F1.x", "Slope, one year later"),
        ("x^2", "Slope, squared"),
        ("x:q:g", "Slope × Digital economy × GDP per head"),
        ("x[low]", "Slope: low"),
        ("x[0.1<q<=0.385]", "Slope, where 0.100 < digital economy ≤ 0.385"),
        ("W*x[q>0.385]", "W × Slope, where digital economy > 0.385"),
        ("shift_share.q", "Shift-share of digital economy"),
        ("total", "Total"),
    ],
)
def test_a_term_is_called_by_what_it_is_made_of(name: str, printed: str) -> None:
    known = {"x": {"en": "Slope"}, "q": {"en": "Digital economy"}, "g": {"en": "GDP per head"}}
    assert Labels(known).variable(name) == printed


def test_the_bound_of_a_regime_is_the_stored_one() -> None:
    known = Labels({"x": {"en": "Slope"}, "q": {"en": "Q"}})
    # The name rounds to 0.3845, which would be printed as 0.385 or 0.384; the stored value decides.
    assert known.variable("x[q<=0.3845]", [0.38449996]) == "Slope, where Q ≤ 0.384"
    assert known.variable("x[q<=0.3845]", [0.38450004]) == "Slope, where Q ≤ 0.385"


def test_a_value_is_called_by_its_entry_then_by_labels_then_by_words() -> None:
    known = Labels({"low": {"en": "from the labels"}})
    assert known.value("low", {"low": "own"}) == "own"
    assert known.value("low") == "from the labels"
    assert Labels({}).value("low") == "low" and Labels({}, "zh").value("low") == "低"
    assert known.value("as it stands") == "as it stands" and known.value("") == ""


def test_codes_of_a_fit_become_words() -> None:
    known = Labels(LABELS)
    assert (
        known.covariance({"cov_type": "clustered", "cluster": ["units", "time"]}) == "clustered by region and by year"
    )
    assert known.covariance({"cov_type": "conley", "cutoff_km": 300.0}) == "Conley, 300 km"
    with pytest.raises(RongheError, match="language: 'de' is not one of en, zh"):
        Labels({}, "de")
