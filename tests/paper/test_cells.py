"""Cells: numbers as a reader expects them, and where their decimal point stands."""

from __future__ import annotations

import pytest
from ronghe.paper import cells


def test_numbers_are_printed_as_a_reader_expects() -> None:
    assert cells.fixed(-0.0004) == "0.000"
    assert cells.fixed(-1234.5, 1) == "−1,234.5"
    assert cells.fixed(float("nan")) == ""
    assert cells.pvalue(0.00004) == "<0.001"
    assert cells.pvalue(0.0312) == "0.031"
    assert cells.significant(0.00012345) == "0.000123"
    assert cells.significant(98765) == "98,765"
    assert cells.percent(0.1234) == "12.3%"
    assert [cells.stars(p) for p in (0.2, 0.09, 0.049, 0.0099, float("nan"))] == ["", "*", "**", "***", ""]
    assert cells.interval(-0.5, 0.25, 2) == "[−0.50, 0.25]"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0.123***", ("0", ".123***")),
        ("(0.045)", ("(0", ".045)")),
        ("−1,234.5", ("−1,234", ".5")),
        ("240", ("240", "")),
        ("<0.001", ("<0", ".001")),
        ("12.3%", ("12", ".3%")),
        ("[−0.5, 0.3]", None),
        ("yes", None),
        ("", None),
        ("2013–2020", None),
    ],
)
def test_the_decimal_point_is_found(text: str, parts: tuple[str, str] | None) -> None:
    assert cells.split_at_point(text) == parts
