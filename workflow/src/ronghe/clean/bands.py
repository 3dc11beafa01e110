"""The declared range of a whole series: its total over another's in every year, too narrow for a slip of ten times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ronghe.clean.units import Units
from ronghe.clean.variable import Variable
from ronghe.clean.variables import variables
from ronghe.errors import RongheError, require_known


@dataclass(frozen=True)
class Band:
    """Where a series lies in every year: its total over that of another series, or its median region."""

    name: str
    entry: str
    per: str | None
    unit: str
    factor: float
    low: float
    high: float
    source: str


def bands(dataset: dict, where: str = "dataset") -> list[Band]:
    """Return the plausible range of every variable that declares one, in the unit in which it is declared."""
    units, known = Units(dataset["units"], where), variables(dataset, where)
    return [_band(one, known, units, where) for one in known.values() if one.plausible]


def _band(one: Variable, known: Mapping[str, Variable], units: Units, where: str) -> Band:
    entry, declared = f"{one.entry}.plausible", one.plausible or {}
    per, wanted, (low, high) = declared.get("per"), declared.get("unit"), declared["range"]
    if not 0 < low < high < 10 * low:
        raise RongheError(
            f"{where}: {entry}.range: [{low:g}, {high:g}] would let a slip of ten times pass; write [lowest, highest] "
            "above zero, the highest less than ten times the lowest"
        )
    if per is None:
        unit = units.name(wanted or one.unit, entry)
        factor = units.factor(one.unit, unit, entry)
        return Band(one.name, entry, None, unit, float(factor), low, high, declared["source"])
    require_known(per, known, "variable", f"{where}: {entry}.per")
    unit, factor = units.compose(one.unit, known[per].unit, -1, wanted, entry)
    return Band(one.name, entry, per, unit, float(factor), low, high, declared["source"])
