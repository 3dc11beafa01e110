"""Writes explorer.html: the views' data, the words, the style, the program and its charts in one file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ronghe.errors import RongheError, listing
from ronghe.files import write_text
from ronghe.frames import read_csv, read_panel
from ronghe.models.multiverse.declaration import Multiverse
from ronghe.paper.explorer import estimates, multiverse, spread, where
from ronghe.paper.explorer.book import Book, read_words
from ronghe.paper.explorer.exhibits import exhibits
from ronghe.paper.explorer.many import Shown
from ronghe.paper.formats.escape import spreadsheet
from ronghe.paper.labels import LANGUAGES
from ronghe.paper.results import Fit

HERE = Path(__file__).parent
# The libraries that draw, with their licences and checksums in vendor/; then ours, in the order of their use.
VENDORED = ("d3.min.js", "plot.umd.min.js")
# Bytes of the page at most, and what the multiverse needs of them beside its members.
MOST_BYTES, BESIDE = 2_950_000, 150_000
PROGRAM = ("kit", "charts", "where", "estimates", "packed", "multiverse", "spread", "whatif", "tables", "app")


@dataclass(frozen=True)
class Given:
    """What the page is made from: parts of the configuration, and where the stored results lie."""

    config: dict
    panel: list[str]
    regions: str
    variables: list[str]
    specifications: list[str]
    processed: str
    results: str
    facts: dict[str, str]

    @property
    def language(self) -> str:
        """The language in which the page opens."""
        return self.config["language"]


def write_explorer(path: str | Path, given: Given) -> None:
    """Write the page."""
    write_text(path, page(gather(given, Path(path).parent), given.language))


def gather(given: Given, folder: Path) -> dict:
    """Return all that the page holds, as plain data; what a dataset has not is empty there."""
    config, results = given.config, given.results
    book = Book(config["labels"], given.language)
    every = read_panel(*given.panel)
    shown = Shown.of_panel(given.regions, every)
    panel = shown.panel(every)
    regions, tiled = where.regions(given.regions, panel, book, shown)
    order = [region["key"] for region in regions if region["inside"]]
    place = {region: k for k, region in enumerate(order)}
    fits = [Fit.read(name, f"{results}/models") for name in given.specifications]
    measures = config.get("measures", {})
    named = dict.fromkeys(variable.partition(".")[0] for variable in given.variables if "." in variable)
    indices, couplings = (
        [name for name in named if measures.get(name, {}).get("kind") == kind] for kind in ("index", "coupling")
    )
    declared = Multiverse.of(config)
    book.call("none", lambda labels: labels.word("effects.none"))
    data = {
        "language": given.language,
        "languages": list(LANGUAGES),
        "words": {key: [word[language] for language in LANGUAGES] for key, word in read_words().items()},
        "facts": given.facts,
        "root": Path(os.path.relpath(Path.cwd(), folder.resolve())).as_posix(),
        "regions": regions,
        "places": [place.get(region["key"]) for region in regions],
        "tiled": tiled,
        "shown": {"how": shown.how, "of": shown.of, "count": shown.count},
        "where": where.variables(panel, given.variables, order, measures, results, book)
        | {"panel": f"{given.processed}/panel.parquet"},
        "profiles": where.profiles(indices, order, results, book, shown),
        "obstacles": where.obstacles(couplings, order, results, book, shown),
        "fits": estimates.fits(fits, results, book),
        "spread": spread.spread(fits if shown.how == "all" else [], panel, order, results, book),
        "tables": [_table(name, entry, book, folder / "tables") for name, entry in config["tables"].items()],
        "exhibits": exhibits(config, book),
        "names": book.names,
    }
    room = MOST_BYTES - BESIDE - len(page(data, given.language).encode("utf-8"))
    return data | {"multiverse": _multiverse(declared, given, book, room)}


def _multiverse(declared: Multiverse | None, given: Given, book: Book, room: int) -> dict | None:
    if declared is None:
        return None
    return multiverse.multiverse(declared, f"{given.results}/multiverse", given.config["figures"], book, room)


def _table(name: str, entry: dict, book: Book, folder: Path) -> dict:
    frame = read_csv(folder / f"{name}.csv", dtype=str, na_values=[], header=None)
    header, *rows = [[_plain(cell) for cell in row] for row in frame.to_numpy().tolist()]
    caption, notes = (book.both(lambda labels, key=key: labels.text(entry.get(key))) for key in ("caption", "notes"))
    return {"name": name, "caption": caption, "notes": notes, "header": header, "rows": rows}


def _plain(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and spreadsheet(cell[1:]) == cell else cell


def page(data: dict, language: str) -> str:
    """Return the document: every script under its checksum, so that the browser runs these and no other."""
    # Inside a script element "</script" ends the data, and "<!--<script" hides their end.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    scripts = [*(vendored(name) for name in VENDORED), program()]
    allowed = " ".join(f"'sha256-{_checksum(script)}'" for script in scripts)
    parts = {
        "LANGUAGE": language,
        "POLICY": f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'",
        "STYLE": _read("style.css") + _read("layout.css"),
        "DATA": text,
        "SCRIPTS": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    pieces = re.split(r"\{\{(\w+)\}\}", _read("page.html"))
    if sorted(pieces[1::2]) != sorted(parts):
        raise RongheError(f"{HERE / 'page.html'}: its places are {listing(pieces[1::2])}, not {listing(parts)}")
    return "".join(parts[piece] if k % 2 else piece for k, piece in enumerate(pieces))


def program() -> str:
    """Return our own part of the program as one script."""
    parts = "\n".join(_read(f"{name}.js") for name in PROGRAM)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def vendored(name: str) -> str:
    """Return a library as it was received, after holding it against its checksum."""
    content = (HERE / "vendor" / name).read_bytes()
    sums = dict(line.split()[::-1] for line in _read("vendor/SHA256SUMS").splitlines())
    if hashlib.sha256(content).hexdigest() != sums[name]:
        raise RongheError(f"{HERE / 'vendor' / name}: not the file that SHA256SUMS names; put it back: git checkout")
    return content.decode("utf-8")


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _checksum(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
