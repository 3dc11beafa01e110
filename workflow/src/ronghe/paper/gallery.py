"""Writes docs/gallery.md: every kind of figure with its picture and the entry of config/figures.yaml that drew it.

`python -m ronghe.paper.gallery` makes page and pictures again, from the figures of a finished run. A picture carries
the hash of its entry, so that a test sees when the entry has moved on.
"""

from __future__ import annotations

import ast
import hashlib
import re
import textwrap
from pathlib import Path

import yaml

from ronghe.errors import RongheError
from ronghe.files import write_text

ENTRIES = Path("config/figures.yaml")
DRAWN = Path("paper/china_provinces/en/figures")
PAGE, PICTURES = Path("docs/gallery.md"), Path("docs/images/figures")
WIDTH, COLOURS = 620, 48
MARK = "entry"


def texts(source: str) -> dict[str, str]:
    """Return the text of every entry of the configuration, as it stands there."""
    blocks = re.split(r"^  (?=\w+:)", source.partition("\nfigures:\n")[2], flags=re.M)[1:]
    return {block.partition(":")[0]: textwrap.dedent(f"  {block.rstrip()}") for block in blocks}


def mark(text: str) -> str:
    """Return what a picture carries of the entry that drew it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def shown(source: str) -> dict[str, str]:
    """Return the entry that stands for each kind: the first in the configuration."""
    kinds: dict[str, str] = {}
    for name, entry in yaml.safe_load(source)["figures"].items():
        kinds.setdefault(entry["kind"], name)
    return kinds


def gallery(source: str, modules: Path) -> str:
    """Return the page: for each kind the first entry of that kind, and the names of the others."""
    entries, written = yaml.safe_load(source)["figures"], texts(source)
    lines = [
        "# Gallery of figures",
        "",
        "Every kind of figure that `config/figures.yaml` can name, with an entry and what it draws; all are PDF, SVG",
        "and PNG, in English or Chinese. Which keys a kind takes stands in `workflow/schemas/figures.schema.yaml`.",
        "Written by `python -m ronghe.paper.gallery` from a finished run.",
    ]
    for kind, name in sorted(shown(source).items()):
        others = [f"`{other}`" for other, entry in entries.items() if entry["kind"] == kind and other != name]
        about = ast.get_docstring(ast.parse((modules / f"{kind}.py").read_text(encoding="utf-8")))
        lines += ["", f"## {kind}", "", " ".join(about.partition("\n\n")[0].split()), ""]
        lines += [f"![{entries[name]['caption']['en']}](images/figures/{kind}.png)", ""]
        lines += ["```yaml", written[name], "```"]
        if others:
            lines += ["", "Others of this kind: " + ", ".join(others) + "."]
    return "\n".join([*lines, ""])


def picture(drawn: Path, text: str, target: Path) -> None:
    """Save a drawn figure small: scaled down, few colours, with the mark of its entry."""
    from PIL import Image, PngImagePlugin

    if not drawn.is_file():
        raise RongheError(f"{drawn}: not drawn yet; make it with: snakemake {drawn}")
    with Image.open(drawn) as image:
        height = round(image.height * WIDTH / image.width)
        small = image.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(COLOURS)
    said = PngImagePlugin.PngInfo()
    said.add_text(MARK, mark(text))
    small.save(target, optimize=True, pnginfo=said)


def main() -> None:
    """Write page and pictures of the project in the current folder."""
    source = ENTRIES.read_text(encoding="utf-8")
    PICTURES.mkdir(parents=True, exist_ok=True)
    written = texts(source)
    for kind, name in shown(source).items():
        picture(DRAWN / f"{name}.png", written[name], PICTURES / f"{kind}.png")
    write_text(PAGE, gallery(source, Path(__file__).with_name("figures")))


if __name__ == "__main__":
    main()
