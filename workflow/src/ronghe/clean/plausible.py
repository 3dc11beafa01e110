"""Whole series in a wrong unit: totals held against one another, and against what no region of the world has."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from ronghe.clean.bands import Band, bands
from ronghe.clean.checks import COLUMNS
from ronghe.clean.flags import Flags, cells
from ronghe.clean.units import PLAIN, Units
from ronghe.clean.variable import Variable
from ronghe.clean.variables import variables
from ronghe.errors import RongheError

Frames = Mapping[str, pd.DataFrame]
# ASSUME: per resident, no region has more; rounded outwards from the largest figures of any country.
MOST_PER_RESIDENT = {
    "person": 1, "job": 2, "household": 1, "yuan": 2e6, "dollar": 3e5, "euro": 3e5, "subscriber": 10, "vehicle": 3,
    "bed": 0.1, "patent": 1, "km": 1, "tonne of coal equivalent": 100, "kilowatt-hour": 1e5, "tonne": 1e4,
}  # fmt: skip
LEAST_PER_RESIDENT = {"tonne of coal equivalent": 0.01, "kilowatt-hour": 10, "square km": 2e-5, "household": 0.05}
# Figures in tens of thousands that all end in so many zeros were multiplied by that.
ZEROS, ENOUGH = 1000, 20


def check_bands(dataset: dict, frames: Frames) -> pd.DataFrame:
    """Return one row per band and year; a series outside its band in any year is refused."""
    rows = []
    for band in bands(dataset):
        figures = frames[band.name]
        level = figures.median() if band.per is None else _over(figures, frames[band.per])
        for year, figure in (level * band.factor).dropna().items():
            if not band.low <= figure <= band.high:
                raise RongheError(_refusal(band, int(year), figure))
            middle, width = np.sqrt(band.low * band.high), np.sqrt(band.high / band.low)
            row = (band.name, "plausible", int(year), figure, middle, figure / middle - 1, "", width - 1)
            rows.append((*row, int(figures[year].count())))
    return pd.DataFrame(rows, columns=COLUMNS)


def _over(figures: pd.DataFrame, base: pd.DataFrame) -> pd.Series:
    """Return total over total by year, of the regions that have both."""
    both = figures.notna() & base.notna()
    return figures.where(both).sum(min_count=1) / base.where(both).sum(min_count=1).replace(0, np.nan)


def _refusal(band: Band, year: int, figure: float) -> str:
    what = f"the total of '{band.name}' over that of '{band.per}'" if band.per else f"the median of '{band.name}'"
    off = figure / np.sqrt(band.low * band.high)
    times = f"about {off:.2g} times too large" if off > 1 else f"about {1 / off:.2g} times too small" if off else "zero"
    also = f", or with '{band.per}'" if band.per else ""
    return (
        f"{band.entry}: {what} is {figure:.4g} {band.unit} in {year}, plausible are {band.low:g} to {band.high:g} "
        f"({band.source}): {times}; look for a wrong unit, column or row with '{band.name}'{also}, or correct the range"
    )


def flag_oddities(dataset: dict, frames: Frames, flags: Flags) -> None:
    """Flag what no declaration is needed to doubt: shares called percent, rows of zeros, copies, impossible sizes."""
    known = variables(dataset)
    units = Units(dataset["units"], "dataset")
    odd = [*_shares(known, frames, units), *_multiples(known, frames), *_copies(known, frames, units)]
    for name, why in [*odd, *_per_resident(known, frames, units)]:
        down, across, keys = cells(frames[name].notna())
        figures = frames[name].to_numpy()[down, across]
        flags.add("suspicious", name, keys, figures, figures, why)
        logging.warning("%s: %s", name, why)


Oddities = Iterator[tuple[str, str]]


def _shares(known: Mapping[str, Variable], frames: Frames, units: Units) -> Oddities:
    for name, one in known.items():
        dimension, size = units.resolve(one.written_unit, one.entry)
        largest = frames[name].abs().max().max() / one.factor
        if not dimension and size < 1 and 0 < largest <= 1:
            yield name, f"no figure is above {largest:.3g} {one.written_unit}: a share where the unit says percent?"
        if not dimension and size == 1 and one.range == (0, 1) and largest > 1:
            yield name, f"figures up to {largest:.3g} where a share lies between 0 and 1: percent?"


def _multiples(known: Mapping[str, Variable], frames: Frames) -> Oddities:
    for name, one in known.items():
        # A figure filled on a straight line is not the file's; half of them are enough to tell.
        figures = (frames[name] / one.factor).stack()
        figures = figures[figures != 0].to_numpy()
        if len(figures) >= ENOUGH and np.all(np.abs(figures / ZEROS - np.round(figures / ZEROS)) < 1e-9):
            yield name, f"all {len(figures)} figures are multiples of {ZEROS}: was a unit converted twice?"


def _copies(known: Mapping[str, Variable], frames: Frames, units: Units) -> Oddities:
    size = {name: units.resolve(one.unit, one.entry) for name, one in known.items()}
    enough = [name for name in known if frames[name].count().sum() >= ENOUGH]
    for first, second in combinations(enough, 2):
        if size[first] != size[second] and frames[first].equals(frames[second]):
            yield second, f"every figure is that of '{first}', which is in another unit: a copy?"


def _per_resident(known: Mapping[str, Variable], frames: Frames, units: Units) -> Oddities:
    """Hold totals against the residents, where a variable of that name counts persons."""
    residents = known.get("population")
    person = ((("person", 1),), 1)
    if residents is None or units.resolve(residents.unit, "population")[0] != person[0]:
        return
    heads = frames["population"] * float(units.resolve(residents.unit, "population")[1])
    for name, one in known.items():
        dimension, size = units.resolve(one.unit, one.entry)
        base = dimension[0][0] if len(dimension) == 1 and dimension[0][1] == 1 else PLAIN
        found = _over(frames[name].abs(), heads) * float(size)
        low, high = LEAST_PER_RESIDENT.get(base, 0.0), MOST_PER_RESIDENT.get(base, np.inf)
        if name != "population" and ((found > high * (1 + 1e-9)) | (found < low)).any():
            year = int((np.log(found) - np.log(high if (found > high).any() else low)).abs().idxmax())
            yield (
                name,
                f"{found[year]:.3g} {base} per resident in {year}, where no region of the world has "
                f"{f'more than {high:g}' if found[year] > high else f'less than {low:g}'}: a wrong unit?",
            )
