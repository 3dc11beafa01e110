"""Linear panel models without space: pooled, fixed effects, random effects and first differences."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ronghe.linear import absorption
from ronghe.linear.covariance import Choice, inference_df, sandwich
from ronghe.linear.layout import Layout


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
    layout: Layout,
    effects: str,
    choice: Choice,
    names: list[str] | None = None,
) -> Fit:
    """Regress y on X after sweeping out the effects."""
    absorption.require_rows(len(y), X.shape[1], absorption.count(layout, effects), effects)
    projected = absorption.absorb(np.column_stack([y, X]), layout, effects)
    yd, Xd = projected[:, 0], projected[:, 1:]
    absorption.require_full_rank(Xd, X, names or [f"column {i}" for i in range(X.shape[1])], effects)
    bread = np.linalg.inv(Xd.T @ Xd)
    beta = bread @ (Xd.T @ yd)
    residuals = yd - Xd @ beta
    absorbed = absorption.count(layout, effects)
    df = len(y) - X.shape[1] - sum(absorbed.values())
    cov = sandwich(bread, Xd * residuals[:, None], layout, choice, float(residuals @ residuals) / df, absorbed)
    return Fit(beta, cov, residuals, yd, Xd, bread, df, inference_df(layout, choice, df))


def first_coefficients(fit: Fit, k: int) -> Fit:
    """Keep the first k coefficients of a fit."""
    return replace(fit, coefficients=fit.coefficients[:k], covariance=fit.covariance[:k, :k])
