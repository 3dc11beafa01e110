"""Covariances from scores: clustered, Driscoll-Kraay and Conley, where the libraries have none.

The covariance of a reported regression is that of linearmodels (`panel_models`, `instrumental_models`). Ours serve what
it lacks: Conley's covariance; Driscoll and Kraay's with instruments; several equations at once (joint tests over
regressions, Anderson-Rubin sets); the spatially filtered equations. They agree with it to 1e-10 where both exist.
Everything works on the n x k array of scores x_i e_i (of projected regressors) and the k x k bread (X'X)^-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError, require_count, require_known, require_positive
from ronghe.geography import distance_matrix_km, require_degrees
from ronghe.linear.algebra import semidefinite
from ronghe.linear.clusters import DF
from ronghe.linear.layout import Layout, group_sums

# Driscoll and Kraay's sums over periods need many of them; what was measured with eight (docs/inference.md).
FEW_PERIODS = 20
MEASURED = "with eight, nominal 95 % intervals covered 54 to 84 % (fixed effects), 46 to 77 % (spatial impacts)"
LEVERAGED = ("CR2", "CR3", "corrected", "jackknife")
SMALL_SAMPLE = ("clusters", "CR1", *LEVERAGED)
KINDS = ("homoskedastic", "robust", "clustered", "driscoll_kraay", "conley")


@dataclass(frozen=True)
class Choice:
    """A covariance and its settings; `small_sample` and `df` are those of `few_clusters`, for one way of clustering.

    >>> Choice("clustered", ("units", "time")).kind, Choice("driscoll_kraay", bandwidth=2).bandwidth
    ('clustered', 2)
    """

    kind: str = "clustered"
    cluster: tuple[str, ...] = ("units",)
    bandwidth: int | None = None
    cutoff_km: float | None = None
    small_sample: str = "clusters"
    df: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no covariance is made of, before a library takes it for something else."""
        require_known(self.kind, KINDS, "covariance", "linear model")
        if not self.cluster:
            raise RongheError("linear model: cluster is empty; name units, time or both")
        for way in self.cluster:
            require_known(way, ("units", "time"), "cluster", "linear model")
        require_known(self.small_sample, SMALL_SAMPLE, "small_sample", "linear model")
        if self.df is not None:
            require_known(self.df, DF, "df", "linear model")
        if self.bandwidth is not None:
            require_count(self.bandwidth, "bandwidth")
        if self.cutoff_km is not None:
            require_positive(self.cutoff_km, "cutoff_km")


def kernel_lags(bandwidth: int | None, n_periods: int) -> int:
    """Return the lags asked for, or the usual number; the scores of all periods sum to zero, so fewer than those."""
    if bandwidth is not None and bandwidth >= n_periods:
        raise RongheError(f"bandwidth {bandwidth} must lie between 0 and {n_periods - 1}, for {n_periods} periods")
    return default_bandwidth(n_periods) if bandwidth is None else bandwidth


def few_periods(kind: str, n_periods: int) -> str | None:
    """Return what a reader must know of Driscoll and Kraay's errors where periods are few."""
    if kind != "driscoll_kraay" or n_periods >= FEW_PERIODS:
        return None
    return (
        f"Driscoll-Kraay errors rest on many periods, and there are {n_periods} (fewer than {FEW_PERIODS}): "
        f"{MEASURED}; cluster by units instead"
    )


def two_ways(cluster: Sequence[str], n_units: int, n_periods: int) -> str | None:
    """Return what a reader must know of errors clustered by units and periods where either are few."""
    if len(cluster) < 2 or min(n_units, n_periods) >= FEW_PERIODS:
        return None
    return (
        f"two-way clusters of {n_units} units and {n_periods} periods: with 30 and 8, nominal 95 % intervals of the "
        "treatment covered 90 to 93 %; those clustered by units with small_sample: corrected 94 to 96"
    )


def default_bandwidth(n_periods: int) -> int:
    """Return floor(4 (T / 100)^(2/9)) lags (Newey and West 1994; Hoechle 2007, section 2.3)."""
    return int(np.floor(4 * (n_periods / 100) ** (2 / 9)))


def sandwich(
    bread: np.ndarray, scores: np.ndarray, layout: Layout, choice: Choice, sigma2: float, n_absorbed: dict[str, int]
) -> np.ndarray:
    """Return the k x k covariance bread @ meat @ bread with the small-sample factor of its kind.

    `n_absorbed` counts the fixed effects taken out, under "units" and "time". With K = regressors + fixed effects:
    homoskedastic sigma2 (its K is in sigma2); robust and Driscoll-Kraay n/(n - K), as linearmodels; clustered
    G/(G - 1) (n - 1)/(n - K), where fixed effects nested in the clusters count as one constant (Cameron and Miller
    2015, section III.B), as reghdfe and fixest; two-way clustered is the sum over both less their intersection, each
    with its own G/(G - 1) (Cameron, Gelbach and Miller 2011, eq. 2.13). Conley carries n/(n - K).

    >>> layout = Layout(units=np.repeat([0, 1, 2], 2), times=np.tile([0, 1], 3))
    >>> scores = np.array([[1.0], [2], [-1], [0], [-2], [0]])
    >>> sandwich(np.eye(1), scores, layout, Choice("robust"), 1.0, {"units": 1}).round(6).tolist()
    [[15.0]]
    """
    n, k = scores.shape
    if choice.kind == "homoskedastic":
        return bread * sigma2
    df = n - k - degrees_taken(n_absorbed, choice)
    if choice.kind == "clustered":
        return semidefinite(bread @ clustered_meat(scores, layout, choice.cluster) @ bread) * ((n - 1) / df)
    factor = n / df
    if choice.kind == "robust":
        return bread @ (scores.T @ scores) @ bread * factor
    if choice.kind == "driscoll_kraay":
        return bread @ driscoll_kraay_meat(scores, layout, choice.bandwidth) @ bread * factor
    if choice.kind == "conley":
        return semidefinite(bread @ conley_meat(scores, layout, choice.cutoff_km, choice.bandwidth) @ bread) * factor
    raise RongheError(f"unknown covariance '{choice.kind}' (allowed: {', '.join(KINDS)})")


def degrees_taken(n_absorbed: dict[str, int], choice: Choice) -> int:
    """Return how many degrees of freedom the fixed effects take: those nested in the clusters none, the constant one.

    `n_absorbed` counts the constant with its first entry (see `absorption.count`).
    """
    nested = [d for d in choice.cluster if d in n_absorbed] if choice.kind == "clustered" else []
    constant = next(iter(n_absorbed), None) in nested
    return sum(n_absorbed.values()) - sum(n_absorbed[d] for d in nested) + constant


def inference_df(layout: Layout, choice: Choice, df_residual: float) -> float:
    """Return the degrees of freedom of the t distribution: clusters - 1, periods - 1, or those of the residuals.

    Cameron and Miller (2015, section VI.D) for clusters, the smaller number when there are two ways; periods - 1 is the
    same reasoning for Driscoll-Kraay, whose sums run over periods.
    """
    groups = {"units": layout.n_units, "time": layout.n_periods}
    if choice.kind == "clustered":
        return min(groups[c] for c in choice.cluster) - 1
    if choice.kind == "driscoll_kraay":
        return layout.n_periods - 1
    return df_residual


def plain_meat(scores: np.ndarray, layout: Layout, choice: Choice) -> np.ndarray:
    """Return the covariance of the summed scores without any small-sample factor, to weight moments by."""
    if choice.kind == "clustered":
        return semidefinite(clustered_meat(scores, layout, choice.cluster, corrected=False))
    if choice.kind == "driscoll_kraay":
        return driscoll_kraay_meat(scores, layout, choice.bandwidth)
    if choice.kind == "conley":
        return semidefinite(conley_meat(scores, layout, choice.cutoff_km, choice.bandwidth))
    return scores.T @ scores


def clustered_meat(scores: np.ndarray, layout: Layout, cluster: tuple[str, ...], corrected: bool = True) -> np.ndarray:
    """Return the clustered meat, each part with G/(G - 1) if `corrected`; two ways add up less their intersection."""
    codes = {"units": layout.units, "time": layout.times}
    parts = [(1.0, codes[c]) for c in cluster]
    if len(parts) == 2:
        crossed = layout.units * layout.n_periods + layout.times
        parts.append((-1.0, np.unique(crossed, return_inverse=True)[1]))
    meat = np.zeros((scores.shape[1],) * 2)
    for sign, groups in parts:
        sums = group_sums(scores, groups)
        meat += sign * (len(sums) / (len(sums) - 1) if corrected else 1.0) * (sums.T @ sums)
    return meat


def driscoll_kraay_meat(scores: np.ndarray, layout: Layout, bandwidth: int | None = None) -> np.ndarray:
    """Return the Bartlett-weighted covariance of the period sums of the scores (Driscoll and Kraay 1998, eq. 8)."""
    sums = group_sums(scores, layout.times)
    return bartlett(sums, kernel_lags(bandwidth, len(sums)))


def bartlett(sums: np.ndarray, lags: int) -> np.ndarray:
    """Return the covariance of the total of period sums, products `lag` periods apart weighted 1 - lag / (lags + 1)."""
    total = sums.T @ sums
    for lag in range(1, lags + 1):
        product = sums[lag:].T @ sums[:-lag]
        total += (1 - lag / (lags + 1)) * (product + product.T)
    return total


def conley_meat(
    scores: np.ndarray, layout: Layout, cutoff_km: float | None, bandwidth: int | None = None
) -> np.ndarray:
    """Return the meat for units correlated within a distance, and each with its own past.

    Within a period, pairs up to `cutoff_km` apart with weight 1 - d/cutoff (Conley 1999, eq. 3.14, Bartlett window on
    great-circle distance); within a unit, lags up to `bandwidth` with weight 1 - lag/(bandwidth + 1).
    """
    if layout.coordinates is None or cutoff_km is None:
        raise RongheError("a Conley covariance needs the regions' longitude and latitude, and cutoff_km")
    require_degrees(layout.coordinates, range(len(layout.coordinates)), "conley (units by number)")
    weights = np.clip(1 - distance_matrix_km(layout.coordinates) / cutoff_km, 0, None)
    lags = kernel_lags(bandwidth, layout.n_periods)
    cells = np.zeros((layout.n_periods, layout.n_units, scores.shape[1]))
    cells[layout.times, layout.units] = scores
    meat = np.einsum("tik,ij,tjl->kl", cells, weights, cells, optimize=True)
    for lag in range(1, min(lags, layout.n_periods - 1) + 1):
        gamma = np.einsum("tik,til->kl", cells[lag:], cells[:-lag])
        meat += (1 - lag / (lags + 1)) * (gamma + gamma.T)
    return meat
