"""Every exhibit in one document: the tables for a co-author who writes in Word, all for one who writes in LaTeX."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ronghe.paper.formats.escape import tex

if TYPE_CHECKING:
    from docx.document import Document

_FIGURE = r"""\begin{{figure}}[htbp]
\centering
\includegraphics[width=\linewidth,height=0.8\textheight,keepaspectratio]{{figures/{name}.pdf}}
\caption{{{caption}}}\label{{fig:{name}}}
{notes}\end{{figure}}"""
_NOTES = r"\par\smallskip\begin{{minipage}}{{\linewidth}}\footnotesize {}\end{{minipage}}" + "\n"
# The supplement counts anew, S before its numbers; what neither document shows counts on behind it as U.
_COUNTERS = r"""\clearpage
\renewcommand{{\thetable}}{{{0}\arabic{{table}}}}\setcounter{{table}}{{0}}
\renewcommand{{\thefigure}}{{{0}\arabic{{figure}}}}\setcounter{{figure}}{{0}}"""


def gather_word(paths: dict[str | Path, str], title: str) -> bytes:
    """Return the documents joined in the order given, each with its number (`Table 3. `) before its caption.

    python-docx has no way to join documents. All come from one template, so their bodies can stand one after the other
    on a page; where the page turns, a paragraph that carries the section's page ends what stands before.
    """
    import docx
    from docx.oxml import OxmlElement

    from ronghe.paper.formats.word import EPOCH, LONGEST_TITLE, as_bytes

    documents = [_numbered(docx.Document(path), number) for path, number in paths.items()]
    first, *others = documents
    body = first.element.body
    for other in others:
        gap = OxmlElement("w:p")
        if other.sections[0].orientation != first.sections[-1].orientation:
            properties = OxmlElement("w:pPr")
            properties.append(body.sectPr)
            gap.append(properties)
            body.append(gap)
            elements = list(other.element.body)
            body.extend(deepcopy(element) for element in elements)
        else:
            body.sectPr.addprevious(gap)
            for element in other.element.body:
                if element is not other.element.body.sectPr:
                    body.sectPr.addprevious(deepcopy(element))
    known = first.core_properties
    known.author, known.title, known.comments = "", title[:LONGEST_TITLE], ""
    known.created = known.modified = datetime(*EPOCH)
    return as_bytes(first)


def _numbered(document: Document, number: str) -> Document:
    """Put a number before the caption, which is the first paragraph."""
    if number:
        document.paragraphs[0].runs[0].text = f"{number} {document.paragraphs[0].runs[0].text}"
    return document


def gather_tex(
    tables: dict[str, str], figures: dict[str, str], said: dict[str, dict[str, str | None]], chinese: bool = False
) -> str:
    """Return one LaTeX document that holds every table and figure under its number, for plain TeX Live.

    `tables` and `figures` map names to numbers, in order; `said` holds the caption and the notes of every figure.
    """
    lines = [
        "% Every table and figure of the paper in one document, numbered as the paper numbers them.",
        "\\documentclass[11pt]{article}",
        "\\usepackage[UTF8]{ctex}" if chinese else "\\usepackage[T1]{fontenc}",
        "\\usepackage[margin=2cm]{geometry}",
        "\\usepackage{array,booktabs,longtable,graphicx}",
        "\\extrafloats{300}\\maxdeadcycles=1000",
        "\\renewcommand{\\topfraction}{0.95}\\renewcommand{\\textfraction}{0.02}\\renewcommand{\\floatpagefraction}{0.6}",
        "\\setcounter{topnumber}{6}\\setcounter{totalnumber}{8}",
        "\\begin{document}",
    ]
    for prefix in ("", "S", "U"):
        shown = [[n for n, number in part.items() if _prefix(number) == prefix] for part in (tables, figures)]
        if prefix and any(shown):
            lines.append(_COUNTERS.format(prefix))
        lines += [f"\\input{{tables/{name}.tex}}" for name in shown[0]]
        lines += [_figure(name, **said[name]) for name in shown[1]]
    return "\n".join([*lines, "\\end{document}", ""])


def _prefix(number: str) -> str:
    return "U" if not number else "S" if number.startswith("S") else ""


def _figure(name: str, caption: str, notes: str | None) -> str:
    return _FIGURE.format(name=name, caption=tex(caption), notes=_NOTES.format(tex(notes)) if notes else "")
