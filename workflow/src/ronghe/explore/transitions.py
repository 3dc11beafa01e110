"""Markov chains of a variable's classes, plain and by the class of the neighbours, with tests.

Chains are giddy's (2.3.8), behind two refusals that it lacks: it counts a missing value, and with it all of the highest
class, as the lowest class without a word, and it gives probabilities of zero to a class that nobody ever starts from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ronghe.errors import RongheError, listing, require_count, require_known
from ronghe.explore.regional_values import by_region_and_year
from ronghe.late_imports import UNUSED_BY_PYSAL, late
from ronghe.weights import Weights

LAG_CLASSES = ("same", "own")
POOLED = "all"


def cutoffs_of(panel: pd.DataFrame, classes: int, name: str = "variable") -> np.ndarray:
    """Return the inner quantiles of all region-years together that cut the variable into `classes` classes."""
    if classes > panel.size:
        raise RongheError(f"Markov chain of '{name}': {classes} classes of {panel.size} region-years; ask for fewer")
    cutoffs = np.quantile(panel.to_numpy(), np.arange(1, classes) / classes)
    if len(np.unique(cutoffs)) < len(cutoffs) or cutoffs[-1] >= panel.to_numpy().max():
        raise RongheError(f"Markov chain of '{name}': too many equal values for {classes} classes; ask for fewer")
    return cutoffs


def classify(panel: pd.DataFrame, cutoffs: Sequence[float]) -> pd.DataFrame:
    """Return the class of every cell, 0 to k - 1; a value equal to a cutoff belongs to the class below it."""
    codes = np.searchsorted(np.asarray(cutoffs, float), panel.to_numpy(), side="left")
    return pd.DataFrame(codes, index=panel.index, columns=panel.columns)


def count_transitions(classes: np.ndarray, k: int) -> np.ndarray:
    """Return counts (from, to) of one-period moves between k classes, units x periods."""
    with late(*UNUSED_BY_PYSAL):
        from giddy.markov import Markov

    return Markov(classes, classes=np.arange(k), summary=False).transitions


def probabilities(counts: np.ndarray) -> np.ndarray:
    """Return the transition probabilities; those out of a class that nobody left or stayed in are missing, not zero."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def steady_state(P: np.ndarray) -> np.ndarray:
    """Return the only long-run distribution p = p P, or missing values where there is none or more than one."""
    from giddy.ergodic import steady_state as long_run

    unknown = np.full(len(P), np.nan)
    if np.isnan(P).any():
        return unknown
    # One row for each set of classes that, once entered, is never left.
    found = np.atleast_2d(long_run(P))
    return found[0] if len(found) == 1 else unknown


def homogeneity_test(counts: np.ndarray) -> dict[str, float]:
    """Return the likelihood-ratio and chi-squared tests that all strata share one matrix (Bickenbach and Bode 2003).

    LR = 2 sum n_mij ln(p_mij / p_ij), Q = sum n_mi (p_mij - p_ij)^2 / p_ij, df = sum_i (a_i - 1)(b_i - 1) over the rows
    i that were ever entered, a_i the number of destinations seen in any stratum and b_i of strata that start from i.

    Not `giddy.markov.homogeneity` (2.3.8): a row that no stratum ever starts from adds (0 - 1)(0 - 1) = 1 to its
    degrees of freedom, counts given as integers make every probability zero, and its p-value 1 - cdf stops at 1e-16.
    Where these do not matter the tests hold the two equal.
    """
    counts = np.asarray(counts, dtype=float)
    pooled = counts.sum(axis=0)
    starts = counts.sum(axis=2)
    seen = pooled.sum(axis=1) > 0
    expected = starts[:, :, None] * np.nan_to_num(probabilities(pooled))[None]
    positive = expected > 0
    Q = float((np.square(counts - expected)[positive] / expected[positive]).sum())
    moved = counts > 0
    LR = float(2 * (counts[moved] * np.log(counts[moved] / expected[moved])).sum())
    a, b = (pooled > 0).sum(axis=1), (starts > 0).sum(axis=0)
    df = int(((a - 1) * (b - 1))[seen].sum())
    p_LR, p_Q = (float(chdtrc(df, max(s, 0.0))) if df else np.nan for s in (LR, Q))
    return {"LR": LR, "LR_pvalue": p_LR, "Q": Q, "Q_pvalue": p_Q, "df": df}


def independence_test(counts: np.ndarray) -> dict[str, float]:
    """Return both tests that the next class does not depend on the present one (Anderson and Goodman 1957).

    Order 0 against order 1: the rows of one matrix are the strata, and share a single distribution of destinations.
    """
    return homogeneity_test(np.asarray(counts, float)[:, None, :])


def mobility(P: np.ndarray) -> float:
    """Return Shorrocks's (1978) mobility (k - trace P) / (k - 1): 0 where nobody moves, 1 where every row is alike."""
    from giddy.mobility import markov_mobility

    return float(markov_mobility(P, measure="P"))


def _class_names(k: int, names: Sequence[str] | None) -> list[str]:
    names = [str(i + 1) for i in range(k)] if names is None else [str(n) for n in names]
    if len(names) != k or len(set(names)) != k:
        raise RongheError(f"Markov chain: {k} classes need {k} different names, given: {listing(names)}")
    return names


def _long(counts: np.ndarray, strata: list[str], names: list[str], key: str) -> pd.DataFrame:
    """Return counts and probabilities as one row per stratum, class of departure and class of arrival."""
    index = pd.MultiIndex.from_product([strata, names, names], names=[key, "origin", "destination"])
    return pd.DataFrame({"count": counts.ravel(), "probability": probabilities(counts).ravel()}, index=index)


def transitions(
    values: pd.Series,
    weights: Weights | None = None,
    classes: int = 4,
    cutoffs: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    relative: bool = False,
    lag_classes: str = "same",
) -> dict[str, pd.DataFrame]:
    """Return the Markov chain of a panel variable's classes; with `weights`, also by class of the neighbours' mean.

    `cutoffs` are given or the quantiles of all region-years; `relative` first divides by each year's mean. The
    neighbours' mean is cut at the same points (`lag_classes="same"`) or at its own quantiles ("own"). Tables:

    - `probabilities`: lag_class (or "all"), origin, destination, count, probability;
    - `steady_states`: lag_class, class, share in the long run; missing where not unique;
    - `tests`: independence (order 0), homogeneity over time (years), homogeneity over lag classes; LR and Q, df, p;
    - `classes`: region, year, class, lag_class; `cutoffs`; `mobility`.
    """
    require_known(lag_classes, LAG_CLASSES, "choice of lag classes", "Markov chain")
    name = str(values.name or "variable")
    panel = by_region_and_year(values)
    if panel.shape[1] < 2:
        raise RongheError(f"Markov chain of '{name}': one year holds no move; give two years or more")
    if relative:
        panel = panel / panel.mean()
    require_count(classes, f"Markov chain of '{name}': classes", 2)
    cutoffs = cutoffs_of(panel, classes, name) if cutoffs is None else np.asarray(cutoffs, float)
    if not len(cutoffs) or not np.isfinite(cutoffs).all() or (np.diff(cutoffs) <= 0).any():
        raise RongheError(f"Markov chain of '{name}': cutoffs must rise: {listing(cutoffs)}")
    k = len(cutoffs) + 1
    names = _class_names(k, names)
    code = classify(panel, cutoffs)
    own = code.to_numpy()
    by_year = np.stack([count_transitions(own[:, [t, t + 1]], k) for t in range(own.shape[1] - 1)])
    tests = {"independence": independence_test(by_year.sum(axis=0)), "time_homogeneity": homogeneity_test(by_year)}
    strata, counts = [POOLED], by_year.sum(axis=0)[None]
    memberships = {"class": code}
    edges = {"class": cutoffs}
    if weights is not None:
        from giddy.markov import Spatial_Markov

        weights = _averaging(weights, panel.index)
        lag = pd.DataFrame(weights.sparse @ panel.to_numpy(), index=panel.index, columns=panel.columns)
        edges["lag_class"] = cutoffs if lag_classes == "same" else cutoffs_of(lag, k, f"W*{name}")
        # Given the cutoffs, giddy's own numbers of classes are not asked for.
        chain = Spatial_Markov(
            panel.to_numpy(), weights.to_graph().to_W(), cutoffs=cutoffs, lag_cutoffs=edges["lag_class"]
        )
        memberships["lag_class"] = pd.DataFrame(chain.lclass_ids, index=panel.index, columns=panel.columns)
        tests["spatial_homogeneity"] = homogeneity_test(chain.T)
        strata, counts = [*strata, *names], np.concatenate([counts, chain.T])
    P = probabilities(counts)
    index = pd.MultiIndex.from_product([strata, names], names=["lag_class", "class"])
    return {
        "probabilities": _long(counts, strata, names, "lag_class"),
        "steady_states": pd.DataFrame({"share": np.concatenate([steady_state(p) for p in P])}, index=index),
        "tests": pd.DataFrame.from_dict(tests, orient="index").rename_axis("test"),
        "classes": pd.DataFrame(
            {key: np.array(names)[frame.to_numpy()].ravel() for key, frame in memberships.items()},
            index=pd.MultiIndex.from_product([panel.index, panel.columns], names=["region", "year"]),
        ),
        "cutoffs": pd.DataFrame(edges, index=pd.Index(names[:-1], name="upper_bound_of")),
        "mobility": pd.DataFrame({"mobility": [mobility(p) for p in P]}, index=pd.Index(strata, name="lag_class")),
    }


def _averaging(weights: Weights, units: pd.Index) -> Weights:
    """Return the weights in the order of `units`; refuse units without neighbours and rows that do not average."""
    weights = Weights.coerce(weights).align(units)
    if len(weights.islands):
        raise RongheError(
            f"spatial Markov chain: no neighbours: {listing(weights.islands)}; leave them out or link them"
        )
    if not weights.is_row_standardised:
        raise RongheError("spatial Markov chain: the weights must be row-standardised, or W y is not a mean")
    return weights
