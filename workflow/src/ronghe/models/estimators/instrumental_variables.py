"""Two-stage least squares with fixed effects, and what tells whether its instruments can carry it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear import instrument_tests
from ronghe.linear.covariance import inference_df
from ronghe.linear.inference import coefficient_table, covariance_table, t_pvalue, test_table
from ronghe.linear.instrumental_models import TwoStage, fit_two_stage, instruments_alone
from ronghe.linear.two_stage import project
from ronghe.models.design.design import build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, covariance_facts, facts


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit linearmodels' IV2SLS: treatments are endogenous, controls exogenous, `instruments` excluded."""
    design = build(specification, data, extra=("instruments",))
    endogenous = [t.name for t in terms_of(specification, "treatment")]
    excluded = [t.name for t in terms_of(specification, "instruments")]
    effects = specification.get("effects", "twoways")
    choice = choice_of(specification)
    exogenous = [n for n in design.names if n not in endogenous]
    raw = design.columns([*endogenous, *exogenous, *excluded])
    problem = project(design.y, raw, (endogenous, exogenous, excluded), design.layout, effects, choice)
    fit = fit_two_stage(problem)
    ssr, df = float(fit.residuals @ fit.residuals), fit.df_inference
    return Estimate(
        coefficients=coefficient_table(design.names, fit.coefficients, fit.covariance, df),
        covariance=covariance_table(design.names, fit.covariance),
        tests=test_table(fit.tests(endogenous)),
        fit=facts(
            specification,
            "two_stage",
            design.facts(),
            covariance=covariance_facts(choice),
            endogenous=endogenous,
            instruments=excluded,
            rsquared_within=1 - ssr / float(problem.y @ problem.y),
            sigma2=ssr / fit.df_residual,
            df_inference=df,
        ),
        tables={
            "first_stage": _first_stage(fit, endogenous, [*excluded, *exogenous], design.outcome),
            "anderson_rubin": instrument_tests.anderson_rubin_set(problem, endogenous),
        },
        libraries=("linearmodels",),
    )


def _first_stage(fit: TwoStage, endogenous: list[str], instruments: list[str], outcome: str) -> pd.DataFrame:
    """Return the coefficients of every instrument on every endogenous regressor, and on the outcome."""
    problem = fit.problem
    df = inference_df(problem.layout, problem.choice, problem.df(problem.Z.shape[1]))
    parts = []
    for name, (gamma, cov) in zip(endogenous, fit.first_stage, strict=True):
        table = coefficient_table(instruments, gamma, cov, df)
        table.insert(0, "equation", name)
        parts.append(table)
    table = coefficient_table(instruments, *instruments_alone(problem, problem.y), np.inf)
    table["pvalue"] = t_pvalue(table["statistic"].to_numpy(), df)
    table.insert(0, "equation", f"reduced form: {outcome}")
    return pd.concat([*parts, table], ignore_index=True)
