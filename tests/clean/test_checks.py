"""Accounting identities and national totals: what holds, what is flagged, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.clean.checks import run_checks
from ronghe.clean.flags import Flags
from ronghe.errors import RongheError


def frame(*rows):
    return pd.DataFrame(rows, index=["u", "v"], columns=[2019, 2020], dtype=float)


FRAMES = {
    "total": frame([10, 20], [30, 40]),
    "one": frame([4, 8], [10, 20]),
    "two": frame([6, 12.1], [20, 20]),
    "none": frame([0, 0], [0, np.nan]),
}


def check(flags=None, frames=FRAMES, **declared):
    return run_checks({"tables": {}, "checks": {"sum": declared}}, frames, flags or Flags())


def test_parts_that_add_up_within_the_tolerance():
    flags = Flags()
    table = check(flags, kind="adds_up", total="total", parts=["one", "two"], tolerance=0.01, flag=0.001)
    assert table["year"].tolist() == [2019, 2020]
    assert table["gap"].to_numpy() == pytest.approx([0, 0.005], abs=1e-15)
    assert table["region"].iat[1] == "u" and table["n"].tolist() == [2, 2]
    assert flags.frame()[["variable", "region", "year"]].values.tolist() == [["total", "u", 2020]]


def test_parts_beyond_the_tolerance():
    with pytest.raises(RongheError) as error:
        check(kind="adds_up", total="total", parts=["one", "two"], tolerance=0.001)
    assert "checks.sum: one, two add to 20.1 where 'total' is 20 for u 2020 (1 cells" in str(error.value)


def test_a_part_may_not_exceed_its_total():
    table = check(kind="not_above", total="total", part="one", tolerance=0.0)
    assert (table["gap"] == 0).all()
    with pytest.raises(RongheError, match="total against at most 4 where|total against at most 10 where 'one' is 4"):
        check(kind="not_above", total="one", part="total", tolerance=0.5)


def test_a_total_of_zero():
    assert check(kind="not_above", total="none", part="none", tolerance=0.0)["gap"].tolist() == [0, 0]
    with pytest.raises(RongheError, match="where 'none' is 0 for u 2019"):
        check(kind="not_above", total="none", part="one", tolerance=0.5)


def test_national_totals():
    table = check(kind="national", variable="one", values={2019: 14.0, 2020: 28.1}, tolerance=0.01)
    assert table["figure"].tolist() == [14, 28]
    assert table["gap"].to_numpy() == pytest.approx([0, 28 / 28.1 - 1], rel=1e-12)
    with pytest.raises(RongheError, match=r"the regions add to 14 in 2019, published is 15 \(-6.67 percent"):
        check(kind="national", variable="one", values={2019: 15.0}, tolerance=0.01)
    with pytest.raises(RongheError, match="'one' has no figure in 2018"):
        check(kind="national", variable="one", values={2018: 15.0}, tolerance=0.01)


def test_a_national_gap_worth_a_flag():
    flags = Flags()
    check(flags, kind="national", variable="one", values={2020: 28.5}, tolerance=0.05, flag=0.01)
    assert flags.frame()[["region", "year", "why"]].values.tolist() == [
        ["u", 2020, "sum: the regions add to 28, published is 28.5"],
        ["v", 2020, "sum: the regions add to 28, published is 28.5"],
    ]
