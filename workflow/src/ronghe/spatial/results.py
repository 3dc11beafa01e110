"""What a fitted spatial panel gives: estimates, impacts, residuals, intervals; frozen, nothing printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.spatial.estimates import Estimates
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.impact_tables import change_table, impact_table, order_table, unit_table
from ronghe.spatial.postestimation.fixed_effects import recover
from ronghe.spatial.postestimation.prediction import predict
from ronghe.spatial.postestimation.reduced_form import ReducedForm
from ronghe.spatial.uncertainty.bootstrap import BootstrapResult, bootstrap
from ronghe.spatial.uncertainty.covariance import CovarianceChoice, covariance, few_clusters, read_choice, t_freedom
from ronghe.spatial.uncertainty.few_clusters import FewClusters
from ronghe.spatial.uncertainty.profile import profile_interval
from ronghe.threads import single_threaded
from ronghe.weights.matrix import Weights


@dataclass(frozen=True, repr=False)
class SpatialPanelResult(Estimates):
    """A fitted model; every table has the names of the regressors, "W*x", "rho", "lambda" and "sigma2".

    `notes` says what a reader must know of the numbers.

    >>> from ronghe.spatial import SpatialPanel, munnell
    >>> data, W = munnell()
    >>> result = SpatialPanel.from_formula("log(gsp) ~ log(emp) + unemp | units", data, W, model="sar").fit()
    >>> round(result.loglik, 6), result.nobs
    (1462.193289, 816)
    >>> by_t = result.with_covariance("clustered", small_sample="CR2")
    >>> result.wald_test("rho = 0")["df"], list(result.impacts().loc["unemp"].index)
    (1, ['direct', 'indirect', 'total'])
    """

    model: FittedModel
    covariance: np.ndarray
    choice: CovarianceChoice
    loglik: float
    notes: tuple[str, ...] = field(default=())

    title = "Spatial panel by maximum likelihood"

    @property
    def weights(self) -> Weights | None:
        """W of the lags."""
        return self.model.lag_weights

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self.specification.parameters

    @property
    def values(self) -> np.ndarray:
        """Estimates in the order of `names`."""
        return self.model.values

    @property
    def cov_type(self) -> str:
        """Kind of covariance."""
        return self.choice.kind

    @cached_property
    def _clusters(self) -> FewClusters | None:
        return few_clusters(self.model, self.choice, "fit")

    def reference(self, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of the variance and degrees of freedom of t for combinations g'theta (quantity, parameter)."""
        return t_freedom(self.model, self.choice, gradients, self._clusters)

    @property
    def rho(self) -> float:
        """Coefficient of W y, zero where it is not in the model."""
        return self.model.rho

    @property
    def sigma2(self) -> float:
        """Variance of the disturbance."""
        return self.model.sigma2

    @property
    def nobs(self) -> int:
        """Number of cells used; N T where none is missing."""
        return self.model.projection.n_cells(self.n_units, self.n_periods)

    @property
    def n_effective(self) -> int:
        """Observations that the likelihood counts: (N - 1)(T - 1) for Lee and Yu's two-way transformation."""
        return self.model.likelihood.nobs

    @cached_property
    def resids(self) -> pd.Series:
        """Projected residuals e = Q R (S y - X b), in the order of the rows that came in."""
        return self.model.panel.series(self.model.residuals, "residual")

    @cached_property
    def rsquared_within(self) -> float:
        """1 - e'e / (Qy)'(Qy) with the residual e before any error filter (Elhorst 2014, table 3.2)."""
        m, a = self.model.moments, self.model.residual_coefficients
        return float(1 - a @ m.plain @ a / m.plain[0, 0])

    def _squares(self) -> tuple[float, float]:
        m, a, y = self.model.moments, self.model.residual_coefficients, self.model.panel.y
        pooled = self.specification.effects == "pooled"
        total = self.nobs * y[self.panel.cells].var() if pooled else m.plain[0, 0]
        return float(a @ m.plain @ a), float(total)

    def predict(
        self, X: pd.DataFrame | None = None, method: str = "reduced_form", time_effect: float | str = "mean"
    ) -> pd.Series:
        """Return predictions for the sample or for other regressors; see `ronghe.spatial.predict`."""
        return predict(self, X, method, time_effect)

    def reduced_form(self) -> ReducedForm:
        """Return what predictions need of the model."""
        model, s = self.model, self.specification
        parts = (model.b, model.lag_weights, model.rho, model.likelihood.lag, recover(self), model.panel.periods)
        return ReducedForm(model.panel, s.names, s.durbin, *parts)

    @single_threaded
    def with_covariance(self, cov_type: str, **settings: object) -> SpatialPanelResult:
        """Return the same estimates with another covariance."""
        choice = read_choice(cov_type, "with_covariance", **settings)
        return replace(self, covariance=covariance(self.model, choice, "with_covariance"), choice=choice)

    @single_threaded
    def impacts(self, method: str = "delta", level: float = 0.95, n_draws: int = 1000, seed: int = 0) -> pd.DataFrame:
        """Return direct, indirect and total impacts, with errors, df and limits by the chosen covariance.

        `method` is delta or simulation (`n_draws` draws of the parameters).
        """
        return impact_table(self.model, self.covariance, method, level, n_draws, seed, self.reference)

    @single_threaded
    def impacts_by_order(self, n_orders: int = 5, level: float = 0.95) -> pd.DataFrame:
        """Return the impacts split by order of neighbours: 0, 1, ... n_orders - 1."""
        return order_table(self.model, self.covariance, n_orders, level, self.reference)

    @single_threaded
    def impacts_by_unit(self, level: float = 0.95) -> pd.DataFrame:
        """Return the impacts of every unit: direct, received from a change in all others, given to all others."""
        return unit_table(self.model, self.covariance, level, self.reference)

    @single_threaded
    def impact_of_change(self, variable: str, change: float | Mapping | pd.Series, level: float = 0.95) -> pd.DataFrame:
        """Return what a change of one regressor does to y in every unit.

        `change` is a number for all units, or a Series or dict by unit (others unchanged).
        """
        return change_table(self.model, self.covariance, variable, change, level, self.reference)

    @single_threaded
    def confidence_interval(self, name: str = "rho", level: float = 0.95) -> tuple[float, float]:
        """Return the profile-likelihood interval of rho or lambda."""
        return profile_interval(self.model, self.loglik, name, level)

    @single_threaded
    def bootstrap(self, method: str = "parametric", n_draws: int = 999, seed: int = 0) -> BootstrapResult:
        """Return a bootstrap of the fit; see `ronghe.spatial.uncertainty.bootstrap`."""
        return bootstrap(self.model, method, n_draws, seed)
