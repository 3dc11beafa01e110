"""Word documents for a table: numbers padded to their decimal point, header repeated, no date inside."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.table import Table
from docx.text.paragraph import Paragraph

from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats.maketables import as_mtable

EPOCH = (1980, 1, 1, 0, 0, 0)
# Spaces as wide as the sign that they stand for, in the widths of Times: figure, punctuation, three-per-em.
_SPACES = {".": "\u2005", ",": "\u2005", "(": "\u2004", ")": "\u2004", "[": "\u2004", "]": "\u2004", "-": "\u2004"}
_FONT, _ASIAN_FONT = "Times New Roman", "SimSun"


def render_word(table: Exhibit) -> bytes:
    """Return the table as .docx with caption, repeated header and fixed dates."""
    size = 10 if table.width <= 5 else 9 if table.width <= 8 else 8
    style = {
        "font_name": _FONT,
        "font_size_pt": size,
        "prevent_page_breaks": not table.long,
        "cell_margins_dxa": {"left": 40, "right": 40, "top": 20, "bottom": 20},
    }
    columns = [_padded(table.column(place)) for place in range(table.width)]
    document = as_mtable(table, columns).make("docx", docx_style=style)
    grid = document.tables[0]
    _set_page(document, grid, _widths(table), size)
    _mark_header(grid, table, size)
    _set_caption(grid, table.caption, size + 1)
    properties = document.core_properties
    properties.author, properties.title, properties.comments = "", table.caption, ""
    properties.created = properties.modified = datetime(*EPOCH)
    properties.revision = 1
    return as_bytes(document)


def _padded(column: list[tuple[str, tuple[str, str] | None]]) -> list[str]:
    """Return cells padded on both sides, so that centred numbers stand with their points in one line.

    Word's own decimal tabs are laid out otherwise by LibreOffice; spaces as wide as digits look alike in both.
    """
    before, after = (max((p[side] for _, p in column if p), key=_width, default="") for side in (0, 1))
    return [_pad(before, p[0]) + p[0] + p[1] + _pad(after, p[1]) if p else cell for cell, p in column]


def _set_page(document: Document, grid: Table, widths: list[float], size: int) -> None:
    """Give the columns their widths, and lay the page across where they need more room than it has upright."""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    # A sign is about a fifth of the size of the type wide, in centimetres at that size.
    room, wanted = 17.0, sum(widths) * size * 0.0185
    if wanted > room:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
        room = 25.7
    grid.autofit = False
    scale = min(1.0, room / wanted) * size * 0.0185
    for column, width in zip(grid._tbl.tblGrid.findall(qn("w:gridCol")), widths, strict=True):
        column.set(qn("w:w"), str(int(width * scale * 567)))
    for row in grid._tbl.tr_lst:
        place = 0
        for cell in row.tc_lst:
            span = cell.grid_span
            cell.width = Cm(sum(widths[place : place + span]) * scale)
            place += span


def _mark_header(grid: Table, table: Exhibit, size: int) -> None:
    """Repeat the header on every page, and set the columns of text to the left."""
    levels = len(table.header)
    if table.stub:
        grid.cell(levels - 1, 0).paragraphs[0].add_run(table.stub).font.size = Pt(size)
    for row in grid.rows[:levels]:
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        row._tr.get_or_add_trPr().append(mark)
    for row in grid.rows[levels:-1]:
        for place in table.left:
            row.cells[place + 1].paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.LEFT


def _set_caption(grid: Table, text: str, size: int) -> None:
    """Put the caption before the table, and the fonts on both."""
    element = OxmlElement("w:p")
    grid._tbl.addprevious(element)
    caption = Paragraph(element, grid._parent)
    run = caption.add_run(text)
    run.bold = True
    run.font.size = Pt(size)
    caption.paragraph_format.keep_with_next = True
    for paragraph in [caption, *(p for row in grid.rows for cell in row.cells for p in cell.paragraphs)]:
        paragraph.paragraph_format.space_after = Pt(0)
        for run in paragraph.runs:
            run.font.name = _FONT
            run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _ASIAN_FONT)


def _widths(table: Exhibit) -> list[float]:
    """Return a width per column in signs: the longest cell, a long label cut to what may wrap."""
    labels = max((len(label) for _, label, _ in table.rows), default=0)
    widths = [float(min(38, max(labels, len(table.stub), 12)))]
    for place, heading in enumerate(table.header[-1]):
        column = table.column(place)
        words = max((len(cell) for cell, _ in column), default=0)
        numbers = sum(max((len(p[side]) for _, p in column if p), default=0) for side in (0, 1))
        widths.append(float(min(30, max(words, numbers, max(map(len, heading.split()), default=0))) + 3))
    return widths


def as_bytes(document: Document) -> bytes:
    """Return a document as a zip archive with its members in order and one fixed date."""
    content, out = io.BytesIO(), io.BytesIO()
    document.save(content)
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist()):
            target.writestr(zipfile.ZipInfo(name, EPOCH), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _width(text: str) -> float:
    return sum(0.25 if sign in ".," else 1 / 3 if sign in "()[]-" else 0.5 for sign in text)


def _pad(widest: str, text: str) -> str:
    """Return spaces that make `text` as wide as `widest`, sign by sign."""
    counts = {sign: widest.count(sign) - text.count(sign) for sign in _SPACES}
    figures = sum(s not in _SPACES for s in widest) - sum(s not in _SPACES for s in text)
    return "\u2007" * max(0, figures) + "".join(_SPACES[sign] * max(0, n) for sign, n in counts.items())
