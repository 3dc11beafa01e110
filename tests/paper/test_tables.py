"""Tables: cells, alignment, escaping, notes, formats, and equality of two runs."""

from __future__ import annotations

import json
import math
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.frames import write_csv
from ronghe.paper import cells
from ronghe.paper.build import build_table, render_table
from ronghe.paper.exhibit import FORMATS, Exhibit
from ronghe.paper.formats import escape
from ronghe.paper.labels import Labels
from ronghe.paper.tables.panel import summarise

LABELS = {
    "quality": {"en": "Manufacturing quality", "zh": "制造业质量"},
    "coagglomeration": {"en": "Co-agglomeration", "zh": "协同集聚"},
    "gdp_per_head": {"en": "GDP per head, 10% & more_#$", "zh": "人均 GDP"},
    "contiguity": {"en": "contiguity", "zh": "邻接"},
}


def write_fit(models: Path, name: str, terms: dict, impacts: dict | None = None, **facts: object) -> None:
    """Write the folder of one specification as the models stage does."""
    rows = []
    for term, (estimate, error) in terms.items():
        t = estimate / error
        p = math.erfc(abs(t) / math.sqrt(2))
        rows.append((term, estimate, error, t, p, estimate - 1.96 * error, estimate + 1.96 * error))
    columns = ["term", "estimate", "std_error", "statistic", "pvalue", "lower", "upper"]
    write_csv(pd.DataFrame(rows, columns=columns), models / name / "coefficients.csv")
    rows = [
        (v, e, b, s, b / s, 0.01, b - 1.96 * s, b + 1.96 * s)
        for v, effects in (impacts or {}).items()
        for e, (b, s) in effects.items()
    ]
    write_csv(pd.DataFrame(rows, columns=["variable", "effect", *columns[1:]]), models / name / "impacts.csv")
    tests = pd.DataFrame([("wald_sar", 9.5, 2, 0.00866, "")], columns=["test", "statistic", "df", "pvalue", "note"])
    write_csv(tests, models / name / "tests.csv")
    fit = {"specification": name, "kind": "spatial", "model": "sdm", "effects": "twoways", "method": "lee_yu",
           "cov_type": "expected", "weights": "contiguity", "outcome": "quality", "sample": "all",
           "nobs": 240, "n_units": 30, "n_periods": 8, "loglik": 512.3456, "rsquared_within": 0.41234,
           "sigma2": 0.00123, **facts}  # fmt: skip
    (models / name / "fit.json").write_text(json.dumps(fit))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    write_fit(
        folder, "fe", {"coagglomeration": (0.0234, 0.0101), "gdp_per_head": (-1.5, 0.25)},
        model="fe", kind="fe", method=None, weights=None, cov_type="clustered", cluster=["units"],
    )  # fmt: skip
    write_fit(
        folder, "sdm",
        {"coagglomeration": (0.0312, 0.0101), "gdp_per_head": (-1.45, 0.24), "W*coagglomeration": (0.102, 0.08),
         "rho": (0.412, 0.043), "sigma2": (0.001, 0.0001)},
        {"coagglomeration": {"direct": (0.035, 0.01), "indirect": (0.19, 0.1), "total": (0.225, 0.11)}},
    )  # fmt: skip
    return folder


def regression(**extra: object) -> dict:
    caption = {"en": "Main", "zh": "主要结果"}
    return {"kind": "regression", "caption": caption, "columns": ["fe", "sdm"], **extra}


def test_numbers_are_printed_as_a_reader_expects() -> None:
    assert cells.fixed(-0.0004) == "0.000"
    assert cells.fixed(-1234.5, 1) == "−1,234.5"
    assert cells.fixed(float("nan")) == ""
    assert cells.pvalue(0.00004) == "<0.001"
    assert cells.pvalue(0.0312) == "0.031"
    assert cells.significant(0.00012345) == "0.000123"
    assert cells.significant(98765) == "98,765"
    assert cells.percent(0.1234) == "12.3%"
    assert [cells.stars(p) for p in (0.2, 0.09, 0.049, 0.0099, float("nan"))] == ["", "*", "**", "***", ""]
    assert cells.interval(-0.5, 0.25, 2) == "[−0.50, 0.25]"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0.123***", ("0", ".123***")),
        ("(0.045)", ("(0", ".045)")),
        ("−1,234.5", ("−1,234", ".5")),
        ("240", ("240", "")),
        ("<0.001", ("<0", ".001")),
        ("12.3%", ("12", ".3%")),
        ("[−0.5, 0.3]", None),
        ("yes", None),
        ("", None),
        ("2013–2020", None),
    ],
)
def test_the_decimal_point_is_found(text: str, parts: tuple[str, str] | None) -> None:
    assert cells.split_at_point(text) == parts


def test_markup_in_labels_stays_text() -> None:
    assert escape.tex("10% & x_y #1 $ {a} ~ ^ \\") == (
        r"10\% \& x\_y \#1 \$ \{a\} \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )
    assert escape.tex("−0.5 ≤ ρ²") == r"$-$0.5 $\leq$ $\rho$$^2$"
    assert escape.typst('a "b" \\ #c $d$') == '"a \\"b\\" \\\\ #c $d$"'
    assert escape.html("<b> & \"'") == "&lt;b&gt; &amp; &quot;&#x27;"


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


def test_chinese_words_replace_all_english_ones(models: Path) -> None:
    table = build_table("main", regression(stars=True), Labels(LABELS, "zh"), models=str(models))
    assert table.caption == "主要结果"
    assert "协同集聚" in table.tex() and "Co-agglomeration" not in table.tex()
    assert table.notes.startswith("注：被解释变量：制造业质量。括号内为标准误。")


def test_effects_stand_in_columns_or_in_groups(models: Path) -> None:
    entry = {"kind": "effects", "caption": "Effects", "columns": ["sdm"], "rows": ["coagglomeration"]}
    table = build_table("effects", entry, Labels(LABELS), models=str(models))
    assert table.header == [["Direct", "Indirect", "Total"]]
    assert table.rows[0] == ("", "Co-agglomeration", ["0.035", "0.190", "0.225"])
    both = {**entry, "columns": ["sdm", {"specification": "sdm", "heading": "again"}]}
    table = build_table("effects", both, Labels(LABELS), models=str(models))
    assert table.rows[2] == ("Co-agglomeration", "Indirect", ["0.190", "0.190"])


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


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    index = pd.MultiIndex.from_product([["A", "B"], [2013, 2014]], names=["region", "year"])
    frame = pd.DataFrame({"quality": [1.0, 2.0, 3.0, 6.0], "gdp_per_head": [1.0, 3.0, 2.0, 5.0]}, index=index)
    path = tmp_path / "panel.parquet"
    frame.reset_index().to_parquet(path)
    return path


def test_summary_statistics_by_hand(panel: Path) -> None:
    entry = {"kind": "summary", "caption": "Summary", "variables": ["quality"]}
    table = build_table("summary", entry, Labels(LABELS), panel=[str(panel)])
    # Means of regions are 1.5 and 4.5; deviations are -0.5, 0.5, -1.5, 1.5.
    assert table.rows == [
        ("", "Manufacturing quality", ["3.000", "2.160", "2.121", "1.291", "1.000", "2.500", "6.000", "4"])
    ]
    assert "2 regions × 2 years (2013–2014) = 4 observations" in table.notes


def test_spread_between_and_within_by_identity() -> None:
    draw = np.random.default_rng(1).normal(size=60)
    index = pd.MultiIndex.from_product([range(10), range(6)], names=["region", "year"])
    found = summarise(pd.Series(draw, index=index))
    total = found["sd"] ** 2 * 59
    assert total == pytest.approx(found["sd_within"] ** 2 * 59 + 6 * found["sd_between"] ** 2 * 9, rel=1e-12)


def test_correlations_fill_the_lower_triangle(panel: Path) -> None:
    entry = {"kind": "correlations", "caption": "Correlations", "variables": ["quality", "gdp_per_head"]}
    table = build_table("correlations", entry, Labels(LABELS), panel=[str(panel)])
    assert table.rows[0][2] == ["1.00", ""]
    expected = np.corrcoef([1, 2, 3, 6], [1, 3, 2, 5])[0, 1]
    assert table.rows[1][2] == [f"{expected:.2f}", "1.00"]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    frame = pd.DataFrame(
        {
            "variable": ["quality", "quality", "coagglomeration", "coagglomeration"],
            "year": [2013, 2014, 2013, 2014],
            "statistic": [0.25, 0.31, -0.02, 0.001],
            "pvalue": [0.01, 0.0001, 0.8, np.nan],
        }
    )
    write_csv(frame, tmp_path / "moran.csv")
    return tmp_path / "moran.csv"


def test_a_stored_table_keeps_its_rows_and_formats(stored: Path) -> None:
    entry = {
        "kind": "stored", "caption": "Moran", "file": "results/moran.csv", "group": "variable",
        "columns": [{"column": "year", "format": "plain"}, {"column": "statistic", "stars": "pvalue"},
                    {"column": "pvalue", "format": "pvalue"}],
    }  # fmt: skip
    table = build_table("moran", entry, Labels(LABELS), files=[str(stored)])
    assert table.rows[1] == ("Manufacturing quality", "2014", ["0.310***", "<0.001"])
    assert table.rows[3] == ("Co-agglomeration", "2014", ["0.001", ""])


def test_a_stored_table_may_spread_a_column_across(stored: Path) -> None:
    entry = {"kind": "stored", "caption": "Moran", "file": "results/moran.csv", "rows": ["year"],
             "across": "variable", "columns": [{"column": "statistic", "digits": 2}]}  # fmt: skip
    table = build_table("moran", entry, Labels(LABELS), files=[str(stored)])
    assert table.header == [["Manufacturing quality", "Co-agglomeration"]]
    assert table.rows == [("", "2013", ["0.25", "−0.02"]), ("", "2014", ["0.31", "0.00"])]


def test_rows_are_chosen_by_value_and_a_missing_value_is_refused(stored: Path) -> None:
    entry = {"kind": "stored", "caption": "x", "file": "results/m.csv", "columns": ["year", "statistic"],
             "where": {"variable": "quality"}}  # fmt: skip
    assert len(build_table("x", entry, Labels(LABELS), files=[str(stored)]).rows) == 2
    with pytest.raises(RongheError, match="no row holds 'qualty'"):
        build_table("x", {**entry, "where": {"variable": "qualty"}}, Labels(LABELS), files=[str(stored)])
    with pytest.raises(RongheError, match="unknown column 'statstic'; did you mean 'statistic'"):
        build_table("x", {**entry, "columns": ["year", "statstic"]}, Labels(LABELS), files=[str(stored)])


def test_every_format_is_written_twice_alike(models: Path, tmp_path: Path) -> None:
    entry = regression(stars=True, columns=["fe", {"specification": "sdm", "heading": "A & B_1"}])
    for run in ("one", "two"):
        render_table("main", entry, Labels(LABELS), tmp_path / run, models=str(models))
    for ending in FORMATS:
        first, second = ((tmp_path / run / f"main.{ending}").read_bytes() for run in ("one", "two"))
        assert first == second and len(first) > 100, ending


def test_tex_is_well_formed(models: Path) -> None:
    text = build_table("main", regression(stars=True), Labels(LABELS), models=str(models)).tex()
    assert check_tex(text) == []
    assert r"GDP per head, 10\% \& more\_\#\$" in text
    long = build_table("main", regression(long=True), Labels(LABELS), models=str(models)).tex()
    assert check_tex(long) == []
    assert r"\endhead" in long


def check_tex(text: str) -> list[str]:
    """Return what a TeX compiler would stop at: open groups, unlike columns, signs outside plain LaTeX."""
    faults = []
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            faults.append(f"unbalanced {name}")
    faults += [f"open {name}" for name in stack]
    if text.replace(r"\{", "").count("{") != text.replace(r"\}", "").count("}"):
        faults.append("braces")
    spec = re.search(r"\\begin\{(?:tabular|longtable)\}\{(.*)\}\n", text)[1]
    bare = re.sub(r"[@>]\{[^{}]*(\{[^{}]*\})?[^{}]*\}|p\{[^}]*\}", lambda m: "p" if m[0][0] == "p" else "", spec)
    width = len(re.sub(r"[^lrcp]", "", bare))
    for line in text.splitlines():
        if line.rstrip("*").endswith(r"\\") and "caption" not in line:
            spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
            found = len(re.findall(r"(?<!\\)&", line)) + 1 + spans
            if found != width:
                faults.append(f"{found} cells for {width} columns: {line}")
    faults += [f"sign {sign!r}" for sign in set(text) if ord(sign) > 0x24F]
    return faults


def test_html_is_whole_and_without_outside_references(models: Path) -> None:
    html = build_table("main", regression(), Labels(LABELS), models=str(models)).html()
    assert html.startswith("<!doctype html>") and html.count("<table") == html.count("</table>") == 1
    assert "http" not in re.sub(r"http://www.w3.org\S*", "", html)
    assert '<span class="point">' in html and "\ue000" not in html
    assert "GDP per head, 10% &amp; more_#$" in html


def test_word_document_has_header_rows_and_no_date(models: Path, tmp_path: Path) -> None:
    from docx import Document

    render_table("main", regression(), Labels(LABELS, "zh"), tmp_path, models=str(models))
    document = Document(tmp_path / "main.docx")
    assert document.paragraphs[0].text == "主要结果"
    grid = document.tables[0]
    assert grid.cell(2, 0).text == "协同集聚"
    assert grid.cell(2, 1).text.strip() == "0.023"
    assert "w:tblHeader" in grid.rows[0]._tr.xml and "w:tblHeader" not in grid.rows[3]._tr.xml
    with zipfile.ZipFile(tmp_path / "main.docx") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_typst_tables_compile_with_any_label(models: Path, tmp_path: Path) -> None:
    typst = pytest.importorskip("typst")
    table = build_table("main", regression(stars=True), Labels(LABELS), models=str(models))
    source = tmp_path / "main.typ"
    source.write_text(table.typst() + "\nSee @tab:main.\n")
    pdf = typst.compile(str(source), ignore_system_fonts=True)
    assert pdf.startswith(b"%PDF")
    assert pdf == typst.compile(str(source), ignore_system_fonts=True)


def test_rows_as_wide_as_the_header_or_refused() -> None:
    with pytest.raises(ValueError, match="row ' a' has 1 cells, the header has 2"):
        Exhibit("x", [("", "a", ["1"])], [["p", "q"]])


def test_headings_break_and_numbers_meet_at_their_point() -> None:
    long = "a heading much longer than any number below it"
    table = Exhibit("one", [("", "row", ["1.5"]), ("", "", ["(12.25)"])], [[long]], caption="c")
    assert r"\shortstack{a heading much \\ longer than any \\ number below it}" in table.tex()
    text = table.typst()
    assert 'at-point("1", ".5", "(12", ".25)")' in text and f'box(width: 8em, "{long}")' in text


def test_a_variable_inside_a_phrase_loses_its_capital_but_no_abbreviation_does() -> None:
    labels = Labels({"x": {"en": "Slope"}, "q": {"en": "Digital economy"}, "g": {"en": "GDP per head"}}, "en")
    assert labels.variable("x[q<=0.385]") == "Slope, where digital economy ≤ 0.385"
    assert (labels.variable("log(q)"), labels.variable("log(g)")) == ("ln digital economy", "ln GDP per head")
