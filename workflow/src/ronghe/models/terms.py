"""Which terms a specification may name: a variable, or one of a closed set of transformations of variables."""

from __future__ import annotations

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
        return Term(":".join(value), tuple(value), "product")
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
    return Term(f"shift_share.{options['name']}", (), "shift_share", 0, tuple(sorted(options.items())))


def parse_all(terms: str | dict | list, where: str = "term") -> list[Term]:
    """Read one term or a list of terms."""
    return [parse(t, where) for t in (terms if isinstance(terms, list) else [terms])]
