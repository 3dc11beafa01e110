"""All formats: each is written, two runs give the same bytes, and Word has its header and no date."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

from docx import Document
from docx.oxml.ns import qn
from paper.builders import LABELS, regression
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats.word import render_word
from ronghe.paper.formats.write import FORMATS
from ronghe.paper.labels import Labels
from ronghe.paper.render_table import render_table


def test_every_format_is_written_twice_alike(models: Path, tmp_path: Path) -> None:
    entry = regression(stars=True, columns=["fe", {"specification": "sdm", "heading": "A & B_1"}])
    for run in ("one", "two"):
        render_table("main", entry, Labels(LABELS), tmp_path / run, models=str(models))
    for ending in FORMATS:
        first, second = ((tmp_path / run / f"main.{ending}").read_bytes() for run in ("one", "two"))
        assert first == second and len(first) > 100, ending


def test_an_empty_cell_of_a_word_table_is_no_taller_than_its_row() -> None:
    rows = [("", "a", ["1.00", ""]), ("", "", ["[0.10, 1.90]", ""])]
    table = Exhibit("t", rows, [["x", "y"]], caption="c")
    body = Document(BytesIO(render_word(table))).tables[0]
    full, empty = (next(c for c in body.rows[1].cells if c.text.strip() == text) for text in ("1.00", ""))
    mark = empty.paragraphs[0]._p.pPr.find(qn("w:rPr")).find(qn("w:sz"))
    assert int(mark.get(qn("w:val"))) == 2 * full.paragraphs[0].runs[0].font.size.pt


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
