"""How the estimators do where the truth is known: draws on the user's own N, T, W and regressors.

Every repetition has a generator of its own, spawned from the seed; all outcomes are estimated together by the batched
engine.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ronghe.errors import RongheError
from ronghe.models.estimate import Data
from ronghe.models.validation.part import marked, part_of
from ronghe.models.validation.truth import Truth, specification_truth
from ronghe.progress import each
from ronghe.spatial.batch.fits import BatchFit
from ronghe.spatial.batch.solver import Batch
from ronghe.spatial.choice.lagrange import fit_within, lm_rows, moran_moments, moran_row
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.joint_tests import JointTest

log = logging.getLogger(__name__)
METHODS = ("lsdv", "lee_yu")
LEVEL, NORMAL_975 = 0.95, 1.959963984540054


def validate_estimators(truth: Truth, repetitions: int, seed: int, effects: str = "twoways") -> pd.DataFrame:
    """Return bias, RMSE and the coverage of 95 % intervals of every parameter and impact, by estimator.

    `coverage_error` is the half-width of the 95 % interval of a coverage that is right, 1.96 (0.95 0.05 / R)^(1/2);
    `note` says where coverage lies outside, and whether bias or the standard errors are why.
    """
    if repetitions < 2:
        raise RongheError(f"validation: {repetitions} repetitions say nothing; use a few hundred or more")
    y = np.stack([truth.draw(np.random.default_rng(s)) for s in np.random.SeedSequence(seed).spawn(repetitions)])
    target, found = truth.targets(), {}
    batches = {method: Batch(_model(truth, y[0], effects, method)) for method in METHODS}
    for part in each(list(batches["lsdv"].in_chunks(repetitions)), "validation of estimators", "parts"):
        for name, fit, factor in _estimators(*(batch.fit(y[part]) for batch in batches.values())):
            found.setdefault(name, []).append(_with_errors(fit, factor))
    rows = []
    for estimator, chunks in found.items():
        estimates, errors = (np.concatenate(arrays) for arrays in zip(*chunks, strict=True))
        for j, (name, value) in enumerate(target.items()):
            rows.append({"estimator": estimator, "parameter": name, **_summary(estimates[:, j], errors[:, j], value)})
    return pd.DataFrame(rows)


def _model(truth: Truth, y: np.ndarray, effects: str, method: str) -> SpatialPanel:
    return SpatialPanel(truth.series(y), truth.X, truth.weights, "sdm", effects, method)


def _estimators(dummies: BatchFit, transformed: BatchFit) -> Iterator[tuple[str, BatchFit, float]]:
    """Yield the estimators by name, with the factor of their covariance."""
    n, k = transformed.batch.nobs, transformed.b.shape[1]
    yield "lsdv", dummies, 1.0
    yield "lee_yu", transformed, 1.0
    yield "lee_yu, n - K", transformed, n / (n - k)
    yield "bias_corrected", bias_corrected(dummies), 1.0


def bias_corrected(fit: BatchFit) -> BatchFit:
    """Return estimates with dummies after Lee and Yu's correction, as `spatial_panel.bias_corrected`."""
    batch, values, n_periods = fit.batch, fit.values, fit.batch.n_periods
    if batch.projection.has_time:
        bias = np.zeros_like(values)
        bias[:, -2], bias[:, -1] = 1 / (1 - fit.rho), 1 / (2 * fit.sigma2)
        values = values + n_periods * np.einsum("bpq,bq->bp", fit.covariance("expected"), bias)
    factor = n_periods / (n_periods - 1) if batch.projection.has_units else 1.0
    b, rho = values[:, :-2], values[:, -2]
    back = ((fit.b - b) @ batch.flat.T).reshape(fit.residuals.shape)
    back += (fit.rho - rho)[:, None, None] * fit.projected
    return replace(fit, b=b, rho=rho, residuals=fit.residuals + back, ssr=values[:, -1] * factor * batch.nobs)


def _with_errors(fit: BatchFit, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Return parameters and impacts by draw, and their standard errors."""
    effects, gradients = (array.reshape(fit.n_draws, -1, *array.shape[3:]) for array in fit.impacts())
    V = factor * fit.covariance("expected")
    variances = np.einsum("bpp->bp", V), np.einsum("bqp,bpr,bqr->bq", gradients, V, gradients)
    return np.concatenate([fit.values, effects], axis=1), np.sqrt(np.concatenate(variances, axis=1))


def _summary(estimates: np.ndarray, errors: np.ndarray, truth: float) -> dict:
    """Return what one estimator did for one parameter."""
    n = len(estimates)
    deviation = estimates.std(ddof=1)
    inside = np.abs(estimates - truth) <= NORMAL_975 * errors
    coverage, margin = inside.mean(), NORMAL_975 * np.sqrt(LEVEL * (1 - LEVEL) / n)
    return {
        "truth": truth,
        "mean": estimates.mean(),
        "bias": estimates.mean() - truth,
        "bias_error": deviation / np.sqrt(n),
        "rmse": np.sqrt(np.mean((estimates - truth) ** 2)),
        "deviation": deviation,
        "mean_std_error": errors.mean(),
        "coverage": coverage,
        "coverage_error": margin,
        "within": bool(abs(coverage - LEVEL) <= margin + 1e-12),
        "note": "" if abs(coverage - LEVEL) <= margin + 1e-12 else _why(estimates, errors, truth),
    }


def _why(estimates: np.ndarray, errors: np.ndarray, truth: float) -> str:
    """Say why a coverage is off: bias, errors that do not match the spread, or misses on one side."""
    deviation = estimates.std(ddof=1)
    bias, ratio = (estimates.mean() - truth) / deviation, errors.mean() / deviation
    reasons = []
    if abs(bias) > 0.15:
        reasons.append(f"bias of {bias:+.2f} standard deviations")
    if abs(ratio - 1) > 0.02:
        reasons.append(f"standard errors {abs(ratio - 1):.0%} too {'small' if ratio < 1 else 'large'}")
    score = (truth - estimates) / errors
    below, above = np.mean(score < -NORMAL_975), np.mean(score > NORMAL_975)
    if not reasons and max(below, above) > 1.4 * min(below, above):
        reasons.append("a skewed distribution")
    sides = f"the truth lies below the interval in {below:.1%} of the draws and above it in {above:.1%}"
    return f"{'; '.join(reasons) or 'neither bias nor errors stand out'} ({sides})"


def validate_tests(truth: Truth, repetitions: int, seed: int, effects: str = "twoways") -> pd.DataFrame:
    """Return how often tests at the 5 % level reject hypotheses that are true.

    LM and Moran where there is no spatial dependence, LR and Wald of the Durbin model where the smaller model is true,
    with dummies ("lsdv") and for the transformed data ("lee_yu").
    """
    nulls = {to: truth.restricted(to) for to in ("ols", "sar", "sem")}
    streams = [s.spawn(len(nulls)) for s in np.random.SeedSequence(seed).spawn(repetitions)]
    drawn = {
        to: np.stack([null.draw(np.random.default_rng(own[i])) for own in streams])
        for i, (to, null) in enumerate(nulls.items())
    }
    rows = list(_residual_tests(truth, drawn["ols"], effects))
    for to, y in drawn.items():
        for method in METHODS:
            test = JointTest(_model(truth, y[0], effects, method), to)
            chunks = [test.statistics(y[part], ("LR", "Wald, expected"))[0] for part in test.whole.in_chunks(len(y))]
            for name, values in zip(("LR", "Wald"), zip(*(c.values() for c in chunks), strict=True), strict=True):
                pvalues = chdtrc(test.df, np.concatenate(values))
                rows.append((f"{to} is true", f"{name}: sdm against {to}", method, np.mean(pvalues < 0.05)))
    margin = NORMAL_975 * np.sqrt(0.05 * 0.95 / repetitions)
    table = pd.DataFrame(rows, columns=["hypothesis", "test", "method", "size"])
    return table.assign(size_error=margin, within=np.abs(table["size"] - 0.05) <= margin + 1e-12)


def _residual_tests(truth: Truth, drawn: np.ndarray, effects: str) -> Iterable[tuple[str, str, str, float]]:
    """Yield the rejections of the tests on the residuals of a model without spatial terms."""
    fit = fit_within(truth.series(drawn[0]), truth.X, truth.weights, effects)
    moments, found = moran_moments(fit), {}
    for y in each(drawn, "validation of residual tests", "panels"):
        one = fit.with_outcome(y)
        tests = [(method, row) for method in METHODS for row in lm_rows(one, method)]
        for method, row in [*tests, ("lsdv", moran_row(one, moments))]:
            found.setdefault((row["test"], method), []).append(row["pvalue"] < 0.05)
    for (test, method), rejected in found.items():
        yield "no spatial dependence", test, method, float(np.mean(rejected))


def validate(specification: dict, data: Data, settings: dict, seed: int) -> dict[str, pd.DataFrame]:
    """Return the tables of the validation: estimators and tests; of many regions on a named part of the map."""
    data, part = part_of(specification, data)
    if part:
        log.warning("validation: %s", part)
    truth = specification_truth(specification, data, settings.get("truth", {}))
    repetitions = settings["repetitions"]
    tables = {
        "estimators": validate_estimators(truth, repetitions, seed),
        "tests": validate_tests(truth, repetitions, seed + 1),
    }
    return marked(tables, part)
