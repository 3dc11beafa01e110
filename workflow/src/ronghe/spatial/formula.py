"""Formulas of the kind "y ~ x + log(z) + x:z", read without evaluating any code."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known

FUNCTIONS = {"log": np.log, "exp": np.exp, "sqrt": np.sqrt}
POWER = re.compile(r"^(?P<base>.+?)\s*\^\s*(?P<power>[2-4])$")
CALL = re.compile(r"^(?P<name>[A-Za-z_]\w*)\s*\((?P<inner>.+)\)$")


def read_formula(formula: str, data: pd.DataFrame, where: str = "formula") -> tuple[pd.Series, pd.DataFrame]:
    """Return y and X of a formula.

    Terms are joined by +. A term is a column (in backticks if its name holds signs of the formula), log(), exp() or
    sqrt() of one, a power `x^2`, or a product `a:b`. There is no intercept to write: pooled models have one, fixed
    effects absorb it.
    """
    sides = formula.split("~")
    if len(sides) != 2 or not all(side.strip() for side in sides):
        raise RongheError(f"{where}: '{formula}' must read 'outcome ~ regressor + regressor'")
    outcome, right = (side.strip() for side in sides)
    terms = [term.strip() for term in _split(right, "+")]
    if "" in terms:
        raise RongheError(f"{where}: '{formula}' has a + with nothing beside it")
    twice = sorted({t for t in terms if terms.count(t) > 1})
    if twice:
        raise RongheError(f"{where}: these terms stand twice: {listing(twice)}")
    y = _term(outcome, data, where).rename(_plain(outcome))
    return y, pd.DataFrame({_plain(term): _term(term, data, where) for term in terms}, index=data.index)


def _split(text: str, sign: str) -> Iterable[str]:
    """Split at a sign that stands outside brackets and backticks."""
    parts, depth, quoted, last = [], 0, False, 0
    for k, character in enumerate(text):
        if character == "`":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif character == sign and depth == 0 and not quoted:
            parts.append(text[last:k])
            last = k + 1
    return [*parts, text[last:]]


def _plain(term: str) -> str:
    return term.replace("`", "")


def _term(term: str, data: pd.DataFrame, where: str) -> pd.Series:
    """Return the values of one term."""
    if (name := _plain(term)) in data.columns:
        return data[name].astype(float)
    factors = [part.strip() for part in _split(term, ":")]
    if len(factors) > 1:
        product = _term(factors[0], data, where)
        for factor in factors[1:]:
            product = product * _term(factor, data, where)
        return product
    if match := POWER.match(term):
        return _term(match["base"].strip(), data, where) ** int(match["power"])
    if match := CALL.match(term):
        require_known(match["name"], FUNCTIONS, "function", where)
        inner = _term(match["inner"].strip(), data, where)
        if match["name"] in ("log", "sqrt"):
            bad = inner.index[(inner <= 0) if match["name"] == "log" else (inner < 0)]
            if len(bad):
                raise RongheError(f"{where}: {term} of numbers that are not positive, in rows {listing(bad)}")
        return FUNCTIONS[match["name"]](inner)
    require_known(name, data.columns, "column", where)
    raise AssertionError(name)
