"""Stacks a dynamic panel into equations in differences and levels, with the instruments of each period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError


@dataclass(frozen=True)
class Arrays:
    """Outcome, regressors and instrumenting variables as units x periods arrays; a missing cell is NaN."""

    y: np.ndarray
    X: np.ndarray
    names: list[str]
    predetermined: np.ndarray
    predetermined_names: list[str]
    outcome: str


@dataclass(frozen=True)
class System:
    """Per unit: left side, regressors, instruments and one-step weight, the differenced equations first."""

    y: list[np.ndarray]
    X: list[np.ndarray]
    Z: list[np.ndarray]
    H: list[np.ndarray]
    names: list[str]
    reported: list[str]
    n_differences: list[int]
    difference_periods: list[list[int]]


def assemble(
    arrays: Arrays, levels: bool, instrument_lags: Sequence[int] = (2,), collapse: bool = False, dummies: bool = True
) -> System:
    """Build the stacked system; with `levels` the equations in levels join those in differences.

    `instrument_lags` holds the first lag that instruments, and perhaps the last; `collapse` makes one instrument of a
    lag over all periods (Roodman 2009); `dummies` adds the periods. Regressors made of the predetermined variables are
    instrumented by lags (difference equations) and by lagged changes (level equations); all others by themselves.

    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(40, 6)).cumsum(axis=1)
    >>> before = np.column_stack([np.full(40, np.nan), y[:, :-1]])[:, :, None]
    >>> system = assemble(Arrays(y, before, ["L1.y"], y[:, :, None], ["y"], "y"), levels=False)
    >>> len(system.Z), system.names[0]
    (40, 'L1.y')
    """
    y, X = arrays.y, arrays.X
    n_units, n_periods = y.shape
    complete = np.isfinite(y) & np.isfinite(X).all(axis=2)
    differenced = complete.copy()
    differenced[:, 1:] &= complete[:, :-1]
    differenced[:, 0] = False
    first, last = instrument_lags[0], (instrument_lags[1] if len(instrument_lags) > 1 else n_periods)
    if first < 2:
        raise RongheError("instrument_lags: the first lag must be 2 or more; the change in the outcome contains lag 1")
    endogenous = {n for n in arrays.names if _variable(n) in arrays.predetermined_names}
    exogenous = [i for i, n in enumerate(arrays.names) if n not in endogenous]
    used = [t for t in range(n_periods) if differenced[:, t].any()]
    level_periods = [t for t in range(n_periods) if complete[:, t].any()]
    periods = (level_periods if levels else used) if dummies else []
    blocks = []
    for i in range(n_units):
        rows = [t for t in used if differenced[i, t]]
        if rows:
            blocks.append((i, rows, [t for t in level_periods if complete[i, t]] if levels else []))
    if not blocks:
        lags = sum(name != arrays.outcome and _variable(name) == arrays.outcome for name in arrays.names)
        raise RongheError(
            f"no unit has {lags} lags of the outcome and a change within {n_periods} periods; "
            "lower outcome_lags, or widen the sample"
        )
    layout = Periods(used, level_periods, periods, (first, last), collapse)
    parts = [_unit(arrays, i, changes, levelled, layout, exogenous) for i, changes, levelled in blocks]
    Z = [p[2] for p in parts]
    keep = np.any([np.any(z != 0, axis=0) for z in Z], axis=0)
    names = [*arrays.names, *(f"period {t}" for t in periods)]
    return System(
        y=[p[0] for p in parts],
        X=[p[1] for p in parts],
        Z=[z[:, keep] for z in Z],
        H=[p[3] for p in parts],
        names=names,
        reported=list(arrays.names),
        n_differences=[len(d) for _, d, _ in blocks],
        difference_periods=[d for _, d, _ in blocks],
    )


def _variable(name: str) -> str:
    """Return the variable of a term: itself, or what it is the lag of."""
    head, dot, rest = name.partition(".")
    return rest if dot and head[:1] == "L" and head[1:].isdigit() else name


@dataclass(frozen=True)
class Periods:
    """Which periods have equations and dummies, and which lags serve as instruments."""

    changes: list[int]
    levels: list[int]
    dummies: list[int]
    lags: tuple[int, int]
    collapse: bool


def _unit(
    arrays: Arrays, i: int, changes: list[int], levels: list[int], layout: Periods, exogenous: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return y, X, Z and H of one unit, whose equations hold in the periods `changes` and `levels`.

    H is the covariance of the stacked errors for independent levels: D D' for differences, and its extension by the
    levels and their covariance with the differences for the system.
    """
    y, X = arrays.y[i], arrays.X[i]
    eye = np.eye(len(y))
    before = [t - 1 for t in changes]
    # Without level equations the dummies need not be differenced: the space that they span is the same.
    dummies = eye[changes][:, layout.dummies] - (eye[before][:, layout.dummies] if levels else 0)
    dX = X[changes] - X[before]
    dy = y[changes] - y[before]
    history = np.nan_to_num(arrays.predetermined[i])
    deep = [_lagged(h, changes, layout.changes, layout.lags, layout.collapse) for h in history.T]
    Z = np.column_stack([*deep, dX[:, exogenous]])
    D = eye[changes] - eye[before]
    if not levels:
        return dy, np.column_stack([dX, dummies]), np.column_stack([Z, dummies]), D @ D.T
    steps = np.nan_to_num(np.diff(arrays.predetermined[i], axis=0, prepend=np.nan))
    latest = (layout.lags[0] - 1, layout.lags[0] - 1)
    Zl = np.column_stack([_lagged(s, levels, layout.levels, latest, layout.collapse) for s in steps.T])
    level_X = np.column_stack([X[levels], eye[levels][:, layout.dummies]])
    # A regressor instruments itself in differences alone: its level may be correlated with the unit fixed effect.
    plain = level_X[:, X.shape[1] :]
    both = np.vstack([D, eye[levels]])
    stacked = np.column_stack([_block(Z, Zl), np.vstack([np.zeros((len(changes), plain.shape[1])), plain])])
    X_both = np.vstack([np.column_stack([dX, dummies]), level_X])
    return np.concatenate([dy, y[levels]]), X_both, stacked, both @ both.T


def _lagged(values: np.ndarray, rows: list[int], used: list[int], lags: tuple[int, int], collapse: bool) -> np.ndarray:
    """Return instruments by lag for each row: one column per period and lag, or one per lag where collapsed."""
    first, last = lags
    depth = range(first, min(last, max(used)) + 1)
    if collapse:
        return np.array([[values[t - s] if t - s >= 0 else 0.0 for s in depth] for t in rows]).reshape(len(rows), -1)
    columns = [(t, s) for t in used for s in depth if t - s >= 0]
    Z = np.zeros((len(rows), len(columns)))
    for j, (t, s) in enumerate(columns):
        if t in rows:
            Z[rows.index(t), j] = values[t - s]
    return Z


def _block(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.block([[A, np.zeros((len(A), B.shape[1]))], [np.zeros((len(B), A.shape[1])), B]])
