"""Settings of the documentation: Sphinx, Markdown by MyST, the furo theme; built without network by `make docs`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "src"))

import ronghe  # noqa: E402

project, author, copyright = "Ronghe", "The Ronghe authors", "The Ronghe authors"
version = release = ronghe.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
nb_execution_mode = "off"
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Ronghe 融合"
html_copy_source = False
myst_heading_anchors = 3
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "none"
# Links into the repository are right on GitHub and have no page here.
suppress_warnings = ["myst.xref_missing"]


def as_text(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn our plain docstrings into reStructuredText: signs, aligned lines and examples stay as they are."""
    made: list[str] = []
    for block in "\n".join(lines).split("\n\n"):
        rows = block.splitlines()
        if rows and rows[0].lstrip().startswith(">>>"):
            made += [*rows, ""]
        elif rows and all(row.lstrip().startswith("- ") or row.startswith("  ") for row in rows):
            made += [_escaped(row) for row in rows] + [""]
        elif any(re.search(r"^\s|\S {2,}\S", row) for row in rows):
            made += ["::", "", *(f"    {row}" for row in rows), ""]
        else:
            made += [_escaped(row) for row in rows] + [""]
    lines[:] = made


def _escaped(row: str) -> str:
    """Escape what reStructuredText would read as markup, outside code."""
    parts = re.split(r"(`[^`]*`)", row)
    plain = [p if p.startswith("`") else re.sub(r"([*|_\\`])", r"\\\1", p) for p in parts]
    return "".join(f"`{p}`" if p.startswith("`") and len(p) > 1 else p for p in plain)


def setup(app: object) -> None:
    """Read docstrings as plain text."""
    app.connect("autodoc-process-docstring", as_text)
