"""A threshold in a spatial panel: the treatment's own and neighbours' coefficients on either side of a level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.absorption import absorb
from ronghe.linear.bootstrap import unit_signs
from ronghe.linear.inference import test_table
from ronghe.linear.threshold_regions import COLUMNS, deciding_units, regime_facts, rows_by_regime, too_many
from ronghe.linear.threshold_search import candidates
from ronghe.linear.threshold_tests import critical_likelihood_ratio, judged, leverage_corrected
from ronghe.models.design.design import Design, build, from_frame, terms_of
from ronghe.models.design.weights import cut_to, frames_of, weights_of
from ronghe.models.estimate import Data, Estimate, noted
from ronghe.models.estimators.spatial import spatial_fit
from ronghe.models.estimators.threshold import SIGNS, critical_note, regime_names
from ronghe.progress import each
from ronghe.spatial.likelihood import Likelihood
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.weights.matrix import Weights

LEVEL = 0.95
GRID, STRIDE = 601, 10
# Draws of each search without a region.
MOST_WITHOUT = 999


@dataclass(frozen=True)
class Profile:
    """The engine's likelihood concentrated to rho, for one set of regressors and any number of outcomes (columns).

    ln L = T ln|I - rho W| - n/2 ln(e'e), e = Q(y - rho W y) off the regressors, with the T, n and Jacobian of Lee and
    Yu's (2010) transformation as `Likelihood` has them.
    """

    rho: np.ndarray
    jacobian: np.ndarray
    n: int

    @classmethod
    def of(cls, likelihood: Likelihood) -> Profile:
        """Tabulate the Jacobian on a grid of rho inside its bounds; without a lag rho is zero."""
        if likelihood.lag is None:
            return cls(np.zeros(1), np.zeros(1), likelihood.nobs)
        rho = np.linspace(*(0.999 * end for end in likelihood.lag.bounds), GRID)
        jacobian = [likelihood.log_jacobian(likelihood.lag, r)[0] for r in rho]
        return cls(rho, likelihood.n_periods * np.array(jacobian), likelihood.nobs)

    def maximum(self, yy: np.ndarray, yl: np.ndarray, ll: np.ndarray) -> np.ndarray:
        """Return the greatest ln L (without constants) for each column, from products of y and W y off the regressors.

        The best point of every tenth is looked for among its neighbours, and refined by the parabola through it and the
        two beside it: what is left is of order 1e-5 in ln L.
        """

        def height(place: np.ndarray) -> np.ndarray:
            rho = self.rho[place]
            return self.jacobian[place] - self.n / 2 * np.log(yy - 2 * rho * yl + rho**2 * ll)

        if len(self.rho) == 1:
            return height(np.zeros(1, dtype=int))
        last = len(self.rho) - 1
        near = STRIDE * height(np.arange(0, last + 1, STRIDE)[:, None]).argmax(axis=0)
        around = np.clip(near + np.arange(-STRIDE, STRIDE + 1)[:, None], 0, last)
        best = np.clip(around[height(around).argmax(axis=0), np.arange(len(near))], 1, last - 1)
        left, middle, right = (height(best + s) for s in (-1, 0, 1))
        curve = left - 2 * middle + right
        return np.where(curve < 0, middle - (right - left) ** 2 / (8 * np.minimum(curve, -1e-300)), middle)


@dataclass(frozen=True)
class Problem:
    """Everything that stays the same over candidates and bootstrap draws."""

    design: Design
    W: Weights
    treatment: list[str]
    others: list[str]
    q: np.ndarray
    q_name: str
    effects: str
    model: str
    profile: Profile

    def lag(self, columns: np.ndarray) -> np.ndarray:
        """Return spatial lags of columns whose rows are sorted by unit and period."""
        N, T = self.design.layout.n_units, self.design.layout.n_periods
        return (self.W.sparse @ columns.reshape(N, -1)).reshape(N * T, -1)

    @cached_property
    def shared(self) -> np.ndarray:
        """An orthonormal basis of what every candidate has in common: the other regressors, projected."""
        return np.linalg.qr(self._projected(self.design.columns(self.others)))[0]

    @cached_property
    def _treated(self) -> np.ndarray:
        return self.design.columns(self.treatment)

    def _projected(self, X: np.ndarray) -> np.ndarray:
        if self.model in ("sdm", "slx"):
            X = np.column_stack([X, self.lag(X)])
        return absorb(X, self.design.layout, self.effects)

    def off(self, columns: np.ndarray) -> np.ndarray:
        """Return projected columns off those that every candidate has in common."""
        return columns - self.shared @ (self.shared.T @ columns)

    def basis(self, thresholds: list[float]) -> np.ndarray:
        """Return an orthonormal basis of what the treatment, split at the thresholds, adds to the shared columns."""
        return np.linalg.qr(self.off(self._projected(split(self._treated, self.q, thresholds))))[0]

    def likelihoods(self, Q: np.ndarray, y: np.ndarray, Wy: np.ndarray) -> np.ndarray:
        """Return the greatest ln L of each outcome off the shared columns, with the regressors that Q adds to them."""
        a, b = Q.T @ y, Q.T @ Wy
        pairs = (((y, y), (a, a)), ((y, Wy), (a, b)), ((Wy, Wy), (b, b)))
        products = [np.sum(u * v, axis=0) - np.sum(s * t, axis=0) for (u, v), (s, t) in pairs]
        return self.profile.maximum(*products)


def estimate(specification: dict, data: Data) -> Estimate:
    """Search one threshold by the spatial likelihood, test it by bootstrap, and fit both regimes with the engine.

    The likelihood ratio of a threshold against none has no standard distribution, as in Hansen (1999); outcomes are
    built from residuals under the null with its rho, and the search is repeated. Two bootstraps stand side by side, as
    for panels without space (`linear.threshold_tests`): units' residuals of the alternative drawn whole, and each
    unit's residuals of the null, corrected for leverage, with a random sign. Share of 500 data sets without a threshold
    rejected at 5 % (default panel, 199 draws, 25 candidates, simulation error 1 point): independent errors 5 and 5,
    AR(1) .5 10 and 7, own residuals with signs flipped by region 18 and 6. The confidence set of the threshold is where
    twice the fall in ln L stays below Hansen's bound.
    """
    design = build(specification, data, extra=("threshold_variable",))
    W, cut = weights_of(specification, data, design)
    problem = _problem(specification, design, W)
    null = spatial_fit(specification, data, design, W, cut)
    found = Search.of(problem, specification["trim"], specification["points"])
    rho = float(null.coefficients.set_index("term")["estimate"].get("rho", 0.0))
    repetitions = specification["repetitions"]
    drawn = _bootstrap(problem, found, rho, repetitions, data.seed)
    result = spatial_fit(specification, data, _regimes(problem, found.threshold), W, cut)
    rows = []
    for way, draws in zip(("", SIGNS), drawn, strict=True):
        pvalue, critical = judged(draws, found.statistic)
        row = {"test": f"single threshold{way}", "statistic": found.statistic, "pvalue": pvalue}
        rows.append({**row, "note": f"likelihood ratio, {critical_note(critical)}"})
    result.tests = test_table([*result.tests.to_dict("records"), *rows])
    regime = (problem.q > found.threshold).astype(int)
    result.tables = _tables(found, problem.q)
    result.tables["without_each"] = _without_each(problem, found.threshold, specification, data)
    noted(result, too_many(regime, design.layout))
    result.fit.update(
        {
            "threshold_variable": problem.q_name,
            "thresholds": [found.threshold],
            "trim": specification["trim"],
            "repetitions": repetitions,
            **regime_facts(regime, design.layout, design.index.levels[0]),
        }
    )
    return result


@dataclass(frozen=True)
class Search:
    """Candidates, the regressors that each gives, and the greatest ln L with them and without a threshold."""

    values: np.ndarray
    bases: list[np.ndarray]
    curve: np.ndarray
    at_null: float

    @classmethod
    def of(cls, problem: Problem, trim: float, points: int) -> Search:
        """Try every value of the threshold variable that leaves rows on both sides, or `points` of them."""
        values = candidates(problem.q, "all_values", trim)
        if len(values) > points:
            values = values[np.unique(np.linspace(0, len(values) - 1, points).astype(int))]
        bases = [problem.basis([v]) for v in values]
        y, Wy = map(problem.off, _outcomes(problem, problem.design.y[:, None]))
        curve = np.array([problem.likelihoods(Q, y, Wy)[0] for Q in bases])
        return cls(values, bases, curve, float(problem.likelihoods(problem.basis([]), y, Wy)[0]))

    @property
    def threshold(self) -> float:
        """The candidate with the greatest likelihood."""
        return float(self.values[self.curve.argmax()])

    @property
    def statistic(self) -> float:
        """The likelihood ratio against no threshold."""
        return float(2 * (self.curve.max() - self.at_null))


def _regimes(problem: Problem, threshold: float) -> Design:
    """Return the design with the treatment split at the threshold."""
    design = problem.design
    names = [n for block in regime_names(problem.treatment, problem.q_name, [threshold]) for n in block]
    treated = split(design.columns(problem.treatment), problem.q, [threshold])
    X = np.column_stack([treated, design.columns(problem.others)])
    frame = pd.DataFrame(X, index=design.frame.index, columns=[*names, *problem.others])
    frame.insert(0, design.outcome, design.y)
    return replace(design, X=X, names=[*names, *problem.others], frame=frame)


def _without_each(problem: Problem, threshold: float, specification: dict, data: Data) -> pd.DataFrame:
    """Search again without each region that decides the threshold, W cut: break, p by signs, own slopes on either side.

    A search that cannot be made is a row with a note; columns and the most units are those of
    `linear.threshold_regions`.
    """
    design, regime = problem.design, (problem.q > threshold).astype(int)
    if too_many(regime, design.layout):
        return pd.DataFrame(columns=COLUMNS)
    units, outside = deciding_units(regime, design.layout)
    repetitions = min(specification["repetitions"], MOST_WITHOUT)
    crosses, rows = (rows_by_regime(regime, design.layout) > 0).all(axis=1), []
    for unit in each(units, "threshold without each region", "searches"):
        region = design.index.levels[0][unit]
        first = (str(region), bool(crosses[unit]), int(outside[unit]))
        try:
            rest = from_frame(design.frame[design.layout.units != unit], design.outcome, design.names)
            W, _ = cut_to(problem.W, list(rest.index.levels[0]), specification["weights"])
            smaller = _problem(specification, rest, W)
            found = Search.of(smaller, specification["trim"], specification["points"])
            model, effects = problem.model, problem.effects
            rho = SpatialPanel(*frames_of(rest), W, model, effects).fit().rho
            (draws,) = _bootstrap(smaller, found, rho, repetitions, data.seed, signs_only=True)
            fit = SpatialPanel(*frames_of(_regimes(smaller, found.threshold)), W, model, effects).fit()
        except RongheError as error:
            rows += [(*first, name, *[np.nan] * 5, str(error)) for name in problem.treatment]
            continue
        pvalue, _ = judged(draws, found.statistic)
        slopes = regime_names(problem.treatment, problem.q_name, [found.threshold])
        for name, low, high in zip(problem.treatment, *slopes, strict=True):
            values = found.threshold, found.statistic, pvalue, fit.params[low], fit.params[high]
            rows.append((*first, name, *values, ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def split(x: np.ndarray, q: np.ndarray, thresholds: list[float]) -> np.ndarray:
    """Return the treatment's columns by regime."""
    regime = np.searchsorted(sorted(thresholds), q, side="left")
    return np.column_stack([x * (regime == r)[:, None] for r in range(len(thresholds) + 1)])


def _problem(specification: dict, design: Design, W: Weights) -> Problem:
    effects, model = specification["effects"], specification["model"]
    treatment = [t.name for t in terms_of(specification, "treatment")]
    q_name = terms_of(specification, "threshold_variable")[0].name
    W = W.align(list(design.index.levels[0]))
    profile = Profile.of(SpatialPanel(*frames_of(design), W, model=model, effects=effects).likelihood)
    q = design.columns([q_name])[:, 0]
    others = [n for n in design.names if n not in treatment]
    return Problem(design, W, treatment, others, q, q_name, effects, model, profile)


def _outcomes(problem: Problem, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return outcomes (columns) and their spatial lags, both projected: Q y and Q (W y)."""
    layout = problem.design.layout
    return absorb(y, layout, problem.effects), absorb(problem.lag(y), layout, problem.effects)


def _bootstrap(
    problem: Problem, found: Search, rho: float, repetitions: int, seed: int, signs_only: bool = False
) -> tuple[np.ndarray, ...]:
    """Return likelihood ratios in samples without a threshold: units drawn, and signs drawn by unit.

    Effects and coefficients under the null are swept out again, so that the outcome is (I - rho W)^-1 e* and nothing
    else: what the regressors add lies in their own space only for rho = 0, hence X b of the null is kept.
    """
    layout = problem.design.layout
    N, T = layout.n_units, layout.n_periods
    y, Wy = _outcomes(problem, problem.design.y[:, None])
    spatially_filtered = (y - rho * Wy)[:, 0]
    own, best = problem.basis([]), found.bases[found.curve.argmax()]
    null = np.column_stack([problem.shared, own])
    mean = null @ (null.T @ spatially_filtered)
    rest = problem.off(spatially_filtered)
    e = (rest - best @ (best.T @ rest)).reshape(N, T)
    corrected = leverage_corrected(spatially_filtered - mean, null, layout).reshape(N, T)
    S = np.eye(N) - rho * problem.W.sparse.toarray()
    picked = np.random.default_rng(seed).integers(N, size=(repetitions, N))
    signs = unit_signs(N, repetitions, seed)

    def ratios(disturbances: np.ndarray) -> np.ndarray:
        size = len(disturbances)
        outcomes = np.linalg.solve(S, (mean.reshape(1, N, T) + disturbances).transpose(1, 0, 2).reshape(N, -1))
        u, Wu = map(
            problem.off, _outcomes(problem, outcomes.reshape(N, size, T).transpose(0, 2, 1).reshape(N * T, size))
        )
        at_null = problem.likelihoods(own, u, Wu)
        return 2 * (np.max([problem.likelihoods(Q, u, Wu) for Q in found.bases], axis=0) - at_null)

    parts = [slice(start, start + 250) for start in range(0, repetitions, 250)]

    def every(disturbances: Callable[[slice], np.ndarray]) -> np.ndarray:
        return np.concatenate([np.empty(0), *(ratios(disturbances(part)) for part in parts)])

    by_signs = every(lambda part: signs[part][:, :, None] * corrected)
    return (by_signs,) if signs_only else (every(lambda part: e[picked[part]]), by_signs)


def _tables(found: Search, q: np.ndarray) -> dict[str, pd.DataFrame]:
    """Return the threshold with its confidence set, and the likelihood-ratio curve."""
    critical = critical_likelihood_ratio(LEVEL)
    ratio = 2 * (found.curve.max() - found.curve)
    inside = ratio <= critical
    pieces = int(np.sum(inside & ~np.concatenate([[False], inside[:-1]])))
    share = float(np.mean(q <= found.threshold))
    row = (1, found.threshold, found.values[inside].min(), found.values[inside].max(), pieces, share)
    columns = ["threshold", "estimate", "lower", "upper", "pieces", "share_at_or_below"]
    curve = pd.DataFrame({"threshold": 1, "value": found.values, "likelihood_ratio": ratio, "critical": critical})
    return {"thresholds": pd.DataFrame([row], columns=columns), "likelihood_ratio": curve}
