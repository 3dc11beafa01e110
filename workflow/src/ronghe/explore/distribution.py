"""The distribution of a variable over regions: inequality by groups of regions, and densities, year by year."""

from __future__ import annotations

import pandas as pd

from ronghe.errors import require_known
from ronghe.explore.dagum import dagum_by_year
from ronghe.explore.density import densities_by_year
from ronghe.explore.theil import theil_by_year
from ronghe.frames import select_columns


def describe_distribution(
    panel: pd.DataFrame,
    regions: pd.DataFrame,
    variable: str,
    group: str = "macro_region",
    population: str | None = None,
    form: str = "T",
    points: int = 256,
    bandwidth: float | None = None,
    bounds: tuple[float | None, float | None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the decompositions of inequality by a column of `regions`, and kernel densities by year.

    `population` weighs regions in the Theil index, for a variable that is a total. Densities stay inside `bounds`.
    """
    require_known(group, regions.columns, "column of the regions table", "distribution: group")
    panel = select_columns(panel, [variable, *([population] if population else [])], "distribution")
    values, groups = panel[variable], regions[group]
    people = None if population is None else panel[population]
    dagum, theil = dagum_by_year(values, groups), theil_by_year(values, groups, people, form)
    return {
        "dagum": dagum["parts"],
        "dagum_groups": dagum["groups"],
        "dagum_pairs": dagum["pairs"],
        "theil": theil["parts"],
        "theil_groups": theil["groups"],
        **densities_by_year(values, points, bandwidth, bounds=bounds),
    }
