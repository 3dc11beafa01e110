"""Writes what a measure returns, one file per table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ronghe.frames import KEYS, write_csv, write_panel


def write_tables(tables: Mapping[str, pd.DataFrame], paths: Mapping[str, str]) -> None:
    """Write each table to the path of its name; a table keyed by region and year comes out sorted by them."""
    for name, path in paths.items():
        if list(tables[name].index.names) == KEYS:
            write_panel(tables[name], path)
        else:
            write_csv(tables[name], path)


def options(entry: Mapping[str, object]) -> dict[str, object]:
    """Return what a configuration entry says beyond its kind: the arguments of the measure's function."""
    return {key: value for key, value in entry.items() if key != "kind"}
