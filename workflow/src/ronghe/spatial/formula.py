"""Formulas of the kind "y ~ x + log(z) + I(x**2) + x:z": parsed by formulaic, and computed without running any code."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known

OPERATORS = ("~", "+", ":", "*")
FUNCTIONS: dict[str, Callable] = {"log": np.log, "exp": np.exp, "sqrt": np.sqrt, "I": lambda values: values}
ARITHMETIC: dict[type[ast.operator], Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
QUOTED = re.compile("`([^`]+)`")


def read_formula(formula: str, data: pd.DataFrame, where: str = "formula") -> tuple[pd.Series, pd.DataFrame]:
    """Return y and X of a formula.

    Terms are joined by +, products of terms by `a:b` (or `a*b` for a + b + a:b). A term is a column, in backticks if
    its name holds signs of the formula; log(), exp() or sqrt() of columns and numbers; or arithmetic within I(). There
    is no intercept to write: pooled models have one, fixed effects absorb it. formulaic would hand each factor to
    Python's `eval`; here its parser alone is used, and what the factors may hold is walked and computed.
    """
    outcome, regressors = _terms(formula, where)
    y = _column(outcome, data, where)
    return y, pd.DataFrame({x.name: x for x in (_column(term, data, where) for term in regressors)}, index=data.index)


def _terms(formula: str, where: str) -> tuple[list[str], list[list[str]]]:
    """Return the factors of the outcome, and those of every regressor."""
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser
    from formulaic.parser.algos.tokenize import tokenize

    shape = f"{where}: '{formula}' must read 'outcome ~ regressor + regressor'"
    try:
        tokens = [(token.token, token.kind.value) for token in tokenize(formula)]
        for text, kind in tokens:
            if kind == "operator" and text not in OPERATORS or kind == "value":
                raise RongheError(
                    f"{where}: '{text}' has no meaning between terms (allowed: {' '.join(OPERATORS)}); powers and sums "
                    "of columns go into I(), as in I(x**2), and there is no intercept to write"
                )
        _refuse_twice(tokens, where)
        parsed = DefaultFormulaParser(include_intercept=False).get_terms(formula)
    except (FormulaicError, SyntaxError) as error:
        raise RongheError(f"{shape}: {str(error).splitlines()[0]}") from None
    if [text for text, _ in tokens].count("~") != 1 or not hasattr(parsed, "lhs") or len(parsed.lhs) != 1:
        raise RongheError(shape)
    (outcome,), regressors = parsed.lhs, parsed.rhs
    return [f.expr for f in outcome.factors], [[f.expr for f in term.factors] for term in regressors]


def _refuse_twice(tokens: list[tuple[str, str]], where: str) -> None:
    """Refuse a term that is written twice, of which formulaic would quietly keep one."""
    terms, depth = [""], 0
    for text, _ in tokens:
        depth += (text == "(") - (text == ")")
        if depth == 0 and text in ("+", "~"):
            terms.append("")
        else:
            terms[-1] += text.replace(" ", "")
    twice = sorted({t for t in terms[1:] if terms[1:].count(t) > 1})
    if twice:
        raise RongheError(f"{where}: these terms stand twice: {listing(twice)}")


def _column(factors: list[str], data: pd.DataFrame, where: str) -> pd.Series:
    """Return the product of the factors of one term, under the term's name."""
    name, used = ":".join(factors).replace("`", ""), []

    def column(label: str) -> pd.Series:
        require_known(label, data.columns, "column", where)
        if not pd.api.types.is_numeric_dtype(data[label]):
            raise RongheError(f"{where}: not numbers: {label}")
        used.append(label)
        return data[label].astype(float)

    with np.errstate(all="ignore"):
        values = np.prod([_factor(text, column, data, where) for text in factors], axis=0)
    series = pd.Series(np.broadcast_to(values, len(data)), index=data.index, name=name)
    undefined = ~np.isfinite(series) & np.isfinite(data[used].astype(float)).all(axis=1)
    if undefined.any():
        raise RongheError(f"{where}: {name} is not defined for the numbers in rows {listing(data.index[undefined])}")
    return series


def _factor(text: str, column: Callable[[str], pd.Series], data: pd.DataFrame, where: str) -> np.ndarray:
    """Return the values of one factor: a column, or an expression of columns, numbers and the functions above."""
    if text in data.columns or text.isidentifier():
        return column(text).to_numpy()
    quoted = QUOTED.findall(text)
    places = {f"quoted_{k}_": name for k, name in enumerate(quoted)}
    for place, name in places.items():
        text = text.replace(f"`{name}`", place)

    def value(node: ast.expr) -> np.ndarray | np.float64:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return np.float64(number)
            case ast.Name(id=name):
                return column(places.get(name, name)).to_numpy()
            case ast.Attribute() if (name := ast.unparse(node)) in data.columns:
                return column(name).to_numpy()
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in ARITHMETIC:
                return ARITHMETIC[type(sign)](value(left), value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
                require_known(name, FUNCTIONS, "function", where)
                return FUNCTIONS[name](value(argument))
        raise RongheError(
            f"{where}: '{ast.unparse(node)}' cannot stand in a formula; allowed are columns (in backticks if their "
            f"names hold signs), numbers, + - * / **, and {', '.join(FUNCTIONS)}() of these"
        )

    return value(ast.parse(text, mode="eval").body)
