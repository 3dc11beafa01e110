"""Technology convergence: worked cells, bounds, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ronghe.errors import RongheError
from ronghe.measures.formulas.technology_convergence import technology_convergence


def counts(first, second):
    index = pd.Index([f"c{i}" for i in range(len(first))], name="class")
    return pd.DataFrame({"one": first, "two": second}, index=index)


def test_cells_by_hand():
    """p = (1/2, 1/2, 0), q = (1/4, 1/4, 1/2)."""
    row = technology_convergence(counts([5, 5, 0], [10, 10, 20]), "one", "two").iloc[0]
    assert row["proximity"] == pytest.approx(0.25 / np.sqrt(0.5 * 0.375), rel=1e-14)
    assert row["correlation"] == pytest.approx(-1, rel=1e-14)
    # Classes shared: split 2/3 to 1/3 with weight 3/8 each; third class is of one industry.
    assert row["herfindahl"] == pytest.approx(2 * 0.375 * 5 / 9 + 0.25, rel=1e-14)
    assert row["convergence"] == pytest.approx(2 * 2 * (1 / 2) * (1 / 4) / (3 / 4), rel=1e-14)
    assert row["concentration"] == pytest.approx(2 * 0.375**2 + 0.25**2, rel=1e-14)


def test_correlation_is_pearsons():
    rng = np.random.default_rng(0)
    frame = counts(rng.poisson(5, 40), rng.poisson(9, 40))
    row = technology_convergence(frame, "one", "two").iloc[0]
    assert row["correlation"] == pytest.approx(np.corrcoef(frame["one"], frame["two"])[0, 1], rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12), st.integers(1, 9))
def test_bounds_symmetry_and_size(pairs, factor):
    frame = counts(*map(list, zip(*pairs, strict=True)))
    if (frame.sum() == 0).any() or (frame.nunique() == 1).any():
        return
    row = technology_convergence(frame, "one", "two").iloc[0]
    assert 0.5 - 1e-12 <= row["herfindahl"] <= 1 + 1e-12
    assert -1e-12 <= row["convergence"] <= 1 + 1e-12 and -1e-12 <= row["proximity"] <= 1 + 1e-12
    assert 1 / len(frame) - 1e-12 <= row["concentration"] <= 1 + 1e-12
    other = technology_convergence(frame.assign(one=frame["one"] * factor).iloc[::-1], "two", "one").iloc[0]
    np.testing.assert_allclose(other, row, atol=1e-12)


def test_same_and_disjoint_portfolios():
    same = technology_convergence(counts([1, 2, 3], [10, 20, 30]), "one", "two").iloc[0]
    assert same[["correlation", "proximity", "convergence"]].tolist() == pytest.approx([1, 1, 1], rel=1e-12)
    apart = technology_convergence(counts([1, 2, 0, 0], [0, 0, 5, 1]), "one", "two").iloc[0]
    assert apart["proximity"] == apart["convergence"] == 0 and apart["herfindahl"] == 1


def test_by_region_and_year():
    index = pd.MultiIndex.from_product([["a", "b"], [2019, 2020], ["x", "y"]], names=["region", "year", "class"])
    frame = pd.DataFrame({"one": [1, 2, 3, 4, 0, 0, 1, 1], "two": [2, 1, 3, 5, 1, 2, 1, 2]}, index=index)
    with pytest.raises(RongheError, match=r"b 2019 \(an industry without patents\), b 2020 \(the same"):
        technology_convergence(frame, "one", "two")
    found = technology_convergence(frame, "one", "two", undefined="missing")
    assert list(found.index.names) == ["region", "year"] and len(found) == 4
    assert found.loc[("b", 2019)].isna().all()
    assert np.isnan(found.loc[("b", 2020), "correlation"]) and found.loc[("b", 2020), "proximity"] > 0
    alone = technology_convergence(frame.loc[("a", 2020)], "one", "two").iloc[0]
    np.testing.assert_allclose(found.loc[("a", 2020)], alone)


def test_refusals():
    with pytest.raises(RongheError, match="unknown industry 'tow'"):
        technology_convergence(counts([1, 2], [2, 1]), "one", "tow")
    with pytest.raises(RongheError, match="missing or negative for c1"):
        technology_convergence(counts([1, -2], [2, 1]), "one", "two")
    with pytest.raises(RongheError, match="stand twice: c0"):
        technology_convergence(pd.concat([counts([1, 2], [2, 1])] * 2).iloc[:3], "one", "two")
