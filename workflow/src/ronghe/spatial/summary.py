"""Summaries of fitted models in the layout of statsmodels: header, coefficients, impacts, tests and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from statsmodels.iolib.summary import Summary

NUMBERS = ["estimate", "std_error", "statistic", "pvalue", "lower", "upper"]


def summarise(
    title: str, header: Mapping[str, object], tables: Sequence[tuple[str, pd.DataFrame]], notes: Sequence[str]
) -> Summary:
    """Return a summary that prints as text, and shows as HTML in a notebook (`as_text`, `as_html`, `as_latex`).

    `header` is laid out in two columns, read down; the columns of every table are numbers, its index names the rows.
    """
    from statsmodels.iolib.summary import Summary
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_2cols, fmt_params

    summary, pairs = Summary(), list(header.items())
    half = (len(pairs) + 1) // 2
    left = [(f"{name}:", [_shown(value)]) for name, value in pairs[:half]]
    right = [(f"  {name}:", [_shown(value)]) for name, value in pairs[half:]]
    right += [("", [""])] * (len(left) - len(right))
    top = SimpleTable([v for _, v in left], stubs=[n for n, _ in left], title=title, txt_fmt=fmt_2cols)
    top.extend_right(SimpleTable([v for _, v in right], stubs=[n for n, _ in right], txt_fmt=fmt_2cols))
    summary.tables.append(top)
    for caption, table in tables:
        cells = [[_cell(name, value) for name, value in row.items()] for row in table.to_dict("records")]
        stubs = [" ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in table.index]
        # Text in a format would be read as a format itself.
        summary.tables.append(
            SimpleTable(cells, headers=list(table.columns), stubs=stubs, title=caption, txt_fmt=fmt_params)
        )
    if notes:
        lines = "\n".join(f"[{k}] {note}" for k, note in enumerate(notes, 1))
        summary.add_extra_txt(["Notes:", lines])
    return summary


def interval_table(table: pd.DataFrame, statistic: str, level: float) -> pd.DataFrame:
    """Return a table of estimates under the headings that statsmodels prints; `statistic` is z or t."""
    ends = [f"[{(1 - level) / 2:.3g}", f"{(1 + level) / 2:.3g}]"]
    headings = ["coef", "std err", statistic, f"P>|{statistic}|", *ends]
    return table[NUMBERS].set_axis(headings, axis=1)


def _cell(column: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or not np.isfinite(value):
        return ""
    if column == "df":
        return f"{value:g}"
    return f"{value:.3f}" if column.startswith(("P>", "pvalue")) else f"{value:#.4g}"


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
