"""One table of the paper as plain data: header, rows of printed cells, caption and notes; formats write it."""

from __future__ import annotations

from dataclasses import dataclass

from ronghe.paper.cells import split_at_point

Row = tuple[str, str, list[str]]


@dataclass(frozen=True)
class Exhibit:
    """A table whose rows are (group, label, cells) and whose header has one or more levels, outermost first.

    `left` names columns of text. The numbers of `centred` groups (counts, statistics of a fit) stand in the middle of
    their column; all other numbers of a column share their decimal point. A `long` table may break over pages.
    """

    name: str
    rows: list[Row]
    header: list[list[str]]
    stub: str = ""
    caption: str = ""
    notes: str = ""
    long: bool = False
    show_groups: bool = False
    language: str = "en"
    left: frozenset[int] = frozenset()
    centred: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a row that is not as wide as the header."""
        for group, label, cells in self.rows:
            if len(cells) != self.width:
                raise ValueError(
                    f"{self.name}: row '{group} {label}' has {len(cells)} cells, the header has {self.width}"
                )

    @property
    def width(self) -> int:
        """Return the number of columns beside the row labels."""
        return len(self.header[-1])

    @property
    def label(self) -> str:
        """Return the name by which a text refers to the table."""
        return f"tab:{self.name}"

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, list[str]]]]]:
        """Return the rows as (group, [(label, cells), ...]) in order."""
        out: list[tuple[str, list[tuple[str, list[str]]]]] = []
        for group, label, cells in self.rows:
            if not out or out[-1][0] != group:
                out.append((group, []))
            out[-1][1].append((label, cells))
        return out

    def split(self, group: str, cell: str) -> tuple[str, str] | None:
        """Split a cell at its decimal point, or return None for words and for groups that are centred."""
        return None if group in self.centred else split_at_point(cell)

    def column(self, place: int) -> list[tuple[str, tuple[str, str] | None]]:
        """Return the cells of a column, each with its parts before and after the decimal point."""
        return [(cells[place], self.split(group, cells[place])) for group, _, cells in self.rows]

    def spanners(self, level: int) -> list[tuple[str, int, int]]:
        """Return a header level as (text, first column, columns spanned), equal neighbours joined."""
        spans: list[tuple[str, int, int]] = []
        for place, text in enumerate(self.header[level]):
            if spans and spans[-1][0] == text:
                spans[-1] = (text, spans[-1][1], spans[-1][2] + 1)
            else:
                spans.append((text, place, 1))
        return spans
