"""Spatial lags of a variable as columns of their own: by several weights, or by weights that change over time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.spatial.grid import WeightsLike
from ronghe.weights.matrix import Weights

# One matrix, or one for each period.
Lags: TypeAlias = "WeightsLike | Mapping[Hashable, WeightsLike]"


def spatial_lag(x: pd.Series, W: Lags, where: str = "spatial_lag") -> pd.Series:
    """Return W x, period by period, on the rows of x; `W` is one matrix, or one for each period.

    Rows and weights are matched by label. A lag is NaN where a neighbour has no value. As a regressor the lag is
    exogenous if x is, in every model; its coefficient is a part of the impact of x, (I - rho W)^-1 times it and W.

    >>> from ronghe.spatial import SpatialPanel, munnell, spatial_lag
    >>> data, W = munnell()
    >>> by_year = {year: W for year in range(1970, 1987)}
    >>> bool((spatial_lag(data["unemp"], W) == spatial_lag(data["unemp"], by_year)).all())
    True
    >>> lags = {"W1": W, "W2": by_year}
    >>> model = SpatialPanel.from_formula("log(gsp) ~ unemp + W2(log(emp)) | units", data, W, lags=lags, model="sar")
    >>> model.panel.names
    ('unemp', 'W2(log(emp))')
    """
    if not isinstance(x, pd.Series) or x.index.nlevels != 2:
        raise RongheError(f"{where}: x must be a Series indexed by (unit, period)")
    if x.index.has_duplicates:
        raise RongheError(f"{where}: these rows stand twice: {listing(x.index[x.index.duplicated()].unique())}")
    values = x.astype(float).unstack()
    if isinstance(W, Mapping):
        absent = [period for period in values.columns if period not in W]
        if absent:
            raise RongheError(f"{where}: no weights for {listing(absent)}; give one matrix for every period of x")
        made: dict[int, Weights] = {id(of): Weights.coerce(of) for of in W.values()}
        by_period = {period: made[id(W[period])] for period in values.columns}
    else:
        by_period = dict.fromkeys(values.columns, Weights.coerce(W))
    lagged = pd.DataFrame(index=values.index, columns=values.columns, dtype=float)
    for period, weights in by_period.items():
        present = x.index.get_level_values(0)[x.index.get_level_values(1) == period]
        unknown = present.difference(pd.Index(weights.labels))
        if len(unknown):
            raise RongheError(
                f"{where}: not in the weights '{weights.name}': {listing(unknown)}; add them to the weights, or leave "
                "them out of the data"
            )
        column = values[period].reindex(list(weights.labels)).to_numpy()
        missing = ~np.isfinite(column)
        result = weights.sparse @ np.where(missing, 0.0, column)
        result[(weights.sparse != 0).astype(float) @ missing.astype(float) > 0] = np.nan
        lagged[period] = pd.Series(result, index=list(weights.labels)).reindex(values.index)
    units, periods = (x.index.get_level_values(level) for level in (0, 1))
    places = values.index.get_indexer(units), values.columns.get_indexer(periods)
    return pd.Series(lagged.to_numpy()[places], index=x.index, name=f"W*{x.name}")
