"""Units: conversion, quotients, and refusal of unlike quantities."""

from __future__ import annotations

from fractions import Fraction

import pytest
from ronghe.clean.units import Units
from ronghe.errors import RongheError

DECLARED = {
    "yuan": {"base": "yuan", "factor": 1, "written": ["元"]},
    "100 million yuan": {"base": "yuan", "factor": 100000000, "written": ["亿元"]},
    "10,000 persons": {"base": "person", "factor": 10000, "written": ["万人"]},
    "person": {"base": "person", "factor": 1},
    "percent": {"base": "ratio", "factor": 0.01, "written": ["%"]},
    "km": {"base": "km", "factor": 1},
}


@pytest.fixture
def units():
    return Units(DECLARED, "x.yaml")


@pytest.mark.parametrize(
    ("origin", "target", "factor"),
    [
        ("亿元", "yuan", 10**8),
        ("元", "100 million yuan", Fraction(1, 10**8)),
        ("%", "ratio", Fraction(1, 100)),
        ("亿元/万人", "yuan/person", 10**4),
        ("万人/person", "ratio", 10**4),
        ("亿元", "100 million yuan", 1),
    ],
)
def test_factor_is_exact(units, origin, target, factor):
    assert units.factor(origin, target, "e") == factor


def test_unlike_quantities_are_refused(units):
    with pytest.raises(
        RongheError, match="x.yaml: e: '亿元' cannot become 'person': one counts yuan, the other person"
    ):
        units.factor("亿元", "person", "e")
    with pytest.raises(RongheError, match="one counts yuan per person, the other yuan"):
        units.factor("yuan/person", "yuan", "e")


def test_compose_natural_and_wanted(units):
    assert units.compose("亿元", "万人", -1, None, "e") == ("100 million yuan/10,000 persons", 1)
    assert units.compose("亿元", "万人", -1, "yuan/person", "e") == ("yuan/person", 10**4)
    assert units.compose("元", "亿元", -1, None, "e") == ("ratio", Fraction(1, 10**8))
    assert units.compose("percent", "亿元", 1, None, "e") == ("100 million yuan", Fraction(1, 100))
    assert units.compose("yuan/person", "万人", 1, "亿元", "e") == ("100 million yuan", Fraction(1, 10**4))


def test_compose_refuses_a_unit_of_another_kind(units):
    with pytest.raises(RongheError, match="the result counts yuan per person, which 'km' does not"):
        units.compose("亿元", "万人", -1, "km", "e")
    with pytest.raises(RongheError, match="say the unit wanted, one that counts person x yuan"):
        units.compose("亿元", "万人", 1, None, "e")


def test_unknown_and_ambiguous_units():
    with pytest.raises(RongheError, match="unknown unit 'persons'; did you mean 'person'"):
        Units(DECLARED, "x.yaml").name("yuan/persons", "e")
    with pytest.raises(RongheError, match="more than one '/'"):
        Units(DECLARED, "x.yaml").name("yuan/person/km", "e")
    with pytest.raises(RongheError, match="units.money: '元' already stands for 'yuan'"):
        Units({**DECLARED, "money": {"base": "yuan", "factor": 1, "written": ["元"]}}, "x.yaml")
