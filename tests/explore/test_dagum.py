"""Dagum's decomposition: the definition with every pair of units written out, identities, bounds, size."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inequality.gini import Gini
from ronghe.errors import RongheError
from ronghe.explore.dagum import dagum, dagum_by_year


def sample(seed: int, n: int, k: int) -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    names = [f"u{i:04}" for i in range(n)]
    group = np.r_[np.arange(k), rng.integers(0, k, n - k)] if n >= k else rng.integers(0, k, n)
    y = rng.lognormal(sigma=0.8, size=n) * (1 + group)
    return pd.Series(y, names, name="y"), pd.Series([f"g{g}" for g in group], names)


def by_definition(y: np.ndarray, group: np.ndarray) -> dict[str, float]:
    """Follow Dagum (1997) with all pairs of units, and the gross affluence and transvariation as sums."""
    n, mean = len(y), y.mean()
    parts = dict.fromkeys(["within", "between", "transvariation"], 0.0)
    for a in np.unique(group):
        for b in np.unique(group):
            first, second = y[group == a], y[group == b]
            pairs = first[:, None] - second[None, :]
            G = np.abs(pairs).mean() / (first.mean() + second.mean())
            p_a, s_b = len(first) / n, len(second) * second.mean() / (n * mean)
            if a == b:
                parts["within"] += G * p_a * s_b
                continue
            richer = pairs if first.mean() >= second.mean() else -pairs
            d, p = np.maximum(richer, 0).mean(), np.maximum(-richer, 0).mean()
            D = (d - p) / (d + p)
            parts["between"] += G * p_a * s_b * D
            parts["transvariation"] += G * p_a * s_b * (1 - D)
    return parts | {"total": np.abs(y[:, None] - y[None, :]).sum() / (2 * n * n * mean)}


@pytest.mark.parametrize(("seed", "n", "k"), [(0, 31, 3), (1, 40, 4), (2, 200, 7), (3, 9, 1), (4, 6, 6)])
def test_equals_the_definition(seed, n, k):
    y, groups = sample(seed, n, k)
    found, expected = dagum(y, groups), by_definition(y.to_numpy(), groups.to_numpy())
    for part, value in expected.items():
        assert getattr(found, part) == pytest.approx(value, abs=1e-13)


def test_by_hand():
    """Groups (1, 3) and (2): G = 8/(2*9*2)... pairs |1-3| = 2, |1-2| = |3-2| = 1, mean 2, n = 3."""
    y = pd.Series({"a": 1.0, "b": 3.0, "c": 2.0})
    found = dagum(y, pd.Series({"a": "g", "b": "g", "c": "h"}))
    assert found.total == pytest.approx(2 * (2 + 1 + 1) / (2 * 9 * 2), abs=1e-15)
    # Within g: mean difference 1, mean 2, G = 1/4, shares 2/3 and 4/6. Means are equal, so nothing is net between.
    assert found.within == pytest.approx(1 / 4 * 2 / 3 * 2 / 3, abs=1e-15)
    assert found.between == 0
    assert found.transvariation == pytest.approx(1 / 4 * 2 * (2 / 3 * 1 / 3), abs=1e-15)
    assert found.pairs.loc[("g", "h"), "gini"] == pytest.approx(1 / 4, abs=1e-15)


def test_groups_that_do_not_overlap():
    y = pd.Series([1.0, 2, 3, 11, 12, 13], list("abcdef"))
    found = dagum(y, pd.Series(list("gggHHH"), y.index))
    assert found.pairs["affluence"].item() == 1 and found.transvariation == 0


@given(st.integers(1, 5), st.integers(5, 40), st.integers(0, 2**32 - 1), st.sampled_from([1e-9, 1.0, 1e9]))
def test_parts_add_scale_and_order(k, n, seed, scale):
    y, groups = sample(seed, n, k)
    found = dagum(y, groups)
    assert found.within + found.between + found.transvariation == pytest.approx(found.total, abs=1e-12)
    assert 0 <= found.total < 1 and min(found.within, found.between, found.transvariation) >= -1e-15
    assert found.pairs["affluence"].between(0, 1).all()
    assert found.total == pytest.approx(Gini(y.to_numpy()).g, abs=1e-12)
    again = dagum((y * scale).sample(frac=1, random_state=seed % 1000), groups.sample(frac=1, random_state=1))
    for part in ("total", "within", "between", "transvariation"):
        assert getattr(again, part) == pytest.approx(getattr(found, part), abs=1e-12)


def test_far_from_zero_parts_still_add():
    y, groups = sample(5, 300, 5)
    found = dagum(y + 1e8, groups)
    assert found.within + found.between + found.transvariation == pytest.approx(found.total, abs=1e-12)


def test_ties_and_zeros():
    y = pd.Series([0.0, 0, 0, 5, 5, 7], list("abcdef"))
    groups = pd.Series(list("zzzyyy"), y.index)
    found = dagum(y, groups)
    assert found.total == pytest.approx(Gini(y.to_numpy()).g, abs=1e-15)
    assert found.groups.loc["z", "gini"] == 0
    assert found.within + found.between + found.transvariation == pytest.approx(found.total, abs=1e-15)


def test_three_thousand_regions_take_no_square_array():
    y, groups = sample(6, 3000, 8)
    tracemalloc.start()
    dagum(y, groups)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000 * 8 / 20


def test_by_year():
    y, groups = sample(7, 12, 3)
    panel = pd.concat({2019: y, 2020: y**2}, names=["year", "region"]).swaplevel().sort_index().rename("y")
    tables = dagum_by_year(panel, groups)
    assert tables["parts"].loc[2020, "total"] == pytest.approx(dagum(y**2, groups).total, abs=1e-14)
    assert tables["parts"].filter(like="_share").sum(axis=1).to_numpy() == pytest.approx([1, 1], abs=1e-12)
    assert len(tables["groups"]) == 6 and len(tables["pairs"]) == 6
    assert tables["groups"]["contribution"].groupby("year").sum().to_numpy() == pytest.approx(
        tables["parts"]["within"].to_numpy(), abs=1e-14
    )
    shortfall = tables["pairs"][["between", "transvariation"]].sum(axis=1).groupby("year").sum()
    assert (shortfall + tables["parts"]["within"]).to_numpy() == pytest.approx(tables["parts"]["total"], abs=1e-12)


def test_refusals():
    y, groups = sample(8, 5, 2)
    with pytest.raises(RongheError, match="'y' is missing or negative for u0002"):
        dagum(y.where(y.index != "u0002"), groups)
    with pytest.raises(RongheError, match="'y' is missing or negative for u0001"):
        dagum(y.where(y.index != "u0001", -1.0), groups)
    with pytest.raises(RongheError, match="no group for u0003"):
        dagum(y, groups.drop("u0003"))
    with pytest.raises(RongheError, match="adds to zero"):
        dagum(y * 0, groups)
