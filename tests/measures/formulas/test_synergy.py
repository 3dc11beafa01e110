"""Synergy degree: worked cells, the sign of falling subsystems, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.formulas.synergy import synergy

INDEX = pd.MultiIndex.from_product([["a", "b"], [2018, 2019, 2020]], names=["region", "year"])


@pytest.fixture
def panel() -> pd.DataFrame:
    return pd.DataFrame({"u": [0.1, 0.5, 0.3, 0.2, 0.3, 0.6], "v": [0.2, 0.3, 0.6, 0.9, 0.8, 0.7]}, index=INDEX)


def test_synergy_by_hand(panel):
    result = synergy(panel, {"services": "u", "industry": "v"})["synergy"].to_numpy()
    # a: (0.4, 0.1), (0.2, 0.4); b: (0.1, -0.1), (0.4, -0.2) since 2018.
    expected = [np.nan, 0.04**0.5, 0.08**0.5, np.nan, -(0.01**0.5), -(0.08**0.5)]
    assert result == pytest.approx(expected, nan_ok=True)


def test_synergy_on_the_year_before(panel):
    result = synergy(panel, {"services": "u", "industry": "v"}, base="previous")["synergy"].to_numpy()
    # a 2020: (-0.2, 0.3); b 2020: (0.3, -0.1).
    assert result[[2, 5]] == pytest.approx([-(0.06**0.5), -(0.03**0.5)])


def test_two_falling_subsystems_are_not_in_synergy():
    panel = pd.DataFrame({"u": [0.5, 0.4, 0.3] * 2, "v": [0.5, 0.2, 0.1] * 2}, index=INDEX)
    assert (synergy(panel, {"s": "u", "m": "v"})["synergy"].dropna() < 0).all()


def test_order_degrees_outside_their_range_are_refused(panel):
    with pytest.raises(RongheError, match=r"'industry' \('v'\) lies outside \[0, 1\] for \('a', 2020\)"):
        synergy(panel.assign(v=panel["v"].where(panel["v"] != 0.6, 6)), {"services": "u", "industry": "v"})
