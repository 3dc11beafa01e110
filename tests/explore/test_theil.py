"""Theil indices: against `inequality` where it is right, by hand, additivity, bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inequality.theil import TheilD
from ronghe.errors import RongheError
from ronghe.explore.theil import theil, theil_by_year


def sample(seed: int, n: int = 20, k: int = 3):
    rng = np.random.default_rng(seed)
    names = [f"u{i:02}" for i in range(n)]
    group = np.r_[np.arange(k), rng.integers(0, k, n - k)]
    return (
        pd.Series(rng.lognormal(size=n), names, name="y"),
        pd.Series([f"g{g}" for g in group], names),
        pd.Series(rng.uniform(1, 9, n), names, name="people"),
    )


def test_agrees_with_inequality():
    y, groups, _ = sample(0)
    found, other = theil(y, groups), TheilD(y.to_numpy(), groups.to_numpy())
    assert [found.total, found.between, found.within] == pytest.approx(
        [other.T, other.bg.item(), other.wg.item()], abs=1e-13
    )


def test_by_hand():
    """(1, 3): shares 1/4, 3/4. T = 1/4 ln(1/2) + 3/4 ln(3/2); L = 1/2 ln 2 + 1/2 ln(2/3)."""
    y, groups = pd.Series({"a": 1.0, "b": 3.0}), pd.Series({"a": "g", "b": "h"})
    assert theil(y, groups).total == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5), abs=1e-15)
    assert theil(y, groups, form="L").total == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3), abs=1e-15)
    # Each unit its own group: all of it is between.
    assert theil(y, groups).within == 0
    one = theil(y, pd.Series({"a": "g", "b": "g"}))
    assert one.between == 0 and one.within == pytest.approx(one.total, abs=1e-15)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["T", "L"]), st.booleans(), st.sampled_from([1e-6, 1.0, 1e6]))
def test_additivity_scale_order_and_bounds(seed, form, weighted, scale):
    y, groups, people = sample(seed)
    weights = people if weighted else None
    found = theil(y, groups, weights, form)
    assert found.within + found.between == pytest.approx(found.total, abs=1e-12)
    assert min(found.total, found.within, found.between) >= -1e-14
    assert found.groups["within"].sum() == pytest.approx(found.within, abs=1e-14)
    again = theil((y * scale).iloc[::-1], groups, weights, form)
    assert again.total == pytest.approx(found.total, abs=1e-12)
    assert again.between == pytest.approx(found.between, abs=1e-12)


def test_weights_are_people():
    """A region of three people with 6 is three people with 2 each."""
    y = pd.Series({"a": 6.0, "b": 5.0})
    people = pd.Series({"a": 3.0, "b": 1.0})
    each = pd.Series({"a1": 2.0, "a2": 2.0, "a3": 2.0, "b": 5.0})
    for form in ("T", "L"):
        together = theil(y, pd.Series("g", y.index), people, form).total
        assert together == pytest.approx(theil(each, pd.Series("g", each.index), form=form).total, abs=1e-14)


def test_zeros_count_in_T_and_are_refused_in_L():
    y, groups = pd.Series({"a": 0.0, "b": 2.0, "c": 0.0}, name="y"), pd.Series({"a": "g", "b": "h", "c": "g"})
    found = theil(y, groups)
    assert found.total == pytest.approx(np.log(3), abs=1e-15)
    assert found.within + found.between == pytest.approx(found.total, abs=1e-15)
    with pytest.raises(RongheError, match="'y' is missing, zero or negative for a, c"):
        theil(y, groups, form="L")


def test_refusals():
    y, groups, people = sample(1, 5, 2)
    with pytest.raises(RongheError, match="'y' is missing or negative for u01"):
        theil(y.where(y.index != "u01", -0.1), groups)
    with pytest.raises(RongheError, match="Theil weights: 'people' is missing, zero or negative for u02"):
        theil(y, groups, people.drop("u02"))
    with pytest.raises(RongheError, match="unknown form 'K'"):
        theil(y, groups, form="K")


def test_by_year():
    y, groups, people = sample(2)
    keys = ["year", "region"]
    panel = pd.concat({2019: y, 2020: y**2}, names=keys).swaplevel().sort_index().rename("y")
    crowd = pd.concat({2019: people, 2020: people + 1}, names=keys).swaplevel().sort_index().rename("people")
    tables = theil_by_year(panel, groups, crowd)
    assert tables["parts"].loc[2020, "total"] == pytest.approx(theil(y**2, groups, people + 1).total, abs=1e-14)
    np.testing.assert_allclose(tables["parts"][["within_share", "between_share"]].sum(axis=1), 1, atol=1e-12)
    assert len(tables["groups"]) == 6
