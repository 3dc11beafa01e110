"""Spatial two-stage least squares, and its generalised form with a spatial error, for lags and endogenous regressors.

W y is instrumented by W X, W^2 X, ... (Kelejian and Prucha 1998, J. Real Estate Finance and Economics 17, eq. 10), with
fixed effects removed from all columns alike. With a spatial error, lambda follows from moments of the residuals
(Kapoor, Kelejian and Prucha 2007, eq. 17, the within ones; Mutl and Pfaffermayr 2011, Econometrics Journal 14, eq. 12)
and the model is estimated again on data filtered by I - lambda M. Nothing rests on normality or exogenous regressors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg
from scipy.optimize import minimize_scalar

from ronghe.errors import RongheError, require_known
from ronghe.models import absorption, instruments, sandwich
from ronghe.models.inference import test_table
from ronghe.models.labelled import Labelled, average_impacts
from ronghe.models.log_determinant import log_determinant
from ronghe.models.moments import lag
from ronghe.models.panel import Panel, read_panel_arrays
from ronghe.models.projection import Projection
from ronghe.models.specification import CONSTANT, specify
from ronghe.weights import Weights

WHERE = "SpatialTwoStage"
MODELS = ("sar", "sdm", "sarar", "gns", "sem", "sdem", "slx", "ols")
# A column is spanned by those before it if less than this share of it is left.
SPANNED = 1e-10


class SpatialTwoStage:
    """y = rho W y + X beta + W X theta + Y gamma + mu + tau + u, u = e or u = lambda M u + e.

    `endogenous` names columns of X that correlate with u; `instruments` holds the user's own instruments for them.
    `orders` is how many powers of W beyond those in the model instrument; with `lag_instruments` the user's
    instruments are lagged as well.
    """

    def __init__(
        self,
        y: pd.Series,
        X: pd.DataFrame,
        W: object,
        model: str = "sar",
        effects: str = "twoways",
        durbin: Sequence[str] | None = None,
        endogenous: Sequence[str] = (),
        instruments: pd.DataFrame | None = None,
        orders: int = 2,
        lag_instruments: bool = True,
        error_weights: object | None = None,
    ) -> None:
        """Lay the panel out by label."""
        require_known(model, MODELS, "model", WHERE)
        self.weights = Weights.coerce(W)
        own = instruments if instruments is not None else pd.DataFrame(index=X.index)
        clash = [c for c in own.columns if c in X.columns]
        if clash:
            raise RongheError(f"{WHERE}: {', '.join(clash)} cannot be regressor and instrument at once")
        together = read_panel_arrays(y, pd.concat([X, own.reindex(X.index)], axis=1), self.weights.labels, WHERE)
        self.panel: Panel = together
        self.regressors, self.own = list(map(str, X.columns)), list(map(str, own.columns))
        self.projection = Projection(effects)
        constant = [CONSTANT] if effects == "pooled" and CONSTANT not in self.regressors else []
        self.specification = specify(model, effects, "lsdv", (*constant, *self.regressors), durbin, WHERE)
        for name in endogenous:
            require_known(name, self.regressors, "regressor", f"{WHERE}: endogenous")
        self.endogenous = tuple(endogenous)
        if len(self.own) < len(self.endogenous):
            raise RongheError(
                f"{WHERE}: {len(self.endogenous)} endogenous regressors need as many instruments of yours"
            )
        if orders < 1:
            raise RongheError(f"{WHERE}: orders must be 1 or more, not {orders}")
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

    def fit(self, cov_type: str = "robust", cluster: Sequence[str] = ("units",)) -> TwoStageResults:
        """Estimate by two-stage least squares; with a spatial error twice, the second time on filtered data."""
        require_known(cov_type, [k for k in sandwich.KINDS if k != "conley"], "cov_type", WHERE)
        choice = sandwich.Choice(cov_type, tuple(cluster))
        columns = self.columns()
        problem, used, dropped = self._problem(columns, choice)
        beta, cov, residuals = instruments.two_stage(problem)
        error = None
        if self.specification.has_error:
            error = self._error_moments(residuals.reshape(self.panel.y.shape))
            problem, used, dropped = self._problem(columns.filtered(self.error_weights.sparse, error.lam), choice)
            beta, cov, residuals = instruments.two_stage(problem)
        order = [columns.order.index(name) for name in columns.regressors]
        return TwoStageResults(
            self,
            list(columns.regressors),
            beta[order],
            cov[np.ix_(order, order)],
            residuals,
            problem,
            used,
            dropped,
            error,
        )

    def _problem(
        self, columns: _Columns, choice: sandwich.Choice
    ) -> tuple[instruments.Problem, tuple[str, ...], tuple[str, ...]]:
        """Project all columns alike; leave out instruments that the regressors or earlier instruments span."""
        n_units, n_periods = self.panel.y.shape
        names = [*columns.order, *columns.instruments]
        raw = np.stack([columns.y, *(columns.of(n) for n in names)], axis=2)
        flat = self.projection.apply(raw).reshape(n_units * n_periods, -1)
        n_end, n_reg = len(columns.endogenous), len(columns.order)
        raw = raw.reshape(len(flat), -1)
        varying = [i for i, n in enumerate(names[:n_reg]) if n != CONSTANT]
        absorption.require_full_rank(
            flat[:, 1:][:, varying], raw[:, 1:][:, varying], [names[i] for i in varying], self.projection.effects
        )
        exogenous = flat[:, 1 + n_end : 1 + n_reg]
        kept = _independent(exogenous, flat[:, 1 + n_reg :])
        excluded = flat[:, 1 + n_reg :][:, kept]
        if excluded.shape[1] < n_end:
            raise RongheError(
                f"{WHERE}: {n_end} endogenous columns ({', '.join(columns.endogenous)}) and only {excluded.shape[1]} "
                "instruments that the regressors do not span; raise `orders` or bring instruments"
            )
        layout = sandwich.Layout(np.repeat(np.arange(n_units), n_periods), np.tile(np.arange(n_periods), n_units))
        absorbed = {} if self.projection.effects == "pooled" else absorption.count(layout, self.projection.effects)
        labels = list(columns.instruments)
        used = tuple(labels[k] for k in kept)
        dropped = tuple(label for label in labels if label not in used)
        problem = instruments.Problem(flat[:, 0], flat[:, 1 : 1 + n_end], exogenous, excluded, layout, choice, absorbed)
        return problem, used, dropped

    def _error_moments(self, residuals: np.ndarray) -> ErrorMoments:
        """Estimate (lambda, sigma2) from e'e, (M e)'(M e) and e'(M e) of the remainder e = u - lambda M u.

        All three in projected residuals; with time effects M 1 = 1 makes Q M Q = Q M, and the traces are those of
        the demeaned M.
        """
        M, n = self.error_weights.sparse, self.panel.n_units
        u = residuals
        Mu = self.projection.apply(lag(M, u))
        MMu = self.projection.apply(lag(M, Mu))
        periods = self.panel.n_periods - self.projection.has_units
        square = float((M * M).sum())
        trace, units = 0.0, n
        if self.projection.has_time:
            columns = np.asarray(M.sum(axis=0)).ravel()
            square, trace, units = square - float(columns @ columns) / n, -1.0, n - 1
        left = np.array([[(a * b).sum() for b in (u, Mu, MMu)] for a in (u, Mu, MMu)]) / (units * periods)
        expected = np.array([1.0, square / units, trace / units])

        def moments(lam: float) -> np.ndarray:
            e, Me = np.array([1.0, -lam, 0.0]), np.array([0.0, 1.0, -lam])
            return np.array([e @ left @ e, Me @ left @ Me, e @ left @ Me])

        def distance(lam: float) -> float:
            m = moments(lam)
            gap = m - expected * (expected @ m) / (expected @ expected)
            return float(gap @ gap) / left[0, 0] ** 2

        low, high = log_determinant(self.error_weights).bounds
        grid = np.linspace(low, high, 81)[1:-1]
        start = int(np.argmin([distance(x) for x in grid]))
        bracket = (grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)])
        found = minimize_scalar(distance, bounds=bracket, method="bounded", options={"xatol": 1e-12})
        m = moments(found.x)
        return ErrorMoments(float(found.x), float(expected @ m / (expected @ expected)))


@dataclass(frozen=True)
class ErrorMoments:
    """The spatial error as the moments give it; no standard errors belong to it."""

    lam: float
    sigma2: float


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

    def filtered(self, M: object, lam: float) -> _Columns:
        """Return outcome and regressors filtered by I - lambda M; the instruments stay as they are."""
        regressors = {name: values - lam * lag(M, values) for name, values in self.regressors.items()}
        return _Columns(self.y - lam * lag(M, self.y), regressors, self.endogenous, self.instruments)


class TwoStageResults(Labelled):
    """Estimates of (beta, theta, gamma, rho) with tests of the instruments' strength and validity."""

    def __init__(
        self,
        model: SpatialTwoStage,
        names: list[str],
        beta: np.ndarray,
        covariance: np.ndarray,
        residuals: np.ndarray,
        problem: instruments.Problem,
        used: tuple[str, ...],
        dropped: tuple[str, ...],
        error: ErrorMoments | None,
    ) -> None:
        """Keep what the tests need."""
        super().__init__(names, beta, covariance, problem.choice.label)
        self.model, self.problem, self.spatial_error = model, problem, error
        self.instruments, self.dropped_instruments = used, dropped
        self.residual_array = residuals.reshape(model.panel.y.shape)
        self.nobs = residuals.size
        self.sigma2 = float(residuals @ residuals) / problem.df(len(beta))

    @property
    def resids(self) -> pd.Series:
        """Projected residuals of the structural equation (filtered, with a spatial error)."""
        return self.model.panel.series(self.residual_array, "residual")

    def tests(self) -> pd.DataFrame:
        """Return strength of the first stage, overidentification and endogeneity."""
        endogenous = [n for n in self.names if n in self.model.columns().endogenous]
        if not endogenous:
            return test_table([])
        beta, _, residuals = instruments.two_stage(self.problem)
        return test_table(instruments.diagnostics(self.problem, endogenous, beta, residuals))

    def impacts(self, level: float = 0.95) -> pd.DataFrame:
        """Return direct, indirect and total effects with delta-method errors."""
        return average_impacts(self, self.model.specification, self.model.weights, level)


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
