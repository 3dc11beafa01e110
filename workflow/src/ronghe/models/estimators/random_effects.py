"""Feasible least squares with random unit effects, and the regression form of the Hausman test."""

from __future__ import annotations

import numpy as np

from ronghe.linear import absorption
from ronghe.linear.covariance import Choice, inference_df, sandwich
from ronghe.linear.inference import (
    test_table,
    wald_test,
)
from ronghe.linear.layout import Layout, group_sums
from ronghe.linear.least_squares import Fit, first_coefficients
from ronghe.models.design.design import build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import linear_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Feasible GLS with random unit effects (Swamy and Arora 1972), and the regression form of Hausman's test.

    The test adds the unit means of the regressors (Mundlak 1978) and asks whether they matter, with the chosen
    covariance: it cannot be negative, and is valid with clustered errors (Wooldridge 2010, section 10.7.3). Period
    dummies join the regressors when effects are two-way.
    """
    design = build(specification, data)
    layout, k = design.layout, len(design.names)
    choice = Choice.of(specification)
    dummies = np.eye(layout.n_periods)[layout.times][:, 1:]
    effects = specification.get("effects", "units")
    two_way = effects == "twoways"
    X = np.column_stack([design.X, np.ones(len(design.y)), dummies if two_way else dummies[:, :0]])
    centred = absorption.absorb(design.X, layout, "time" if two_way else "pooled")
    absorption.require_full_rank(centred, design.X, design.names, "period" if two_way else "no")
    theta, components = _swamy_arora(design.y, X, layout)
    means = X[:, :k] - absorption.absorb(X[:, :k], layout, "units")
    keep = np.ptp(means, axis=0) > 0
    plain = _quasi_demeaned(design.y, X, layout, theta, choice)
    # Mundlak's means sit beside the regressors; those of the period dummies are constants in a balanced panel.
    augmented = _quasi_demeaned(design.y, np.column_stack([means[:, keep], X]), layout, theta, choice)
    names = [*design.names, "const"]
    tests = [
        {
            "test": "Hausman, regression form",
            **wald_test(augmented.coefficients, augmented.covariance, np.eye(keep.sum(), X.shape[1] + keep.sum())),
            "note": "unit means of the regressors are zero; chi-squared",
        }
    ]
    shown = first_coefficients(plain, k + 1)
    result = linear_estimate(specification, design, shown, effects, "feasible_gls", choice, names)
    result.tests = test_table([*result.tests.to_dict("records"), *tests])
    result.fit.update({"random": ["units"], "loglik": None, **components})
    return result


def _swamy_arora(y: np.ndarray, X: np.ndarray, layout: Layout) -> tuple[np.ndarray, dict[str, float]]:
    """Return theta by unit and the variance components (Baltagi 2021, section 2.4.1; unbalanced by harmonic mean)."""
    size = np.bincount(layout.units)
    within = absorption.absorb(np.column_stack([y, X]), layout, "units")
    yd, Xd = within[:, 0], within[:, 1:]
    varies = np.abs(Xd).max(axis=0) > 1e-9 * np.maximum(np.abs(X).max(axis=0), 1e-300)
    Xd = Xd[:, varies]
    e = yd - Xd @ np.linalg.lstsq(Xd, yd, rcond=None)[0]
    sigma2_e = float(e @ e) / (len(y) - len(size) - Xd.shape[1])
    means = group_sums(np.column_stack([y, X]), layout.units) / size[:, None]
    rank = np.linalg.matrix_rank(means[:, 1:])
    u = means[:, 0] - means[:, 1:] @ np.linalg.lstsq(means[:, 1:], means[:, 0], rcond=None)[0]
    harmonic = len(size) / np.sum(1 / size)
    sigma2_u = max(float(u @ u) / (len(size) - rank) - sigma2_e / harmonic, 0.0)
    theta = 1 - np.sqrt(sigma2_e / (sigma2_e + size * sigma2_u))
    return theta, {"sigma2_units": sigma2_u, "sigma2_residual": sigma2_e, "theta": float(theta.mean())}


def _quasi_demeaned(y: np.ndarray, X: np.ndarray, layout: Layout, theta: np.ndarray, choice: Choice) -> Fit:
    """Regress y - theta ybar on X - theta Xbar; the constant is among the columns of X."""
    both = np.column_stack([y, X])
    size = np.bincount(layout.units)[:, None]
    means = (group_sums(both, layout.units) / size)[layout.units]
    both = both - theta[layout.units][:, None] * means
    yd, Xd = both[:, 0], both[:, 1:]
    bread = np.linalg.inv(Xd.T @ Xd)
    beta = bread @ (Xd.T @ yd)
    residuals = yd - Xd @ beta
    df = len(y) - X.shape[1]
    cov = sandwich(bread, Xd * residuals[:, None], layout, choice, float(residuals @ residuals) / df, {})
    centred = yd - yd.mean()
    return Fit(beta, cov, residuals, centred, Xd, bread, df, inference_df(layout, choice, df))
