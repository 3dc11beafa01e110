"""What a look at a folder of tables finds: its variables, regions, years and units, and what was guessed."""

from __future__ import annotations

from dataclasses import dataclass, field

from ronghe.command.looks import Look
from ronghe.command.pairs import Pairs
from ronghe.command.same_region import SameRegion

UNSTATED = "unstated"


@dataclass
class Found:
    """One variable found in a table: its name, how the table writes it, its unit, and how many figures are missing."""

    name: str
    written: str
    unit: str
    key: dict
    gap: int = 0
    sector: str = ""
    positive: bool = True
    note: str = ""


@dataclass
class Draft:
    """A dataset as far as its tables show it."""

    name: str
    folder: str
    looks: dict[str, Look] = field(default_factory=dict)
    found: dict[str, list[Found]] = field(default_factory=dict)
    # Tables of one year each, until it is known which of them are one; then the files of each table of many.
    of_one_year: list[Look] = field(default_factory=list)
    files: dict[str, dict[int, dict]] = field(default_factory=dict)
    members: dict[str, list[Look]] = field(default_factory=dict)
    regions: list[str] = field(default_factory=list)
    same: SameRegion = field(default_factory=lambda: SameRegion([]))
    keys: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    pairs: list[Pairs] = field(default_factory=list)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    ignore: list[str] = field(default_factory=list)
    leave_out: list[str] = field(default_factory=list)
    years: tuple[int, int] = (0, 0)
    units: dict[str, tuple[str, str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)

    def variables(self) -> list[Found]:
        """Return every variable found, in the order of the tables."""
        return [found for table in self.found.values() for found in table]
