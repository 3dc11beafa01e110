"""Grey relational grades: worked cells, bounds, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ronghe.errors import RongheError
from ronghe.measures.formulas.grey_relation import grey_coefficients, grey_relation

INDEX = pd.MultiIndex.from_product([["a", "b"], [2018, 2019, 2020]], names=["region", "year"])


def test_grey_coefficients_by_hand():
    A, B = np.array([[1.0], [0.5], [0.0]]), np.array([[0.8], [0.5], [0.4]])
    # Gaps 0.2, 0, 0.4: least 0, greatest 0.4, so (0 + 0.2)/(gap + 0.2).
    assert grey_coefficients(A, B).ravel().tolist() == pytest.approx([0.5, 1, 1 / 3])


def test_grades_average_over_rows_and_relations_over_pairs():
    rng = np.random.default_rng(2)
    A, B = (
        pd.DataFrame(rng.random((6, k)), index=INDEX, columns=[f"{n}{i}" for i in range(k)])
        for n, k in (("x", 2), ("y", 3))
    )
    result = grey_relation(A, B)
    xi = grey_coefficients(A.to_numpy(), B.to_numpy())
    assert result.grades["first"].tolist() == ["x0"] * 3 + ["x1"] * 3
    assert result.grades["grade"].iloc[4] == pytest.approx(xi[:, 1, 1].mean())
    assert result.panel["relation"].iloc[3] == pytest.approx(xi[3].mean())
    assert result.grades["grade"].mean() == pytest.approx(result.panel["relation"].mean())


def test_identical_systems_and_other_rows_are_refused():
    A = pd.DataFrame({"x": np.arange(6) / 5}, index=INDEX)
    with pytest.raises(RongheError, match="0/0"):
        grey_relation(A, A)
    with pytest.raises(RongheError, match="same region-years"):
        grey_relation(A, A.loc[["a"]])


@settings(max_examples=40, deadline=None)
@given(arrays(float, (5, 2), elements=st.floats(0, 1)), arrays(float, (5, 2), elements=st.floats(0, 1)))
def test_coefficients_lie_between_a_third_and_one(A, B):
    if abs(A[:, :, None] - B[:, None, :]).max() > 0:
        xi = grey_coefficients(A, B)
        assert xi.min() >= 1 / 3 - 1e-12 and xi.max() == pytest.approx(1)
        assert np.allclose(xi, grey_coefficients(B, A).transpose(0, 2, 1))
