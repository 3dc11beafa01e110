"""A published panel to try the engine on: Munnell's 48 US states, 1970 to 1986, and who borders whom."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ronghe.weights.matrix import Weights

BORDERS = Path(__file__).with_name("us_state_borders.csv")


def munnell() -> tuple[pd.DataFrame, Weights]:
    """Return Munnell's panel, indexed by (STATE, YR), and the borders of its states with rows that sum to one.

    gsp is output, pcap public capital, pc private capital, emp employment and unemp the rate of unemployment (Munnell
    1990, New England Economic Review; the file is that of linearmodels).

    >>> data, W = munnell()
    >>> data.shape, W
    ((816, 5), Weights('borders', n=48, edges=214, islands=0))
    """
    from linearmodels.datasets import munnell as source

    data = source.load().set_index(["STATE", "YR"])
    names = {"GSP": "gsp", "P_CAP": "pcap", "PC": "pc", "EMP": "emp", "UNEMP": "unemp"}
    borders = pd.read_csv(BORDERS).to_numpy()
    edges = pd.DataFrame([*borders, *borders[:, ::-1]], columns=["focal", "neighbor"]).assign(weight=1.0)
    return data[list(names)].rename(columns=names), Weights.from_edges(edges, name="borders").standardise("row")
