"""Every exhibit in one document: the tables for a co-author who writes in Word, all for one who writes in LaTeX."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime
from pathlib import Path

from ronghe.paper.formats.escape import tex

_FIGURE = r"""\begin{{figure}}[htbp]
\centering
\includegraphics[width=\linewidth,height=0.8\textheight,keepaspectratio]{{figures/{name}.pdf}}
\caption{{{caption}}}\label{{fig:{name}}}
\end{{figure}}
\clearpage"""


def gather_word(paths: Iterable[str | Path], title: str) -> bytes:
    """Return the documents joined in the order given; each keeps its own page, upright or across.

    python-docx has no way to join documents. All come from one template, so their bodies can stand one after the other;
    a paragraph that carries the section's page ends each but the last.
    """
    import docx
    from docx.oxml import OxmlElement

    from ronghe.paper.formats.word import EPOCH, as_bytes

    first, *others = [docx.Document(path) for path in paths]
    body = first.element.body
    for other in others:
        page_end = OxmlElement("w:p")
        properties = OxmlElement("w:pPr")
        properties.append(body.sectPr)
        page_end.append(properties)
        body.append(page_end)
        for element in other.element.body:
            body.append(deepcopy(element))
    known = first.core_properties
    known.author, known.title, known.comments = "", title, ""
    known.created = known.modified = datetime(*EPOCH)
    return as_bytes(first)


def gather_tex(tables: Iterable[str], captions: dict[str, str], chinese: bool = False) -> str:
    """Return one LaTeX document that holds every table and every figure with its caption, for plain TeX Live."""
    return "\n".join(
        [
            "% Every table and figure of the paper in one document.",
            "\\documentclass[11pt]{article}",
            "\\usepackage[UTF8]{ctex}" if chinese else "\\usepackage[T1]{fontenc}",
            "\\usepackage[margin=2cm]{geometry}",
            "\\usepackage{array,booktabs,longtable,graphicx}",
            "\\begin{document}",
            *(f"\\input{{tables/{name}.tex}}\n\\clearpage" for name in tables),
            *(_FIGURE.format(name=name, caption=tex(caption)) for name, caption in captions.items()),
            "\\end{document}",
            "",
        ]
    )
