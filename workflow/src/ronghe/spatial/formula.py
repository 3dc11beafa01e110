"""Formulas as in "y ~ x + log(z) + C(g) + lag(x, 1) + W(x) | units + time", computed without running any code."""

from __future__ import annotations

import ast
import itertools
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.spatial.lags import Lags, spatial_lag

OPERATORS = ("+", ":", "*")
FUNCTIONS: dict[str, Callable] = {"log": np.log, "exp": np.exp, "sqrt": np.sqrt, "I": lambda values: values}
ARITHMETIC: dict[type[ast.operator], Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
QUOTED = re.compile("`([^`]+)`")
# A sign that parts the formula, outside backticks.
PART = "{}(?=(?:[^`]*`[^`]*`)*[^`]*$)"


@dataclass(frozen=True)
class Formula:
    """What a formula says: y and X, and, where it says so, the effects and the regressors whose lag W x enters."""

    y: pd.Series
    X: pd.DataFrame
    effects: str | None
    durbin: tuple[str, ...] | None
    notes: tuple[str, ...]


def read_formula(
    formula: str, data: pd.DataFrame, where: str = "formula", lags: Mapping[str, Lags] | None = None
) -> Formula:
    """Read a formula on data indexed by (unit, period).

    Terms are joined by +, products of terms by `a:b` (or `a*b` for a + b + a:b). A term is a column, in backticks if
    its name holds signs of the formula; log(), exp() or sqrt() of columns and numbers; arithmetic within I();
    lag(x, k), the value k periods before within the unit; or C(g), dummies of the values of g. W(x + z) names the
    regressors whose spatial lag enters. Behind a bar stand the fixed effects: `| units`, `| time`, `| units + time`,
    or the names of the index levels. There is no intercept to write: pooled models have one, fixed effects absorb it.
    The first k periods, in which nothing can be lagged, are left out, and `notes` says so.
    `lags` are other weights by name, each one matrix or one for every period: with {"W2": W2}, `W2(x + z)` are the
    lags of x and z by W2 (`ronghe.spatial.spatial_lag`), columns like any other.

    formulaic would hand each factor to Python's `eval`; here its parser alone is used, and what the factors may hold
    is walked and computed.

    >>> rows = pd.MultiIndex.from_product([["a", "b"], [2001, 2002, 2003]], names=["town", "year"])
    >>> data = pd.DataFrame({"y": 1.0, "x": [1, 2, 4, 3, 5, 9], "g": list("ppqpqq")}, index=rows)
    >>> read = read_formula("y ~ x + lag(x, 1) + C(g) + W(x) | town + year", data)
    >>> read.X.to_numpy().tolist()
    [[2.0, 1.0, 0.0], [4.0, 2.0, 1.0], [5.0, 3.0, 1.0], [9.0, 5.0, 1.0]]
    >>> list(read.X), read.effects, read.durbin
    (['x', 'lag(x, 1)', 'C(g)[T.q]'], 'twoways', ('x',))
    """
    equation, *effects = re.split(PART.format(r"\|"), formula)
    left, *right = re.split(PART.format("~"), equation)
    if len(right) != 1 or len(effects) > 1:
        raise RongheError(_shape(formula, where))
    outcome, terms = _terms(left, formula, where), _terms(right[0], formula, where)
    if len(outcome) != 1:
        raise RongheError(_shape(formula, where))
    lagged = [term for term in terms if len(term) == 1 and term[0].startswith("W(") and term[0].endswith(")")]
    lags = lags or {}
    _check_lags(lags, where)
    terms = [one for term in terms if term not in lagged for one in _spread(term, lags, formula, where)]
    reader = _Columns(data, where, lags)
    (y,) = reader.read(outcome)
    X = reader.read(terms)
    durbin = [x.name for (text,) in lagged for x in reader.read(_terms(text[2:-1], formula, where), terms)]
    kept, notes = reader.kept()
    frame = pd.DataFrame({x.name: x for x in X}, index=data.index)
    found = _effects(effects[0], data.index.names, where) if effects else None
    return Formula(y[kept], frame[kept], found, tuple(durbin) if lagged else None, notes)


def _check_lags(lags: Mapping[str, Lags], where: str) -> None:
    """Refuse names of weights that mean something else."""
    taken = [name for name in lags if not name.isidentifier() or name in {*FUNCTIONS, "lag", "C", "W"}]
    if taken:
        raise RongheError(
            f"{where}: lags cannot be named {listing(taken)}; take letters and digits, as in 'W2', and no function"
        )


def _spread(term: list[str], lags: Mapping[str, Lags], formula: str, where: str) -> list[list[str]]:
    """Return W2(x + z) as the terms W2(x) and W2(z), any other term as it is."""
    name = term[0].partition("(")[0] if len(term) == 1 and term[0].endswith(")") else ""
    if name not in lags:
        return [term]
    inner = _terms(term[0][len(name) + 1 : -1], formula, where)
    products = [":".join(factors) for factors in inner if len(factors) > 1]
    if products:
        raise RongheError(f"{where}: {name}() lags columns, not products ({listing(products)}); use I() within it")
    return [[f"{name}({factor})"] for (factor,) in inner]


def _shape(formula: str, where: str) -> str:
    return f"{where}: '{formula}' must read 'outcome ~ regressor + regressor', then '| units + time' or nothing"


def _terms(text: str, formula: str, where: str) -> list[list[str]]:
    """Return the factors of every term of a sum."""
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser
    from formulaic.parser.algos.tokenize import tokenize

    try:
        tokens = [(token.token, token.kind.value) for token in tokenize(text)]
        for sign, kind in tokens:
            if kind == "operator" and sign not in OPERATORS or kind == "value":
                raise RongheError(
                    f"{where}: '{sign}' has no meaning between terms (allowed: {' '.join(OPERATORS)}); powers and sums "
                    "of columns go into I(), as in I(x**2), and there is no intercept to write"
                )
        _refuse_twice(tokens, where)
        parsed = list(DefaultFormulaParser(include_intercept=False).get_terms(text))
    except (FormulaicError, SyntaxError) as error:
        raise RongheError(f"{_shape(formula, where)}: {str(error).splitlines()[0]}") from None
    return [[f.expr for f in term.factors] for term in parsed]


def _refuse_twice(tokens: list[tuple[str, str]], where: str) -> None:
    """Refuse a term that is written twice, of which formulaic would quietly keep one."""
    terms, depth = [""], 0
    for text, _ in tokens:
        depth += (text == "(") - (text == ")")
        if depth == 0 and text == "+":
            terms.append("")
        else:
            terms[-1] += text.replace(" ", "")
    twice = sorted({t for t in terms if terms.count(t) > 1})
    if twice:
        raise RongheError(f"{where}: these terms stand twice: {listing(twice)}")


def _effects(text: str, levels: Sequence[str], where: str) -> str:
    """Return the name of the effects behind the bar."""
    names = dict(zip(levels, ("units", "time"), strict=True)) | {"units": "units", "time": "time"}
    parts = [part.strip().strip("`") for part in text.split("+")]
    for part in parts:
        require_known(part, [name for name in names if name is not None], "fixed effect", f"{where}: '|{text}'")
    found = [names[part] for part in parts]
    if len(set(found)) < len(found):
        raise RongheError(f"{where}: '|{text}' names the same effects twice")
    return found[0] if len(found) == 1 else "twoways"


@dataclass
class _Columns:
    """Computes the columns of terms, and keeps how many periods their lags reach back."""

    data: pd.DataFrame
    where: str
    lags: Mapping[str, Lags] = field(default_factory=dict)
    reach: int = 0
    used: list[str] = field(default_factory=list)

    def read(self, terms: list[list[str]], others: list[list[str]] | None = None) -> list[pd.Series]:
        """Return the columns of terms; `others` are the terms of the model, where these are some of them."""
        return [column for term in terms for column in self._term(term, others or terms)]

    def kept(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return which rows have their lags, and say which periods are left out."""
        if not self.reach:
            return np.ones(len(self.data), dtype=bool), ()
        codes, periods = pd.factorize(self.data.index.get_level_values(1), sort=True)
        first = listing(periods[: self.reach])
        return codes >= self.reach, (f"{self.where}: lag(): nothing to lag in {first}, which are left out",)

    def _term(self, factors: list[str], terms: list[list[str]]) -> Iterator[pd.Series]:
        """Yield the products of the factors of one term, each under its name."""
        self.used, self.lost = [], np.zeros(len(self.data), dtype=bool)
        parts = [self._factor(text, [f for f in factors if f != text], terms) for text in factors]
        for product in itertools.product(*(part.items() for part in parts)):
            name = ":".join(label for label, _ in product).replace("`", "")
            with np.errstate(all="ignore"):
                values = np.prod([values for _, values in product], axis=0)
            series = pd.Series(np.broadcast_to(values, len(self.data)), index=self.data.index, name=name)
            there = np.isfinite(self.data[self.used].astype(float)).all(axis=1) & ~self.lost
            undefined = ~np.isfinite(series) & there
            if undefined.any():
                rows = listing(self.data.index[undefined])
                raise RongheError(f"{self.where}: {name} is not defined for the numbers in rows {rows}")
            yield series

    def _factor(self, text: str, rest: list[str], terms: list[list[str]]) -> dict[str, np.ndarray]:
        """Return the columns of one factor by name: one, or the dummies of C()."""
        if text in self.data.columns or text.isidentifier():
            return {text: self._column(text)}
        quoted = QUOTED.findall(text)
        places = {f"quoted_{k}_": name for k, name in enumerate(quoted)}
        code = text
        for place, name in places.items():
            code = code.replace(f"`{name}`", place)
        node = ast.parse(code, mode="eval").body
        match node:
            case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=name)], keywords=[]):
                # A level is left out where the rest of the term, or the constant, is in the model beside it.
                return self._dummies(text, places.get(name, name), not rest or sorted(rest) in map(sorted, terms))
        with np.errstate(all="ignore"):
            return {text: self._value(node, places)}

    def _value(self, node: ast.expr, places: dict[str, str]) -> np.ndarray | np.float64:
        """Return the values of an expression of columns, numbers and functions."""

        def value(inner: ast.expr) -> np.ndarray | np.float64:
            return self._value(inner, places)

        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return np.float64(number)
            case ast.Name(id=name):
                return self._column(places.get(name, name))
            case ast.Attribute() if (name := ast.unparse(node)) in self.data.columns:
                return self._column(name)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in ARITHMETIC:
                return ARITHMETIC[type(sign)](value(left), value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.Call(func=ast.Name(id="lag"), args=[argument, ast.Constant(value=int() as k)], keywords=[]):
                return self._lagged(value(argument), k)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in self.lags:
                return self._spatial(value(argument), name)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
                require_known(name, [*FUNCTIONS, "lag", "C", "W", *self.lags], "function", self.where)
                if name in FUNCTIONS:
                    return FUNCTIONS[name](value(argument))
        raise RongheError(
            f"{self.where}: '{ast.unparse(node)}' cannot stand in a formula; allowed are columns (in backticks if "
            f"their names hold signs), numbers, + - * / **, {', '.join(FUNCTIONS)}() of these, lag(x, 1); and, as "
            "terms of their own, C(column) and W(x + z)"
        )

    def _column(self, label: str) -> np.ndarray:
        require_known(label, self.data.columns, "column", self.where)
        if not pd.api.types.is_numeric_dtype(self.data[label]):
            raise RongheError(f"{self.where}: not numbers: {label}; C({label}) makes dummies of its values")
        self.used.append(label)
        return self.data[label].to_numpy(float)

    def _dummies(self, text: str, label: str, leave_out: bool) -> dict[str, np.ndarray]:
        """Return one column for each value, in sorted order; the first is left out where it must be."""
        require_known(label, self.data.columns, "column", self.where)
        codes, values = pd.factorize(self.data[label], sort=True)
        if (codes < 0).any():
            raise RongheError(f"{self.where}: C({label}): no value in rows {listing(self.data.index[codes < 0])}")
        if len(values) < 2:
            raise RongheError(f"{self.where}: C({label}) has one value only, and no dummy beside a constant")
        mark = "T." if leave_out else ""
        return {f"{text}[{mark}{v}]": (codes == k) * 1.0 for k, v in enumerate(values) if k or not leave_out}

    def _spatial(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return the lag of values by other weights, NaN where a neighbour has no value."""
        column = pd.Series(np.broadcast_to(values, len(self.data)), index=self.data.index)
        lagged = spatial_lag(column, self.lags[name], f"{self.where}: {name}()").to_numpy()
        self.lost |= ~np.isfinite(lagged)
        return lagged

    def _lagged(self, values: np.ndarray, k: int) -> np.ndarray:
        """Return the values k periods before within each unit, NaN where there is no such row."""
        index, where = self.data.index, f"{self.where}: lag(x, {k})"
        if k < 1:
            raise RongheError(f"{where}: the number of periods must be 1, 2, ...")
        if index.has_duplicates:
            raise RongheError(f"{where}: these rows stand twice: {listing(index[index.duplicated()].unique())}")
        (units, n_units), (periods, labels) = _codes(index, 0), _codes(index, 1)
        gaps = np.diff(labels) if pd.api.types.is_integer_dtype(labels) else np.ones(1)
        if len(gaps) and (gaps != gaps[0]).any():
            raise RongheError(f"{where}: the periods are not equally far apart: {listing(labels)}; add those between")
        grid = np.full((len(n_units), len(labels)), np.nan)
        grid[units, periods] = np.broadcast_to(values, len(index))
        moved = np.full_like(grid, np.nan)
        moved[:, k:] = grid[:, :-k]
        self.reach = max(self.reach, k)
        self.lost |= ~np.isfinite(moved[units, periods])
        return moved[units, periods]


def _codes(index: pd.MultiIndex, level: int) -> tuple[np.ndarray, pd.Index]:
    return pd.factorize(index.get_level_values(level), sort=True)
