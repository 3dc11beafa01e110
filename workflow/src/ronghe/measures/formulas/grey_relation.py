"""Grey relational grades: how alike the indicators of two systems run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_positive
from ronghe.frames import check_panel


class GreyRelation(NamedTuple):
    """The mean coefficient by region and year, and the grade of every pair of indicators."""

    panel: pd.DataFrame
    grades: pd.DataFrame


def grey_coefficients(A: np.ndarray, B: np.ndarray, distinguishing: float = 0.5) -> np.ndarray:
    """Return (min + rho max)/(gap + rho max), rows x columns of A x columns of B, gap = |a_i - b_j| (Deng 1989).

    The smallest and largest gaps are those over all pairs and rows. Where all gaps are 0 the coefficient is 0/0.
    """
    require_positive(distinguishing, "grey relation: distinguishing")
    if distinguishing > 1:
        raise RongheError(f"grey relation: distinguishing: {distinguishing} is above 1; give a share, most often 0.5")
    gap = np.abs(A[:, :, None] - B[:, None, :])
    if not gap.max() > 0:
        raise RongheError("grey relation: the two systems are the same in every cell, which makes the grade 0/0")
    return (gap.min() + distinguishing * gap.max()) / (gap + distinguishing * gap.max())


def grey_relation(first: pd.DataFrame, second: pd.DataFrame, distinguishing: float = 0.5) -> GreyRelation:
    """Relate two systems of scaled indicators: coefficients of all pairs, averaged by region-year and by pair."""
    A, B = check_panel(first, "first system"), check_panel(second, "second system")
    if not A.index.equals(B.index):
        raise RongheError("grey relation: the two systems do not hold the same region-years; build them from one panel")
    xi = grey_coefficients(A.to_numpy(float), B.to_numpy(float), distinguishing)
    pairs = pd.MultiIndex.from_product([A.columns, B.columns], names=["first", "second"])
    grades = pd.DataFrame({"grade": xi.mean(axis=0).ravel()}, index=pairs).reset_index()
    return GreyRelation(pd.DataFrame({"relation": xi.mean(axis=(1, 2))}, index=A.index), grades)
