"""The manuscript in Word: text as Typst evaluates it, equations as Word's own, exhibits where they stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import docx
import pytest
from docx.oxml.ns import qn
from lxml import html
from paper.builders import LABELS, regression, write_fit
from PIL import Image
from ronghe.errors import RongheError
from ronghe.paper.formats.omml import equation
from ronghe.paper.formats.word_manuscript import write_manuscript
from ronghe.paper.labels import Labels
from ronghe.paper.manuscript import write_word
from ronghe.paper.numbers import write_numbers
from ronghe.paper.render_table import render_table

pytest.importorskip("typst")

FACTS = {"panel": "x", "code": "y", "data": "2020", "seed": "1"}
TEXT = r"""#import "template.typ": *
#import "quote.typ": *
#show: paper.with(title: "A title", subtitle: [Below it], abstract: [Short.], keywords: [one\; two])
= First
#let effect = coefficient("sdm", "coagglomeration")
The effect is #with-interval(effect), #sign-word(effect) (@tab:main), in
$ bold(q)_t = rho bold(W) bold(q)_t + (a + sum_(i > j) |U_i - U_j|) / sqrt(k) $ <eq:one>
where @eq:one and @fig:map say _more_.
#table-of("main")
#figure-of("map")
"""


@pytest.fixture
def folder(tmp_path: Path, project: Path) -> Path:
    """Return a folder with a manuscript and all that it shows."""
    for name in ("template.typ", "quote.typ"):
        shutil.copy(project / "paper" / name, tmp_path / name)
    write_fit(tmp_path / "models", "sdm", {"coagglomeration": (0.5, 0.1)})
    write_fit(tmp_path / "models", "fe", {"coagglomeration": (0.2, 0.1)})
    captions = {"map": {"caption": "A map", "notes": "Tiles"}}
    write_numbers({"specifications": ["sdm"]}, tmp_path / "numbers.typ", facts=FACTS, captions=captions,
                  models=tmp_path / "models")  # fmt: skip
    render_table("main", regression(), Labels(LABELS), tmp_path / "tables", models=str(tmp_path / "models"))
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (40, 200)).save(tmp_path / "figures" / "map.png")
    (tmp_path / "paper.typ").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_text_and_exhibits_stand_in_their_order(folder: Path) -> None:
    write_word(folder / "paper.typ", folder / "paper.docx")
    document = docx.Document(folder / "paper.docx")
    said = [(p.style.name, p.text) for p in document.paragraphs if p.text]
    assert said[:5] == [("Title", "A title"), ("Subtitle", "Below it"), ("Quote", "Abstract"), ("Quote", "Short."),
                        ("Quote", "Keywords: one; two")]  # fmt: skip
    assert ("Heading 1", "1 First") in said
    body = [text for style, text in said if style == "Body Text"]
    assert body[0] == "The effect is 0.500 [0.304, 0.696], positive (Table\xa01), in"
    assert body[1] == "where Equation\xa01 and Figure\xa01 say more."
    assert [text for style, text in said if style == "Caption"] == ["Table\xa01. Main", "Figure\xa01. A map"]
    assert ("Exhibit Note", "Note: Tiles.") in said
    equations, main = document.tables
    assert equations.cell(0, 2).text == "(1)"
    assert "0.200" in [cell.text.strip() for row in main.rows for cell in row.cells]
    assert document.inline_shapes[0].height <= docx.shared.Cm(16)


def test_links_lead_to_a_place_in_the_document(folder: Path) -> None:
    write_word(folder / "paper.typ", folder / "paper.docx")
    root = docx.Document(folder / "paper.docx").element
    anchors = {link.get(qn("w:anchor")) for link in root.iter(qn("w:hyperlink"))}
    places = {mark.get(qn("w:name")) for mark in root.iter(qn("w:bookmarkStart"))}
    assert len(anchors) == 3 and anchors <= places


def test_bytes_do_not_depend_on_the_day(folder: Path) -> None:
    for name in ("one", "two"):
        write_word(folder / "paper.typ", folder / f"{name}.docx")
    assert (folder / "one.docx").read_bytes() == (folder / "two.docx").read_bytes()


def test_a_number_that_changes_changes_the_sentence(folder: Path) -> None:
    write_fit(folder / "models", "sdm", {"coagglomeration": (-0.5, 0.1)})
    write_numbers({"specifications": ["sdm"]}, folder / "numbers.typ", facts=FACTS,
                  captions={"map": {"caption": "A map", "notes": None}}, models=folder / "models")  # fmt: skip
    write_word(folder / "paper.typ", folder / "paper.docx")
    text = " ".join(p.text for p in docx.Document(folder / "paper.docx").paragraphs)
    assert "−0.500 [−0.696, −0.304], negative" in text and "Note:" not in text


def test_equations_keep_letters_styles_and_structure() -> None:
    source = html.fromstring(
        "<math><mi>𝒒</mi><mo>=</mo><mtext>LQ</mtext><mfrac><mrow><mo>(</mo><mi>𝑎</mi><mo>)</mo></mrow><mn>2</mn></mfrac>"
        "<munderover><mo>∑</mo><mi>𝑖</mi><mi>𝑛</mi></munderover><msubsup><mi>𝑥</mi><mi>𝑖</mi><mo>′</mo></msubsup>"
        "<msqrt><mi>𝑘</mi></msqrt></math>"
    )
    found = equation(source)
    letters = [(t.text, [s.get(qn("m:val")) for s in t.getparent().iter(qn("m:sty"))]) for t in found.iter(qn("m:t"))]
    assert letters[:3] == [("q", ["bi"]), ("=", ["p"]), ("LQ", [])]
    assert [e.tag.split("}")[1] for e in found] == ["r", "r", "r", "f", "nary", "rad"]
    assert "".join(t.text for t in found.find(qn("m:f")).find(qn("m:num")).find(qn("m:d")).iter(qn("m:t"))) == "a"
    total = found.find(qn("m:nary"))
    parts = {name: "".join(t.text for t in total.find(qn(f"m:{name}")).iter(qn("m:t"))) for name in ("sub", "sup", "e")}
    assert parts == {"sub": "i", "sup": "n", "e": "xi′"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("<html><body><video></video></body></html>", "video"),
        ("<html><body><p><math><maction/></math></p></body></html>", "maction"),
    ],
)
def test_what_is_not_known_is_refused_and_not_dropped(text: str, part: str, tmp_path: Path) -> None:
    with pytest.raises(RongheError, match=part):
        write_manuscript(text, tmp_path)


def test_tables_fit_an_upright_page_and_labels_keep_their_line(tmp_path: Path) -> None:
    name = "生产性服务业与制造业产业协同集聚指数"
    labels = Labels({**LABELS, "coagglomeration": {"en": name, "zh": name}}, "zh")
    terms = {"coagglomeration": (0.0234, 0.0101), "gdp_per_head": (-1.5, 0.25)}
    for n in range(5):
        write_fit(tmp_path / "models", f"m{n}", terms)
    entry = regression() | {"columns": [f"m{n}" for n in range(5)], "statistic": "interval"}
    render_table("wide", entry, labels, tmp_path, models=str(tmp_path / "models"))
    document = docx.Document(tmp_path / "wide.docx")
    section, grid = document.sections[0], document.tables[0]
    widths = [int(column.get(qn("w:w"))) / 567 for column in grid._tbl.tblGrid.findall(qn("w:gridCol"))]
    room = (section.page_width - section.left_margin - section.right_margin) / docx.shared.Cm(1)
    assert section.page_width < section.page_height and sum(widths) <= room + 0.01
    # A Chinese sign is as wide as the print is high.
    size = grid.cell(2, 0).paragraphs[0].runs[0].font.size.pt
    assert widths[0] >= min(len(name), 12) * size * 2.54 / 72
