"""What users of statsmodels and linearmodels expect of a fitted model: summary, aliases, tests, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.spatial.equation import CONSTANT, Specification, describe
from ronghe.spatial.plots import draw_impacts, draw_residuals
from ronghe.spatial.restrictions import REDUCTIONS, read_restrictions, reduction, wald
from ronghe.spatial.summary import interval_table, summarise
from ronghe.spatial.tables import maketables_coefficients

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from statsmodels.iolib.summary import Summary

    from ronghe.spatial.grid import Panel
    from ronghe.weights.matrix import Weights

STATISTICS = {
    "nobs": "Observations",
    "n_units": "Units",
    "n_periods": "Periods",
    "rsquared": "R-squared",
    "loglik": "Log-likelihood",
    "aic": "AIC",
    "bic": "BIC",
    "sigma2": "sigma2",
}
# What maketables calls the same.
SYNONYMS = {"N": "nobs", "r2": "rsquared", "ll": "loglik", "G": "n_units"}


class Face:
    """The reader's side of a fitted model; a class of results adds `title`, `model`, `_squares` and what it tests."""

    title: ClassVar[str] = "Spatial panel"
    names: Sequence[str]
    values: np.ndarray
    covariance: np.ndarray
    cov_type: str
    model: Any

    @property
    def specification(self) -> Specification:
        """What was fitted."""
        return self.model.specification

    @property
    def panel(self) -> Panel:
        """The data on their grid."""
        return self.model.panel

    @property
    def weights(self) -> Weights | None:
        """W of the lags."""
        return self.model.weights

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.panel.n_units

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return self.panel.n_periods

    @property
    def n_effective(self) -> int:
        """Observations that the likelihood counts."""
        return self.nobs

    @property
    def effects(self) -> str:
        """Which effects of units and periods are in the model."""
        return self.specification.effects

    def __repr__(self) -> str:
        """Say what was fitted in one line."""
        fit = f", loglik={self.loglik:.6f}" if hasattr(self, "loglik") else ""
        said = describe(self.specification, self.panel.outcome, self.effects, self.weights)
        return f"<{type(self).__name__}: {said}; {self.n_units} x {self.n_periods}{fit}>"

    def _repr_html_(self) -> str:
        """Show the summary in a notebook."""
        return self.summary().as_html()

    @property
    def bse(self) -> pd.Series:
        """Standard errors, under statsmodels' name."""
        return self.std_errors

    @property
    def tvalues(self) -> pd.Series:
        """Estimates over their standard errors, under statsmodels' name."""
        return self.tstats

    def cov_params(self) -> pd.DataFrame:
        """Return the covariance of all parameters, under statsmodels' name."""
        return self.cov

    @property
    def endog_names(self) -> str:
        """Name of the outcome, under statsmodels' name."""
        return self.panel.outcome

    @property
    def llf(self) -> float:
        """Log-likelihood, under statsmodels' name."""
        return self._likelihood("llf")

    @cached_property
    def fitted_values(self) -> pd.Series:
        """Outcome less residual: with fixed effects, the neighbours' outcomes and a spatial error as they are."""
        y = self.panel.series(self.panel.y, "fitted").reindex(self.resids.index)
        return y - self.resids

    def predict(self, X: pd.DataFrame | None = None, time_effect: float | str = "mean") -> pd.Series:
        """Return predictions by the reduced form, for the sample or for X; see `ronghe.spatial.predict`."""
        form = self.reduced_form()
        return form.sample() if X is None else form.at(X, time_effect)

    @cached_property
    def rsquared(self) -> float:
        """1 - u'u / y'y, y and the residual u off the fixed effects (around the mean without them), no error filter."""
        unexplained, total = self._squares()
        return float(1 - unexplained / total)

    def _squares(self) -> tuple[float, float]:
        """Return u'u, and y'y off the fixed effects or around the mean."""
        y = self.panel.y
        return float((self.resids**2).sum()), float(((y - y.mean()) ** 2).sum())

    @property
    def aic(self) -> float:
        """2 k - 2 loglik; k counts every parameter, rho, lambda and the variances too, but no fixed effect."""
        return 2 * len(self.names) - 2 * self._likelihood("AIC")

    @property
    def bic(self) -> float:
        """k ln n - 2 loglik, with the observations that the likelihood counts."""
        return float(len(self.names) * np.log(self.n_effective)) - 2 * self._likelihood("BIC")

    def _likelihood(self, what: str) -> float:
        if not hasattr(self, "loglik"):
            raise RongheError(
                f"{what}: {type(self).__name__} has no likelihood; compare models fitted by maximum likelihood"
            )
        return self.loglik

    def statistics(self) -> dict[str, float]:
        """Return the measures of fit that this model has, by name."""
        lacking = () if hasattr(self, "loglik") else ("loglik", "aic", "bic")
        return {name: getattr(self, name) for name in STATISTICS if name not in lacking and name != "sigma2"}

    def wald_test(self, restrictions: str) -> dict:
        """Return the Wald test of linear restrictions such as "x1 = x2, W*x1 = 0"; see `read_restrictions`.

        Where terms are read by t, this is F with the fewest degrees of freedom among the restrictions.
        """
        R, r = read_restrictions(restrictions, self.names)
        return self._wald(R @ self.values - r, R, restrictions)

    def _wald(self, gap: np.ndarray, gradient: np.ndarray, name: str) -> dict:
        factors, df = self.reference(gradient)
        return wald(gap, gradient, self.covariance, f"Wald: {name}", factors, df.min())

    def test_sar(self) -> dict:
        """Return the Wald test that the Durbin model is a spatial lag model: theta = 0."""
        return self._reduced("sar")

    def test_sem(self) -> dict:
        """Return the Wald test of the common factor, theta + rho beta = 0: the model is one of spatial errors."""
        return self._reduced("sem")

    def _reduced(self, to: str) -> dict:
        gap, gradient = reduction(self.specification, self.names, self.values, to)
        return self._wald(gap, gradient, f"{REDUCTIONS[to]} ({to.upper()})")

    def summary_tests(self) -> pd.DataFrame:
        """Return the tests that the summary shows: statistic, df and p-value."""
        if self.specification.model != "sdm":
            return pd.DataFrame()
        tests = [self.test_sar()]
        if set(self.specification.durbin) == set(self.specification.names) - {CONSTANT}:
            tests.append(self.test_sem())
        return pd.DataFrame(tests).set_index("test")[["statistic", "df", "pvalue"]]

    def summary_impacts(self, level: float) -> dict[str, pd.DataFrame]:
        """Return the tables of impacts that the summary shows; none where impacts are the coefficients."""
        spread = self.specification.has_lag or self.specification.durbin
        return {"Impacts": self.impacts(level=level)} if spread else {}

    def summary(self, level: float = 0.95) -> Summary:
        """Return the summary: header, coefficients with intervals, impacts, tests and notes.

        It prints as text, shows as HTML in a notebook, and has `as_html`, `as_latex` and `as_csv`.
        """
        s, shown = self.specification, self.statistics()
        header = {
            "Dep. Variable": self.panel.outcome,
            "Model": s.model.upper(),
            "Effects": self.effects,
            "Weights": self.weights.name if self.weights is not None else "none",
            "Cov. Type": self.cov_type,
            "No. Observations": shown.pop("nobs"),
        }
        header |= {STATISTICS[name]: value for name, value in shown.items()}
        symbol = "z" if np.isinf(self._freedom()).all() else "t"
        tables = [("Coefficients", interval_table(self.tidy(level).set_index("term"), symbol, level))]
        for caption, table in self.summary_impacts(level).items():
            tables.append((caption, interval_table(table, symbol, level)))
        tests = self.summary_tests()
        if len(tests):
            tables.append(("Tests", tests))
        return summarise(self.title, header, tables, self.summary_notes())

    def summary_notes(self) -> list[str]:
        """Return what a reader must know of the numbers."""
        notes = [f"Standard errors: {self.cov_type}; reference: " + self._reference()]
        if self.specification.has_lag or self.specification.durbin:
            notes.append("With a spatial lag, effects of regressors are the impacts, not the coefficients.")
        return [*notes, *getattr(self, "notes", getattr(self.model, "formula_notes", ()))]

    def _freedom(self) -> np.ndarray:
        return self.reference(np.eye(len(self.names)))[1]

    def _reference(self) -> str:
        df = np.unique(self._freedom().round(1))
        if np.isinf(df).all():
            return "normal distribution."
        span = f"{df[0]:g}" if len(df) == 1 else f"{df[0]:g} to {df[-1]:g}"
        return f"t distribution with {span} degrees of freedom."

    def plot_impacts(self, level: float = 0.95, **options: object) -> Figure:
        """Return a figure of the impacts with their intervals; `options` are those of `impacts`."""
        return draw_impacts(self.impacts(level=level, **options), level)

    def plot_residuals(self) -> Figure:
        """Return a figure of the residuals against the fitted values."""
        return draw_residuals(self.fitted_values, self.resids, self.panel.outcome)

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        """Coefficients, for `maketables.ETable`.

        maketables 0.2 asks first whether a model has params, bse and pvalues, and then reads it as it reads statsmodels
        (through `endog_names`, `conf_int(alpha=)`, `llf`); both ways give the same numbers, but only this one has the
        fixed effects.
        """
        return maketables_coefficients(self.tidy())

    @property
    def __maketables_depvar__(self) -> str:
        return self.panel.outcome

    def effect_names(self) -> tuple[str, str]:
        """Return what units and periods are called in the data."""
        unit, period = self.panel.index.names
        return str(unit or "units"), str(period or "time")

    @property
    def fixed_effects(self) -> tuple[str, ...]:
        """Names of the fixed effects in the model: of units, of periods, both or none."""
        unit, period = self.effect_names()
        return {"units": (unit,), "time": (period,), "twoways": (unit, period)}.get(self.effects, ())

    @property
    def random_effects(self) -> str | None:
        """The random effects in the model, in words."""
        return None

    @property
    def clusters(self) -> tuple[str, ...]:
        """What errors are clustered by, under the names of the data; none for other covariances."""
        if self.cov_type != "clustered":
            return ()
        by = dict(zip(("units", "time"), self.effect_names(), strict=True))
        return tuple(by.get(name, name) for name in self.choice.cluster)

    @property
    def __maketables_fixef_string__(self) -> str | None:
        return "+".join(self.fixed_effects) or None

    @property
    def __maketables_vcov_info__(self) -> dict:
        return {"vcov_type": self.cov_type, "clustervar": "+".join(self.clusters) or None}

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        return STATISTICS | {"errors": "Standard errors", "random": "Random effects"}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        return [*self.statistics(), *(["random"] if self.random_effects else []), "errors"]

    def __maketables_stat__(self, key: str) -> float | str | None:
        """Give one measure of fit, under our name or that of maketables."""
        errors = f"{self.cov_type} by {', '.join(self.clusters)}" if self.clusters else self.cov_type
        named = {"model": self.specification.model, "random": self.random_effects, "errors": errors, "se_type": errors}
        return {**self.statistics(), **named}.get(SYNONYMS.get(key, key))
