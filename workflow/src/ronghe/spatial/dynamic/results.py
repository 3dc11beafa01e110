"""What a fitted dynamic spatial panel gives: estimates, stability, effects at once, later and in the long run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.inference import chi2_pvalue, t_pvalue
from ronghe.spatial.labelled import EFFECTS, Labelled, impact_table, multiplier_means
from ronghe.spatial.log_determinant.exact import EigenLogDeterminant

if TYPE_CHECKING:
    from ronghe.spatial.dynamic.panel import DynamicPanel

HORIZONS = ("short", "long")


class DynamicResults(Labelled):
    """A fitted dynamic SAR or SDM; `uncorrected` holds the quasi-maximum likelihood estimates themselves."""

    def __init__(
        self,
        model: DynamicPanel,
        theta: np.ndarray,
        covariance: np.ndarray,
        uncorrected: np.ndarray,
        loglik: float,
        residuals: np.ndarray,
        cov_type: str,
        unit_roots: int,
    ) -> None:
        """Keep the estimates and the model that they belong to."""
        super().__init__((*model.terms, "rho", "sigma2"), theta, covariance, cov_type)
        self.model, self.loglik, self.unit_roots_removed = model, loglik, unit_roots
        self.uncorrected = pd.Series(uncorrected, index=self.params.index, name="estimate")
        self.residual_array = residuals
        n_units, n_periods = model.size
        self.nobs = n_units * n_periods

    @property
    def resids(self) -> pd.Series:
        """Residuals off the fixed effects, from the second period on."""
        panel = self.model.panel
        index = pd.MultiIndex.from_product([panel.units, panel.periods[1:]], names=panel.index.names)
        return pd.Series(self.residual_array.reshape(-1), index=index, name="residual")

    @cached_property
    def roots(self) -> np.ndarray:
        """Roots (phi + psi w) / (1 - rho w) of the process at the eigenvalues w of W: all, or the ends for large W."""
        phi, psi = self.model.persistence(self.params.to_numpy())
        rho = self.params["rho"]
        log_determinant = self.model.log_determinant
        if isinstance(log_determinant, EigenLogDeterminant):
            omega = log_determinant.eigenvalues
        else:
            omega = 1 / np.array(log_determinant.bounds)
        if self.model.transforms_units:
            # The root at w = 1 belongs to the time effects, which are out.
            omega = np.delete(omega, np.argmin(np.abs(omega - 1)))
        return (phi + psi * omega) / (1 - rho * omega)

    @property
    def largest_root(self) -> float:
        """Largest modulus of the roots: below one, the process is stable (Elhorst 2014, section 4.3)."""
        return float(np.abs(self.roots).max())

    @property
    def is_stable(self) -> bool:
        """Whether all roots lie inside the unit circle."""
        return self.largest_root < 1

    def stability_test(self) -> dict:
        """Return the Wald test of phi + psi + rho = 1 (a unit root at w = 1; Yu, de Jong and Lee 2012, section 4)."""
        weights = np.zeros(len(self.params))
        weights[: len(self.model.lags)] = 1
        weights[-2] = 1
        total = float(weights @ self.params)
        error = float(np.sqrt(weights @ self.cov.to_numpy() @ weights))
        statistic = (total - 1) / error
        note = f"phi + psi + rho = {total:.4f} ({error:.4f}), largest root {self.largest_root:.4f}: "
        note += "stable" if self.is_stable else "not stable"
        return {
            "test": "stability",
            "statistic": statistic**2,
            "df": 1,
            "pvalue": float(t_pvalue(statistic)),
            "note": note,
        }

    def separability_test(self) -> dict:
        """Return the Wald test of psi = -phi rho: space and time act apart (Elhorst 2014, section 4.6)."""
        if len(self.model.lags) < 2:
            raise RongheError("the separability test needs both y_(t-1) and W y_(t-1) in the model")
        phi, psi, rho = self.params.iloc[0], self.params.iloc[1], self.params["rho"]
        gradient = np.zeros(len(self.params))
        gradient[[0, 1, -2]] = rho, 1, phi
        statistic = (psi + phi * rho) ** 2 / float(gradient @ self.cov.to_numpy() @ gradient)
        return {"test": "separability", "statistic": statistic, "df": 1, "pvalue": chi2_pvalue(statistic, 1)}

    def impacts(self, horizon: str = "short", level: float = 0.95) -> pd.DataFrame:
        """Return direct, indirect and total effects with delta-method errors (Elhorst 2014, eq. 4.11 and 4.12).

        short: S^-1 (beta I + theta W), S = I - rho W; long: [(1 - phi) I - (rho + psi) W]^-1 (beta I + theta W).
        """
        require_known(horizon, HORIZONS, "horizon", "impacts")
        if horizon == "long" and not self.is_stable:
            raise RongheError(f"the process is not stable (largest root {self.largest_root:.4f}): no long-run effects")
        theta = self.params.to_numpy()
        phi, psi = self.model.persistence(theta) if horizon == "long" else (0.0, 0.0)
        rho = theta[-2]
        variables = self.model.panel.names
        # With D = (1 - phi) I - c W and a = c / (1 - phi), both effects are functions of the traces at a.
        c, scale = rho + psi, 1 / (1 - phi)
        diagonal, row_sum = multiplier_means(self.model.weights, c * scale)
        estimates, rows = [], []
        for name in variables:
            own = self.names.index(name)
            lag = self.names.index(f"W*{name}") if name in self.model.durbin else None
            pair = np.array([theta[own], theta[lag] if lag is not None else 0.0])
            values, slopes = {}, {}
            for effect, (m, dm) in {"direct": diagonal, "total": row_sum}.items():
                values[effect] = scale * pair @ m
                gradient = np.zeros(len(theta))
                gradient[own] = scale * m[0]
                if lag is not None:
                    gradient[lag] = scale * m[1]
                by_a = scale * pair @ dm
                gradient[-2] = by_a * scale
                if horizon == "long":
                    if self.model.space_time_lag:
                        gradient[int(self.model.time_lag)] = by_a * scale
                    if self.model.time_lag:
                        gradient[0] = scale * values[effect] + by_a * c * scale**2
                slopes[effect] = gradient
            estimates += [values["direct"], values["total"] - values["direct"], values["total"]]
            rows += [slopes["direct"], slopes["total"] - slopes["direct"], slopes["total"]]
        J = np.array(rows)
        return impact_table(variables, EFFECTS, np.array(estimates), J @ self.cov.to_numpy() @ J.T, level)

    def cumulative_impacts(self, n_periods: int = 20) -> pd.DataFrame:
        """Return effects of a permanent change in x after 0, 1, ... periods: sums of A^h S^-1 (beta I + theta W)."""
        theta = self.params.to_numpy()
        phi, psi = self.model.persistence(theta)
        W = self.model.weights.sparse
        log_determinant, rho = self.model.log_determinant, theta[-2]
        if not log_determinant.has_small_inverse:
            raise RongheError("effects by horizon need the inverse of I - rho W, which is not formed at this size")
        inverse = log_determinant.inverse(rho)
        A = inverse @ (phi * np.eye(len(inverse)) + psi * W.toarray())
        power, total, rows = inverse, np.zeros_like(inverse), []
        n = len(inverse)
        for h in range(n_periods + 1):
            total = total + power
            lagged = total @ W
            for name in self.model.panel.names:
                beta = self.params[name]
                lag = self.params.get(f"W*{name}", 0.0)
                direct = (beta * np.trace(total) + lag * np.trace(lagged)) / n
                whole = (beta * total.sum() + lag * lagged.sum()) / n
                rows += [(name, h, "direct", direct), (name, h, "indirect", whole - direct), (name, h, "total", whole)]
            power = A @ power
        return pd.DataFrame(rows, columns=["variable", "horizon", "effect", "estimate"])
