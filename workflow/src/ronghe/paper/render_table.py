"""Turns one table entry of the configuration into its files, from stored results only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ronghe.batch import make_each
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats.write import write_exhibit
from ronghe.paper.labels import Labels
from ronghe.paper.sources import Sources
from ronghe.paper.tables import correlations, impacts, regression, stored, summary

KINDS: dict[str, Callable[[Sources], Exhibit]] = {
    "regression": regression.build,
    "impacts": impacts.build,
    "summary": summary.build,
    "correlations": correlations.build,
    "stored": stored.build,
}


def build_table(
    name: str,
    entry: dict,
    labels: Labels,
    *,
    panel: Sequence[str] = (),
    files: Sequence[str] = (),
    models: str | Path = "",
) -> Exhibit:
    """Return the table that an entry declares."""
    return KINDS[entry["kind"]](Sources("tables", name, entry, labels, panel, files, models=models))


def render_table(
    name: str,
    entry: dict,
    labels: Labels,
    folder: str | Path,
    *,
    panel: Sequence[str] = (),
    files: Sequence[str] = (),
    models: str | Path = "",
) -> None:
    """Write the table that an entry declares in all formats."""
    write_exhibit(build_table(name, entry, labels, panel=panel, files=files, models=models), folder)


def render_tables(
    entries: dict[str, dict],
    labels: Labels,
    folder: str | Path,
    *,
    reads: dict[str, dict[str, Sequence[str]]],
    models: str | Path = "",
) -> None:
    """Write the tables of a section, each from the files that it reads; all are tried, and every fault is told."""

    def render(name: str) -> None:
        read = reads[name]
        render_table(name, entries[name], labels, folder, panel=read["panel"], files=read["files"], models=models)

    make_each(entries, render)
