"""Reads what a measure uses: the options of its entry, and the tables of other measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ronghe.frames import KEYS, read_csv


def options(entry: Mapping[str, object]) -> dict[str, object]:
    """Return what a configuration entry says beyond its kind and its data: the arguments of the measure's function."""
    return {key: value for key, value in entry.items() if key not in ("kind", "file", "microdata")}


def read_keyed(path: str) -> pd.DataFrame:
    """Read a table of a measure keyed by region and year, its columns under their own names."""
    return read_csv(path).set_index(KEYS).sort_index()


def read_systems(
    systems: Mapping[str, str], scores: Sequence[str], weights: Sequence[str]
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.Series]]:
    """Return scores and indicator weights of the index behind each subsystem; files stand in the subsystems' order."""
    tables = zip(systems, map(read_keyed, scores), map(read_csv, weights), strict=True)
    both = {name: (R, w.set_index("indicator")["weight"]) for name, R, w in tables}
    return {name: R for name, (R, _) in both.items()}, {name: w for name, (_, w) in both.items()}
