"""The bounds of measures that cannot leave them; standard library only."""

from __future__ import annotations

from collections.abc import Callable

from ronghe.measures.kinds import KINDS

Bounds = tuple[float | None, float | None]
_SHARE: Bounds = (0.0, 1.0)
_POSITIVE: Bounds = (0.0, None)


def _coagglomeration(column: str) -> Bounds:
    return _SHARE if column.startswith("quality") else _POSITIVE


def _share_but(*without: str) -> Callable[[str], Bounds | None]:
    return lambda column: None if column in without else _SHARE


_OF_KIND: dict[str, Callable[[str], Bounds | None]] = {
    "index": _share_but("rank"),
    "coupling": _share_but("grade", "grade_modified"),
    "coagglomeration": _coagglomeration,
    "productivity": lambda column: _SHARE if column == "efficiency" else None,
}


def bounds_of(config: dict, variable: str) -> Bounds | None:
    """Return the lower and the upper bound of a column of a measure, each None where there is none.

    >>> bounds_of({"measures": {"q": {"kind": "index", "indicators": {}}}}, "q.index")
    (0.0, 1.0)
    """
    name, _, column = variable.partition(".")
    entry = config.get("measures", {}).get(name)
    if not column or entry is None or column not in KINDS[entry["kind"]].yields(entry):
        return None
    return _OF_KIND.get(entry["kind"], lambda _: None)(column)
