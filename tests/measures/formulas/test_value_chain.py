"""Value chains: a two-country table worked by hand, and accounting identities."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.errors import RongheError
from ronghe.measures.formulas.value_chain import from_long, value_added_in_exports, value_chain


def world(Z, F, countries, sectors):
    keys = pd.MultiIndex.from_product([countries, sectors], names=["country", "sector"])
    return pd.DataFrame(Z, keys, keys, dtype=float), pd.DataFrame(F, keys, countries, dtype=float)


def test_two_countries_by_hand():
    """One sector, output 100 each; A = [[0.2, 0.1], [0.3, 0.2]], det(I - A) = 0.61.

    B = [[0.8, 0.1], [0.3, 0.8]] / 0.61; v = (0.5, 0.7). Exports: r sells 10 + 30 abroad, s 30 + 20.
    """
    flows, final = world([[20, 10], [30, 20]], [[40, 30], [20, 30]], ["r", "s"], ["all"])
    found = value_chain(flows, final).droplevel("sector")
    det = Fraction(61, 100)
    exports = {"r": 40, "s": 50}
    foreign = {"r": Fraction(7, 10) * Fraction(3, 10) / det * 40, "s": Fraction(1, 2) * Fraction(1, 10) / det * 50}
    indirect = {"r": foreign["s"], "s": foreign["r"]}
    for country in "rs":
        e, fv, iv = exports[country], float(foreign[country]), float(indirect[country])
        assert found.loc[country, "exports"] == pytest.approx(e, rel=1e-12)
        assert found.loc[country, "foreign"] == pytest.approx(fv, rel=1e-12)
        assert found.loc[country, "indirect"] == pytest.approx(iv, rel=1e-12)
        assert found.loc[country, "domestic"] == pytest.approx(e - fv, rel=1e-12)
        assert found.loc[country, "participation"] == pytest.approx((iv + fv) / e, rel=1e-12)
        assert found.loc[country, "position"] == pytest.approx(np.log(1 + iv / e) - np.log(1 + fv / e), rel=1e-12)
    # r buys much and is passed on little, so it sits downstream; s upstream.
    assert found.loc["r", "position"] < 0 < found.loc["s", "position"]


def test_chain_of_three_by_hand():
    """a sells 10 of parts to b, b sells 25 to c for final use: all value added is traced on sight."""
    Z = [[0, 10, 0], [0, 0, 0], [0, 0, 0]]
    F = [[5, 0, 0], [0, 5, 25], [0, 0, 8]]
    flows, final = world(Z, F, list("abc"), ["x"])
    found = value_chain(flows, final).droplevel("sector")
    # b's output 30 holds 10 of a; of its exports 25 therefore 25/3 is a's.
    assert found.loc["a", ["exports", "foreign", "indirect"]].tolist() == pytest.approx([10, 0, 25 / 3], rel=1e-12)
    assert found.loc["b", ["exports", "foreign", "indirect"]].tolist() == pytest.approx([25, 25 / 3, 0], rel=1e-12)
    assert found.loc["c", "exports"] == 0
    assert found.loc["c", ["forward", "backward", "participation", "position"]].isna().all()


@settings(max_examples=30)
@given(st.integers(2, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_parts_add_to_exports(n_countries, n_sectors, seed):
    rng = np.random.default_rng(seed)
    n = n_countries * n_sectors
    Z = rng.random((n, n))
    # Final demand alone exceeds every sector's inputs, so value added is positive.
    F = (0.1 + rng.random((n, n_countries))) / n_countries + Z.sum(axis=0)[:, None]
    flows, final = world(Z, F, [f"c{i}" for i in range(n_countries)], [f"s{i}" for i in range(n_sectors)])
    found = value_chain(flows, final)
    np.testing.assert_allclose(found["domestic"] + found["foreign"], found["exports"], rtol=1e-10)
    assert found["foreign"].sum() == pytest.approx(found["indirect"].sum(), rel=1e-10)
    order = rng.permutation(n)
    again = value_chain(flows.iloc[order, rng.permutation(n)], final.iloc[order])
    pd.testing.assert_frame_equal(again.loc[found.index], found, rtol=1e-9)


def test_selection_and_refusals():
    flows, final = world([[1, 1], [1, 1]], [[4, 1], [1, 4]], ["r", "s"], ["all"])
    assert len(value_chain(flows, final, ["all"])) == 2
    with pytest.raises(RongheError, match="unknown sectors none"):
        value_chain(flows, final, ["none"])
    with pytest.raises(RongheError, match="differ in countries: s, t"):
        value_chain(flows, final.rename(columns={"s": "t"}))
    with pytest.raises(RongheError, match=r"inputs exceed output of \('r', 'all'\) \(gap"):
        value_chain(flows * [10, 1], final * 0.1)
    with pytest.raises(RongheError, match="missing flows"):
        value_chain(flows.mask(flows == flows.iloc[0, 0]), final)
    with pytest.raises(RongheError, match="no output"):
        value_chain(flows.mul([0, 1], axis=0), final.mul([0, 1], axis=0))


def test_long_tables():
    flows, final = world([[0, 10], [3, 0]], [[5, 0], [6, 7]], ["r", "s"], ["all"])
    long = [
        {
            "country": a,
            "sector": "all",
            "user_country": b,
            "user_sector": "all",
            "value": flows.loc[(a, "all"), (b, "all")],
        }
        for a, b in (("r", "s"), ("s", "r"))
    ]
    demand = [
        {"country": a, "sector": "all", "user_country": b, "value": final.loc[(a, "all"), b]}
        for a, b in (("r", "r"), ("s", "r"), ("s", "s"))
    ]
    square, wide = from_long(pd.DataFrame(long), pd.DataFrame(demand))
    pd.testing.assert_frame_equal(value_added_in_exports(square, wide), value_added_in_exports(flows, final))
    gap = pd.DataFrame(long)
    gap.loc[0, "value"] = np.nan
    with pytest.raises(RongheError, match="missing flows"):
        value_chain(*from_long(gap, pd.DataFrame(demand)))
    with pytest.raises(RongheError, match="stands twice"):
        from_long(pd.DataFrame([*long, long[0]]), pd.DataFrame(demand))
