"""Growth and initial level: a cell by hand, gaps between years, values without a logarithm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.formulas.growth import growth


def panel(years=(2018, 2019, 2020)) -> pd.Series:
    index = pd.MultiIndex.from_product([["a", "b"], years], names=["region", "year"])
    return pd.Series(np.arange(1.0, 1 + len(index)), index=index, name="y")


def test_by_hand():
    found = growth(panel().sample(frac=1, random_state=0))
    assert found.loc[("b", 2020), "growth"] == pytest.approx(np.log(6 / 5), rel=1e-14)
    assert found.loc[("b", 2020), "initial"] == pytest.approx(np.log(5), rel=1e-14)
    # The first year of a region has no year before it, not the last year of another region.
    assert found.xs(2018, level="year").isna().all(axis=None) and found.isna().sum().sum() == 4


def test_refusals():
    with pytest.raises(RongheError, match="follow one another, not 2018, 2020"):
        growth(panel((2018, 2020)))
    with pytest.raises(RongheError, match=r"zero or negative for \('a', 2018\)"):
        growth(panel() - 1)
    with pytest.raises(RongheError, match="'y' is missing"):
        growth(panel().where(lambda y: y != 2))
