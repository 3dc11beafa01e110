"""The terms of a regression: what a specification may name, how results print it, and how that name is read back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ronghe.errors import RongheError, listing

OPERATIONS = ("lag", "lead", "square", "product", "log", "shift_share")


@dataclass(frozen=True)
class Term:
    """One column of a regression: its printed name, the variables it is made of, and how."""

    name: str
    variables: tuple[str, ...]
    operation: str = "itself"
    order: int = 0
    options: tuple[tuple[str, object], ...] = ()


def parse(term: str | dict, where: str = "term") -> Term:
    """Read a term: `x`, `{lag: 2, of: x}`, `{lead: 1, of: x}`, `{square: x}`, `{log: x}`, `{product: [x, z]}`...

    The last is `{shift_share: {name, table, sectors, base_year}}`; see `ronghe.models.design.shift_share`.
    """
    if isinstance(term, str):
        return Term(term, (term,))
    operation = [o for o in OPERATIONS if o in term]
    if len(operation) != 1:
        raise RongheError(f"{where}: {term} is no term; name a variable, or one of: {listing(OPERATIONS)}")
    if operation[0] in ("lag", "lead") and "of" not in term:
        raise RongheError(f"{where}: {term} lacks 'of', the variable to be moved in time")
    value = term[operation[0]]
    if operation == ["lag"]:
        return Term(f"L{value}.{term['of']}", (term["of"],), "lag", int(value))
    if operation == ["lead"]:
        return Term(f"F{value}.{term['of']}", (term["of"],), "lead", -int(value))
    if operation == ["square"]:
        return Term(f"{value}^2", (value,), "square")
    if operation == ["log"]:
        return Term(f"log({value})", (value,), "log")
    if operation == ["product"]:
        return Term(product_name(*value), tuple(value), "product")
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
    return Term(f"shift_share.{options['name']}", (), "shift_share", 0, tuple(sorted(options.items())))


def parse_all(terms: str | dict | list, where: str = "term") -> list[Term]:
    """Read one term or a list of terms."""
    return [parse(t, where) for t in (terms if isinstance(terms, list) else [terms])]


def regime_name(variable: str, threshold_variable: str, lower: float | None, upper: float | None) -> str:
    """Return the printed name of a variable where the threshold variable lies in (lower, upper]."""
    if lower is not None and upper is not None:
        return f"{variable}[{lower:.6g}<{threshold_variable}<={upper:.6g}]"
    return f"{variable}[{threshold_variable}{f'<={upper:.6g}' if lower is None else f'>{lower:.6g}'}]"


def product_name(*variables: str) -> str:
    """Return the printed name of a product."""
    return ":".join(variables)


def group_name(variable: str, group: str) -> str:
    """Return the printed name of a variable in one group of rows, or at one quantile."""
    return f"{variable}[{group}]"


_NUMBER = r"-?[\d.]+(?:e[-+]?\d+)?"
_BOUNDS = re.compile(
    rf"(?:(?P<lower>{_NUMBER})<)?(?P<variable>[^<>]+?)(?:<=(?P<upper>{_NUMBER})|>(?P<above>{_NUMBER}))"
)
_MOVED = re.compile(r"(?P<way>[LF])(?P<order>\d+)\.(?P<of>.+)")
_LOG = re.compile(r"log\((?P<of>.+)\)")
_INSIDE = re.compile(r"(?P<of>[^\[\]]+)\[(?P<part>[^\[\]]+)\]")


def read_name(name: str) -> Term:
    """Return the term that a printed name stands for: the one inverse of all that print names.

    Beside the operations of a specification there are `spatial_lag` (`W*x`), `group` (`x[low]`) and `regime`
    (`x[q<=0.4]`), whose options are `group`, or `lower` and `upper`. Variables may be printed names themselves.
    """
    if name.startswith("W*"):
        return Term(name, (name[2:],), "spatial_lag")
    if found := _INSIDE.fullmatch(name):
        return _part(name, found["of"], found["part"])
    if found := _MOVED.fullmatch(name):
        order = int(found["order"])
        return Term(name, (found["of"],), *(("lag", order) if found["way"] == "L" else ("lead", -order)))
    if found := _LOG.fullmatch(name):
        return Term(name, (found["of"],), "log")
    if name.startswith("shift_share."):
        return Term(name, (), "shift_share", options=(("name", name.partition(".")[2]),))
    if ":" in name:
        return Term(name, tuple(name.split(":")), "product")
    if name.endswith("^2"):
        return Term(name, (name[:-2],), "square")
    return Term(name, (name,))


def _part(name: str, variable: str, part: str) -> Term:
    """Return the term of a variable in a regime, whose bounds are numbers, or in a group that has a name."""
    found = _BOUNDS.fullmatch(part)
    if found is None:
        return Term(name, (variable,), "group", options=(("group", part),))
    lower, upper = found["lower"] or found["above"], found["upper"]
    options = (("lower", lower and float(lower)), ("upper", upper and float(upper)))
    return Term(name, (variable, found["variable"]), "regime", options=options)
