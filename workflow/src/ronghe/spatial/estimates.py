"""What every fitted model says of its parameters: estimates by name, errors, covariance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.linear.inference import coefficient_table, covariance_table, t_pvalue


class Estimates:
    """Named estimates with their whole covariance; the reference distribution is the normal one."""

    def __init__(self, names: Sequence[str], values: np.ndarray, covariance: np.ndarray, cov_type: str) -> None:
        """Keep the estimates, in the order of their covariance."""
        self.names, self.values, self.covariance, self.cov_type = tuple(names), values, covariance, cov_type

    @cached_property
    def params(self) -> pd.Series:
        """Estimates."""
        return pd.Series(self.values, index=pd.Index(self.names, name="term"), name="estimate")

    @cached_property
    def std_errors(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.covariance)), index=self.params.index, name="std_error")

    @cached_property
    def tstats(self) -> pd.Series:
        """Estimates over their standard errors."""
        return (self.params / self.std_errors).rename("statistic")

    @cached_property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values under the normal distribution."""
        return pd.Series(t_pvalue(self.tstats.to_numpy()), index=self.params.index, name="pvalue")

    @cached_property
    def cov(self) -> pd.DataFrame:
        """Covariance matrix of all parameters."""
        return covariance_table(self.names, self.covariance)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per term: estimate, standard error, statistic, p-value and interval."""
        return coefficient_table(self.names, self.values, self.covariance, level=level)
