"""What residuals say of the covariance to choose, and what regressors share with one another.

statsmodels gives heteroskedasticity, normality and variance inflation. Neither it nor linearmodels has the tests of a
panel that are here: unequal variances of units, serial correlation in first differences, and dependence between units.
"""

from __future__ import annotations

import numpy as np

from ronghe.linear import absorption
from ronghe.linear.algebra import least_squares
from ronghe.linear.inference import chi2_pvalue, f_pvalue, t_pvalue
from ronghe.linear.layout import Layout, group_sums


def variance_inflation(X: np.ndarray) -> np.ndarray:
    """Return 1/(1 - R2) of each column on the others and a constant."""
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    if X.shape[1] == 1:
        return np.ones(1)
    standardised = np.column_stack([np.ones(len(X)), (X - X.mean(axis=0)) / X.std(axis=0)])
    return np.array([variance_inflation_factor(standardised, i + 1) for i in range(X.shape[1])])


def breusch_pagan(residuals: np.ndarray, X: np.ndarray) -> dict:
    """Test whether squared residuals go with the regressors: n R2, Koenker's (1981) form."""
    from statsmodels.stats.diagnostic import het_breuschpagan

    statistic, pvalue, _, _ = het_breuschpagan(residuals, np.column_stack([np.ones(len(X)), X / X.std(axis=0)]))
    note = "heteroskedasticity, Koenker's n R2"
    row = {"test": "Breusch-Pagan", "statistic": float(statistic), "df": X.shape[1], "pvalue": float(pvalue)}
    return {**row, "note": note}


def jarque_bera(residuals: np.ndarray) -> dict:
    """Test normality of residuals by skewness and kurtosis (Jarque and Bera 1987)."""
    from statsmodels.stats.stattools import jarque_bera as test

    statistic, pvalue, skewness, kurtosis = map(float, test(residuals))
    note = f"skewness {skewness:.3f}, kurtosis {kurtosis:.3f}"
    return {"test": "Jarque-Bera", "statistic": statistic, "df": 2, "pvalue": pvalue, "note": note}


def groupwise_heteroskedasticity(residuals: np.ndarray, layout: Layout) -> dict:
    """Test equal variances over units: the modified Wald statistic (Greene 2000, p. 598; Baum 2001)."""
    size = np.bincount(layout.units)
    squares = residuals**2
    own = np.bincount(layout.units, squares) / size
    spread = np.bincount(layout.units, (squares - own[layout.units]) ** 2) / size / (size - 1)
    statistic = float(np.sum((own - squares.mean()) ** 2 / spread))
    n = layout.n_units
    note = (
        f"unit variances; over-rejects with {layout.n_periods} periods" if layout.n_periods < 20 else "unit variances"
    )
    row = {"test": "modified Wald", "statistic": statistic, "df": n, "pvalue": chi2_pvalue(statistic, n)}
    return {**row, "note": note}


def serial_correlation(y: np.ndarray, X: np.ndarray, layout: Layout, effects: str) -> dict:
    """Test serial correlation: residuals of first differences have autocorrelation -1/2 if levels have none.

    Wooldridge (2010, section 10.6.3) and Drukker (2003): e_t on e_{t-1}, clustered by unit, coefficient against -1/2.
    """
    follows = np.flatnonzero((layout.units[1:] == layout.units[:-1]) & (layout.times[1:] == layout.times[:-1] + 1)) + 1
    both = np.column_stack([y, X])
    changes = both[follows] - both[follows - 1]
    rows = Layout(layout.units[follows], np.unique(layout.times[follows], return_inverse=True)[1])
    swept = absorption.absorb(changes, rows, "time") if effects in ("time", "twoways") else changes
    e = swept[:, 0] - swept[:, 1:] @ least_squares(swept[:, 1:], swept[:, 0])
    second = np.flatnonzero((rows.units[1:] == rows.units[:-1]) & (rows.times[1:] == rows.times[:-1] + 1)) + 1
    now, before = e[second], e[second - 1]
    b = float(now @ before / (before @ before))
    scores = group_sums((before * (now - b * before))[:, None], rows.units[second])[:, 0]
    G = int(np.sum(np.bincount(rows.units[second]) > 0))
    variance = float(scores @ scores) / float(before @ before) ** 2 * G / (G - 1)
    F = (b + 0.5) ** 2 / variance
    row = {"test": "Wooldridge serial correlation", "statistic": F, "df": 1, "pvalue": f_pvalue(F, 1, G - 1)}
    return {**row, "note": f"F, {G - 1}; coefficient {b:.4f} against -0.5"}


def cross_section_dependence(residuals: np.ndarray, layout: Layout) -> dict:
    """Test dependence between units: Pesaran's CD (2021, eq. 5) on the residuals; none for an unbalanced panel."""
    if len(residuals) != layout.n_units * layout.n_periods:
        return {"test": "Pesaran CD", "note": "not for an unbalanced panel"}
    e = residuals.reshape(layout.n_units, layout.n_periods)
    r = np.corrcoef(e)
    n, T = e.shape
    CD = float(np.sqrt(2 * T / (n * (n - 1))) * np.sum(r[np.triu_indices(n, 1)]))
    note = "with period effects its centre lies below zero (Juodis and Reese 2022)"
    return {"test": "Pesaran CD", "statistic": CD, "pvalue": float(t_pvalue(CD)), "note": note}
