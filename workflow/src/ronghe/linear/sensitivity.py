"""How strong would it have to be: detectable effects, robustness to confounders, and who identifies a coefficient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import nct
from scipy.stats import t as t_distribution

from ronghe.errors import RongheError, listing
from ronghe.linear.algebra import least_squares
from ronghe.linear.least_squares import LeastSquares

BENCHMARK_COLUMNS = [
    *("benchmark", "times", "r2_treatment", "r2_outcome", "adjusted", "adjusted_error", "adjusted_t", "note"),
]


def detectable_effect(error: float, df: float = np.inf, power: float = 0.8, size: float = 0.05) -> float:
    """Return the smallest effect that a two-sided test of `size` finds with `power`, given a standard error and df.

    The effect d at which |t| of a noncentral t (df, d / error) exceeds the critical value with probability `power`;
    with many degrees of freedom (1.96 + 0.84) standard errors (Bloom 1995).

    >>> round(detectable_effect(1.0), 2), round(detectable_effect(1.0, df=29), 2)
    (2.8, 2.9)
    """
    if not 0 < size < power < 1:
        raise RongheError(f"detectable effect: 0 < size < power < 1 is needed, not size {size} and power {power}")
    if not error > 0:
        raise RongheError(f"detectable effect: a positive standard error is needed, not {error}")
    critical = float(t_distribution.ppf(1 - size / 2, df))
    if np.isinf(df) or df > 1e6:
        df = 1e6

    def missing(ncp: float) -> float:
        return float(nct.sf(critical, df, ncp) + nct.cdf(-critical, df, ncp)) - power

    high = critical + 1.0
    while missing(high) < 0:
        high *= 1.5
    return error * float(brentq(missing, 0.0, high, xtol=1e-12))


def detectable_from_interval(half_length: float, df: float = np.inf, level: float = 0.95, power: float = 0.8) -> float:
    """Return the detectable effect for an interval of any method, given its half-length (a bootstrap's, say)."""
    error = half_length / float(t_distribution.ppf(0.5 + level / 2, df))
    return detectable_effect(error, df, power, 1 - level)


def robustness_value(statistic: float, df: float, share: float = 1.0, size: float | None = None) -> float:
    """Return the robustness value RV_q, or RV_{q, alpha} with `size` = alpha.

    The partial R2 that a confounder must have with treatment and outcome alike to take away a share q of the estimate,
    or to bring t below the critical value (Cinelli and Hazlett 2020, section 4.1): with f = q |t| / sqrt(df),
    less t_{alpha, df-1} / sqrt(df - 1) where alpha is given, RV = (sqrt(f^4 + 4 f^2) - f^2) / 2. Where f is beyond the
    inverse of that critical value, the confounder's part with the treatment alone decides.

    >>> round(robustness_value(4.18, 783), 3)
    0.139
    """
    if df <= 1:
        raise RongheError(f"robustness value: {df} residual degrees of freedom are too few")
    whole = share * abs(statistic) / np.sqrt(df)
    critical = 0.0 if size is None else float(t_distribution.ppf(1 - size / 2, df - 1)) / np.sqrt(df - 1)
    f = whole - critical
    if f <= 0:
        return 0.0
    if critical > 0 and whole > 1 / critical:
        return float((whole**2 - critical**2) / (1 + whole**2))
    return float(0.5 * (np.sqrt(f**4 + 4 * f**2) - f**2))


def partial_r2(statistic: float, df: float) -> float:
    """Return t^2 / (t^2 + df)."""
    return float(statistic**2 / (statistic**2 + df))


def benchmark_bounds(
    fit: LeastSquares,
    names: Sequence[str],
    treatment: str,
    benchmarks: Sequence[str],
    times: Sequence[float] = (1, 2, 3),
) -> pd.DataFrame:
    """Return what a confounder `times` as strong as a control would leave of the treatment's coefficient.

    Cinelli and Hazlett (2020, section 4.4 and footnote 10): R2_dz = k R2_dx / (1 - R2_dx) bounds its partial R2 with
    the treatment, and R2_yz = eta^2 R2_yx / (1 - R2_yx) that with the outcome; the adjusted estimate and its
    (classical) standard error follow (their section 3). Regressors and outcome are those of the fit, effects out.

    >>> from ronghe.linear import Layout, fit_least_squares
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> X = rng.normal(size=(100, 2))
    >>> fit = fit_least_squares(X @ [1.0, 0.5] + rng.normal(size=100), X, layout, "units")
    >>> len(benchmark_bounds(fit, ["x", "z"], "x", ["z"], times=(1, 2)))
    2
    """
    names = list(names)
    unknown = [n for n in [treatment, *benchmarks] if n not in names]
    if unknown:
        raise RongheError(f"robustness: no such regressors: {listing(unknown)} (the fit has {listing(names)})")
    if treatment in benchmarks:
        raise RongheError(f"robustness: '{treatment}' is the treatment and cannot be its own benchmark")
    d = names.index(treatment)
    df = fit.df_residual
    errors = np.sqrt(np.diag(fit.bread) * fit.ssr / df)
    t = fit.coefficients / errors
    others = [i for i in range(len(names)) if i != d]
    t_d = _t_values(fit.X[:, others], fit.X[:, d], df + 1)
    estimate, error = fit.coefficients[d], errors[d]
    rows = []
    for name in benchmarks:
        j = names.index(name)
        r_y, r_d = partial_r2(t[j], df), partial_r2(t_d[others.index(j)], df + 1)
        for k in times:
            dz = k * r_d / (1 - r_d)
            if dz >= 1 or k * r_d >= 1:
                rows.append((name, k, np.nan, np.nan, np.nan, np.nan, np.nan, f"{k:g} times as strong is impossible"))
                continue
            zx = k * r_d**2 / ((1 - k * r_d) * (1 - r_d))
            eta = (np.sqrt(k) + np.sqrt(zx)) / np.sqrt(1 - zx) if zx < 1 else np.inf
            yz = min(eta**2 * r_y / (1 - r_y), 1.0)
            adjusted, new_error = adjusted_estimate(estimate, error, df, dz, yz)
            rows.append((name, k, dz, yz, adjusted, new_error, adjusted / new_error if new_error else np.nan, ""))
    return pd.DataFrame(rows, columns=BENCHMARK_COLUMNS)


def adjusted_estimate(
    estimate: float, error: float, df: float, r2_treatment: float, r2_outcome: float
) -> tuple[float, float]:
    """Return estimate and standard error had the confounder been in the regression, the bias taken towards zero."""
    bias = error * np.sqrt(df) * np.sqrt(r2_outcome * r2_treatment / (1 - r2_treatment))
    adjusted = np.sign(estimate) * (abs(estimate) - bias)
    return float(adjusted), float(error * np.sqrt((1 - r2_outcome) / (1 - r2_treatment) * df / (df - 1)))


def _t_values(X: np.ndarray, y: np.ndarray, df: float) -> np.ndarray:
    bread = np.linalg.inv(X.T @ X)
    b = bread @ (X.T @ y)
    e = y - X @ b
    return b / np.sqrt(np.diag(bread) * float(e @ e) / df)


def sensitivity_table(fit: LeastSquares, names: Sequence[str], treatment: str, size: float = 0.05) -> pd.Series:
    """Return estimate, classical t, partial R2, RV for all of the estimate, and RV for its significance."""
    names = list(names)
    if treatment not in names:
        raise RongheError(f"robustness: no regressor '{treatment}' (the fit has {listing(names)})")
    d, df = names.index(treatment), fit.df_residual
    t = float(fit.coefficients[d] / np.sqrt(fit.bread[d, d] * fit.ssr / df))
    return pd.Series(
        {
            "estimate": float(fit.coefficients[d]),
            "statistic": t,
            "df": df,
            "partial_r2": partial_r2(t, df),
            "robustness_value": robustness_value(t, df),
            "robustness_value_significance": robustness_value(t, df, 1.0, size),
        }
    )


def region_weights(X: np.ndarray, place: int, units: np.ndarray, labels: Sequence[object]) -> pd.DataFrame:
    """Return each region's share of the treatment's variation that identifies its coefficient, largest first.

    The residual d of the treatment on the other regressors (all with effects out): d_i'd_i / d'd, the region's partial
    leverage (Cook and Weisberg 1982; Aronow and Samii 2016 for what it weighs). attrs
    hold the effective number of regions, one over the sum of squared shares.

    >>> X = np.array([[3.0], [-3], [1], [-1]])
    >>> region_weights(X, 0, np.array([0, 0, 1, 1]), ["a", "b"])["share"].to_dict()
    {'a': 0.9, 'b': 0.1}
    """
    d = X[:, place]
    others = np.delete(X, place, axis=1)
    if others.shape[1]:
        d = d - others @ least_squares(others, d)
    share = np.bincount(units, weights=d**2, minlength=len(labels)) / float(d @ d)
    table = pd.DataFrame({"share": share}, index=pd.Index(labels, name="region")).sort_values("share", ascending=False)
    table["cumulated"] = table["share"].cumsum()
    table.attrs["effective_regions"] = float(1 / np.sum(share**2))
    return table
