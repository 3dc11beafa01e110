"""What a fitted dynamic spatial panel gives: estimates, stability, impacts at once, later and in the long run."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.inference import chi2_pvalue, t_pvalue
from ronghe.spatial.dynamic.process import Process
from ronghe.spatial.estimates import Estimates
from ronghe.spatial.impact_tables import average_index, delta_table
from ronghe.spatial.impacts import average_multipliers, combine, regressor_places
from ronghe.spatial.postestimation.reduced_form import ReducedForm, split, structural_part
from ronghe.spatial.sufficient_statistics import lag

HORIZONS = ("short", "long")


class DynamicResults(Estimates):
    """A fitted dynamic SAR or SDM; `uncorrected` holds the quasi-maximum likelihood estimates themselves."""

    def __init__(
        self,
        process: Process,
        theta: np.ndarray,
        covariance: np.ndarray,
        uncorrected: np.ndarray,
        loglik: float,
        cov_type: str,
        unit_roots: int,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Keep the estimates and the process that they belong to."""
        super().__init__((*process.terms, "rho", "sigma2"), theta, covariance, cov_type)
        self.process, self.loglik, self.unit_roots_removed, self.notes = process, loglik, unit_roots, notes
        self.uncorrected = pd.Series(uncorrected, index=self.params.index, name="estimate")
        self.residual_array = process.residuals(theta)
        n_units, n_periods = process.size
        self.nobs = n_units * n_periods

    title = "Dynamic spatial panel by quasi-maximum likelihood"

    @property
    def model(self) -> Process:
        """The process that the estimates belong to."""
        return self.process

    @property
    def resids(self) -> pd.Series:
        """Residuals off the fixed effects, from the second period on."""
        panel = self.process.panel
        index = pd.MultiIndex.from_product([panel.units, panel.periods[1:]], names=panel.index.names)
        return pd.Series(self.residual_array.reshape(-1), index=index, name="residual")

    @cached_property
    def roots(self) -> np.ndarray:
        """Roots (phi + psi w) / (1 - rho w) of the process at the eigenvalues w of W: all, or the ends for large W."""
        return self.process.roots(self.values)

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
        summed = np.zeros(len(self.values))
        summed[: len(self.process.lags)] = 1
        summed[-2] = 1
        total = float(summed @ self.values)
        error = float(np.sqrt(summed @ self.covariance @ summed))
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
        if len(self.process.lags) < 2:
            raise RongheError("the separability test needs both y_(t-1) and W y_(t-1) in the model")
        phi, psi, rho = self.params.iloc[0], self.params.iloc[1], self.params["rho"]
        gradient = np.zeros(len(self.params))
        gradient[[0, 1, -2]] = rho, 1, phi
        statistic = (psi + phi * rho) ** 2 / float(gradient @ self.covariance @ gradient)
        return {"test": "separability", "statistic": statistic, "df": 1, "pvalue": chi2_pvalue(statistic, 1)}

    def summary_impacts(self, level: float) -> dict[str, pd.DataFrame]:
        """Return short-run impacts, and those in the long run if the process is stable."""
        horizons = HORIZONS if self.is_stable else HORIZONS[:1]
        return {f"Impacts, {horizon} run": self.impacts(horizon, level) for horizon in horizons}

    def summary_tests(self) -> pd.DataFrame:
        """Return the tests of stability and of separability, and what the Durbin model reduces to."""
        tests = [self.stability_test(), *([self.separability_test()] if len(self.process.lags) == 2 else [])]
        own = pd.DataFrame(tests).set_index("test")[["statistic", "df", "pvalue"]]
        return pd.concat([super().summary_tests(), own])

    def _squares(self) -> tuple[float, float]:
        return float((self.residual_array**2).sum()), float((self.process.moments.data[..., 0] ** 2).sum())

    def reduced_form(self) -> ReducedForm:
        """Return what predictions need: y of the period before is observed in the sample, and predicted beyond it."""
        process, theta = self.process, self.values
        panel, s, W = process.panel, process.specification, process.weights
        persistence, b = process.persistence(theta), theta[len(process.lags) : -2]
        before, now = panel.y[:, :-1], panel.y[:, 1:]
        rest = now - theta[-2] * lag(W.sparse, now) - persistence[0] * before - persistence[1] * lag(W.sparse, before)
        rest = rest - structural_part(panel.X[:, 1:], s.names, s.durbin, b, W)
        effects = split(rest, process.projection)
        lagged = (W, theta[-2], process.log_determinant, effects, panel.periods[1:], persistence)
        return ReducedForm(panel, s.names, s.durbin, b, *lagged)

    def impacts(self, horizon: str = "short", level: float = 0.95) -> pd.DataFrame:
        """Return direct, indirect and total impacts with delta-method errors (Elhorst 2014, eq. 4.11 and 4.12).

        short: S^-1 (beta I + theta W), S = I - rho W; long: [(1 - phi) I - (rho + psi) W]^-1 (beta I + theta W).
        """
        require_known(horizon, HORIZONS, "horizon", "impacts")
        if horizon == "long" and not self.is_stable:
            raise RongheError(f"the process is not stable (largest root {self.largest_root:.4f}): no long-run impacts")
        process, theta = self.process, self.values
        phi, psi = process.persistence(theta) if horizon == "long" else (0.0, 0.0)
        # With D = (1 - phi) I - c W and a = c / (1 - phi), both are those of (I - a W)^-1 times 1 / (1 - phi).
        c, scale = theta[-2] + psi, 1 / (1 - phi)
        by_a, by_log_scale = np.zeros(len(theta)), np.zeros(len(theta))
        by_a[-2] = scale
        if horizon == "long":
            if process.space_time_lag:
                by_a[int(process.time_lag)] = scale
            if process.time_lag:
                by_a[0], by_log_scale[0] = c * scale**2, scale
        means, slopes = average_multipliers(process.log_determinant, process.weights.sparse, c * scale)
        variables, places = regressor_places(self.names, process.panel.names, process.specification.durbin)
        impacts, jacobian = combine(theta, places, scale * means, scale * slopes, by_a)
        jacobian += impacts[..., None] * by_log_scale
        return delta_table(average_index(variables), impacts, jacobian, self.covariance, level)

    def cumulative_impacts(self, n_periods: int = 20) -> pd.DataFrame:
        """Return impacts of a permanent change in x after 0, 1, ... periods: sums of A^h S^-1 (beta I + theta W)."""
        phi, psi = self.process.persistence(self.values)
        W, ln_det = self.process.weights.sparse, self.process.log_determinant
        if not ln_det.has_small_inverse:
            raise RongheError("impacts by horizon need the inverse of I - rho W, which is not formed at this size")
        inverse = ln_det.inverse(self.values[-2])
        A = inverse @ (phi * np.eye(len(inverse)) + psi * W.toarray())
        power, total, rows = inverse, np.zeros_like(inverse), []
        n = len(inverse)
        for h in range(n_periods + 1):
            total = total + power
            lagged = total @ W
            for name in self.process.panel.names:
                beta = self.params[name]
                lag = self.params.get(f"W*{name}", 0.0)
                direct = (beta * np.trace(total) + lag * np.trace(lagged)) / n
                whole = (beta * total.sum() + lag * lagged.sum()) / n
                rows += [(name, h, "direct", direct), (name, h, "indirect", whole - direct), (name, h, "total", whole)]
            power = A @ power
        return pd.DataFrame(rows, columns=["variable", "horizon", "effect", "estimate"])
