"""Weights by economic likeness, alone or together with geography, and by flows between regions."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing, require_known
from ronghe.weights.matrix import Weights

log = logging.getLogger(__name__)
OWN_FLOWS = ["refuse", "drop"]
DIRECTIONS = ["sent", "received", "both"]


def endogenous_years(years: Sequence[int] | None, sample_years: Sequence[int]) -> list[int]:
    """Return the years of the sample that a mean over `years` (all of the sample where None) rests on."""
    first, last = years or (min(sample_years), max(sample_years))
    return sorted(set(range(first, last + 1)) & set(sample_years))


def mean_over(series: pd.Series, years: Sequence[int] | None, sample_years: Sequence[int], name: str) -> pd.Series:
    """Average a (region, year) series over years; warn where they overlap the sample, for W is then endogenous."""
    held = series.index.get_level_values("year")
    first, last = years or (min(sample_years), max(sample_years))
    wanted = range(first, last + 1)
    absent = sorted(set(wanted) - set(held))
    if absent:
        there = listing(sorted(set(held)), 40)
        raise RongheError(f"{name}: no values for the years {listing(absent)} (there: {there})")
    overlap = endogenous_years(years, sample_years)
    if overlap:
        log.warning(
            "%s: the weights use %s in years of the sample (%s): they may depend on what the model explains. "
            "Years before the sample are safer.",
            name,
            series.name,
            listing(overlap),
        )
    wide = series[held.isin(wanted)].unstack("year")
    bad = wide.index[~np.isfinite(wide.to_numpy(float)).all(axis=1)]
    if len(bad):
        raise RongheError(f"{name}: {series.name} is missing for {listing(bad)} in some of {first}-{last}")
    return wide.mean(axis=1)


def economic_distance(size: pd.Series, name: str = "weights", nearest: int | None = None) -> Weights:
    """Weigh every pair by 1 / |x_i - x_j|; two units with the same value are refused, the weight being infinite.

    With `nearest` each unit keeps that many others at most, those most like it.
    """
    if nearest is not None and nearest < len(size) - 1:
        return _most_alike(size, name, nearest)
    gap = np.abs(np.subtract.outer(size.to_numpy(float), size.to_numpy(float)))
    np.fill_diagonal(gap, np.inf)
    if (gap == 0).any():
        same = [f"{size.index[i]} and {size.index[j]}" for i, j in np.argwhere(np.triu(gap == 0))]
        raise RongheError(f"{name}: the same value of {size.name}, so that the weight is infinite: {listing(same)}")
    return Weights(tuple(size.index), sparse.csr_array(1 / gap), name)


def _most_alike(size: pd.Series, name: str, nearest: int) -> Weights:
    """Return the same among the nearest values only, from one sort: no n x n array."""
    x, n = size.to_numpy(float), len(size)
    order = np.argsort(x, kind="stable")
    if (same := np.flatnonzero(np.diff(x[order]) == 0)).size:
        pairs = [f"{size.index[order[k]]} and {size.index[order[k + 1]]}" for k in same]
        raise RongheError(f"{name}: the same value of {size.name}, so that the weight is infinite: {listing(pairs)}")
    # The nearest values of a unit stand within `nearest` places of it in the order of values.
    places = np.arange(n)[:, None] + np.delete(np.arange(-nearest, nearest + 1), nearest)
    inside = (places >= 0) & (places < n)
    gap = np.where(inside, np.abs(x[order][places.clip(0, n - 1)] - x[order][:, None]), np.inf)
    kept = np.argsort(gap, axis=1, kind="stable")[:, :nearest]
    focal, neighbor = np.repeat(order, nearest), order[np.take_along_axis(places, kept, axis=1)].ravel()
    weight = 1 / np.take_along_axis(gap, kept, axis=1).ravel()
    return Weights(tuple(size.index), sparse.coo_array((weight, (focal, neighbor)), shape=(n, n)), name)


def weighted_sum(first: Weights, second: Weights, share: float, name: str = "weights") -> Weights:
    """Return share W_1 + (1 - share) W_2; both sides should be standardised, or their units decide."""
    second = second.align(first.labels)
    return Weights(first.labels, share * first.sparse + (1 - share) * second.sparse, name)


def product(first: Weights, second: Weights, name: str = "weights") -> Weights:
    """Return the cell-by-cell product: near and alike."""
    return Weights(first.labels, first.sparse.multiply(second.align(first.labels).sparse).tocsr(), name)


def scaled_by_size(geographic: Weights, size: pd.Series, name: str = "weights") -> Weights:
    """Return w_ij x_j / mean(x): of two neighbours equally near, the larger one counts for more."""
    size = size.reindex(list(geographic.labels))
    bad = size.index[~(size > 0)]
    if len(bad):
        raise RongheError(f"{name}: the size of a neighbour must be positive: {listing(bad)}")
    scale = sparse.diags_array(size.to_numpy(float) / size.mean())
    return Weights(geographic.labels, sparse.csr_array(geographic.sparse @ scale), name)


def over_years(flows: pd.DataFrame, years: Sequence[int] | None, where: str) -> pd.DataFrame:
    """Return the mean flow of each pair over years (all there are where None); a year without a row is no flow."""
    if "year" not in flows:
        if years:
            raise RongheError(f"{where}: years: the table has no column of years; name it under columns.year")
        return flows
    there = sorted(map(int, flows["year"].unique()))
    wanted = range(years[0], years[1] + 1) if years else there
    absent = sorted(set(wanted) - set(there))
    if absent:
        raise RongheError(f"{where}: no flows in the years {listing(absent)} (there: {listing(there, 40)})")
    kept = flows[flows["year"].isin(wanted)]
    # Pairs in the order of their first row: the sum of floats does not depend on it, row by row.
    means = kept.groupby(["focal", "neighbor"], sort=False)["weight"].sum() / len(wanted)
    return means.reset_index()


def directed(flows: pd.DataFrame, direction: str, name: str = "weights") -> pd.DataFrame:
    """Return who gives weight to whom: by flows sent from focal to neighbor, by flows received, or by their sum."""
    require_known(direction, DIRECTIONS, "direction", name)
    turned = flows.rename(columns={"focal": "neighbor", "neighbor": "focal"})[["focal", "neighbor", "weight"]]
    if direction == "received":
        return turned
    if direction == "both":
        flows = pd.concat([flows, turned[turned["focal"] != turned["neighbor"]]], ignore_index=True)
        return flows.groupby(["focal", "neighbor"], sort=False)["weight"].sum().reset_index()
    return flows


def from_flows(
    flows: pd.DataFrame, regions: Sequence[str], own_flows: str = "refuse", name: str = "weights"
) -> Weights:
    """Weigh by flows (focal, neighbor, weight): trade, migration, commuting; flows within a region drop if asked to."""
    require_known(own_flows, OWN_FLOWS, "treatment of own flows", name)
    absent = [c for c in ("focal", "neighbor", "weight") if c not in flows]
    if absent:
        raise RongheError(f"{name}: the table of flows lacks the columns {listing(absent)}")
    own = (flows["focal"] == flows["neighbor"]) & (flows["weight"] != 0)
    if own.any() and own_flows == "refuse":
        raise RongheError(
            f"{name}: flows within a region: {listing(flows.loc[own, 'focal'])}; "
            "write own_flows: drop to leave them out"
        )
    other = flows[flows["focal"] != flows["neighbor"]]
    extra = sorted((set(other["focal"]) | set(other["neighbor"])) - set(regions), key=str)
    if extra:
        raise RongheError(f"{name}: flows from or to units that are not regions: {listing(extra)}")
    return Weights.from_edges(other, regions, name)
