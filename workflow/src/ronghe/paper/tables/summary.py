"""Tables of summary statistics: mean, spread, extremes and count of variables of the panel."""

from __future__ import annotations

from ronghe.paper import cells
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.sources import Sources
from ronghe.paper.tables.panel_variables import named_variables, sample_of
from ronghe.paper.variable_statistics import STATISTICS, summarise


def build(source: Sources) -> Exhibit:
    """Build mean, spread (overall, between and within regions), extremes and count of each variable."""
    labels = source.labels
    variables = named_variables(source)
    panel = sample_of(source, [variable for _, variable in variables])
    digits, statistics = source.get("digits", 3), source.get("statistics", STATISTICS)
    rows = []
    for group, variable in variables:
        numbers = summarise(panel[variable])
        printed = [cells.fixed(numbers[s], _digits(digits, numbers)) for s in statistics]
        rows.append((group, labels.variable(variable), [*printed, cells.integer(panel[variable].notna().sum())]))
    years, regions = panel.index.get_level_values("year"), panel.index.get_level_values("region")
    size = labels.word("notes.panel", regions.nunique(), years.nunique(), years.min(), years.max(), len(panel))
    return source.exhibit(
        rows,
        [[*(labels.word(s) for s in statistics), labels.word("n")]],
        stub=labels.word("variable"),
        notes=source.notes(size, labels.word("notes.spread")),
        show_groups=any(group for group, _ in variables),
    )


def _digits(digits: int, numbers: dict[str, float]) -> int:
    """Print large variables with fewer decimals, so that a column of a table stays narrow."""
    size = max(abs(numbers["min"]), abs(numbers["max"]))
    return digits if size < 100 else max(0, digits - 2) if size < 10_000 else 0
