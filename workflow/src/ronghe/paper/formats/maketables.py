"""An exhibit as a table of the package maketables, which lays out Word and HTML.

Measured with maketables 0.2 and used through its public interface, `MTable(...).make(type)`. It lacks:
- alignment at the decimal point: cells are centred as they are, so Word gets padded cells and HTML marked ones;
- a heading above the row labels: it is put into the finished document;
- in Word, header rows that repeat on the next page, widths of columns, a page across, a caption without a field code,
  an East Asian font and fixed dates: `word` adds them;
- in HTML, an identifier that is the same in two runs, and "R²" without markup inside attributes: `html` mends both.
TeX and Typst do not come from it: it leaves TeX and most Typst signs unescaped and cannot break a table over pages.
"""

from __future__ import annotations

import pandas as pd

from ronghe.late_imports import late
from ronghe.paper.exhibit import Exhibit

# For notebooks, and for icons: a third of the import.
with late("IPython", "faicons"):
    from maketables import MTable


def as_mtable(exhibit: Exhibit, columns: list[list[str]], caption: str | None = None) -> MTable:
    """Return the exhibit with its cells, column by column, as a format wants them."""
    frame = pd.DataFrame(dict(enumerate(columns)), dtype=object)
    header = exhibit.header
    frame.columns = pd.Index(header[0]) if len(header) == 1 else pd.MultiIndex.from_arrays(header)
    frame.index = pd.MultiIndex.from_tuples([(group, label) for group, label, _ in exhibit.rows])
    return MTable(
        frame,
        notes=exhibit.notes,
        caption=caption,
        tab_label=exhibit.label,
        rgroup_sep="t",
        rgroup_display=exhibit.show_groups,
    )
