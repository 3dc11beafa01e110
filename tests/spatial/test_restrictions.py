"""Linear restrictions as text: what they say, and what is refused."""

from __future__ import annotations

import pytest
from ronghe.errors import RongheError
from ronghe.spatial.restrictions import read_restrictions

NAMES = ["x1", "x", "log(x)", "W*x", "W*log(x)", "I(x3 ** 2)", "L1.y", "gdp per head", "rho"]


@pytest.mark.parametrize(
    ("text", "row", "value"),
    [
        ("x = x1", {"x": 1, "x1": -1}, 0),
        ("W*x + x = 1", {"W*x": 1, "x": 1}, 1),
        ("2*x - log(x)/4 = .5", {"x": 2, "log(x)": -0.25}, 0.5),
        ("-(x + 2) = 3*(x1 - 1)", {"x": -1, "x1": -3}, -1),
        ("I(x3**2) = 1e-2", {"I(x3 ** 2)": 1}, 0.01),
        ("`gdp per head` * 2 = L1.y + W*log(x)", {"gdp per head": 2, "L1.y": -1, "W*log(x)": -1}, 0),
    ],
)
def test_restrictions_are_read(text, row, value):
    R, r = read_restrictions(text, NAMES)
    assert {n: c for n, c in zip(NAMES, R[0], strict=True) if c} == row and r.tolist() == pytest.approx([value])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "'=' is missing"),
        ("x2 = 0", "unknown parameter 'x2'; did you mean 'x'"),
        ("x*x1 = 0", "not linear"),
        ("1/x = 0", "not linear"),
        ("x/0 = 0", "divides by zero"),
        ("(x = 0", "bracket"),
        ("x = 0 x1", "no meaning"),
        ("x = x1, x1 = x", "same thing twice"),
        ("1 = 1", "names no parameter"),
        ("__import__('os') = 0", "unknown parameter"),
        ("x =", "is missing"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(RongheError, match=message):
        read_restrictions(text, NAMES)
