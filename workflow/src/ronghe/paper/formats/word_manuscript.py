"""The manuscript as a Word document: the text that Typst writes as HTML, with finished tables, drawings, equations."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from pathlib import Path

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from lxml import etree, html

from ronghe.errors import RongheError
from ronghe.paper.formats.omml import equation
from ronghe.paper.formats.word import ASIAN_FONT, EPOCH, FONT, as_bytes

_HEADINGS = {"h2": 1, "h3": 2, "h4": 3}
_ITALIC, _BOLD = ("em", "i"), ("strong", "b")
_WIDTH = Cm(16.2)


def write_manuscript(text: str, folder: str | Path, language: str = "en") -> bytes:
    """Return the document for an HTML text whose marks name the tables and figures that stand in `folder`."""
    body = html.fromstring(text).find("body")
    if body is None:
        raise RongheError("manuscript for Word: the text has no body; did Typst write it?")
    return as_bytes(_Writer(Path(folder), language).write(body))


class _Writer:
    """Walks the text once and appends to one document."""

    def __init__(self, folder: Path, language: str) -> None:
        self.folder, self.chinese = folder, language == "zh"
        self.document = _blank(self.chinese)
        self.bookmarks = 0

    def write(self, body: etree._Element) -> Document:
        for element in body:
            self.block(element)
        return self.document

    def block(self, element: etree._Element) -> None:
        """Append one block of the text."""
        marks = {key: element.get(f"data-{key}") for key in ("title", "abstract", "equation", "table", "figure")}
        if element.tag in _HEADINGS:
            self.paragraph(element, f"Heading {_HEADINGS[element.tag]}")
        elif marks["title"]:
            self.paragraph(element, marks["title"].capitalize())
        elif marks["equation"]:
            self.equation(element, marks["equation"])
        elif marks["table"]:
            self.table(element, marks["table"])
        elif element.tag == "figure":
            self.figure(element)
        elif element.tag == "li":
            self.paragraph(element, "Bibliography Entry")
        elif element.tag in ("section", "ul", "ol") or marks["abstract"]:
            for child in element:
                self.block(child)
        elif element.tag == "p":
            quoted = element.getparent().get("data-abstract") is not None
            out = self.paragraph(element, "Quote" if quoted else "Body Text")
            # A sentence that an equation interrupts goes on without a new indent.
            if out.text[:1].islower():
                out.paragraph_format.first_line_indent = Cm(0)
        else:
            raise RongheError(f"manuscript for Word: <{element.tag}> is not known; add it to word_manuscript.py")

    def paragraph(self, element: etree._Element, style: str) -> Paragraph:
        out = self.document.add_paragraph(style=style)
        self.bookmark(out, element.get("id"))
        self.inline(element, out._p)
        return out

    def bookmark(self, paragraph: Paragraph, name: str | None) -> None:
        """Mark a place that links lead to."""
        if name:
            self.bookmarks += 1
            for tag in ("w:bookmarkStart", "w:bookmarkEnd"):
                mark = OxmlElement(tag)
                mark.set(qn("w:id"), str(self.bookmarks))
                mark.set(qn("w:name"), name)
                paragraph._p.append(mark)

    def inline(self, element: etree._Element, into: BaseOxmlElement, bold: bool = False, italic: bool = False) -> None:
        """Append text, emphasis, links and equations to a paragraph or a link."""
        self.run(element.text, into, bold, italic)
        for child in element:
            if child.tag == "math":
                into.append(equation(child))
            elif child.tag == "a" and child.get("href", "").startswith("#"):
                link = OxmlElement("w:hyperlink")
                link.set(qn("w:anchor"), child.get("href")[1:])
                into.append(link)
                self.inline(child, link, bold, italic)
            else:
                self.inline(child, into, bold or child.tag in _BOLD, italic or child.tag in _ITALIC)
            self.run(child.tail, into, bold, italic)

    def run(self, text: str | None, into: BaseOxmlElement, bold: bool, italic: bool) -> None:
        """Append letters in the fonts of the document."""
        if not text:
            return
        element = OxmlElement("w:r")
        into.append(element)
        run = docx.text.run.Run(element, self.document)
        run.text = " ".join(text.split("\n"))
        run.bold, run.italic = bold or None, italic or None
        run.font.name = FONT
        element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), ASIAN_FONT)

    def equation(self, element: etree._Element, number: str) -> None:
        """Append a displayed equation in the middle and its number at the right: a row without rules."""
        grid = self.document.add_table(rows=1, cols=3)
        grid.autofit = False
        for column, width in zip(grid.columns, (Cm(1.2), Cm(13.8), Cm(1.2)), strict=True):
            column.width = column.cells[0].width = width
        whole, found = OxmlElement("m:oMathPara"), next(element.iter("math"))
        whole.append(equation(found))
        grid.cell(0, 1).paragraphs[0]._p.append(whole)
        last = grid.cell(0, 2).paragraphs[0]
        last.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        self.bookmark(last, next((e.get("id") for e in element.iter() if e.get("id")), None))
        self.run(number, last._p, False, False)

    def caption(self, figure: etree._Element, above: bool) -> None:
        found = figure.find("figcaption")
        if found is None:
            raise RongheError("manuscript for Word: an exhibit has no caption")
        out = self.document.add_paragraph(style="Caption")
        out.paragraph_format.keep_with_next = above
        self.bookmark(out, figure.get("id"))
        self.inline(found, out._p)

    def table(self, element: etree._Element, name: str) -> None:
        """Append the table of NAME.docx below the caption that the text gives it."""
        self.caption(element.find("figure"), above=True)
        grid = docx.Document(self.folder / "tables" / f"{name}.docx").tables[0]
        self.document.element.body.insert(-1, deepcopy(grid._tbl))
        self.document.add_paragraph(style="After Exhibit")

    def figure(self, element: etree._Element) -> None:
        """Append the drawing, its caption and its note."""
        mark = element.find("div[@data-figure]")
        drawing = self.document.add_paragraph(style="Drawing")
        name = mark.get("data-figure")
        shape = drawing.add_run().add_picture(str(self.folder / "figures" / f"{name}.png"), width=_WIDTH)
        # The drawings of maps and curves are tall: none may take more than two thirds of a page.
        if shape.height > Cm(16):
            shape.width, shape.height = int(shape.width * Cm(16) / shape.height), Cm(16)
        shape._inline.docPr.set("descr", "".join(element.find("figcaption").itertext()))
        self.caption(element, above=False)
        if "".join(mark.itertext()).strip():
            self.paragraph(mark, "Exhibit Note")


def _blank(chinese: bool) -> Document:
    """Return an empty document with the page and the styles of the manuscript."""
    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.4)
    section.top_margin = section.bottom_margin = Cm(2.2)
    _number_pages(section.footer.paragraphs[0])
    styles = document.styles
    for name in ("Drawing", "Exhibit Note", "After Exhibit", "Bibliography Entry"):
        styles.add_style(name, docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    # Style: size, bold, space before and after in points, first line or hanging indent in centimetres.
    looks = {
        "Normal": (11, False, 0, 0, 0),
        "Title": (17, True, 0, 4, 0),
        "Subtitle": (12, False, 0, 10, 0),
        "Heading 1": (13, True, 14, 5, 0),
        "Heading 2": (11.5, True, 10, 4, 0),
        "Heading 3": (11, True, 8, 3, 0),
        "Body Text": (11, False, 0, 4, 0.8 if chinese else 0.5),
        "Quote": (10, False, 0, 4, 0),
        "Caption": (10, True, 8, 4, 0),
        "Drawing": (11, False, 8, 0, 0),
        "Exhibit Note": (9, False, 0, 10, 0),
        "After Exhibit": (6, False, 0, 4, 0),
        "Bibliography Entry": (10, False, 0, 3, -0.7),
    }
    for name, (size, bold, before, after, indent) in looks.items():
        style = styles[name]
        style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
        style.font.name, style.font.color.rgb = FONT, RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            if "Theme" in key:
                del fonts.attrib[key]
        fonts.set(qn("w:eastAsia"), ASIAN_FONT)
        form = style.paragraph_format
        form.space_before, form.space_after = Pt(before), Pt(after)
        form.first_line_indent, form.left_indent = Cm(indent), Cm(max(0, -indent))
    for name in ("Title", "Subtitle", "Drawing"):
        styles[name].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    styles["Title"].element.get_or_add_pPr().remove_all("w:pBdr")
    styles["Quote"].paragraph_format.left_indent = styles["Quote"].paragraph_format.right_indent = Cm(1)
    styles["Drawing"].paragraph_format.keep_with_next = True
    properties = document.core_properties
    properties.author, properties.title, properties.comments = "", "", ""
    properties.created = properties.modified = datetime(*EPOCH)
    return document


def _number_pages(paragraph: Paragraph) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)
