"""Puts every fit in the form of the results contract: coefficients, covariance, tests and the facts for fit.json."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear.covariance import Choice
from ronghe.linear.inference import (
    COEFFICIENT_COLUMNS,
    coefficient_table,
    covariance_table,
    test_table,
    wald_test,
)
from ronghe.linear.least_squares import Fit, least_squares
from ronghe.models.design.design import Design
from ronghe.models.design.weights import facts
from ronghe.models.estimate import Estimate


def least_squares_estimate(specification: dict, design: Design, effects: str, method: str) -> Estimate:
    """Fit least squares with the effects and put it in the form of the results contract."""
    choice = Choice.of(specification)
    fit = least_squares(design.y, design.X, design.layout, effects, choice, design.names)
    return linear_estimate(specification, design, fit, effects, method, choice)


def linear_estimate(
    specification: dict,
    design: Design,
    fit: Fit,
    effects: str,
    method: str,
    choice: Choice,
    names: list[str] | None = None,
) -> Estimate:
    """Label a fit: coefficients, covariance, a joint test of all regressors, and the facts."""
    names = names or design.names
    joint = wald_test(fit.coefficients, fit.covariance, np.eye(len(design.names), len(names)), fit.df_inference)
    return Estimate(
        coefficients=coefficient_table(names, fit.coefficients, fit.covariance, fit.df_inference),
        covariance=covariance_table(names, fit.covariance),
        tests=test_table([{"test": "all regressors zero", **joint}]),
        fit={
            "model": "ols",
            "effects": effects,
            "method": method,
            **choice.facts,
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


def tables_estimate(
    specification: dict,
    design: Design,
    cut: list[str],
    method: str,
    tables: dict[str, pd.DataFrame],
    told: dict,
    tests: pd.DataFrame,
) -> Estimate:
    """Return a result that consists of tables alone: no coefficients belong to it."""
    fit = {
        "model": specification.get("model", "sdm"),
        "effects": specification.get("effects", "twoways"),
        "method": method,
        "cov_type": None,
        **facts(specification, design, cut),
        "loglik": None,
        "rsquared_within": None,
        "sigma2": None,
        **told,
    }
    nothing = pd.DataFrame(columns=COEFFICIENT_COLUMNS)
    return Estimate(nothing, pd.DataFrame(index=pd.Index([], name="term")), fit, tests, tables=tables)
