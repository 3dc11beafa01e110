"""The arrays of one two-stage regression, its order and rank conditions, and covariances that linearmodels lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear import absorption
from ronghe.linear.algebra import least_squares
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
    layout.require(y, raw, [*endogenous, *exogenous, *excluded])
    if len(excluded) < len(endogenous):
        raise RongheError(f"{len(endogenous)} endogenous regressors need as many instruments, not {len(excluded)}")
    absorbed = absorption.count(layout, effects)
    absorption.require_rows(len(y), len(endogenous) + len(exogenous), absorbed, effects)
    columns = absorption.absorb(np.column_stack([y, raw]), layout, effects)
    every = [*endogenous, *exogenous, *excluded]
    e, x = 1 + len(endogenous), 1 + len(endogenous) + len(exogenous)
    absorption.require_full_rank(columns[:, 1:x], raw[:, : x - 1], every[: x - 1], effects, absorption.SQUARED)
    absorption.require_full_rank(columns[:, e:], raw[:, e - 1 :], every[e - 1 :], effects, absorption.SQUARED)
    return Problem(columns[:, 0], columns[:, 1:e], columns[:, e:x], columns[:, x:], layout, choice, absorbed)


def effects_of(problem: Problem) -> str:
    """Return which effects were taken out of a problem's columns; "none" where a constant stands among them."""
    taken = frozenset(problem.absorbed)
    names = {"constant": "pooled", "units": "units", "time": "time"}
    return "twoways" if len(taken) == 2 else names[next(iter(taken))] if taken else "none"


def fitted_regressors(problem: Problem) -> np.ndarray:
    """Return the regressors as the first stage predicts them."""
    Z = problem.Z
    return Z @ least_squares(Z, problem.X)


def score_covariance(problem: Problem, fitted: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Return the chosen covariance of 2SLS coefficients from the fitted regressors and residuals."""
    sigma2 = float(residuals @ residuals) / problem.df(fitted.shape[1])
    bread = np.linalg.inv(fitted.T @ fitted)
    scores = fitted * residuals[:, None]
    return sandwich(bread, scores, problem.layout, problem.choice, sigma2, problem.absorbed)


@dataclass(frozen=True)
class ExposureErrors:
    """What is left of a shift-share estimate when its shocks, not its rows, are the independent draws."""

    coefficient: float
    std_error: float
    n_clusters: int
    effective_shocks: float
    numerators: np.ndarray

    def interval(self, critical: float) -> tuple[float, float]:
        """Return coefficient -+ critical standard errors."""
        return self.coefficient - critical * self.std_error, self.coefficient + critical * self.std_error

    def set_under_the_null(self, critical: float) -> tuple[float, float]:
        """Return the interval of values that are not rejected when errors are taken under the null (their section 4.3).

        It is the whole line where the statistic, which is at most the root of the number of clusters, cannot exceed
        `critical`, or where the first stage is too weak.
        """
        outcome, slope = self.numerators
        a = slope.sum() ** 2 - critical**2 * slope @ slope
        b = -2 * (outcome.sum() * slope.sum() - critical**2 * outcome @ slope)
        c = outcome.sum() ** 2 - critical**2 * outcome @ outcome
        within = b * b - 4 * a * c
        if a <= 0 or within < 0:
            return -np.inf, np.inf
        return (-b - np.sqrt(within)) / (2 * a), (-b + np.sqrt(within)) / (2 * a)


def exposure_robust(problem: Problem, shares: np.ndarray, clusters: np.ndarray | None = None) -> ExposureErrors:
    """Return the error of 2SLS with shift-share instruments that lets rows with like shares have like residuals.

    Adao, Kolesar and Morales (2019, eq. 39, section 5): with v the fitted treatment cleared of the controls, e the
    residuals and S the `shares` (rows x shocks) by which shocks enter rows, var(b) = sum_c (sum_(n in c) g_n S_n'e)^2
    / (v'x)^2, where g = (S'S)^-1 S'v are the shocks cleared of the controls and c are `clusters` of shocks, each shock
    its own where none are given. For one endogenous regressor; several instruments enter by the first stage's weights.
    The effective number of shocks is one over the sum of squared mean shares of the clusters (Borusyak, Hull and
    Jaravel 2022, section 2.2).

    >>> rng = np.random.default_rng(0)
    >>> shares = rng.dirichlet(np.ones(60), size=300)
    >>> z = shares @ rng.normal(size=60)
    >>> layout = Layout(units=np.arange(300), times=np.zeros(300, dtype=int))
    >>> y = 2 * z + shares @ rng.normal(size=60)
    >>> both = np.column_stack([z, z])
    >>> problem = project(y, both, (["x"], [], ["z"]), layout, "pooled", Choice())
    >>> found = exposure_robust(problem, shares)
    >>> found.interval(1.96)[0] < 2 < found.interval(1.96)[1]
    True
    """
    if problem.endogenous.shape[1] != 1:
        raise RongheError("exposure-robust errors are for one endogenous regressor")
    clusters = np.arange(shares.shape[1]) if clusters is None else np.asarray(clusters)
    fitted = _cleared(fitted_regressors(problem)[:, 0], problem.exogenous)
    y, x = (_cleared(column, problem.exogenous) for column in (problem.y, problem.endogenous[:, 0]))
    codes = np.unique(clusters, return_inverse=True)[1]
    shocks = np.linalg.lstsq(shares, fitted, rcond=None)[0]
    parts = np.array([np.bincount(codes, shocks * (shares.T @ column)) for column in (y, x)])
    coefficient = float(fitted @ y / (fitted @ x))
    score = parts[0] - coefficient * parts[1]
    weights = np.bincount(codes, shares.sum(axis=0)) / shares.sum()
    return ExposureErrors(
        coefficient,
        float(np.sqrt(score @ score) / abs(fitted @ x)),
        len(weights),
        float(1 / (weights @ weights)),
        parts,
    )


def shock_level(y: np.ndarray, x: np.ndarray, shares: np.ndarray, shocks: np.ndarray) -> float:
    """Return the slope of the regression of shocks that equals the shift-share regression of rows.

    Borusyak, Hull and Jaravel (2022, eq. 7): outcome and treatment, cleared of controls, are averaged over rows with a
    shock's shares as weights, and the shocks are the instrument in a regression weighted by their mean shares.

    >>> shares, shocks = np.array([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]), np.array([1.0, 3.0])
    >>> z = shares @ shocks
    >>> y, x = np.array([3.0, 5.0, 1.0]), np.array([1.0, 2.0, 0.5])
    >>> round(shock_level(y, x, shares, shocks), 6) == round(float(z @ y / (z @ x)), 6)
    True
    """
    weights = shares.sum(axis=0)
    outcome, treatment = (shares.T @ column / weights for column in (y, x))
    return float((weights * shocks) @ outcome / ((weights * shocks) @ treatment))


def _cleared(column: np.ndarray, exogenous: np.ndarray) -> np.ndarray:
    """Return the residuals of a column on the exogenous regressors."""
    if not exogenous.shape[1]:
        return column
    return column - exogenous @ least_squares(exogenous, column)
