"""Hostile labels and names of regions through every format: they are printed, never obeyed."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ronghe.errors import RongheError
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.explorer.page import page
from ronghe.paper.formats import escape
from ronghe.paper.formats.html import render_html
from ronghe.paper.formats.one_document import gather_tex
from ronghe.paper.formats.tex import render_tex
from ronghe.paper.formats.write import FORMATS, write_exhibit
from ronghe.paper.labels import Labels
from ronghe.yaml_files import load_yaml

HOSTILE = (
    '=HYPERLINK("http://x.test","y")', "+1+cmd|' /C calc'!A0", "@SUM(1)", "-2+3",
    "<!--<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "&lt;b&gt; &amp; &#60;",
    '#import "/etc/passwd": *', "#sys.inputs #read(\"/etc/passwd\")", '"); #panic("out', "] #panic()[",
    r"\input{/etc/passwd}", r"\write18{touch pwned}", r"\end{document}", r"\catcode`\{=12", "^^M^^5cinput",
    "$x_1^2$ & 10% # ~ {a}", "../../x", "{language.__class__}", "{0.__globals__}", "%(x)s ${HOME} `id` $(id)",
    "'; DROP TABLE x; --", "*bold* _it_ `raw` = head", "@tab:main <tab:main> // gone /* gone", "a\n\nb ≈ c",
    "a\tb\r\nc", "−0.5 ≤ ρ² ± 3 → ∞ ρ̂", "“quoted” ‘so’ – — … € ‰", "é ñ ž Ø ß Łódź", "Москва Ω नमस्ते",
    "😀 e\u0301 \u200bzero \u00a0wide",
)  # fmt: skip


def table(long: bool = False) -> Exhibit:
    rows = [(group, text, [text, "1.5**"]) for group in ("", HOSTILE[0]) for text in HOSTILE]
    header = [[HOSTILE[4], HOSTILE[11]], [HOSTILE[7], HOSTILE[16]]]
    words = " ".join(HOSTILE)
    return Exhibit("hostile", rows, header, HOSTILE[0], words, words, long, True, "en", frozenset({0}))


def test_no_cell_of_a_spreadsheet_is_a_formula(tmp_path):
    write_exhibit(table(), tmp_path)
    with (tmp_path / "hostile.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if re.match(r"[=@\t\r]|[+-](?![\d.,]+[*]*$)", cell)]
    assert f"'{HOSTILE[0]}" in cells and "1.5**" in cells


class Tags(HTMLParser):
    """Collects the tags, comments and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.odd, self.words = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.odd += [name for name, _ in attrs if name.startswith("on")]

    def handle_comment(self, data):
        self.odd.append(data)

    def handle_data(self, data):
        self.words.append(data)


def test_a_page_holds_words_and_no_script():
    page = Tags()
    page.feed(render_html(table()))
    assert not page.tags & {"script", "img", "iframe", "link", "object"} and page.odd == []
    words = " ".join("".join(page.words).split())
    for text in (HOSTILE[4], HOSTILE[5], HOSTILE[6], HOSTILE[11], HOSTILE[18]):
        assert text in words, text


def test_a_word_document_opens_and_leads_nowhere(tmp_path):
    import docx

    write_exhibit(table(), tmp_path)
    document = docx.Document(tmp_path / "hostile.docx")
    text = "\n".join(cell.text for row in document.tables[0].rows for cell in row.cells)
    for hostile in (HOSTILE[0], HOSTILE[4], HOSTILE[11]):
        assert hostile in text
    with zipfile.ZipFile(tmp_path / "hostile.docx") as parts:
        targets = " ".join(parts.read(n).decode() for n in parts.namelist() if n.endswith(".rels"))
        content = parts.read("word/document.xml").decode()
    assert "External" not in targets and "w:fldSimple" not in content and "w:instrText" not in content


@pytest.mark.parametrize("long", [False, True])
def test_typst_prints_it(tmp_path, long):
    typst = pytest.importorskip("typst")
    source = tmp_path / "main.typ"
    source.write_text(f"#set document(date: none)\n{FORMATS['typ'](table(long))}", encoding="utf-8")
    # Nothing lies below this root that a document could read, and what stands in the labels reads nothing.
    assert typst.compile(str(source), root=str(tmp_path), ignore_system_fonts=True).startswith(b"%PDF")


@pytest.mark.parametrize("long", [False, True])
def test_latex_compiles_it_and_runs_nothing(tmp_path, long):
    """With every label in a caption, in notes, headings and cells, LaTeX reaches the end and touches no other file."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here (Debian: apt install texlive-latex-extra)")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/hostile.tex").write_text(render_tex(table(long)), encoding="utf-8")
    main = gather_tex({"hostile": "1"}, {}, {})
    (tmp_path / "main.tex").write_text(main, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-recorder", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-1500:]
    read = (tmp_path / "main.fls").read_text(encoding="utf-8")
    assert "passwd" not in read and not (tmp_path / "pwned").exists()
    if shutil.which("pdftotext"):
        shown = subprocess.run(["pdftotext", "main.pdf", "-"], cwd=tmp_path, capture_output=True, text=True).stdout
        assert "input{/etc/passwd}" in shown and "write18{touch" in shown and "U+041C" in shown


def test_signs_that_latex_lacks_are_named_or_left_out():
    assert escape.tex("a\n\nb\tc\r\nd") == "a b c d"
    assert escape.tex("Ж😀") == r"\texttt{U+0416}\texttt{U+1F600}"
    assert escape.tex("e\u0301\u200b\u202e") == "é"
    assert escape.tex("“a” – €5") == "``a'' -- \\texteuro{}5" and escape.tex("北京") == "北京"


def test_the_explorer_holds_it_as_data():
    """Every text stands in the page's data as it is, and nothing that a browser would run is added."""
    plain, hostile = (page({"names": names}, "en") for names in (["A"], list(HOSTILE)))
    assert hostile.count("<script") == plain.count("<script") and "<img" not in hostile.split('id="data">')[1][:9999]
    held = hostile.split('id="data">')[1].split("</script>")[0]
    assert "<" not in held and json.loads(held)["names"] == list(HOSTILE)


BAD_SIGNS = ("\\0", "\\x07", "\\e", "\\u202e", "\\u2066", "\\uFFFF", "\\L", "\\x1b[2J")


@pytest.mark.parametrize("sign", BAD_SIGNS)
def test_control_signs_in_the_configuration_are_refused(tmp_path, sign):
    (tmp_path / "c.yaml").write_text(f'a:\n  b: "x{sign}y"\n', encoding="utf-8")
    with pytest.raises(RongheError, match=r"c.yaml: line 2: the text holds a control sign"):
        load_yaml(tmp_path / "c.yaml")


def test_braces_in_words_are_words():
    """Labels with braces are no templates: nothing of the program is reached through them."""
    labels = Labels({"quality": {"en": "{language.__class__} {0.__globals__}"}})
    assert labels.variable("quality") == "{language.__class__} {0.__globals__}"
    assert labels.text({"en": "{0.__class__}"}) == "{0.__class__}"


def test_bytes_of_every_format_are_the_same_twice(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    write_exhibit(table(), first)
    write_exhibit(table(), second)
    for ending in FORMATS:
        assert (first / f"hostile.{ending}").read_bytes() == (second / f"hostile.{ending}").read_bytes()


def test_paths_stay_inside(tmp_path: Path):
    from ronghe.configuration import refuse_outside

    for path in ("../../x", "results/../../x", "/etc/passwd", "a/../../b"):
        with pytest.raises(RongheError, match="lies outside the project"):
            refuse_outside({"file": path}, "tables")
