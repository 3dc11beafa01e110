"""The score of the likelihood by cell, period and unit, and its variance where units are independent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.log_determinant.traces import unit_blocks
from ronghe.spatial.uncertainty.information import effective_traces

# The sum over pairs of units is exact, in blocks of columns, up to this size; beyond it seeded probes estimate it.
EXACT_PAIRS = 5000
N_PROBES = 200


def cell_scores(model: FittedModel) -> np.ndarray:
    """Return the score by cell as (unit, period, parameter), each e times minus its derivative, less its mean."""
    e, s2 = model.residuals, model.sigma2
    n, T = model.likelihood.nobs, model.likelihood.n_periods
    columns = _derivatives(model)
    scores = np.concatenate([columns * (e / s2)[:, :, None], (e**2 / (2 * s2**2))[:, :, None]], axis=2)
    traces = effective_traces(model)
    for name, trace in traces.items():
        scores[:, :, model.place(name)] -= T * trace / e.size
    scores[:, :, -1] -= _mean_share(model, n / (2 * s2))
    return scores


def _mean_share(model: FittedModel, total: float) -> np.ndarray | float:
    """Return an equal share of a total for every cell that is there."""
    seen = model.projection.observed
    return total / model.residuals.size if seen is None else total / seen.sum() * seen


def period_scores(model: FittedModel) -> np.ndarray:
    """Return the score summed over the units of each period, as (period, parameter)."""
    return cell_scores(model).sum(axis=0)


def _derivatives(model: FittedModel) -> np.ndarray:
    """Return -de/d(b, rho, lambda) as (unit, period, parameter): Q R X, Q R W y and Q M u."""
    filtered = model.moments.filtered(model.lam)
    lead = model.moments.n_lead
    parts = [filtered[:, :, lead:]]
    if model.place("rho") is not None:
        parts.append(filtered[:, :, 1:2])
    if model.place("lambda") is not None:
        parts.append((model.moments.lagged @ model.residual_coefficients)[:, :, None])
    return np.concatenate(parts, axis=2)


def unit_meat(model: FittedModel, over_time: bool) -> np.ndarray:
    """Return the variance of the score where units are independent.

    The score of rho is linear plus quadratic in the disturbances, e'(Q R G X b) + e'C e - s2 tr(C); that of lambda is
    e'H e - s2 tr(H). With independent units the variance of a quadratic form is the sum over units of the variance of
    its own terms c_ii e_i'e_i, plus the sum over pairs i < j of (c_ij + c_ji)^2 E(e_i'e_j)^2 (Kelejian and Prucha
    2001, equation 2.6; White 1980 and Arellano 1987 for the linear part). Sums of e (W y) by unit miss the second sum,
    since e_j stands in (W y)_i. `over_time` allows any dependence over a unit's periods; otherwise periods are
    independent too, and (e_i'e_j)^2 gives way to the sum of e_it^2 e_jt^2. Under normal disturbances both equal the
    expected information; under others they add the third and fourth moments of Lee (2004, equation 2.10).
    """
    own, between = unit_parts(model, over_time)
    return own + between


def unit_parts(model: FittedModel, over_time: bool, sizes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return `unit_meat` in two parts: sums by unit, and products of two units' disturbances (see `score_parts`)."""
    own, between = score_parts(model, over_time, sizes)
    left, right = (half.sum(axis=1) if over_time else half.reshape(-1, half.shape[2]) for half in own)
    product = left.T @ right
    return 0.5 * (product + product.T), between


def score_parts(
    model: FittedModel, over_time: bool, sizes: np.ndarray | None = None
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return each cell's own part of the score (twice: two independent estimates for large N), and the pairs' variance.

    The own part holds the linear terms and the squares c_ii e_i^2; the products of two units' disturbances, which
    belong to neither, are in the second alone. With `sizes` x by unit, (x_i x_j)^2 stands for (e_i'e_j)^2 there.
    """
    e, s2 = model.residuals, model.sigma2
    forms, linear = quadratic_forms(model), linear_scores(model)
    excess = e**2 - _mean_share(model, float(np.sum(e**2)))
    pairs = pair_sums(forms, e if sizes is None else sizes[:, None], over_time)
    halves = []
    for half in range(2):
        own = linear.copy()
        for form, diagonal in zip(forms, pairs.diagonals, strict=True):
            own[:, :, model.place(form.name)] += diagonal[half][:, None] * excess / s2
        halves.append(own)
    between = np.zeros((len(model.values), len(model.values)))
    for i, p in enumerate(forms):
        for j, q in enumerate(forms):
            between[model.place(p.name), model.place(q.name)] = pairs.sums[i, j] / s2**2
    return halves, between


def linear_scores(model: FittedModel) -> np.ndarray:
    """Return the linear terms of the score, and those of sigma2, by cell as (unit, period, parameter)."""
    e, s2, k = model.residuals, model.sigma2, model.n_b
    linear = np.zeros((*e.shape, len(model.values)))
    linear[:, :, :k] = model.moments.filtered(model.lam)[:, :, model.moments.n_lead :] * (e / s2)[:, :, None]
    if (r := model.place("rho")) is not None:
        linear[:, :, r] = e * model.lagged_fitted / s2
    linear[:, :, -1] = (e**2 - _mean_share(model, float(np.sum(e**2)))) / (2 * s2**2)
    return linear


@dataclass(frozen=True)
class QuadraticForm:
    """The matrix of a quadratic form in the score of `name`, given by its product with vectors."""

    name: str
    apply: Callable[[np.ndarray], np.ndarray]
    apply_transposed: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class PairSums:
    """Diagonals of the forms (twice: two independent estimates where estimated) and their sums over pairs."""

    diagonals: list[tuple[np.ndarray, np.ndarray]]
    sums: np.ndarray


def quadratic_forms(model: FittedModel) -> list[QuadraticForm]:
    """Return C = R G R^-1 for rho and H = M R^-1 for lambda, off the unit vector where time effects are out."""
    lag, error, rho, lam = model.likelihood.lag, model.likelihood.error, model.rho, model.lam

    def centred(values: np.ndarray) -> np.ndarray:
        return values - values.mean(axis=0) if model.projection.has_time else values

    def unfilter(v: np.ndarray, transposed: bool) -> np.ndarray:
        return v if error is None else error.solve(lam, v, transposed=transposed)

    def refilter(v: np.ndarray, transposed: bool) -> np.ndarray:
        if error is None:
            return v
        M = error.matrix.T if transposed else error.matrix
        return v - lam * (M @ v)

    forms = []
    if lag is not None:
        W = lag.matrix
        forms.append(
            QuadraticForm(
                "rho",
                lambda v: centred(refilter(W @ lag.solve(rho, unfilter(centred(v), False)), False)),
                lambda v: centred(unfilter(lag.solve(rho, W.T @ refilter(centred(v), True), transposed=True), True)),
            )
        )
    if error is not None:
        M = error.matrix
        forms.append(
            QuadraticForm(
                "lambda",
                lambda v: centred(M @ unfilter(centred(v), False)),
                lambda v: centred(unfilter(M.T @ centred(v), True)),
            )
        )
    return forms


def pair_sums(forms: list[QuadraticForm], e: np.ndarray, over_time: bool) -> PairSums:
    """Return the diagonals, and for each two forms the sum over pairs i < j of b_ij b'_ij times the product of e."""
    if not forms:
        return PairSums([], np.zeros((0, 0)))
    return (_exact_pairs if len(e) <= EXACT_PAIRS else _probed_pairs)(forms, e, over_time)


def _exact_pairs(forms: list[QuadraticForm], e: np.ndarray, over_time: bool) -> PairSums:
    n = len(e)
    sums = np.zeros((len(forms), len(forms)))
    diagonals = [np.empty(n) for _ in forms]
    squared = e**2
    for block, unit in unit_blocks(n):
        weight = (e @ e[block].T) ** 2 if over_time else squared @ squared[block].T
        weight[block, np.arange(len(block))] = 0.0
        bases = []
        for form, diagonal in zip(forms, diagonals, strict=True):
            columns = form.apply(unit)
            diagonal[block] = columns[block, np.arange(len(block))]
            bases.append(columns + form.apply_transposed(unit))
        for i, p in enumerate(bases):
            for j, q in enumerate(bases):
                sums[i, j] += 0.5 * float(np.vdot(p * weight, q))
    return PairSums([(d, d) for d in diagonals], sums)


def _probed_pairs(forms: list[QuadraticForm], e: np.ndarray, over_time: bool) -> PairSums:
    """Estimate diagonals and pair sums from seeded probes; the errors of the sums average out over units.

    With z of random signs and f_i = (e_i'g)(e_i'h) for random signs g, h (or f_i = sum of g_t e_it^2), the mean of
    f_i (A f z)_i (B z)_i is the sum over i, j of a_ij b_ij E(f_i f_j), and likewise for a_ij b_ji.
    """
    n, T = e.shape
    rng = np.random.default_rng(2001)
    z = rng.choice([-1.0, 1.0], size=(n, N_PROBES))
    g, h = rng.choice([-1.0, 1.0], size=(2, T, N_PROBES))
    f = (e @ g) * (e @ h) if over_time else e**2 @ g
    applied = [form.apply(z) for form in forms]
    spread = [form.apply(f * z) for form in forms]
    half = N_PROBES // 2
    diagonals = [((z * a)[:, :half].mean(axis=1), (z * a)[:, half:].mean(axis=1)) for a in applied]
    own = np.einsum("it,it->i", e, e) ** 2 if over_time else (e**4).sum(axis=1)
    sums = np.empty((len(forms), len(forms)))
    for i, p in enumerate(forms):
        for j in range(len(forms)):
            straight = float(np.vdot(f * spread[i], applied[j])) / N_PROBES
            crossed = float(np.vdot(f * z, p.apply(f * applied[j]))) / N_PROBES
            (a, b), (c, d) = diagonals[i], diagonals[j]
            sums[i, j] = straight + crossed - float(own @ (a * d + b * c))
    return PairSums(diagonals, 0.5 * (sums + sums.T))
