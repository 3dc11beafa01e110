"""Turns one table entry of the configuration into its files, from stored results only."""

from __future__ import annotations

from pathlib import Path

from ronghe.frames import read_panel
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.labels import Labels
from ronghe.paper.results import MODELS
from ronghe.paper.tables.effects import effects_table
from ronghe.paper.tables.panel import correlation_table, summary_table
from ronghe.paper.tables.regression import regression_table
from ronghe.paper.tables.stored import stored_table


def build_table(
    name: str,
    entry: dict,
    labels: Labels,
    *,
    panel: list[str] = (),
    files: list[str] = (),
    models: str = MODELS,
) -> Exhibit:
    """Return the table that an entry declares."""
    kind = entry["kind"]
    if kind == "regression":
        return regression_table(name, entry, labels, models)
    if kind == "effects":
        return effects_table(name, entry, labels, models)
    if kind == "summary":
        return summary_table(name, entry, labels, read_panel(*panel))
    if kind == "correlations":
        return correlation_table(name, entry, labels, read_panel(*panel))
    return stored_table(name, entry, labels, list(files))


def render_table(name: str, entry: dict, labels: Labels, folder: str | Path, **sources: object) -> None:
    """Write the table that an entry declares in all formats."""
    build_table(name, entry, labels, **sources).write(folder)
