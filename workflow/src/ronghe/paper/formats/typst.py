"""Typst for a table: booktabs rules, numbers aligned at the point, a header that repeats on every page."""

from __future__ import annotations

import re
from itertools import product

from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats.escape import typst

# Sizes of print to choose from: the largest at which the table is no wider than the text, before it shrinks with the
# labels of its rows broken into lines.
SIZES = ("9pt", "8.5pt", "8pt", "7.5pt", "7pt", "6.5pt")
LABELS = ("auto", "14em", "11em", "9em")
# A number in a column: what stands before its point ends, and what follows begins, where the longest ones do.
_AT_POINT = """#let at-point(whole, part, wholes, parts) = context box(grid(
  columns: (measure(wholes).width, measure(parts).width),
  align: (right, left),
  whole, part,
))"""
_SPANNER_LENGTH = 26
_SPAN = re.compile(r"(?<=\d{4})–(?=\d{4})")


def render_typst(table: Exhibit) -> str:
    """Return a labelled figure; numbers share their point and stand in the middle of their column."""
    n_columns = table.width
    align = ["left"] + ["left" if place in table.left else "center" for place in range(n_columns)]
    gap = "0.6em" if n_columns <= 4 else "0.45em" if n_columns <= 8 else "0.35em"
    lines = [
        "#[",
        f"#show figure: set block(breakable: {'true' if table.long else 'false'})",
        '#set text(number-width: "tabular")',
        "#set par(justify: false, leading: 0.5em, first-line-indent: 0pt)",
        _AT_POINT,
        "#let body(size, first, gutter) = {",
        "  set text(size: size)",
        "  table(",
        f"    columns: (first, ..range({n_columns}).map(_ => auto)),",
        f"    align: ({', '.join(align)}),",
        "    column-gutter: gutter,",
        "    stroke: none,",
        f"    inset: (x, y) => (left: if x == 0 {{ 0pt }} else {{ {gap} }}, right: {gap}, y: 0.27em),",
        "    table.header(",
        "      table.hline(stroke: 0.9pt),",
        *(f"      {line}" for line in _header(table)),
        "      table.hline(stroke: 0.5pt),",
        "    ),",
        *(f"    {line}" for line in _body(table)),
        "    table.hline(stroke: 0.9pt),",
        "  )",
        "}",
        "#figure(",
        "  kind: table,",
        *(["  placement: none,"] if table.long else []),
        f"  caption: {typst(table.caption)},",
        "  {",
        f"  {_fitted(table)}",
    ]
    if table.notes:
        lines.append(f"  block(width: 100%, above: 5pt, align(left, text(size: 8pt, {typst(table.notes)})))")
    # A long table keeps no float's frame: it may start in the middle of a page and end on the next.
    lines += ["  },", f") <{table.label}>", "]", ""]
    return "\n".join(lines)


def _fitted(table: Exhibit) -> str:
    """Return the table as wide as the text, at the largest size that fits; the spare width goes between columns."""
    tight = f"({', '.join(_gutters(table))},)" if len(table.header) > 1 else "0pt"
    if table.left:
        return f"body(8.5pt, auto, {tight})"
    # A label beside two lines breaks at no cost; one beside a single line makes its row taller.
    two_lines = any(not label for _, rows in table.groups for label, _ in rows)
    first = [] if two_lines else [(size, "auto") for size in SIZES[:3]]
    choices = ", ".join(f"({size}, {label})" for size, label in [*first, *product(SIZES, LABELS)])
    fits = f"look => measure(body(..look, {tight})).width <= room.width"
    return (
        f"layout(room => {{ let look = ({choices}).find({fits}); "
        f"if look == none {{ body({SIZES[-1]}, auto, {tight}) }} else {{ body(..look, 1fr) }} }})"
    )


def _header(table: Exhibit) -> list[str]:
    lines = []
    last = len(table.header) - 1
    for level in range(last):
        cells = ["[]"]
        rules = []
        for text, start, span in table.spanners(level):
            # A long heading of one column breaks its line before it widens the column.
            words = f"box(width: 9em, {typst(text)})" if span == 1 and len(text) > _SPANNER_LENGTH else typst(text)
            cells.append(f"table.cell(colspan: {span}, inset: (x: 3pt, y: 0.27em), align: center + bottom, {words})")
            if text and span > 1:
                rules.append(f"table.hline(start: {1 + start}, end: {1 + start + span}, stroke: 0.4pt),")
        lines.append(", ".join(cells) + ",")
        lines += rules
    cells = [f"table.cell(align: left + bottom, {typst(table.stub)})"]
    for place, text in enumerate(table.header[last]):
        side = "left" if place in table.left else "center"
        words = f"box(width: 8em, {typst(text)})" if len(text) > _SPANNER_LENGTH else typst(text)
        cells.append(f"table.cell(align: {side} + bottom, {words})")
    lines.append(", ".join(cells) + ",")
    return lines


def _gutters(table: Exhibit) -> list[str]:
    """Return a gap wherever an upper heading ends, so that the rules below headings do not touch."""
    upper = list(zip(*table.header[:-1], strict=True))
    ends = [n + 1 == len(upper) or upper[n] != upper[n + 1] for n in range(len(upper))]
    return ["0pt"] + ["5pt" if end else "0pt" for end in ends][:-1]


def _body(table: Exhibit) -> list[str]:
    lines = []
    longest = [_longest(table, place) for place in range(table.width)]
    for place, (group, rows) in enumerate(table.groups):
        if place:
            lines.append("table.hline(stroke: 0.3pt)," if not table.show_groups else "")
        if table.show_groups and group:
            lines.append(
                # As a header of its own it never stands alone at the foot of a page.
                f"table.header(level: 2, repeat: false, table.cell(colspan: {1 + len(longest)}, "
                f"inset: (left: 0pt, top: 0.5em, bottom: 0.2em), emph({typst(group)}))),"
            )
        for number, (label, cells) in enumerate(rows):
            # A label keeps the lines below it that have none: a long one wraps beside the error of its estimate.
            below = next((n for n, (text, _) in enumerate(rows[number + 1 :]) if text), len(rows) - number - 1)
            first = [f"table.cell(rowspan: {1 + below}, {typst(label)})" if below else typst(label)] if label else []
            found = (_cell(text, table.split(group, text), longest[n]) for n, text in enumerate(cells))
            lines.append(", ".join([*first, *found]) + ",")
    return [line for line in lines if line]


def _longest(table: Exhibit, place: int) -> tuple[str, str]:
    """Return the widest text before and after the point in a column."""
    parts = [parts for _, parts in table.column(place) if parts]
    return tuple(max((part[side] for part in parts), key=_width, default="") for side in (0, 1))


def _width(text: str) -> float:
    """Return about how wide a text of digits and signs is, in digits."""
    return sum({"(": 0.65, "[": 0.65, ")": 0.65, ",": 0.5, ".": 0.5, "%": 1.5, "*": 0.8}.get(sign, 1) for sign in text)


def _cell(text: str, parts: tuple[str, str] | None, longest: tuple[str, str]) -> str:
    if parts:
        return f"at-point({', '.join(typst(part) for part in (*parts, *longest))})"
    # A span of years stays on its line.
    return _SPAN.sub("\u2060–\u2060", typst(text)) if text else "[]"
