"""Spatial panels with gaps by the exact likelihood of the observed cells; see `likelihood`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.linear.algebra import inverse_scaled
from ronghe.spatial.equation import specify
from ronghe.spatial.estimates import Estimates
from ronghe.spatial.grid import WeightsLike, linked, read_panel_arrays, select_observed, with_constant
from ronghe.spatial.impact_tables import estimates_table
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.panel_model import PanelModel
from ronghe.spatial.postestimation.reduced_form import FixedEffects, ReducedForm
from ronghe.spatial.projection import EFFECTS, Projection
from ronghe.spatial.sufficient_statistics import lag
from ronghe.spatial.unbalanced.likelihood import ObservedLikelihood, Point, maximise, named
from ronghe.threads import single_threaded
from ronghe.weights.matrix import Weights

WHERE = "UnbalancedPanel"
MODELS = ("sar", "sem", "sdm", "sdem", "sarar", "gns")
COVARIANCES = ("expected",)
# Numbers of the whitened dummies, observed cells x effects, that are held at once.
LARGEST = 40_000_000


class UnbalancedPanel(PanelModel):
    """y_t = rho W y_t + X_t beta + W X_t theta + mu + tau_t + u_t where cells of y are missing.

    The likelihood is that of the observed cells, those of unobserved neighbours integrated out, free of the fixed
    effects; without gaps it is `SpatialPanel`'s by Lee and Yu. Gaps must not depend on the disturbances. A cell is
    missing if its row is absent or y is NaN. With a spatial lag a neighbour's regressors matter even where its outcome
    is missing: X must be known in every cell. Without one X may be missing where y is, and a cell whose neighbours'
    lagged regressors are unknown is left out.

    >>> from ronghe.spatial import UnbalancedPanel, munnell
    >>> data, W = munnell()
    >>> data = data.assign(gsp=data["gsp"].where(data["unemp"] < 11))
    >>> result = UnbalancedPanel.from_formula("log(gsp) ~ log(emp) + unemp | units + time", data, W).fit()
    >>> result.nobs, result.params.round(3).to_dict()["rho"]
    (770, 0.441)
    """

    def __init__(
        self,
        y: pd.Series,
        X: pd.DataFrame,
        W: WeightsLike,
        model: str = "sdm",
        effects: str = "twoways",
        durbin: Sequence[str] | None = None,
        error_weights: WeightsLike | None = None,
    ) -> None:
        """Lay the panel out by label and mark the cells that are there."""
        require_known(model, MODELS, "model", f"{WHERE} (for ols and slx: SpatialPanel with missing='select')")
        require_known(effects, EFFECTS, "effects", WHERE)
        self.weights = linked(W, WHERE)
        panel = with_constant(read_panel_arrays(y, X, self.weights.labels, WHERE, select=True), effects)
        self.specification = specify(model, effects, "lee_yu", panel.names, durbin, WHERE)
        s = self.specification
        if s.has_lag:
            _require_regressors(panel)
        self.panel = select_observed(panel, self.weights.sparse, s.durbin)
        # Which numbers of X are there, and the cells with all of theirs and of their neighbours'.
        self.finite = np.isfinite(panel.X)
        with_regressors = replace(panel, observed=self.finite.all(axis=2))
        self.known = select_observed(with_regressors, self.weights.sparse, s.durbin).cells
        if error_weights is not None and not s.has_error:
            raise RongheError(f"{WHERE}: model '{model}' has no spatial error; leave error_weights out")
        self.error_weights = (
            self.weights if error_weights is None else Weights.coerce(error_weights).align(self.panel.units)
        )
        self.projection = Projection(effects, self.panel.cells)
        if s.has_lag and self.projection.has_time and not self.weights.is_row_standardised:
            raise RongheError(
                f"{WHERE}: time effects with a spatial lag rest on W 1 = 1, and the rows of '{self.weights.name}' do "
                "not all sum to one. Choose effects='units' or 'pooled', or weights standardised by row, without "
                "islands"
            )

    @cached_property
    def likelihood(self) -> ObservedLikelihood:
        """The likelihood of the observed cells."""
        s, p = self.specification, self.panel
        picked = [s.names.index(name) for name in s.durbin]
        lagged = lag(self.weights.sparse, np.ascontiguousarray(p.X[:, :, picked]))
        likelihood = ObservedLikelihood(
            np.where(p.cells, p.y, 0.0),
            np.concatenate([p.X, lagged], axis=2),
            p.cells,
            self.weights.sparse.toarray() if s.has_lag else None,
            self.error_weights.sparse.toarray() if s.has_error else None,
            self.projection.has_units,
            self.projection.has_time,
        )
        if likelihood.nobs <= len(s.parameters):
            raise RongheError(
                f"{WHERE}: {likelihood.n_cells} observed cells leave {likelihood.nobs} contrasts for "
                f"{len(s.parameters)} parameters; use more data, fewer terms or fewer effects"
            )
        held = likelihood.n_cells * (len(likelihood.columns) + 1)
        if held > LARGEST:
            raise RongheError(
                f"{WHERE}: {likelihood.n_cells:,} cells with {len(likelihood.columns):,} effects are more than the "
                "exact likelihood of the observed cells holds; leave out the units or the periods with gaps (with "
                "weights built anew) and use SpatialPanel"
            )
        self._check_rank(likelihood)
        return likelihood

    def _check_rank(self, likelihood: ObservedLikelihood) -> None:
        """Refuse terms that the effects or other terms span among the observed cells, by name."""
        Z = self.projection.apply(likelihood.Z)[likelihood.seen]
        raw = np.sqrt((likelihood.Z[likelihood.seen] ** 2).sum(axis=0))
        size = np.sqrt((Z**2).sum(axis=0))
        gone = [t for t, a, b in zip(self.specification.terms, size, raw, strict=True) if a <= 1e-9 * b]
        if gone:
            raise RongheError(
                f"{WHERE}: effects='{self.specification.effects}' leave nothing of {listing(gone)} in the observed "
                "cells; leave it out or choose other effects"
            )
        values, vectors = np.linalg.eigh(Z.T @ Z / np.outer(size, size)) if Z.shape[1] else (np.ones(1), None)
        if values[0] <= 1e-11:
            names = [t for t, v in zip(self.specification.terms, vectors[:, 0], strict=True) if abs(v) > 1e-3]
            raise RongheError(f"{WHERE}: these regressors add up to one another: {listing(names)}; leave one out")

    @single_threaded
    def fit(self, cov_type: str = "expected") -> UnbalancedResults:
        """Maximise the likelihood; the covariance is that of the expected information."""
        require_known(cov_type, COVARIANCES, "cov_type", WHERE)
        s, likelihood = self.specification, self.likelihood
        filters = [self.weights] * s.has_lag + [self.error_weights] * s.has_error
        bounds = [log_determinant(weights).bounds for weights in filters]
        theta = maximise(likelihood, bounds, WHERE)
        for name, value, (low, high) in zip(["rho"] * s.has_lag + ["lambda"] * s.has_error, theta, bounds, strict=True):
            if min(value - low, high - value) <= 2e-5 * (high - low):
                warnings.warn(
                    f"{WHERE}: {name} stands at the edge of its interval ({value:.6g}): the likelihood rises up to it, "
                    "and neither its standard error nor the impacts hold",
                    RuntimeWarning,
                    stacklevel=3,
                )
        return UnbalancedResults(self, likelihood.at(**named(likelihood, theta), whole=True), cov_type)


@dataclass(frozen=True, kw_only=True)
class ObservedForm(ReducedForm):
    """The reduced form where the observed cells tell the sum of the effects only of the cells in `identified`."""

    identified: np.ndarray

    def at(self, X: pd.DataFrame, time_effect: float | str = "mean") -> pd.Series:
        """Return predictions, NaN where the effects are unknown: for a new period those it is said to resemble."""
        found, place = super().at(X, time_effect), {p: j for j, p in enumerate(self.periods)}
        there = self.identified
        new = there[:, -1] if time_effect == "last" else there[:, there.any(axis=0)].all(axis=1)
        units = pd.Index(self.panel.units).get_indexer(X.index.get_level_values(0))
        periods = X.index.get_level_values(1)
        kept = [there[i, place[p]] if p in place else new[i] for i, p in zip(units, periods, strict=True)]
        return found.where(kept)


class UnbalancedResults(Estimates):
    """A fitted spatial panel with gaps; residuals are y less what the model expects without looking at any y."""

    title = "Spatial panel with gaps by maximum likelihood"

    def __init__(self, model: UnbalancedPanel, point: Point, cov_type: str) -> None:
        """Name the estimates and invert the information."""
        s = model.specification
        spatial = [point.rho] * s.has_lag + [point.lam] * s.has_error
        fit = point.fit
        values = np.concatenate([fit.b, spatial, [fit.sigma2]])
        super().__init__(s.parameters, values, inverse_scaled(point.information), cov_type)
        self.model, self.point, self.loglik, self.sigma2 = model, point, fit.loglik, fit.sigma2
        self.nobs = model.likelihood.n_cells
        self.notes = (
            f"{WHERE}: {self.nobs} of {model.panel.y.size} cells are observed; the others are integrated out.",
            *model.formula_notes,
        )

    @property
    def n_effective(self) -> int:
        """Contrasts that the likelihood counts: observed cells less fixed effects."""
        return self.model.likelihood.nobs

    @cached_property
    def resids(self) -> pd.Series:
        """Residuals of the reduced form, for the observed rows."""
        panel = self.model.panel
        return panel.series(panel.y - self._expected, "residual").dropna()

    @property
    def _expected(self) -> np.ndarray:
        """S^-1 Z b and the effects, as an array (unit, period)."""
        fit, n = self.point.fit, self.n_units
        return fit.means + fit.effects[:n, None] + fit.effects[n:]

    def _squares(self) -> tuple[float, float]:
        panel, pooled = self.model.panel, self.specification.effects == "pooled"
        y = panel.y[panel.cells]
        total = ((y - y.mean()) ** 2).sum() if pooled else (self.model.projection.apply(panel.y) ** 2).sum()
        return float((self.resids**2).sum()), float(total)

    def reduced_form(self) -> ObservedForm:
        """Return what predictions need; a number for `time_effect` counts on y, not on S y."""
        model, s, n = self.model, self.specification, self.n_units
        identified = model.likelihood.identified
        units = np.where(identified.any(axis=1), self.point.fit.effects[:n], np.nan)
        times = np.where(identified.any(axis=0), self.point.fit.effects[n:], np.nan)
        level = np.array([np.nanmean(units), np.nanmean(times)])
        effects = FixedEffects(float(level.sum()), units - level[0], times - level[1])
        filter_ = log_determinant(model.weights) if s.has_lag else None
        parts = (self.point.fit.b, model.weights, self.point.rho, filter_, effects, model.panel.periods)
        panel = replace(model.panel, X=np.where(model.finite, model.panel.X, np.nan), observed=None)
        return ObservedForm(panel, s.names, s.durbin, *parts, effects_on_outcome=True, identified=identified)

    def completed(self) -> pd.Series:
        """Return y on the full grid, missing cells at E[y | the observed cells of the period] at the estimates.

        m + C P'V^-1 (y - m): what is known of the neighbours' outcomes tells of the missing one. NaN, as in `predict`,
        where m is unknown: X is not there, or no observed cells tell the sum of the unit's and the period's effects.
        """
        model, fit = self.model, self.point.fit
        given = fit.A @ (fit.A.T @ model.likelihood.dual(fit))
        expected = np.where(model.known & model.likelihood.identified, self._expected + given, np.nan)
        values = np.where(model.panel.cells, model.panel.y, expected)
        grid = pd.MultiIndex.from_product([model.panel.units, model.panel.periods], names=model.panel.index.names)
        return pd.Series(values.ravel(), index=grid, name=model.panel.outcome)

    def impacts(self, level: float = 0.95) -> pd.DataFrame:
        """Return direct, indirect and total impacts with delta-method errors from the whole covariance."""
        return estimates_table(self, self.specification, self.model.weights, level)


def _require_regressors(panel: object) -> None:
    """Refuse unknown regressors in a model with a spatial lag of the outcome."""
    lacking = np.argwhere(~np.isfinite(panel.X).all(axis=2))
    if len(lacking):
        cells = listing([f"({panel.units[i]}, {panel.periods[t]})" for i, t in lacking[:12]])
        more = f" and {len(lacking) - 12} more" if len(lacking) > 12 else ""
        raise RongheError(
            f"{WHERE}: regressors are missing for {cells}{more}. With a spatial lag a neighbour's regressors move its "
            "outcome, and through it the others', even where that outcome is missing: add rows with the regressors and "
            "an empty outcome, fill them, or choose a model without W y (sem, sdem)"
        )
