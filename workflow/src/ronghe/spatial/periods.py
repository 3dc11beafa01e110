"""The order of periods: numbers, dates and years in text have one, names such as those of months do not."""

from __future__ import annotations

import re

import pandas as pd

from ronghe.errors import RongheError, listing

# Text whose alphabetical order is that of time, as long as all of it is written in one way: 2001, 2001-03, 2001Q4 ...
DATED = re.compile(r"\d{4}(?:([-/.]?)(?:Q[1-4]|[SH][12]|M?\d{2}(?:\1\d{2})?))?")


def in_order(periods: pd.Index, where: str) -> pd.Index:
    """Return the periods in the order of time, or refuse those that have none.

    Lags, Driscoll and Kraay's errors and dynamic models rest on this order.
    """
    if isinstance(periods, pd.CategoricalIndex) and periods.ordered:
        return periods.sort_values()
    kinds = {type(period) for period in periods}
    if kinds == {str}:
        if all(period.isascii() and period.isdigit() for period in periods):
            return periods[pd.Index([int(period) for period in periods]).argsort()]
        shapes = {re.sub(r"\d", "0", re.sub(r"Q[1-4]", "Q", period)) for period in periods}
        if all(DATED.fullmatch(period) for period in periods) and len(shapes) == 1:
            return periods.sort_values()
    elif pd.api.types.is_bool_dtype(periods) or len(kinds) > 1 and pd.api.types.is_object_dtype(periods):
        pass
    elif pd.api.types.is_numeric_dtype(periods) or isinstance(periods, (pd.DatetimeIndex, pd.PeriodIndex)):
        if not pd.api.types.is_complex_dtype(periods):
            return periods.sort_values()
    raise RongheError(
        f"{where}: these periods have no order in time: {listing(periods)}; write them as whole numbers, as dates, or "
        "as text such as 2001, 2001-03 or 2001Q4"
    )
