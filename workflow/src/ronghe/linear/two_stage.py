"""Two-stage least squares with fixed effects, and what tells whether its instruments can carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear import absorption, instrument_tests
from ronghe.linear.covariance import Choice, inference_df, plain_meat, sandwich
from ronghe.linear.inference import chi2_pvalue, f_pvalue
from ronghe.linear.layout import Layout


@dataclass(frozen=True)
class Problem:
    """Projected arrays of one regression: outcome, endogenous and exogenous regressors, excluded instruments."""

    y: np.ndarray
    endogenous: np.ndarray
    exogenous: np.ndarray
    excluded: np.ndarray
    layout: Layout
    choice: Choice
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


def project(
    y: np.ndarray,
    raw: np.ndarray,
    names: tuple[list[str], list[str], list[str]],
    layout: Layout,
    effects: str,
    choice: Choice,
) -> Problem:
    """Sweep the effects out of everything and check the order and rank conditions.

    `raw` holds the columns of `names`: endogenous regressors, exogenous ones, excluded instruments.
    """
    endogenous, exogenous, excluded = names
    if len(excluded) < len(endogenous):
        raise RongheError(f"{len(endogenous)} endogenous regressors need as many instruments, not {len(excluded)}")
    absorbed = absorption.count(layout, effects)
    absorption.require_rows(len(y), len(endogenous) + len(exogenous), absorbed, effects)
    columns = absorption.absorb(np.column_stack([y, raw]), layout, effects)
    every = [*endogenous, *exogenous, *excluded]
    e, x = 1 + len(endogenous), 1 + len(endogenous) + len(exogenous)
    absorption.require_full_rank(columns[:, 1:x], raw[:, : x - 1], every[: x - 1], effects)
    absorption.require_full_rank(columns[:, e:], raw[:, e - 1 :], every[e - 1 :], effects)
    return Problem(columns[:, 0], columns[:, 1:e], columns[:, e:x], columns[:, x:], layout, choice, absorbed)


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
    return sandwich(bread, scores, problem.layout, problem.choice, sigma2, problem.absorbed)


def diagnostics(problem: Problem, endogenous: list[str], beta: np.ndarray, residuals: np.ndarray) -> list[dict]:
    """Return strength, validity and exogeneity in the order in which they are read."""
    rows = instrument_tests.strength(problem, endogenous)
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
    nothing = instrument_tests.anderson_rubin(problem, np.zeros(len(endogenous)))
    rows.append({"test": "Anderson-Rubin, no effect", **nothing})
    return rows


def _moment_covariance(problem: Problem, scores: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Return the covariance of Z'e under the chosen errors, without small-sample factors."""
    if problem.choice.kind == "homoskedastic":
        return problem.Z.T @ problem.Z * float(residuals @ residuals) / len(residuals)
    return plain_meat(scores, problem.layout, problem.choice)


def _endogeneity(problem: Problem) -> dict:
    """Test exogeneity of the treatments: first-stage residuals in the structural equation (Wooldridge 2010, 6.3.1)."""
    Z = problem.Z
    first = problem.endogenous - Z @ np.linalg.lstsq(Z, problem.endogenous, rcond=None)[0]
    X = np.column_stack([first, problem.X])
    bread = np.linalg.inv(X.T @ X)
    beta = bread @ (X.T @ problem.y)
    residuals = problem.y - X @ beta
    sigma2 = float(residuals @ residuals) / problem.df(X.shape[1])
    cov = sandwich(bread, X * residuals[:, None], problem.layout, problem.choice, sigma2, problem.absorbed)
    m = first.shape[1]
    df2 = inference_df(problem.layout, problem.choice, problem.df(X.shape[1]))
    statistic = float(beta[:m] @ np.linalg.solve(cov[:m, :m], beta[:m])) / m
    return {
        "test": "exogeneity of the treatment",
        "statistic": statistic,
        "df": m,
        "pvalue": f_pvalue(statistic, m, df2),
        "note": f"F, {df2:g}; control function",
    }
