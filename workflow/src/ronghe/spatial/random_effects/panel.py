"""Spatial panels with random unit effects by maximum likelihood: SAR, SDM, SEM, SDEM, SARAR, GNS, and OLS, SLX.

The errors are those of Baltagi, Song and Koh (2003) or of Kapoor, Kelejian and Prucha (2007); see `likelihood`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.algebra import inverse_scaled
from ronghe.spatial.equation import CONSTANT, MODELS, Specification, specify
from ronghe.spatial.estimates import Estimates
from ronghe.spatial.grid import WeightsLike, linked, read_panel_arrays, require_frames
from ronghe.spatial.impact_tables import estimates_table
from ronghe.spatial.log_determinant.notes import probe_notes
from ronghe.spatial.log_determinant.probed import ProbedLogDeterminant
from ronghe.spatial.log_determinant.suitable import KINDS, chosen_log_determinant
from ronghe.spatial.panel_model import PanelModel
from ronghe.spatial.postestimation.reduced_form import FixedEffects, ReducedForm
from ronghe.spatial.random_effects.few_clusters import RandomEffectsClusters, read_settings
from ronghe.spatial.random_effects.information import LARGEST, Components, information
from ronghe.spatial.random_effects.likelihood import ERRORS, ErrorComponents, Point, Strata
from ronghe.spatial.sufficient_statistics import lag
from ronghe.weights.matrix import Weights

WHERE = "RandomEffectsPanel"
COVARIANCES = ("expected", "observed", "clustered")
EFFECTS = ("units", "twoways")
STEP = 1e-4


def period_dummies(y: pd.Series) -> pd.DataFrame:
    """Return a dummy for every period but the first."""
    periods = y.index.get_level_values(1)
    labels = sorted(set(periods))[1:]
    return pd.DataFrame({f"period {label}": (periods == label).astype(float) for label in labels}, index=y.index)


class RandomEffectsPanel(PanelModel):
    """y_t = rho W y_t + X_t beta + W X_t theta + u_t with a random effect of each unit in u_t; a constant is added.

    With `effects="twoways"` a fixed effect of each period enters as its dummy, without a spatial lag of it, as
    `factor(year)` in a formula of R's splm does. Subtracting the means of periods would not do for errors with lambda:
    Omega does not commute with the means unless the columns of M add up to one. The dummies are no terms of the result.
    `log_determinant` is that of `SpatialPanel`: exact, or by probes where exact factors would not fit.

    >>> from ronghe.spatial import RandomEffectsPanel, munnell
    >>> data, W = munnell()
    >>> result = RandomEffectsPanel.from_formula("log(gsp) ~ log(emp) + unemp", data, W, model="sem").fit()
    >>> result.names
    ('const', 'log(emp)', 'unemp', 'lambda', 'sigma2', 'sigma2_units')
    """

    def __init__(
        self,
        y: pd.Series,
        X: pd.DataFrame,
        W: WeightsLike,
        model: str = "sdm",
        errors: str = "baltagi",
        durbin: Sequence[str] | None = None,
        error_weights: WeightsLike | None = None,
        effects: str = "units",
        log_determinant: str = "auto",
    ) -> None:
        """Lay the panel out by label and build the spatial lags."""
        require_known(errors, ERRORS, "errors", WHERE)
        require_known(effects, EFFECTS, "effects", WHERE)
        require_known(log_determinant, KINDS, "log_determinant", WHERE)
        self.log_determinant = log_determinant
        require_frames(y, X, WHERE)
        self.weights = linked(W, WHERE)
        self.period_names: tuple[str, ...] = ()
        if effects == "twoways":
            require_known(model, MODELS, "model", WHERE)
            if durbin is None and MODELS[model][1]:
                durbin = [str(name) for name in X.columns if name != CONSTANT]
            dummies = period_dummies(y)
            self.period_names = tuple(dummies.columns)
            X = pd.concat([X, dummies], axis=1)
        self.panel = read_panel_arrays(y, X, self.weights.labels, WHERE)
        if self.panel.n_periods < 2:
            raise RongheError(f"{WHERE}: one period tells no unit effect from the disturbance; use two or more")
        names = self.panel.names
        if CONSTANT not in names:
            names = (CONSTANT, *names)
        self.specification = specify(model, "pooled", "lsdv", names, durbin, WHERE)
        self.errors = errors
        if error_weights is not None and not self.specification.has_error:
            raise RongheError(f"{WHERE}: model '{model}' has no spatial error; leave error_weights out")
        self.error_weights = (
            self.weights if error_weights is None else Weights.coerce(error_weights).align(self.panel.units)
        )

    def describe(self) -> tuple[Specification, str]:
        """Return what is estimated without the dummies, and the effects in words."""
        dummies = ", fixed time" if self.period_names else ""
        return self.reported, f"random units ({self.errors}){dummies}"

    @property
    def parameters(self) -> tuple[list[int], list[str]]:
        """Return which of (beta, rho, lambda, sigma2, sigma2_units) the model has, by place and by name."""
        s = self.specification
        k = len(s.terms)
        places = [*range(k), *([k] * s.has_lag), *([k + 1] * s.has_error), k + 2, k + 3]
        return places, [*s.terms, *(["rho"] * s.has_lag), *(["lambda"] * s.has_error), "sigma2", "sigma2_units"]

    @property
    def reported(self) -> Specification:
        """Return the specification without the dummies of periods."""
        names = tuple(name for name in self.specification.names if name not in self.period_names)
        return replace(self.specification, names=names)

    @cached_property
    def regressors(self) -> np.ndarray:
        """Constant, X and W X as an array (column, period, unit)."""
        X = self.panel.X
        if CONSTANT not in self.panel.names:
            X = np.concatenate([np.ones((*self.panel.y.shape, 1)), X], axis=2)
        picked = [self.specification.names.index(name) for name in self.specification.durbin]
        if picked:
            X = np.concatenate([X, lag(self.weights.sparse, np.ascontiguousarray(X[:, :, picked]))], axis=2)
        return np.ascontiguousarray(X.transpose(2, 1, 0))

    @cached_property
    def likelihood(self) -> ErrorComponents:
        """The likelihood over (rho, lambda, phi)."""
        s, y = self.specification, self.panel.y
        Wy = lag(self.weights.sparse, y) if s.has_lag else np.zeros_like(y)
        M = self.error_weights.sparse if s.has_error else None
        self._check_between()
        lag_filter, error_filter = (
            chosen_log_determinant(W, self.log_determinant, WHERE) if present else None
            for W, present in ((self.weights, s.has_lag), (self.error_weights, s.has_error))
        )
        if self.errors == "baltagi" and isinstance(error_filter, ProbedLogDeterminant):
            raise RongheError(
                f"{WHERE}: errors 'baltagi' with lambda need the factors of I + T phi (I - lambda M)(I - lambda M)', "
                f"which would not fit for '{self.error_weights.name}', and probes stand in for ln|I - lambda M| alone; "
                "choose errors='kkp', or weights with fewer links"
            )
        return ErrorComponents(Strata.of(y.T, Wy.T, self.regressors, M), self.errors, lag_filter, error_filter, M)

    def _check_between(self) -> None:
        """Refuse regressors that the others explain."""
        Z = self.regressors.reshape(len(self.specification.terms), -1)
        scale = np.sqrt(np.einsum("kn,kn->k", Z, Z))
        if not scale.all():
            zero = [t for t, s in zip(self.specification.terms, scale, strict=True) if s == 0]
            raise RongheError(f"{WHERE}: zero everywhere: {', '.join(zero)}; leave it out")
        values, vectors = np.linalg.eigh(Z @ Z.T / np.outer(scale, scale))
        if values[0] <= 1e-11:
            names = [t for t, v in zip(self.specification.terms, vectors[:, 0], strict=True) if abs(v) > 1e-3]
            raise RongheError(f"{WHERE}: these regressors add up to one another: {', '.join(names)}; leave one out")

    def fit(
        self, cov_type: str = "expected", small_sample: str | None = None, df: str | None = None
    ) -> RandomEffectsResults:
        """Maximise the likelihood; the covariance of all parameters is kept whole.

        `cov_type` is expected, observed or clustered (by units), with `small_sample` CR1, CR2, CR3 (jackknife) or
        corrected, which it is unless told, and `df` as in `SpatialPanel.fit`.
        """
        require_known(cov_type, COVARIANCES, "cov_type", WHERE)
        if cov_type != "clustered" and (small_sample, df) != (None, None):
            raise RongheError(f"{WHERE}: small_sample and df are for cov_type='clustered'; leave them out")
        return RandomEffectsResults(
            self, *self.maximum(), cov_type, *read_settings("corrected" if small_sample is None else small_sample, df)
        )

    def maximum(self) -> tuple[Components, Point]:
        """Return the estimates, and the likelihood there."""
        s = self.specification
        bounds = self.likelihood.lag.bounds if s.has_lag else (-1.0, 1.0)
        error_bounds = self.likelihood.spatial_error.bounds if s.has_error else (-1.0, 1.0)
        (rho, lam, phi), point = self.likelihood.maximise(bounds, error_bounds)
        fitted = Components(point.beta, float(rho), float(lam), point.sigma2, float(phi) * point.sigma2, self.errors)
        for name, value, (low, high) in (("rho", rho, bounds), ("lambda", lam, error_bounds)):
            if min(value - low, high - value) <= 1e-5 * (high - low):
                warnings.warn(
                    f"{WHERE}: {name} stands at the edge of its interval ({value:.6g}): the likelihood rises up to it, "
                    "and neither its standard error nor the impacts hold",
                    RuntimeWarning,
                    stacklevel=2,
                )
        return fitted, point

    def information(self, fitted: Components, within_only: bool = False) -> np.ndarray:
        """Return the expected information of (beta, rho, lambda, sigma2, sigma2_units), zeros for absent parameters."""
        if self.panel.n_units > LARGEST:
            raise RongheError(
                f"{WHERE}: the expected information is for up to {LARGEST} units; use cov_type='observed'"
            )
        full = information(
            self.regressors, self.weights.sparse.toarray(), self.error_weights.sparse.toarray(), fitted, within_only
        )
        k, s = len(fitted.beta), self.specification
        for place, present in ((k, s.has_lag), (k + 1, s.has_error)):
            if not present:
                full[place], full[:, place] = 0.0, 0.0
        return full

    def observed_information(self, fitted: Components) -> np.ndarray:
        """Return minus the Hessian by central differences of the complete log-likelihood."""
        theta = np.concatenate([fitted.beta, [fitted.rho, fitted.lam, fitted.sigma2, fitted.sigma2_units]])
        k, free = len(fitted.beta), self.parameters[0]
        normal = self.likelihood.at(fitted.rho, fitted.lam, fitted.sigma2_units / fitted.sigma2).normal
        steps = np.full(k + 4, STEP)
        steps[:k] = STEP * 100 * np.sqrt(fitted.sigma2 / np.diag(normal))
        steps[k + 2 :] = STEP * np.maximum(theta[k + 2 :], 0.01 * fitted.sigma2)
        result = np.zeros((k + 4, k + 4))
        for i in free:
            for j in free:
                if j > i:
                    continue
                a, b = np.zeros(k + 4), np.zeros(k + 4)
                a[i], b[j] = steps[i], steps[j]
                f = self.likelihood.complete
                second = f(theta + a + b) - f(theta + a - b) - f(theta - a + b) + f(theta - a - b)
                result[i, j] = result[j, i] = -second / (4 * steps[i] * steps[j])
        return result


class RandomEffectsResults(Estimates):
    """A fitted random-effects model; "sigma2" is the variance of e, "sigma2_units" that of the unit effect."""

    title = "Spatial panel with random unit effects by maximum likelihood"

    def __init__(
        self,
        model: RandomEffectsPanel,
        fitted: Components,
        point: Point,
        cov_type: str,
        small_sample: str = "corrected",
        df: str | None = None,
    ) -> None:
        """Name the estimates and invert the information."""
        self.model, self.components, self.loglik = model, fitted, point.loglik
        self.small_sample, self.df = small_sample, df
        places, names = model.parameters
        self.at_boundary = fitted.at_boundary
        theta = np.concatenate([fitted.beta, [fitted.rho, fitted.lam, fitted.sigma2, fitted.sigma2_units]])
        told = [i for i, name in enumerate(names) if name not in model.period_names]
        self._told = np.eye(len(names))[told]
        if cov_type == "clustered":
            self._clusters = RandomEffectsClusters.at(model, fitted)
            covariance, inverse = self._clusters.covariance(small_sample), inverse_scaled(self._clusters.information)
        else:
            full = model.information(fitted) if cov_type == "expected" else model.observed_information(fitted)
            covariance = inverse = inverse_scaled(full[np.ix_(places, places)])
        super().__init__([names[i] for i in told], theta[places][told], covariance[np.ix_(told, told)], cov_type)
        self.notes = model.formula_notes + self._probe_notes(inverse)

    def _probe_notes(self, inverse: np.ndarray) -> tuple[str, ...]:
        """Say which log-determinants were estimated by probes, and how closely; traces of impacts are their slopes.

        `inverse` is that of the information, whatever covariance was asked for.
        """
        likelihood, c = self.model.likelihood, self.components
        filters = {"rho": (likelihood.lag, c.rho), "lambda": (likelihood.spatial_error, c.lam)}
        used = {name: pair for name, pair in filters.items() if pair[0] is not None}
        places = [self.model.parameters[1].index(name) for name in used]
        own = {name: float(self.std_errors[name]) for name in used}
        return probe_notes(used, self.model.panel.n_periods, lambda: inverse[np.ix_(places, places)], own, {})

    def reference(self, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of the variance and degrees of freedom of t for combinations g'theta (quantity, parameter)."""
        if self.cov_type != "clustered":
            return super().reference(gradients)
        return self._clusters.freedom(self.small_sample, gradients @ self._told, self.df)

    @property
    def effects(self) -> str:
        """Random effects of units, and which errors they share space with."""
        return self.model.describe()[1]

    @property
    def fixed_effects(self) -> tuple[str, ...]:
        """The name of the periods, where their dummies are in the model."""
        return self.effect_names()[1:] if self.model.period_names else ()

    @property
    def random_effects(self) -> str:
        """Units, and the kind of errors."""
        return f"{self.effect_names()[0]} ({self.model.errors})"

    @property
    def specification(self) -> Specification:
        """What was fitted, without the dummies of periods."""
        return self.model.reported

    @property
    def nobs(self) -> int:
        """Number of unit-periods."""
        return self.model.panel.y.size

    @property
    def resids(self) -> pd.Series:
        """Residuals u = y - rho W y - Z beta, the unit effect included."""
        return self.model.panel.series(self.residual_array, "residual")

    @cached_property
    def residual_array(self) -> np.ndarray:
        """Residuals as an array (unit, period)."""
        y, c = self.model.panel.y, self.components
        Wy = lag(self.model.weights.sparse, y)
        return y - c.rho * Wy - np.einsum("k,ktn->nt", c.beta, self.model.regressors)

    def unit_effects(self) -> pd.DataFrame:
        """Return the best linear predictor of each unit's effect and its standard error given the parameters.

        sigma2_units (iota' x base) Omega^-1 u, base = I or (B'B)^-1 by the kind of errors (Baltagi 2021, section 2.5).
        Dense algebra of size N.
        """
        c, panel = self.components, self.model.panel
        M = self.model.error_weights.sparse.toarray()
        eye = np.eye(panel.n_units)
        B = eye - c.lam * M
        R = np.linalg.inv(B.T @ B)
        base = R if c.error == "kkp" else eye
        A = c.sigma2 * R + panel.n_periods * c.sigma2_units * base
        gain = c.sigma2_units * base @ np.linalg.inv(A)
        estimate = panel.n_periods * gain @ self.residual_array.mean(axis=1)
        variance = np.diag(c.sigma2_units * base - panel.n_periods * gain @ (c.sigma2_units * base))
        index = pd.Index(panel.units, name=panel.index.names[0])
        return pd.DataFrame({"estimate": estimate, "std_error": np.sqrt(np.maximum(variance, 0))}, index=index)

    def reduced_form(self) -> ReducedForm:
        """Return what predictions need: the unit effects are predicted, those of periods are the dummies' own."""
        model, reported, c = self.model, self.model.reported, self.components
        coefficients = dict(zip(model.specification.terms, c.beta, strict=True))
        times = np.array([0.0, *(coefficients[name] for name in model.period_names)])
        times = times if model.period_names else np.zeros(model.panel.n_periods)
        mean = float(times.mean())
        effects = FixedEffects(mean, self.unit_effects()["estimate"].to_numpy(), times - mean)
        b = np.array([coefficients[term] for term in reported.terms])
        lag = model.likelihood.lag
        return ReducedForm(
            model.panel, reported.names, reported.durbin, b, model.weights, c.rho, lag, effects, model.panel.periods
        )

    def impacts(self, level: float = 0.95) -> pd.DataFrame:
        """Return direct, indirect and total impacts with delta-method errors from the whole covariance."""
        return estimates_table(self, self.model.reported, self.model.weights, level, self.model.likelihood.lag)
