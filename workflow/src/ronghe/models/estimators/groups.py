"""Heterogeneity: the slope in each group from one regression, and tests of whether the groups differ."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.linear.inference import test_table
from ronghe.linear.panel_models import Fit, fit_panel
from ronghe.models.checks import require_disjoint
from ronghe.models.design.design import Design, build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, joint_test, linear_estimate
from ronghe.models.terms import group_name


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit one coefficient of each treatment per group in one regression, and test that they are equal.

    `split` says what differs between groups: the treatment only; all regressors; or everything, the periods
    too, which is the same as a regression for each group but gives the covariance between them.
    """
    design = build(specification, data)
    labels = group_labels(specification["groups"], design, data)
    split = specification["split"]
    treatment = [t.name for t in terms_of(specification, "treatment")]
    others = [n for n in design.names if n not in treatment]
    divided = treatment if split == "treatment" else [*treatment, *others]
    names = _order(specification["groups"], list(dict.fromkeys(labels)))
    columns, terms = [], []
    for name in divided:
        for group in names:
            columns.append(np.where(labels == group, design.columns([name])[:, 0], 0.0))
            terms.append(group_name(name, group))
    kept = [n for n in others if n not in divided]
    X = np.column_stack([*columns, design.columns(kept)])
    terms += kept
    effects = specification["effects"]
    reported = len(terms)
    if split == "everything" and effects in ("time", "twoways"):
        extra = _period_dummies(labels, names, design)
        X = np.column_stack([X, extra])
        terms += [f"period by group {i + 1}" for i in range(extra.shape[1])]
    full = replace(design, X=X, names=terms)
    shown = fit_panel(full.y, X, full.layout, effects, choice_of(specification), terms).first(reported)
    result = linear_estimate(specification, replace(full, names=terms[:reported]), shown, f"within_groups_{split}")
    tests = [row for i in range(len(treatment)) for row in _equality(treatment[i], i, names, shown)]
    result.tests = test_table([*result.tests.to_dict("records"), *tests])
    result.fit["groups"] = {str(g): int(np.sum(labels == g)) for g in names}
    return result


def group_labels(rule: dict, design: Design, data: Data) -> np.ndarray:
    """Return the group of every row: an attribute of its region, its period, or its region's level of a variable."""
    require_disjoint(rule, "groups")
    regions, years = (design.index.get_level_values(i) for i in (0, 1))
    if "attribute" in rule:
        require_known(rule["attribute"], data.regions.columns, "attribute", "groups")
        return data.regions[rule["attribute"]].reindex(regions).to_numpy(object)
    if "periods" in rule:
        labels = np.full(len(years), None, dtype=object)
        for name, (first, last) in rule["periods"].items():
            labels[(years >= first) & (years <= last)] = name
        bare = sorted(set(years[[g is None for g in labels]]))
        if bare:
            raise RongheError(f"groups: periods: no period holds {listing(bare)}; every year needs one")
        return labels
    if "regions" in rule:
        names = {}
        for group, members in rule["regions"].items():
            for region in members:
                require_known(region, regions.unique(), "region", "groups: regions")
                names[region] = group
        return np.array([names.get(region, "other") for region in regions], dtype=object)
    level = rule["level"]
    require_known(level["of"], data.panel.columns, "variable", "groups: level")
    means = data.panel[level["of"]].groupby(level=0).mean().reindex(regions.unique())
    parts = level.get("parts", 2)
    rank = means.rank(method="first").to_numpy()
    codes = np.minimum(((rank - 1) * parts // len(means)).astype(int), parts - 1)
    words = {2: ["low", "high"], 3: ["low", "middle", "high"]}.get(parts, [f"part {i + 1}" for i in range(parts)])
    return pd.Series([words[c] for c in codes], index=means.index).reindex(regions).to_numpy(object)


def _order(rule: dict, names: list[str]) -> list[str]:
    """Return the groups in the order in which they are declared, or in which they rank, or else alphabetically."""
    if "periods" in rule:
        return list(rule["periods"])
    if "level" in rule:
        ranked = ["low", "middle", "high"]
        return sorted(names, key=lambda n: (ranked.index(n) if n in ranked else 0, n))
    return sorted(names, key=lambda n: (n == "other", str(n)))


def _period_dummies(labels: np.ndarray, names: list[str], design: Design) -> np.ndarray:
    """Return period dummies of all groups but the first, whose periods are the common ones."""
    times = np.eye(design.layout.n_periods)[design.layout.times][:, 1:]
    blocks = [times * (labels == group)[:, None] for group in names[1:]]
    both = np.column_stack(blocks)
    return both[:, np.ptp(both, axis=0) > 0]


def _equality(name: str, position: int, names: list[str], fit: Fit) -> list[dict]:
    """Return the joint test that all groups share one coefficient, then every pair."""
    start, width = position * len(names), len(fit.coefficients)

    def contrast(pairs: list[tuple[int, int]]) -> np.ndarray:
        R = np.zeros((len(pairs), width))
        for row, (i, j) in enumerate(pairs):
            R[row, start + i], R[row, start + j] = 1.0, -1.0
        return R

    every = [(i, i + 1) for i in range(len(names) - 1)]
    rows = [{"test": f"equal in all groups: {name}", **joint_test(fit, contrast(every))}]
    if len(names) > 2:
        for i, j in combinations(range(len(names)), 2):
            rows.append({"test": f"{name}: {names[i]} = {names[j]}", **joint_test(fit, contrast([(i, j)]))})
    return rows
