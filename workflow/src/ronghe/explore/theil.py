"""Theil indices of inequality, split into within and between groups of regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import require_known
from ronghe.explore.regional_values import by_region_and_year, group_of, require_amounts

FORMS = ("T", "L")


@dataclass(frozen=True)
class Theil:
    """The index, its parts within and between groups, and each group's own index and contributions."""

    total: float
    within: float
    between: float
    groups: pd.DataFrame


def _divergence(share: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return share * ln(share / other) with 0 ln 0 = 0, its limit."""
    ratio = np.divide(share, other, out=np.ones_like(share), where=share > 0)
    return share * np.log(ratio)


def theil(values: pd.Series, groups: pd.Series, weights: pd.Series | None = None, form: str = "T") -> Theil:
    """Split Theil's T or L (the mean logarithmic deviation) of `values` by `groups`, labelled by unit (Theil 1967).

    With value shares s_i and weights' shares w_i (1/n without weights; population, where `values` are totals and not
    per head): T = sum s_i ln(s_i / w_i), L = sum w_i ln(w_i / s_i). Within group g the shares are of the group:
    T = sum_g s_g ln(s_g / w_g) + sum_g s_g T_g, and L likewise with w_g. The parts are computed apart from the total.

    One formula for all of these: `inequality.TheilD` (1.1.2) gives the same total and part between for T without
    weights, has no weights, no L and no index of a group, and returns missing for a negative value without a word.
    The tests hold the two equal where both apply. A zero is allowed in T (0 ln 0 = 0) and refused in L.
    """
    require_known(form, FORMS, "form", "theil")
    y = require_amounts(values, "Theil index", zero=form == "T")
    if weights is None:
        mass = np.ones(len(y))
    else:
        aligned = weights.reindex(values.index)
        mass = require_amounts(aligned, "Theil weights", zero=False)
    names, code = np.unique(group_of(values.index, groups).to_numpy(dtype=str), return_inverse=True)
    s, w = y / y.sum(), mass / mass.sum()
    s_g, w_g = (np.bincount(code, weights=share, minlength=len(names)) for share in (s, w))
    if form == "L":
        s, w, s_g, w_g = w, s, w_g, s_g
    # A group of zeros has no shares inside; its share s_g is zero too, and so is its contribution.
    inside = np.divide(s, s_g[code], out=np.zeros_like(s), where=s_g[code] > 0)
    own = np.bincount(code, weights=_divergence(inside, w / w_g[code]), minlength=len(names))
    between = _divergence(s_g, w_g)
    table = pd.DataFrame(
        {"theil": own, "share": s_g, "within": s_g * own, "between": between}, index=pd.Index(names, name="group")
    )
    total = float(_divergence(s, w).sum())
    return Theil(total, float(table["within"].sum()), float(between.sum()), table)


def theil_by_year(
    values: pd.Series, groups: pd.Series, weights: pd.Series | None = None, form: str = "T"
) -> dict[str, pd.DataFrame]:
    """Split every year of a panel variable; return the tables `parts` and `groups`, keyed by year."""
    mass = None if weights is None else by_region_and_year(weights)
    parts, own = {}, {}
    for year, column in by_region_and_year(values).items():
        result = theil(column.rename(values.name), groups, None if mass is None else mass[year], form)
        parts[year] = {"total": result.total, "within": result.within, "between": result.between}
        own[year] = result.groups
    table = pd.DataFrame.from_dict(parts, orient="index").rename_axis("year")
    for part in ("within", "between"):
        table[f"{part}_share"] = table[part] / table["total"].where(table["total"] > 0)
    return {"parts": table, "groups": pd.concat(own, names=["year"])}
