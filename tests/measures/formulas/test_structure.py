"""Specialisation, diversity, dissimilarity, Herfindahl: cells by hand, identities, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ronghe.errors import RongheError
from ronghe.measures.formulas.structure import structure

INDEX = pd.MultiIndex.from_product([["a", "b", "c"], [2020]], names=["region", "year"])
SECTORS = {"m": ["m"], "s": ["s"], "f": ["f"]}


@pytest.fixture
def panel() -> pd.DataFrame:
    values = [[10.0, 20, 10], [30, 10, 10], [20, 20, 20]]
    return pd.DataFrame(values, index=INDEX, columns=list(SECTORS)).assign(total=[100.0, 100, 200], area=[4.0, 5, 6])


def test_one_region_by_hand(panel):
    row = structure(panel, SECTORS, area="area").loc[("a", 2020)]
    # a: 1/4, 1/2, 1/4; the others: 50, 30, 30 of 110.
    assert row["dissimilarity"] == pytest.approx(abs(1 / 4 - 5 / 11) + abs(1 / 2 - 3 / 11) + abs(1 / 4 - 3 / 11))
    assert row["specialisation"] == pytest.approx(row["dissimilarity"])
    assert row["herfindahl"] == pytest.approx(1 / 16 + 1 / 4 + 1 / 16)
    assert row["density"] == pytest.approx(10)
    # Without m the rest of a is 20 + 10: 30^2/500; of all regions (60, 50, 40): 90^2/4100; and so on for s and f.
    here = [30**2 / 500, 20**2 / 200, 30**2 / 500]
    there = [90**2 / 4100, 100**2 / 5200, 110**2 / 6100]
    expected = np.dot([1 / 4, 1 / 2, 1 / 4], np.divide(here, there))
    assert row["diversification"] == pytest.approx(expected)


def test_shares_in_all_jobs_by_hand(panel):
    row = structure(panel, SECTORS, total="total").loc[("a", 2020)]
    assert row["specialisation"] == pytest.approx(abs(0.1 - 50 / 300) + abs(0.2 - 30 / 300) + abs(0.1 - 30 / 300))
    here = [(100 - 10) ** 2 / 500, (100 - 20) ** 2 / 200, (100 - 10) ** 2 / 500]
    there = [(400 - 60) ** 2 / 4100, (400 - 50) ** 2 / 5200, (400 - 40) ** 2 / 6100]
    assert row["diversification"] == pytest.approx(np.dot([0.1, 0.2, 0.1], np.divide(here, there)))
    assert row["dissimilarity"] == pytest.approx(structure(panel, SECTORS).loc[("a", 2020), "dissimilarity"])


@settings(max_examples=25, deadline=None)
@given(arrays(float, (4, 3), elements=st.floats(0.01, 1e3)), st.floats(0.01, 100))
def test_bounds_and_scale(values, factor):
    index = pd.MultiIndex.from_product([["a", "b"], [2019, 2020]], names=["region", "year"])
    panel = pd.DataFrame(values, index=index, columns=list(SECTORS))
    result = structure(panel, SECTORS)
    assert result["dissimilarity"].between(0, 2).all() and result["herfindahl"].between(1 / 3 - 1e-9, 1).all()
    # Between two regions the distance is the same seen from either side.
    assert np.allclose(*(result["dissimilarity"].xs(r, level="region") for r in "ab"))
    assert np.allclose(result, structure(panel * factor, SECTORS))


def test_a_region_like_the_nation_is_neither_special_nor_diverse():
    panel = pd.DataFrame([[1.0, 2, 3], [2, 4, 6], [3, 6, 9]], index=INDEX, columns=list(SECTORS))
    result = structure(panel, SECTORS)
    assert result["specialisation"].tolist() == pytest.approx([0] * 3, abs=1e-14)
    assert result["diversification"].tolist() == pytest.approx([1] * 3)


def test_what_would_be_divided_by_zero_is_refused(panel):
    one_sector = panel.assign(m=[0.0, 1, 1], f=[0.0, 1, 1])
    with pytest.raises(RongheError, match=r"beside 's' is 0 for \('a', 2020\)"):
        structure(one_sector, SECTORS)
    with pytest.raises(RongheError, match=r"add to more than 'total' for \('b', 2020\)"):
        structure(panel.assign(total=[100.0, 40, 200]), SECTORS, "total")
    with pytest.raises(RongheError, match=r"area 'area' is not above 0 for \('c', 2020\)"):
        structure(panel.assign(area=[1.0, 1, 0]), SECTORS, area="area")
    with pytest.raises(RongheError, match="all other regions is 0"):
        structure(panel.loc[["a"]], SECTORS)
