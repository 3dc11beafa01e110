"""The document of all tables: each table once, in order, on pages of their own direction, the same bytes each time."""

from __future__ import annotations

import docx
import pytest
from docx.enum.section import WD_ORIENT
from ronghe.paper.formats.one_document import gather_word


@pytest.fixture
def documents(tmp_path):
    """Three documents with a table each, the second across the page."""
    paths = []
    for name, across in (("a", False), ("b", True), ("c", False)):
        document = docx.Document()
        document.add_paragraph(f"Table {name}")
        document.add_table(rows=1, cols=1).cell(0, 0).text = f"cell {name}"
        if across:
            section = document.sections[0]
            section.orientation = WD_ORIENT.LANDSCAPE
            section.page_width, section.page_height = section.page_height, section.page_width
        paths.append(tmp_path / f"{name}.docx")
        document.save(paths[-1])
    return paths


def test_every_table_once_and_in_order(documents, tmp_path):
    (tmp_path / "main.docx").write_bytes(gather_word(documents, "all"))
    main = docx.Document(tmp_path / "main.docx")
    assert [table.cell(0, 0).text for table in main.tables] == ["cell a", "cell b", "cell c"]
    assert [s.orientation for s in main.sections] == [WD_ORIENT.PORTRAIT, WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT]


def test_bytes_do_not_depend_on_the_day(documents):
    assert gather_word(documents, "all") == gather_word(documents, "all")
