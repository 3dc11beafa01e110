"""Which tables and figures show a variable, a specification or a stored file, so that a view can lead there."""

from __future__ import annotations

from ronghe.paper.declaration import specifications_of, stored_files, variables_of
from ronghe.paper.explorer.book import Book

# The file of an exhibit that a browser shows.
SHOWN = {"tables": "html", "figures": "svg"}


def exhibits(config: dict, book: Book) -> list[dict]:
    """Return every exhibit with its caption, its file beside the page, and what it shows."""
    return [
        {
            "key": f"{part}/{name}",
            "caption": book.both(lambda labels, entry=entry: labels.text(entry.get("caption"))),
            "file": f"{part}/{name}.{ending}",
            "variables": variables_of(entry),
            "specifications": specifications_of(entry),
            "files": [path.removeprefix("<results>/") for path in stored_files(entry)],
        }
        for part, ending in SHOWN.items()
        for name, entry in config[part].items()
    ]
