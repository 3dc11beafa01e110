"""The wild cluster bootstrap-t of spatial panels: whole re-estimation of every draw, for coefficients and impacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.bootstrap import cluster_weights
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.results import SpatialPanelResult

STUDENTISED = ("CR1", "CR2", "CR3")
EFFECTS = ("direct", "indirect", "total")
COLUMNS = [
    "estimate",
    "std_error",
    "statistic",
    "pvalue",
    "lower",
    "upper",
    "pvalue_equal",
    "lower_equal",
    "upper_equal",
    "draws",
]
# Steps of the search for the ends of an interval by inversion.
HALVINGS = 14


@dataclass(frozen=True)
class Quantities:
    """What is asked of every fit: parameters by name, and direct, indirect and total impacts of variables."""

    batch: Batch
    terms: tuple[str, ...]
    variables: tuple[str, ...]

    @property
    def index(self) -> pd.MultiIndex:
        """(variable, effect); the effect of a parameter is "coefficient"."""
        pairs = [(t, "coefficient") for t in self.terms] + [(v, e) for v in self.variables for e in EFFECTS]
        return pd.MultiIndex.from_tuples(pairs, names=["variable", "effect"])

    def of(self, fit: BatchFit) -> tuple[np.ndarray, np.ndarray]:
        """Return values (draw, quantity) and gradients (draw, quantity, parameter)."""
        names = list(self.batch.names)
        places = [names.index(t) for t in self.terms]
        values, gradients = fit.values[:, places], np.eye(len(names))[places]
        gradients = np.broadcast_to(gradients, (fit.n_draws, *gradients.shape))
        if not self.variables:
            return values, gradients
        impacts, slopes = fit.impacts(self.variables)
        shape = (fit.n_draws, -1)
        return (
            np.concatenate([values, impacts.reshape(shape)], axis=1),
            np.concatenate([gradients, slopes.reshape(*shape, len(names))], axis=1),
        )


class WildBootstrap:
    """Draws y* = (I - rho W)^-1 (Z b + effects + v_i e_i), one weight v_i per region, and studentised estimates.

    `residuals` says which e_i carry the weights: CR3 (the default) takes (I - H_ii)^-1 e_i, so that draws vary as much
    as the disturbances did and not as the residuals do (after the score versions of MacKinnon, Nielsen and Webb
    2023), CR2 the square root, CR0 residuals as they are.
    """

    def __init__(self, result: SpatialPanelResult, residuals: str = "CR3") -> None:
        """Estimate once more in batch form."""
        require_known(residuals, ("CR0", "CR2", "CR3"), "residuals", "wild bootstrap")
        self.batch = Batch(result)
        self.kind = residuals
        self.fit = self.batch.fit(self.batch.panel.y[None])

    def quantities(self, terms: Sequence[str] | None, variables: Sequence[str] | None) -> Quantities:
        """Return the quantities by name; all terms but sigma2, and impacts of all regressors, unless told."""
        s = self.batch.specification
        terms = self.batch.names[:-1] if terms is None else tuple(terms)
        for term in terms:
            require_known(term, self.batch.names[:-1], "term", "wild bootstrap")
        variables = tuple(n for n in s.names if n != "const") if variables is None else tuple(variables)
        return Quantities(self.batch, tuple(terms), variables)

    @cached_property
    def _surface(self) -> np.ndarray:
        """What stays in every draw: S y less the projected residual, which is Z b plus the effects."""
        y = self.batch.panel.y
        lagged = self.fit.rho[0] * (self.batch.W @ y) if self.batch.has_lag else 0.0
        return y - lagged - self.fit.residuals[0]

    def draw(self, weights: np.ndarray) -> np.ndarray:
        """Return outcomes for weights (draw, unit)."""
        right = self._surface + weights[:, :, None] * self.fit.adjusted(self.kind)[0]
        rho = self.fit.rho[0]
        return np.linalg.inv(np.eye(self.batch.n_units) - rho * self.batch.W) @ right if rho else right

    def statistics(self, quantities: Quantities, weights: np.ndarray, studentised: str) -> tuple[np.ndarray, ...]:
        """Return estimates and standard errors (quantity), and the draws' t about the estimates (draw, quantity)."""
        centre, gradients = quantities.of(self.fit)
        errors = np.sqrt(self.fit.variances(studentised, gradients))
        found = np.empty((len(weights), centre.shape[1]))
        for part in self.batch.in_chunks(len(weights)):
            fit = self.batch.fit(self.draw(weights[part]))
            values, slopes = quantities.of(fit)
            found[part] = (values - centre) / np.sqrt(fit.variances(studentised, slopes))
        return centre[0], errors[0], found


def wild_bootstrap(
    result: SpatialPanelResult,
    terms: Sequence[str] | None = None,
    variables: Sequence[str] | None = None,
    draws: int = 9999,
    studentised: str = "CR1",
    residuals: str = "CR3",
    weights: str = "rademacher",
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return bootstrap-t p-values and intervals of coefficients and impacts, null not imposed.

    `pvalue`, `lower`, `upper` are symmetric (from |t*|); those with `_equal` are equal-tailed (Davidson and
    MacKinnon 2010). One set of draws serves every quantity and every null.
    """
    require_known(studentised, STUDENTISED, "studentised", "wild bootstrap")
    boot = WildBootstrap(result, residuals)
    quantities = boot.quantities(terms, variables)
    v = cluster_weights(boot.batch.n_units, draws, weights, seed)
    values, errors, t = boot.statistics(quantities, v, studentised)
    enumerated = weights == "rademacher" and len(v) == 2**boot.batch.n_units
    rows = [summary(values[q], errors[q], t[:, q], level, enumerated) for q in range(len(values))]
    return pd.DataFrame(rows, index=quantities.index, columns=COLUMNS)


def summary(value: float, error: float, t: np.ndarray, level: float, enumerated: bool) -> dict:
    """Return p-values of zero and intervals from draws of t about the estimate."""
    statistic = value / error
    extra = 0 if enumerated else 1
    B = len(t) + extra
    tolerance = 1 - 1e-10
    above = np.sum(np.abs(t) >= abs(statistic) * tolerance)
    # Equal-tailed: twice the smaller tail.
    smaller = min(np.sum(t >= statistic), np.sum(t <= statistic))
    size = quantile(np.abs(t), level)
    low, high = quantile(t, 0.5 - level / 2), quantile(t, 0.5 + level / 2)
    return {
        "estimate": value,
        "std_error": error,
        "statistic": statistic,
        "pvalue": (above + extra) / B,
        "lower": value - size * error,
        "upper": value + size * error,
        "pvalue_equal": min(1.0, 2 * (smaller + extra) / B),
        "lower_equal": value - high * error,
        "upper_equal": value - low * error,
        "draws": len(t),
    }


def quantile(t: np.ndarray, share: float) -> float:
    """Return the order statistic at share (B + 1), so that interval and p-value agree."""
    order = np.sort(t)
    place = share * (len(t) + 1)
    nearest = round(place)
    k = nearest if abs(place - nearest) < 1e-8 else int(np.ceil(place) if share >= 0.5 else np.floor(place))
    return float(order[min(max(k, 1), len(t)) - 1])


class ImposedNull:
    """Draws under a null about one quantity: R(rho)'b = value, R from a parameter or an impact of one variable.

    Given rho the restriction is linear in b, so that the restricted likelihood is a function of rho alone:
    SSR(rho) + (R'b - value)^2 / (R'(Z'Z)^-1 R) stands for SSR(rho).
    """

    def __init__(self, boot: WildBootstrap, variable: str, effect: str) -> None:
        """Name the quantity: a term with effect "coefficient", or a variable with direct, indirect or total."""
        self.boot, self.variable, self.effect = boot, variable, effect
        s, names = boot.batch.specification, list(boot.batch.names)
        if effect == "coefficient":
            require_known(variable, names[:-1], "term", "wild bootstrap")
            self.quantities = Quantities(boot.batch, (variable,), ())
            self.column = 0
        else:
            require_known(effect, EFFECTS, "effect", "wild bootstrap")
            require_known(variable, s.names, "regressor", "wild bootstrap")
            self.quantities = Quantities(boot.batch, (), (variable,))
            self.column = EFFECTS.index(effect)

    def _restriction(self, rho: float) -> np.ndarray:
        """Return R at rho."""
        batch, fit = self.boot.batch, self.boot.fit
        K = fit.b.shape[1]
        if self.effect == "coefficient":
            return np.eye(K)[list(batch.names).index(self.variable)]
        at = fit.moved(fit.b, np.array([rho]))
        return self.quantities.of(at)[1][0, self.column, :K]

    def estimate(self, value: float) -> tuple[np.ndarray, float]:
        """Return b and rho under the null."""
        batch, fit = self.boot.batch, self.boot.fit
        if not batch.has_lag:
            return self._move(fit.b[0], 0.0, value), 0.0
        b0 = fit.b[0] + fit.rho[0] * fit.slope[0]
        if self.effect == "coefficient" and self.variable == "rho":
            low, high = batch.jacobian.bounds
            if not low < value < high:
                raise RongheError(f"wild bootstrap: rho = {value:g} lies outside ({low:g}, {high:g})")
            return b0 - value * fit.slope[0], value
        from scipy.optimize import minimize_scalar

        e1 = fit.partialled[0]
        s11, s1e = float(np.sum(e1 * e1)), float(np.sum(e1 * fit.residuals[0]))

        def loss(rho: float) -> float:
            step = fit.rho[0] - rho
            R = self._restriction(rho)
            gap = R @ (b0 - rho * fit.slope[0]) - value
            ssr = fit.ssr[0] + 2 * step * s1e + step**2 * s11 + gap**2 / (R @ batch.bread @ R)
            return 0.5 * batch.nobs * np.log(ssr) - float(batch.jacobian.value(np.array([rho]))[0])

        low, high = batch.jacobian.bounds
        margin = 1e-4 * (high - low)
        grid = np.linspace(low + margin, high - margin, 101)
        start = int(np.argmin([loss(a) for a in grid]))
        ends = grid[max(start - 1, 0)], grid[min(start + 1, 100)]
        rho = float(minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-10}).x)
        return self._move(b0 - rho * fit.slope[0], rho, value), rho

    def _move(self, b: np.ndarray, rho: float, value: float) -> np.ndarray:
        R = self._restriction(rho)
        spread = self.boot.batch.bread @ R
        return b - spread * (R @ b - value) / (R @ spread)

    def pvalue(self, value: float, weights: np.ndarray, studentised: str, enumerated: bool) -> float:
        """Return the symmetric p-value of quantity = value, from draws under it."""
        batch, boot = self.boot.batch, self.boot
        b, rho = self.estimate(value)
        y = batch.panel.y
        fitted = batch.raw @ b
        filtered = y - (rho * (batch.W @ y) if batch.has_lag else 0.0)
        e = batch.projection.apply_to_draws((filtered - fitted)[None])
        at = boot.fit.moved(b[None], np.array([rho]), e)
        carried = at.adjusted(boot.kind)[0]
        surface = filtered - e[0]
        inverse = np.linalg.inv(np.eye(batch.n_units) - rho * batch.W) if rho else None
        values, gradients = self.quantities.of(boot.fit)
        q = [self.column]
        observed = (values[0, q] - value) / np.sqrt(boot.fit.variances(studentised, gradients[:, q])[0])
        above = 0
        for part in batch.in_chunks(len(weights)):
            right = surface + weights[part][:, :, None] * carried
            fit = batch.fit(right if inverse is None else inverse @ right)
            drawn, slopes = self.quantities.of(fit)
            t = (drawn[:, self.column] - value) / np.sqrt(fit.variances(studentised, slopes[:, q])[:, 0])
            above += int(np.sum(np.abs(t) >= abs(observed[0]) * (1 - 1e-10)))
        extra = 0 if enumerated else 1
        return (above + extra) / (len(weights) + extra)


def imposed_null(
    result: SpatialPanelResult,
    variable: str,
    effect: str,
    value: float = 0.0,
    draws: int = 9999,
    studentised: str = "CR3",
    residuals: str = "CR0",
    weights: str = "rademacher",
    level: float | None = None,
    seed: int = 0,
) -> dict:
    """Return the p-value of quantity = value with the null imposed, and with `level` the interval by inversion.

    The interval holds the values that are not rejected at 1 - level; the same weights serve every value, so that p is
    a function of it, and its ends are found by halving.
    """
    require_known(studentised, STUDENTISED, "studentised", "wild bootstrap")
    boot = WildBootstrap(result, residuals)
    null = ImposedNull(boot, variable, effect)
    v = cluster_weights(boot.batch.n_units, draws, weights, seed)
    enumerated = weights == "rademacher" and len(v) == 2**boot.batch.n_units
    found = {"pvalue": null.pvalue(value, v, studentised, enumerated), "draws": len(v)}
    if level is None:
        return found
    values, gradients = null.quantities.of(boot.fit)
    centre = float(values[0, null.column])
    error = float(np.sqrt(boot.fit.variances("CR3", gradients[:, [null.column]])[0, 0]))
    for name, side in (("lower", -1.0), ("upper", 1.0)):
        found[name] = _end(null, centre, side * error, v, studentised, enumerated, 1 - level)
    return found


def _end(
    null: ImposedNull, centre: float, step: float, weights: np.ndarray, studentised: str, enumerated: bool, size: float
) -> float:
    """Return where p falls to `size` on one side of the estimate; the end of the range of rho where it never does."""
    low, high = null.boot.batch.jacobian.bounds
    is_rho = null.effect == "coefficient" and null.variable == "rho"
    inside, reach = 0.0, 2.0
    while True:
        outside = centre + reach * step
        if is_rho and not low < outside < high:
            edge = (low if step < 0 else high) * (1 - 1e-6)
            if null.pvalue(edge, weights, studentised, enumerated) > size:
                return edge
            reach = (edge - centre) / step
            break
        if null.pvalue(outside, weights, studentised, enumerated) <= size:
            break
        inside, reach = reach, 2 * reach
        if reach > 64:
            return float(np.inf * np.sign(step))
    for _ in range(HALVINGS):
        middle = 0.5 * (inside + reach)
        if null.pvalue(centre + middle * step, weights, studentised, enumerated) > size:
            inside = middle
        else:
            reach = middle
    return centre + 0.5 * (inside + reach) * step
