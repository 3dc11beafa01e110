"""Coupling coordination of two or more subsystems: how close, how developed, who lags, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.frames import check_panel, select_columns

GRADES = (
    "extreme imbalance",
    "severe imbalance",
    "moderate imbalance",
    "mild imbalance",
    "near imbalance",
    "barely coordinated",
    "primary coordination",
    "intermediate coordination",
    "good coordination",
    "high-quality coordination",
)
STEPS = np.arange(1, 10) / 10


class Coupling(NamedTuple):
    """The numbers and the words of a coupling, both keyed by region and year."""

    panel: pd.DataFrame
    states: pd.DataFrame


def read_subsystems(panel: pd.DataFrame, subsystems: Mapping[str, str], zero: bool = False) -> pd.DataFrame:
    """Return the index U of each subsystem as a column, refused outside (0, 1], or [0, 1] where a `zero` may stand."""
    if len(subsystems) < 2:
        raise RongheError(f"subsystems: {listing(subsystems) or 'none'}; name two or more")
    U = select_columns(panel, subsystems.values(), "subsystems")
    U = pd.DataFrame({name: U[variable] for name, variable in subsystems.items()}, index=U.index)
    for name in U:
        bad = U.index[(U[name] < 0) | (U[name] > 1 + 1e-12) | ((U[name] == 0) & (not zero))]
        if len(bad):
            raise RongheError(
                f"subsystem '{name}' ('{subsystems[name]}') lies outside {'[0, 1]' if zero else '(0, 1]'} for "
                f"{listing(bad)}: use an index of min-max scaled indicators; where it is 0, give it a `floor`"
            )
    return U


def subsystem_weights(names: list[str], weights: Mapping[str, float] | None = None) -> np.ndarray:
    """Return the weights of the subsystems in the order of `names`, all alike where none are given."""
    if weights is None:
        return np.full(len(names), 1 / len(names))
    for name in weights:
        require_known(name, names, "subsystem", "weights")
    a = np.array([weights.get(name, 0.0) for name in names])
    if not abs(a.sum() - 1) <= 1e-9 or (a <= 0).any():
        raise RongheError(f"weights of subsystems must be above 0 and add to 1, not {dict(weights)}")
    return a


def coupling_degree(U: np.ndarray) -> np.ndarray:
    """Return C = k (prod_i U_i)^(1/k) / sum_i U_i of each row: geometric over arithmetic mean, 1 when all are equal."""
    return np.exp(np.log(U).mean(axis=1)) / U.mean(axis=1)


def modified_coupling_degree(U: np.ndarray) -> np.ndarray:
    """Return C = sqrt((1 - mean_{i>j} |U_i - U_j|) (prod_i U_i/max U)^(1/(k-1))) of each row (Wang et al. 2021).

    Spread more evenly over [0, 1] than the standard degree, which crowds near 1.
    """
    k = U.shape[1]
    # sum_{i>j} |U_i - U_j| = sum_i (2i - k - 1) U_(i) over the sorted values, i = 1..k.
    gaps = np.sort(U, axis=1) @ (2 * np.arange(1, k + 1) - k - 1) / (k * (k - 1) / 2)
    ratio = np.exp(np.log(U / U.max(axis=1, keepdims=True)).sum(axis=1) / (k - 1))
    return np.sqrt((1 - gaps) * ratio)


def grade(D: np.ndarray) -> np.ndarray:
    """Return 1 to 10 by steps of 0.1: [0, 0.1) is 1, [0.9, 1] is 10."""
    return np.digitize(D, STEPS) + 1


def couple(panel: pd.DataFrame, subsystems: Mapping[str, str], weights: Mapping[str, float] | None = None) -> Coupling:
    """Couple subsystems: coupling C, development T = sum_i a_i U_i and coordination D = sqrt(C T), both forms of C."""
    U = read_subsystems(panel, subsystems)
    u, T = U.to_numpy(), U.to_numpy() @ subsystem_weights(list(U), weights)
    # Rounding may lift a mean of equal values above 1 by one unit in the last place.
    C, C_modified = (np.minimum(f(u), 1.0) for f in (coupling_degree, modified_coupling_degree))
    D, D_modified = np.sqrt(C * T), np.sqrt(C_modified * T)
    numbers = {
        "coupling": C,
        "development": T,
        "coordination": D,
        "coupling_modified": C_modified,
        "coordination_modified": D_modified,
        "grade": grade(D),
        "grade_modified": grade(D_modified),
    }
    words = np.array(GRADES, dtype=object)
    gap = u.max(axis=1) - u.min(axis=1)
    lagging = np.where(gap > 0, np.array(list(U), dtype=object)[u.argmin(axis=1)], "none")
    states = {
        "grade": words[grade(D) - 1],
        "grade_modified": words[grade(D_modified) - 1],
        "lagging": lagging,
        "gap": gap,
    }
    return Coupling(pd.DataFrame(numbers, index=U.index), pd.DataFrame(states, index=U.index))


def obstacles(
    scores: Mapping[str, pd.DataFrame],
    indicator_weights: Mapping[str, pd.Series],
    weights: Mapping[str, float] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return what each indicator holds back: O_ij = a_s w_j (1 - r_ij) / sum over all indicators of all subsystems.

    `scores` and `indicator_weights` are those of each subsystem's index. Shares of a region-year add to 1; where
    nothing is short of the best there is nothing to share, and the cells stay empty. Two tables: `obstacles` by
    region and year, `obstacle_ranking` by year with the mean over regions.
    """
    if not scores:
        empty = pd.DataFrame(columns=["year", "subsystem", "indicator", "obstacle", "rank"])
        return {"obstacles": pd.DataFrame(columns=["region", "year"]), "obstacle_ranking": empty}
    scores = {name: check_panel(R, f"scores of '{name}'") for name, R in scores.items()}
    first = next(iter(scores.values()))
    for name, R in scores.items():
        if not R.index.equals(first.index):
            raise RongheError(f"obstacles: '{name}' has other region-years than the rest; build all from one panel")
        unlike = set(R) ^ set(indicator_weights[name].index)
        if unlike:
            raise RongheError(
                f"obstacles of '{name}': {listing(sorted(unlike))} stands in the scores or in the weights alone; make "
                "the index again"
            )
        outside = R.index[((R < 0) | (R > 1)).any(axis=1)]
        if len(outside):
            raise RongheError(f"obstacles of '{name}': scores beyond 0 and 1 for {listing(outside)}; scale them first")
    a = dict(zip(scores, subsystem_weights(list(scores), weights), strict=True))
    shortfall = pd.concat({s: a[s] * indicator_weights[s][list(R)] * (1 - R) for s, R in scores.items()}, axis=1)
    total = shortfall.sum(axis=1)
    shares = shortfall.div(total.where(total > 0), axis=0)
    ranking = shares.groupby(level="year").mean().stack([0, 1], future_stack=True).rename("obstacle").reset_index()
    ranking.columns = ["year", "subsystem", "indicator", "obstacle"]
    ranking["rank"] = ranking.groupby("year")["obstacle"].rank(ascending=False, method="min")
    ranking = ranking.sort_values(["year", "rank", "subsystem", "indicator"], ignore_index=True)
    shares.columns = [".".join(pair) for pair in shares.columns]
    return {"obstacles": shares, "obstacle_ranking": ranking}
