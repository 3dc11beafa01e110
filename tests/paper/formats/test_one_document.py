"""The document of all tables: each table once, numbered, on pages of their own direction, the same bytes each time."""

from __future__ import annotations

import docx
import pytest
from docx.enum.section import WD_ORIENT
from ronghe.paper.exhibit_order import numbered
from ronghe.paper.formats.one_document import gather_word


@pytest.fixture
def documents(tmp_path):
    """Four documents with a table each, the third across the page."""
    paths = {}
    for name, number in (("a", "Table 1."), ("b", "Table S1."), ("c", ""), ("d", "")):
        document = docx.Document()
        document.add_paragraph(f"Caption {name}")
        document.add_table(rows=1, cols=1).cell(0, 0).text = f"cell {name}"
        if name == "c":
            section = document.sections[0]
            section.orientation = WD_ORIENT.LANDSCAPE
            section.page_width, section.page_height = section.page_height, section.page_width
        paths[tmp_path / f"{name}.docx"] = number
        document.save(tmp_path / f"{name}.docx")
    return paths


def test_every_table_once_and_in_order(documents, tmp_path):
    (tmp_path / "main.docx").write_bytes(gather_word(documents, "all"))
    main = docx.Document(tmp_path / "main.docx")
    assert [table.cell(0, 0).text for table in main.tables] == ["cell a", "cell b", "cell c", "cell d"]
    captions = [p.text for p in main.paragraphs if p.text]
    assert captions == ["Table 1. Caption a", "Table S1. Caption b", "Caption c", "Caption d"]
    # Two upright tables share their pages; a page turns where a table lies across.
    assert [s.orientation for s in main.sections] == [WD_ORIENT.PORTRAIT, WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT]


def test_bytes_do_not_depend_on_the_day(documents):
    assert gather_word(documents, "all") == gather_word(documents, "all")


def test_numbers_follow_the_documents_and_not_the_configuration():
    article, supplement = '#table-of("b")\n#figure-of("f", width: 60%)\n#table-of("a")', '#table-of("d")#table-of("c")'
    found = numbered(article, supplement, {"tables": ["a", "b", "c", "d", "e"], "figures": ["g", "f"]})
    assert list(found["tables"].items()) == [("b", "1"), ("a", "2"), ("d", "S1"), ("c", "S2"), ("e", "")]
    assert found["figures"] == {"f": "1", "g": ""}
