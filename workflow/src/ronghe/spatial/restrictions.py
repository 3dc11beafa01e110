"""Restrictions on named parameters: read from text without running any, and tested by Wald's statistic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError, listing, nearest
from ronghe.linear.inference import chi2_pvalue, f_pvalue
from ronghe.spatial.equation import CONSTANT, Specification

NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
WORD = re.compile(r"[^\s=,+*/()-]+")
# What a Durbin model becomes under each restriction (Elhorst 2014, section 2.9; LeSage and Pace 2009, section 2.7).
REDUCTIONS = {
    "sar": "theta = 0",
    "sem": "theta + rho beta = 0",
    "slx": "rho = 0",
    "ols": "theta = 0, rho = 0",
}


def wald(
    gap: np.ndarray,
    gradient: np.ndarray,
    covariance: np.ndarray,
    name: str,
    factors: np.ndarray | float = 1.0,
    df: float = np.inf,
) -> dict:
    """Return g' (G V G')^-1 g for restrictions g = 0 with gradient G; over their number as F(., df) if df is finite.

    `factors` are those by which the variance of each restriction is corrected.
    """
    scaled = gradient * np.sqrt(np.broadcast_to(factors, len(gap)))[:, None]
    statistic = float(gap @ np.linalg.solve(scaled @ covariance @ scaled.T, gap))
    if np.isinf(df):
        return {"test": name, "statistic": statistic, "df": len(gap), "pvalue": chi2_pvalue(statistic, len(gap))}
    statistic /= len(gap)
    pvalue = f_pvalue(statistic, len(gap), df)
    return {"test": name, "statistic": statistic, "df": len(gap), "pvalue": pvalue, "note": f"F, {df:g}"}


def reduction(specification: Specification, names: Sequence[str], values: np.ndarray, to: str) -> tuple:
    """Return (g, G): by how much a Durbin model misses being `to` (sar, sem, slx, ols), and the gradient of that.

    In a dynamic model W y_(t-1) must be -rho phi W y_(t-1) as well, for it to be one with a spatial error.
    """
    s, names = specification, list(names)
    if s.model != "sdm":
        raise RongheError(f"Wald test: a Durbin model (sdm) is needed, not '{s.model}'")
    if to not in REDUCTIONS:
        raise RongheError(f"Wald test: unknown restriction '{to}' (allowed: {', '.join(REDUCTIONS)})")
    r, eye = names.index("rho"), np.eye(len(names))
    if to == "sem":
        own = [n for n in names[:r] if not n.startswith("W*") and n != CONSTANT]
        if sorted(f"W*{n}" for n in own) != sorted(n for n in names[:r] if n.startswith("W*")):
            raise RongheError("Wald test: with the lags of some regressors only, the error model is not nested in it")
        lags, own = [names.index(f"W*{n}") for n in own], [names.index(n) for n in own]
        return values[lags] + values[r] * values[own], eye[lags] + values[r] * eye[own] + np.outer(values[own], eye[r])
    lags = [names.index(f"W*{x}") for x in s.durbin]
    kept = {"sar": lags, "slx": [r], "ols": [*lags, r]}[to]
    return values[kept], eye[kept]


def read_restrictions(text: str, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return (R, r) of R b = r for a text such as "x1 = x2, W*x1 = 0" or "2*x1 + x2 = 1".

    Restrictions stand apart by commas. A name is that of a parameter as it is printed ("W*x", "log(x)", "rho"); where
    one name begins another the longest counts. Numbers, + - * / and brackets join them, and nothing is evaluated.

    >>> R, r = read_restrictions("x1 = 2*x2, W*x1 = 0.5", ["x1", "x2", "W*x1"])
    >>> R.tolist(), r.tolist()
    ([[1.0, -2.0, 0.0], [0.0, 0.0, 1.0]], [0.0, 0.5])
    """
    rows = np.array(_Reader(text, tuple(names)).restrictions())
    R, r = rows[:, :-1], 0.0 - rows[:, -1]
    if np.linalg.matrix_rank(R) < len(R):
        raise RongheError(f"wald_test: '{text}' says the same thing twice, or names no parameter; leave one out")
    return R, r


@dataclass
class _Reader:
    """Reads linear restrictions from left to right; a value is a row of coefficients with the constant behind."""

    text: str
    names: tuple[str, ...]
    place: int = 0

    def restrictions(self) -> list[np.ndarray]:
        """Return every restriction as left side minus right side."""
        found = []
        while True:
            left = self.sum()
            if not self.take("="):
                self.fail("an '=' is missing")
            found.append(left - self.sum())
            if not self.take(","):
                break
        if self.rest():
            self.fail(f"what stands at '{self.rest()}' has no meaning")
        return found

    def sum(self) -> np.ndarray:
        """Read terms joined by + and -."""
        total = self.product()
        while sign := self.take("+") or self.take("-"):
            total = total + self.product() if sign == "+" else total - self.product()
        return total

    def product(self) -> np.ndarray:
        """Read factors joined by * and /, of which one at most may hold parameters."""
        value = self.factor()
        while sign := self.take("*") or self.take("/"):
            other = self.factor()
            if sign == "*" and value[:-1].any() and other[:-1].any() or sign == "/" and other[:-1].any():
                self.fail("it is not linear in the parameters")
            if sign == "/":
                value = value / other[-1] if other[-1] else self.fail("it divides by zero")
            else:
                value = value * other[-1] if value[:-1].any() else other * value[-1]
        return value

    def factor(self) -> np.ndarray:
        """Read a parameter, a number, a signed factor or a sum in brackets."""
        value = np.zeros(len(self.names) + 1)
        if name := self.parameter():
            value[self.names.index(name)] = 1
            return value
        if number := NUMBER.match(self.text, self.skip()):
            self.place = number.end()
            value[-1] = float(number.group())
            return value
        if self.take("-"):
            return -self.factor()
        if self.take("("):
            value = self.sum()
            return value if self.take(")") else self.fail("a bracket is not closed")
        word = WORD.match(self.text, self.place)
        self.fail(self._unknown(word.group()) if word else "a parameter or a number is missing")

    def _unknown(self, word: str) -> str:
        return f"unknown parameter '{word}'{nearest(word, self.names)} (allowed: {listing(self.names, 40)})"

    def parameter(self) -> str | None:
        """Take the longest name of a parameter that stands here, blanks aside, in backticks or not."""
        for name in sorted(self.names, key=len, reverse=True):
            plain = r"\s*".join(re.escape(c) for c in name if not c.isspace())
            after = r"(?![\w.])" if name[-1].isalnum() or name[-1] == "_" else ""
            if found := re.compile(f"`{plain}`|{plain}{after}").match(self.text, self.skip()):
                self.place = found.end()
                return name
        return None

    def take(self, sign: str) -> str:
        """Take a sign if it stands here."""
        if self.text.startswith(sign, self.skip()):
            self.place += len(sign)
            return sign
        return ""

    def skip(self) -> int:
        """Pass over blanks and return the place after them."""
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.place

    def rest(self) -> str:
        """Return what is not read yet."""
        return self.text[self.skip() :]

    def fail(self, why: str) -> None:
        """Refuse the text."""
        raise RongheError(f"wald_test: '{self.text}': {why}; write it as 'x1 = x2, W*x1 = 0'")
