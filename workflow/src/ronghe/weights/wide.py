"""Panels as blocks: one row per unit in the order of the weights, one column per period."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import require_size, require_spread
from ronghe.weights.matrix import Weights


def to_wide(values: pd.Series, weights: Weights, name: str | None = None) -> pd.DataFrame:
    """Return a (unit, period) series as units x periods, units in the order of `weights`, periods ascending.

    Units that differ from those of the weights, gaps, values that are not finite and keys that stand twice are
    refused by name.
    """
    name = name or str(values.name)
    if values.index.nlevels != 2:
        raise RongheError(f"{name}: rows must be keyed by (unit, period), not by {list(values.index.names)}")
    if values.index.has_duplicates:
        raise RongheError(f"{name}: stands twice: {listing(values.index[values.index.duplicated()].unique())}")
    numbers = values.to_numpy(float)
    if not np.isfinite(numbers).all():
        raise RongheError(f"{name}: missing or infinite for {listing(values.index[~np.isfinite(numbers)])}")
    require_size(pd.DataFrame({name: numbers}), name)
    require_spread(pd.DataFrame({name: numbers}), name)
    units, periods = values.index.get_level_values(0), values.index.get_level_values(1)
    weights.align(units.unique())
    order = pd.Index(weights.labels, name=values.index.names[0])
    columns = periods.unique().sort_values()
    if len(order) * len(columns) != len(values):
        full = pd.MultiIndex.from_product([order, columns])
        raise RongheError(f"{name}: not balanced; missing {listing(full.difference(values.index))}")
    block = np.empty((len(order), len(columns)))
    block[order.get_indexer(units), columns.get_indexer(periods)] = numbers
    return pd.DataFrame(block, index=order, columns=columns)
