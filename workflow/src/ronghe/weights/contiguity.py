"""Weights by common borders: from a table of borders, from polygons, from cells of a grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing, require_known
from ronghe.weights.matrix import Weights

RULES = ["queen", "rook"]


def from_borders(
    borders: pd.DataFrame, regions: Sequence[str], links: Iterable[str] | None = None, name: str = "weights"
) -> Weights:
    """Give weight 1 to regions that share a border, from rows (region, neighbor, kind).

    The table holds either every pair once or every pair both ways; a mixture is refused, because an opposite is
    then missing somewhere. `links` picks kinds of border (all where None). Regions without a border are islands.
    """
    if links is not None:
        for kind in (links := list(links)):
            require_known(kind, sorted(set(borders["kind"])), "kind of border", name)
        borders = borders[borders["kind"].isin(links)]
    place = pd.Index(regions)
    ends = borders[["region", "neighbor"]]
    unknown = pd.unique(ends.to_numpy().ravel()[~ends.isin(set(place)).to_numpy().ravel()])
    if len(unknown):
        raise RongheError(f"{name}: borders of units that are not in the table of regions: {listing(unknown)}")
    own = ends["region"][ends["region"] == ends["neighbor"]]
    if len(own):
        raise RongheError(f"{name}: the table of borders joins to themselves: {listing(own)}")
    twice = ends[ends.duplicated()]
    if len(twice):
        raise RongheError(f"{name}: these borders stand twice: {_pairs(twice)}; keep one row of each")
    once = _without_opposite(ends)
    if 0 < len(once) < len(ends):
        raise RongheError(
            f"{name}: the table of borders is not symmetric: {_pairs(once)} lack the opposite row, others have it; "
            "write every pair once, or every pair both ways"
        )
    focal, neighbor = place.get_indexer(ends["region"]), place.get_indexer(ends["neighbor"])
    W = sparse.coo_array((np.ones(len(ends)), (focal, neighbor)), shape=(len(place),) * 2).tocsr()
    return Weights(tuple(place), W + W.T if len(once) else W, name)


def _without_opposite(ends: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose pair does not stand the other way round too."""
    forward = pd.MultiIndex.from_frame(ends)
    backward = pd.MultiIndex.from_arrays([ends["neighbor"], ends["region"]])
    return ends[~forward.isin(backward)]


def _pairs(ends: pd.DataFrame) -> str:
    return listing(f"{r} - {n}" for r, n in zip(ends["region"], ends["neighbor"], strict=True))


def from_polygons(
    path: str | Path, key: str, regions: Sequence[str], rule: str = "queen", name: str = "weights"
) -> Weights:
    """Give weight 1 to polygons that share a point (queen) or a line (rook), through libpysal."""
    import geopandas
    from libpysal.graph import Graph

    require_known(rule, RULES, "rule", name)
    shapes = geopandas.read_file(path)
    if key not in shapes:
        raise RongheError(f"{path}: no field '{key}' (there: {listing(c for c in shapes if c != 'geometry')})")
    if shapes[key].duplicated().any():
        raise RongheError(f"{path}: stands twice in '{key}': {listing(shapes[key][shapes[key].duplicated()].unique())}")
    absent = sorted(set(regions) - set(shapes[key]))
    if absent:
        raise RongheError(f"{path}: no polygon for {listing(absent)}; '{key}' must hold the names of the regions")
    shapes = shapes.set_index(key).loc[list(regions)]
    graph = Graph.build_contiguity(shapes.geometry, rook=rule == "rook")
    return Weights.from_graph(graph, name).align(regions)


def from_grid(n_rows: int, n_columns: int, rule: str = "rook", name: str = "grid") -> Weights:
    """Give weight 1 to cells of a full grid that share an edge (rook), or an edge or a corner (queen)."""
    require_known(rule, RULES, "rule", name)
    down, right = (
        sparse.diags_array([np.ones(k - 1), np.ones(k - 1)], offsets=[-1, 1], shape=(k, k)) for k in (n_rows, n_columns)
    )
    if rule == "queen":
        # Every step of at most one down and one right, less the step to oneself.
        down, right = down + sparse.eye_array(n_rows), right + sparse.eye_array(n_columns)
        W = sparse.kron(down, right) - sparse.eye_array(n_rows * n_columns)
    else:
        W = sparse.kron(down, sparse.eye_array(n_columns)) + sparse.kron(sparse.eye_array(n_rows), right)
    return Weights(tuple(range(n_rows * n_columns)), sparse.csr_array(W), name)
