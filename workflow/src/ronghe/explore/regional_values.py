"""What every description starts from: one variable, complete, as regions x years; its groups; its amounts, checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import check_panel


def by_region_and_year(values: pd.Series) -> pd.DataFrame:
    """Return the variable as regions x years; a missing or infinite value, or an unbalanced panel, is refused."""
    name = str(values.name or "variable")
    return check_panel(values.to_frame(name), name)[name].astype(float).unstack("year")


def group_of(units: pd.Index, groups: pd.Series | Mapping[str, str], name: str = "groups") -> pd.Series:
    """Return the group of every unit in the order given; a unit without a group is refused by name."""
    found = pd.Series(groups, dtype=object)
    if found.index.has_duplicates:
        raise RongheError(f"{name}: in two groups: {listing(found.index[found.index.duplicated()])}")
    found = found.reindex(units)
    without = units[found.isna().to_numpy()]
    if len(without):
        raise RongheError(f"{name}: no group for {listing(without)}; name the group of every unit")
    return found.astype(str)


def require_amounts(values: pd.Series, what: str, zero: bool = True) -> np.ndarray:
    """Return the values, or refuse them by unit: missing, negative, or (unless `zero`) zero; and a sum of zero."""
    y = values.to_numpy(float)
    bad = values.index[~np.isfinite(y) | (y < 0) | ((y == 0) & (not zero))]
    name = f"'{values.name}'" if values.name is not None else "the variable"
    if len(bad):
        faults = "missing or negative" if zero else "missing, zero or negative"
        raise RongheError(f"{what}: {name} is {faults} for {listing(bad)}; shares of a total need amounts")
    if not y.sum() > 0:
        raise RongheError(f"{what}: {name} adds to zero, so that no share exists")
    return y
