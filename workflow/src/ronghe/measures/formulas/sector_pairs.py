"""Co-agglomeration of sectors over the whole country: every pair, and groups of sectors, year by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.measures.sectors import Groups, region_sizes, regional_shares, sum_groups


class SectorPairs(NamedTuple):
    """Pairs i < j by year, the mean matrix over the years, and groups by year."""

    pairs: pd.DataFrame
    matrix: pd.DataFrame
    groups: pd.DataFrame


SIZES = ("mean", "total")


def coagglomeration_matrix(shares: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return gamma_ij = sum_r (s_ri - x_r)(s_rj - x_r) / (1 - sum_r x_r^2) by year.

    Ellison, Glaeser and Kerr (2010, eq. 1). On the diagonal stands the raw concentration G_i / (1 - sum x^2),
    without a correction for plants.
    """
    if shares.shape[1] < 2:
        raise RongheError("co-agglomeration of sectors needs two regions or more: with one the index is 0/0")
    D = shares - x[:, :, None]
    return D.transpose(0, 2, 1) @ D / (1 - (x**2).sum(axis=1))[:, None, None]


def sector_pairs(
    panel: pd.DataFrame, sectors: Groups, size: str = "mean", groups: Mapping[str, Sequence[str]] | None = None
) -> SectorPairs:
    """Return the co-agglomeration of all pairs of sectors by year, their mean matrix, and that within groups."""
    require_known(size, SIZES, "size", "sector pairs")
    if len(sectors) < 2:
        raise RongheError(f"sector pairs: {listing(sectors) or 'no sector'}; name two or more")
    e = sum_groups(panel, sectors)
    years, names = e.index.unique("year"), list(e)
    shares = regional_shares(e)
    gamma = coagglomeration_matrix(shares, region_sizes(e, shares, size))
    first, second = np.triu_indices(len(names), 1)
    labels = np.array(names, dtype=object)
    pairs = pd.DataFrame(
        {
            "year": np.repeat(years, len(first)),
            "first": np.tile(labels[first], len(years)),
            "second": np.tile(labels[second], len(years)),
            "coagglomeration": gamma[:, first, second].ravel(),
        }
    )
    matrix = pd.DataFrame(gamma.mean(axis=0), index=pd.Index(names, name="sector"), columns=names).reset_index()
    amounts = e.groupby(level="year").sum().to_numpy()
    rows = []
    for group, members in (groups or {}).items():
        for member in members:
            require_known(member, names, "sector", f"group '{group}'")
        i = [names.index(member) for member in members]
        values = group_coagglomeration(gamma[:, i][:, :, i], amounts[:, i])
        rows += [{"group": group, "year": year, "coagglomeration": g} for year, g in zip(years, values, strict=True)]
    return SectorPairs(pairs, matrix, pd.DataFrame(rows, columns=["group", "year", "coagglomeration"]))


def group_coagglomeration(gamma: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Return gamma^c of a group of sectors by year (Ellison and Glaeser 1997).

    With the sectors' shares w in the group's employment it equals sum_{i != j} w_i w_j gamma_ij / (1 - sum_i w_i^2):
    the plants' Herfindahls cancel, so that no plant data are needed.
    """
    w = amounts / amounts.sum(axis=1, keepdims=True)
    off = gamma * (1 - np.eye(gamma.shape[1]))
    return np.einsum("ti,tij,tj->t", w, off, w) / (1 - (w**2).sum(axis=1))
