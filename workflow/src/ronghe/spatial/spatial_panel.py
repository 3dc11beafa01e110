"""The estimator: spatial panel models with fixed effects by exact maximum likelihood."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.algebra import inverse_scaled
from ronghe.linear.covariance import few_periods
from ronghe.spatial.equation import CONSTANT, MODELS, Specification, specify
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.grid import WeightsLike, linked, read_panel_arrays, select_observed, with_constant
from ronghe.spatial.likelihood import Likelihood, Point
from ronghe.spatial.log_determinant.notes import probe_notes
from ronghe.spatial.log_determinant.suitable import KINDS, chosen_log_determinant
from ronghe.spatial.maximum import Maximum, maximise
from ronghe.spatial.panel_model import PanelModel
from ronghe.spatial.projection import EFFECTS, Projection
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.sufficient_statistics import Moments, build_moments, require_identified
from ronghe.spatial.uncertainty.covariance import covariance, read_choice
from ronghe.spatial.uncertainty.information import expected_information
from ronghe.threads import single_threaded
from ronghe.weights.matrix import Weights


class SpatialPanel(PanelModel):
    """y = rho W y + X beta + W X theta + mu + tau + u, u = lambda M u + e, on a complete panel.

    `y` is a Series and `X` a DataFrame, both indexed by (unit, period) and matched to W by label. `model` is one of
    ols, slx, sar, sem, sdm, sdem, sarar, gns; `effects` one of pooled, units, time, twoways; `method` one of lee_yu
    (the likelihood of the transformed data, Lee and Yu 2010), lsdv (dummies) and bias_corrected (dummies, then Lee
    and Yu's analytical correction). `durbin` picks the regressors whose lag enters, `error_weights` is another W for
    the error. `missing="select"` uses the cells that are there (ols and slx only). Pooled models have a constant.
    `log_determinant` is "auto" (exact, or by probes where exact factors would not fit), exact, or one of chebyshev,
    lanczos (weights with real eigenvalues) and series, estimated by probes; the result's notes then state the error.
    `demean_first` is for comparison with published figures only: it demeans before the error's filter, as splm does,
    which with time effects is not the likelihood with dummies.

    >>> import numpy as np
    >>> from ronghe.spatial import SpatialPanel, munnell
    >>> data, W = munnell()
    >>> result = SpatialPanel(np.log(data["gsp"]), np.log(data[["pc", "emp"]]), W, effects="units").fit("robust")
    >>> result.names
    ('pc', 'emp', 'W*pc', 'W*emp', 'rho', 'sigma2')
    """

    def __init__(
        self,
        y: pd.Series,
        X: pd.DataFrame,
        W: WeightsLike | None = None,
        model: str = "sdm",
        effects: str = "twoways",
        method: str = "lee_yu",
        durbin: Sequence[str] | None = None,
        error_weights: WeightsLike | None = None,
        missing: str = "refuse",
        demean_first: bool = False,
        log_determinant: str = "auto",
        name: str = "model",
    ) -> None:
        """Match data and weights, check the options, build lags and sufficient statistics."""
        self.name = name
        self.demean_first = demean_first
        require_known(log_determinant, KINDS, "log_determinant", name)
        self.log_determinant = log_determinant
        self.weights = None if W is None else Weights.coerce(W)
        units = None if self.weights is None else self.weights.labels
        require_known(missing, ["refuse", "select"], "missing", name)
        require_known(model, MODELS, "model", name)
        require_known(effects, EFFECTS, "effects", name)
        if missing == "select" and model not in ("ols", "slx"):
            raise RongheError(
                f"{name}: model '{model}' has a spatial lag of the outcome or the error, which every unit in every "
                "period enters: missing='select' is for ols and slx only. Use UnbalancedPanel, the exact likelihood of "
                "the observed cells, or leave out the units or periods with gaps (with weights built anew)"
            )
        panel = with_constant(read_panel_arrays(y, X, units, name, missing == "select"), effects)
        self.specification = specify(model, effects, method, panel.names, durbin, name)
        if missing == "select":
            panel = select_observed(
                panel, None if self.weights is None else self.weights.sparse, self.specification.durbin
            )
        self.panel = panel
        self.projection = Projection(effects, panel.observed)
        self.error_weights = self._read_error_weights(error_weights)
        self._check_method()

    def variant(
        self, model: str | None = None, regressors: Sequence[str] | None = None, durbin: Sequence[str] | None = None
    ) -> SpatialPanel:
        """Return a smaller model on the same sample that shares this one's sufficient statistics.

        Effects, method and weights stay; every column that the variant needs must stand in this model (a general
        nesting model holds all). No pass over the data is made.
        """
        s = self.specification
        names = [n for n in s.names if n == CONSTANT or regressors is None or n in regressors]
        for name in regressors or []:
            require_known(name, s.names, "regressor", f"{self.name}: variant")
        if durbin is None and model in (None, s.model):
            durbin = [n for n in s.durbin if n in names] or None
        smaller = specify(model or s.model, s.effects, s.method, names, durbin, f"{self.name}: variant")
        columns = ["y", *(["W*y"] * smaller.has_lag), *smaller.terms]
        for column in columns:
            require_known(column, self.moments.columns, "column", f"{self.name}: variant")
        if smaller.has_error and not s.has_error:
            raise RongheError(f"{self.name}: variant: '{smaller.model}' has a spatial error, and '{s.model}' has none")
        other = self._other(smaller)
        other.panel = replace(
            self.panel, names=tuple(names), X=self.panel.X[:, :, [s.names.index(name) for name in names]]
        )
        other.error_weights = self.error_weights if smaller.has_error else None
        other.__dict__["moments"] = self.moments.select(columns, smaller.has_lag, smaller.has_error)
        return other

    def with_dummies(self, demean_first: bool = False) -> SpatialPanel:
        """Return the model by least squares with dummies, on the same data."""
        other = self._other(replace(self.specification, method="lsdv"))
        other.demean_first = demean_first
        return other

    def with_outcome(self, y: np.ndarray) -> SpatialPanel:
        """Return the model of another outcome (unit, period), in the order of `panel.units` and `panel.periods`."""
        other = self._other(self.specification)
        other.panel = replace(self.panel, y=y)
        return other

    def _other(self, specification: Specification) -> SpatialPanel:
        """Return a copy with another specification, and nothing computed yet."""
        other = copy(self)
        for cached in ("moments", "likelihood"):
            other.__dict__.pop(cached, None)
        other.specification = specification
        return other

    def _read_error_weights(self, error_weights: WeightsLike | None) -> Weights | None:
        s = self.specification
        if self.weights is None and (s.has_lag or s.durbin or s.has_error):
            raise RongheError(f"{self.name}: model '{s.model}' needs weights W")
        if s.has_lag or s.durbin or s.has_error:
            linked(self.weights, self.name)
        if not s.has_error:
            if error_weights is not None:
                raise RongheError(f"{self.name}: model '{s.model}' has no spatial error; leave error_weights out")
            return None
        found = self.weights if error_weights is None else Weights.coerce(error_weights).align(self.panel.units)
        if s.has_lag and set(s.names) <= {CONSTANT} and found.hash == self.weights.hash:
            raise RongheError(
                f"{self.name}: without regressors, and with the same weights for both, rho and lambda can change "
                "places and the likelihood stays the same; bring regressors or other error_weights, or choose sar, sem"
            )
        return found

    def _check_method(self) -> None:
        """Refuse a method that does not exist for these effects and weights, naming the choices."""
        s = self.specification
        if not self.projection.has_time or not (s.has_lag or s.has_error):
            return
        used = [w for w in (self.weights if s.has_lag else None, self.error_weights) if w is not None]
        loose = [w for w in used if not w.is_row_standardised]
        if loose and s.method != "lsdv":
            raise RongheError(
                f"{self.name}: method '{s.method}' with effects='{s.effects}' rests on W 1 = 1, and the rows of "
                f"'{loose[0].name}' do not all sum to one. Choose method='lsdv', effects='units' or 'pooled', or "
                "weights standardised by row, without islands"
            )
        if s.has_error and any(w is self.error_weights for w in loose):
            raise RongheError(
                f"{self.name}: time effects with a spatial error need weights of the error whose rows sum to one, "
                f"and those of '{self.error_weights.name}' do not. Choose effects='units' or 'pooled', or weights "
                "standardised by row, without islands"
            )

    @cached_property
    def moments(self) -> Moments:
        """Projected data and their products."""
        s, p = self.specification, self.panel
        W = None if self.weights is None else self.weights.sparse
        M = None if self.error_weights is None else self.error_weights.sparse
        return build_moments(
            p.y, p.X, s.names, s.durbin, W, M, s.has_lag, self.projection, self.name, self.demean_first
        )

    @cached_property
    def likelihood(self) -> Likelihood:
        """The concentrated likelihood."""
        s, p = self.specification, self.panel
        nobs, periods = self.projection.effective_size(p.n_units, p.n_periods, s.method)
        self._check_size(nobs)
        require_identified(self.moments, self.name)
        return Likelihood(
            self.moments,
            chosen_log_determinant(self.weights, self.log_determinant, self.name) if s.has_lag else None,
            chosen_log_determinant(self.error_weights, self.log_determinant, self.name) if s.has_error else None,
            nobs,
            periods,
            self.projection.has_time and s.method == "lee_yu",
        )

    def _check_size(self, nobs: int) -> None:
        p, s = self.panel, self.specification
        absorbed = self.projection.n_absorbed(p.n_units, p.n_periods)
        free = self.projection.n_cells(p.n_units, p.n_periods) - absorbed - len(s.parameters) + 1
        if free <= 0 or nobs <= 0:
            raise RongheError(
                f"{self.name}: {p.n_units} units in {p.n_periods} periods leave no observation for "
                f"{len(s.parameters)} parameters beside {absorbed} fixed effects; use more data or fewer terms"
            )

    @single_threaded
    def fit(self, cov_type: str = "expected", **settings: object) -> SpatialPanelResult:
        """Maximise the likelihood and return the result.

        `cov_type` is one of expected, observed, robust, clustered, driscoll_kraay, conley; `settings` are those of
        `ronghe.spatial.uncertainty.covariance.CovarianceChoice`:
        cluster, bandwidth, cutoff, coordinates, kernel, small_sample, df. For few units: cov_type="clustered" with
        small_sample="corrected" (docs/inference.md).
        """
        choice = read_choice(cov_type, self.name, **settings)
        maximum = maximise(self.likelihood, self.name)
        point = maximum.point
        model = FittedModel(
            self.specification,
            self.panel,
            self.projection,
            self.likelihood,
            point.b,
            point.rho,
            point.lam,
            point.sigma2,
            self.weights,
        )
        if self.specification.method == "bias_corrected":
            model = bias_corrected(model)
        table = covariance(model, choice, self.name)
        notes = self.formula_notes + _edge_notes(maximum, self.name) + _probe_notes(model, point, table)
        note = few_periods(choice.kind, self.panel.n_periods)
        if note:
            warnings.warn(note, RuntimeWarning, stacklevel=3)
            notes += (note,)
        return SpatialPanelResult(model, table, choice, point.loglik, notes)


def bias_corrected(estimate: FittedModel) -> FittedModel:
    """Return the estimate of least squares with dummies after the analytical correction of Lee and Yu (2010).

    Theorem 4 (two-way effects) and Elhorst (2014, equation 3.16): with time effects the score is off by
    (0, 1/(1 - rho), 1/(1 - lambda), 1/(2 s2)) per period, which shifts the estimate by T I^-1 times that; with unit
    effects sigma2 grows by T / (T - 1). I is the information with G X b projected.
    """
    n_periods = estimate.panel.n_periods
    values = estimate.values.copy()
    if estimate.projection.has_time:
        bias = np.zeros(len(values))
        for name, a in (("rho", estimate.rho), ("lambda", estimate.lam)):
            if (place := estimate.place(name)) is not None:
                bias[place] = 1 / (1 - a)
        bias[-1] = 1 / (2 * estimate.sigma2)
        values += n_periods * (inverse_scaled(expected_information(estimate)) @ bias)
    if estimate.projection.has_units:
        values[-1] *= n_periods / (n_periods - 1)
    return estimate.moved(values)


def _probe_notes(model: FittedModel, point: Point, table: np.ndarray) -> tuple[str, ...]:
    """Say which log-determinants and traces were estimated by probes, and how closely."""
    likelihood = model.likelihood
    filters = {"rho": (likelihood.lag, point.rho), "lambda": (likelihood.error, point.lam)}
    own = {name: float(np.sqrt(table[model.place(name), model.place(name)])) for name in likelihood.free}
    names = {"lag_traces": "trace of rho", "error_traces": "trace of lambda", "pair_traces": "traces of both"}
    traces = {text: getattr(model.__dict__.get(name), "error", 0.0) for name, text in names.items()}
    used = {name: filters[name] for name in likelihood.free}
    return probe_notes(used, likelihood.n_periods, lambda: np.linalg.inv(point.curvature), own, traces)


def _edge_notes(maximum: Maximum, where: str) -> tuple[str, ...]:
    """Say, as a warning too, what a reader must know about the maximum."""
    notes = tuple(
        f"{where}: {name} stands at the edge of its interval: the likelihood rises up to it, and neither its "
        "standard error nor the impacts hold. Look for a trend common to all units, or choose other effects or weights"
        for name in maximum.at_edge
    )
    for note in notes:
        warnings.warn(note, RuntimeWarning, stacklevel=3)
    return notes
