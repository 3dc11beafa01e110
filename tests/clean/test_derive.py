"""The vocabulary of derived variables, each operation by a worked cell, an identity or a refusal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.clean.derive import derive
from ronghe.clean.flags import Flags
from ronghe.clean.variables import Derivation
from ronghe.errors import RongheError

YEARS = [2019, 2020, 2021, 2022]
A = pd.DataFrame([[1.0, 2, 4, 8], [10, 10, 5, 20]], index=["u", "v"], columns=YEARS)
B = pd.DataFrame([[2.0, 4, 4, 10], [20, 40, 5, 40]], index=["u", "v"], columns=YEARS)
INDEX = pd.DataFrame([[90.0, 110, 120, 50], [100, 100, 200, 100]], index=["u", "v"], columns=YEARS)


def work(operation, operands, frames=None, factors=None, years=YEARS, flags=None, **settings):
    factors = factors or (1.0,) * len(operands)
    derivation = Derivation("x", "derived.x", operation, tuple(operands), factors, settings, "ratio", None, "")
    frames = frames or {"a": A, "b": B, "index": INDEX}
    return derive(derivation, frames, ["u", "v"], years, flags or Flags())


@pytest.mark.parametrize(
    ("operation", "operands", "factors", "cell"),
    [
        ("ratio", ("a", "b"), (100.0, 1.0), 50.0),
        ("share", ("a", "b"), None, 0.5),
        ("per", ("a", "b"), (1e4, 1.0), 5000.0),
        ("product", ("a", "b"), None, 8.0),
        ("sum", ("a", "b"), (1.0, 0.5), 4.0),
        ("log", ("a",), None, np.log(2)),
    ],
)
def test_operations_cell_by_cell(operation, operands, factors, cell):
    assert work(operation, operands, factors=factors).at["u", 2020] == cell


def test_lag_and_growth_reach_before_the_sample():
    lagged = work("lag", ("a",), years=YEARS[1:])
    assert lagged.loc["u", YEARS[1:]].tolist() == [1, 2, 4]
    rate = work("growth", ("a",), years=YEARS[1:])
    assert rate.loc["v", YEARS[1:]].tolist() == [0, -0.5, 3]
    log = work("growth", ("a",), years=YEARS[1:], form="log")
    assert log.at["u", 2022] == pytest.approx(np.log(2), rel=1e-15)


def test_growth_over_several_years_and_in_percent():
    derivation = Derivation("x", "derived.x", "growth", ("a",), (100.0,), {"of": "a", "years": 2}, "percent", None, "")
    assert derive(derivation, {"a": A}, ["u", "v"], [2021, 2022], Flags()).at["v", 2022] == 100.0


def test_deflate_by_a_chained_volume_index():
    # Base 2020: 2019 = 2 / 1.10, 2021 = 2 * 1.20, 2022 = 2 * 1.20 * 0.50.
    real = work("deflate", ("a", "index"), factors=(1.0, 0.01), of="a", volume_index="index", base=2020)
    assert real.loc["u"].to_numpy() == pytest.approx([2 / 1.1, 2, 2.4, 1.2], rel=1e-15)


def test_deflate_by_prices_chained_and_fixed():
    chained = work("deflate", ("a", "index"), factors=(1.0, 0.01), of="a", price_index="index", base=2020)
    assert chained.loc["u"].to_numpy() == pytest.approx([1.1, 2, 4 / 1.2, 8 / 0.6], rel=1e-15)
    fixed = work("deflate", ("a", "b"), of="a", price_index="b", base=2020, chained=False)
    assert fixed.loc["u"].to_numpy() == pytest.approx([2, 2, 4, 3.2], rel=1e-15)
    with pytest.raises(RongheError, match=r"derived.x: no year 2010 to be the base \(there: 2019 to 2022\)"):
        work("deflate", ("a", "b"), of="a", price_index="b", base=2010)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.5, 2.0), min_size=4, max_size=4), st.sampled_from(YEARS))
def test_deflating_by_volume_and_price_multiply_back(growth, base):
    """Nominal value = real value x implicit price, and growth of the real value is the index."""
    index = pd.DataFrame([growth, growth[::-1]], index=["u", "v"], columns=YEARS)
    frames = {"a": A, "index": index}
    real = work("deflate", ("a", "index"), frames, of="a", volume_index="index", base=base)
    assert np.allclose(real[base], A[base], rtol=1e-14)
    assert np.allclose((real / real.shift(axis=1)).iloc[:, 1:], index.iloc[:, 1:], rtol=1e-12)


def test_winsorise_trims_to_quantiles_of_the_sample_and_flags():
    flags = Flags()
    trimmed = work("winsorise", ("a",), years=YEARS[1:], flags=flags, lower=0.0, upper=0.8)
    bound = np.quantile([2, 4, 8, 10, 5, 20], 0.8)
    assert trimmed.at["v", 2022] == bound and trimmed.at["v", 2020] == 10 and trimmed.at["u", 2019] == 1
    frame = flags.frame()
    assert frame[["variable", "region", "year", "kind", "before", "after"]].values.tolist() == [
        ["x", "v", 2022, "trimmed", 20.0, bound]
    ]


@pytest.mark.parametrize(
    ("operation", "operands", "frames", "words"),
    [
        ("ratio", ("a", "z"), {"a": A, "z": B.replace(4.0, 0.0)}, "divides by a zero of 'z' for u 2020, u 2021"),
        ("log", ("z",), {"z": A.replace(5.0, 0.0)}, "is the logarithm of zero or less for v 2021"),
        ("share", ("b", "a"), None, "is no share between 0 and 1 for u 2019, u 2020"),
        ("lag", ("a",), None, "a year before the first, or a missing figure) for u 2019, v 2019"),
        ("sum", ("a", "z"), {"a": A, "z": B.replace(5.0, np.nan)}, "for v 2021"),
    ],
)
def test_what_cannot_be_worked_out_in_the_sample_is_refused(operation, operands, frames, words):
    with pytest.raises(RongheError) as error:
        work(operation, operands, frames, **({"of": "a"} if operation == "lag" else {}))
    assert "derived.x: 'x'" in str(error.value) and words in str(error.value)


def test_the_same_outside_the_sample_is_missing():
    frames = {"a": A, "z": B.replace(2.0, 0.0)}
    assert np.isnan(work("ratio", ("a", "z"), frames, years=YEARS[1:]).at["u", 2019])
