"""One Word document that holds every table, each on a page of its own, for a co-author who writes in Word."""

from __future__ import annotations

import io
from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime
from pathlib import Path

from ronghe.paper.formats.word import EPOCH, without_dates


def gather_documents(paths: Iterable[str | Path], title: str) -> bytes:
    """Return the documents joined in the order given; each keeps its own page, upright or across.

    python-docx has no way to join documents. All come from one template, so their bodies can stand one after the other;
    a paragraph that carries the section's page ends each but the last.
    """
    import docx
    from docx.oxml import OxmlElement

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
    buffer = io.BytesIO()
    first.save(buffer)
    return without_dates(buffer.getvalue())
