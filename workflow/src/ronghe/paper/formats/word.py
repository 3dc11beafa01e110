"""Word documents for a table: numbers padded to their decimal point, header repeated, no date inside."""

from __future__ import annotations

import io
import re
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
# What Word takes as the title of a document.
LONGEST_TITLE = 255
# Spaces as wide as the sign that they stand for, in the widths of Times: figure, punctuation, three-per-em.
_SPACES = {".": "\u2005", ",": "\u2005", "(": "\u2004", ")": "\u2004", "[": "\u2004", "]": "\u2004", "-": "\u2004"}
FONT, ASIAN_FONT = "Times New Roman", "SimSun"
# Centimetres between the margins of an upright page and of one that lies across; the sizes of print to choose from.
ROOM, ROOM_ACROSS = 16.2, 25.0
SIZES = (9.5, 9, 8.5, 8, 7.5)
# The width of a sign of Times, in centimetres for each point of its size.
_SIGN = 0.0172


def render_word(table: Exhibit) -> bytes:
    """Return the table as .docx with caption, repeated header and fixed dates."""
    size, across, widths = _fitted(table)
    style = {
        "font_name": FONT,
        "font_size_pt": size,
        "prevent_page_breaks": not table.long,
        "cell_margins_dxa": {"left": 40, "right": 40, "top": 20, "bottom": 20},
    }
    columns = [_padded(table.column(place)) for place in range(table.width)]
    document = as_mtable(table, columns).make("docx", docx_style=style)
    grid = document.tables[0]
    _set_page(document, grid, widths, across)
    _mark_header(grid, table, size)
    _set_caption(grid, table.caption, 10)
    _shrink_empty(grid, size)
    properties = document.core_properties
    properties.author, properties.title, properties.comments = "", table.caption[:LONGEST_TITLE], ""
    properties.created = properties.modified = datetime(*EPOCH)
    properties.revision = 1
    return as_bytes(document)


def _padded(column: list[tuple[str, tuple[str, str] | None]]) -> list[str]:
    """Return cells padded on both sides, so that centred numbers stand with their points in one line.

    Word's own decimal tabs are laid out otherwise by LibreOffice; spaces as wide as digits look alike in both.
    """
    before, after = (max((p[side] for _, p in column if p), key=_width, default="") for side in (0, 1))
    return [_pad(before, p[0]) + p[0] + p[1] + _pad(after, p[1]) if p else cell for cell, p in column]


def _fitted(table: Exhibit) -> tuple[float, bool, list[float]]:
    """Return the size of print, whether the page lies across, and the width of every column in centimetres.

    Of the sizes the largest is taken at which no column is narrower than its numbers and its longest word; a page
    lies across only where the smallest size is too large for an upright one.
    """
    least, most = _widths(table)
    for room, across in ((ROOM, False), (ROOM_ACROSS, True)):
        for size in SIZES:
            unit = size * _SIGN
            if sum(least) * unit <= room:
                spare = room / unit - sum(least)
                wish = sum(most) - sum(least)
                share = min(1.0, spare / wish) if wish else 0.0
                return size, across, [(a + (b - a) * share) * unit for a, b in zip(least, most, strict=True)]
    unit = ROOM_ACROSS / sum(least)
    return SIZES[-1], True, [a * unit for a in least]


def _set_page(document: Document, grid: Table, widths: list[float], across: bool) -> None:
    """Give the columns their widths, and lay the page across where they need more room than it has upright."""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm((21 - ROOM) / 2)
    if across:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
        section.left_margin = section.right_margin = Cm((29.7 - ROOM_ACROSS) / 2)
    grid.autofit = False
    for column, width in zip(grid._tbl.tblGrid.findall(qn("w:gridCol")), widths, strict=True):
        column.set(qn("w:w"), str(int(width * 567)))
    for row in grid._tbl.tr_lst:
        place = 0
        for cell in row.tc_lst:
            span = cell.grid_span
            cell.width = Cm(sum(widths[place : place + span]))
            place += span


def _mark_header(grid: Table, table: Exhibit, size: float) -> None:
    """Repeat the header on every page, and set the columns of text to the left."""
    levels = len(table.header)
    if table.stub:
        grid.cell(levels - 1, 0).paragraphs[0].add_run(table.stub).font.size = Pt(size)
    for row in grid.rows[:levels]:
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        row._tr.get_or_add_trPr().append(mark)
    for row in grid.rows[levels:] if table.show_groups else ():
        cells = row._tr.tc_lst
        if len(cells) > 1 and not any("".join(cell.itertext()).strip() for cell in cells[1:]):
            row.cells[0].merge(row.cells[-1])
            for empty in row.cells[0].paragraphs[1:]:
                empty._p.getparent().remove(empty._p)
    for row in grid.rows[levels:-1]:
        for place in table.left if len(row._tr.tc_lst) > 1 else ():
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
            run.font.name = FONT
            run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), ASIAN_FONT)


def _shrink_empty(grid: Table, size: float) -> None:
    """Give the sign that ends an empty cell the size of the others, so that its row is no taller than theirs."""
    for row in grid.rows:
        for cell in row._tr.tc_lst:
            for paragraph in cell.p_lst:
                if not "".join(paragraph.itertext()).strip():
                    mark, points = OxmlElement("w:rPr"), OxmlElement("w:sz")
                    points.set(qn("w:val"), str(2 * int(size)))
                    mark.append(points)
                    paragraph.get_or_add_pPr().append(mark)


def _widths(table: Exhibit) -> tuple[list[float], list[float]]:
    """Return for every column the least width, of its numbers and longest word, and the one it would like, in signs."""
    labels = [table.stub, *(label for _, label, _ in table.rows)]
    # Where lines of numbers stand below one another, a label that breaks would part an estimate from its interval.
    least = max(_longest_word(x) for x in labels) if table.left else min(26.0, max(map(_signs, labels)))
    pairs = [(least, max(least, min(36.0, max(map(_signs, labels)))))]
    for place, heading in enumerate(table.header[-1]):
        column = table.column(place)
        words = [cell for cell, parts in column if not parts]
        numbers = sum(max((_signs(p[side]) for _, p in column if p), default=0.0) for side in (0, 1))
        unbroken = [_signs(w) if w.startswith(("[", "(")) else _longest_word(w) for w in words]
        least = max([numbers, _longest_word(heading), *unbroken])
        pairs.append((least, max(least, min(30.0, max(map(_signs, [heading, *words]))))))
    return [a + 2.2 for a, _ in pairs], [max(a, b) + 2.6 for a, b in pairs]


def _signs(text: str) -> float:
    """Return the width of a text in Latin letters; a Chinese sign is as wide as two."""
    return sum(2.15 if ord(sign) > 0x2E7F else 1.0 for sign in text)


def _longest_word(text: str) -> float:
    """Return the width of the longest part that must not be broken; Chinese breaks between signs, not at its marks."""
    parts = re.sub(r"(?<=[\u4e00-\u9fff])(?=[0-9A-Za-z\u4e00-\u9fff])|(?<=-)", " ", text).split()
    chinese = sum("\u4e00" <= sign <= "\u9fff" for sign in text)
    return max([_signs(part) for part in parts] + [2.15 * min(chinese, 5)], default=0.0)


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
