"""Tests how many thresholds there are by bootstrap, and says how surely each is located (Hansen 1999)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.linear.threshold_program import curve_of_program
from ronghe.linear.threshold_search import Curve, Sample, Search, candidates


@dataclass(frozen=True)
class Settings:
    """How thresholds are searched and tested."""

    most: int = 3
    search: str = "all_values"
    convention: str = "within"
    trim: float = 0.05
    repetitions: int = 499
    level: float = 0.95


@dataclass(frozen=True)
class Step:
    """One threshold more: its curve, statistic, bootstrap p-value and critical values."""

    curve: Curve
    statistic: float
    pvalue: float
    critical: np.ndarray
    df: int


def search_all(sample: Sample, settings: Settings, seed: int) -> list[Step]:
    """Return the steps from none to one threshold, from one to two, and so on, each given the ones before."""
    found: tuple[float, ...] = ()
    steps = []
    for number in range(settings.most):
        values = candidates(sample.q, settings.search, settings.trim, found)
        step = _step(sample, values, found, settings, seed + number)
        steps.append(step)
        found = (*found, step.curve.best)
    return steps


def _step(sample: Sample, values: np.ndarray, earlier: tuple[float, ...], settings: Settings, seed: int) -> Step:
    if settings.convention == "hansen_program":
        curve = curve_of_program(sample, settings.trim, earlier)
        # The program divides by nT, the paper by n(T - 1).
        return Step(curve, curve.statistic(len(sample.y)), np.nan, np.full(3, np.nan), len(sample.y))
    search = Search(sample, values, earlier)
    curve = search.curve(sample.y)
    statistic = curve.statistic(sample.df)
    draws = bootstrap(search, curve, sample, settings.repetitions, seed)
    pvalue = float(np.mean(draws >= statistic)) if len(draws) else np.nan
    critical = np.quantile(draws, [0.90, 0.95, 0.99]) if len(draws) else np.full(3, np.nan)
    return Step(curve, statistic, pvalue, critical, sample.df)


def bootstrap(search: Search, curve: Curve, sample: Sample, repetitions: int, seed: int) -> np.ndarray:
    """Return draws of F under no further threshold: residuals of the alternative, drawn unit by unit (section 3.2).

    Whole units are drawn with replacement where the panel is balanced; else each unit keeps its residuals, all with one
    random sign. What stays in the model under the null is swept out again, so its coefficients need no value.
    """
    layout = sample.layout
    z = sample.x * (sample.q <= curve.best)[:, None]
    both = search.residuals(np.column_stack([sample.y, z]))
    e = both[:, 0] - both[:, 1:] @ np.linalg.lstsq(both[:, 1:], both[:, 0], rcond=None)[0]
    rng = np.random.default_rng(seed)
    balanced = len(e) == layout.n_units * layout.n_periods
    draws = []
    for start in range(0, repetitions, 50):
        size = min(50, repetitions - start)
        if balanced:
            cells = e.reshape(layout.n_units, layout.n_periods)
            picked = rng.integers(layout.n_units, size=(size, layout.n_units))
            drawn = cells[picked].reshape(size, -1).T
        else:
            drawn = e[:, None] * rng.choice([-1.0, 1.0], size=(layout.n_units, size))[layout.units]
        swept = search.residuals(drawn)
        null = np.sum(swept**2, axis=0)
        gain = search.gains(swept).max(axis=0)
        draws.append(gain / ((null - gain) / sample.df))
    return np.concatenate(draws) if draws else np.empty(0)


def located(sample: Sample, steps: list[Step], kept: int, settings: Settings) -> list[float]:
    """Return the thresholds kept, each searched again given the others (Hansen 1999, section 5.2; Bai 1997)."""
    found = [s.curve.best for s in steps[:kept]]
    if settings.convention == "hansen_program":
        return sorted(found)
    for position in range(kept - 1):
        others = tuple(g for i, g in enumerate(found) if i != position)
        values = candidates(sample.q, settings.search, settings.trim, others)
        found[position] = Search(sample, values, others).curve(sample.y).best
    return sorted(found)


def critical_likelihood_ratio(level: float) -> float:
    """Return -2 ln(1 - sqrt(level)), the bound of the confidence set: 7.35 at 95 % (Hansen 1999, eq. 18)."""
    return float(-2 * np.log(1 - np.sqrt(level)))


def confidence_set(curve: Curve, df: int, level: float) -> tuple[float, float, int]:
    """Return the least and greatest candidate not rejected, and how many pieces the set has in between."""
    inside = curve.likelihood_ratio(df) <= critical_likelihood_ratio(level)
    held = curve.candidates[inside]
    pieces = int(np.sum(inside & ~np.concatenate([[False], inside[:-1]])))
    return float(held.min()), float(held.max()), pieces
