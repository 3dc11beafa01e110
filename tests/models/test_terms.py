"""Terms: the name that each one prints reads back as the same term."""

from __future__ import annotations

import pytest
from ronghe.models.terms import Term, group_name, parse, read_name, regime_name


@pytest.mark.parametrize(
    "term",
    [
        "coagglomeration.index",
        {"lag": 2, "of": "quality.index"},
        {"lead": 1, "of": "x"},
        {"square": "x"},
        {"log": "gdp.head"},
        {"product": ["x", "z.index"]},
    ],
)
def test_a_specified_term_reads_back(term: str | dict) -> None:
    assert read_name(parse(term).name) == parse(term)


@pytest.mark.parametrize(
    ("lower", "upper"), [(None, 0.384537), (0.384537, None), (-0.25, 1.5e-07), (1234560.0, 2.5e12), (None, -3.0)]
)
def test_a_regime_reads_back_with_its_bounds(lower: float | None, upper: float | None) -> None:
    name = regime_name("x.index", "q.index", lower, upper)
    found = read_name(name)
    assert (found.operation, found.variables) == ("regime", ("x.index", "q.index"))
    bounds = dict(found.options)
    assert bounds["lower"] == (None if lower is None else pytest.approx(lower, rel=1e-6))
    assert bounds["upper"] == (None if upper is None else pytest.approx(upper, rel=1e-6))


@pytest.mark.parametrize("group", ["low", "North-east", "q0.5", "2013"])
def test_a_group_reads_back(group: str) -> None:
    name = group_name("log(x)", group)
    assert read_name(name) == Term(name, ("log(x)",), "group", options=(("group", group),))


def test_a_spatial_lag_holds_the_name_of_what_it_lags() -> None:
    assert read_name("W*x[q<=1]") == Term("W*x[q<=1]", ("x[q<=1]",), "spatial_lag")
    assert read_name("shift_share.exports") == Term("shift_share.exports", (), "shift_share", 0, (("name", "exports"),))
    assert read_name("rho") == Term("rho", ("rho",))
