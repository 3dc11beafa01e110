"""The manuscript: it shows every exhibit, quotes only declared results, and its words follow sign and interval."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from paper.builders import LABELS, check_tex, regression, write_fit
from ronghe.errors import RongheError
from ronghe.frames import write_csv
from ronghe.paper import declaration, manuscript
from ronghe.paper.draw_figure import draw_figure
from ronghe.paper.exhibit_list import list_provenance
from ronghe.paper.formats.one_document import gather_tex
from ronghe.paper.labels import Labels
from ronghe.paper.numbers import number, quote_cell, to_typst, write_numbers
from ronghe.paper.render_table import render_table
from ronghe.yaml_files import load_yaml

LANGUAGES = ["en", "zh"]
QUALITY = {"kind": "index", "indicators": {"x": {"direction": "positive"}, "z": {"direction": "negative"}}}


@pytest.fixture(scope="module")
def tables(project: Path) -> dict:
    files = ("tables", "figures", "quotes")
    return {key: part for name in files for key, part in load_yaml(project / "config" / f"{name}.yaml").items()}


@pytest.fixture(scope="module", params=LANGUAGES)
def text(request, project: Path) -> str:
    """Return the article and its supplement in one language."""
    folder = project / "paper" / "text"
    return "\n".join((folder / f"{n}{request.param}.typ").read_text(encoding="utf-8") for n in ("", "supplement_"))


def test_every_exhibit_is_shown_once_and_spoken_of(text: str, tables: dict) -> None:
    for part, show, label in (("tables", "table-of", "tab"), ("figures", "figure-of", "fig")):
        shown = re.findall(rf'[#(]{show}\("(\w+)"', text)
        assert sorted(shown) == sorted(tables[part])
        spoken = set(re.findall(rf"@{label}:(\w+)", text))
        assert spoken == set(tables[part])


def test_the_article_has_at_most_ten_exhibits_and_speaks_of_its_own(project: Path) -> None:
    for language in LANGUAGES:
        article = (project / "paper" / "text" / f"{language}.typ").read_text(encoding="utf-8")
        shown = {(s[0], n) for s, n in re.findall(r'#(table|figure)-of\("(\w+)"', article)}
        assert len(shown) <= 10
        assert {(s[0], n) for s, n in re.findall(r"@(tab|fig):(\w+)", article)} == shown


def test_every_number_of_the_text_says_where_it_comes_from(tmp_path: Path) -> None:
    write_fit(tmp_path / "models", "sdm", {"x": (0.5, 0.1)}, {"x": {"total": (1.0, 0.1)}})
    write_csv(pd.DataFrame({"year": [2013, 2014], "gini": [0.2, 0.25]}), tmp_path / "t.csv")
    index = {"region": ["A", "A", "B", "B"], "year": [2013, 2014] * 2}
    write_csv(pd.DataFrame({**index, "index": [1.0, 2.0, 3.0, 6.0]}), tmp_path / "quality" / "panel.csv")
    pd.DataFrame({**index, "gdp": [1.0, 1.0, 2.0, 2.0]}).to_parquet(tmp_path / "panel.parquet")
    panel = [str(tmp_path / "panel.parquet"), str(tmp_path / "quality" / "panel.csv")]
    cell = {"file": "t.csv", "where": {"year": 2014}, "value": "gini", "digits": 2}
    last = {"file": "t.csv", "value": "year", "pick": "last", "sort": "gini", "head": 2, "format": "plain"}
    quotes = {"specifications": ["sdm"], "panel": ["gdp", "quality.index"], "cells": {"g": cell, "last": last}}
    places = {"results": str(tmp_path)}
    listing = tmp_path / "numbers.csv"
    write_numbers(quotes, tmp_path / "n.typ", panel, models=tmp_path / "models", places=places, listing=listing)
    found = pd.read_csv(listing, dtype=str, keep_default_na=False).set_index("quotation")
    assert found.loc["sdm: x, estimate", ["row", "column", "printed"]].tolist() == ["x", "estimate", "0.500"]
    assert found.loc["sdm: x, lower", "printed"] == "0.304"
    assert found.loc["sdm: x, total, estimate", "file"].endswith("models/sdm/impacts.csv")
    assert found.loc["sdm: wald_sar, statistic", ["row", "printed"]].tolist() == ["wald_sar", "9.50"]
    assert found.loc["sdm: nobs", ["column", "printed"]].tolist() == ["nobs", "240"]
    assert found.loc["quality.index: mean", ["file", "column", "printed"]].tolist() == [panel[1], "index", "3.000"]
    assert found.loc["gdp: sd_within", ["file", "column", "printed"]].tolist() == [panel[0], "gdp", "0.000"]
    assert found.loc["g", ["row", "column", "printed"]].tolist() == ["year = 2014", "gini", "0.25"]
    assert found.loc["last", ["row", "printed"]].tolist() == ["all (last, sort gini, head 2)", "2014"]
    # Whatever the sentences can reach has a line.
    text = (tmp_path / "n.typ").read_text(encoding="utf-8").split("#let facts")[0]
    assert len(found) == text.count("text: ") + text.count('"text": ')


def test_every_quoted_result_is_declared(text: str, tables: dict) -> None:
    quotes = tables["quotes"]
    for kind in ("coefficient", "impact", "test-of", "size"):
        assert set(re.findall(rf'{kind}\("(\w+)"', text)) <= set(quotes["specifications"])
    assert set(re.findall(r'(?:cell|value-of|in-words|region-zh)\("(\w+)"', text)) <= set(quotes["cells"])
    ends = {name for pair in re.findall(r'with-ends\("(\w+)", "(\w+)"\)', text) for name in pair}
    assert ends and ends <= set(quotes["cells"])


def test_no_result_is_typed_by_hand(text: str) -> None:
    prose = re.sub(r"\$[^$]*\$", "", text)
    prose = re.sub(r"//.*|`[^`]*`|#import.*|digits: \d|10\^\(-4\)", "", prose)
    prose = re.sub(r"(value|pvalue)[^\n\[\]]*?[<>] 0\.05|value-of\([^)]*\) [<>] [\d.]+", "", prose)
    assert set(re.findall(r"\d+\.\d+", prose)) <= {"0.1", "0.4"}


def test_every_reference_is_in_the_bibliography(text: str, project: Path) -> None:
    keys = set(re.findall(r"@\w+\{(\w+),", (project / "paper" / "references.bib").read_text(encoding="utf-8")))
    cited = set(re.findall(r"@([a-z]+\d{4})", text)) | set(re.findall(r"#cite\(<(\w+)>", text))
    assert cited <= keys and len(cited) > 25


def test_no_semicolon_is_swallowed_by_an_expression(text: str) -> None:
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("#let"))
    assert not re.search(r"[)\w];", prose)


def test_captions_and_notes_are_in_both_languages(tables: dict) -> None:
    for part in ("tables", "figures"):
        for name, entry in tables[part].items():
            assert {"en", "zh"} <= set(entry["caption"]), name
            assert isinstance(entry.get("notes", {"zh": ""}), dict), name


def test_every_printed_variable_has_both_labels(project: Path, tables: dict) -> None:
    labels = load_yaml(project / "config" / "labels.yaml")["labels"]
    for language in LANGUAGES:
        words = Labels(labels, language)
        for part in ("tables", "figures"):
            for entry in tables[part].values():
                assert all(words.variable(v) for v in declaration.variables_of(entry))


def compile_words(folder: Path, project: Path, expressions: list[str]) -> list[str]:
    """Return what Typst makes of expressions that use quote.typ and the numbers of `folder`."""
    typst = pytest.importorskip("typst")
    shutil.copy(project / "paper" / "quote.typ", folder / "quote.typ")
    lines = "\n".join(f"#metadata({e}) <out>" for e in expressions)
    (folder / "words.typ").write_text(f'#import "quote.typ": *\n{lines}\n', encoding="utf-8")
    found = typst.query(str(folder / "words.typ"), "<out>", field="value", root=str(folder), sys_inputs={"made": ""})
    return json.loads(found)


def test_words_follow_sign_and_interval(tmp_path: Path, project: Path) -> None:
    terms = {"up": (0.5, 0.1), "down": (-0.5, 0.1), "faint": (0.1, 0.1), "dim": (-0.1, 0.1)}
    write_fit(tmp_path / "models", "sdm", terms, {"up": {"total": (1.0, 0.1)}})
    write_numbers({"specifications": ["sdm"]}, tmp_path / "numbers.typ", models=tmp_path / "models")
    said = compile_words(
        tmp_path,
        project,
        [
            'sign-word(coefficient("sdm", "up"))',
            'sign-word(coefficient("sdm", "down"))',
            'sign-word(coefficient("sdm", "faint"))',
            'sign-word(coefficient("sdm", "dim"))',
            'sign-word-zh(impact("sdm", "up", "total"))',
            'rejects-word(test-of("sdm", "wald_sar"))',
            'with-p(test-of("sdm", "wald_sar"))',
            "rose(1, 2)",
            "rose-zh(2, 1)",
            'coefficient("sdm", "down").estimate.text',
            'apart(coefficient("sdm", "up"), coefficient("sdm", "down"))',
            'size("sdm", "nobs")',
        ],
    )
    assert said == [
        "positive",
        "negative",
        "positive but not distinguishable from zero",
        "negative but not distinguishable from zero",
        "显著为正",
        "is rejected",
        "9.50, p = 0.009",
        "rose",
        "下降",
        "−0.500",
        True,
        "240",
    ]


def test_an_undeclared_quotation_stops_the_paper(tmp_path: Path, project: Path) -> None:
    write_numbers({}, tmp_path / "numbers.typ")
    with pytest.raises(Exception, match="does not name 'sdm'"):
        compile_words(tmp_path, project, ['coefficient("sdm", "x").estimate.text'])


def test_a_quoted_number_is_the_printed_one() -> None:
    assert number(0.00004, 3, "pvalue") == {"value": 0.00004, "text": "<0.001"}
    assert number(float("nan")) == {"value": None, "text": ""}
    assert to_typst({"a": number(-0.5), "b": [1], "c": {}, "d": True, "e": float("inf")}) == (
        '("a": ("value": -0.5, "text": "−0.500"), "b": (1,), "c": (:), "d": true, "e": float.inf)'
    )


def test_a_quoted_cell_must_be_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(pd.DataFrame({"year": [2013, 2014], "gini": [0.2, 0.25]}), path)
    cell = {"file": str(path), "where": {"year": 2014}, "value": "gini", "digits": 2}
    assert quote_cell("g", cell, cell["file"]) == {"value": 0.25, "text": "0.25"}
    assert quote_cell("g", {**cell, "where": {}, "pick": "mean"}, cell["file"])["value"] == pytest.approx(0.225)
    with pytest.raises(RongheError, match="quotes.cells.g: 2 rows of .* fit; narrow `where`"):
        quote_cell("g", {**cell, "where": {}}, cell["file"])
    with pytest.raises(RongheError, match="unknown column 'ginni'; did you mean 'gini'"):
        quote_cell("g", {**cell, "value": "ginni"}, cell["file"])
    (tmp_path / "s.json").write_text('{"a": {"b": 3}}')
    assert quote_cell("g", {"value": "a.b", "format": "integer"}, tmp_path / "s.json")["text"] == "3"


def test_an_entry_is_checked_against_declared_names() -> None:
    config = {"specifications": {"sdm": {}}, "measures": {"quality": QUALITY}, "tables": {}, "figures": {}}
    table = {"kind": "regression", "caption": "c", "columns": ["sdm", {"specification": "smd"}]}
    with pytest.raises(RongheError, match="tables.first: unknown specification 'smd'; did you mean 'sdm'"):
        declaration.check({**config, "tables": {"first": table}})
    figure = {"kind": "tile_map", "caption": "c", "variable": "qualty.index"}
    with pytest.raises(
        RongheError, match="figures.map: unknown column of a measure 'qualty.index'; did you mean 'quality"
    ):
        declaration.check({**config, "figures": {"map": figure}})
    with pytest.raises(RongheError, match="tables.first.columns: no specification is named"):
        declaration.check({**config, "tables": {"first": {**table, "columns": []}}})
    with pytest.raises(RongheError, match="quotes.specifications: unknown specification 'x'"):
        declaration.check({**config, "quotes": {"specifications": ["x"]}})


def test_a_table_rests_on_its_own_columns_only() -> None:
    entry = {"kind": "regression", "caption": "c", "columns": ["a", {"specification": "b"}, "a"]}
    assert declaration.result_files(entry) == [
        "<results>/models/a/coefficients.csv",
        "<results>/models/a/fit.json",
        "<results>/models/b/coefficients.csv",
        "<results>/models/b/fit.json",
    ]
    summary = {"kind": "summary", "variables": [{"group": "g", "members": ["x", "m.i", "m.j"]}]}
    assert declaration.panel_files(summary) == ["<processed>/panel.parquet", "<results>/measures/m/panel.csv"]


def test_the_fonts_are_found_wherever_matplotlib_keeps_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = manuscript._fonts()
    assert any(beside.glob("DejaVu*.ttf"))
    elsewhere = SimpleNamespace(origin=str(tmp_path / "matplotlib/__init__.py"))
    monkeypatch.setattr(manuscript, "find_spec", lambda name: elsewhere)
    assert manuscript._fonts() == beside
    monkeypatch.setattr("matplotlib.get_data_path", lambda: str(tmp_path / "data"))
    with pytest.raises(RongheError, match="data/fonts/ttf: no such folder; install Matplotlib anew"):
        manuscript._fonts()


def test_provenance_names_rule_inputs_and_command() -> None:
    facts = {"dataset": "d", "panel": "p", "code": "c", "data": "2020", "seed": "1"}
    inputs = {"tables/main": ["results/d/models/a/fit.json"], "figures/map": []}
    text = list_provenance(inputs, {"tables/main": "models", "figures/map": "map"}, facts, "paper/d/en")
    assert (
        "| `render_tables_models` | `results/d/models/a/fit.json` | `snakemake --force paper/d/en/tables/main.typ` |"
        in text
    )
    assert "`snakemake --force paper/d/en/figures/map.svg`" in text


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Return a folder with exhibits.tex, a short and a long table, and a figure."""
    models = tmp_path / "models"
    write_fit(models, "fe", {"coagglomeration": (0.02, 0.01), "gdp_per_head": (-1.5, 0.2)}, weights=None, model="ols")
    write_fit(models, "sdm", {"coagglomeration": (0.03, 0.01), "W*coagglomeration": (0.1, 0.08), "rho": (0.4, 0.04)})
    entries = {"main": regression(stars=True), "long": regression(long=True)}
    for name, entry in entries.items():
        render_table(name, entry, Labels(LABELS), tmp_path / "tables", models=str(models))
    write_csv(pd.DataFrame({"x": [1, 2, 3], "y": [0.1, 0.4, 0.2]}), tmp_path / "curve.csv")
    figure = {"kind": "curve", "caption": "A curve: 10% & more_", "file": "curve.csv", "x": "x", "y": "y"}
    draw_figure("curve", figure, Labels(LABELS), files=[str(tmp_path / "curve.csv")], folder=tmp_path / "figures")
    said = {"curve": {"caption": figure["caption"], "notes": "Note: 5% & less."}}
    text = gather_tex({"main": "1", "long": "S1"}, {"curve": "S1"}, said)
    (tmp_path / "exhibits.tex").write_text(text, encoding="utf-8")
    return tmp_path


def test_all_tex_exhibits_form_one_document(collection: Path) -> None:
    text = (collection / "exhibits.tex").read_text(encoding="utf-8")
    assert r"\input{tables/main.tex}" in text and r"A curve: 10\% \& more\_" in text
    assert text.index("main.tex") < text.index(r"{S\arabic{table}}") < text.index("long.tex")
    assert r"\footnotesize Note: 5\% \& less." in text
    for name in ("main", "long"):
        assert check_tex((collection / "tables" / f"{name}.tex").read_text(encoding="utf-8")) == []
    if shutil.which("pdflatex") is None:
        pytest.skip(
            "no LaTeX here: structure checked, document not compiled (Debian: apt install texlive-latex-recommended)"
        )
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "exhibits.tex"],
        cwd=collection, capture_output=True, text=True, errors="replace", timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Overfull" not in run.stdout


def test_word_tables_open_in_libreoffice(collection: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("no LibreOffice here: the .docx was not opened (Debian: libreoffice-writer)")
    command = [office, f"-env:UserInstallation={(collection / 'profile').as_uri()}", "--headless", "--convert-to",
               "txt:Text", "--outdir", str(collection), str(collection / "tables" / "main.docx")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    text = (collection / "main.txt").read_text(encoding="utf-8", errors="replace")
    assert "Co-agglomeration" in text and "0.030***" in text and "Standard errors in parentheses" in text
