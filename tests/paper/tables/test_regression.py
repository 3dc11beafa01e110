"""Regression tables: terms, statistics of the fit, notes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from paper.builders import LABELS, regression
from ronghe.errors import RongheError
from ronghe.paper.labels import Labels
from ronghe.paper.render_table import build_table


def test_a_regression_table_shows_what_is_stored(models: Path) -> None:
    table = build_table("main", regression(), Labels(LABELS), models=str(models))
    cells_by_label = {label: cells for _, label, cells in table.rows if label}
    assert cells_by_label["Co-agglomeration"] == ["0.023", "0.031"]
    assert cells_by_label["W × Co-agglomeration"] == ["", "0.102"]
    assert cells_by_label["ρ (W × outcome)"] == ["", "0.412"]
    assert cells_by_label["Observations"] == ["240", "240"]
    assert cells_by_label["Log-likelihood"] == ["512.3", "512.3"]
    assert "σ²" not in cells_by_label
    labels = [label for _, label, _ in table.rows]
    assert labels.index("W × Co-agglomeration") < labels.index("ρ (W × outcome)")
    assert table.rows[1] == ("terms", "", ["(0.010)", "(0.010)"])
    assert "Standard errors in parentheses" in table.notes
    assert "Covariance: clustered by region (column 1); expected information (column 2)" in table.notes
    assert "Sample: 30 regions, 8 years" in table.notes
    assert "*" not in table.notes


@pytest.mark.parametrize(
    ("statistic", "second", "word"),
    [
        ("statistic", "(2.32)", "t statistics"),
        ("pvalue", "(0.021)", "p-values"),
        ("interval", "[0.004, 0.043]", "confidence intervals"),
    ],
)
def test_what_stands_below_an_estimate_is_chosen(models: Path, statistic: str, second: str, word: str) -> None:
    table = build_table("main", regression(statistic=statistic), Labels(LABELS), models=str(models))
    assert table.rows[1][2][0] == second
    assert word in table.notes


def test_stars_are_optional_and_explained(models: Path) -> None:
    table = build_table("main", regression(stars=True), Labels(LABELS), models=str(models))
    assert table.rows[0][2][1] == "0.031***"
    assert "*** p < 0.01" in table.notes


def test_an_unlabelled_variable_is_refused(models: Path) -> None:
    labels = {k: v for k, v in LABELS.items() if k != "coagglomeration"}
    with pytest.raises(RongheError, match="'coagglomeration' is printed but has no label.*labels.yaml"):
        build_table("main", regression(), Labels(labels), models=str(models))


def test_missing_results_name_the_command_that_makes_them(models: Path) -> None:
    with pytest.raises(RongheError, match="no results of specification 'smd'; did you mean 'sdm'.*snakemake"):
        build_table("main", regression(columns=["smd"]), Labels(LABELS), models=str(models))


def test_an_unknown_row_is_refused(models: Path) -> None:
    with pytest.raises(RongheError, match="no column has a term 'coaglomeration'; did you mean 'coagglomeration'"):
        build_table("main", regression(rows=["coaglomeration"]), Labels(LABELS), models=str(models))
