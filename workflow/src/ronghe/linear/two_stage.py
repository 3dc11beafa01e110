"""The arrays of one two-stage regression, its order and rank conditions, and covariances that linearmodels lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear import absorption
from ronghe.linear.covariance import Choice, sandwich
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
    """Take the fixed effects out of all columns and check the order and rank conditions.

    `raw` holds the columns of `names`: endogenous regressors, exogenous ones, excluded instruments.

    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> z, e = rng.normal(size=(2, 100))
    >>> problem = project(z + 3 * e, np.column_stack([z + e, z]), (["x"], [], ["z"]), layout, "units", Choice())
    >>> problem.endogenous.shape, problem.excluded.shape
    ((100, 1), (100, 1))
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


def effects_of(problem: Problem) -> str:
    """Return which effects were taken out of a problem's columns; "none" where a constant stands among them."""
    taken = frozenset(problem.absorbed)
    names = {"constant": "pooled", "units": "units", "time": "time"}
    return "twoways" if len(taken) == 2 else names[next(iter(taken))] if taken else "none"


def fitted_regressors(problem: Problem) -> np.ndarray:
    """Return the regressors as the first stage predicts them."""
    Z = problem.Z
    return Z @ np.linalg.lstsq(Z, problem.X, rcond=None)[0]


def score_covariance(problem: Problem, fitted: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Return the chosen covariance of 2SLS coefficients from the fitted regressors and residuals."""
    sigma2 = float(residuals @ residuals) / problem.df(fitted.shape[1])
    bread = np.linalg.inv(fitted.T @ fitted)
    scores = fitted * residuals[:, None]
    return sandwich(bread, scores, problem.layout, problem.choice, sigma2, problem.absorbed)
