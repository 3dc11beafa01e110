"""Slips of a whole series, as a yearbook misread by a factor makes them, put through cleaning one at a time."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from unittest import mock

from ronghe.clean import panel
from ronghe.clean.declaration import load_dataset
from ronghe.clean.regions import read_regions
from ronghe.clean.tables import Series
from ronghe.errors import RongheError

PROJECT = Path(__file__).resolve().parents[2]
FACTORS = (10, 0.1, 100, 0.01, 10_000, 0.0001)


@cache
def declared(name: str) -> dict:
    return load_dataset(name, PROJECT / "config/datasets", PROJECT / "workflow/schemas/dataset.schema.yaml")


@cache
def read(name: str) -> dict[str, Series]:
    """Return every series of a shipped dataset as its tables write it."""
    dataset = declared(name)
    _, names = read_regions(dataset, PROJECT / dataset["folder"])
    return panel._read_series(dataset, PROJECT, names)


def slipped(name: str, variable: str, factor: float) -> dict[str, Series]:
    """Return the series with one of them multiplied; a figure out of its declared range is refused as in reading."""
    series = dict(read(name))
    one = series[variable]
    values = one.values * factor
    low, high = one.variable.range
    if (low is not None and (values < low).any().any()) or (high is not None and (values > high).any().any()):
        raise RongheError(f"outside the range of '{variable}'")
    series[variable] = dataclasses.replace(one, values=values)
    return series


def without_plausible(dataset: object) -> object:
    """Return a declaration without its plausible ranges."""
    if isinstance(dataset, dict):
        return {key: without_plausible(value) for key, value in dataset.items() if key != "plausible"}
    return dataset


def outcome(name: str, variable: str, factor: float, plausible: bool) -> str:
    """Return what becomes of a slip: refused, flagged (a cell more among the suspicious) or silent."""
    dataset = declared(name) if plausible else without_plausible(declared(name))
    quiet = mock.patch.object(panel, "flag_oddities", lambda *given: None) if not plausible else mock.MagicMock()
    try:
        with quiet, mock.patch.object(panel, "_read_series", lambda *given: slipped(name, variable, factor)):
            found = panel.clean_dataset(dataset, PROJECT)
    except RongheError:
        return "refused"
    return "flagged" if len(found.flags) > _genuine(name) else "silent"


@cache
def _genuine(name: str) -> int:
    return len(panel.clean_dataset(declared(name), PROJECT).flags)


def table(factors: tuple[float, ...] = FACTORS) -> list[tuple[str, ...]]:
    """Return a row per dataset and kind of series: how many slips, and what became of them without and with ranges."""
    rows = []
    for name in ("china_provinces", "us_states"):
        families = {v for v, one in read(name).items() if ".families." in one.variable.entry}
        for words, chosen in (("single series", set(read(name)) - families), ("series by sector", families)):
            tried = [(variable, factor) for variable in sorted(chosen) for factor in factors]
            told = {way: [outcome(name, v, f, way) for v, f in tried] for way in (False, True)}
            counts = [f"{told[way].count(what)}" for way in (False, True) for what in ("refused", "flagged", "silent")]
            if told[True].count("silent"):
                counts[-1] += " FAILED"
            rows.append((f"{name}, {len(chosen)} {words}", str(len(tried)), *counts))
    return rows
