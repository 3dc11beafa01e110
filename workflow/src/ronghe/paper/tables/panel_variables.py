"""The variables and the years of the panel that a table shows."""

from __future__ import annotations

import pandas as pd

from ronghe.paper.sources import Sources


def named_variables(source: Sources) -> list[tuple[str, str]]:
    """Return (group, variable) in the order of the entry: one list, or named groups of lists."""
    found = []
    for item in source.entry["variables"]:
        alone = isinstance(item, str)
        group, members = ("", [item]) if alone else (source.labels.text(item["group"]), item["members"])
        found += [(group, variable) for variable in members]
    return found


def sample_of(source: Sources, variables: list[str]) -> pd.DataFrame:
    """Return the panel in the years of the entry; every variable must be there."""
    panel = source.panel(variables, "variables")
    if "years" not in source.entry:
        return panel
    first, last = source.entry["years"]
    years = panel.index.get_level_values("year")
    return panel[(years >= first) & (years <= last)]
