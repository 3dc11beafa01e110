"""Tables under several weights as one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of several weights under one another, the name of the weights and the effects in front."""
    table = pd.concat([t.assign(weights=name) for name, t in tables.items()], ignore_index=True)
    first = [c for c in ("weights", "effects") if c in table]
    return table[[*first, *(c for c in table if c not in first)]]
