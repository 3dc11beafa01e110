"""Typesets the manuscript."""

from __future__ import annotations

from pathlib import Path

from ronghe.errors import RongheError
from ronghe.paper.formats.escape import has_chinese


def typeset(source: str | Path, target: str | Path, language: str = "en") -> None:
    """Compile the Typst manuscript to PDF in the face of the figures, which comes with Matplotlib; Chinese signs, in
    whatever language the paper is, add the fonts installed.

    Numbers, tables and figures are those beside the PDF, which lies somewhere below the folder of the manuscript.
    """
    import matplotlib
    import typst

    made_here = [*Path(target).parent.glob("*.typ"), *Path(target).parent.glob("tables/*.typ")]
    chinese = language == "zh" or any(has_chinese(path.read_text(encoding="utf-8")) for path in made_here)
    if chinese:
        from ronghe.paper.figures.canvas import chinese_font

        chinese_font()
    root = Path(source).resolve().parent
    made = "/" + Path(target).resolve().parent.relative_to(root).as_posix()
    try:
        typst.compile(
            str(source),
            output=str(target),
            root=str(root),
            font_paths=[str(Path(matplotlib.get_data_path(), "fonts", "ttf"))],
            ignore_system_fonts=not chinese,
            sys_inputs={"language": language, "made": made},
        )
    except typst.TypstError as error:
        hints = "; ".join(getattr(error, "hints", []) or [])
        raise RongheError(f"{source}: Typst stops: {error}{'; ' + hints if hints else ''}") from None
