"""Typesets the manuscript."""

from __future__ import annotations

from pathlib import Path

from ronghe.errors import RongheError


def typeset(source: str | Path, target: str | Path, language: str = "en") -> None:
    """Compile the Typst manuscript to PDF with the fonts that come with the compiler; Chinese adds those installed."""
    import typst

    if language == "zh":
        from ronghe.paper.figures.canvas import chinese_font

        chinese_font()
    try:
        typst.compile(
            str(source),
            output=str(target),
            root=str(Path(source).resolve().parent),
            ignore_system_fonts=language != "zh",
            sys_inputs={"language": language},
        )
    except typst.TypstError as error:
        hints = "; ".join(getattr(error, "hints", []) or [])
        raise RongheError(f"{source}: Typst stops: {error}{'; ' + hints if hints else ''}") from None
