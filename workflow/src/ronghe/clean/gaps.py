"""What happens to a missing figure: refused, interpolated within its region, or taken from another series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ronghe.clean.flags import Flags, cells
from ronghe.clean.tables import Series
from ronghe.clean.variable import Variable
from ronghe.errors import RongheError, listing


def fill_gaps(
    variable: Variable, values: pd.DataFrame, others: Mapping[str, pd.DataFrame], flags: Flags
) -> pd.DataFrame:
    """Return the figures (regions down, every year across) with gaps treated as declared, each fill flagged."""
    if variable.gap == "refuse":
        return values
    if "interpolate" in variable.gap:
        filled = interpolate(values, variable.gap["interpolate"])
        why = "missing in the source; on a straight line between the years around it"
    else:
        other = variable.gap["series"]
        filled = values.where(values.notna(), others[other].reindex_like(values))
        why = f"missing in the source; the figure of {other}"
    down, across, keys = cells(values.isna() & filled.notna())
    after = filled.to_numpy()[down, across]
    flags.add("filled", variable.name, keys, np.full(len(keys), np.nan), after, why)
    return filled


def interpolate(values: pd.DataFrame, longest: int) -> pd.DataFrame:
    """Fill inner gaps of at most `longest` years on a straight line in time; longer ones and both ends stay."""
    filled = values.to_numpy(float).copy()
    years = values.columns.to_numpy(float)
    for row in filled:
        known = np.flatnonzero(~np.isnan(row))
        for left, right in zip(known[:-1], known[1:], strict=True):
            if 0 < years[right] - years[left] - 1 <= longest:
                inner = slice(left + 1, right)
                row[inner] = np.interp(years[inner], years[[left, right]], row[[left, right]])
    return pd.DataFrame(filled, values.index, values.columns)


def refuse_gaps(series: Series, values: pd.DataFrame, regions: Sequence[str], years: Sequence[int]) -> None:
    """Refuse the cells of the sample that are still missing, naming file, row and remedy."""
    missing = values.reindex(index=regions, columns=years).isna()
    _, _, keys = cells(missing)
    if keys:
        places = [f"{region} {year} (row {series.rows.at[region, year]})" for region, year in keys]
        name, gap = series.variable.name, series.variable.gap
        tried = "" if gap == "refuse" else f" that {gap} does not fill"
        raise RongheError(
            f"{series.path}: '{name}' has missing figures{tried}: {listing(places)}; add them, or at "
            f"{series.variable.entry} write 'gap: {{interpolate: N}}' or 'gap: {{series: NAME}}', or change the sample"
        )
