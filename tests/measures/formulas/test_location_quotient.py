"""Location quotients: cells by hand, identities, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ronghe.errors import RongheError
from ronghe.measures.formulas.location_quotient import location_quotients

INDEX = pd.MultiIndex.from_product([["a", "b", "c"], [2019, 2020]], names=["region", "year"])
SERVICES = [
    "交通运输、仓储和邮政业",
    "信息传输、软件和信息技术服务业",
    "金融业",
    "租赁和商务服务业",
    "科学研究和技术服务业",
]


@pytest.fixture
def panel() -> pd.DataFrame:
    table = {
        "m": [10.0, 12, 30, 28, 0, 5],
        "s": [20.0, 22, 10, 12, 5, 5],
        "f": [5.0, 6, 5, 4, 0, 2],
        "total": [50.0, 50, 60, 60, 10, 20],
    }
    return pd.DataFrame(table, index=INDEX)


def test_location_quotient_by_hand(panel):
    result = location_quotients(panel, {"industry": ["m"], "services": ["s", "f"]}, "total")
    assert result.loc[("a", 2019), "industry"] == pytest.approx((10 / 50) / (40 / 120))
    assert result.loc[("b", 2020), "services"] == pytest.approx((16 / 60) / (51 / 130))
    assert result.loc[("c", 2019), "industry"] == 0


def test_empty_totals_and_sectors_are_refused(panel):
    with pytest.raises(RongheError, match=r"the total 'total' is 0 for \('a', 2020\)"):
        location_quotients(panel.assign(total=[50.0, 0, 60, 60, 10, 20]), {"m": ["m"]}, "total")
    with pytest.raises(RongheError, match="'x' in all regions is 0 for 2020"):
        location_quotients(panel.assign(x=[1.0, 0, 1, 0, 1, 0]), {"x": ["x"]}, "total")
    with pytest.raises(RongheError, match=r"'m' is negative for \('b', 2019\)"):
        location_quotients(panel.assign(m=[1.0, 1, -1, 1, 1, 1]), {"m": ["m"]}, "total")


amounts = arrays(float, (6, 3), elements=st.floats(0.01, 1e4))


@settings(max_examples=50, deadline=None)
@given(amounts, st.floats(0.001, 1000))
def test_identities_of_location_quotients(values, factor):
    panel = pd.DataFrame(values, index=INDEX, columns=["m", "s", "o"])
    panel["total"] = panel.sum(axis=1)
    sectors = {"m": ["m"], "s": ["s"], "all": ["m", "s", "o"]}
    LQ = location_quotients(panel, sectors, "total")
    x = panel["total"] / panel.groupby(level="year")["total"].transform("sum")
    # Weighted by the regions' shares of all jobs, quotients average to one; the whole economy's is one everywhere.
    assert np.allclose(LQ.mul(x, axis=0).groupby(level="year").sum(), 1)
    assert np.allclose(LQ["all"], 1)
    assert np.allclose(LQ, location_quotients(panel * factor, sectors, "total"))
