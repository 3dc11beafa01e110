"""Writes an exhibit in every format that there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ronghe.files import write_bytes
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats.csv import render_csv
from ronghe.paper.formats.html import render_html
from ronghe.paper.formats.tex import render_tex
from ronghe.paper.formats.typst import render_typst
from ronghe.paper.formats.word import render_word

FORMATS: dict[str, Callable[[Exhibit], str | bytes]] = {
    "tex": render_tex,
    "typ": render_typst,
    "docx": render_word,
    "html": render_html,
    "csv": render_csv,
}


def write_exhibit(exhibit: Exhibit, folder: str | Path) -> None:
    """Write NAME.tex, NAME.typ, NAME.docx, NAME.html and NAME.csv into a folder."""
    folder = Path(folder)
    for ending, render in FORMATS.items():
        content = render(exhibit)
        content = content.encode("utf-8") if isinstance(content, str) else content
        write_bytes(folder / f"{exhibit.name}.{ending}", content)
