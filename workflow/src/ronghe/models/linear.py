"""Linear panel models without space: pooled, fixed effects, random effects and first differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.models import absorption, sandwich
from ronghe.models.design import Design, build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.inference import coefficient_table, covariance_table, test_table, wald_test


@dataclass(frozen=True)
class Fit:
    """A least-squares fit of projected data: what covariances, tests and other estimators need of it."""

    coefficients: np.ndarray
    covariance: np.ndarray
    residuals: np.ndarray
    y: np.ndarray
    X: np.ndarray
    bread: np.ndarray
    df_residual: float
    df_inference: float

    @property
    def ssr(self) -> float:
        """Return the sum of squared residuals."""
        return float(self.residuals @ self.residuals)

    @property
    def rsquared(self) -> float:
        """Return the share of the projected outcome's variation that is explained."""
        return 1 - self.ssr / float(self.y @ self.y)

    @property
    def loglik(self) -> float:
        """Return the Gaussian log-likelihood at sigma2 = SSR/n, complete with its constants."""
        n = len(self.y)
        return -n / 2 * (np.log(2 * np.pi * self.ssr / n) + 1)


def least_squares(
    y: np.ndarray,
    X: np.ndarray,
    layout: sandwich.Layout,
    effects: str,
    choice: sandwich.Choice,
    names: list[str] | None = None,
) -> Fit:
    """Regress y on X after sweeping out the effects."""
    projected = absorption.absorb(np.column_stack([y, X]), layout, effects)
    yd, Xd = projected[:, 0], projected[:, 1:]
    absorption.require_full_rank(Xd, X, names or [f"column {i}" for i in range(X.shape[1])], effects)
    bread = np.linalg.inv(Xd.T @ Xd)
    beta = bread @ (Xd.T @ yd)
    residuals = yd - Xd @ beta
    absorbed = absorption.count(layout, effects)
    df = len(y) - X.shape[1] - sum(absorbed.values())
    cov = sandwich.covariance(
        bread, Xd * residuals[:, None], layout, choice, float(residuals @ residuals) / df, absorbed
    )
    return Fit(beta, cov, residuals, yd, Xd, bread, df, sandwich.inference_df(layout, choice, df))


def fixed_effects(specification: dict, data: Data) -> Estimate:
    """Within estimator with unit, time or two-way effects; equal to linearmodels' PanelOLS, without its import time."""
    design = build(specification, data)
    return report(specification, design, specification.get("effects", "twoways"), "within")


def pooled(specification: dict, data: Data) -> Estimate:
    """Least squares with one constant."""
    return report(specification, build(specification, data), "pooled", "pooled least squares")


def report(specification: dict, design: Design, effects: str, method: str) -> Estimate:
    """Fit least squares with the effects and put it in the form of the results contract."""
    choice = sandwich.Choice.of(specification)
    fit = least_squares(design.y, design.X, design.layout, effects, choice, design.names)
    return to_estimate(specification, design, fit, effects, method, choice)


def to_estimate(
    specification: dict, design: Design, fit: Fit, effects: str, method: str, choice: sandwich.Choice
) -> Estimate:
    """Label a fit: coefficients, covariance, a joint test of all regressors, and the facts."""
    joint = wald_test(fit.coefficients, fit.covariance, np.eye(len(design.names)), fit.df_inference)
    return Estimate(
        coefficients=coefficient_table(design.names, fit.coefficients, fit.covariance, fit.df_inference),
        covariance=covariance_table(design.names, fit.covariance),
        tests=test_table([{"test": "all regressors zero", **joint}]),
        fit={
            "model": "ols",
            "effects": effects,
            "method": method,
            "cov_type": choice.label,
            "weights": None,
            **design.facts(),
            "sample": specification.get("sample_name", "all"),
            "loglik": fit.loglik,
            "rsquared_within": fit.rsquared,
            "sigma2": fit.ssr / fit.df_residual,
            "df_residual": fit.df_residual,
            "df_inference": fit.df_inference,
        },
    )
