"""Location quotients and co-agglomeration: figures of the real panel, cells by hand, identities, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ronghe.errors import RongheError
from ronghe.measures.formulas.coagglomeration import coagglomeration
from ronghe.measures.formulas.location_quotient import location_quotients

amounts = arrays(float, (6, 3), elements=st.floats(0.01, 1e4))
INDEX = pd.MultiIndex.from_product([["a", "b", "c"], [2019, 2020]], names=["region", "year"])
SERVICES = [
    "交通运输、仓储和邮政业",
    "信息传输、软件和信息技术服务业",
    "金融业",
    "租赁和商务服务业",
    "科学研究和技术服务业",
]


@pytest.fixture(scope="module")
def provinces(project) -> pd.DataFrame:
    table = pd.read_csv(project / "data/raw/china_provinces/urban_unit_employment.csv")
    table = table.rename(columns={"地区": "region", "年份": "year"}).query("region != '西藏' and year >= 2013")
    return table.set_index(["region", "year"])


@pytest.fixture
def panel() -> pd.DataFrame:
    table = {
        "m": [10.0, 12, 30, 28, 0, 5],
        "s": [20.0, 22, 10, 12, 5, 5],
        "f": [5.0, 6, 5, 4, 0, 2],
        "total": [50.0, 50, 60, 60, 10, 20],
    }
    return pd.DataFrame(table, index=INDEX)


def test_the_official_figures_of_three_provinces(provinces):
    result = coagglomeration(provinces, ["制造业"], SERVICES, "合计")["index"]
    assert result[("广东", 2020)] == pytest.approx(3.57, abs=0.005)
    assert result[("上海", 2013)] == pytest.approx(3.84, abs=0.005)
    assert result[("贵州", 2020)] == pytest.approx(1.80, abs=0.005)


def test_one_province_worked_from_its_raw_cells(provinces):
    """Guangdong 2020, from the definition."""
    year = provinces.xs(2020, level="year")
    e, E = year.loc["广东"], year.sum()
    manufacturing = (e["制造业"] / e["合计"]) / (E["制造业"] / E["合计"])
    services = (e[SERVICES].sum() / e["合计"]) / (E[SERVICES].sum() / E["合计"])
    expected = 1 - abs(manufacturing - services) / (manufacturing + services) + manufacturing + services
    row = coagglomeration(provinces, ["制造业"], SERVICES, "合计").loc[("广东", 2020)]
    assert row["index"] == pytest.approx(expected, rel=1e-14)
    assert row["location_quotient_industry"] == pytest.approx(manufacturing, rel=1e-14)


def test_branches_stand_beside_the_whole(panel):
    panel.loc[("c", 2019), "f"] = 1
    result = coagglomeration(panel, ["m"], ["s", "f"], "total", {"finance": ["f"], "all": ["f", "s"]})
    assert np.allclose(result["index"], result["index_all"])
    lq = location_quotients(panel, {"m": ["m"], "f": ["f"]}, "total").loc[("b", 2019)]
    expected = 1 - abs(lq["m"] - lq["f"]) / (lq["m"] + lq["f"]) + lq["m"] + lq["f"]
    assert result.loc[("b", 2019), "index_finance"] == pytest.approx(expected)


def test_nothing_on_either_side_is_refused_by_name(panel):
    with pytest.raises(RongheError, match=r"neither the industry nor 'partner' exists in \('c', 2019\).*0/0"):
        coagglomeration(panel, ["m"], ["f"], "total")


@settings(max_examples=50, deadline=None)
@given(amounts)
def test_bounds_and_symmetry_of_coagglomeration(values):
    panel = pd.DataFrame(values, index=INDEX, columns=["m", "s", "o"])
    panel["total"] = panel.sum(axis=1)
    one, other = (coagglomeration(panel, [a], [b], "total") for a, b in (("m", "s"), ("s", "m")))
    assert one["quality"].between(0, 1 + 1e-12).all()
    assert np.allclose(one["index"], one["quality"] + one["height"])
    assert np.allclose(one["index"], other["index"])
    low, high = one[["location_quotient_industry", "location_quotient_partner"]].min(axis=1), one["height"] / 2
    assert np.allclose(one["quality"], low / high)
