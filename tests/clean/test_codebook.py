"""The codebook: labels, units, sources and moments of every variable."""

from __future__ import annotations

import pytest
from ronghe.clean.codebook import COLUMNS, describe_panel, label
from ronghe.clean.panel import clean_dataset
from tiny_dataset import write_tiny

LABELS = {"wage": {"en": "Yearly wage", "zh": "年工资"}, "output": {"en": "Output"}}


@pytest.fixture
def book(tmp_path):
    tiny = write_tiny(tmp_path)
    tiny["tables"]["output"]["variables"]["output"]["definition"] = "What is made."
    cleaned = clean_dataset(tiny, tmp_path)
    return describe_panel(cleaned.panel, tiny, cleaned.flags, LABELS, "zh").set_index("variable")


def test_words_and_sources(book):
    assert ["variable", *book.columns] == COLUMNS
    assert book.at["wage", "label"] == "年工资" and book.at["output", "label"] == "Output"
    assert book.at["farm_share", "label"] == "farm share"
    assert book.at["wage", "source"] == "wages.csv: 工资"
    assert book.at["output", "source"] == "output.dta: output"
    assert book.at["population", "source"] == "population.xlsx"
    assert book.at["output_per_head", "source"] == "per of output, population"
    assert book.at["output_per_head", "unit"] == "yuan/person"
    assert book.at["output", "definition"] == "What is made."


def test_moments_and_counts_of_flags(book):
    # Output is 1 to 9: mean 5, variance 7.5 with n - 1 = 8 below.
    assert book.loc["output", ["n", "mean", "sd", "min", "max"]].tolist() == [9, 5, 7.5**0.5, 1, 9]
    assert book["filled"].to_dict()["wage"] == 1 and book["filled"].sum() == 1
    assert book["suspicious"].to_dict()["population"] == 1


def test_label_falls_back_to_english_then_to_the_name():
    assert label("output", LABELS, "zh") == "Output"
    assert label("a_b", LABELS, "en") == "a b"
