"""Tables of impacts: an impact per column, or a specification per column."""

from __future__ import annotations

from pathlib import Path

from paper.builders import LABELS
from ronghe.paper.labels import Labels
from ronghe.paper.render_table import build_table


def test_impacts_stand_in_columns_or_in_groups(models: Path) -> None:
    entry = {"kind": "impacts", "caption": "Effects", "columns": ["sdm"], "rows": ["coagglomeration"]}
    table = build_table("impacts", entry, Labels(LABELS), models=str(models))
    assert table.header == [["Direct", "Indirect", "Total"]]
    assert table.rows[0] == ("", "Co-agglomeration", ["0.035", "0.190", "0.225"])
    both = {**entry, "columns": ["sdm", {"specification": "sdm", "heading": "again"}]}
    table = build_table("impacts", both, Labels(LABELS), models=str(models))
    assert table.rows[2] == ("Co-agglomeration", "Indirect", ["0.190", "0.190"])
