"""Mediation: how much of what the treatment does runs through another variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.bootstrap import CrossProducts, studentised_interval, studentised_pvalue, unit_draws
from ronghe.linear.inference import coefficient_table, covariance_table, test_table
from ronghe.linear.joint_covariance import covariance_between_fits
from ronghe.linear.layout import Layout
from ronghe.linear.panel_models import fit_panel
from ronghe.models.design.design import build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, covariance_facts, facts

PATHS = ["total", "treatment_to_mediator", "mediator_to_outcome", "direct"]


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit the three regressions of Baron and Kenny (1986), and the indirect path a b with its bootstrap interval.

    Total: y on x. First step: m on x (a). Third: y on x (direct) and m (b). The first two alone are the two-step
    procedure of Jiang (2022), which rests the link from m to y on theory. With the same rows and controls throughout,
    total = direct + a b exactly. Units are resampled whole, so the interval allows for dependence within units; it
    assumes that nothing left out moves both m and y. Every path has one interval, the bootstrap-t, and the p-value that
    is its inversion; the delta method's (Sobel 1982) is a test of its own.
    """
    design = build(specification, data, extra=("mediator",))
    treatment = [t.name for t in terms_of(specification, "treatment")]
    m_name = terms_of(specification, "mediator")[0].name
    if m_name in design.names:
        raise RongheError(f"the mediator '{m_name}' is among the controls; leave it out of them")
    names = [*treatment, *(n for n in design.names if n not in treatment)]
    X, m = design.columns(names), design.columns([m_name])[:, 0]
    effects, choice = specification["effects"], choice_of(specification)
    layout = design.layout
    total = fit_panel(design.y, X, layout, effects, choice, names)
    first = fit_panel(m, X, layout, effects, choice, names)
    third = fit_panel(design.y, np.column_stack([m, X]), layout, effects, choice, [m_name, *names])
    estimates = np.array([f.coefficients[0] for f in (total, first, third)] + [third.coefficients[1]])
    cov = covariance_between_fits([total, first, third], [layout] * 3, choice, [[0], [0], [0, 1]])
    _, a, b, _ = estimates
    J = np.vstack([np.eye(4), [0, b, a, 0]])
    values, cov = np.append(estimates, a * b), J @ cov @ J.T
    repetitions = specification["repetitions"]
    draws = _draws(design.y, m, X, layout, effects, repetitions, data.seed)
    sobel = coefficient_table([*PATHS, "indirect"], values, cov, third.df_inference)
    coefficients = _inverted(sobel, draws)
    paths = _paths(coefficients, design.outcome, treatment[0], m_name)
    return Estimate(
        coefficients=coefficients,
        covariance=covariance_table([*PATHS, "indirect"], cov),
        tests=test_table(_tests(sobel.iloc[4], coefficients.iloc[4])),
        fit=facts(
            specification,
            "within_paths",
            design.facts(),
            covariance=covariance_facts(specification),
            treatment=treatment[0],
            mediator=m_name,
            rsquared_within=third.rsquared,
            sigma2=third.ssr / third.df_residual,
            df_inference=third.df_inference,
            interval="bootstrap_t",
            repetitions=repetitions,
        ),
        tables={"paths": paths},
        libraries=("linearmodels",),
    )


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws of total, a, b, direct and a b (columns), with their errors."""

    values: np.ndarray
    errors: np.ndarray


def _draws(
    y: np.ndarray, m: np.ndarray, X: np.ndarray, layout: Layout, effects: str, repetitions: int, seed: int
) -> Draws:
    """Refit the three regressions on resamples of whole units."""
    k = X.shape[1]
    products = CrossProducts(np.column_stack([y, m, X]), layout, effects)
    regressors = list(range(2, 2 + k))
    units = unit_draws(layout.n_units, repetitions, seed)
    total, total_errors = products.regress_with_errors(0, regressors, units)
    first, first_errors = products.regress_with_errors(1, regressors, units)
    third, third_errors = products.regress_with_errors(0, [1, *regressors], units)
    a, b = first[:, 0], third[:, 0]
    indirect = np.hypot(a * third_errors[:, 0], b * first_errors[:, 0])
    errors = [total_errors[:, 0], first_errors[:, 0], third_errors[:, 0], third_errors[:, 1], indirect]
    return Draws(np.column_stack([total[:, 0], a, b, third[:, 1], a * b]), np.column_stack(errors))


def _inverted(table: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Return the estimates with bootstrap-t intervals and the p-values that agree with them; these have no df.

    With 30 units the interval of the indirect path does not reach its 95 %: in simulation it covered 92 %, the
    percentile interval 90 %; with 100 units 95 and 94 %.
    """
    table = table.assign(df=np.nan)
    for i, row in table.iterrows():
        held = draws.values[:, i], draws.errors[:, i], row["estimate"], row["std_error"]
        table.loc[i, ["lower", "upper"]] = studentised_interval(*held)
        table.loc[i, "pvalue"] = studentised_pvalue(*held)
    return table


def _paths(coefficients: pd.DataFrame, y: str, x: str, m: str) -> pd.DataFrame:
    """Return each path with its ends, error, interval and p-value.

    The share mediated has no bounded error, hence no interval; it means little where the total is near zero.
    """
    ends = {"treatment_to_mediator": (x, m), "mediator_to_outcome": (m, y)}
    columns = ["estimate", "std_error", "lower", "upper", "pvalue"]
    rows = [(r["term"], *ends.get(r["term"], (x, y)), *r[columns]) for _, r in coefficients.iterrows()]
    estimate = coefficients["estimate"].iloc[4] / coefficients["estimate"].iloc[0]
    rows.append(("share_mediated", x, y, estimate, *[np.nan] * 4))
    return pd.DataFrame(rows, columns=["path", "from", "to", *columns])


def _tests(sobel: pd.Series, indirect: pd.Series) -> list[dict]:
    """Return Sobel's test and the bootstrap's answer to whether the indirect path is zero."""
    statistic, interval = sobel["statistic"], f"95 % interval [{indirect['lower']:.6g}, {indirect['upper']:.6g}]"
    return [
        {"test": "Sobel", "statistic": statistic, "df": 1, "pvalue": sobel["pvalue"], "note": "delta method"},
        {
            "test": "indirect path",
            "statistic": statistic,
            "pvalue": indirect["pvalue"],
            "note": f"bootstrap-t; {interval}",
        },
    ]
