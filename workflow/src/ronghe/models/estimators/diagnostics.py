"""Diagnostics of a linear specification: collinearity, and what its residuals say of the covariance to choose."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear import residual_tests
from ronghe.linear.covariance import Choice
from ronghe.linear.inference import t_pvalue, test_table
from ronghe.linear.panel_models import Fit, fit_panel
from ronghe.models.design.design import Design, build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import facts, without_coefficients


def estimate(specification: dict, data: Data) -> Estimate:
    """Examine the specification named by `of`; variance inflation and correlations come as tables of their own."""
    base = specification["of"]
    design = build(base, data)
    y, X, layout = design.y, design.X, design.layout
    effects = base["effects"]
    fit = fit_panel(y, X, layout, effects, Choice("homoskedastic"), design.names)
    rows = [
        residual_tests.breusch_pagan(fit.residuals, fit.X),
        residual_tests.groupwise_heteroskedasticity(fit.residuals, layout),
        residual_tests.serial_correlation(y, X, layout, effects),
        residual_tests.cross_section_dependence(fit.residuals, layout),
        residual_tests.jarque_bera(fit.residuals),
    ]
    held = facts(
        base,
        "diagnostics",
        design.facts(),
        effects=effects,
        base=base["name"],
        loglik=fit.loglik,
        rsquared_within=fit.rsquared,
        sigma2=fit.ssr / fit.df_residual,
    )
    tables = {"collinearity": collinearity(design, fit), "correlations": correlations(design)}
    return without_coefficients(held, test_table(rows), tables, libraries=("linearmodels", "statsmodels"))


def collinearity(design: Design, fit: Fit) -> pd.DataFrame:
    """Return variance inflation of the regressors as they are, and of what the fixed effects leave of them."""
    raw, within = residual_tests.variance_inflation(design.X), residual_tests.variance_inflation(fit.X)
    left = fit.X.var(axis=0) / design.X.var(axis=0)
    columns = {"variable": design.names, "vif": raw, "vif_within": within, "share_of_variance_within": left}
    return pd.DataFrame(columns)


def correlations(design: Design) -> pd.DataFrame:
    """Return pairwise correlations of outcome and regressors, pooled, one row per pair, with p-values."""
    names = [design.outcome, *design.names]
    r = np.corrcoef(design.columns(names), rowvar=False)
    n = design.nobs
    rows = []
    for i, first in enumerate(names):
        for j in range(i):
            t = r[i, j] * np.sqrt((n - 2) / max(1 - r[i, j] ** 2, 1e-300))
            rows.append((first, names[j], r[i, j], float(t_pvalue(t, n - 2))))
    return pd.DataFrame(rows, columns=["variable", "with", "correlation", "pvalue"])
