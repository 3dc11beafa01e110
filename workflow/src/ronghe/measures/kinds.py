"""The kinds of measure: what each uses, the tables it writes and the columns it yields; standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PANEL = "panel.csv"


def _nothing(entry: dict) -> list[str]:
    return []


def _no_columns(entry: dict) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Kind:
    """What may be known of a kind of measure before any job runs.

    `tables` says of each file what one row of it is; `yields` gives the columns of panel.csv with their
    definitions; `uses` the variables (of the clean panel, or NAME.column of another measure); `reads` the
    measures whose other tables are read as well, and `reads_kinds` the kinds that these must have.
    """

    tables: Mapping[str, str]
    yields: Callable[[dict], dict[str, str]] = _no_columns
    uses: Callable[[dict], list[str]] = _nothing
    reads: Callable[[dict], list[str]] = _nothing
    reads_kinds: tuple[str, ...] = ()
    faults: Callable[[dict], list[str]] = field(default=_nothing)

    @property
    def main(self) -> str:
        """Return the file that stands for the whole measure: panel.csv where there is one."""
        return next(iter(self.tables))


def groups_of(sectors: Mapping[str, list[str]]) -> list[str]:
    """Return every variable that named groups of columns name."""
    return [variable for group in sectors.values() for variable in group]
