"""How the estimators do where the truth is known: draws on the user's own N, T, W and regressors.

Every repetition has a generator of its own, spawned from the seed, and repetitions are put together in their order, so
that the tables are the same on one core and on many.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.models.estimate import Data
from ronghe.models.validation.truth import Truth, specification_truth
from ronghe.spatial.choice.lagrange import lm_tests, residual_moran
from ronghe.spatial.choice.nested_tests import lr_test, wald_restriction
from ronghe.spatial.spatial_panel import SpatialPanel

# Estimators by name: the method of the engine, and the small-sample factor of its covariance.
ESTIMATORS = {
    "lsdv": ("lsdv", "none"),
    "lee_yu": ("lee_yu", "none"),
    "lee_yu, n - K": ("lee_yu", "parameters"),
    "bias_corrected": ("bias_corrected", "none"),
}
LEVEL, NORMAL_975 = 0.95, 1.959963984540054
Progress = Callable[[int, int], None]
# What a worker process draws from; set before the processes are forked, so that nothing is sent to them.
_job: tuple[Callable[[np.random.SeedSequence], np.ndarray], list[np.random.SeedSequence]] | None = None


def validate_estimators(
    truth: Truth,
    repetitions: int,
    seed: int,
    estimators: Sequence[str] = tuple(ESTIMATORS),
    effects: str = "twoways",
    cov_type: str = "expected",
    cores: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return bias, RMSE and the coverage of 95 % intervals of every parameter and impact, by estimator.

    `coverage_error` is the half-width of the 95 % interval of a coverage that is right, 1.96 (0.95 0.05 / R)^(1/2);
    `note` says where coverage lies outside, and whether bias or the standard errors are why.
    """
    if repetitions < 2:
        raise RongheError(f"validation: {repetitions} repetitions say nothing; use a few hundred or more")
    target = truth.targets()

    def one(seed_of: np.random.SeedSequence) -> np.ndarray:
        y = truth.draw(np.random.default_rng(seed_of))
        found = np.empty((len(estimators), 2, len(target)))
        for i, (method, small_sample) in enumerate(ESTIMATORS[name] for name in estimators):
            model = SpatialPanel(y, truth.X, truth.weights, "sdm", effects, method)
            result = model.fit(cov_type, small_sample=small_sample)
            impacts = result.impacts()
            found[i, 0] = [*result.params, *impacts["estimate"]]
            found[i, 1] = [*result.std_errors, *impacts["std_error"]]
        return found

    draws = np.array(_repeat(one, repetitions, seed, cores, progress))
    rows = []
    for i, estimator in enumerate(estimators):
        for j, (name, value) in enumerate(target.items()):
            rows.append(
                {"estimator": estimator, "parameter": name, **_summary(draws[:, i, 0, j], draws[:, i, 1, j], value)}
            )
    return pd.DataFrame(rows)


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


def validate_tests(
    truth: Truth,
    repetitions: int,
    seed: int,
    effects: str = "twoways",
    cores: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return how often tests at the 5 % level reject hypotheses that are true.

    LM and Moran where there is no spatial dependence, LR and Wald of the Durbin model where the smaller model is true,
    with dummies ("lsdv") and for the transformed data ("lee_yu").
    """
    nulls = {to: truth.restricted(to) for to in ("ols", "sar", "sem")}
    labels: list[tuple[str, str, str]] = []
    kinds = ("lsdv", "lee_yu")
    for method in kinds:
        lms = ("lm_lag", "lm_error", "robust_lm_lag", "robust_lm_error", "lm_sarma")
        labels += [("no spatial dependence", test, method) for test in lms]
    labels.append(("no spatial dependence", "residual_moran", "lsdv"))
    for to in nulls:
        for method in kinds:
            labels += [(f"{to} is true", f"{test}: sdm against {to}", method) for test in ("LR", "Wald")]

    def one(seed_of: np.random.SeedSequence) -> np.ndarray:
        streams = seed_of.spawn(len(nulls))
        draws = {to: null.draw(np.random.default_rng(s)) for (to, null), s in zip(nulls.items(), streams, strict=True)}
        pvalues: list[float] = []
        for method in kinds:
            pvalues += lm_tests(draws["ols"], truth.X, truth.weights, effects, method)["pvalue"].tolist()
        pvalues += residual_moran(draws["ols"], truth.X, truth.weights, effects)["pvalue"].tolist()
        for to, y in draws.items():
            for method in kinds:
                whole = SpatialPanel(y, truth.X, truth.weights, "sdm", effects, method).fit()
                small = SpatialPanel(y, truth.X, truth.weights, to, effects, method).fit()
                pvalues += [lr_test(small, whole)["pvalue"], wald_restriction(whole, to)["pvalue"]]
        return np.array(pvalues) < 0.05

    share = np.mean(_repeat(one, repetitions, seed, cores, progress), axis=0)
    margin = NORMAL_975 * np.sqrt(0.05 * 0.95 / repetitions)
    table = pd.DataFrame(labels, columns=["hypothesis", "test", "method"])
    return table.assign(size=share, size_error=margin, within=np.abs(share - 0.05) <= margin + 1e-12)


def _repeat(
    one: Callable[[np.random.SeedSequence], np.ndarray],
    repetitions: int,
    seed: int,
    cores: int | None,
    progress: Progress | None,
) -> list[np.ndarray]:
    """Run every repetition with its own generator, over processes that share memory with this one."""
    global _job
    seeds = np.random.SeedSequence(seed).spawn(repetitions)
    cores = min(cores or os.cpu_count() or 1, repetitions)
    # Only forked processes can share a closure; where there is no fork, one process does all.
    if cores == 1 or "fork" not in multiprocessing.get_all_start_methods():
        return list(_watched((one(s) for s in seeds), repetitions, progress))
    _job = (one, seeds)
    try:
        with multiprocessing.get_context("fork").Pool(cores) as pool:
            chunk = max(1, repetitions // (cores * 20))
            return list(_watched(pool.imap(_work, range(repetitions), chunk), repetitions, progress))
    finally:
        _job = None


def _work(repetition: int) -> np.ndarray:
    one, seeds = _job
    return one(seeds[repetition])


def _watched(results: Iterable[np.ndarray], total: int, progress: Progress | None) -> Iterable[np.ndarray]:
    for done, result in enumerate(results, start=1):
        if progress is not None:
            progress(done, total)
        yield result


def validate(
    specification: dict,
    data: Data,
    settings: dict,
    seed: int,
    cores: int | None = None,
    shown_on: TextIO | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of the validation, estimators and tests; progress is written to `shown_on`."""
    disturbances = settings.get("disturbances", "normal")
    truth = specification_truth(specification, data, disturbances, settings.get("truth", {}))
    repetitions = settings.get("repetitions", 1000)
    covariance = "robust" if disturbances == "residuals" else "expected"
    estimators = validate_estimators(
        truth, repetitions, seed, cov_type=covariance, cores=cores, progress=_shown("estimators", shown_on)
    )
    tests = validate_tests(truth, repetitions, seed + 1, cores=cores, progress=_shown("tests", shown_on))
    return {"estimators": estimators, "tests": tests}


def _shown(what: str, stream: TextIO | None) -> Progress | None:
    """Return a function that writes every twentieth part of the way to a stream."""
    if stream is None:
        return None

    def show(done: int, total: int) -> None:
        if done % max(total // 20, 1) == 0 or done == total:
            stream.write(f"validate {what}: {done} of {total} draws\n")
            stream.flush()

    return show
