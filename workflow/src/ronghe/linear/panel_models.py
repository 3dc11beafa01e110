"""Linear panel models fitted by linearmodels, with this project's refusals in front: what the paper reports.

The library estimates coefficients and their covariance. Ours are the reference distribution t(clusters - 1), which it
does not offer, and Conley's covariance, which it lacks and which rests on the library's coefficients and residuals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.late_imports import UNUSED, late
from ronghe.linear import absorption
from ronghe.linear.algebra import semidefinite
from ronghe.linear.covariance import Choice, inference_df, kernel_lags, sandwich
from ronghe.linear.few_clusters import LinearClusters, kind_of, rests_on_leverage
from ronghe.linear.inference import wald_test
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import LeastSquares, fit_least_squares

if TYPE_CHECKING:
    from linearmodels.panel.results import PanelResults


@dataclass(frozen=True)
class Fit(LeastSquares):
    """A reported fit: that of the kernel, with a covariance and the degrees of freedom of its t distribution.

    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> fit = fit_panel(rng.normal(size=100), rng.normal(size=(100, 3)), layout, "twoways", Choice())
    >>> fit.first(2).coefficients.shape, fit.df_inference
    ((2,), 19)
    """

    covariance: np.ndarray
    df_inference: float
    clusters: LinearClusters | None = None
    choice: Choice = Choice()

    def reference(self, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of the variance and degrees of freedom of t for combinations of coefficients."""
        if self.clusters is not None:
            # After `first` the clusters still know every coefficient.
            missing = len(self.clusters.fit.coefficients) - gradients.shape[1]
            whole = np.pad(gradients, ((0, 0), (0, missing)))
            return self.clusters.freedom(kind_of(self.choice), whole, self.choice.df)
        return np.ones(len(gradients)), np.full(len(gradients), self.df_inference)

    def first(self, k: int) -> Fit:
        """Keep the first k coefficients."""
        return replace(self, coefficients=self.coefficients[:k], covariance=self.covariance[:k, :k])


@dataclass(frozen=True)
class RandomEffectsFit:
    """A fit with random unit effects, its variance components, and the regression form of Hausman's test."""

    fit: Fit
    sigma2_units: float
    sigma2_residual: float
    theta: float
    hausman: dict


def fit_panel(
    y: np.ndarray, X: np.ndarray, layout: Layout, effects: str, choice: Choice, names: list[str] | None = None
) -> Fit:
    """Fit PooledOLS, or PanelOLS with unit, time or two-way fixed effects.

    Fixed effects that are nested in the clusters take no degrees of freedom. The library counts all fixed effects or
    none, so where one of two is nested, the other enters as dummies.

    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> x = rng.normal(size=(100, 1))
    >>> fit = fit_panel(2 * x[:, 0] + 0.1 * rng.normal(size=100), x, layout, "units", Choice("robust"))
    >>> fit.coefficients.round(1).tolist(), fit.covariance.shape
    ([2.0], (1, 1))
    """
    with late(*UNUSED):
        from linearmodels.panel import PanelOLS, PooledOLS

    layout.require(y, X, names)
    kernel = fit_least_squares(y, X, layout, effects, names)
    dimensions = {"pooled": [], "twoways": ["units", "time"]}.get(effects, [effects])
    nested = [d for d in dimensions if choice.kind == "clustered" and d in choice.cluster]
    absorbed = nested or dimensions
    dummies = [_dummies(layout, d) for d in dimensions if d not in absorbed]
    # Columns at right angles: the library inverts X'X, which would cost half the digits of near-collinear regressors.
    root = kernel.root * np.sqrt(len(y))
    data = _labelled(y, [kernel.X @ root, np.ones(len(y)), *dummies], layout)
    if absorbed:
        held = {"entity_effects": "units" in absorbed, "time_effects": "time" in absorbed}
        counted = {"auto_df": False, "count_effects": not nested}
        result = PanelOLS(*data, **held, check_rank=False).fit(**counted, **_options(choice, layout))
    else:
        result = PooledOLS(*data, check_rank=False).fit(**_options(choice, layout))
    covariance = _covariance(result, kernel.X, layout, choice, absorption.count(layout, effects), root)
    fit = Fit(
        coefficients=root @ result.params.to_numpy()[: len(root)],
        residuals=result.resids.to_numpy(),
        y=kernel.y,
        X=kernel.X,
        df_residual=kernel.df_residual,
        covariance=covariance,
        df_inference=inference_df(layout, choice, kernel.df_residual),
        choice=choice,
    )
    if not rests_on_leverage(choice):
        return fit
    clusters = LinearClusters(fit, layout, effects, choice.cluster[0])
    return replace(fit, covariance=clusters.covariance(kind_of(choice)), clusters=clusters)


def fit_random_effects(
    y: np.ndarray, X: np.ndarray, layout: Layout, effects: str, choice: Choice, names: list[str]
) -> RandomEffectsFit:
    """Fit RandomEffects by feasible least squares (Swamy and Arora 1972); the constant is the last coefficient.

    With `twoways` the periods are dummies. Hausman's test adds the unit means of the regressors (Mundlak 1978) to the
    quasi-demeaned regression, at the theta of the plain model, and asks whether they matter, with the chosen
    covariance: it cannot be negative, and is valid with clustered errors (Wooldridge 2010, section 10.7.3).

    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> x, unit = rng.normal(size=(100, 1)), np.repeat(rng.normal(size=20), 5)
    >>> found = fit_random_effects(2 * x[:, 0] + unit + 0.1 * rng.normal(size=100), x, layout, "units", Choice(), ["x"])
    >>> found.fit.coefficients[:1].round(1).tolist(), found.sigma2_units > found.sigma2_residual
    ([2.0], True)
    """
    with late(*UNUSED):
        from linearmodels.panel import PooledOLS, RandomEffects

    layout.require(y, X, names)
    two_way, k = effects == "twoways", X.shape[1]
    centred = absorption.absorb(X, layout, "time" if two_way else "pooled")
    absorption.require_full_rank(centred, X, names, "period" if two_way else "no", absorption.SQUARED)
    mean, scale = X.mean(axis=0), np.sqrt(np.mean(centred**2, axis=0))
    to_given = np.diag(np.append(1 / scale, 1.0))
    to_given[k, :k] = -mean / scale
    dummies = [_dummies(layout, "time")] if two_way else []
    outcome, regressors = _labelled(y, [(X - mean) / scale, np.ones(len(y)), *dummies], layout)
    result = RandomEffects(outcome, regressors, check_rank=False).fit(**_options(choice, layout))
    theta = result.theta["theta"].to_numpy()
    columns = np.column_stack([outcome, regressors])
    means = columns - absorption.absorb(columns, layout, "units")
    quasi = columns - theta[layout.units][:, None] * means
    own = means[:, 1 : 1 + k] * (1 - theta[layout.units][:, None])
    own = own[:, np.ptp(means[:, 1 : 1 + k], axis=0) > 0]
    left, right = _labelled(quasi[:, 0], [own, quasi[:, 1:]], layout)
    mundlak = PooledOLS(left, right, check_rank=False).fit(**_options(choice, layout))
    joint = _covariance(mundlak, right.to_numpy(), layout, choice, {})
    covariance = _covariance(result, quasi[:, 1:], layout, choice, {})[: k + 1, : k + 1]
    df = len(y) - regressors.shape[1]
    fit = Fit(
        coefficients=to_given @ result.params.to_numpy()[: k + 1],
        residuals=result.resids.to_numpy(),
        y=quasi[:, 0] - quasi[:, 0].mean(),
        X=quasi[:, 1 : k + 2] @ np.linalg.inv(to_given),
        df_residual=df,
        covariance=to_given @ covariance @ to_given.T,
        df_inference=inference_df(layout, choice, df),
    )
    return RandomEffectsFit(
        fit=fit,
        sigma2_units=float(result.variance_decomposition["Effects"]),
        sigma2_residual=float(result.variance_decomposition["Residual"]),
        theta=float(theta.mean()),
        hausman=wald_test(mundlak.params.to_numpy(), joint, np.eye(own.shape[1], right.shape[1])),
    )


def _labelled(y: np.ndarray, columns: list[np.ndarray], layout: Layout) -> tuple[pd.Series, pd.DataFrame]:
    """Return outcome and regressors as the library wants them, keyed by unit and period.

    Regressors come centred and of one size, because the library's digits would depend on units of measurement.
    """
    index = pd.MultiIndex.from_arrays([layout.units, layout.times])
    return pd.Series(y, index, name="y"), pd.DataFrame(np.column_stack(columns), index).add_prefix("x")


def _dummies(layout: Layout, dimension: str) -> np.ndarray:
    """Return dummies of all units or periods but the first."""
    codes = layout.units if dimension == "units" else layout.times
    return np.eye(int(codes.max()) + 1)[codes][:, 1:]


def _options(choice: Choice, layout: Layout) -> dict[str, object]:
    """Return the library's words for a covariance; Conley's is ours, whatever the library computes meanwhile."""
    if choice.kind == "clustered":
        clusters = {"cluster_entity": "units" in choice.cluster, "cluster_time": "time" in choice.cluster}
        return {"cov_type": "clustered", "group_debias": True, **clusters}
    if choice.kind == "driscoll_kraay":
        return {
            "cov_type": "kernel",
            "kernel": "bartlett",
            "bandwidth": kernel_lags(choice.bandwidth, layout.n_periods),
        }
    return {"cov_type": "robust" if choice.kind == "robust" else "unadjusted"}


def _covariance(
    result: PanelResults,
    X: np.ndarray,
    layout: Layout,
    choice: Choice,
    absorbed: dict[str, int],
    root: np.ndarray | None = None,
) -> np.ndarray:
    """Return the library's covariance of the first columns, which are X or X root, or Conley's from its residuals.

    What two-way clusters lack to a covariance is made up in the coordinates of X, on which it depends.
    """
    k = X.shape[1]
    if choice.kind == "conley":
        scores = X * result.resids.to_numpy()[:, None]
        bread = np.linalg.inv(X.T @ X) if root is None else root @ root.T / len(X)
        return sandwich(bread, scores, layout, choice, 0.0, absorbed)
    cov = result.cov.to_numpy()[:k, :k]
    cov = cov if root is None else root @ cov @ root.T
    return semidefinite(cov) if choice.kind == "clustered" else cov
