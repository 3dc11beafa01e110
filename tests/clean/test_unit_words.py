"""Units in headings and titles, and labels that speak of another unit than the variable has."""

from __future__ import annotations

from fractions import Fraction

import pytest
from ronghe.clean.declaration import check_dataset
from ronghe.clean.labels import check_labels
from ronghe.clean.panel import clean_dataset
from ronghe.clean.unit_words import read_unit, units_in, without_unit
from ronghe.errors import RongheError
from tiny_dataset import POPULATION, write_sheet, write_tiny


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("万人", ("person", 10**4)),
        ("亿元", ("yuan", 10**8)),
        ("万吨标准煤", ("tonne of coal equivalent", 10**4)),
        ("千米", ("km", 1)),
        ("千人", ("person", 1000)),
        ("元/人", ("yuan per person", 1)),
        ("million yuan", ("yuan", 10**6)),
        ("10,000 persons", ("person", 10**4)),
        ("%", ("ratio", Fraction(1, 100))),
        ("2020年", None),
        ("按当年价格", None),
    ],
)
def test_units_of_yearbooks_are_read(text, read):
    assert read_unit(text) == read


def test_units_are_found_in_headings_and_titles():
    assert units_in("从业人员（万人）") == ["万人"]
    assert units_in("表3-1 地区生产总值 单位：亿元") == ["亿元"]
    assert units_in("GDP (2012 = 1)") == [] and without_unit("从业人员（万人）") == "从业人员"


def test_a_heading_that_contradicts_the_declared_unit_is_refused(tmp_path):
    declared = write_tiny(tmp_path)
    declared["tables"]["wages"]["variables"]["wage"]["indicator"] = "工资（万元）"
    with pytest.raises(RongheError, match=r"wage: the unit is '元', but the heading says '工资（万元）'"):
        check_dataset(declared, "tiny.yaml")
    declared["tables"]["wages"]["variables"]["wage"]["indicator"] = "工资（元）"
    check_dataset(declared, "tiny.yaml")


def test_a_title_that_contradicts_the_declared_unit_is_refused(tmp_path, monkeypatch):
    declared = write_tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    title = [["Population by region (million persons)", None, None, None], *POPULATION[1:]]
    declared["units"]["person"]["written"] = ["persons"]
    declared["units"]["thousand persons"]["written"] = ["1,000 persons"]
    write_sheet(tmp_path / "raw/population.xlsx", title)
    with pytest.raises(RongheError, match="the lines above the table say 'million persons'"):
        clean_dataset(declared)


def test_a_general_label_in_another_unit_is_refused(tmp_path):
    declared = write_tiny(tmp_path)
    general = {"output": {"en": "Output (yuan)", "unit": "yuan"}, "wage": {"en": "Wage (yuan)", "unit": "yuan"}}
    with pytest.raises(
        RongheError, match="'output' is in 'million yuan', but 'Output .yuan.' speaks of 'yuan'.*labels:"
    ):
        check_labels(general, declared, "tiny.yaml")
    declared["labels"] = {"output": {"en": "Output (million yuan)"}}
    check_labels(general, declared, "tiny.yaml")
    per_head = {"output_per_head": {"en": "Output per head (10,000 yuan)", "unit": "10,000 yuan/person"}}
    with pytest.raises(RongheError, match="'output_per_head' is in 'yuan/person'"):
        check_labels(per_head, declared, "tiny.yaml")
    check_labels({"log_output_per_head": {"en": "ln output per head", "unit": "log"}}, declared, "tiny.yaml")
