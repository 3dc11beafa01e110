"""Stepdown methods by hand, and their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.linear.multiple_testing import holm, romano_wolf, westfall_young


def test_romano_wolf_by_hand():
    """Three tests, four draws: maxima over those still in the race, p-values never falling."""
    t = np.array([1.0, 3.0, 2.0])
    draws = np.array([[0.5, 0.1, 2.5], [1.2, 0.3, 0.2], [0.1, 3.5, 0.4], [0.2, 0.2, 0.1]])
    # Order: 3.0 (max over all: 2.5, 1.2, 3.5, 0.2), 2.0 (without it: 2.5, 1.2, 0.4, 0.2), 1.0 (0.5, 1.2, 0.1, 0.2).
    np.testing.assert_allclose(romano_wolf(t, draws), [2 / 5, 2 / 5, 2 / 5])
    draws[2, 1] = 2.9
    np.testing.assert_allclose(romano_wolf(t, draws), [2 / 5, 1 / 5, 2 / 5])


def test_heavy_tails_of_one_member_do_not_weigh_on_another_in_westfall_and_youngs_stepdown():
    rng = np.random.default_rng(0)
    draws = np.column_stack([rng.normal(size=4999), rng.standard_cauchy(size=4999)])
    t = np.array([2.6, 0.1])
    assert westfall_young(t, draws)[0] == pytest.approx(2 * 0.0093, abs=0.008)
    assert romano_wolf(t, draws)[0] > 0.15
    # With one member both are its own bootstrap p-value.
    own = (1 + np.sum(np.abs(draws[:, 0]) >= 2.6)) / 5000
    assert westfall_young(t[:1], draws[:, :1])[0] == pytest.approx(own)


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_stepdown_is_at_least_the_single_p_value_and_keeps_the_order(seed, m):
    rng = np.random.default_rng(seed)
    t, draws = rng.normal(size=m) * 2, rng.normal(size=(99, m))
    p = romano_wolf(t, draws)
    single = (1 + (np.abs(draws) >= np.abs(t)).sum(axis=0)) / 100
    assert (p >= single - 1e-12).all() and (p <= 1).all()
    assert (np.diff(p[np.argsort(-np.abs(t), kind="stable")]) >= 0).all()
