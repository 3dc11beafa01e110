"""Panel data as arrays (unit, period, column) in the order of W, with every fault of the rows named."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing
from ronghe.frames import require_sizes, require_spreads
from ronghe.spatial.equation import CONSTANT
from ronghe.spatial.periods import in_order
from ronghe.weights.matrix import Weights

if TYPE_CHECKING:
    from libpysal.graph import Graph

# Whatever has labels: our weights, a libpysal graph, a square table with the units on both sides.
WeightsLike: TypeAlias = "Weights | Graph | pd.DataFrame"


def linked(W: WeightsLike, where: str) -> Weights:
    """Return W as our weights, or refuse one without any link, with which no spatial term says anything."""
    weights = Weights.coerce(W)
    if not weights.sparse.count_nonzero():
        raise RongheError(f"{where}: the weights '{weights.name}' hold no link; use others, or a model without them")
    return weights


@dataclass(frozen=True)
class Panel:
    """Outcome and regressors on a complete grid of units and periods; `rows` leads from the grid to the input."""

    outcome: str
    names: tuple[str, ...]
    units: tuple[Hashable, ...]
    periods: tuple[Hashable, ...]
    y: np.ndarray
    X: np.ndarray
    index: pd.MultiIndex
    rows: np.ndarray
    observed: np.ndarray | None = None

    @property
    def n_units(self) -> int:
        """Number of units N."""
        return len(self.units)

    @property
    def n_periods(self) -> int:
        """Number of periods T."""
        return len(self.periods)

    @property
    def cells(self) -> np.ndarray:
        """Which cells (unit, period) are used."""
        return np.ones(self.y.shape, dtype=bool) if self.observed is None else self.observed

    def series(self, values: np.ndarray, name: str) -> pd.Series:
        """Return an array (unit, period) as a Series in the order of the rows that came in, NaN where not used."""
        if self.observed is not None:
            values = np.where(self.observed, values, np.nan)
        return pd.Series(values.reshape(-1)[self.rows], index=self.index, name=name)


def read_panel_arrays(
    y: pd.Series, X: pd.DataFrame, units: Sequence[Hashable] | None, where: str = "panel", select: bool = False
) -> Panel:
    """Lay y and X out on the grid of `units` (those of W, in its order; else sorted) and sorted periods.

    Rows are matched by their index (unit, period), in y and X alike, so that the order of the rows has no effect.
    Cells without a row, or with a missing number, are refused by name; with `select` they are marked in `observed`
    instead, and hold zeros.
    """
    require_frames(y, X, where)
    X = _same_rows(y, X, where)
    names = tuple(str(c) for c in X.columns)
    _check_columns(y, X, names, where)
    unit_codes, unit_labels = _codes(y.index, 0, units, where)
    period_codes, periods = _codes(y.index, 1, None, where)
    rows = unit_codes * len(periods) + period_codes
    n_cells = len(unit_labels) * len(periods)
    _check_grid(rows, n_cells, y.index, unit_labels, periods, where, select)
    in_place = bool(np.array_equal(rows, np.arange(n_cells)))
    shape = (len(unit_labels), len(periods))
    # Copies: what the caller does to y and X afterwards must not reach the model.
    outcome = _on_grid(np.array(y, float), rows, n_cells, in_place).reshape(shape)
    regressors = np.array(X, float, order="C")
    regressors = _on_grid(regressors, rows, n_cells, in_place).reshape(*shape, len(names))
    name = str(y.name or "y")
    observed = None
    if select:
        observed = np.isfinite(outcome) & np.isfinite(regressors).all(axis=2)
        outcome, regressors = np.where(np.isfinite(outcome), outcome, 0.0), regressors.copy()
    else:
        _check_finite(outcome, regressors, name, names, unit_labels, periods, where)
    return Panel(name, names, tuple(unit_labels), tuple(periods), outcome, regressors, y.index, rows, observed)


def require_frames(y: pd.Series, X: pd.DataFrame, where: str) -> None:
    """Refuse an outcome or regressors that are not labelled by (unit, period)."""
    if not isinstance(y, pd.Series) or not isinstance(X, pd.DataFrame):
        raise RongheError(f"{where}: y must be a Series and X a DataFrame, both indexed by (unit, period)")
    if y.index.nlevels != 2 or X.index.nlevels != 2:
        raise RongheError(f"{where}: the index of y and of X must have two levels, unit and period, in this order")


def select_observed(panel: Panel, W: sparse.sparray | None, durbin: Sequence[str]) -> Panel:
    """Return the panel with the cells marked that a model without W y can use, the others zero.

    A cell counts if its outcome and regressors are there, and, where W x enters, the regressors of all its neighbours
    in that period.
    """
    there = np.isfinite(panel.X)
    observed = panel.observed.copy()
    if durbin:
        lacking = ~there[:, :, [panel.names.index(name) for name in durbin]].all(axis=2)
        observed &= (W != 0).astype(float) @ lacking.astype(float) == 0
    X = np.where(there, panel.X, 0.0)
    return replace(panel, X=X, observed=None if observed.all() else observed)


def _same_rows(y: pd.Series, X: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return X with the rows of y, in its order; refuse where the keys differ."""
    if y.index is X.index or y.index.equals(X.index):
        return X
    for frame, name in ((y, "y"), (X, "X")):
        twice = frame.index[frame.index.duplicated()].unique()
        if len(twice):
            raise RongheError(f"{where}: {name} has rows that stand twice: {listing(twice)}; keep one of each")
    only_y, only_x = y.index.difference(X.index), X.index.difference(y.index)
    if len(only_y) or len(only_x):
        raise RongheError(
            f"{where}: y and X hold different rows; only in y: {listing(only_y) or 'none'}; "
            f"only in X: {listing(only_x) or 'none'}"
        )
    return X.reindex(y.index)


def _check_columns(y: pd.Series, X: pd.DataFrame, names: tuple[str, ...], where: str) -> None:
    """Refuse columns that are no real numbers, that share a name, or that take the name of a parameter."""
    if not _real(y.dtype):
        raise RongheError(f"{where}: the outcome is not of real numbers ({y.dtype}); turn it into numbers first")
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise RongheError(f"{where}: these regressors stand twice: {listing(twice)}")
    text = [n for n, kind in zip(names, X.dtypes, strict=True) if not _real(kind)]
    if text:
        raise RongheError(f"{where}: these regressors are not numbers: {listing(text)}; turn them into numbers first")
    taken = [n for n in names if n in ("rho", "lambda", "sigma2", "y") or n.startswith("W*")]
    # The constant of a model may be brought under its name; a regressor that varies would be taken for it.
    taken += [n for k, n in enumerate(names) if n == "const" and X.iloc[:, k].nunique() > 1]
    if taken:
        raise RongheError(f"{where}: these names are those of parameters: {listing(taken)}; rename the regressors")


def _real(kind: object) -> bool:
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)


def _codes(
    index: pd.MultiIndex, level: int, labels: Sequence[Hashable] | None, where: str
) -> tuple[np.ndarray, list[Hashable]]:
    """Return the place of each row on one axis of the grid, and the labels of that axis."""
    codes, values = index.codes[level], index.levels[level]
    if (codes < 0).any():
        raise RongheError(f"{where}: rows without a {'unit' if level == 0 else 'period'}: {np.flatnonzero(codes < 0)}")
    used = np.zeros(len(values), dtype=bool)
    used[codes] = True
    if labels is None:
        labels = list(in_order(values[used], where) if level else _sorted(values[used]))
    if len(labels) == len(values) and used.all() and list(labels) == list(values):
        return codes.astype(np.intp), list(labels)
    target = pd.Index(labels)
    place = target.get_indexer(values)
    unknown = values[used & (place < 0)]
    if len(unknown):
        raise RongheError(
            f"{where}: not in the weights: {listing(unknown)}; "
            "leave these units out of the data, or add them to the weights"
        )
    present = np.zeros(len(target), dtype=bool)
    present[place[used]] = True
    if not present.all():
        raise RongheError(
            f"{where}: these units of the weights are not in the data: {listing(target[~present])}; "
            "add their rows, or take them out with W.subset(labels)"
        )
    return place[codes], list(labels)


def _sorted(values: pd.Index) -> pd.Index:
    """Return names in order, those of several types by what they look like."""
    try:
        return values.sort_values()
    except TypeError:
        return values[np.argsort(values.astype(str), kind="stable")]


def _check_grid(
    rows: np.ndarray, n_cells: int, index: pd.MultiIndex, units: list, periods: list, where: str, select: bool
) -> None:
    """Refuse cells that stand twice or are absent."""
    count = np.bincount(rows, minlength=n_cells)
    if (count > 1).any():
        twice = index[count[rows] > 1].unique()
        raise RongheError(f"{where}: these rows stand twice: {listing(twice)}; keep one of each")
    if (count == 0).any() and not select:
        absent = [_cell(c, units, periods) for c in np.flatnonzero(count == 0)[:12]]
        more = int((count == 0).sum()) - len(absent)
        raise RongheError(
            f"{where}: the panel is not balanced; no row for {listing(absent)}{f' and {more} more' if more else ''}. "
            "A spatial lag needs every unit in every period: add the rows, leave these units (with weights built "
            "anew) or periods out, use UnbalancedPanel (sar to gns), or pass missing='select' (ols and slx)"
        )


def _check_finite(y: np.ndarray, X: np.ndarray, outcome: str, names: tuple, units: list, periods: list, where: str):
    """Refuse cells that are missing or infinite, by column and row."""
    if np.isfinite(y.sum()) and np.isfinite(X.sum()):
        columns, levels = [outcome, *names], [np.abs(y).max(initial=0.0), *np.abs(X).max(axis=(0, 1), initial=0.0)]
        require_sizes(columns, levels, where)
        require_spreads(columns, levels, [y.std(), *X.std(axis=(0, 1))], where)
        return
    for name, values in [(outcome, y), *((n, X[:, :, k]) for k, n in enumerate(names))]:
        bad = np.flatnonzero(~np.isfinite(values.reshape(-1)))
        if len(bad):
            cells = [_cell(c, units, periods) for c in bad[:12]]
            more = f" and {len(bad) - 12} more" if len(bad) > 12 else ""
            raise RongheError(f"{where}: '{name}' is missing or infinite for {listing(cells)}{more}")


def _cell(position: int, units: list, periods: list) -> str:
    unit, period = divmod(int(position), len(periods))
    return f"({units[unit]}, {periods[period]})"


def _on_grid(values: np.ndarray, rows: np.ndarray, n_cells: int, in_order: bool) -> np.ndarray:
    """Return values laid out on the grid, NaN where there is no row; no copy where they lie there already."""
    if in_order:
        return values
    grid = np.full((n_cells, *values.shape[1:]), np.nan)
    grid[rows] = values
    return grid


def with_constant(panel: Panel, effects: str) -> Panel:
    """Return a pooled panel with a constant in front, unless the user brought one; others as they are."""
    if effects != "pooled":
        return panel
    constant = [n for k, n in enumerate(panel.names) if np.ptp(panel.X[:, :, k]) == 0.0 and panel.X[0, 0, k] != 0.0]
    if constant:
        names = tuple(CONSTANT if n == constant[0] else n for n in panel.names)
        return replace(panel, names=names)
    X = np.concatenate([np.ones((*panel.y.shape, 1)), panel.X], axis=2)
    return replace(panel, names=(CONSTANT, *panel.names), X=X)
