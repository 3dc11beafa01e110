"""Typst for a table: booktabs rules, numbers aligned at the point, a header that repeats on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ronghe.paper.escape import typst

if TYPE_CHECKING:
    from ronghe.paper.exhibit import Exhibit


def render_typst(table: Exhibit) -> str:
    """Return a labelled figure; a number takes two columns that meet at its point, a word both of them."""
    n_columns = len(table.header[-1])
    width = 1 + 2 * n_columns
    size = "9pt" if n_columns <= 5 else "8pt" if n_columns <= 8 else "7pt"
    gap = "5pt" if n_columns <= 5 else "3.5pt" if n_columns <= 8 else "2.2pt"
    align = ["left"] + [
        side for place in range(n_columns) for side in (("left", "left") if place in table.left else ("right", "left"))
    ]
    lines = [
        "#[",
        f"#show figure: set block(breakable: {'true' if table.long else 'false'})",
        f"#set text(size: {size})",
        "#set par(justify: false, leading: 0.5em, first-line-indent: 0pt)",
        "#figure(",
        "  kind: table,",
        *(["  placement: none,"] if table.long else []),
        f"  caption: {typst(table.caption)},",
        "  {",
        "  table(",
        f"    columns: {width},",
        f"    align: ({', '.join(align)}),",
        *([f"    column-gutter: ({', '.join(_gutters(table))}),"] if len(table.header) > 1 else []),
        "    stroke: none,",
        "    inset: (x, y) => (",
        f"      left: if x == 0 {{ 0pt }} else if calc.odd(x) {{ {gap} }} else {{ 0pt }},",
        f"      right: if x == 0 {{ 2pt }} else if calc.odd(x) {{ 0pt }} else {{ {gap} }},",
        "      y: 2.4pt,",
        "    ),",
        "    table.header(",
        "      table.hline(stroke: 0.9pt),",
        *(f"      {line}" for line in _header(table)),
        "      table.hline(stroke: 0.5pt),",
        "    ),",
        *(f"    {line}" for line in _body(table, width)),
        "    table.hline(stroke: 0.9pt),",
        "  )",
    ]
    if table.notes:
        lines.append(f"  block(width: 100%, above: 4pt, align(left, text(size: 7.5pt, {typst(table.notes)})))")
    # A long table keeps no float's frame: it may start in the middle of a page and end on the next.
    lines += ["  },", f") <{table.tab_label}>", "]", ""]
    return "\n".join(lines)


def _header(table: Exhibit) -> list[str]:
    lines = []
    last = len(table.header) - 1
    for level in range(last):
        cells = ["[]"]
        rules = []
        for text, start, span in table.spanners(level):
            cells.append(f"table.cell(colspan: {2 * span}, inset: (x: 3pt, y: 2.4pt), align: center, {typst(text)})")
            if text and span > 1:
                rules.append(f"table.hline(start: {1 + 2 * start}, end: {1 + 2 * (start + span)}, stroke: 0.4pt),")
        lines.append(", ".join(cells) + ",")
        lines += rules
    cells = [typst(table.stub)]
    for place, text in enumerate(table.header[last]):
        side = "left" if place in table.left else "center"
        cells.append(f"table.cell(colspan: 2, inset: (x: 2pt, y: 2.4pt), align: {side} + bottom, {typst(text)})")
    lines.append(", ".join(cells) + ",")
    return lines


def _gutters(table: Exhibit) -> list[str]:
    """Return a gap wherever an upper heading ends, so that the rules below headings do not touch."""
    upper = list(zip(*table.header[:-1], strict=True))
    ends = [n + 1 == len(upper) or upper[n] != upper[n + 1] for n in range(len(upper))]
    return ["0pt"] + [gap for end in ends for gap in ("0pt", "5pt" if end else "0pt")][:-1]


def _body(table: Exhibit, width: int) -> list[str]:
    lines = []
    for place, (group, rows) in enumerate(table.groups):
        if place:
            lines.append("table.hline(stroke: 0.3pt)," if not table.show_groups else "")
        if table.show_groups and group:
            lines.append(
                f"table.cell(colspan: {width}, inset: (left: 0pt, top: 4pt, bottom: 2pt), emph({typst(group)})),"
            )
        for number, (label, cells) in enumerate(rows):
            # A label keeps the lines below it that have none: a long one wraps beside the error of its estimate.
            below = next((n for n, (text, _) in enumerate(rows[number + 1 :]) if text), len(rows) - number - 1)
            first = [f"table.cell(rowspan: {1 + below}, {typst(label)})" if below else typst(label)] if label else []
            found = (_cell(c, table.split(group, c), n in table.left) for n, c in enumerate(cells))
            lines.append(", ".join([*first, *found]) + ",")
    return [line for line in lines if line]


def _cell(text: str, parts: tuple[str, str] | None, left: bool) -> str:
    if left:
        return f"table.cell(colspan: 2, {typst(text)})"
    if parts:
        return f"{typst(parts[0])}, {typst(parts[1])}"
    return f"table.cell(colspan: 2, align: center, {typst(text)})" if text else "[], []"
