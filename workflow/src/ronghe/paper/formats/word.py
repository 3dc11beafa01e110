"""Word documents for a table: numbers padded to their decimal point, header repeated, no date inside."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ronghe.paper.exhibit import Exhibit

EPOCH = (1980, 1, 1, 0, 0, 0)
# Spaces as wide as the sign that they stand for, in the widths of Times: figure, punctuation, three-per-em.
_SPACES = {".": "\u2005", ",": "\u2005", "(": "\u2004", ")": "\u2004", "[": "\u2004", "]": "\u2004", "-": "\u2004"}
_FONT, _ASIAN_FONT = "Times New Roman", "SimSun"


def aligned(table: Exhibit) -> pd.DataFrame:
    """Return the cells padded on both sides, so that centred numbers stand with their points in one line.

    Word's own decimal tabs are laid out otherwise by LibreOffice; spaces as wide as digits look alike in both.
    """
    frame = table.df.copy()
    for place in range(frame.shape[1]):
        cells = [row[place] for _, _, row in table.rows]
        parts = [table.split(group, row[place]) for group, _, row in table.rows]
        before = max((p[0] for p in parts if p), key=_width, default="")
        after = max((p[1] for p in parts if p), key=_width, default="")
        padded = [
            _pad(before, p[0]) + p[0] + p[1] + _pad(after, p[1]) if p else cell
            for cell, p in zip(cells, parts, strict=True)
        ]
        frame.isetitem(place, padded)
    return frame


def finish_document(table: Exhibit, path: Path) -> None:
    """Write the table as .docx with caption, repeated header and fixed dates."""
    from docx.enum.section import WD_ORIENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    widths = _widths(table)
    n_columns = len(table.header[-1])
    size = 10 if n_columns <= 5 else 9 if n_columns <= 8 else 8
    document = table._output_docx(
        docx_style={
            "font_name": _FONT,
            "font_size_pt": size,
            "prevent_page_breaks": not table.long,
            "cell_margins_dxa": {"left": 40, "right": 40, "top": 20, "bottom": 20},
        }
    )
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    # A sign is about a fifth of the size of the type wide, in centimetres at that size.
    room, wanted = 17.0, sum(widths) * size * 0.0185
    if wanted > room:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
        room = 25.7
    grid = document.tables[0]
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
    caption = _paragraph_before(grid)
    run = caption.add_run(table.caption)
    run.bold = True
    run.font.size = Pt(size + 1)
    caption.paragraph_format.keep_with_next = True
    for paragraph in [caption, *(p for row in grid.rows for cell in row.cells for p in cell.paragraphs)]:
        paragraph.paragraph_format.space_after = Pt(0)
        for run in paragraph.runs:
            run.font.name = _FONT
            run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _ASIAN_FONT)
    properties = document.core_properties
    properties.author, properties.title, properties.comments = "", table.caption, ""
    properties.created = properties.modified = datetime(*EPOCH)
    properties.revision = 1
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(without_dates(buffer.getvalue()))


def _widths(table: Exhibit) -> list[float]:
    """Return a width per column in signs: the longest cell, a long label cut to what may wrap."""
    labels = max((len(label) for _, label, _ in table.rows), default=0)
    widths = [float(min(38, max(labels, len(table.stub), 12)))]
    for place, heading in enumerate(table.header[-1]):
        parts = [table.split(group, cells[place]) for group, _, cells in table.rows]
        words = max((len(cells[place]) for _, _, cells in table.rows), default=0)
        numbers = sum(max((len(p[side]) for p in parts if p), default=0) for side in (0, 1))
        widths.append(float(min(30, max(words, numbers, max(map(len, heading.split()), default=0))) + 3))
    return widths


def _paragraph_before(grid: object) -> object:
    from docx.oxml import OxmlElement
    from docx.text.paragraph import Paragraph

    element = OxmlElement("w:p")
    grid._tbl.addprevious(element)
    return Paragraph(element, grid._parent)


def without_dates(content: bytes) -> bytes:
    """Rewrite a zip archive with its members in order and one fixed date."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
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
