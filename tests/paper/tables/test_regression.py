"""Regression tables: terms, statistics of the fit, notes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from paper.builders import LABELS, regression, write_fit
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
    assert (
        "Covariance: clustered by region (column 1); independent errors (expected information) (column 2)"
        in table.notes
    )
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


def test_tests_stand_below_the_fit_and_an_unknown_one_is_refused(models: Path) -> None:
    both = [{"test": "wald_sar", "heading": {"en": "Wald"}}, {"test": "wald_sar", "value": "statistic", "digits": 1}]
    table = build_table("main", regression(tests=both), Labels(LABELS), models=str(models))
    assert table.rows[-2:] == [("fit", "Wald", ["0.009", "0.009"]), ("fit", "wald_sar", ["9.5", "9.5"])]
    with pytest.raises(RongheError, match="tables.main.tests: unknown test in any column 'wald_sem'"):
        build_table("main", regression(tests=[{"test": "wald_sem"}]), Labels(LABELS), models=str(models))


def test_sets_and_strength_of_instruments_are_printed_in_words(models: Path) -> None:
    ends = {
        "bounded": [[-0.5512, 0.0878]],
        "disjoint_unbounded": [[None, -1.0], [2.5, None]],
        "whole_line": [[None, None]],
        "empty": [],
    }
    wanted = ["[−0.551, 0.088]", "(−∞, −1.000] ∪ [2.500, ∞)", "all values", "empty"]
    for shape, pieces in ends.items():
        held = {"shape": shape, "level": 0.95, "pieces": pieces}
        facts = {"anderson_rubin_set": held, "instrument_strength": {"verdict": "weak"}, "n_instruments": 2}
        write_fit(models, shape, {"coagglomeration": (0.1, 0.1)}, **facts)
    fit = ["instruments", "instrument_strength", "anderson_rubin_set"]
    table = build_table("main", regression(columns=["fe", *ends], fit=fit), Labels(LABELS), models=str(models))
    rows = {label: cells for _, label, cells in table.rows}
    assert rows["Anderson–Rubin 95% set"] == ["", *wanted]
    assert rows["Instruments are"] == ["", *["weak"] * 4] and rows["Instruments"] == ["", *["2"] * 4]


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


def test_small_coefficients_keep_two_figures_of_their_error(tmp_path: Path) -> None:
    write_fit(tmp_path, "fe", {"coagglomeration": (0.5, 0.1), "gdp_per_head": (-0.00046, 0.0014)}, weights=None)
    table = build_table("t", regression(columns=["fe"]), Labels(LABELS), models=str(tmp_path))
    shown = [cells[0] for group, _, cells in table.rows if group == "terms"]
    assert shown == ["0.500", "(0.100)", "−0.0005", "(0.0014)"]


def test_random_effects_with_years_are_said_to_have_both(tmp_path: Path) -> None:
    write_fit(tmp_path, "re", {"coagglomeration": (0.5, 0.1)}, weights=None, effects="twoways", random=["units"])
    table = build_table("t", regression(columns=["re"]), Labels(LABELS), models=str(tmp_path))
    assert {label: cells for _, label, cells in table.rows if label in ("Region effects", "Year effects")} == {
        "Region effects": ["random"],
        "Year effects": ["yes"],
    }
