"""Two-stage least squares with fixed effects, and what tells whether its instruments can carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.models import absorption, sandwich, weak_instruments
from ronghe.models.design import Design, build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.inference import chi2_pvalue, coefficient_table, covariance_table, f_pvalue, t_pvalue, test_table


@dataclass(frozen=True)
class Problem:
    """Projected arrays of one regression: outcome, endogenous and exogenous regressors, excluded instruments."""

    y: np.ndarray
    endogenous: np.ndarray
    exogenous: np.ndarray
    excluded: np.ndarray
    layout: sandwich.Layout
    choice: sandwich.Choice
    absorbed: dict[str, int]

    @property
    def X(self) -> np.ndarray:
        """Return all regressors, the endogenous ones first."""
        return np.column_stack([self.endogenous, self.exogenous])

    @property
    def Z(self) -> np.ndarray:
        """Return all instruments, the excluded ones first."""
        return np.column_stack([self.excluded, self.exogenous])

    def df(self, k: int) -> int:
        """Return the residual degrees of freedom with k coefficients."""
        return len(self.y) - k - sum(self.absorbed.values())


def instrumental_variables(specification: dict, data: Data) -> Estimate:
    """Two-stage least squares: treatments are endogenous, controls exogenous, `instruments` excluded."""
    design = build(specification, data, extra=("instruments",))
    endogenous = [t.name for t in terms_of(specification, "treatment")]
    excluded = [t.name for t in terms_of(specification, "instruments")]
    effects = specification.get("effects", "twoways")
    choice = sandwich.Choice.of(specification)
    problem = project(design, endogenous, excluded, effects, choice)
    beta, cov, residuals = two_stage(problem)
    df = sandwich.inference_df(design.layout, choice, problem.df(len(beta)))
    projected_ssr = float(residuals @ residuals)
    return Estimate(
        coefficients=coefficient_table(design.names, beta, cov, df),
        covariance=covariance_table(design.names, cov),
        tests=test_table(diagnostics(problem, endogenous, beta, residuals)),
        fit={
            "model": "ols",
            "effects": effects,
            "method": "two-stage least squares",
            "cov_type": choice.label,
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
            "anderson_rubin": weak_instruments.anderson_rubin_set(problem, endogenous),
        },
    )


def project(
    design: Design, endogenous: list[str], excluded: list[str], effects: str, choice: sandwich.Choice
) -> Problem:
    """Sweep the effects out of everything and check the order and rank conditions."""
    exogenous = [n for n in design.names if n not in endogenous]
    if len(excluded) < len(endogenous):
        raise RongheError(f"{len(endogenous)} endogenous regressors need as many instruments, not {len(excluded)}")
    absorption.require_rows(design.nobs, len(design.names), absorption.count(design.layout, effects), effects)
    raw = design.columns([*endogenous, *exogenous, *excluded])
    columns = absorption.absorb(np.column_stack([design.y, raw]), design.layout, effects)
    names = [*endogenous, *exogenous, *excluded]
    e, x = 1 + len(endogenous), 1 + len(endogenous) + len(exogenous)
    absorption.require_full_rank(columns[:, 1:x], raw[:, : x - 1], names[: x - 1], effects)
    absorption.require_full_rank(columns[:, e:], raw[:, e - 1 :], names[e - 1 :], effects)
    absorbed = absorption.count(design.layout, effects)
    return Problem(columns[:, 0], columns[:, 1:e], columns[:, e:x], columns[:, x:], design.layout, choice, absorbed)


def two_stage(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 2SLS coefficients, their covariance, and the residuals of the structural equation."""
    X, fitted = problem.X, fitted_regressors(problem)
    beta = np.linalg.solve(fitted.T @ fitted, fitted.T @ problem.y)
    residuals = problem.y - X @ beta
    return beta, score_covariance(problem, fitted, residuals), residuals


def fitted_regressors(problem: Problem) -> np.ndarray:
    """Return the regressors as the first stage predicts them."""
    Z = problem.Z
    return Z @ np.linalg.lstsq(Z, problem.X, rcond=None)[0]


def score_covariance(problem: Problem, fitted: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Return the covariance of 2SLS coefficients of the problem's kind."""
    sigma2 = float(residuals @ residuals) / problem.df(fitted.shape[1])
    bread = np.linalg.inv(fitted.T @ fitted)
    scores = fitted * residuals[:, None]
    return sandwich.covariance(bread, scores, problem.layout, problem.choice, sigma2, problem.absorbed)


def diagnostics(problem: Problem, endogenous: list[str], beta: np.ndarray, residuals: np.ndarray) -> list[dict]:
    """Return strength, validity and exogeneity in the order in which they are read."""
    rows = weak_instruments.strength(problem, endogenous)
    extra = problem.excluded.shape[1] - problem.endogenous.shape[1]
    if extra:
        scores = problem.Z * residuals[:, None]
        meat = _moment_covariance(problem, scores, residuals)
        # J is the minimised two-step objective, so the efficient estimate is used, not the 2SLS one.
        inverse = np.linalg.inv(meat)
        ZX, Zy = problem.Z.T @ problem.X, problem.Z.T @ problem.y
        efficient = np.linalg.solve(ZX.T @ inverse @ ZX, ZX.T @ inverse @ Zy)
        gap = Zy - ZX @ efficient
        J = float(gap @ inverse @ gap)
        note = "" if problem.choice.kind != "homoskedastic" else "Sargan"
        rows.append({"test": "Hansen J", "statistic": J, "df": extra, "pvalue": chi2_pvalue(J, extra), "note": note})
    rows.append(_endogeneity(problem))
    nothing = weak_instruments.anderson_rubin(problem, np.zeros(len(endogenous)))
    rows.append({"test": "Anderson-Rubin, no effect", **nothing})
    return rows


def _moment_covariance(problem: Problem, scores: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Return the covariance of Z'e under the chosen errors, without small-sample factors."""
    if problem.choice.kind == "homoskedastic":
        return problem.Z.T @ problem.Z * float(residuals @ residuals) / len(residuals)
    return sandwich.plain_meat(scores, problem.layout, problem.choice)


def _endogeneity(problem: Problem) -> dict:
    """Test exogeneity of the treatments: first-stage residuals in the structural equation (Wooldridge 2010, 6.3.1)."""
    Z = problem.Z
    first = problem.endogenous - Z @ np.linalg.lstsq(Z, problem.endogenous, rcond=None)[0]
    X = np.column_stack([first, problem.X])
    bread = np.linalg.inv(X.T @ X)
    beta = bread @ (X.T @ problem.y)
    residuals = problem.y - X @ beta
    sigma2 = float(residuals @ residuals) / problem.df(X.shape[1])
    cov = sandwich.covariance(bread, X * residuals[:, None], problem.layout, problem.choice, sigma2, problem.absorbed)
    m = first.shape[1]
    df2 = sandwich.inference_df(problem.layout, problem.choice, problem.df(X.shape[1]))
    statistic = float(beta[:m] @ np.linalg.solve(cov[:m, :m], beta[:m])) / m
    return {
        "test": "exogeneity of the treatment",
        "statistic": statistic,
        "df": m,
        "pvalue": f_pvalue(statistic, m, df2),
        "note": f"F, {df2:g}; control function",
    }


def _first_stage(problem: Problem, endogenous: list[str], excluded: list[str], design: Design) -> pd.DataFrame:
    """Return the first-stage coefficients of every instrument on every endogenous regressor."""
    exogenous = [n for n in design.names if n not in endogenous]
    parts = []
    for j, name in enumerate(endogenous):
        gamma, cov = weak_instruments.reduced_form(problem, problem.endogenous[:, [j]])
        df = sandwich.inference_df(problem.layout, problem.choice, problem.df(problem.Z.shape[1]))
        table = coefficient_table([*excluded, *exogenous], gamma, cov, df)
        table.insert(0, "equation", name)
        parts.append(table)
    gamma, cov = weak_instruments.reduced_form(problem, problem.y[:, None])
    table = coefficient_table([*excluded, *exogenous], gamma, cov, np.inf)
    table["pvalue"] = t_pvalue(table["statistic"].to_numpy(), df)
    table.insert(0, "equation", f"reduced form: {design.outcome}")
    return pd.concat([*parts, table], ignore_index=True)
