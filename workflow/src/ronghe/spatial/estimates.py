"""What every fitted model says of its parameters: estimates by name, errors, covariance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.linear.inference import coefficient_table, covariance_table, labels, normal, t_pvalue
from ronghe.spatial.face import Face


class Estimates(Face):
    """Named estimates with their whole covariance; t has the degrees of freedom of `reference`."""

    def __init__(self, names: Sequence[str], values: np.ndarray, covariance: np.ndarray, cov_type: str) -> None:
        """Keep the estimates, in the order of their covariance."""
        self.names, self.values, self.covariance, self.cov_type = tuple(names), values, covariance, cov_type

    def reference(self, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of the variance and degrees of freedom of t for combinations g'theta (quantity, parameter)."""
        return normal(gradients)

    @cached_property
    def _own(self) -> tuple[np.ndarray, np.ndarray]:
        return self.reference(np.eye(len(self.names)))

    @cached_property
    def params(self) -> pd.Series:
        """Estimates."""
        return pd.Series(self.values, index=labels(self.names, "term"), name="estimate")

    @cached_property
    def std_errors(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.covariance) * self._own[0]), index=self.params.index, name="std_error")

    @cached_property
    def tstats(self) -> pd.Series:
        """Estimates over their standard errors."""
        return (self.params / self.std_errors).rename("statistic")

    @cached_property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values under t with the degrees of freedom of each term."""
        return pd.Series(t_pvalue(self.tstats.to_numpy(), self._own[1]), index=self.params.index, name="pvalue")

    @cached_property
    def cov(self) -> pd.DataFrame:
        """Covariance matrix of all parameters."""
        return covariance_table(self.names, self.covariance)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per term: estimate, standard error, statistic, degrees of freedom, p-value and interval."""
        factors, df = self._own
        return coefficient_table(self.names, self.values, self.covariance, df, level, factors)

    def conf_int(self, level: float = 0.95, alpha: float | None = None) -> pd.DataFrame:
        """Return the limits of the interval of every term, those of `tidy`; statsmodels' `alpha` is 1 - `level`."""
        return self.tidy(level if alpha is None else 1 - alpha).set_index("term")[["lower", "upper"]]
