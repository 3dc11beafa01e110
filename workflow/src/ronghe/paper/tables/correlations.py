"""Tables of correlations among variables of the panel."""

from __future__ import annotations

from ronghe.paper import cells
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.sources import Sources
from ronghe.paper.tables.panel_variables import named_variables, sample_of


def build(source: Sources) -> Exhibit:
    """Build the lower triangle of the correlations among variables."""
    labels = source.labels
    variables = [variable for _, variable in named_variables(source)]
    matrix = sample_of(source, variables)[variables].corr()
    digits = source.get("digits", 2)
    rows = []
    for i, variable in enumerate(variables):
        printed = [cells.fixed(matrix.iloc[i, j], digits) if j <= i else "" for j in range(len(variables))]
        rows.append(("", f"({i + 1}) {labels.variable(variable)}", printed))
    header = [[f"({i + 1})" for i in range(len(variables))]]
    notes = source.notes(labels.word("notes.correlation"))
    return source.exhibit(rows, header, stub=labels.word("variable"), notes=notes)
