"""Dagum's decomposition of the Gini ratio by groups: within, net between, and transvariation between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.explore.regional_values import by_region_and_year, group_of, require_amounts
from ronghe.late_imports import late


@dataclass(frozen=True)
class Dagum:
    """The Gini ratio with its three parts; the ratio of each group; and each pair of groups."""

    total: float
    within: float
    between: float
    transvariation: float
    groups: pd.DataFrame
    pairs: pd.DataFrame


def absolute_differences(y: np.ndarray, code: np.ndarray, n_groups: int) -> np.ndarray:
    """Return sum_{i in g, j in h} |y_i - y_j| for all groups g, h.

    After one sort, with C and T the running counts and sums of each group h, a unit i contributes
    y_i (2 C_h - n_h) - (2 T_h - S_h): O(n log n + n k^2) time and O(n k) memory for k groups, never n x n.
    """
    order = np.argsort(y, kind="stable")
    # The differences do not change when a constant is taken off, and cancellation is least around the mean.
    y, code = y[order] - y.mean(), code[order]
    member = np.zeros((len(y), n_groups))
    member[np.arange(len(y)), code] = 1.0
    counts, sums = np.cumsum(member, axis=0), np.cumsum(member * y[:, None], axis=0)
    from_unit = y[:, None] * (2 * counts - counts[-1]) - (2 * sums - sums[-1])
    differences = member.T @ from_unit
    return (differences + differences.T) / 2


def dagum(values: pd.Series, groups: pd.Series) -> Dagum:
    """Decompose the Gini ratio of `values` by `groups`, both labelled by unit (Dagum 1997).

    For groups j, h with n_j units, mean m_j, population share p_j = n_j / n and value share s_j = n_j m_j / (n m):

    - `gini` of a pair: G_jh = sum |y_ji - y_hr| / (n_j n_h (m_j + m_h)), and G_jj within a group;
    - relative economic affluence D_jh = (d_jh - p_jh) / (d_jh + p_jh), where d and p are the gross affluence and the
      first moment of transvariation. Because d - p = |m_j - m_h| and d + p = the mean absolute difference, no integral
      is needed;
    - within = sum_j G_jj p_j s_j; between = sum_{j>h} G_jh (p_j s_h + p_h s_j) D_jh; transvariation = the same with
      1 - D_jh.

    The total is computed apart, by `inequality` from ranks over all units, so that the parts adding to it is a check
    and not a definition. Missing and negative values are refused by name. `inequality` has no Dagum decomposition.
    """
    with late("scipy.stats", "matplotlib"):
        from inequality.gini import Gini

    y = require_amounts(values, "Dagum decomposition")
    names, code = np.unique(group_of(values.index, groups).to_numpy(dtype=str), return_inverse=True)
    k, n = len(names), len(y)
    counts = np.bincount(code, minlength=k).astype(float)
    sums = np.bincount(code, weights=y, minlength=k)
    means = sums / counts
    differences = absolute_differences(y, code, k)
    p, s = counts / n, sums / sums.sum()
    scale = np.outer(counts, counts) * np.add.outer(means, means)
    # Two groups of zeros differ in nothing: no share, no contribution.
    G = np.divide(differences, scale, out=np.zeros((k, k)), where=scale > 0)
    gap = np.outer(counts, counts) * np.abs(np.subtract.outer(means, means))
    # Rounding can carry the ratio a last digit beyond one where groups do not overlap.
    D = np.minimum(np.divide(gap, differences, out=np.zeros((k, k)), where=differences > 0), 1.0)
    share = G * (np.outer(p, s) + np.outer(s, p))
    first, second = np.tril_indices(k, -1)
    cross, affluence = share[first, second], D[first, second]
    return Dagum(
        total=float(Gini(y).g),
        within=float(np.diag(G) @ (p * s)),
        between=float(cross @ affluence),
        transvariation=float(cross @ (1 - affluence)),
        groups=pd.DataFrame(
            {
                "units": counts.astype(int),
                "mean": means,
                "gini": np.diag(G),
                "population_share": p,
                "value_share": s,
                "contribution": np.diag(G) * p * s,
            },
            index=pd.Index(names, name="group"),
        ),
        pairs=pd.DataFrame(
            {
                "gini": G[first, second],
                "affluence": affluence,
                "between": cross * affluence,
                "transvariation": cross * (1 - affluence),
            },
            index=pd.MultiIndex.from_arrays([names[second], names[first]], names=["group", "other"]),
        ),
    )


def dagum_by_year(values: pd.Series, groups: pd.Series) -> dict[str, pd.DataFrame]:
    """Decompose every year of a panel variable; return the tables `parts`, `groups` and `pairs`, keyed by year."""
    parts, within, pairs = {}, {}, {}
    for year, column in by_region_and_year(values).items():
        result = dagum(column, groups)
        parts[year] = {
            "total": result.total,
            "within": result.within,
            "between": result.between,
            "transvariation": result.transvariation,
        }
        within[year], pairs[year] = result.groups, result.pairs
    table = pd.DataFrame.from_dict(parts, orient="index").rename_axis("year")
    for part in ("within", "between", "transvariation"):
        table[f"{part}_share"] = table[part] / table["total"].where(table["total"] > 0)
    return {"parts": table, "groups": pd.concat(within, names=["year"]), "pairs": pd.concat(pairs, names=["year"])}
