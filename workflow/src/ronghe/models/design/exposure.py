"""What a shift-share estimate rests on: its shocks, the errors that they allow, and the balance of the exposed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ronghe.linear.covariance import Choice
from ronghe.linear.inference import t_pvalue
from ronghe.linear.instrument_tests import first_stage
from ronghe.linear.layout import Layout
from ronghe.linear.two_stage import Problem, exposure_robust, fitted_regressors, project
from ronghe.models.design.design import Design
from ronghe.models.design.shift_share import exposure
from ronghe.models.estimate import Data
from ronghe.models.terms import Term

SHOCKS = ["instrument", "sector", "mean_share", "growth", "share_of_score"]
ERRORS = ["shocks", "clusters", "effective_shocks", "estimate", "std_error", "lower", "upper"]
ERRORS += ["null_lower", "null_upper"]
BALANCE = ["characteristic", "estimate", "std_error", "pvalue", "n"]
LEVEL = 0.95


def tables(design: Design, data: Data, terms: list[Term], problem: Problem) -> dict[str, pd.DataFrame]:
    """Return `shocks`, `exposure_errors` and `balance` of shift-share instruments; empty where an instrument is none.

    Errors are clustered by sector and year and by sector, whose growth is correlated over years (Borusyak, Hull and
    Jaravel 2022, section 4.2). The interval takes t with one degree of freedom less than clusters; the set under the
    null takes the normal law, because its statistic cannot pass the root of the number of clusters.
    """
    known = [term for term in terms if term.operation == "shift_share"]
    if len(known) < len(terms) or problem.endogenous.shape[1] != 1:
        return {"shocks": pd.DataFrame(columns=SHOCKS), "exposure_errors": pd.DataFrame(columns=ERRORS),
                "balance": pd.DataFrame(columns=BALANCE)}  # fmt: skip
    shares, shocks = exposure(data, known, design.index)
    sectors = (shocks["instrument"] + ": " + shocks["sector"]).to_numpy()
    rows = []
    for name, clusters in (("sector and year", np.arange(len(shocks))), ("sector", sectors)):
        found = exposure_robust(problem, shares, clusters)
        ends = found.interval(float(stdtrit(max(found.n_clusters - 1, 1), (1 + LEVEL) / 2)))
        null = found.set_under_the_null(float(-stdtrit(np.inf, (1 - LEVEL) / 2)))
        rows.append((name, found.n_clusters, found.effective_shocks, found.coefficient, found.std_error, *ends, *null))
    return {
        "shocks": _shocks(shares, shocks, problem),
        "exposure_errors": pd.DataFrame(rows, columns=ERRORS),
        "balance": _balance(design, problem),
    }


def _shocks(shares: np.ndarray, shocks: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Return for every sector its mean share, its growth to the last year, and its part of the first stage."""
    fitted = fitted_regressors(problem)[:, 0]
    weights = np.linalg.lstsq(shares, fitted, rcond=None)[0] * (shares.T @ problem.endogenous[:, 0])
    frame = shocks.assign(mean_share=shares.sum(axis=0), part=weights / weights.sum())
    by_sector = frame.groupby(["instrument", "sector"], sort=False)
    return pd.DataFrame(
        {
            "mean_share": by_sector["mean_share"].sum() / len(fitted),
            "growth": by_sector["shock"].last(),
            "share_of_score": by_sector["part"].sum(),
        }
    ).reset_index()[SHOCKS]


def _balance(design: Design, problem: Problem) -> pd.DataFrame:
    """Return what regions with a larger predicted change of the treatment were like in the first year.

    Each characteristic, the outcome among them, is regressed on the change that the instruments predict between the
    first and the last year, both in standard deviations over regions, with heteroskedasticity-robust errors.
    """
    weights = first_stage(problem)[0][:, 0]
    predicted = pd.Series(problem.excluded @ weights, index=design.index).unstack(1)
    change = predicted.iloc[:, -1] - predicted.iloc[:, 0]
    first = design.frame.xs(predicted.columns[0], level=1)
    rows = []
    for name in (design.outcome, *design.names):
        y, x = ((column - column.mean()) / column.std() for column in (first[name], change))
        layout = Layout(np.arange(len(y)), np.zeros(len(y), dtype=int))
        raw = x.to_numpy()[:, None]
        one = project(y.to_numpy(), np.hstack([raw, raw]), (["x"], [], ["z"]), layout, "pooled", Choice("robust"))
        found = exposure_robust(one, np.eye(len(y)))
        error = found.std_error * np.sqrt(len(y) / (len(y) - 2))
        p = float(t_pvalue(np.array([found.coefficient / error]), len(y) - 2)[0])
        rows.append((name, found.coefficient, error, p, len(y)))
    return pd.DataFrame(rows, columns=BALANCE)
