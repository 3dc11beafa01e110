"""The closed vocabulary of derived variables: one operation on named variables, never an expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ronghe.clean.flags import Flags, cells
from ronghe.clean.variables import Derivation
from ronghe.errors import RongheError, listing

Frames = dict[str, pd.DataFrame]


def derive(
    derivation: Derivation, frames: Frames, regions: Sequence[str], years: Sequence[int], flags: Flags
) -> pd.DataFrame:
    """Return a derived variable over all regions and years; within the sample its figures must exist and be finite.

    `frames` holds every variable known so far, regions down and consecutive years across.
    """
    operands = [
        frames[name] if factor == 1 or derivation.operation == "growth" else frames[name] * factor
        for name, factor in zip(derivation.operands, derivation.factors, strict=True)
    ]
    if derivation.operation == "winsorise":
        return _winsorise(derivation, operands[0], regions, years, flags)
    _refuse_where_undefined(derivation, operands, regions, years)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = _OPERATIONS[derivation.operation](operands, derivation)
    result = result.where(np.isfinite(result))
    _refuse_missing(derivation, result, regions, years)
    if derivation.operation == "share":
        _refuse(derivation, (result < 0) | (result > 1), regions, years, "is no share between 0 and 1 for")
    return result


def _quotient(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    return operands[0] / operands[1]


def _product(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    return operands[0] * operands[1]


def _sum(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    total = operands[0].copy()
    for operand in operands[1:]:
        total = total + operand
    return total


def _difference(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    return operands[0] - operands[1]


def _log(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    return np.log(operands[0])


def _lag(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    return operands[0].shift(derivation.settings.get("years", 1), axis=1)


def _growth(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    relative = operands[0] / operands[0].shift(derivation.settings.get("years", 1), axis=1)
    change = np.log(relative) if derivation.settings.get("form") == "log" else relative - 1
    # The factor of the unit wanted (100 for percent) belongs to the change, not to the figures.
    return change * derivation.factors[0]


def _deflate(operands: list[pd.DataFrame], derivation: Derivation) -> pd.DataFrame:
    figures, index = operands
    base = derivation.settings["base"]
    if base not in figures.columns:
        there = f"{figures.columns.min()} to {figures.columns.max()}"
        raise RongheError(f"{derivation.entry}: no year {base} to be the base (there: {there})")
    level = _level(index, base) if derivation.settings.get("chained", True) else index.div(index[base], axis=0)
    if "volume_index" in derivation.settings:
        return level.mul(figures[base], axis=0)
    return figures / level


def _level(chained: pd.DataFrame, base: int) -> pd.DataFrame:
    """Turn an index of previous year = 1 into one of base year = 1, forwards and backwards."""
    level = pd.DataFrame(np.nan, chained.index, chained.columns)
    level[base] = 1.0
    years = list(chained.columns)
    for year in years[years.index(base) + 1 :]:
        level[year] = level[year - 1] * chained[year]
    for year in reversed(years[: years.index(base)]):
        level[year] = level[year + 1] / chained[year + 1]
    return level


_OPERATIONS: dict[str, Callable[[list[pd.DataFrame], Derivation], pd.DataFrame]] = {
    "ratio": _quotient,
    "share": _quotient,
    "per": _quotient,
    "product": _product,
    "sum": _sum,
    "difference": _difference,
    "log": _log,
    "lag": _lag,
    "growth": _growth,
    "deflate": _deflate,
}


def _winsorise(
    derivation: Derivation, figures: pd.DataFrame, regions: Sequence[str], years: Sequence[int], flags: Flags
) -> pd.DataFrame:
    """Set the figures of the sample beyond two of its quantiles to those quantiles, each flagged."""
    sample = figures.loc[regions, years]
    lower, upper = np.quantile(sample.to_numpy(), [derivation.settings["lower"], derivation.settings["upper"]])
    trimmed = figures.copy()
    trimmed.loc[regions, years] = sample.clip(lower, upper)
    down, across, keys = cells((trimmed != figures) & figures.notna())
    before, after = figures.to_numpy()[down, across], trimmed.to_numpy()[down, across]
    why = (
        f"beyond the quantiles {derivation.settings['lower']:g} and {derivation.settings['upper']:g} "
        f"of {derivation.operands[0]}"
    )
    flags.add("trimmed", derivation.name, keys, before, after, why)
    return trimmed


def _refuse_where_undefined(
    derivation: Derivation, operands: list[pd.DataFrame], regions: Sequence[str], years: Sequence[int]
) -> None:
    if derivation.operation in ("ratio", "share", "per"):
        _refuse(derivation, operands[1] == 0, regions, years, f"divides by a zero of '{derivation.operands[1]}' for")
    if derivation.operation == "log":
        _refuse(derivation, operands[0] <= 0, regions, years, "is the logarithm of zero or less for")


def _refuse_missing(derivation: Derivation, result: pd.DataFrame, regions: Sequence[str], years: Sequence[int]) -> None:
    why = "cannot be worked out (a year before the first, or a missing figure) for"
    _refuse(derivation, result.isna(), regions, years, why)


def _refuse(derivation: Derivation, bad: pd.DataFrame, regions: Sequence[str], years: Sequence[int], why: str) -> None:
    _, _, keys = cells(bad.loc[regions, years])
    if keys:
        places = listing(f"{region} {year}" for region, year in keys)
        raise RongheError(
            f"{derivation.entry}: '{derivation.name}' ({derivation.operation} of {listing(derivation.operands)}) "
            f"{why} {places}; mend those figures, choose another operation, or change the sample"
        )
