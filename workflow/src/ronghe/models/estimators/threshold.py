"""Panel thresholds: how many, where, how surely, and what the regressors do on either side (Hansen 1999)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from ronghe.linear.inference import test_table
from ronghe.linear.threshold_regions import regime_facts, too_many, without_each
from ronghe.linear.threshold_search import Sample, Search, candidates
from ronghe.linear.threshold_tests import (
    Settings,
    Step,
    confidence_set,
    critical_likelihood_ratio,
    located,
    search_all,
)
from ronghe.models.design.design import Design, build, terms_of
from ronghe.models.estimate import Data, Estimate, noted
from ronghe.models.report import panel_estimate
from ronghe.models.terms import regime_name

# What tells the rows of tests.csv with signs by region from those with regions drawn.
SIGNS = ", signs by region"


def estimate(specification: dict, data: Data) -> Estimate:
    """Search one threshold after another, test each by bootstrap, and fit the regimes that the tests support.

    The test that counts is the one with signs by region, which keeps its size where regions have variances of their
    own (`linear.threshold_tests` has the figures); Hansen's, with regions drawn, stands beside it.
    """
    design = build(specification, data, extra=("threshold_variable",))
    treatment = [t.name for t in terms_of(specification, "treatment")]
    q_name = terms_of(specification, "threshold_variable")[0].name
    effects = specification["effects"]
    settings = _settings(specification)
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
    kept = _kept(steps, specification["keep"])
    thresholds = located(sample, steps, kept, settings)
    result = _regimes(specification, design, treatment, others, sample, thresholds, q_name)
    result.tests = test_table([*result.tests.to_dict("records"), *_rows(steps)])
    result.tables = _tables(sample, steps, thresholds, settings)
    labels = design.index.levels[0]
    result.tables["without_each"] = without_each(sample, settings, steps[0].curve.best, treatment, labels, data.seed)
    noted(result, too_many((sample.q > steps[0].curve.best).astype(int), design.layout))
    regime = np.searchsorted(thresholds, sample.q, side="left")
    result.fit.update(
        {
            **regime_facts(regime, design.layout, labels),
            "threshold_variable": q_name,
            "thresholds": thresholds,
            "convention": settings.convention,
            "search": settings.search,
            "trim": settings.trim,
            "repetitions": settings.repetitions,
        }
    )
    return result


def _settings(specification: dict) -> Settings:
    given = {key: specification[key] for key in ("search", "convention", "trim", "repetitions")}
    return Settings(specification["thresholds"], **given)


def _kept(steps: list[Step], keep: int | str) -> int:
    if isinstance(keep, int):
        return min(keep, len(steps))
    rejected = 0
    for step in steps:
        if not step.signs_pvalue < 0.05:
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
    return panel_estimate(specification, full, "within_threshold")


def _rows(steps: list[Step]) -> list[dict]:
    """Return two rows for each step, which differ in the bootstrap: regions drawn, and signs by region."""
    ordinals = ["single", "double", "triple"]
    rows = []
    for i, s in enumerate(steps):
        test = f"{ordinals[i] if i < 3 else i + 1} threshold"
        ways = (("", s.pvalue, s.critical), (SIGNS, s.signs_pvalue, s.signs_critical))
        for way, pvalue, critical in ways:
            row = {"test": f"{test}{way}", "statistic": s.statistic, "df": s.df, "pvalue": pvalue}
            rows.append({**row, "note": critical_note(critical)})
    return rows


def critical_note(critical: np.ndarray) -> str:
    """Return the note of a bootstrap test."""
    return "bootstrap; critical values at 10, 5 and 1 %: " + ", ".join(f"{c:.3f}" for c in critical)


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
