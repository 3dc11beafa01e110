"""Probabilities of the reference distributions, and the tables of coefficients and tests that every kind reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import special

from ronghe.errors import RongheError

COEFFICIENT_COLUMNS = ["term", "estimate", "std_error", "statistic", "df", "pvalue", "lower", "upper"]
IMPACT_COLUMNS = ["variable", "effect", *COEFFICIENT_COLUMNS[1:]]
TEST_COLUMNS = ["test", "statistic", "df", "pvalue", "note"]


def t_pvalue(statistic: np.ndarray | float, df: np.ndarray | float = np.inf) -> np.ndarray:
    """Return the two-sided p-value of a t statistic; infinite degrees of freedom mean the normal distribution."""
    size, df = np.abs(np.asarray(statistic, float)), np.asarray(df, float)
    return 2 * np.where(np.isinf(df), special.ndtr(-size), special.stdtr(np.where(np.isinf(df), 1.0, df), -size))


def t_quantile(probability: float, df: np.ndarray | float = np.inf) -> np.ndarray:
    """Return the quantile of the t distribution; infinite degrees of freedom mean the normal distribution."""
    df = np.asarray(df, float)
    finite = special.stdtrit(np.where(np.isinf(df), 1.0, df), probability)
    return np.where(np.isinf(df), special.ndtri(probability), finite)


def chi2_pvalue(statistic: float, df: float) -> float:
    """Return the upper tail of the chi-squared distribution."""
    return float(special.chdtrc(df, statistic))


def f_pvalue(statistic: float, df1: float, df2: float) -> float:
    """Return the upper tail of the F distribution."""
    return float(special.fdtrc(df1, df2, statistic))


@lru_cache(maxsize=256)
def _labels(names: tuple[str, ...]) -> pd.Index:
    return pd.Index(names)


def labels(names: Sequence[str], name: str | None = None) -> pd.Index:
    """Return names as an index: made once for the same names, because that costs more than many a fit."""
    return _labels(tuple(names)).rename(name)


def inference_table(
    estimates: np.ndarray,
    errors: np.ndarray,
    df: np.ndarray | float = np.inf,
    level: float = 0.95,
    index: pd.Index | None = None,
) -> pd.DataFrame:
    """Return estimate, error, statistic, p-value and interval at `level`, the last two from one t with `df` degrees.

    An error of zero has no p-value.
    """
    if not 0 < level < 1:
        raise RongheError(f"level must lie between 0 and 1, not {level}")
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = estimates / errors
    half = t_quantile((1 + level) / 2, df) * errors
    freedom = np.broadcast_to(np.asarray(df, float), np.shape(estimates))
    columns = [estimates, errors, statistics, freedom, t_pvalue(statistics, df), estimates - half, estimates + half]
    return pd.DataFrame(np.column_stack(columns), index, labels(COEFFICIENT_COLUMNS[1:]))


def coefficient_table(
    terms: Sequence[str],
    estimates: np.ndarray,
    covariance: np.ndarray,
    df: np.ndarray | float = np.inf,
    level: float = 0.95,
    factors: np.ndarray | float = 1.0,
) -> pd.DataFrame:
    """Return one row per term: estimate, standard error, statistic, df, p-value and interval at `level`.

    `factors` multiply the variances (see `few_clusters`).
    """
    table = inference_table(np.asarray(estimates, float), np.sqrt(np.diag(covariance) * factors), df, level)
    table.insert(0, COEFFICIENT_COLUMNS[0], list(terms))
    return table


def normal(gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return factors of one and infinite degrees of freedom for combinations of estimates: the normal distribution."""
    return np.ones(len(gradients)), np.full(len(gradients), np.inf)


def covariance_table(terms: Sequence[str], covariance: np.ndarray) -> pd.DataFrame:
    """Return the covariance as a labelled square."""
    return pd.DataFrame(covariance, labels(terms, "term"), labels(terms))


def test_table(rows: Iterable[dict]) -> pd.DataFrame:
    """Return the tests as a table; a row may leave out what does not apply."""
    return pd.DataFrame([{"note": "", **row} for row in rows], columns=TEST_COLUMNS)


def wald_test(estimates: np.ndarray, covariance: np.ndarray, restrictions: np.ndarray, df2: float = np.inf) -> dict:
    """Return the Wald test of restrictions @ estimates = 0, as F where `df2` is finite and as chi-squared otherwise."""
    gap = restrictions @ estimates
    statistic = float(gap @ np.linalg.solve(restrictions @ covariance @ restrictions.T, gap))
    df = len(restrictions)
    if np.isinf(df2):
        return {"statistic": statistic, "df": df, "pvalue": chi2_pvalue(statistic, df)}
    return {"statistic": statistic / df, "df": df, "pvalue": f_pvalue(statistic / df, df, df2), "note": f"F, {df2:g}"}
