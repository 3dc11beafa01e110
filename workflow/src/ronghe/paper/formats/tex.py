"""LaTeX for a table: booktabs rules, numbers aligned at the point, long tables that break with their header."""

from __future__ import annotations

import textwrap

from ronghe.paper.exhibit import Exhibit
from ronghe.paper.formats.escape import tex

# A table with more rows does not fit one page of the document.
LONGEST = 38


def render_tex(table: Exhibit) -> str:
    """Return a table float, or a longtable for a long one; a number takes two columns that meet at its point."""
    size, gap = _size(table)
    spec = _specification(table)
    head = _header(table)
    body = _body(table)
    caption = rf"\caption{{{tex(table.caption)}}}\label{{{table.label}}}"
    notes = (
        rf"\par\smallskip\noindent\begin{{minipage}}{{\linewidth}}\footnotesize {tex(table.notes)}\end{{minipage}}"
        if table.notes
        else ""
    )
    open_group = [r"\begingroup", size, rf"\setlength{{\tabcolsep}}{{{gap}}}"]
    if table.long or len(table.rows) > LONGEST:
        return "\n".join(
            [
                *open_group,
                rf"\begin{{longtable}}{{{spec}}}",
                caption + r"\\",
                r"\toprule",
                *head,
                r"\midrule",
                r"\endfirsthead",
                r"\toprule",
                *head,
                r"\midrule",
                r"\endhead",
                r"\bottomrule",
                r"\endfoot",
                *body,
                r"\end{longtable}",
                notes,
                r"\endgroup",
                "",
            ]
        )
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            *open_group,
            caption,
            rf"\begin{{tabular}}{{{spec}}}",
            r"\toprule",
            *head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            notes,
            r"\endgroup",
            r"\end{table}",
            "",
        ]
    )


def _size(table: Exhibit) -> tuple[str, str]:
    """Return the size of print at which the widest rows fit, and half the gap between columns.

    The lines of the document are 482 points long.
    """
    for size, points, gap in ((r"\small", 10, 4), (r"\footnotesize", 9, 2.5), (r"\scriptsize", 8, 2)):
        if _length(table, points, gap) <= 482:
            return size, f"{gap}pt"
    return r"\scriptsize", "2pt"


def _length(table: Exhibit, points: float, gap: float) -> float:
    """Return about how long the rows are, with signs 0.46 of the size wide."""
    labels = max((len(label) for _, label, _ in table.rows), default=0)
    # A longer label breaks in a column of its own width.
    first = labels * 0.46 * points if labels <= 34 else 0.30 * 482
    columns = [max((len(cell) for cell, _ in table.column(place)), default=0) for place in range(table.width)]
    return first + sum(columns) * 0.46 * points + 4 * gap * table.width


def _specification(table: Exhibit) -> str:
    """Return the column types: wrapped label, then a right and a left half per number column, or wrapped text.

    A table of words gives every column the same part of the line.
    """
    if len(table.left) >= 3 and len(table.left) == table.width:
        part = rf">{{\raggedright\arraybackslash}}p{{{0.92 / (1 + table.width):.3f}\linewidth}}"
        return f"@{{}}{part}" + f"{part}@{{}}l" * table.width + "@{}"
    labels = max((len(label) for _, label, _ in table.rows), default=0)
    # Where even the smallest print is too wide, labels break into more lines.
    part = "0.19" if _length(table, 8, 2) > 482 else "0.30"
    first = (
        "@{}l" if labels <= 34 and part == "0.30" else rf"@{{}}>{{\raggedright\arraybackslash}}p{{{part}\linewidth}}"
    )
    halves = []
    for place in range(table.width):
        if place in table.left:
            longest = max(len(cells[place]) for _, _, cells in table.rows)
            halves.append("l@{}l" if longest <= 24 else r">{\raggedright\arraybackslash}p{0.24\linewidth}@{}l")
        else:
            halves.append("r@{}l")
    return first + "".join(halves) + "@{}"


def _header(table: Exhibit) -> list[str]:
    lines = []
    last = len(table.header) - 1
    for level in range(last):
        parts, rules = [tex("")], []
        for text, start, span in table.spanners(level):
            parts.append(rf"\multicolumn{{{2 * span}}}{{c}}{{{_words(table, text, span)}}}")
            if text and span > 1:
                rules.append(rf"\cmidrule(lr){{{2 + 2 * start}-{1 + 2 * (start + span)}}}")
        lines.append(" & ".join(parts) + r" \\")
        lines.append(" ".join(rules))
    parts = [tex(table.stub)]
    for place, text in enumerate(table.header[last]):
        parts.append(rf"\multicolumn{{2}}{{{'l' if place in table.left else 'c'}}}{{{_words(table, text, 1)}}}")
    lines.append(" & ".join(parts) + r" \\")
    return [line for line in lines if line]


def _words(table: Exhibit, text: str, span: int) -> str:
    """Return a heading; a long one over one column breaks its lines before it widens the column."""
    room = 12 if table.width > 5 else 20
    lines = textwrap.wrap(text, room) if span == 1 else []
    stack = r" \\ ".join(map(tex, lines))
    return rf"\shortstack{{{stack}}}" if len(lines) > 1 else tex(text)


def _body(table: Exhibit) -> list[str]:
    width = 1 + 2 * table.width
    lines = []
    for place, (group, rows) in enumerate(table.groups):
        if place:
            lines.append(r"\addlinespace" if table.show_groups else r"\midrule")
        if table.show_groups and group:
            lines.append(rf"\multicolumn{{{width}}}{{@{{}}l}}{{\emph{{{tex(group)}}}}} \\*")
        for number, (label, cells) in enumerate(rows):
            found = (_cell(c, table.split(group, c), n in table.left) for n, c in enumerate(cells))
            parts = [tex(label), *found]
            # A row of standard errors stays with its estimate.
            joined = number + 1 < len(rows) and rows[number + 1][0] == ""
            lines.append(" & ".join(parts) + (r" \\*" if joined else r" \\"))
    return lines


def _cell(text: str, parts: tuple[str, str] | None, left: bool) -> str:
    if left:
        return f"{tex(text)} & "
    if parts:
        return f"{tex(parts[0])} & {tex(parts[1])}"
    return rf"\multicolumn{{2}}{{c}}{{{tex(text)}}}" if text else " & "
