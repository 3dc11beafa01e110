"""What every fitted model of this stage says of its parameters: labelled estimates, errors, covariance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ronghe.linear.inference import coefficient_table, t_pvalue
from ronghe.spatial.equation import CONSTANT, Specification
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.log_determinant.traces import filter_traces
from ronghe.weights import Weights

EFFECTS = ("direct", "indirect", "total")


class Labelled:
    """Named estimates with their whole covariance; normal reference distribution."""

    def __init__(self, names: Sequence[str], estimates: np.ndarray, covariance: np.ndarray, cov_type: str) -> None:
        """Label the estimates and their covariance."""
        self.names = tuple(names)
        self.cov_type = cov_type
        self.params = pd.Series(estimates, index=pd.Index(self.names, name="term"), name="estimate")
        self.cov = pd.DataFrame(covariance, index=self.params.index, columns=list(self.names))

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self.params.index, name="std_error")

    @property
    def tstats(self) -> pd.Series:
        """Estimates over their standard errors."""
        return (self.params / self.std_errors).rename("statistic")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values under the normal distribution."""
        return pd.Series(t_pvalue(self.tstats.to_numpy()), index=self.params.index, name="pvalue")

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per term: estimate, standard error, statistic, p-value and interval."""
        return coefficient_table(self.names, self.params.to_numpy(), self.cov.to_numpy(), level=level)


def impact_table(
    variables: Sequence[str], effects: Sequence[str], estimates: np.ndarray, covariance: np.ndarray, level: float = 0.95
) -> pd.DataFrame:
    """Return effects, one row per (variable, effect), from estimates laid out variable by variable."""
    index = pd.MultiIndex.from_product([list(variables), list(effects)], names=["variable", "effect"])
    table = coefficient_table(list(range(len(index))), estimates, covariance, level=level).drop(columns="term")
    return table.set_index(index)


def average_impacts(
    result: Labelled, specification: Specification, weights: Weights, level: float = 0.95
) -> pd.DataFrame:
    """Return direct, indirect and total effects of every regressor, errors by the delta method.

    LeSage and Pace (2009, eq. 2.46-2.48): mean diagonal and mean row sum of S^-1 (beta I + theta W), S = I - rho W.
    """
    rho = float(result.params.get("rho", 0.0))
    diagonal, row_sum = multiplier_means(weights, rho)
    variables = [name for name in specification.names if name != CONSTANT]
    names = list(result.names)
    estimates, rows = [], []
    for name in variables:
        own = names.index(name)
        lag = names.index(f"W*{name}") if name in specification.durbin else None
        pair = np.array([result.params.iloc[own], result.params.iloc[lag] if lag is not None else 0.0])
        gradients, values = [], []
        for means, slopes in (diagonal, row_sum):
            gradient = np.zeros(len(names))
            gradient[own] = means[0]
            if lag is not None:
                gradient[lag] = means[1]
            if specification.has_lag:
                gradient[names.index("rho")] = pair @ slopes
            values.append(pair @ means)
            gradients.append(gradient)
        estimates += [values[0], values[1] - values[0], values[1]]
        rows += [gradients[0], gradients[1] - gradients[0], gradients[1]]
    J = np.array(rows)
    return impact_table(variables, EFFECTS, np.array(estimates), J @ result.cov.to_numpy() @ J.T, level)


def multiplier_means(weights: Weights, a: float) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return mean diagonal and mean row sum of (R, R W), R = (I - a W)^-1, each with its derivative by a.

    tr R = N + a tr G and d tr G / da = tr G^2 for G = W R; d R / da = R W R.
    """
    n, W, ln_det = weights.n, weights.sparse, log_determinant(weights)
    traces = filter_traces(ln_det, a)
    g, gg = traces.g, traces.gg
    ones = np.ones(n)
    R1, RW1 = ln_det.solve(a, ones), ln_det.solve(a, W @ ones)
    RWR1, RWRW1 = ln_det.solve(a, W @ R1), ln_det.solve(a, W @ RW1)
    diagonal = (np.array([n + a * g, g]) / n, np.array([g + a * gg, gg]) / n)
    return diagonal, (np.array([R1.mean(), RW1.mean()]), np.array([RWR1.mean(), RWRW1.mean()]))
