"""Checks an entry of the configuration against a JSON schema, and says the first fault in a reader's words."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from ronghe.errors import RongheError, listing, nearest

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

# Beyond this a whole number is no year, seed or count, and no float holds it.
LARGEST = 2**63

TYPES = {
    "object": "keys and values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def validate(entry: object, schema: dict, where: str, path: Iterable[object] = ()) -> None:
    """Check an entry against a JSON schema; the first fault is told by place, what is wrong, and what is allowed."""
    errors = sorted(_validator()(schema).iter_errors(entry), key=_order)
    if errors:
        error = _deepest(errors[0])
        place = ".".join(str(p) for p in [*path, *error.absolute_path])
        raise RongheError(f"{where}: {place + ': ' if place else ''}{in_words(error)}")


@cache
def _validator() -> type[Validator]:
    """Return JSON schema with stricter numbers: finite ones only, and a whole number is written without a point."""
    # Its optional check of web addresses compiles 38 grammars for 0.8 s wherever Jupyter is installed; no schema asks.
    absent = sys.modules.setdefault("rfc3987_syntax", None) is None  # type: ignore[arg-type]
    import jsonschema

    if absent:
        del sys.modules["rfc3987_syntax"]

    def whole(_: object, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST

    def number(_: object, value: object) -> bool:
        return whole(_, value) or (isinstance(value, float) and math.isfinite(value))

    def names(validator: Validator, schema: dict, value: object, _: object) -> Iterator[ValidationError]:
        # A key such as 2020 is read as a number, and no pattern of a name would look at it.
        for key in value if isinstance(value, dict) else ():
            yield from validator.descend(instance=str(key), schema=schema)

    base = jsonschema.Draft202012Validator
    types = base.TYPE_CHECKER.redefine_many({"integer": whole, "number": number})
    return jsonschema.validators.extend(base, {"propertyNames": names}, type_checker=types)


def _order(error: ValidationError) -> tuple:
    """Order faults by place; where an entry's kind is at fault, what its other keys should be is not known yet."""
    place = [str(p) for p in error.absolute_path]
    kind_missing = error.validator == "required" and "kind" in error.validator_value and "kind" not in error.instance
    return not (kind_missing or place[-1:] == ["kind"]), place, error.validator != "additionalProperties"


def _deepest(error: ValidationError) -> ValidationError:
    """Where one of several forms was clearly meant, return the fault within it."""
    while error.validator in ("anyOf", "oneOf"):
        forms: dict[int, list] = {}
        for inner in error.context:
            forms.setdefault(inner.relative_schema_path[0], []).append(inner)
        meant = [form for form, inner in forms.items() if not any(_of_another_form(e) for e in inner)]
        if isinstance(error.instance, dict) and len(meant) > 1:
            meant = [form for form in meant if set(error.instance) & set(_keys(error.validator_value[form]))]
        if len(meant) != 1:
            return error
        error = sorted(forms[meant[0]], key=_order)[0]
    return error


def _of_another_form(error: ValidationError) -> bool:
    """Return whether a fault says that the whole value is of another type."""
    if error.relative_path:
        return False
    if error.validator in ("anyOf", "oneOf"):
        return all(_of_another_form(inner) for inner in error.context)
    if error.validator in ("const", "enum"):
        allowed = [error.validator_value] if error.validator == "const" else error.validator_value
        return not any(isinstance(error.instance, type(value)) for value in allowed)
    return error.validator == "type"


def _keys(schema: dict) -> list[str]:
    return [key for key in schema.get("properties", {}) if key != "of"]


def in_words(error: ValidationError) -> str:
    """Say a schema violation as a sentence with the nearest allowed name."""
    value, rule, schema = error.instance, error.validator_value, error.schema
    described = schema.get("description", "") if isinstance(schema, dict) else ""
    meaning = f" ({described})" if described else ""
    match error.validator:
        case "additionalProperties" if isinstance(value, dict):
            allowed = list(schema.get("properties", {}))
            return unknown_key(next(k for k in value if k not in allowed), allowed)
        case "required":
            return _missing(value, next(k for k in rule if k not in value), schema)
        case "enum" | "const":
            allowed = rule if error.validator == "enum" else [rule]
            return f"'{value}' is not allowed{nearest(value, allowed)} (allowed: {listing(allowed, 40)})"
        case "type":
            wanted = [rule] if isinstance(rule, str) else rule
            return f"expected {' or '.join(TYPES[t] for t in wanted)}, found {_shown(value)}{meaning}"
        case "anyOf" | "oneOf":
            return f"{_shown(value)} is not allowed" + (f"; expected {described}" if described else "")
        case "not" if "const" in rule:
            return f"'{value}' is not allowed; {described}"
        case "not" if rule == {}:
            return f"the key '{error.absolute_path[-1]}' is not allowed here{meaning}"
        case "minItems" | "minProperties":
            return f"{len(value)} given, at least {rule} needed{meaning}"
        case "maxItems" | "maxProperties":
            return f"{len(value)} given, at most {rule} allowed{meaning}"
        case "minLength":
            return f"empty{meaning}"
        case "uniqueItems":
            return f"'{next(v for v in value if value.count(v) > 1)}' is given twice; keep one of them{meaning}"
        case "minimum" | "exclusiveMinimum":
            return (
                f"{value} is too small; {'at least' if error.validator == 'minimum' else 'more than'} {rule}{meaning}"
            )
        case "maximum" | "exclusiveMaximum":
            bound = "at most" if error.validator == "maximum" else "less than"
            return f"{value} is too large; {bound} {rule}{meaning}"
        case "pattern":
            return f"'{value}' is not allowed; {described or 'it must match ' + rule}"
    return f"{error.message}{meaning}"


def unknown_key(key: object, allowed: list[str]) -> str:
    """Say that a key is not known, with the nearest one and all that are allowed."""
    return f"unknown key '{key}'{nearest(str(key), allowed)} (allowed: {listing(allowed, 40)})"


def _missing(value: dict, key: str, schema: dict) -> str:
    """Say which key is missing; where it is there with a slip of the pen, say that."""
    unknown = [k for k in value if k not in schema.get("properties", {})]
    slip = [k for k in unknown if nearest(k, [key])]
    if slip:
        return f"unknown key '{slip[0]}'{nearest(slip[0], [key])}"
    described = schema.get("properties", {}).get(key, {}).get("description", "")
    return f"the key '{key}' is missing" + (f" ({described})" if described else "")


def _shown(value: object) -> str:
    """Show a value as its writer knows it, cut to a readable length."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    shown = repr(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return f"{shown} (write {int(value)})"
    return shown if len(shown) < 80 else shown[:76] + " ..."
