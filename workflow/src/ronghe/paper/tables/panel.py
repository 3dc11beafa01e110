"""Tables of the panel itself: summary statistics and correlations."""

from __future__ import annotations

import pandas as pd

from ronghe.errors import require_known
from ronghe.paper import cells
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.labels import Labels

STATISTICS = ("mean", "sd", "sd_between", "sd_within", "min", "median", "max")


def summary_table(name: str, entry: dict, labels: Labels, panel: pd.DataFrame) -> Exhibit:
    """Build mean, spread (overall, between and within regions), extremes and count of each variable."""
    panel = _sample(entry, panel)
    digits, statistics = entry.get("digits", 3), entry.get("statistics", list(STATISTICS))
    rows = []
    for group, variable in _variables(name, entry, panel, labels):
        column = panel[variable]
        numbers = summarise(column)
        printed = [cells.fixed(numbers[s], _digits(digits, numbers)) for s in statistics]
        rows.append((group, labels.variable(variable), [*printed, cells.integer(column.notna().sum())]))
    header = [[*(labels.term(s) for s in statistics), labels.term("n")]]
    years = panel.index.get_level_values("year")
    size = labels.term(
        "note_panel",
        panel.index.get_level_values("region").nunique(),
        years.nunique(),
        years.min(),
        years.max(),
        len(panel),
    )
    notes = labels.join([size, labels.term("note_spread"), labels.text(entry.get("notes"))])
    return Exhibit(
        name,
        rows,
        header,
        stub=labels.term("variable"),
        caption=labels.text(entry["caption"]),
        notes=labels.term("note") + notes,
        long=entry.get("long", False),
        show_groups=any(group for group, _, _ in rows),
        language=labels.language,
    )


def summarise(column: pd.Series) -> dict[str, float]:
    """Return the statistics of one variable; between is over regional means, within over deviations from them.

    Both use the divisor n - 1 of their own number of values (regions, region-years), as `xtsum` does.
    """
    means = column.groupby(level="region").mean()
    deviations = column - means.reindex(column.index.get_level_values("region")).to_numpy()
    return {
        "mean": column.mean(),
        "sd": column.std(),
        "sd_between": means.std(),
        "sd_within": deviations.std(),
        "min": column.min(),
        "median": column.median(),
        "max": column.max(),
    }


def correlation_table(name: str, entry: dict, labels: Labels, panel: pd.DataFrame) -> Exhibit:
    """Build the lower triangle of the correlations among variables."""
    panel = _sample(entry, panel)
    variables = [variable for _, variable in _variables(name, entry, panel, labels)]
    matrix = panel[variables].corr()
    digits = entry.get("digits", 2)
    rows = []
    for i, variable in enumerate(variables):
        printed = [cells.fixed(matrix.iloc[i, j], digits) if j <= i else "" for j in range(len(variables))]
        rows.append(("", f"({i + 1}) {labels.variable(variable)}", printed))
    return Exhibit(
        name,
        rows,
        [[f"({i + 1})" for i in range(len(variables))]],
        stub=labels.term("variable"),
        caption=labels.text(entry["caption"]),
        notes=labels.term("note") + labels.join([labels.term("note_correlation"), labels.text(entry.get("notes"))]),
        long=entry.get("long", False),
        language=labels.language,
    )


def _sample(entry: dict, panel: pd.DataFrame) -> pd.DataFrame:
    first, last = entry.get("years", [None, None])
    years = panel.index.get_level_values("year")
    keep = (years >= (first or years.min())) & (years <= (last or years.max()))
    return panel[keep]


def _variables(name: str, entry: dict, panel: pd.DataFrame, labels: Labels) -> list[tuple[str, str]]:
    """Return (group, variable) in the order of the entry: one list, or named groups of lists."""
    found = []
    for item in entry["variables"]:
        group, members = ("", [item]) if isinstance(item, str) else (labels.text(item["group"]), item["members"])
        found += [(group, variable) for variable in members]
    for _, variable in found:
        require_known(variable, panel.columns, "variable", f"tables.{name}.variables")
    return found


def _digits(digits: int, numbers: dict[str, float]) -> int:
    """Print large variables with fewer decimals, so that a column of a table stays narrow."""
    size = max(abs(numbers["min"]), abs(numbers["max"]))
    return digits if size < 100 else max(0, digits - 2) if size < 10_000 else 0
