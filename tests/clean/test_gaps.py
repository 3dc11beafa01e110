"""Gaps: what is filled, what is left, and that both ends stay empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.clean.gaps import interpolate

NAN = np.nan


@pytest.mark.parametrize(
    ("row", "longest", "filled"),
    [
        ([1, NAN, 3, 4], 1, [1, 2, 3, 4]),
        ([1, NAN, NAN, 4], 1, [1, NAN, NAN, 4]),
        ([1, NAN, NAN, 4], 2, [1, 2, 3, 4]),
        ([NAN, 2, 3, NAN], 3, [NAN, 2, 3, NAN]),
        ([NAN, NAN, NAN, NAN], 3, [NAN, NAN, NAN, NAN]),
        ([4, NAN, 2, NAN], 2, [4, 3, 2, NAN]),
    ],
)
def test_straight_lines_within_a_region(row, longest, filled):
    frame = pd.DataFrame([row, [9.0, 9, 9, 9]], columns=[2017, 2018, 2019, 2020])
    found = interpolate(frame, longest)
    assert np.array_equal(found.iloc[0], filled, equal_nan=True)
    assert (found.iloc[1] == 9).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=3, max_size=12), st.integers(1, 5))
def test_known_figures_never_change_and_fills_lie_between_neighbours(row, longest):
    frame = pd.DataFrame([row], columns=range(2000, 2000 + len(row)), dtype=float)
    found = interpolate(frame, longest)
    known = frame.notna()
    assert found.where(known).equals(frame)
    low, high = frame.ffill(axis=1).combine(frame.bfill(axis=1), np.fmin), None
    high = frame.ffill(axis=1).combine(frame.bfill(axis=1), np.fmax)
    new = found.notna() & ~known
    slack = 1e-9 * (1 + frame.abs().max(axis=1).fillna(0).iloc[0])
    assert ((found >= low - slack) & (found <= high + slack)).to_numpy()[new.to_numpy()].all()
