"""Opens a figure in the project's style and saves it as PDF, SVG and PNG, equal byte for byte on every run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ronghe.errors import RongheError
from ronghe.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

STYLE = Path(__file__).with_name("ronghe.mplstyle")
# Print widths in inches: one text column, and the full text width.
WIDTHS = {"half": 3.1, "full": 6.2}
CJK_FONTS = (
    "Noto Serif CJK SC",
    "Noto Serif SC",
    "Source Han Serif SC",
    "Noto Serif CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Heiti SC",
    "AR PL UMing CN",
)
CJK_FILES = ("CJK", "SourceHan", "NotoSansSC", "wqy", "simhei", "SimHei", "msyh", "PingFang", "uming")


@contextmanager
def canvas(language: str = "en") -> Iterator[None]:
    """Draw inside this context: the style file, and a Chinese font where the language needs one."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.style

    with matplotlib.style.context(str(STYLE)):
        if language == "zh":
            matplotlib.rcParams["font.family"] = ["STIXGeneral", chinese_font(), "DejaVu Sans"]
        else:
            # Names of regions may be Chinese in a paper in English.
            matplotlib.rcParams["font.family"] = ["STIXGeneral", "DejaVu Sans", *installed_chinese_fonts()[:1]]
        yield


def chinese_font() -> str:
    """Return an installed font that has Chinese signs, or say which package brings one."""
    for name in installed_chinese_fonts():
        return name
    raise RongheError(
        "text in Chinese needs a font with Chinese signs and none is installed; "
        "install one (Debian: apt install fonts-noto-cjk; Fedora: google-noto-sans-cjk-fonts), or give labels and "
        "names in English and set language: en"
    )


def installed_chinese_fonts() -> list[str]:
    """Return the installed fonts that have Chinese signs, the best first."""
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    if not there.intersection(CJK_FONTS):
        # The list of fonts is cached: one that was installed since is found on disk.
        for path in sorted(font_manager.findSystemFonts()):
            if any(word in Path(path).name for word in CJK_FILES):
                font_manager.fontManager.addfont(path)
        there = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in CJK_FONTS if name in there]


def save(figure: Figure, name: str, folder: str | Path) -> None:
    """Write NAME.pdf, NAME.svg and NAME.png without dates or program versions."""
    import matplotlib.pyplot as plt

    undated = {"pdf": ("CreationDate", "Producer", "Creator"), "svg": ("Date", "Creator"), "png": ("Software",)}
    with warnings.catch_warnings():
        # An empty box in the place of a sign is a fault, not a remark.
        warnings.filterwarnings("error", message="Glyph .* missing from")
        try:
            _settle(figure)
            for ending, entries in undated.items():
                with replacing(Path(folder, f"{name}.{ending}")) as part:
                    figure.savefig(part, metadata=dict.fromkeys(entries))
        except UserWarning as warning:
            raise RongheError(
                f"figures.{name}: no installed font has a sign of it ({warning}); install a font that has it (Chinese: "
                "apt install fonts-noto-cjk), or change the label or name that holds it"
            ) from None
        finally:
            plt.close(figure)


def _settle(figure: Figure) -> None:
    """Lay the figure out once, to six digits: the last of its solver differ from run to run and name clips."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis in figure.axes:
        axis.set_position([round(x, 6) for x in axis.get_position(original=True).bounds])


def panels(n: int, columns: int, width: str, height: float) -> tuple[Figure, list]:
    """Open a figure of `n` panels, `height` inches each, and return it with its axes."""
    import matplotlib.pyplot as plt

    columns = min(columns, n)
    rows = -(-n // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTHS[width], rows * height), squeeze=False)
    flat = list(axes.ravel())
    for spare in flat[n:]:
        spare.set_axis_off()
    return figure, flat[:n]


def year_axis(axis: Axes, years: ArrayLike) -> None:
    """Put a tick at every year, or at every second or fifth where there are many."""
    first, last = int(np.min(years)), int(np.max(years))
    step = 1 if last - first <= 4 else 2 if last - first <= 12 else 5
    axis.set_xticks(range(first, last + 1, step))
