"""Typesets the manuscript as PDF, and as a Word document for co-authors who edit there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ronghe.errors import RongheError
from ronghe.files import write_bytes
from ronghe.paper.formats.escape import has_chinese

# Below the data of Matplotlib.
FONTS = Path("fonts", "ttf")


def typeset(source: str | Path, target: str | Path, language: str = "en") -> None:
    """Compile the Typst manuscript to PDF in the face of the figures, which comes with Matplotlib; Chinese signs, in
    whatever language the paper is, add the fonts installed.

    Numbers, tables and figures are those beside the PDF, which lies somewhere below the folder of the manuscript.
    """
    made_here = [*Path(target).parent.glob("*.typ"), *Path(target).parent.glob("tables/*.typ")]
    chinese = language == "zh" or any(has_chinese(path.read_text(encoding="utf-8")) for path in made_here)
    if chinese:
        from ronghe.paper.figures.canvas import chinese_font

        chinese_font()
    page = _compile(
        source,
        Path(target).parent,
        {"language": language},
        format="pdf",
        font_paths=[str(_fonts())],
        ignore_system_fonts=not chinese,
    )
    write_bytes(target, page)


def _fonts() -> Path:
    """Return the folder of Matplotlib's fonts, where it can be without the 0.2 s that importing Matplotlib takes."""
    folder = Path(find_spec("matplotlib").origin).parent / "mpl-data"
    if not (folder / FONTS).is_dir():
        # Some systems keep its data apart from its code.
        from matplotlib import get_data_path

        folder = Path(get_data_path())
    if not (folder / FONTS).is_dir():
        raise RongheError(f"{folder / FONTS}: no such folder; install Matplotlib anew, whose fonts the paper is set in")
    return folder / FONTS


def write_word(source: str | Path, target: str | Path, language: str = "en") -> None:
    """Write the manuscript as .docx: Typst evaluates its text, the finished tables and drawings are put in."""
    from ronghe.paper.formats.word_manuscript import write_manuscript

    folder = Path(target).parent
    write_bytes(Path(target), write_manuscript(evaluate(source, folder, language), folder, language))


def evaluate(source: str | Path, folder: Path, language: str) -> str:
    """Return what the manuscript says for Word, as HTML; no page is set, so that no font is looked for."""
    inputs = {"language": language, "target": "word"}
    return _compile(source, folder, inputs, format="html", ignore_system_fonts=True).decode("utf-8")


def _compile(source: str | Path, folder: Path, inputs: dict[str, str], **options: object) -> bytes:
    """Run Typst on a document whose numbers and exhibits lie in `folder`."""
    import typst

    root = Path(source).resolve().parent
    made = "/" + folder.resolve().relative_to(root).as_posix()
    try:
        return typst.compile(str(source), root=str(root), sys_inputs={**inputs, "made": made}, **options)
    except typst.TypstError as error:
        hints = "; ".join(getattr(error, "hints", []) or [])
        raise RongheError(f"{source}: Typst stops: {error}{'; ' + hints if hints else ''}") from None
