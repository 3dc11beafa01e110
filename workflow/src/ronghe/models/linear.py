"""Linear panel models without space: pooled, fixed effects, random effects and first differences."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ronghe.models import absorption, sandwich
from ronghe.models.design import Design, build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.inference import coefficient_table, covariance_table, test_table, wald_test
from ronghe.models.wild_bootstrap import wild_pvalue


@dataclass(frozen=True)
class Fit:
    """A least-squares fit of projected data: what covariances, tests and other estimators need of it."""

    coefficients: np.ndarray
    covariance: np.ndarray
    residuals: np.ndarray
    y: np.ndarray
    X: np.ndarray
    bread: np.ndarray
    df_residual: float
    df_inference: float

    @property
    def ssr(self) -> float:
        """Return the sum of squared residuals."""
        return float(self.residuals @ self.residuals)

    @property
    def rsquared(self) -> float:
        """Return the share of the projected outcome's variation that is explained."""
        return 1 - self.ssr / float(self.y @ self.y)

    @property
    def loglik(self) -> float:
        """Return the Gaussian log-likelihood at sigma2 = SSR/n, complete with its constants."""
        n = len(self.y)
        return -n / 2 * (np.log(2 * np.pi * self.ssr / n) + 1)


def least_squares(
    y: np.ndarray,
    X: np.ndarray,
    layout: sandwich.Layout,
    effects: str,
    choice: sandwich.Choice,
    names: list[str] | None = None,
) -> Fit:
    """Regress y on X after sweeping out the effects."""
    absorption.require_rows(len(y), X.shape[1], absorption.count(layout, effects), effects)
    projected = absorption.absorb(np.column_stack([y, X]), layout, effects)
    yd, Xd = projected[:, 0], projected[:, 1:]
    absorption.require_full_rank(Xd, X, names or [f"column {i}" for i in range(X.shape[1])], effects)
    bread = np.linalg.inv(Xd.T @ Xd)
    beta = bread @ (Xd.T @ yd)
    residuals = yd - Xd @ beta
    absorbed = absorption.count(layout, effects)
    df = len(y) - X.shape[1] - sum(absorbed.values())
    cov = sandwich.covariance(
        bread, Xd * residuals[:, None], layout, choice, float(residuals @ residuals) / df, absorbed
    )
    return Fit(beta, cov, residuals, yd, Xd, bread, df, sandwich.inference_df(layout, choice, df))


def fixed_effects(specification: dict, data: Data) -> Estimate:
    """Within estimator with unit, time or two-way effects; equal to linearmodels' PanelOLS, without its import time."""
    design = build(specification, data)
    effects = specification.get("effects", "twoways")
    result = report(specification, design, effects, "within")
    repetitions = int(specification.get("wild_repetitions", 0))
    if repetitions and sandwich.Choice.of(specification) == sandwich.Choice("clustered", ("units",)):
        rows = []
        for name in (t.name for t in terms_of(specification, "treatment")):
            place = design.names.index(name)
            t, p = wild_pvalue(design.y, design.X, design.layout, effects, place, repetitions, data.seed)
            note = f"{repetitions} draws of signs by unit, null imposed"
            rows.append({"test": f"wild cluster bootstrap: {name}", "statistic": t, "pvalue": p, "note": note})
        result.tests = test_table([*result.tests.to_dict("records"), *rows])
    return result


def pooled(specification: dict, data: Data) -> Estimate:
    """Least squares with one constant."""
    return report(specification, build(specification, data), "pooled", "pooled least squares")


def report(specification: dict, design: Design, effects: str, method: str) -> Estimate:
    """Fit least squares with the effects and put it in the form of the results contract."""
    choice = sandwich.Choice.of(specification)
    fit = least_squares(design.y, design.X, design.layout, effects, choice, design.names)
    return to_estimate(specification, design, fit, effects, method, choice)


def to_estimate(
    specification: dict,
    design: Design,
    fit: Fit,
    effects: str,
    method: str,
    choice: sandwich.Choice,
    names: list[str] | None = None,
) -> Estimate:
    """Label a fit: coefficients, covariance, a joint test of all regressors, and the facts."""
    names = names or design.names
    joint = wald_test(fit.coefficients, fit.covariance, np.eye(len(design.names), len(names)), fit.df_inference)
    return Estimate(
        coefficients=coefficient_table(names, fit.coefficients, fit.covariance, fit.df_inference),
        covariance=covariance_table(names, fit.covariance),
        tests=test_table([{"test": "all regressors zero", **joint}]),
        fit={
            "model": "ols",
            "effects": effects,
            "method": method,
            "cov_type": choice.label,
            "weights": None,
            **design.facts(),
            "sample": specification.get("sample_name", "all"),
            "loglik": fit.loglik,
            "rsquared_within": fit.rsquared,
            "sigma2": fit.ssr / fit.df_residual,
            "df_residual": fit.df_residual,
            "df_inference": fit.df_inference,
        },
    )


def first_differences(specification: dict, data: Data) -> Estimate:
    """Least squares on changes from one period to the next; with two-way effects the periods are swept out."""
    design = build(specification, data)
    units, times = design.layout.units, design.layout.times
    follows = (units[1:] == units[:-1]) & (times[1:] == times[:-1] + 1)
    rows = np.flatnonzero(follows) + 1
    changes = np.column_stack([design.y, design.X])[rows] - np.column_stack([design.y, design.X])[rows - 1]
    _, periods = np.unique(times[rows], return_inverse=True)
    layout = sandwich.Layout(units[rows], periods, design.layout.coordinates)
    effects = specification.get("effects", "twoways")
    choice = sandwich.Choice.of(specification)
    swept = "time" if effects == "twoways" else "pooled"
    fit = least_squares(changes[:, 0], changes[:, 1:], layout, swept, choice, design.names)
    result = to_estimate(specification, design, fit, effects, "first differences", choice)
    result.fit["nobs"] = len(rows)
    return result


def random_effects(specification: dict, data: Data) -> Estimate:
    """Feasible GLS with random unit effects (Swamy and Arora 1972), and the regression form of Hausman's test.

    The test adds the unit means of the regressors (Mundlak 1978) and asks whether they matter, with the chosen
    covariance: it cannot be negative, and is valid with clustered errors (Wooldridge 2010, section 10.7.3). Period
    dummies join the regressors when effects are two-way.
    """
    design = build(specification, data)
    layout, k = design.layout, len(design.names)
    choice = sandwich.Choice.of(specification)
    dummies = np.eye(layout.n_periods)[layout.times][:, 1:]
    two_way = specification.get("effects", "units") == "twoways"
    X = np.column_stack([design.X, np.ones(len(design.y)), dummies if two_way else dummies[:, :0]])
    centred = absorption.absorb(design.X, layout, "time" if two_way else "pooled")
    absorption.require_full_rank(centred, design.X, design.names, "period" if two_way else "no")
    theta, components = _swamy_arora(design.y, X, layout)
    means = X[:, :k] - absorption.absorb(X[:, :k], layout, "units")
    keep = np.ptp(means, axis=0) > 0
    plain = _quasi_demeaned(design.y, X, layout, theta, choice)
    # Mundlak's means sit beside the regressors; those of the period dummies are constants in a balanced panel.
    augmented = _quasi_demeaned(design.y, np.column_stack([means[:, keep], X]), layout, theta, choice)
    names = [*design.names, "const"]
    tests = [
        {
            "test": "Hausman, regression form",
            **wald_test(augmented.coefficients, augmented.covariance, np.eye(keep.sum(), X.shape[1] + keep.sum())),
            "note": "unit means of the regressors are zero; chi-squared",
        }
    ]
    shown = first_coefficients(plain, k + 1)
    result = to_estimate(specification, design, shown, "random units", "feasible GLS", choice, names)
    result.tests = test_table([*result.tests.to_dict("records"), *tests])
    result.fit.update({"loglik": None, "period_dummies": two_way, **components})
    return result


def _swamy_arora(y: np.ndarray, X: np.ndarray, layout: sandwich.Layout) -> tuple[np.ndarray, dict[str, float]]:
    """Return theta by unit and the variance components (Baltagi 2021, section 2.4.1; unbalanced by harmonic mean)."""
    size = np.bincount(layout.units)
    within = absorption.absorb(np.column_stack([y, X]), layout, "units")
    yd, Xd = within[:, 0], within[:, 1:]
    varies = np.abs(Xd).max(axis=0) > 1e-9 * np.maximum(np.abs(X).max(axis=0), 1e-300)
    Xd = Xd[:, varies]
    e = yd - Xd @ np.linalg.lstsq(Xd, yd, rcond=None)[0]
    sigma2_e = float(e @ e) / (len(y) - len(size) - Xd.shape[1])
    means = sandwich.group_sums(np.column_stack([y, X]), layout.units) / size[:, None]
    rank = np.linalg.matrix_rank(means[:, 1:])
    u = means[:, 0] - means[:, 1:] @ np.linalg.lstsq(means[:, 1:], means[:, 0], rcond=None)[0]
    harmonic = len(size) / np.sum(1 / size)
    sigma2_u = max(float(u @ u) / (len(size) - rank) - sigma2_e / harmonic, 0.0)
    theta = 1 - np.sqrt(sigma2_e / (sigma2_e + size * sigma2_u))
    return theta, {"sigma2_units": sigma2_u, "sigma2_residual": sigma2_e, "theta": float(theta.mean())}


def _quasi_demeaned(
    y: np.ndarray, X: np.ndarray, layout: sandwich.Layout, theta: np.ndarray, choice: sandwich.Choice
) -> Fit:
    """Regress y - theta ybar on X - theta Xbar; the constant is among the columns of X."""
    both = np.column_stack([y, X])
    size = np.bincount(layout.units)[:, None]
    means = (sandwich.group_sums(both, layout.units) / size)[layout.units]
    both = both - theta[layout.units][:, None] * means
    yd, Xd = both[:, 0], both[:, 1:]
    bread = np.linalg.inv(Xd.T @ Xd)
    beta = bread @ (Xd.T @ yd)
    residuals = yd - Xd @ beta
    df = len(y) - X.shape[1]
    cov = sandwich.covariance(bread, Xd * residuals[:, None], layout, choice, float(residuals @ residuals) / df, {})
    centred = yd - yd.mean()
    return Fit(beta, cov, residuals, centred, Xd, bread, df, sandwich.inference_df(layout, choice, df))


def first_coefficients(fit: Fit, k: int) -> Fit:
    """Keep the first k coefficients of a fit."""
    return replace(fit, coefficients=fit.coefficients[:k], covariance=fit.covariance[:k, :k])
