"""Productivity of regions over time against one global frontier, with bad outputs: index, efficiency, technology."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.frames import select_columns
from ronghe.measures.frontier import DISTANCES, RETURNS, Technology, directional_distance, slacks_based


def _efficiency(evaluated: Technology, reference: Technology, distance: str, returns: str) -> np.ndarray:
    """Return efficiency in (0, 1]: the slacks-based measure, or 1 / (1 + directional distance)."""
    if distance == "slacks":
        return slacks_based(evaluated, reference, returns)[0]
    return 1.0 / (1.0 + directional_distance(evaluated, reference))


def productivity(
    panel: pd.DataFrame,
    inputs: Sequence[str],
    outputs: Sequence[str],
    bads: Sequence[str] = (),
    returns: str = "constant",
    distance: str = "slacks",
) -> pd.DataFrame:
    """Return by region and year efficiency, and the global Malmquist-Luenberger index with its two parts.

    With E_G the efficiency against all years' units together and E_t against the units of year t:

    - `efficiency` = E_G, `efficiency_own_year` = E_t;
    - `index` = E_G(t) / E_G(t-1);
    - `efficiency_change` = E_t(t) / E_{t-1}(t-1): catching up with the year's frontier;
    - `technical_change` = index / efficiency_change, computed as the ratio of best-practice gaps E_G/E_t;
    - `cumulative` = E_G(t) / E_G(first year), the product of the indices, 1 in the first year.

    `distance="directional"`: E = 1/(1 + D), Oh (2010). `distance="slacks"`: E is the slacks-based measure in
    the same formulas, as most applications have it since. The index circulates: no base year changes it. Index and
    changes are missing in the first year. Against one global frontier no program is infeasible.
    """
    require_known(distance, DISTANCES, "distance", "productivity")
    require_known(returns, RETURNS, "returns to scale", "productivity")
    if distance == "directional" and returns == "variable":
        raise RongheError(
            "productivity: the directional distance with weakly disposable bad outputs is for constant returns; "
            "set `returns: constant`, or `distance: slacks`"
        )
    panel = select_columns(panel, [*inputs, *outputs, *bads], "productivity")
    units = Technology.from_frame(panel, inputs, outputs, bads)
    years = panel.index.get_level_values("year").to_numpy()
    overall = _efficiency(units, units, distance, returns)
    own_year = np.empty(len(panel))
    for year in np.unique(years):
        rows = np.flatnonzero(years == year)
        part = units.take(rows)
        own_year[rows] = _efficiency(part, part, distance, returns)
    result = pd.DataFrame({"efficiency": overall, "efficiency_own_year": own_year}, index=panel.index)
    gap = result["efficiency"] / result["efficiency_own_year"]
    by_region = result.groupby("region")
    result["index"] = result["efficiency"] / by_region["efficiency"].shift()
    result["efficiency_change"] = result["efficiency_own_year"] / by_region["efficiency_own_year"].shift()
    result["technical_change"] = gap / gap.groupby("region").shift()
    result["cumulative"] = result["efficiency"] / by_region["efficiency"].transform("first")
    return result


def target_slacks(
    panel: pd.DataFrame,
    inputs: Sequence[str],
    outputs: Sequence[str],
    bads: Sequence[str] = (),
    returns: str = "constant",
) -> pd.DataFrame:
    """Return by region and year how far each variable is from the global frontier, as a share of its own figure.

    One optimal solution of the slacks-based program: input and bad output in excess, good output short. Where several
    solutions are optimal the efficiency is the same and the slacks are those of one of them.
    """
    panel = select_columns(panel, [*inputs, *outputs, *bads], "productivity")
    _, slacks = slacks_based(Technology.from_frame(panel, inputs, outputs, bads), returns=returns)
    return pd.DataFrame(slacks, index=panel.index, columns=[*inputs, *outputs, *bads])
