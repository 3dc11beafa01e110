"""Diagnostics of a linear specification: collinearity, and what its residuals say of the covariance to choose."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear import absorption
from ronghe.linear.covariance import Choice
from ronghe.linear.inference import COEFFICIENT_COLUMNS, chi2_pvalue, f_pvalue, t_pvalue, test_table
from ronghe.linear.layout import Layout, group_sums
from ronghe.linear.least_squares import Fit, least_squares
from ronghe.models.design.design import Design, build
from ronghe.models.estimate import Data, Estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Examine the specification named by `of`; variance inflation and correlations come as tables of their own."""
    base = specification["of"]
    design = build(base, data)
    effects = "pooled" if base["kind"] == "pooled" else base.get("effects", "twoways")
    fit = least_squares(design.y, design.X, design.layout, effects, Choice("homoskedastic"), design.names)
    rows = [
        breusch_pagan(fit),
        groupwise_heteroskedasticity(fit, design.layout),
        serial_correlation(design, effects),
        cross_section_dependence(fit, design.layout),
        jarque_bera(fit.residuals),
    ]
    return Estimate(
        coefficients=pd.DataFrame(columns=COEFFICIENT_COLUMNS),
        covariance=pd.DataFrame(index=pd.Index([], name="term")),
        tests=test_table(rows),
        fit={
            "model": "ols",
            "effects": effects,
            "method": "diagnostics",
            "cov_type": None,
            "weights": None,
            **design.facts(),
            "sample": base.get("sample_name", "all"),
            "base": base.get("name", ""),
            "loglik": fit.loglik,
            "rsquared_within": fit.rsquared,
            "sigma2": fit.ssr / fit.df_residual,
        },
        tables={"collinearity": collinearity(design, fit), "correlations": correlations(design)},
    )


def variance_inflation(X: np.ndarray) -> np.ndarray:
    """Return 1/(1 - R2) of each centred column on the others: the diagonal of the inverse correlation matrix."""
    return np.diag(np.linalg.inv(np.corrcoef(X, rowvar=False))) if X.shape[1] > 1 else np.ones(1)


def collinearity(design: Design, fit: Fit) -> pd.DataFrame:
    """Return variance inflation of the raw regressors, and of what the effects leave of them, which the model sees."""
    raw, within = variance_inflation(design.X), variance_inflation(fit.X)
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


def breusch_pagan(fit: Fit) -> dict:
    """Test whether squared residuals go with the regressors: n R2, Koenker's (1981) form."""
    u = fit.residuals**2
    Z = np.column_stack([np.ones(len(u)), fit.X])
    left = u - Z @ np.linalg.lstsq(Z, u, rcond=None)[0]
    statistic = len(u) * (1 - float(left @ left) / float(np.sum((u - u.mean()) ** 2)))
    k = fit.X.shape[1]
    note = "heteroskedasticity, Koenker's n R2"
    return {"test": "Breusch-Pagan", "statistic": statistic, "df": k, "pvalue": chi2_pvalue(statistic, k), "note": note}


def groupwise_heteroskedasticity(fit: Fit, layout: Layout) -> dict:
    """Test equal variances over units: the modified Wald statistic (Greene 2000, p. 598; Baum 2001)."""
    size = np.bincount(layout.units)
    squares = fit.residuals**2
    own = np.bincount(layout.units, squares) / size
    spread = np.bincount(layout.units, (squares - own[layout.units]) ** 2) / size / (size - 1)
    statistic = float(np.sum((own - squares.mean()) ** 2 / spread))
    n = layout.n_units
    note = (
        f"unit variances; over-rejects with {layout.n_periods} periods" if layout.n_periods < 20 else "unit variances"
    )
    row = {"test": "modified Wald", "statistic": statistic, "df": n, "pvalue": chi2_pvalue(statistic, n)}
    return {**row, "note": note}


def serial_correlation(design: Design, effects: str) -> dict:
    """Test serial correlation: residuals of first differences have autocorrelation -1/2 if levels have none.

    Wooldridge (2010, section 10.6.3) and Drukker (2003): e_t on e_{t-1}, clustered by unit, coefficient against -1/2.
    """
    layout = design.layout
    follows = np.flatnonzero((layout.units[1:] == layout.units[:-1]) & (layout.times[1:] == layout.times[:-1] + 1)) + 1
    both = np.column_stack([design.y, design.X])
    changes = both[follows] - both[follows - 1]
    rows = Layout(layout.units[follows], np.unique(layout.times[follows], return_inverse=True)[1])
    swept = absorption.absorb(changes, rows, "time") if effects in ("time", "twoways") else changes
    e = swept[:, 0] - swept[:, 1:] @ np.linalg.lstsq(swept[:, 1:], swept[:, 0], rcond=None)[0]
    second = np.flatnonzero((rows.units[1:] == rows.units[:-1]) & (rows.times[1:] == rows.times[:-1] + 1)) + 1
    now, before = e[second], e[second - 1]
    b = float(now @ before / (before @ before))
    scores = group_sums((before * (now - b * before))[:, None], rows.units[second])[:, 0]
    G = int(np.sum(np.bincount(rows.units[second]) > 0))
    variance = float(scores @ scores) / float(before @ before) ** 2 * G / (G - 1)
    F = (b + 0.5) ** 2 / variance
    row = {"test": "Wooldridge serial correlation", "statistic": F, "df": 1, "pvalue": f_pvalue(F, 1, G - 1)}
    return {**row, "note": f"F, {G - 1}; coefficient {b:.4f} against -0.5"}


def cross_section_dependence(fit: Fit, layout: Layout) -> dict:
    """Test dependence between units: Pesaran's CD (2021, eq. 5) on the residuals; none for an unbalanced panel."""
    if len(fit.residuals) != layout.n_units * layout.n_periods:
        return {"test": "Pesaran CD", "note": "not for an unbalanced panel"}
    e = fit.residuals.reshape(layout.n_units, layout.n_periods)
    r = np.corrcoef(e)
    n, T = e.shape
    CD = float(np.sqrt(2 * T / (n * (n - 1))) * np.sum(r[np.triu_indices(n, 1)]))
    note = "with period effects its centre lies below zero (Juodis and Reese 2022)"
    return {"test": "Pesaran CD", "statistic": CD, "pvalue": float(t_pvalue(CD)), "note": note}


def jarque_bera(e: np.ndarray) -> dict:
    """Test normality of residuals by skewness and kurtosis (Jarque and Bera 1987)."""
    z = (e - e.mean()) / e.std()
    skewness, kurtosis = float(np.mean(z**3)), float(np.mean(z**4))
    statistic = len(e) / 6 * (skewness**2 + (kurtosis - 3) ** 2 / 4)
    note = f"skewness {skewness:.3f}, kurtosis {kurtosis:.3f}"
    return {"test": "Jarque-Bera", "statistic": statistic, "df": 2, "pvalue": chi2_pvalue(statistic, 2), "note": note}
