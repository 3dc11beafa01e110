"""Numbers as a table prints them, and where their decimal point stands."""

from __future__ import annotations

import math
import re

# One cell of a stored table; None, NaN and empty text are missing.
Value = str | float | None
MINUS = "\N{MINUS SIGN}"
_NUMBER = re.compile(rf"^([(\[]?[<>{MINUS}-]?[\d,]+)((?:\.\d+)?[%)\]*]*)$")
STAR_LEVELS = (0.01, 0.05, 0.10)


def fixed(value: Value, digits: int = 3) -> str:
    """Write a number with `digits` decimals and a true minus sign; a missing value is an empty cell."""
    if _missing(value):
        return ""
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:,.{digits}f}"
    # A rounded zero carries no sign.
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]
    return text.replace("-", MINUS)


def integer(value: Value) -> str:
    """Write a count with thousands separators."""
    return fixed(value, 0)


def plain(value: Value) -> str:
    """Write a year or a code as it is, without separators."""
    if _missing(value):
        return ""
    return str(int(value)) if isinstance(value, (int, float)) and float(value).is_integer() else str(value)


def pvalue(value: Value, digits: int = 3) -> str:
    """Write a p-value; one below the last decimal is printed as smaller than it."""
    if _missing(value):
        return ""
    least = 10.0**-digits
    return f"<{least:.{digits}f}" if float(value) < least else fixed(value, digits)


def percent(value: Value, digits: int = 1) -> str:
    """Write a share as a percentage."""
    return "" if _missing(value) else f"{fixed(100 * float(value), digits)}%"


def significant(value: Value, digits: int = 3) -> str:
    """Write a number with `digits` significant figures and no exponent."""
    if _missing(value):
        return ""
    value = float(value)
    if value == 0 or not math.isfinite(value):
        return fixed(value, 0)
    return fixed(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def trimmed(value: Value, digits: int = 2) -> str:
    """Write a number with at most `digits` decimals, without zeros at its end."""
    text = fixed(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def stars(value: Value) -> str:
    """Return one to three stars for a p-value below 0.10, 0.05, 0.01."""
    return "" if _missing(value) else "*" * sum(float(value) < level for level in STAR_LEVELS)


def interval(lower: Value, upper: Value, digits: int = 3) -> str:
    """Write an interval in brackets; an end at infinity is open."""
    if _missing(lower) or _missing(upper):
        return ""
    first, last = "(" if math.isinf(float(lower)) else "[", ")" if math.isinf(float(upper)) else "]"
    return f"{first}{fixed(lower, digits)}, {fixed(upper, digits)}{last}"


def split_at_point(text: str) -> tuple[str, str] | None:
    """Split a printed number before its decimal point, so that points can be put under one another."""
    match = _NUMBER.match(text)
    return (match[1], match[2]) if match else None


FORMATS = {
    "fixed": fixed,
    "integer": lambda value, digits=0: integer(value),
    "plain": lambda value, digits=0: plain(value),
    "pvalue": pvalue,
    "percent": percent,
    "significant": significant,
    "trimmed": trimmed,
    "text": lambda value, digits=0: "" if _missing(value) else str(value),
}


def _missing(value: Value) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))
