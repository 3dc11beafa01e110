"""CSV for a table: the printed cells under one header line."""

from __future__ import annotations

import pandas as pd

from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats.escape import spreadsheet


def render_csv(table: Exhibit) -> str:
    """Return the printed cells; the levels of a heading are joined, and groups of rows get a column."""
    heads = [" ".join(dict.fromkeys(filter(None, parts))) for parts in zip(*table.header, strict=True)]
    frame = pd.DataFrame([cells for _, _, cells in table.rows], columns=heads)
    frame.insert(0, table.stub or "row", [label for _, label, _ in table.rows], allow_duplicates=True)
    if table.show_groups:
        frame.insert(0, "group", [group for group, _, _ in table.rows], allow_duplicates=True)
    frame.columns = frame.columns.map(spreadsheet)
    return frame.map(spreadsheet).to_csv(index=False, lineterminator="\n")
