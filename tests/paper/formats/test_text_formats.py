"""TeX, Typst and HTML: markup in labels stays text, tables are well formed, headings break, points meet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from paper.builders import LABELS, check_tex, regression
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats import escape
from ronghe.paper.formats.html import render_html
from ronghe.paper.formats.tex import render_tex
from ronghe.paper.formats.typst import render_typst
from ronghe.paper.labels import Labels
from ronghe.paper.render_table import build_table


def test_markup_in_labels_stays_text() -> None:
    assert escape.tex("10% & x_y #1 $ {a} ~ ^ \\") == (
        r"10\% \& x\_y \#1 \$ \{a\} \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )
    assert escape.tex("−0.5 ≤ ρ²") == r"$-$0.5 $\leq$ $\rho$$^2$"
    assert escape.typst('a "b" \\ #c $d$') == '"a \\"b\\" \\\\ #c $d$"'
    assert escape.html("<b> & \"'") == "&lt;b&gt; &amp; &quot;&#x27;"


def test_tex_is_well_formed(models: Path) -> None:
    text = render_tex(build_table("main", regression(stars=True), Labels(LABELS), models=str(models)))
    assert check_tex(text) == []
    assert r"GDP per head, 10\% \& more\_\#\$" in text
    long = render_tex(build_table("main", regression(long=True), Labels(LABELS), models=str(models)))
    assert check_tex(long) == []
    assert r"\endhead" in long


def test_html_is_whole_and_without_outside_references(models: Path) -> None:
    html = render_html(build_table("main", regression(), Labels(LABELS), models=str(models)))
    assert html.startswith("<!doctype html>") and html.count("<table") == html.count("</table>") == 1
    assert "http" not in re.sub(r"http://www.w3.org\S*", "", html)
    assert '<span class="point">' in html and "\ue000" not in html
    assert "GDP per head, 10% &amp; more_#$" in html
    assert "<sup>" not in html


def test_typst_tables_compile_with_any_label(models: Path, tmp_path: Path) -> None:
    typst = pytest.importorskip("typst")
    table = build_table("main", regression(stars=True), Labels(LABELS), models=str(models))
    source = tmp_path / "main.typ"
    # Without a date of its own a PDF holds the second in which it was made.
    source.write_text("#set document(date: none)\n" + render_typst(table) + "\nSee @tab:main.\n")
    pdf = typst.compile(str(source), ignore_system_fonts=True)
    assert pdf.startswith(b"%PDF")
    assert pdf == typst.compile(str(source), ignore_system_fonts=True)


def test_rows_as_wide_as_the_header_or_refused() -> None:
    with pytest.raises(ValueError, match="row ' a' has 1 cells, the header has 2"):
        Exhibit("x", [("", "a", ["1"])], [["p", "q"]])


def test_headings_break_and_numbers_meet_at_their_point() -> None:
    long = "a heading much longer than any number below it"
    table = Exhibit("one", [("", "row", ["1.5"]), ("", "", ["(12.25)"])], [[long]], caption="c")
    assert r"\shortstack{a heading much \\ longer than any \\ number below it}" in render_tex(table)
    text = render_typst(table)
    assert 'at-point("1", ".5", "(12", ".25)")' in text and f'box(width: 8em, "{long}")' in text
