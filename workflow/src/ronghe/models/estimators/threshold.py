"""Panel thresholds: how many, where, how surely, and what the regressors do on either side (Hansen 1999)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from ronghe.linear.covariance import Choice
from ronghe.linear.inference import test_table
from ronghe.linear.least_squares import least_squares
from ronghe.linear.threshold_search import Curve, Sample, Search, candidates
from ronghe.models.design.design import Design, build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import linear_estimate
from ronghe.models.terms import regime_name


@dataclass(frozen=True)
class Settings:
    """How thresholds are searched and tested."""

    most: int = 3
    search: str = "all_values"
    convention: str = "within"
    trim: float = 0.05
    repetitions: int = 499
    level: float = 0.95

    @classmethod
    def of(cls, specification: dict) -> Settings:
        """Read the settings from a specification."""
        names = {"thresholds": "most", "search": "search", "convention": "convention", "trim": "trim"}
        names["repetitions"] = "repetitions"
        return cls(**{ours: specification[key] for key, ours in names.items() if key in specification})


@dataclass(frozen=True)
class Step:
    """One threshold more: its curve, statistic, bootstrap p-value and critical values."""

    curve: Curve
    statistic: float
    pvalue: float
    critical: np.ndarray
    df: int


def estimate(specification: dict, data: Data) -> Estimate:
    """Search one threshold after another, test each by bootstrap, and fit the regimes that the tests support."""
    design = build(specification, data, extra=("threshold_variable",))
    treatment = [t.name for t in terms_of(specification, "treatment")]
    q_name = terms_of(specification, "threshold_variable")[0].name
    effects = specification.get("effects", "twoways")
    settings = Settings.of(specification)
    others = [n for n in design.names if n not in treatment]
    sample = Sample(
        y=design.y,
        X=design.columns(others),
        x=design.columns(treatment),
        q=design.columns([q_name])[:, 0],
        layout=design.layout,
        effects=effects,
    )
    steps = search_all(sample, settings, data.seed)
    kept = _kept(steps, specification.get("keep", "significant"))
    thresholds = located(sample, steps, kept, settings)
    result = _regimes(specification, design, treatment, others, sample, thresholds, q_name)
    result.tests = test_table([*result.tests.to_dict("records"), *_rows(steps)])
    result.tables = _tables(sample, steps, thresholds, settings)
    result.fit.update(
        {
            "threshold_variable": q_name,
            "thresholds": thresholds,
            "convention": settings.convention,
            "search": settings.search,
            "trim": settings.trim,
            "repetitions": settings.repetitions,
        }
    )
    return result


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
        from ronghe.linear.threshold_program import curve_of_program

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


def _kept(steps: list[Step], keep: object) -> int:
    if isinstance(keep, int):
        return min(keep, len(steps))
    rejected = 0
    for step in steps:
        if not step.pvalue < 0.05:
            break
        rejected += 1
    return max(rejected, 1)


def regime_names(treatment: list[str], q_name: str, thresholds: list[float]) -> list[list[str]]:
    """Return the names of each regressor in each regime, lowest regime first."""
    bounds = [None, *thresholds, None]
    return [[regime_name(name, q_name, *ends) for name in treatment] for ends in pairwise(bounds)]


def _regimes(
    specification: dict,
    design: Design,
    treatment: list[str],
    others: list[str],
    sample: Sample,
    thresholds: list[float],
    q_name: str,
) -> Estimate:
    """Fit one coefficient of each treatment per regime, and test that they are equal."""
    regime = np.searchsorted(thresholds, sample.q, side="left")
    names = regime_names(treatment, q_name, thresholds)
    columns = [sample.x * (regime == r)[:, None] for r in range(len(thresholds) + 1)]
    flat = [n for block in names for n in block]
    full = replace(design, X=np.column_stack([*columns, sample.X]), names=[*flat, *others])
    choice = Choice.of(specification)
    fit = least_squares(full.y, full.X, full.layout, sample.effects, choice, full.names)
    result = linear_estimate(specification, full, fit, sample.effects, "within_threshold", choice)
    result.fit["regime_rows"] = np.bincount(regime, minlength=len(thresholds) + 1).tolist()
    return result


def _rows(steps: list[Step]) -> list[dict]:
    words = ["single", "double", "triple"]
    return [
        {
            "test": f"{words[i] if i < 3 else i + 1} threshold",
            "statistic": s.statistic,
            "df": s.df,
            "pvalue": s.pvalue,
            "note": "bootstrap; critical values at 10, 5 and 1 %: " + ", ".join(f"{c:.3f}" for c in s.critical),
        }
        for i, s in enumerate(steps)
    ]


def _tables(sample: Sample, steps: list[Step], kept: list[float], settings: Settings) -> dict[str, pd.DataFrame]:
    """Return the table of thresholds and the likelihood-ratio curve of each kept one given the others."""
    rows, curves = [], []
    for i, gamma in enumerate(kept):
        curve, df = steps[0].curve, steps[0].df
        if settings.convention == "within":
            others = tuple(g for g in kept if g != gamma)
            values = candidates(sample.q, settings.search, settings.trim, others)
            curve = Search(sample, values, others).curve(sample.y)
        elif i:
            curve = steps[i].curve
        lower, upper, pieces = confidence_set(curve, df, settings.level)
        rows.append((i + 1, gamma, lower, upper, pieces, float(np.mean(sample.q <= gamma))))
        ratio = curve.likelihood_ratio(df)
        curves.append(pd.DataFrame({"threshold": i + 1, "value": curve.candidates, "likelihood_ratio": ratio}))
        curves[-1]["critical"] = critical_likelihood_ratio(settings.level)
    columns = ["threshold", "estimate", "lower", "upper", "pieces", "share_at_or_below"]
    return {
        "thresholds": pd.DataFrame(rows, columns=columns),
        "likelihood_ratio": pd.concat(curves, ignore_index=True),
    }
