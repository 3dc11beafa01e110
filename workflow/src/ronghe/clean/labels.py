"""Checks that a general label which a dataset takes over speaks of the unit in which its variable stands."""

from __future__ import annotations

from collections.abc import Mapping

from ronghe.clean.unit_words import read_unit
from ronghe.clean.units import Units
from ronghe.clean.variables import derivations, labels, variables
from ronghe.errors import RongheError


def check_labels(general: Mapping[str, Mapping[str, str]], dataset: dict, where: str) -> None:
    """Refuse a general label of a variable whose unit is another one; a dataset gives such a variable its own label."""
    units, own = Units(dataset["units"], where), labels(dataset)
    known = {v.name: v.unit for v in variables(dataset, where).values()}
    known |= {d.name: d.unit for d in derivations(dataset, where)}
    wrong = [
        f"'{name}' is in '{unit}', but '{general[name]['en']}' speaks of '{general[name]['unit']}'"
        for name, unit in known.items()
        if name not in own and "unit" in general.get(name, {}) and not _same(general[name]["unit"], unit, units)
    ]
    if wrong:
        raise RongheError(
            f"{where}: labels of config/labels.yaml are for other units: {'; '.join(wrong)}; write labels of your own "
            "under labels: in that file (NAME: {en: ..., zh: ...}), or choose those units (target: for a variable of a "
            "table, unit: for a derived one)"
        )


def _same(labelled: str, unit: str, units: Units) -> bool:
    """Say whether two units, each a name of the dataset or a word of yearbooks, are one and the same."""
    if labelled == unit or labelled == unit.partition(" of ")[0] == "log":
        return True
    if "log" in (labelled, unit.partition(" of ")[0]):
        return False
    first, second = ([_resolve(part, units) for part in name.split("/")] for name in (labelled, unit))
    return None not in first and first == second


def _resolve(name: str, units: Units) -> tuple | None:
    """Return base and size of a unit without a slash: as the dataset declares it, else as the vocabulary has it."""
    if units.knows(name):
        dimension, size = units.resolve(name, "labels")
        return dimension, size
    read = read_unit(name)
    return (((read[0], 1),) if read[0] != "ratio" else (), read[1]) if read else None
