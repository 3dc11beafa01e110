"""Runs the notebooks of the documentation, and compares what they print with what is stored in them.

`python -m tests.notebooks` runs them again from the project's folder and keeps the output.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "docs" / "notebooks"
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")
SHOWN = ("text/plain", "text/html")


def read(path: Path) -> NotebookNode:
    """Return a notebook as it is stored; what reads it takes a second to import."""
    import nbformat

    return nbformat.read(path, as_version=4)


def run(path: Path, folder: Path) -> NotebookNode:
    """Return a notebook with the output of a run in a folder, without times."""
    from nbclient import NotebookClient

    notebook = read(path)
    source = str(PROJECT / "workflow" / "src")
    environment = os.environ | {"PYTHONPATH": source, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
    )
    client.execute(env=environment)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def texts(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield what each cell shows as text, with the cell's first line; pictures by their kind alone."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        place = cell.source.partition("\n")[0]
        for output in cell.outputs:
            if output.output_type == "stream":
                yield f"{output.name} of: {place}", output.text
            elif output.output_type == "error":
                yield f"error of: {place}", output.evalue
            else:
                for kind, text in sorted(output.data.items()):
                    yield f"{kind} of: {place}", text if kind in SHOWN else ""


def differences(stored: NotebookNode, made: NotebookNode) -> list[str]:
    """Return where two runs differ: other words, or numbers apart by more than two units of the last digit shown.

    Of a number shown with every digit the last ones are the processor's: 1e-10 of it may differ.
    """
    before, after = list(texts(stored)), list(texts(made))
    found = [f"shown once only: {place}" for place in sorted({p for p, _ in before} ^ {p for p, _ in after})]
    for (place, old), (_, new) in zip(before, after, strict=False):
        if _words(old) != _words(new):
            found.append(f"{place}: other words")
            continue
        for a, b in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True):
            if abs(float(a) - float(b)) > max(2 * unit(a), 1e-10 * abs(float(a))):
                found.append(f"{place}: {a} is {b}")
    return found


def unit(number: str) -> float:
    """Return what one more in the last digit of a number is worth; none for whole numbers."""
    mantissa, _, exponent = number.partition("e")
    digits = mantissa.partition(".")[2]
    return 10.0 ** (int(exponent or 0) - len(digits)) if digits else 0.0


def _words(text: str) -> list[str]:
    """Return a text without its numbers, rules and widths."""
    return re.sub(r"[-=]{3,}", "", NUMBER.sub("#", text)).split()


def main() -> None:
    """Run the notebooks named, or all, and keep their output."""
    import nbformat

    names = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name in names:
        path = FOLDER / f"{name}.ipynb"
        nbformat.write(run(path, PROJECT), path)
        print(f"{path.relative_to(PROJECT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
