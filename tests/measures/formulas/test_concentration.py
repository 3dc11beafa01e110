"""Gini, locational Gini, Herfindahl of sectors over regions: cells by hand, another package."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.measures.formulas.concentration import concentration, lorenz_gini

INDEX = pd.MultiIndex.from_product([["a", "b", "c"], [2020]], names=["region", "year"])
SECTORS = {"m": ["m"], "s": ["s"], "f": ["f"]}


@pytest.fixture
def panel() -> pd.DataFrame:
    values = [[10.0, 20, 10], [30, 10, 10], [20, 20, 20]]
    return pd.DataFrame(values, index=INDEX, columns=list(SECTORS)).assign(total=[100.0, 100, 200], area=[4.0, 5, 6])


def test_concentration_by_hand(panel):
    row = concentration(panel, SECTORS).set_index("sector").loc["m"]
    # m: 1/6, 1/2, 1/3 against 40, 50, 60 of 150.
    s, x = np.array([1 / 6, 1 / 2, 1 / 3]), np.array([40, 50, 60]) / 150
    assert row["gini"] == pytest.approx(abs(s[:, None] - s).sum() / (2 * 9 * s.mean()))
    assert row["herfindahl"] == pytest.approx((s**2).sum())
    assert row["raw_concentration"] == pytest.approx(((s - x) ** 2).sum())
    # In the order a, c, b of s/x the Lorenz curve passes (4/15, 1/6) and (2/3, 1/2).
    area = 4 / 15 / 12 + (2 / 5) * (1 / 3) + (1 / 3) * (3 / 4)
    assert row["locational_gini"] == pytest.approx(1 - 2 * area)


def test_gini_is_that_of_the_inequality_package():
    from inequality.gini import Gini

    values = np.random.default_rng(1).gamma(1, size=50)
    s = (values / values.sum())[None, :, None]
    assert lorenz_gini(s, np.full_like(s, 1 / 50))[0, 0] == pytest.approx(Gini(values).g, rel=1e-12)


def test_a_sector_spread_like_all_jobs_has_no_locational_gini(panel):
    spread = panel.assign(m=panel["total"] / 10)
    table = concentration(spread, SECTORS, "total").set_index("sector")
    assert table.loc["m", "locational_gini"] == pytest.approx(0, abs=1e-14)
    assert table.loc["s", "locational_gini"] > 0


def test_a_region_without_jobs_at_all_changes_nothing(panel):
    empty = pd.DataFrame(
        0.0, index=pd.MultiIndex.from_tuples([("d", 2020)], names=panel.index.names), columns=panel.columns
    )
    a, b = (concentration(p, SECTORS)["locational_gini"] for p in (panel, pd.concat([panel, empty])))
    assert a.tolist() == pytest.approx(b.tolist())
