"""Covariance of all parameters: from the information, or from a sandwich that allows for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from ronghe.errors import RongheError, listing, require_count, require_known, require_names, require_positive
from ronghe.geography import EARTH_RADIUS_KM, chord, read_degrees, sphere_points
from ronghe.linear.algebra import inverse_scaled, semidefinite
from ronghe.linear.clusters import DF, POWERS
from ronghe.linear.covariance import bartlett, default_bandwidth
from ronghe.linear.inference import normal
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.uncertainty.few_clusters import FewClusters
from ronghe.spatial.uncertainty.group_scores import group_meat, read_groups
from ronghe.spatial.uncertainty.information import expected_information, observed_information
from ronghe.spatial.uncertainty.scores import period_scores, score_parts, unit_meat

COVARIANCES = ["expected", "observed", "robust", "clustered", "driscoll_kraay", "conley"]
CLUSTERS = ["units", "groups", "time"]
LEVERAGED = ["CR2", "CR3", "corrected", "working_pairs", "jackknife"]
SMALL_SAMPLE = ["none", "parameters", "clusters", "CR1", *LEVERAGED]


@dataclass(frozen=True)
class CovarianceChoice:
    """A covariance and its settings.

    - expected, observed: inverse information, expected or minus the Hessian.
    - robust: non-normal and heteroskedastic disturbances, independent over units and periods.
    - clustered: by "units" (any dependence within a unit over time), "groups" (any between the units of a group too;
      `groups` is a Series by unit), "time" (any within a period), or one of the first two and time, the sum less their
      intersection (Cameron, Gelbach and Miller 2011, equation 2.8).
    - driscoll_kraay: any dependence within a period, and between periods up to `bandwidth` with Bartlett weights.
    - conley: dependence over space up to `cutoff`, and each unit's own past up to `bandwidth`.

    `small_sample` multiplies the middle of a sandwich, or the inverse information: "parameters" by n / (n - K),
    "clusters" (sandwiches only) by G / (G - 1) (n - 1) / (n - K) for each way of clustering, K the number of
    coefficients beta and theta. Maximum likelihood counts no coefficients in sigma2 = e'e/n; where K is a tenth of n,
    its errors are five per cent too small, and "parameters" brings coverage back.

    For clusters of units, or groups of them, "CR1" is "clusters"; "CR2", "CR3" (the "jackknife") and "corrected" take
    each cluster's leverage into account, see `few_clusters`. "corrected" is CR2 with a factor for every quantity;
    "working_pairs" is CR2 with the variance of products of two units' disturbances from the working covariance.

    `df` are the degrees of freedom of t, from which p-values and intervals come: "clusters" (G - 1, periods - 1 for
    Driscoll and Kraay), "satterthwaite", "working" (see `linear.clusters.freedom`), or "normal". Left out, it is
    "satterthwaite" for "corrected", "working" for "working_pairs", "clusters" for the other sums by cluster or period,
    and the normal for the rest.
    """

    kind: str = "expected"
    cluster: tuple[str, ...] = ("units",)
    groups: pd.Series | Mapping | None = None
    bandwidth: int | None = None
    cutoff: float | None = None
    coordinates: pd.DataFrame | None = None
    kernel: str = "bartlett"
    metric: str = "kilometres"
    small_sample: str = "none"
    df: str | None = None


def read_choice(kind: str, where: str, **settings: object) -> CovarianceChoice:
    """Check the name and settings of a covariance."""
    require_known(kind, COVARIANCES, "cov_type", where)
    uses = {
        "expected": {"small_sample"},
        "observed": {"small_sample"},
        "clustered": {"cluster", "groups", "small_sample", "df"},
        "robust": {"small_sample"},
        "driscoll_kraay": {"bandwidth", "small_sample", "df"},
        "conley": {"bandwidth", "cutoff", "coordinates", "kernel", "metric", "small_sample"},
    }.get(kind, set())
    given = {key: value for key, value in settings.items() if value is not None}
    idle = sorted(set(given) - uses)
    if idle:
        raise RongheError(f"{where}: cov_type '{kind}' has no use for {listing(idle)}; leave it out")
    if "cluster" in given or "groups" in given:
        cluster = given.get("cluster", "groups")
        cluster = (cluster,) if isinstance(cluster, str) else tuple(require_names(cluster, f"{where}: cluster"))
        cluster = ("units", "time") if cluster == ("twoways",) else cluster
        if not cluster:
            raise RongheError(f"{where}: cluster is empty; name units, time, both, or groups")
        for name in cluster:
            require_known(name, CLUSTERS, "cluster", where)
        if ("groups" in cluster) != ("groups" in given) or {"units", "groups"} <= set(cluster):
            raise RongheError(
                f"{where}: cluster 'groups' and `groups`, a Series by unit, go together, and take the place of 'units'"
            )
        given["cluster"] = tuple(c for c in CLUSTERS if c in cluster)
    require_known(given.get("small_sample", "none"), SMALL_SAMPLE, "small_sample", where)
    if kind in ("expected", "observed"):
        require_known(given.get("small_sample", "none"), ["none", "parameters"], "small_sample", where)
    _check_few(kind, given, where)
    require_known(given.get("kernel", "bartlett"), ["bartlett", "uniform"], "kernel", where)
    require_known(given.get("metric", "kilometres"), ["kilometres", "plane"], "metric", where)
    if kind == "conley" and ("cutoff" not in given or "coordinates" not in given):
        raise RongheError(f"{where}: cov_type 'conley' needs coordinates (one row per unit, two columns) and cutoff")
    if "cutoff" in given:
        require_positive(given["cutoff"], f"{where}: cutoff")
    if "bandwidth" in given:
        require_count(given["bandwidth"], f"{where}: bandwidth")
    return CovarianceChoice(kind, **given)


def _check_few(kind: str, given: Mapping, where: str) -> None:
    """Refuse leverages, and degrees of freedom that rest on them, where no single cluster of units has them."""
    if "df" in given:
        require_known(given["df"], DF, "df", where)
    asked = [given[key] for key in ("small_sample", "df") if given.get(key) in (*LEVERAGED, "satterthwaite", "working")]
    if asked and (kind != "clustered" or tuple(given.get("cluster", ("units",))) not in (("units",), ("groups",))):
        raise RongheError(
            f"{where}: '{asked[0]}' is for clusters of units, or of groups of units; choose cov_type='clustered' with "
            "cluster='units' or 'groups', or another small_sample and df"
        )


def few_clusters(model: FittedModel, choice: CovarianceChoice, where: str) -> FewClusters | None:
    """Return the leverage of the clusters, where the choice rests on it."""
    if choice.small_sample in LEVERAGED or choice.df in ("satterthwaite", "working"):
        return FewClusters(model, _codes(model, choice, where))
    return None


def t_freedom(
    model: FittedModel, choice: CovarianceChoice, gradients: np.ndarray, clusters: FewClusters | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return factors of the variance and degrees of freedom of combinations g'theta (quantity, parameter)."""
    if clusters is not None:
        kind = {"jackknife": "CR3"}.get(choice.small_sample, choice.small_sample)
        return clusters.freedom(kind if kind in POWERS else "CR1", gradients, choice.df)
    if choice.kind not in ("clustered", "driscoll_kraay") or choice.df == "normal":
        return normal(gradients)
    sizes = {"units": model.panel.n_units, "time": model.panel.n_periods}
    if choice.groups is not None:
        sizes["groups"] = int(_codes(model, choice, "fit").max()) + 1
    used = ("time",) if choice.kind == "driscoll_kraay" else choice.cluster
    return np.ones(len(gradients)), np.full(len(gradients), min(sizes[c] for c in used) - 1.0)


def covariance(model: FittedModel, choice: CovarianceChoice, where: str) -> np.ndarray:
    """Return the covariance of (beta, theta, rho, lambda, sigma2), all blocks kept."""
    n, k = model.likelihood.nobs, model.n_b
    scale = n / (n - k) if choice.small_sample == "parameters" else 1.0
    if choice.kind == "expected":
        return scale * inverse_scaled(expected_information(model))
    if choice.small_sample in LEVERAGED:
        kind = {"jackknife": "CR3"}.get(choice.small_sample, choice.small_sample)
        return few_clusters(model, choice, where).covariance(kind)
    bread = inverse_scaled(observed_information(model))
    if choice.kind == "observed":
        return scale * bread
    return bread @ meat(model, choice, where) @ bread


def meat(model: FittedModel, choice: CovarianceChoice, where: str) -> np.ndarray:
    """Return the covariance of the score under the dependence that the choice allows."""
    if choice.kind == "robust":
        return _factor(model, choice, "cells") * unit_meat(model, over_time=False)
    if choice.kind == "driscoll_kraay":
        return _factor(model, choice, "time") * bartlett(period_scores(model), _bandwidth(model, choice, where))
    if choice.kind == "conley":
        return _factor(model, choice, "cells") * _conley(model, choice, where)
    codes = _codes(model, choice, where)
    alone = len(choice.cluster) == 1
    total, crossed = 0.0, 0.0
    if "groups" in choice.cluster:
        total = _factor(model, choice, "units", codes) * group_meat(model, codes, over_time=True)
        crossed = 0.0 if alone else _factor(model, choice, "cells", codes) * group_meat(model, codes, over_time=False)
    if "units" in choice.cluster:
        total = _factor(model, choice, "units") * unit_meat(model, over_time=True)
        crossed = 0.0 if alone else _factor(model, choice, "cells") * unit_meat(model, over_time=False)
    if "time" in choice.cluster:
        sums = period_scores(model)
        total = total + _factor(model, choice, "time") * (sums.T @ sums)
    return total if alone else semidefinite(total - crossed)


def _codes(model: FittedModel, choice: CovarianceChoice, where: str) -> np.ndarray | None:
    return None if choice.groups is None else read_groups(choice.groups, model.panel.units, where)


def _factor(model: FittedModel, choice: CovarianceChoice, level: str, codes: np.ndarray | None = None) -> float:
    """Return the factor of one level of summation.

    Demeaned residuals are too small: products of residuals of one unit in one period by (1 - 1/T)(1 - 1/N) with both
    effects, sums over a unit's periods by (1 - 1/N), sums over a period's units by (1 - 1/T). With groups, the sum of
    their squared shares of the units takes the place of 1/N. Lee and Yu's method makes up for it, as it does in
    sigma2; least squares with dummies does not.
    """
    N, T = model.panel.n_units, model.panel.n_periods
    n, k = model.projection.n_cells(N, T), model.n_b
    sizes = np.ones(N) if codes is None else np.bincount(codes)
    factor = 1.0
    if model.specification.method != "lsdv":
        lost = {"cells": model.projection.n_absorbed(N, T), "time": N * model.projection.has_units}
        lost["units"] = T * model.projection.has_time * float(sizes @ sizes) / N
        if codes is not None:
            lost["cells"] = n - (n - lost["time"]) * (n - lost["units"]) / n
        factor = n / (n - lost[level])
    if choice.small_sample == "parameters":
        factor *= n / (n - k)
    if choice.small_sample in ("clusters", "CR1"):
        groups = {"cells": n if codes is None else len(sizes) * T, "units": len(sizes), "time": T}[level]
        factor *= groups / (groups - 1) * (n - 1) / (n - k)
    return factor


def _bandwidth(model: FittedModel, choice: CovarianceChoice, where: str) -> int:
    T = model.panel.n_periods
    lags = default_bandwidth(T) if choice.bandwidth is None else choice.bandwidth
    if not 0 <= lags < T:
        raise RongheError(f"{where}: bandwidth {lags} must lie between 0 and {T - 1}, for {T} periods")
    return lags


def _conley(model: FittedModel, choice: CovarianceChoice, where: str) -> np.ndarray:
    """Return the meat with spatial weights within a period, and Bartlett weights over a unit's own past.

    Conley (1999, equation 3.14) for the space, Newey and West for the time; no pair is stored beyond the cutoff. The
    weights are for the own parts of the score: what a quadratic form e'G e adds by pairs of units is there at any
    distance between neighbours in W, and comes as for `robust`; sums of e (W y) over the units nearby would miss it.
    """
    own, between = score_parts(model, over_time=False)
    near = nearness(choice, model.panel.units, where)
    left, right = own
    N, T, P = left.shape
    total = left.reshape(N, -1).T @ (near @ right.reshape(N, -1))
    total = np.einsum("tptq->pq", total.reshape(T, P, T, P))
    lags = _bandwidth(model, choice, where) if choice.bandwidth is not None else 0
    for lag in range(1, lags + 1):
        product = np.einsum("itp,itq->pq", left[:, lag:], right[:, :-lag], optimize=True)
        total += (1 - lag / (lags + 1)) * (product + product.T)
    return semidefinite(0.5 * (total + total.T) + between)


def nearness(choice: CovarianceChoice, units: Sequence[object], where: str) -> sparse.csr_array:
    """Return the kernel weights between units up to the cutoff: 1 - d / cutoff, or one throughout."""
    from scipy.spatial import cKDTree

    reach = choice.cutoff
    if choice.metric == "kilometres":
        points = sphere_points(*read_degrees(choice.coordinates, units, where).T)
        reach = chord(choice.cutoff)
    else:
        points = _plane(choice.coordinates, units, where)
    tree = cKDTree(points)
    pairs = tree.sparse_distance_matrix(tree, reach, output_type="coo_matrix")
    distance = pairs.data
    if choice.metric == "kilometres":
        distance = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(distance / 2, 0, 1))
    weight = np.maximum(1 - distance / choice.cutoff, 0.0) if choice.kernel == "bartlett" else np.ones(len(distance))
    return sparse.csr_array((weight, (pairs.row, pairs.col)), shape=pairs.shape)


def _plane(frame: pd.DataFrame, units: Sequence[object], where: str) -> np.ndarray:
    """Return the two coordinates of every unit on a plane, where their order does not matter."""
    if not isinstance(frame, pd.DataFrame) or frame.shape[1] != 2 or frame.index.has_duplicates:
        raise RongheError(f"{where}: coordinates on a plane are a table with two columns and one row per unit")
    points = frame.reindex(list(units)).to_numpy(float)
    bad = [unit for unit, row in zip(units, points, strict=True) if not np.isfinite(row).all()]
    if bad:
        raise RongheError(f"{where}: no coordinates for {listing(bad)}; add their rows")
    return points
