"""From labelled tables to the labels and cells of a weights matrix, and what no such matrix may hold."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing

EDGES = ["focal", "neighbor", "weight"]
Labels = tuple[Hashable, ...]


def from_edges(frame: pd.DataFrame, labels: Iterable[Hashable] | None, name: str) -> tuple[Labels, sparse.csr_array]:
    """Return labels and matrix of rows (focal, neighbor, weight); see `Weights.from_edges`."""
    missing = [c for c in EDGES if c not in frame]
    if missing:
        raise RongheError(f"{name}: the edge list lacks the columns {listing(missing)} (needed: {listing(EDGES)})")
    blank = frame[["focal", "neighbor"]].isna().any(axis=1)
    if blank.any():
        raise RongheError(f"{name}: rows without a unit: {listing(frame.index[blank])}")
    if labels is None:
        labels = _sorted(pd.unique(pd.concat([frame["focal"], frame["neighbor"]])))
    index = pd.Index(labels := tuple(labels))
    check_labels(labels, name)
    focal, neighbor = (index.get_indexer(frame[c]) for c in ("focal", "neighbor"))
    if len(unknown := frame[["focal", "neighbor"]].to_numpy()[np.column_stack([focal, neighbor]) < 0]):
        raise RongheError(f"{name}: these units of the edge list are unknown: {listing(dict.fromkeys(unknown))}")
    twice = frame[pd.Series(focal * len(labels) + neighbor).duplicated().to_numpy()]
    if len(twice):
        pairs = [f"{f} - {n}" for f, n in zip(twice["focal"], twice["neighbor"], strict=True)]
        raise RongheError(f"{name}: these edges stand twice: {listing(pairs)}; keep one of each")
    cells = (_numbers(frame["weight"], name), (focal, neighbor))
    return labels, sparse.csr_array(sparse.coo_array(cells, shape=(len(labels),) * 2))


def from_square(frame: pd.DataFrame, name: str) -> tuple[Labels, sparse.csr_array]:
    """Return labels and matrix of a square table; see `Weights.from_frame`."""
    rows, columns = tuple(frame.index), tuple(frame.columns)
    check_labels(rows, name)
    check_labels(columns, name)
    if set(rows) != set(columns):
        only_rows, only_columns = (listing(a.difference(b)) for a, b in _both_ways(frame))
        raise RongheError(
            f"{name}: rows and columns hold different units; only in the rows: {only_rows or 'none'}; "
            f"only in the columns: {only_columns or 'none'}. The first row and the first column of a square table "
            f"hold the names of the units; an edge list has the columns {listing(EDGES)}"
        )
    values = frame if rows == columns else frame.loc[:, list(rows)]
    if not all(isinstance(kind, np.dtype) and kind.kind == "f" for kind in frame.dtypes) or values.isna().any(
        axis=None
    ):
        values = values.apply(lambda column: _numbers(column, name))
    return rows, sparse.csr_array(values.to_numpy(float))


def check_labels(labels: tuple[Hashable, ...], name: str) -> None:
    """Refuse a label that stands twice, and one that is missing."""
    if any(pd.api.types.is_scalar(label) and pd.isna(label) for label in labels):
        raise RongheError(f"{name}: a unit without a name; give each one")
    if len(set(labels)) < len(labels):
        counts = pd.Series(labels).value_counts()
        raise RongheError(f"{name}: these units stand twice: {listing(counts.index[counts > 1])}")


def check_weights(W: sparse.csr_array, labels: tuple[Hashable, ...], name: str) -> None:
    """Refuse weights that are not finite or negative, and units that neighbour themselves."""
    bad = ~np.isfinite(W.data) | (W.data < 0)
    if bad.any():
        focal = np.repeat(np.arange(W.shape[0]), np.diff(W.indptr))
        cells = [f"{labels[focal[k]]} - {labels[W.indices[k]]} ({W.data[k]:g})" for k in np.flatnonzero(bad)]
        raise RongheError(f"{name}: weights must be finite and not negative: {listing(cells)}")
    own = np.flatnonzero(W.diagonal())
    if len(own):
        raise RongheError(
            f"{name}: these units neighbour themselves: {listing(labels[i] for i in own)}; set their own weight to zero"
        )


def _numbers(column: pd.Series, name: str) -> np.ndarray:
    """Return a column as floats; refuse cells that are no numbers."""
    values = pd.to_numeric(column, errors="coerce")
    bad = values.isna()
    if bad.any():
        raise RongheError(f"{name}: not numbers: rows {listing(column.index[bad])} of '{column.name}'")
    return values.to_numpy(float)


def _sorted(labels: Iterable[Hashable]) -> list[Hashable]:
    """Sort labels; mixed kinds by their text."""
    labels = list(labels)
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=str)


def _both_ways(frame: pd.DataFrame) -> list[tuple[pd.Index, pd.Index]]:
    """Pair the labels of rows and columns, each with the other."""
    return [(frame.index, frame.columns), (frame.columns, frame.index)]
