"""Sectors of a panel, added up by named groups, and the regions' shares in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import select_columns

Groups = Mapping[str, Sequence[str]]


def sum_groups(panel: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Add up the columns of each named group of sectors; a missing or negative cell is refused by name."""
    empty = [group for group, columns in groups.items() if not len(columns)]
    if empty or not set(groups) - {""}:
        raise RongheError(f"sectors: {listing(empty) or 'none'} without columns; name one or more for each")
    X = select_columns(panel, (column for columns in groups.values() for column in columns), "employment")
    for name in X:
        bad = X.index[X[name] < 0]
        if len(bad):
            raise RongheError(f"'{name}' is negative for {listing(bad)}: an amount cannot be; mend the source")
    return pd.DataFrame({group: X[list(columns)].sum(axis=1) for group, columns in groups.items()}, index=X.index)


def regional_shares(e: pd.DataFrame) -> np.ndarray:
    """Return s_ri, the share of region r in sector i, as years x regions x sectors; an empty sector is refused."""
    n_years = e.index.get_level_values("year").nunique()
    cube = e.to_numpy(float).reshape(-1, n_years, e.shape[1]).transpose(1, 0, 2)
    total = cube.sum(axis=1)
    years = e.index.unique("year")
    empty = [f"'{e.columns[i]}' in {years[t]}" for t, i in np.argwhere(total == 0)]
    if empty:
        raise RongheError(f"no region has any {listing(empty)}: its regional shares are 0/0; leave the sector out")
    return cube / total[:, None, :]


def region_sizes(e: pd.DataFrame, shares: np.ndarray, size: str = "mean") -> np.ndarray:
    """Return x_r of each year: the mean share over sectors (Ellison, Glaeser and Kerr 2010), or that in their sum."""
    if size == "mean":
        return shares.mean(axis=2)
    return regional_shares(e.sum(axis=1).to_frame("all sectors"))[:, :, 0]
