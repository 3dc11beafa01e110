"""Figures in text: what is a number, what is a gap, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.clean.numbers import parse_numbers
from ronghe.errors import RongheError


def test_numbers_and_gaps():
    found = parse_numbers(["1", "-2.50", "", "3e2", ".5", "(D)"], range(6), "a.csv", "x", missing=["(D)"])
    assert np.array_equal(found, [1, -2.5, np.nan, 300, 0.5, np.nan], equal_nan=True)


def test_declared_thousands():
    cells = ["1,234,567", "12", "-1,234.5"]
    assert parse_numbers(cells, range(3), "a.csv", "x", thousands=",").tolist() == [1234567, 12, -1234.5]


@pytest.mark.parametrize("cell", ["1,234", "12,345.6", "1 234"])
def test_an_undeclared_separator_of_thousands_is_refused(cell):
    with pytest.raises(RongheError, match=rf"a.csv: row 7: 'x': '{cell}' holds a separator of thousands.*thousands: "):
        parse_numbers([cell], [7], "a.csv", "x")


@pytest.mark.parametrize("cell", ["n.a.", "12.3*", "1２3", "nan", "inf", "0x10", "1_000", "12,34", "--", "1,23,456"])
def test_text_is_refused_with_row_and_remedy(cell):
    with pytest.raises(RongheError) as error:
        parse_numbers(["1", cell], [2, 3], "a.csv", "x", thousands=",")
    assert f"a.csv: row 3: 'x': '{cell}' is not a number" in str(error.value)
    remedy = 'marks: ["*"]' if cell == "12.3*" else f'missing: ["{cell}"]'
    assert remedy in str(error.value)


def test_signs_that_are_declared_to_be_no_part_of_a_figure_are_left_out():
    found = parse_numbers(["45.1%", "1,234.5*", "7 ①", "…"], [1, 2, 3, 4], "a.csv", "x", ",", ["…"], ["%", "*", "①"])
    assert found[:3].tolist() == [45.1, 1234.5, 7.0] and np.isnan(found[3])


def test_a_number_beyond_floats_is_refused():
    with pytest.raises(RongheError, match="row 2: 'x': '1e999' is too large"):
        parse_numbers(["1e999"], [2], "a.csv", "x")
