"""Spatial two-stage least squares, and its generalised form with a spatial error, for lags and endogenous regressors.

W y is instrumented by W X, W^2 X, ... (Kelejian and Prucha 1998, J. Real Estate Finance and Economics 17, eq. 10), with
fixed effects removed from all columns alike. With a spatial error, lambda follows from moments of the residuals and
the model is estimated again on data filtered by I - lambda M (Arraiz, Drukker, Kelejian and Prucha 2010, J. Regional
Science 50, section 3); see `error_moments`. Nothing rests on normality or exogenous regressors.
The two-stage regressions are linearmodels' (`linear.instrumental_models`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from ronghe.errors import RongheError, require_count, require_flag, require_known, require_names
from ronghe.linear import absorption
from ronghe.linear.algebra import least_squares
from ronghe.linear.covariance import KINDS, Choice, inference_df
from ronghe.linear.few_clusters import rests_on_leverage
from ronghe.linear.inference import test_table
from ronghe.linear.instrumental_models import TwoStage, fit_two_stage
from ronghe.linear.layout import Layout
from ronghe.linear.two_stage import Problem, fitted_regressors, score_covariance
from ronghe.spatial.equation import CONSTANT, specify
from ronghe.spatial.estimates import Estimates
from ronghe.spatial.grid import Panel, WeightsLike, linked, read_panel_arrays, require_frames
from ronghe.spatial.impact_tables import estimates_table
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.panel_model import PanelModel
from ronghe.spatial.postestimation.reduced_form import ReducedForm, split, structural_part
from ronghe.spatial.projection import EFFECTS, Projection
from ronghe.spatial.sufficient_statistics import lag
from ronghe.spatial.two_stage.error_moments import ErrorMoments, FilteredRegression, QuadraticMoments
from ronghe.weights.matrix import Weights

WHERE = "SpatialTwoStage"
# Squared residuals are rounding below this share of those of the outcome.
NO_REMAINDER = 1e-22
MODELS = ("sar", "sdm", "sarar", "gns", "sem", "sdem", "slx", "ols")
# A column is spanned by those before it if less than this share of it is left.
SPANNED = 1e-10


class SpatialTwoStage(PanelModel):
    """y = rho W y + X beta + W X theta + Y gamma + mu + tau + u, u = e or u = lambda M u + e.

    `endogenous` names columns of X that correlate with u; `instruments` holds the user's own instruments for them.
    `orders` is how many powers of W beyond those in the model instrument; with `lag_instruments` the user's
    instruments are lagged as well.

    >>> from ronghe.spatial import SpatialTwoStage, munnell
    >>> data, W = munnell()
    >>> result = SpatialTwoStage.from_formula("log(gsp) ~ log(pc) + unemp | units", data, W).fit()
    >>> result.names, result.instruments
    (('log(pc)', 'unemp', 'rho'), ('W*log(pc)', 'W^2*log(pc)', 'W*unemp', 'W^2*unemp'))
    """

    def __init__(
        self,
        y: pd.Series,
        X: pd.DataFrame,
        W: WeightsLike,
        model: str = "sar",
        effects: str = "twoways",
        durbin: Sequence[str] | None = None,
        endogenous: Sequence[str] = (),
        instruments: pd.DataFrame | None = None,
        orders: int = 2,
        lag_instruments: bool = True,
        error_weights: WeightsLike | None = None,
    ) -> None:
        """Lay the panel out by label."""
        require_known(model, MODELS, "model", WHERE)
        self.weights = linked(W, WHERE)
        require_frames(y, X, WHERE)
        if not (instruments is None or isinstance(instruments, pd.DataFrame)):
            raise RongheError(f"{WHERE}: instruments must be a DataFrame indexed by (unit, period), as X is")
        own = instruments if instruments is not None else pd.DataFrame(index=X.index)
        clash = [c for c in own.columns if c in X.columns]
        if clash:
            raise RongheError(f"{WHERE}: {', '.join(clash)} cannot be regressor and instrument at once")
        together = read_panel_arrays(y, pd.concat([X, own.reindex(X.index)], axis=1), self.weights.labels, WHERE)
        self.panel: Panel = together
        self.regressors, self.own = list(map(str, X.columns)), list(map(str, own.columns))
        require_known(effects, EFFECTS, "effects", WHERE)
        self.projection = Projection(effects)
        constant = [CONSTANT] if effects == "pooled" and CONSTANT not in self.regressors else []
        self.specification = specify(model, effects, "lsdv", (*constant, *self.regressors), durbin, WHERE)
        for name in require_names(endogenous, f"{WHERE}: endogenous"):
            require_known(name, self.regressors, "regressor", f"{WHERE}: endogenous")
        self.endogenous = tuple(endogenous)
        if len(self.own) < len(self.endogenous):
            raise RongheError(
                f"{WHERE}: {len(self.endogenous)} endogenous regressors need as many instruments of yours"
            )
        require_flag(lag_instruments, f"{WHERE}: lag_instruments")
        orders = require_count(orders, f"{WHERE}: orders", least=1)
        self.orders, self.lag_instruments = orders, lag_instruments
        self.error_weights = self.weights if error_weights is None else Weights.coerce(error_weights)
        self.error_weights = self.error_weights.align(together.units)
        if self.specification.has_error and self.projection.has_time and not self.error_weights.is_row_standardised:
            raise RongheError(
                f"{WHERE}: time effects with a spatial error need error weights whose rows sum to one; "
                "standardise them or choose effects='units'"
            )

    def columns(self) -> _Columns:
        """Return outcome, regressors and excluded instruments before any filter or projection."""
        W, y = self.weights.sparse, self.panel.y
        of = {name: self.panel.X[:, :, k] for k, name in enumerate(self.panel.names)}
        of[CONSTANT] = of.get(CONSTANT, np.ones_like(y))
        s = self.specification
        regressors = {name: of[name] for name in s.names}
        regressors |= {f"W*{name}": lag(W, of[name]) for name in s.durbin}
        if s.has_lag:
            regressors["rho"] = lag(W, y)
        endogenous = [*self.endogenous, *(f"W*{n}" for n in s.durbin if n in self.endogenous), *(["rho"] * s.has_lag)]
        candidates: dict[str, np.ndarray] = {}
        needs_powers = s.has_lag or len(endogenous) > len(self.endogenous)
        sources = [n for n in self.regressors if n not in self.endogenous and n != CONSTANT] if needs_powers else []
        for name in [*self.own, *sources]:
            powers = of[name]
            if name in self.own:
                candidates[name] = powers
            reach = self.orders + (name in s.durbin)
            if name in self.own and not (self.lag_instruments and needs_powers):
                continue
            for k in range(1, reach + 1):
                powers = lag(W, powers)
                label = f"W*{name}" if k == 1 else f"W^{k}*{name}"
                if label not in regressors:
                    candidates[label] = powers
        return _Columns(y, regressors, endogenous, candidates)

    def fit(
        self,
        cov_type: str = "robust",
        cluster: Sequence[str] = ("units",),
        small_sample: str = "clusters",
        df: str | None = None,
    ) -> TwoStageResults:
        """Estimate by two-stage least squares; with a spatial error also lambda, and all again on filtered data.

        `cov_type` is homoskedastic, robust, clustered (by units, time or both) or driscoll_kraay; `small_sample` and
        `df` are those of `ronghe.linear.few_clusters`, for clusters of one kind and models without a spatial error.
        """
        require_known(cov_type, [k for k in KINDS if k != "conley"], "cov_type", WHERE)
        cluster = (cluster,) if isinstance(cluster, str) else require_names(cluster, f"{WHERE}: cluster")
        choice = Choice(cov_type, tuple(cluster), small_sample=small_sample, df=df)
        if rests_on_leverage(choice) and self.specification.has_error:
            raise RongheError(
                f"{WHERE}: '{small_sample if df is None else df}' has no form for lambda; leave small_sample and df "
                "out, or choose a model without a spatial error"
            )
        columns = self.columns()
        problem, used, dropped = self._problem(columns, choice)
        fitted = fit_two_stage(problem)
        beta, cov, residuals = fitted.coefficients, fitted.covariance, fitted.residuals
        if residuals @ residuals <= NO_REMAINDER * (problem.y @ problem.y):
            raise RongheError(
                f"{WHERE}: the regressors and effects explain the outcome without remainder: nothing to estimate"
            )
        order = [columns.order.index(name) for name in columns.regressors]
        names, error = list(columns.regressors), None
        if self.specification.has_error:
            problem, beta, cov, residuals, error = self._with_error(columns, problem, residuals)
            order, names = [*order, len(order)], [*names, "lambda"]
        found = TwoStageResults(
            self, names, beta[order], cov[np.ix_(order, order)], residuals, problem, used, dropped, error
        )
        found.order, found.first = order, fitted
        return found

    def _with_error(
        self, columns: _Columns, problem: Problem, residuals: np.ndarray
    ) -> tuple[Problem, np.ndarray, np.ndarray, np.ndarray, ErrorMoments]:
        """Estimate lambda, filter, and estimate (delta, lambda) again with their joint covariance.

        Arraiz and others (2010, section 3), steps 1b to 2b: the first lambda weights the moments equally, the second
        by the inverse of their covariance, which counts that the residuals rest on estimated coefficients. The
        covariance is taken at the last estimates, its small-sample factor is that of the coefficients.
        """
        M, shape, choice = self.error_weights.sparse, self.panel.y.shape, problem.choice
        moments = QuadraticMoments(M, self.projection, shape[1], log_determinant(self.error_weights).bounds)
        plain, plain_y = problem.X, problem.y
        first = moments.estimate(residuals.reshape(shape))
        problem, _, _ = self._problem(columns.filtered(M, first), choice)
        beta = least_squares(fitted_regressors(problem), problem.y)
        u = (plain_y - plain @ beta).reshape(shape)
        weight = np.linalg.inv(_at(problem, moments.filtered(u, first)).joint_meat(moments)[-2:, -2:])
        lam = moments.estimate(u, weight)
        problem, _, _ = self._problem(columns.filtered(M, lam), choice)
        last = _at(problem, moments.filtered(u, lam))
        weight = np.linalg.inv(last.joint_meat(moments)[-2:, -2:])
        cov = last.covariance(moments, u, lam, weight)
        own = score_covariance(problem, last.fitted, last.e.ravel())
        scale = np.sqrt(np.diag(own) / np.diag(cov)[:-1])
        scale = np.append(scale, scale.mean())
        cov = cov * np.outer(scale, scale)
        cov[:-1, :-1] = own
        error = ErrorMoments(lam, moments.sigma2(u, lam))
        return problem, np.append(beta, lam), cov, last.e.ravel(), error

    def _problem(self, columns: _Columns, choice: Choice) -> tuple[Problem, tuple[str, ...], tuple[str, ...]]:
        """Project all columns alike; leave out instruments that the regressors or earlier instruments span."""
        n_units, n_periods = self.panel.y.shape
        names = [*columns.order, *columns.instruments]
        raw = np.stack([columns.y, *(columns.of(n) for n in names)], axis=2)
        flat = self.projection.apply(raw).reshape(n_units * n_periods, -1)
        n_end, n_reg = len(columns.endogenous), len(columns.order)
        raw = raw.reshape(len(flat), -1)
        varying = [i for i, n in enumerate(names[:n_reg]) if n != CONSTANT]
        own, given, effects = flat[:, 1:][:, varying], raw[:, 1:][:, varying], self.projection.effects
        absorption.require_full_rank(own, given, [names[i] for i in varying], effects, absorption.SQUARED)
        exogenous = flat[:, 1 + n_end : 1 + n_reg]
        kept = _independent(exogenous, flat[:, 1 + n_reg :])
        excluded = flat[:, 1 + n_reg :][:, kept]
        if excluded.shape[1] < n_end:
            raise RongheError(
                f"{WHERE}: {n_end} endogenous columns ({', '.join(columns.endogenous)}) and only {excluded.shape[1]} "
                "instruments that the regressors do not span; raise `orders` or bring instruments"
            )
        layout = Layout(np.repeat(np.arange(n_units), n_periods), np.tile(np.arange(n_periods), n_units))
        absorbed = {} if self.projection.effects == "pooled" else absorption.count(layout, self.projection.effects)
        labels = list(columns.instruments)
        used = tuple(labels[k] for k in kept)
        dropped = tuple(label for label in labels if label not in used)
        problem = Problem(flat[:, 0], flat[:, 1 : 1 + n_end], exogenous, excluded, layout, choice, absorbed)
        return problem, used, dropped


def _at(problem: Problem, e: np.ndarray) -> FilteredRegression:
    """Return the regression of a problem with given residuals."""
    fitted, has_endogenous = fitted_regressors(problem), problem.endogenous.shape[1] > 0
    return FilteredRegression(problem.X, fitted, e, has_endogenous, problem.layout, problem.choice)


@dataclass(frozen=True)
class _Columns:
    """Named arrays (unit, period) of one equation."""

    y: np.ndarray
    regressors: dict[str, np.ndarray]
    endogenous: list[str]
    instruments: dict[str, np.ndarray]

    @property
    def order(self) -> list[str]:
        """Regressors, the endogenous ones first."""
        return [*self.endogenous, *(n for n in self.regressors if n not in self.endogenous)]

    def of(self, name: str) -> np.ndarray:
        """Return a column by name."""
        return self.regressors[name] if name in self.regressors else self.instruments[name]

    def filtered(self, M: sparse.csr_array, lam: float) -> _Columns:
        """Return outcome and regressors filtered by I - lambda M; the instruments stay as they are."""
        regressors = {name: values - lam * lag(M, values) for name, values in self.regressors.items()}
        return _Columns(self.y - lam * lag(M, self.y), regressors, self.endogenous, self.instruments)


class TwoStageResults(Estimates):
    """Estimates of (beta, theta, gamma, rho, lambda) with tests of the instruments' strength and validity."""

    title = "Spatial panel by two-stage least squares"
    # Where each term stands among the columns of the two-stage regression, and that regression before any filter.
    order: list[int]
    first: TwoStage

    def __init__(
        self,
        model: SpatialTwoStage,
        names: list[str],
        beta: np.ndarray,
        covariance: np.ndarray,
        residuals: np.ndarray,
        problem: Problem,
        used: tuple[str, ...],
        dropped: tuple[str, ...],
        error: ErrorMoments | None,
    ) -> None:
        """Keep what the tests need."""
        self.choice = problem.choice
        super().__init__(names, beta, covariance, self.choice.kind)
        self.model, self.problem, self.spatial_error = model, problem, error
        self.instruments, self.dropped_instruments = used, dropped
        self.residual_array = residuals.reshape(model.panel.y.shape)
        self.nobs = residuals.size
        self.sigma2 = float(residuals @ residuals) / problem.df(problem.X.shape[1])

    @property
    def resids(self) -> pd.Series:
        """Projected residuals of the structural equation (filtered, with a spatial error)."""
        return self.model.panel.series(self.residual_array, "residual")

    def _squares(self) -> tuple[float, float]:
        columns, apply, y = self.model.columns().regressors, self.model.projection.apply, self.panel.y
        u = apply(y - sum(self.params[name] * values for name, values in columns.items()))
        y = y - y.mean() if self.specification.effects == "pooled" else apply(y)
        return float((u**2).sum()), float((y**2).sum())

    def summary_tests(self) -> pd.DataFrame:
        """Return what the Durbin model reduces to, and the tests of the instruments."""
        own = self.tests().set_index("test")[["statistic", "df", "pvalue"]]
        return pd.concat([table for table in (super().summary_tests(), own) if len(table)] or [own])

    def reference(self, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return t of clusters - 1, or periods - 1 degrees of freedom, where errors are sums by these."""
        if self.first.clusters is not None:
            own = np.zeros_like(gradients)
            own[:, self.order] = gradients
            return self.first.reference(own)
        df = inference_df(self.problem.layout, self.problem.choice, np.inf)
        return np.ones(len(gradients)), np.full(len(gradients), df)

    def tests(self) -> pd.DataFrame:
        """Return strength of the first stage, overidentification and endogeneity."""
        if not self.endogenous:
            return test_table([])
        return test_table(fit_two_stage(self.problem).tests(self.endogenous))

    @property
    def endogenous(self) -> list[str]:
        """Names of the endogenous columns, in the order of the regression."""
        return self.model.columns().endogenous

    def reduced_form(self) -> ReducedForm:
        """Return what predictions need; endogenous regressors are taken as given."""
        model, s, p = self.model, self.specification, self.params
        b, rho = p[list(s.terms)].to_numpy(), float(p.get("rho", 0.0))
        y, W = model.panel.y, model.weights.sparse
        own = [model.panel.names.index(name) for name in s.names if name != CONSTANT]
        X = model.panel.X[:, :, own]
        if CONSTANT in s.names:
            X = np.concatenate([np.ones((*y.shape, 1)), X], axis=2)
        rest = y - rho * lag(W, y) - structural_part(X, s.names, s.durbin, b, model.weights)
        shares = None
        if self.spatial_error is not None and model.projection.has_time:
            shares = 1 - self.spatial_error.lam * (model.error_weights.sparse.T @ np.ones(len(y)))
            shares = shares / shares.sum()
        effects = split(rest, model.projection, shares)
        filter_ = log_determinant(model.weights) if s.has_lag else None
        return ReducedForm(model.panel, s.names, s.durbin, b, model.weights, rho, filter_, effects, model.panel.periods)

    def impacts(self, level: float = 0.95) -> pd.DataFrame:
        """Return direct, indirect and total impacts with delta-method errors."""
        return estimates_table(self, self.model.specification, self.model.weights, level)


def _independent(exogenous: np.ndarray, candidates: np.ndarray) -> list[int]:
    """Return the candidates that neither the exogenous regressors nor earlier candidates span."""
    basis = (
        linalg.orth(exogenous / np.maximum(np.linalg.norm(exogenous, axis=0), 1e-300)) if exogenous.size else exogenous
    )
    kept = []
    for k, column in enumerate(candidates.T):
        size = np.linalg.norm(column)
        left = column - basis @ (basis.T @ column)
        left = left - basis @ (basis.T @ left)
        remainder = np.linalg.norm(left)
        if size > 0 and remainder > SPANNED * size:
            kept.append(k)
            basis = np.column_stack([basis, left / remainder])
    return kept
