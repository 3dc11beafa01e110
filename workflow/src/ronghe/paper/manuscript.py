"""Typesets the manuscript."""

from __future__ import annotations

from pathlib import Path

from ronghe.errors import RongheError


def typeset(source: str | Path, target: str | Path, language: str = "en") -> None:
    """Compile the Typst manuscript to PDF in the face of the figures, which comes with Matplotlib; Chinese adds fonts installed."""
    import matplotlib
    import typst

    if language == "zh":
        from ronghe.paper.figures.canvas import chinese_font

        chinese_font()
    try:
        typst.compile(
            str(source),
            output=str(target),
            root=str(Path(source).resolve().parent),
            font_paths=[str(Path(matplotlib.get_data_path(), "fonts", "ttf"))],
            ignore_system_fonts=language != "zh",
            sys_inputs={"language": language},
        )
    except typst.TypstError as error:
        hints = "; ".join(getattr(error, "hints", []) or [])
        raise RongheError(f"{source}: Typst stops: {error}{'; ' + hints if hints else ''}") from None
