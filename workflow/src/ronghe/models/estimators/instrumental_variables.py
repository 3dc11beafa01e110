"""Two-stage least squares with fixed effects, and what tells whether its instruments can carry it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear import instrument_tests
from ronghe.linear.covariance import Choice, inference_df
from ronghe.linear.inference import (
    coefficient_table,
    covariance_table,
    t_pvalue,
    test_table,
)
from ronghe.linear.two_stage import Problem, diagnostics, project, two_stage
from ronghe.models.design.design import Design, build, terms_of
from ronghe.models.estimate import Data, Estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Two-stage least squares: treatments are endogenous, controls exogenous, `instruments` excluded."""
    design = build(specification, data, extra=("instruments",))
    endogenous = [t.name for t in terms_of(specification, "treatment")]
    excluded = [t.name for t in terms_of(specification, "instruments")]
    effects = specification.get("effects", "twoways")
    choice = Choice.of(specification)
    exogenous = [n for n in design.names if n not in endogenous]
    raw = design.columns([*endogenous, *exogenous, *excluded])
    problem = project(design.y, raw, (endogenous, exogenous, excluded), design.layout, effects, choice)
    beta, cov, residuals = two_stage(problem)
    df = inference_df(design.layout, choice, problem.df(len(beta)))
    projected_ssr = float(residuals @ residuals)
    return Estimate(
        coefficients=coefficient_table(design.names, beta, cov, df),
        covariance=covariance_table(design.names, cov),
        tests=test_table(diagnostics(problem, endogenous, beta, residuals)),
        fit={
            "model": "ols",
            "effects": effects,
            "method": "two_stage",
            **choice.facts,
            "weights": None,
            **design.facts(),
            "sample": specification.get("sample_name", "all"),
            "endogenous": endogenous,
            "instruments": excluded,
            "loglik": None,
            "rsquared_within": 1 - projected_ssr / float(problem.y @ problem.y),
            "sigma2": projected_ssr / problem.df(len(beta)),
            "df_inference": df,
        },
        tables={
            "first_stage": _first_stage(problem, endogenous, excluded, design),
            "anderson_rubin": instrument_tests.anderson_rubin_set(problem, endogenous),
        },
    )


def _first_stage(problem: Problem, endogenous: list[str], excluded: list[str], design: Design) -> pd.DataFrame:
    """Return the first-stage coefficients of every instrument on every endogenous regressor."""
    exogenous = [n for n in design.names if n not in endogenous]
    parts = []
    for j, name in enumerate(endogenous):
        gamma, cov = instrument_tests.reduced_form(problem, problem.endogenous[:, [j]])
        df = inference_df(problem.layout, problem.choice, problem.df(problem.Z.shape[1]))
        table = coefficient_table([*excluded, *exogenous], gamma, cov, df)
        table.insert(0, "equation", name)
        parts.append(table)
    gamma, cov = instrument_tests.reduced_form(problem, problem.y[:, None])
    table = coefficient_table([*excluded, *exogenous], gamma, cov, np.inf)
    table["pvalue"] = t_pvalue(table["statistic"].to_numpy(), df)
    table.insert(0, "equation", f"reduced form: {design.outcome}")
    return pd.concat([*parts, table], ignore_index=True)
