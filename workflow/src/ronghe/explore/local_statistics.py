"""Where dependence sits: local Moran, Geary and Getis-Ord by region and year, clusters, and how clusters move.

The numbers equal those of spdep. esda's (2.8) moments of the local Moran are these, but its local Moran is (n - 1) / n
of the one that they belong to, its local Geary n / (n - 1) of the one here, its pseudo p-values are one-sided, and its
first permutations compile for 44 to 58 s; so it is not used.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ronghe.errors import require_known, require_share
from ronghe.explore.autocorrelation import varying
from ronghe.explore.permutation import MANY_UNITS, blocks_of_draws, by_name, draws, pvalues_of, tails, two_sided
from ronghe.late_imports import UNUSED, late
from ronghe.weights.matrix import Weights
from ronghe.weights.wide import to_wide

QUADRANTS = ["high-high", "low-high", "low-low", "high-low"]
NOT_SIGNIFICANT = "not significant"
CORRECTIONS = ["fdr", "none"]
# How far from the mean, in standard deviations, a point of the Moran scatter is labelled (Anselin 1996).
OUTLIER = 2.0


def local_tests(
    panel: pd.DataFrame,
    W: Weights,
    alpha: float = 0.05,
    correction: str = "fdr",
    permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Return local statistics and a cluster label for every variable, region and year.

    `local_moran` is I_i = (z_i / m2) sum_j w_ij z_j with m2 = z'z / n (Anselin 1995, eq. 12), whose mean over regions
    is Moran's I where rows sum to one. `expected`, `std_error`, `z`, `pvalue` hold z_i fixed (Sokal, Oden and Thomson
    1998); `permuted_pvalue` shuffles the others. `adjusted_pvalue` controls the false discovery rate within a year
    (Benjamini and Hochberg 1995), and `cluster` is the quadrant where it is at most `alpha`; `uncorrected_cluster`
    goes by `permuted_pvalue`. With `correction="none"` both are the same. Of many units those whose statistic lies
    beyond all draws are drawn again, 4 n / alpha times: no p-value from the first draws could survive n tests.
    """
    require_known(correction, CORRECTIONS, "correction", "local dependence")
    require_share(alpha, "local dependence: alpha")
    W = by_name(Weights.coerce(W))
    chosen = draws(W.n - 1, int(np.diff(W.sparse.indptr).max()), permutations, seed)
    wides = {variable: varying(to_wide(panel[variable], W, name=variable)) for variable in panel}
    centred = {v: wide.to_numpy() - wide.to_numpy().mean(axis=0) for v, wide in wides.items()}
    permuted = {variable: _permuted_pvalues(W, Z, chosen) for variable, Z in centred.items()}
    if W.n > MANY_UNITS:
        pairs = [(Z, permuted[variable]) for variable, Z in centred.items()]
        _refine(W, pairs, permutations, int(np.ceil(4 * W.n / alpha)), seed + 1)
    tables = []
    for variable, wide in wides.items():
        for column, year in enumerate(wide):
            table = _one_year(W, wide[year].to_numpy(), alpha, correction, permuted[variable][:, column])
            tables.append(table.assign(variable=variable, region=list(W.labels), year=year))
    return _ordered(pd.concat(tables, ignore_index=True))


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["variable", "region", "year"]
    return table[[*keys, *(c for c in table if c not in keys)]].sort_values(keys, ignore_index=True)


def _one_year(W: Weights, y: np.ndarray, alpha: float, correction: str, permuted: np.ndarray) -> pd.DataFrame:
    """Return the local statistics of one variable in one year, units in the order of W."""
    with late(*UNUSED, "statsmodels.regression"):
        from statsmodels.stats.multitest import multipletests

    z = y - y.mean()
    m2 = np.mean(z * z)
    lag = W.sparse @ z
    value, mean, variance = z * lag / m2, *local_moments(W, z)
    score = np.divide(value - mean, np.sqrt(variance), out=np.full(W.n, np.nan), where=variance > 0)
    adjusted = multipletests(permuted, method="fdr_bh")[1] if correction == "fdr" else permuted
    quadrant = np.array(QUADRANTS)[np.where(z > 0, np.where(lag > 0, 0, 3), np.where(lag > 0, 1, 2))]
    deviation = np.sqrt(m2)
    return pd.DataFrame(
        {
            "value": y,
            "standardised": z / deviation,
            "lag": lag / deviation,
            "local_moran": value,
            "expected": mean,
            "std_error": np.sqrt(np.maximum(variance, 0.0)),
            "z": score,
            "pvalue": 2 * ndtr(-np.abs(score)),
            "permuted_pvalue": permuted,
            "adjusted_pvalue": adjusted,
            "quadrant": quadrant,
            "cluster": np.where(adjusted <= alpha, quadrant, NOT_SIGNIFICANT),
            "uncorrected_cluster": np.where(permuted <= alpha, quadrant, NOT_SIGNIFICANT),
            "outlier": (np.abs(z) > OUTLIER * deviation) | (np.abs(lag) > OUTLIER * deviation),
            "local_geary": local_geary(W, y),
            "getis_ord_z": local_getis_ord(W, y),
        }
    )


def local_moments(W: Weights, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of I_i given z_i (Sokal, Oden and Thomson 1998, eqs A7 and A8)."""
    n, m2 = W.n, np.mean(z * z)
    sums, squares = W.row_sums, np.asarray(W.sparse.power(2).sum(axis=1)).ravel()
    mean = -(z**2) * sums / ((n - 1) * m2)
    variance = (z / m2) ** 2 * n / (n - 2) * (squares - sums**2 / (n - 1)) * (m2 - z**2 / (n - 1))
    return mean, variance


def local_geary(W: Weights, y: np.ndarray) -> np.ndarray:
    """Return c_i = sum_j w_ij (x_i - x_j)^2 of the standardised variable (Anselin 2019, eq. 4)."""
    x = (y - y.mean()) / y.std(ddof=1)
    return W.row_sums * x**2 - 2 * x * (W.sparse @ x) + W.sparse @ x**2


def local_getis_ord(W: Weights, y: np.ndarray) -> np.ndarray:
    """Return G_i as a standard deviate, i itself left out (Ord and Getis 1995, eq. 14): hot spots are positive."""
    n, sums = W.n, W.row_sums
    squares = np.asarray(W.sparse.power(2).sum(axis=1)).ravel()
    mean = (y.sum() - y) / (n - 1)
    spread = np.sqrt((np.sum(y**2) - y**2) / (n - 1) - mean**2)
    scale = spread * np.sqrt(np.maximum((n - 1) * squares - sums**2, 0.0) / (n - 2))
    small = 1e-10 * spread * np.maximum(sums, 1e-300)
    return np.divide(W.sparse @ y - sums * mean, scale, out=np.full(n, np.nan), where=scale > small)


def _permuted_pvalues(W: Weights, Z: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return two-sided pseudo p-values by unit and year: z_i stays, its neighbours are drawn from the others."""
    result = np.ones(Z.shape)
    starts = W.sparse.indptr
    for i in range(W.n):
        weights = W.sparse.data[starts[i] : starts[i + 1]]
        if not len(weights):
            continue
        picked = chosen[:, : len(weights)]
        others = picked + (picked >= i)
        observed = weights @ Z[W.sparse.indices[starts[i] : starts[i + 1]]]
        # The sign of z_i turns both tails alike, so the lag alone is ranked.
        simulated = np.einsum("k,pkt->pt", weights, Z[others])
        result[i] = two_sided(observed, simulated)
    return result


def _refine(W: Weights, pairs: list[tuple[np.ndarray, np.ndarray]], first: int, more: int, seed: int) -> None:
    """Replace p-values at the floor of the first draws by those of more draws of their own.

    Every pair is a variable and its p-values. Draws come block by block, the same for all variables.
    """
    found = [(Z, pvalues, pvalues <= 2 / (first + 1) * (1 + 1e-9)) for Z, pvalues in pairs]
    if not any(at_floor.any() for *_, at_floor in found):
        return
    counts, starts = [np.zeros((2, *Z.shape), dtype=int) for Z, _ in pairs], W.sparse.indptr
    for chosen in blocks_of_draws(W.n - 1, int(np.diff(starts).max()), more, seed):
        for (Z, _, at_floor), counted in zip(found, counts, strict=True):
            for i in np.flatnonzero(at_floor.any(axis=1)):
                years, place = np.flatnonzero(at_floor[i]), slice(starts[i], starts[i + 1])
                values = np.ascontiguousarray(Z[:, years])
                observed = W.sparse.data[place] @ values[W.sparse.indices[place]]
                simulated = np.zeros((len(chosen), len(years)))
                for picked, weight in zip(chosen.T, W.sparse.data[place], strict=False):
                    simulated += weight * values[picked + (picked >= i)]
                counted[:, i, years] += tails(observed, simulated)
    for (_, pvalues, at_floor), counted in zip(found, counts, strict=True):
        pvalues[at_floor] = pvalues_of(counted, more)[at_floor]


def cluster_transitions(local: pd.DataFrame, labels: str = "cluster") -> pd.DataFrame:
    """Count moves of regions between `labels`, a column of clusters or quadrants, from year to year."""
    states = QUADRANTS if labels == "quadrant" else [*QUADRANTS, NOT_SIGNIFICANT]
    rows = []
    for variable, part in local.groupby("variable", sort=False):
        wide = part.pivot(index="region", columns="year", values=labels).sort_index(axis=1)
        before, after = wide.iloc[:, :-1].to_numpy().ravel(), wide.iloc[:, 1:].to_numpy().ravel()
        counts = pd.crosstab(before, after).reindex(index=states, columns=states, fill_value=0)
        shares = counts.div(counts.sum(axis=1).where(lambda total: total > 0), axis=0)
        rows += [(variable, labels, a, b, int(counts.at[a, b]), float(shares.at[a, b])) for a in states for b in states]
    return pd.DataFrame(rows, columns=["variable", "labels", "origin", "destination", "moves", "share"])


def quadrant_moves(local: pd.DataFrame) -> pd.DataFrame:
    """Count yearly the regions that stay, that move, whose neighbours move, and both (Rey 2001, types 0 to 3)."""
    rows = []
    for variable, part in local.groupby("variable", sort=False):
        high = {
            side: part.assign(up=part[side] > 0).pivot(index="region", columns="year", values="up").sort_index(axis=1)
            for side in ("standardised", "lag")
        }
        years = list(high["lag"].columns)
        for before, after in zip(years[:-1], years[1:], strict=True):
            own, near = (high[side][before] != high[side][after] for side in ("standardised", "lag"))
            counts = ((~own & ~near).sum(), (own & ~near).sum(), (~own & near).sum(), (own & near).sum())
            rows.append((variable, before, after, *map(int, counts), float((~own & ~near).mean())))
    names = ["variable", "year", "next_year", "stay", "own_move", "neighbor_move", "both_move", "cohesion"]
    return pd.DataFrame(rows, columns=names)
