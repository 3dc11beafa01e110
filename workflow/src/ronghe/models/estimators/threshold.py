"""Panel thresholds: how many, where, how surely, and what the regressors do on either side (Hansen 1999)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from ronghe.linear.inference import test_table
from ronghe.linear.panel_models import fit_panel
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
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, linear_estimate
from ronghe.models.terms import regime_name


def estimate(specification: dict, data: Data) -> Estimate:
    """Search one threshold after another, test each by bootstrap, and fit the regimes that the tests support."""
    design = build(specification, data, extra=("threshold_variable",))
    treatment = [t.name for t in terms_of(specification, "treatment")]
    q_name = terms_of(specification, "threshold_variable")[0].name
    effects = specification.get("effects", "twoways")
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


def _settings(specification: dict) -> Settings:
    given = {"most": specification.get("thresholds")}
    given |= {key: specification.get(key) for key in ("search", "convention", "trim", "repetitions")}
    return Settings(**{key: value for key, value in given.items() if value is not None})


def _kept(steps: list[Step], keep: int | str) -> int:
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
    choice = choice_of(specification)
    fit = fit_panel(full.y, full.X, full.layout, sample.effects, choice, full.names)
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
