"""Tests of instruments that linearmodels lacks, or lacks for some covariances.

It has neither Anderson and Rubin's sets nor Montiel Olea and Pflueger's effective F, and its first stage, its rank
tests, Hansen's J and its exogeneity test know neither Driscoll and Kraay's covariance nor Conley's. With the other
covariances ours agree with it to 1e-10, and `instrumental_models` reports the library's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize, special

from ronghe.linear.algebra import least_squares
from ronghe.linear.covariance import inference_df, plain_meat, sandwich
from ronghe.linear.inference import f_pvalue
from ronghe.linear.two_stage import Problem

EXACT = {"xtol": 1e-300, "rtol": 8.9e-16}


def reduced_form(problem: Problem, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Regress columns on all instruments; return coefficients, stacked by column, and their joint covariance."""
    Z = problem.Z
    inverse = np.linalg.inv(Z.T @ Z)
    gamma = inverse @ Z.T @ left
    residuals = left - Z @ gamma
    m = left.shape[1]
    scores = np.concatenate([Z * residuals[:, [j]] for j in range(m)], axis=1)
    bread = np.kron(np.eye(m), inverse)
    k, df = Z.shape[1], problem.df(Z.shape[1])
    if problem.choice.kind == "homoskedastic":
        return gamma.T.ravel(), np.kron(residuals.T @ residuals / df, inverse)
    # The small-sample factor is that of one equation, however many are stacked.
    absorbed = dict(problem.absorbed)
    absorbed["stacked"] = k - m * k
    cov = sandwich(bread, scores, problem.layout, problem.choice, 1.0, absorbed)
    return gamma.T.ravel(), cov


def first_stage(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of the excluded instruments (instrument x equation) and their joint covariance."""
    L, k, m = problem.excluded.shape[1], problem.Z.shape[1], problem.endogenous.shape[1]
    gamma, cov = reduced_form(problem, problem.endogenous)
    picks = [np.arange(L) + j * k for j in range(m)]
    everything = np.concatenate(picks)
    return np.column_stack([gamma[pick] for pick in picks]), cov[np.ix_(everything, everything)]


def _partial_out(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return endogenous regressors and excluded instruments, the exogenous regressors swept out of both."""
    both = np.column_stack([problem.endogenous, problem.excluded])
    if problem.exogenous.shape[1]:
        both = both - problem.exogenous @ least_squares(problem.exogenous, both)
    m = problem.endogenous.shape[1]
    return both[:, :m], both[:, m:]


def cragg_donald(problem: Problem) -> float:
    """Return the least eigenvalue of the concentration matrix per instrument (Cragg and Donald 1993)."""
    X, Z = _partial_out(problem)
    fitted = Z @ least_squares(Z, X)
    sigma = (X - fitted).T @ (X - fitted) / problem.df(problem.Z.shape[1])
    return float(np.linalg.eigvals(np.linalg.solve(sigma, fitted.T @ fitted)).real.min()) / Z.shape[1]


def kleibergen_paap(problem: Problem) -> float:
    """Return the rk Wald F of rank m - 1 against m (Kleibergen and Paap 2006, eq. 9 to 13).

    With one endogenous regressor it is the F of the first stage; with homoskedastic errors it is Cragg and Donald's.
    """
    Pi, cov = first_stage(problem)
    X, Z = _partial_out(problem)
    L, m = Pi.shape
    G = np.linalg.cholesky(Z.T @ Z).T
    residuals = X - Z @ least_squares(Z, X)
    F = np.linalg.inv(np.linalg.cholesky(residuals.T @ residuals))
    theta = G @ Pi @ F.T
    rotate = np.kron(F, G)
    W = rotate @ cov @ rotate.T
    U, s, Vt = np.linalg.svd(theta, full_matrices=True)
    q = m - 1
    U2, V2 = U[:, q:], Vt.T[:, q:]
    # Any orthonormal bases of the two complements give the same quadratic form.
    lam = (U2.T @ theta @ V2).T.ravel()
    map_ = np.kron(V2.T, U2.T)
    return float(lam @ np.linalg.solve(map_ @ W @ map_.T, lam)) / L


def effective_f(problem: Problem, bias: float = 0.1) -> tuple[float, float]:
    """Return the effective F of Montiel Olea and Pflueger (2013, eq. 10) and its 5 % critical value for 2SLS.

    For one endogenous regressor.
    The critical value is the conservative one of their section 4.3 (the bound 1/bias on the worst-case weight), by
    Patnaik's approximation. With one instrument F is the robust first-stage F, and the value 23.11 for a bias of 10 %.
    """
    pi, cov = first_stage(problem)
    _, Z = _partial_out(problem)
    # Instruments of unlike units: beside large columns the roots of Z'Z lose the small ones.
    size = np.linalg.norm(Z, axis=0)
    pi, cov, Z = pi * size[:, None], cov * np.outer(size, size), Z / size
    values, vectors = np.linalg.eigh(Z.T @ Z)
    root = (vectors * np.sqrt(values)) @ vectors.T
    W2 = root @ cov @ root
    trace = np.trace(W2)
    scaled = root @ pi[:, 0]
    F = float(scaled @ scaled / trace)
    x = 1 / bias
    largest = float(np.linalg.eigvalsh(W2)[-1])
    k_effective = trace**2 * (1 + 2 * x) / (np.sum(W2**2) + 2 * x * trace * largest)
    critical = float(special.chndtrix(0.95, k_effective, x * k_effective)) / k_effective
    return F, critical


def anderson_rubin(problem: Problem, beta: np.ndarray) -> dict:
    """Test that the coefficients equal `beta`: whether the instruments explain y - x beta (Anderson and Rubin 1949)."""
    L = problem.excluded.shape[1]
    left = problem.y - problem.endogenous @ beta
    gamma, cov = reduced_form(problem, left[:, None])
    statistic = float(gamma[:L] @ np.linalg.solve(cov[:L, :L], gamma[:L])) / L
    df2 = inference_df(problem.layout, problem.choice, problem.df(problem.Z.shape[1]))
    return {"statistic": statistic, "df": L, "pvalue": f_pvalue(statistic, L, df2), "note": f"F, {df2:g}"}


def anderson_rubin_set(problem: Problem, endogenous: list[str], level: float = 0.95) -> pd.DataFrame:
    """Return the intervals that the Anderson-Rubin test does not reject; they may be empty or unbounded.

    For one endogenous regressor. The statistic is a ratio of polynomials in beta, so the line is mapped to angles,
    beta = b0 + s tan(angle), searched, and every crossing located by Brent's method.

    >>> from ronghe.linear import Choice, Layout, project
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(40), 5), times=np.tile(np.arange(5), 40))
    >>> z, e = rng.normal(size=(2, 200))
    >>> x = z + e
    >>> problem = project(x + 0.3 * e, np.column_stack([x, z]), (["x"], [], ["z"]), layout, "units", Choice())
    >>> found = anderson_rubin_set(problem, ["x"])
    >>> len(found), bool((found["lower"] < 1).all() and (found["upper"] > 1).all())
    (1, True)
    """
    columns = ["term", "level", "lower", "upper"]
    if problem.endogenous.shape[1] > 1:
        return pd.DataFrame(columns=columns)
    L, k = problem.excluded.shape[1], problem.Z.shape[1]
    gamma, cov = reduced_form(problem, np.column_stack([problem.y, problem.endogenous]))
    y, x = np.arange(L), np.arange(L) + k
    Vyy, Vxx, Vyx = cov[np.ix_(y, y)], cov[np.ix_(x, x)], cov[np.ix_(y, x)]
    df2 = inference_df(problem.layout, problem.choice, problem.df(k))
    critical = float(special.fdtri(L, df2, level)) * L

    def excess(beta: np.ndarray) -> np.ndarray:
        beta = np.atleast_1d(beta)[:, None]
        gap = gamma[y] - beta * gamma[x]
        b = beta[:, :, None]
        V = Vyy - b * (Vyx + Vyx.T) + b**2 * Vxx
        return np.einsum("ij,ij->i", gap, np.linalg.solve(V, gap[:, :, None])[:, :, 0]) - critical

    centre = float(gamma[y] @ gamma[x] / (gamma[x] @ gamma[x]))
    scale = float(np.sqrt(np.trace(Vyy) / np.trace(Vxx)))
    angles = np.linspace(-np.pi / 2, np.pi / 2, 20003)[1:-1]
    betas = centre + scale * np.tan(angles)
    inside = excess(betas) <= 0
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    roots = [optimize.brentq(lambda b: excess(b)[0], betas[i], betas[i + 1], **EXACT) for i in edges]
    bounds = ([-np.inf] if inside[0] else []) + roots + ([np.inf] if inside[-1] else [])
    pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
    return pd.DataFrame([(endogenous[0], level, a, b) for a, b in pairs], columns=columns)


def shape_of_set(pieces: pd.DataFrame) -> str:
    """Return the code of a confidence set's shape: empty, bounded, unbounded, whole_line, or disjoint pieces."""
    ends = pieces[["lower", "upper"]].to_numpy(float)
    if not len(ends):
        return "empty"
    if len(ends) > 1:
        return "disjoint" if np.isfinite(ends).all() else "disjoint_unbounded"
    return ("bounded", "unbounded", "whole_line")[int(np.isinf(ends).sum())]


# Stock and Yogo (2005), table 5.1, one endogenous regressor: 5 % critical values for a bias of 10 % of least squares',
# from three instruments on; with one or two, of table 5.2 for a size of 10 % of a 5 % test.
STOCK_YOGO = (
    *(16.38, 19.93, 9.08, 10.27, 10.83, 11.12, 11.29, 11.39, 11.46, 11.49, 11.51, 11.52, 11.52, 11.52, 11.51),
    *(11.50, 11.49, 11.48, 11.46, 11.45, 11.44, 11.42, 11.41, 11.40, 11.38, 11.37, 11.36, 11.34, 11.33, 11.32),
)


def stock_yogo(n_instruments: int) -> float:
    """Return the stored critical value; beyond 30 instruments that of 30, from which the table falls slowly."""
    return STOCK_YOGO[min(n_instruments, len(STOCK_YOGO)) - 1]


def conditional_f(problem: Problem, place: int) -> float:
    """Return the F of one endogenous regressor given the others (Sanderson and Windmeijer 2016, section 3).

    The instruments' joint F in a regression of x_j - x_-j delta on them, delta by two-stage least squares of x_j on
    the others, divided by L - m + 1 and not L; with the covariance of the problem.
    """
    m, L = problem.endogenous.shape[1], problem.excluded.shape[1]
    others = np.column_stack([np.delete(problem.endogenous, place, axis=1), problem.exogenous])
    Z, x = problem.Z, problem.endogenous[:, place]
    fitted = Z @ least_squares(Z, others)
    delta = least_squares(fitted, x)[: m - 1]
    left = x - np.delete(problem.endogenous, place, axis=1) @ delta
    gamma, cov = reduced_form(problem, left[:, None])
    return float(gamma[:L] @ np.linalg.solve(cov[:L, :L], gamma[:L])) / (L - m + 1)


def strength(problem: Problem) -> dict:
    """Return F, its critical value at 5 % for a bias of 10 %, and the verdict: weak or strong.

    One endogenous regressor: the effective F of Montiel Olea and Pflueger. Several: the least of Sanderson and
    Windmeijer's conditional F, against Stock and Yogo's value for L - m + 1 instruments, which is one for independent
    errors of one variance, as none is known for others.
    """
    m = problem.endogenous.shape[1]
    if m == 1:
        F, critical = effective_f(problem)
        return {"effective_f": F, "critical": critical, "verdict": "strong" if F > critical else "weak"}
    F, critical = min(conditional_f(problem, j) for j in range(m)), stock_yogo(problem.excluded.shape[1] - m + 1)
    return {"conditional_f": F, "critical": critical, "verdict": "strong" if F > critical else "weak"}


def hansen_j(problem: Problem, residuals: np.ndarray) -> float:
    """Return the least two-step objective, its moments weighted by their covariance at the 2SLS residuals.

    J is taken at the efficient estimate, not at that of 2SLS (Hansen 1982; Hayashi 2000, section 3.6).
    """
    meat = plain_meat(problem.Z * residuals[:, None], problem.layout, problem.choice)
    inverse = np.linalg.inv(meat)
    ZX, Zy = problem.Z.T @ problem.X, problem.Z.T @ problem.y
    gap = Zy - ZX @ np.linalg.solve(ZX.T @ inverse @ ZX, ZX.T @ inverse @ Zy)
    return float(gap @ inverse @ gap)


def exogeneity(problem: Problem) -> float:
    """Return the F of the first-stage residuals in the structural equation (Wooldridge 2010, section 6.3.1)."""
    Z = problem.Z
    first = problem.endogenous - Z @ least_squares(Z, problem.endogenous)
    X, m = np.column_stack([first, problem.X]), first.shape[1]
    bread = np.linalg.inv(X.T @ X)
    beta = bread @ (X.T @ problem.y)
    residuals = problem.y - X @ beta
    cov = sandwich(bread, X * residuals[:, None], problem.layout, problem.choice, 0.0, problem.absorbed)
    return float(beta[:m] @ np.linalg.solve(cov[:m, :m], beta[:m])) / m
