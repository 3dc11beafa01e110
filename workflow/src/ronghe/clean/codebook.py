"""The codebook: what every variable of the panel is, where it comes from, and what its figures look like."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ronghe.clean.variable import Variable
from ronghe.clean.variables import Derivation, derivations, variables
from ronghe.clean.yearly import told

COLUMNS = ["variable", "label", "unit", "source", "definition", "n", "mean", "sd", "min", "max", "filled", "suspicious"]


def describe_panel(
    panel: pd.DataFrame, dataset: dict, flags: pd.DataFrame, labels: Mapping[str, Mapping[str, str]], language: str
) -> pd.DataFrame:
    """Return one row per variable: label, unit, source, definition, moments, and how many cells are flagged.

    `sd` has n - 1 in its denominator. A variable without a label goes by its name, in words.
    """
    known = {**variables(dataset), **{d.name: d for d in derivations(dataset)}}
    regions, years = (panel.index.unique(level) for level in panel.index.names)
    inside = flags[flags["region"].isin(regions) & flags["year"].isin(years)]
    counts = inside.groupby(["variable", "kind"]).size()
    rows = []
    for name in panel:
        entry = known[name]
        rows.append(
            {
                "variable": name,
                "label": label(name, labels, language),
                "unit": entry.unit,
                "source": _source(entry, dataset),
                "definition": entry.definition,
                "n": int(panel[name].count()),
                "mean": panel[name].mean(),
                "sd": panel[name].std(ddof=1),
                "min": panel[name].min(),
                "max": panel[name].max(),
                "filled": int(counts.get((name, "filled"), 0)),
                "suspicious": int(counts.get((name, "suspicious"), 0)),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def label(name: str, labels: Mapping[str, Mapping[str, str]], language: str) -> str:
    """Return how a variable is called in print."""
    names = labels.get(name, {})
    return names.get(language) or names.get("en") or name.replace("_", " ")


def _source(entry: Variable | Derivation, dataset: dict) -> str:
    if isinstance(entry, Derivation):
        years = f" ({entry.settings['years']} years)" if "years" in entry.settings else ""
        return f"{entry.operation} of {', '.join(entry.operands)}{years}"
    place, file = entry.indicator or entry.column, told(dataset["tables"][entry.table])
    return f"{file}: {place}" if place else file
