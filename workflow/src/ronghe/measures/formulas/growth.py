"""Growth of a variable and the level that it starts from: what convergence regressions are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.frames import check_panel


def growth(values: pd.Series) -> pd.DataFrame:
    """Return by region and year `growth` = ln(y_t / y_{t-1}) and `initial` = ln y_{t-1}; missing in the first year.

    Regressing growth on the initial level with region and year effects is beta convergence; with W terms it is spatial
    beta convergence. Years must follow one another, and every value must be positive.
    """
    name = str(values.name or "variable")
    panel = check_panel(values.to_frame(name), name)[name].astype(float)
    bad = panel.index[panel <= 0]
    if len(bad):
        raise RongheError(f"growth of '{name}': zero or negative for {listing(bad)}; a logarithm needs positive values")
    years = panel.index.unique("year")
    if (np.diff(years) != 1).any():
        raise RongheError(f"growth of '{name}': years must follow one another, not {listing(years, 40)}")
    level = np.log(panel)
    before = level.groupby("region").shift()
    return pd.DataFrame({"growth": level - before, "initial": before})
