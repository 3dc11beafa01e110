"""Synergy degree of a composite system: how far its subsystems rise or fall together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ronghe.errors import require_known
from ronghe.measures.formulas.coupling import read_subsystems

BASES = ("first", "previous")


def synergy(panel: pd.DataFrame, subsystems: Mapping[str, str], base: str = "first") -> pd.DataFrame:
    """Return theta (prod_k |U_k(t) - U_k(base)|)^(1/k), theta the sign of the smallest change (Meng and Han 2000).

    Positive only where every subsystem's order degree rose. `base` is the first year or the year before; the base
    itself has no value and stays empty.
    """
    require_known(base, BASES, "base", "synergy")
    U = read_subsystems(panel, subsystems, zero=True)
    n_years = U.index.get_level_values("year").nunique()
    cube = U.to_numpy(float).reshape(-1, n_years, U.shape[1])
    result = np.full(cube.shape[:2], np.nan)
    change = cube[:, 1:] - (cube[:, :1] if base == "first" else cube[:, :-1])
    size = np.abs(change).prod(axis=2) ** (1 / U.shape[1])
    result[:, 1:] = np.sign(change.min(axis=2)) * size
    return pd.DataFrame({"synergy": result.ravel()}, index=U.index)
