"""From a specification and the data to the rows and columns of one regression."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import mul

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.frames import require_size, require_spread
from ronghe.geography import read_degrees
from ronghe.linear.layout import Layout
from ronghe.models.design.sample import sample_mask
from ronghe.models.design.shift_share import instrument
from ronghe.models.estimate import Data
from ronghe.models.terms import Term, parse_all


@dataclass(frozen=True)
class Design:
    """Outcome and regressors of one sample as arrays, rows sorted by unit and period."""

    y: np.ndarray
    X: np.ndarray
    names: list[str]
    outcome: str
    index: pd.MultiIndex
    layout: Layout
    frame: pd.DataFrame = field(repr=False)
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def nobs(self) -> int:
        """Return the number of observations."""
        return len(self.y)

    def columns(self, names: list[str]) -> np.ndarray:
        """Return further columns of the frame as an array."""
        return self.frame[names].to_numpy(float)

    def facts(self) -> dict:
        """Return what fit.json says of the sample."""
        return {
            "outcome": self.outcome,
            "regressors": self.names,
            "nobs": self.nobs,
            "n_units": self.layout.n_units,
            "n_periods": self.layout.n_periods,
            "periods": [int(t) for t in self.index.levels[1]],
            "rows_dropped": self.dropped,
        }


def terms_of(specification: dict, key: str) -> list[Term]:
    """Return the terms under one key of a specification; none where the key is absent."""
    return parse_all(specification[key], key) if specification.get(key) else []


def build(specification: dict, data: Data, extra: tuple[str, ...] = ()) -> Design:
    """Build the regression of a specification: sample, lags, winsorised values, regressors in the order given.

    `extra` names further keys of the specification (instruments, mediator) whose columns join the frame. The only rows
    ever dropped are those whose lags lie before the panel; they are counted by reason. A gap anywhere else is refused.
    """
    regressors = [t for key in ("treatment", "controls") for t in terms_of(specification, key)]
    outcome = terms_of(specification, "outcome")
    others = [t for key in extra for t in terms_of(specification, key)]
    shift = int(specification.get("lag_regressors", 0))
    frame = pd.DataFrame(
        {
            **{t.name: column(t, data) for t in outcome},
            **{t.name: column(t, data, shift) for t in regressors},
            **{t.name: column(t, data) for t in others},
        }
    )
    frame, dropped = _select(frame, specification, data, shift, outcome + regressors + others)
    trim = specification.get("winsorise")
    if trim:
        bounds = frame.quantile([trim, 1 - trim])
        frame = frame.clip(bounds.iloc[0], bounds.iloc[1], axis=1)
    if specification.get("covariance") == "conley":
        read_degrees(data.regions, frame.index.unique(0), "covariance: conley")
    return from_frame(frame, outcome[0].name, [t.name for t in regressors], data.regions, dropped)


def from_frame(
    frame: pd.DataFrame,
    outcome: str,
    names: list[str],
    regions: pd.DataFrame | None = None,
    dropped: dict | None = None,
) -> Design:
    """Arrange a finite frame keyed by (unit, period) as arrays with integer codes."""
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise RongheError(f"these regressors stand twice: {listing(twice)}")
    taken = [n for n in names if n == "const" or n.startswith("W*")]
    if taken:
        raise RongheError(f"these names are those of parameters: {listing(taken)}; rename the regressors")
    require_size(frame, "the regression")
    require_spread(frame, "the regression")
    frame = frame.sort_index()
    index = frame.index.remove_unused_levels()
    units, times = (index.codes[level].astype(np.intp) for level in (0, 1))
    coordinates = None
    if regions is not None and {"longitude", "latitude"} <= set(regions):
        if index.levels[0].isin(regions.index).all():
            coordinates = regions.loc[index.levels[0], ["longitude", "latitude"]].to_numpy(float)
    values = frame.to_numpy(float)
    place = {c: i for i, c in enumerate(frame.columns)}
    return Design(
        y=values[:, place[outcome]],
        X=values[:, [place[n] for n in names]],
        names=list(names),
        outcome=outcome,
        index=index,
        layout=Layout(units, times, coordinates),
        frame=frame,
        dropped=dropped or {},
    )


def column(term: Term, data: Data, shift: int = 0) -> pd.Series:
    """Return one term as a column keyed by (region, year), `shift` periods older where asked for."""
    if term.operation == "shift_share":
        return instrument(data, **dict(term.options))
    for name in term.variables:
        require_known(name, data.panel.columns, "variable", "the panel")
    values = [_lag(data.panel[name], term.order + shift) for name in term.variables]
    if term.operation == "square":
        return values[0] ** 2
    if term.operation == "log":
        if (values[0] <= 0).any():
            raise RongheError(f"'{term.name}': the logarithm needs positive values")
        return np.log(values[0])
    return product(*values)


def product(*columns: pd.Series | np.ndarray) -> pd.Series | np.ndarray:
    """Return the product of columns, row by row: the values of the term `product`."""
    return reduce(mul, columns)


def _lag(values: pd.Series, order: int) -> pd.Series:
    """Return the value `order` periods before, the periods being those of the whole panel; none where it is absent."""
    if not order:
        return values
    wide = values.unstack(level=1).sort_index(axis=1).shift(order, axis=1)
    return wide.stack().reindex(values.index)


def _select(
    frame: pd.DataFrame, specification: dict, data: Data, shift: int, terms: list[Term]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Keep the rows of the sample, then those whose lags exist."""
    keep = sample_mask(specification.get("sample") or {}, frame, data)
    frame = frame[keep]
    if frame.empty:
        raise RongheError("the sample holds no region-year")
    orders = [t.order + shift for t in terms]
    deepest, furthest = max([0, *orders]), -min([0, *orders])
    years = data.panel.index.unique(1).sort_values()
    year = frame.index.get_level_values(1)
    outside = (year < years[min(deepest, len(years) - 1)]) | (year > years[max(len(years) - 1 - furthest, 0)])
    missing = frame.isna().any(axis=1).to_numpy()
    gaps = missing & ~outside
    if gaps.any():
        names = frame.columns[frame[gaps].isna().any()]
        raise RongheError(f"{listing(names)}: no value for {listing(frame.index[gaps])}")
    reason = "lags before the first year" if not furthest else "lags or leads outside the years"
    dropped = {reason: int(missing.sum())} if missing.any() else {}
    return frame[~missing], dropped
