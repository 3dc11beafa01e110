"""The one kind of error a user meets: it names the place, what is wrong there, and the remedy."""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Iterable
from difflib import get_close_matches


class RongheError(ValueError):
    """A mistake in data or configuration that the user can mend; its text is the whole message."""


class SeveralErrors(RongheError):
    """Mistakes that were found together, each a message of its own."""

    def __init__(self, errors: Iterable[RongheError]) -> None:
        self.errors = list(errors)
        super().__init__("\n\n".join(map(str, self.errors)))


def interrupted(error: BaseException | None) -> bool:
    """Return whether Ctrl-C is behind an error: amid an import, Python and C code raise others in its place."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the allowed name closest to `name`, or an empty string."""
    match = get_close_matches(str(name), [str(a) for a in allowed], n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""


def listing(names: Iterable[object], most: int = 12) -> str:
    """Join names for a message, cutting a long list with a count of the rest."""
    names = [str(n) for n in names]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def require_known(name: str, allowed: Iterable[str], what: str, where: str) -> None:
    """Refuse a name that is not among those allowed, naming the place and the nearest match."""
    allowed = list(allowed)
    if not isinstance(name, Hashable) or name not in allowed:
        raise RongheError(f"{where}: unknown {what} '{name}'{nearest(name, allowed)} (allowed: {listing(allowed, 40)})")


def require_positive(value: object, where: str) -> float:
    """Return a finite number above zero, or refuse what is given."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < math.inf:
        raise RongheError(f"{where}: {value!r} is not allowed; give a finite number above zero")
    return float(value)


def require_share(value: object, where: str) -> float:
    """Return a number between zero and one, both excluded, or refuse what is given."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < 1:
        raise RongheError(f"{where}: {value!r} is not allowed; give a number between 0 and 1")
    return float(value)


def require_from(value: object, least: float, below: float, where: str) -> float:
    """Return a number from `least` on and below another, or refuse what is given."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not least <= value < below:
        raise RongheError(f"{where}: {value!r} is not allowed; give a number from {least:g} to below {below:g}")
    return float(value)


def require_names(value: object, where: str) -> list[str]:
    """Return a list of names, or refuse what is given: a single text would be taken letter by letter."""
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise RongheError(f"{where}: {value!r} is not allowed; give a list of names")
    return list(value)


def require_flag(value: object, where: str) -> bool:
    """Return True or False, or refuse what is given: any other value would be taken for one of them."""
    if not isinstance(value, bool):
        raise RongheError(f"{where}: {value!r} is not allowed; give True or False")
    return value


def require_count(value: object, where: str, least: int = 0) -> int:
    """Return a whole number from `least` on, or refuse what is given."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or value != value // 1 or value < least:
        raise RongheError(f"{where}: {value!r} is not allowed; give a whole number, {least} or more")
    return int(value)
