"""Results of a spatial panel model: frozen, labelled, nothing printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from ronghe.errors import require_known
from ronghe.models.effects import EFFECT_NAMES, average_effects, delta_errors
from ronghe.models.fitted import FittedModel

COLUMNS = ["estimate", "std_error", "statistic", "pvalue", "lower", "upper"]


def inference(values: np.ndarray, errors: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return the columns estimate, std_error, statistic, pvalue, lower, upper with normal quantiles."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = values / errors
    half = ndtri(0.5 + level / 2) * errors
    return np.column_stack([values, errors, statistic, 2 * ndtr(-np.abs(statistic)), values - half, values + half])


@dataclass(frozen=True, repr=False)
class SpatialPanelResult:
    """A fitted model; every table is labelled by the names of the regressors, "W*x", "rho", "lambda" and "sigma2"."""

    estimate: FittedModel
    covariance: np.ndarray
    cov_type: str
    loglik: float
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """Say what was fitted in one line."""
        s = self.specification
        return f"SpatialPanelResult({s.model}, effects={s.effects}, method={s.method}, loglik={self.loglik:.6f})"

    @property
    def specification(self) -> object:
        """What was fitted."""
        return self.estimate.specification

    @cached_property
    def params(self) -> pd.Series:
        """Estimates."""
        return pd.Series(self.estimate.values, index=list(self.specification.parameters), name="estimate")

    @cached_property
    def std_errors(self) -> pd.Series:
        """Standard errors."""
        errors = np.sqrt(np.diag(self.covariance))
        return pd.Series(errors, index=list(self.specification.parameters), name="std_error")

    @cached_property
    def tstats(self) -> pd.Series:
        """Estimates over standard errors."""
        return (self.params / self.std_errors).rename("statistic")

    @cached_property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values from the normal distribution."""
        return pd.Series(2 * ndtr(-np.abs(self.tstats.to_numpy())), index=self.params.index, name="pvalue")

    @cached_property
    def cov(self) -> pd.DataFrame:
        """Covariance matrix of all parameters."""
        names = list(self.specification.parameters)
        return pd.DataFrame(self.covariance, index=names, columns=names)

    @property
    def rho(self) -> float:
        """Coefficient of W y, zero where it is not in the model."""
        return self.estimate.rho

    @property
    def sigma2(self) -> float:
        """Variance of the disturbance."""
        return self.estimate.sigma2

    @property
    def nobs(self) -> int:
        """Number of rows, N T."""
        return self.estimate.panel.y.size

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.estimate.panel.n_units

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return self.estimate.panel.n_periods

    @property
    def n_effective(self) -> int:
        """Observations that the likelihood counts: (N - 1)(T - 1) for Lee and Yu's two-way transformation."""
        return self.estimate.likelihood.nobs

    @cached_property
    def resids(self) -> pd.Series:
        """Projected residuals e = Q R (S y - X b), in the order of the rows that came in."""
        return self.estimate.panel.series(self.estimate.residuals, "residual")

    @cached_property
    def rsquared_within(self) -> float:
        """1 - e'e / (Qy)'(Qy) with the residual e before any error filter (Elhorst 2014, table 3.2)."""
        m, a = self.estimate.moments, self.estimate.weights
        return float(1 - a @ m.plain @ a / m.plain[0, 0])

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per term."""
        table = inference(self.estimate.values, np.sqrt(np.diag(self.covariance)), level)
        frame = pd.DataFrame(table, columns=COLUMNS)
        frame.insert(0, "term", list(self.specification.parameters))
        return frame

    def impacts(self, method: str = "delta", level: float = 0.95) -> pd.DataFrame:
        """Return direct, indirect and total effects with standard errors from the chosen covariance."""
        require_known(method, ["delta"], "method", "impacts")
        variables, effects, jacobian = average_effects(self.estimate)
        table = inference(effects.ravel(), delta_errors(jacobian, self.covariance).ravel(), level)
        index = pd.MultiIndex.from_product([variables, EFFECT_NAMES], names=["variable", "effect"])
        return pd.DataFrame(table, index=index, columns=COLUMNS)
