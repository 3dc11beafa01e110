"""One variable that is read from a raw table, as its declaration says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One variable read from a raw table."""

    name: str
    entry: str
    table: str
    column: str | None
    indicator: str | None
    written_unit: str
    unit: str
    factor: float
    range: tuple[float | None, float | None]
    gap: dict | str
    jump: float | None
    jump_above: float
    plausible: dict | None
    definition: str
