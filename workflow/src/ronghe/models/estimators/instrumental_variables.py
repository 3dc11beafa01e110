"""Two-stage least squares with fixed effects, and what tells whether its instruments can carry it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear import instrument_tests
from ronghe.linear.covariance import inference_df
from ronghe.linear.inference import coefficient_table, covariance_table, t_pvalue, test_table
from ronghe.linear.instrumental_models import TwoStage, fit_two_stage, instruments_alone
from ronghe.linear.two_stage import project
from ronghe.models.design import exposure
from ronghe.models.design.design import build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, covariance_facts, facts

LEVEL = 0.95


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit linearmodels' IV2SLS: treatments are endogenous, controls exogenous, `instruments` excluded."""
    design = build(specification, data, extra=("instruments",))
    endogenous = [t.name for t in terms_of(specification, "treatment")]
    excluded = [t.name for t in terms_of(specification, "instruments")]
    exogenous = [n for n in design.names if n not in endogenous]
    raw = design.columns([*endogenous, *exogenous, *excluded])
    effects, choice = specification["effects"], choice_of(specification)
    problem = project(design.y, raw, (endogenous, exogenous, excluded), design.layout, effects, choice)
    fit = fit_two_stage(problem)
    ssr, df = float(fit.residuals @ fit.residuals), fit.df_inference
    strength = instrument_tests.strength(problem)
    pieces = instrument_tests.anderson_rubin_set(problem, endogenous, LEVEL)
    return Estimate(
        coefficients=coefficient_table(design.names, fit.coefficients, fit.covariance, df),
        covariance=covariance_table(design.names, fit.covariance),
        tests=_judged(test_table(fit.tests(endogenous)), strength),
        fit=facts(
            specification,
            "two_stage",
            design.facts(),
            covariance=covariance_facts(specification),
            endogenous=endogenous,
            instruments=excluded,
            rsquared_within=1 - ssr / float(problem.y @ problem.y),
            sigma2=ssr / fit.df_residual,
            df_inference=df,
            n_instruments=len(excluded),
            instrument_strength=strength,
            anderson_rubin_set=_set_facts(pieces) if len(endogenous) == 1 else None,
        ),
        tables={
            "first_stage": _first_stage(fit, endogenous, [*excluded, *exogenous], design.outcome),
            "anderson_rubin": pieces,
            **exposure.tables(design, data, terms_of(specification, "instruments"), problem),
        },
        libraries=("linearmodels",),
    )


def _judged(tests: pd.DataFrame, strength: dict | None) -> pd.DataFrame:
    """Return the tests with two columns more: the critical value of the effective F, and the verdict on it."""
    held = tests["test"].eq("Montiel Olea-Pflueger effective F")
    values = strength or {"critical": np.nan, "verdict": ""}
    critical = np.where(held, values["critical"], np.nan)
    return tests.assign(critical=critical, verdict=np.where(held, values["verdict"], ""))


def _set_facts(pieces: pd.DataFrame) -> dict:
    """Return what fit.json says of the Anderson-Rubin set: its shape, and its pieces, an open end being empty."""
    ends = [[None if np.isinf(end) else end for end in row] for row in pieces[["lower", "upper"]].to_numpy(float)]
    return {"shape": instrument_tests.shape_of_set(pieces), "level": LEVEL, "pieces": ends}


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
