"""Coupling coordination: cells worked by hand, special cases, bounds, obstacles, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ronghe.errors import RongheError
from ronghe.measures.formulas.coupling import (
    GRADES,
    couple,
    coupling_degree,
    grade,
    modified_coupling_degree,
    obstacles,
)

INDEX = pd.MultiIndex.from_product([["a", "b"], [2019, 2020]], names=["region", "year"])
PAIR = {"services": "s.index", "industry": "m.index"}


@pytest.fixture
def panel() -> pd.DataFrame:
    return pd.DataFrame({"s.index": [0.2, 0.4, 0.9, 0.5], "m.index": [0.8, 0.4, 0.1, 1.0]}, index=INDEX)


def test_two_subsystems_by_hand(panel):
    result = couple(panel, PAIR)
    first = result.panel.loc[("a", 2019)]
    # U = 0.2 and 0.8: C = 2 sqrt(0.16)/1 = 0.8, T = 0.5, D = sqrt(0.4); modified C = sqrt((1 - 0.6) 0.2/0.8).
    assert first["coupling"] == pytest.approx(0.8)
    assert first["development"] == pytest.approx(0.5)
    assert first["coordination"] == pytest.approx(0.4**0.5)
    assert first["coupling_modified"] == pytest.approx(0.1**0.5)
    assert first["coordination_modified"] == pytest.approx((0.1**0.5 * 0.5) ** 0.5)
    assert first[["grade", "grade_modified"]].tolist() == [7, 4]
    assert result.states.loc[("a", 2019)].tolist()[:3] == ["primary coordination", "mild imbalance", "services"]
    assert result.states.loc[("a", 2019), "gap"] == pytest.approx(0.6)
    assert result.states["lagging"].tolist() == ["services", "none", "industry", "services"]


def test_three_subsystems_by_hand():
    U = np.array([[0.2, 0.4, 0.8]])
    # C = 3 (0.064)^(1/3)/1.4 = 1.2/1.4.
    assert coupling_degree(U)[0] == pytest.approx(1.2 / 1.4)
    # Gaps 0.2, 0.6, 0.4 average to 0.4; ratios 1/4, 1/2, 1 multiply to 1/8, whose square root it is.
    assert modified_coupling_degree(U)[0] == pytest.approx((0.6 * (1 / 8) ** 0.5) ** 0.5)


def test_weights_of_the_subsystems_enter_development(panel):
    T = couple(panel, PAIR, {"industry": 0.75, "services": 0.25}).panel["development"]
    assert T.tolist() == pytest.approx([0.65, 0.4, 0.3, 0.875])


def test_grades_by_steps_of_a_tenth():
    assert grade(np.array([0, 0.0999, 0.1, 0.3, 0.7, 0.8999, 0.9, 1])).tolist() == [1, 1, 2, 4, 8, 9, 10, 10]
    assert len(GRADES) == 10


@pytest.mark.parametrize("value", [0.0, -0.1, 1.2])
def test_indices_outside_their_range_are_refused_by_name(panel, value):
    panel.loc[("b", 2019), "m.index"] = value
    with pytest.raises(RongheError, match=r"'industry' \('m.index'\) lies outside \(0, 1\] for \('b', 2019\).*floor"):
        couple(panel, PAIR)


def test_wrong_weights_are_refused(panel):
    with pytest.raises(RongheError, match="add to 1"):
        couple(panel, PAIR, {"services": 0.5, "industry": 0.6})
    with pytest.raises(RongheError, match="unknown subsystem 'service'; did you mean 'services'"):
        couple(panel, PAIR, {"service": 0.5, "industry": 0.5})


def test_obstacles_by_hand():
    index = INDEX[:2]
    scores = {
        "services": pd.DataFrame({"x": [0.5, 1.0], "y": [0.0, 1.0]}, index=index),
        "industry": pd.DataFrame({"z": [0.8, 1.0]}, index=index),
    }
    weights = {"services": pd.Series({"y": 0.4, "x": 0.6}), "industry": pd.Series({"z": 1.0})}
    result = obstacles(scores, weights)
    # Shortfalls, halved: 0.6 0.5 = 0.3, 0.4 1 = 0.4, 1 0.2 = 0.2, of 0.9 in all.
    assert result["obstacles"].iloc[0].tolist() == pytest.approx([3 / 9, 4 / 9, 2 / 9])
    assert result["obstacles"].iloc[1].isna().all()
    first = result["obstacle_ranking"].query("year == 2019")
    assert first["indicator"].tolist() == ["y", "x", "z"] and first["rank"].tolist() == [1, 2, 3]


indices = st.integers(2, 5).flatmap(lambda k: arrays(float, (6, k), elements=st.floats(0.001, 1)))


@settings(max_examples=60, deadline=None)
@given(indices)
def test_bounds_and_the_definitions_term_by_term(U):
    k = U.shape[1]
    C, M = coupling_degree(U), modified_coupling_degree(U)
    assert ((C > 0) & (C <= 1 + 1e-12)).all() and ((M >= 0) & (M <= 1 + 1e-12)).all()
    assert np.allclose(C, k * U.prod(axis=1) ** (1 / k) / U.sum(axis=1))
    gaps = sum(abs(U[:, i] - U[:, j]) for i, j in combinations(range(k), 2)) / (k * (k - 1) / 2)
    ratio = (U / U.max(axis=1, keepdims=True)).prod(axis=1) ** (1 / (k - 1))
    assert np.allclose(M, np.sqrt((1 - gaps) * ratio))


@settings(max_examples=60, deadline=None)
@given(arrays(float, (6, 2), elements=st.floats(0.001, 1)))
def test_two_subsystems_are_the_special_case(U):
    u, v = U.T
    assert np.allclose(coupling_degree(U), 2 * np.sqrt(u * v) / (u + v))
    assert np.allclose(modified_coupling_degree(U), np.sqrt((1 - abs(u - v)) * np.minimum(u, v) / np.maximum(u, v)))


@settings(max_examples=40, deadline=None)
@given(indices, st.floats(0.1, 1), st.randoms(use_true_random=False))
def test_order_and_common_scale_of_subsystems(U, factor, random):
    columns = list(range(U.shape[1]))
    random.shuffle(columns)
    for degree in (coupling_degree, modified_coupling_degree):
        assert np.allclose(degree(U), degree(U[:, columns]))
    # Only the standard degree is free of a common scale: the modified one looks at the gaps themselves.
    assert np.allclose(coupling_degree(U), coupling_degree(U * factor))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.001, 1), st.integers(2, 5))
def test_equal_subsystems_are_fully_coupled(u, k):
    panel = pd.DataFrame({f"v{i}": [u] * 4 for i in range(k)}, index=INDEX)
    result = couple(panel, {f"s{i}": f"v{i}" for i in range(k)})
    assert result.panel["coupling"].tolist() == pytest.approx([1] * 4)
    assert result.panel["coordination_modified"].tolist() == pytest.approx([u**0.5] * 4)
    assert set(result.states["lagging"]) == {"none"}


def test_published_degrees_of_thirteen_cities_fit_both_formulas():
    """Wang et al. (2021), table 8, 2008: standard and modified C of the same two indices, to four decimals.

    The standard C gives the ratio of the two indices, the modified one then their gap. Both follow from indices
    inside (0, 1] for every city, which other readings of the modified formula (without its root, say) do not allow.
    """
    standard = [0.9989, 0.9935, 0.8868, 0.9073, 0.6821, 0.8328, 0.6816, 0.7789, 0.6871, 0.6101, 0.8017, 0.7867, 0.7191]
    modified = [0.9404, 0.8660, 0.5440, 0.5769, 0.3006, 0.4780, 0.3344, 0.4171, 0.3278, 0.2700, 0.4374, 0.4196, 0.3738]
    C, M = np.array(standard), np.array(modified)
    ratio = ((1 - np.sqrt(1 - C**2)) / C) ** 2
    high = (1 - M**2 / ratio) / (1 - ratio)
    U = np.column_stack([high, high * ratio])
    assert ((U > 0) & (U < 1)).all()
    assert coupling_degree(U) == pytest.approx(C, abs=1e-10)
    assert modified_coupling_degree(U) == pytest.approx(M, abs=1e-10)
    assert (M > ratio).all()
