"""What goes with what: the treatment's estimates of every specification, with intervals, and the entry to copy."""

from __future__ import annotations

import pandas as pd
import yaml

from ronghe.models.terms import read_name
from ronghe.paper.explorer.book import Book
from ronghe.paper.explorer.numbers import short
from ronghe.paper.results import Fit
from ronghe.paper.tables.estimates import heading_of

# What a complete specification holds beside what its entry may say.
WRITTEN_OUT = ("name", "sample_name", "shared_indicators")


def fits(found: list[Fit], folder: str, book: Book) -> list[dict]:
    """Return every specification: what it is, its rows, and its entry."""
    return [_fit(fit, f"{folder}/models/{fit.name}", book) for fit in found]


def _fit(fit: Fit, folder: str, book: Book) -> dict:
    treatment = main_variable(fit)
    # A check on another specification states that one's estimates: they are in its own rows already.
    about = "" if "of" in (fit.get("entry") or {}) else treatment
    rows = [_row(book.name(t), "coefficient", row, t == about) for t, row in fit.coefficients.iterrows()]
    if about and not any(row["main"] for row in rows):
        for row in rows:
            row["main"] = _split(row["term"]) == about
    if (fit.folder / "impacts.csv").is_file():
        rows += [_row(book.name(v), e, row, v == about) for (v, e), row in fit.impacts.iterrows()]
    for row in rows:
        book.name(row["effect"])
    inference = f"inference/{'_'.join(map(str, (fit.get('cov_type'), fit.get('cluster'), fit.get('small_sample'))))}"
    return {
        "name": fit.name,
        "model": book.call(f"model/{heading_of(fit, book.labels[0])}", lambda labels: heading_of(fit, labels)),
        "outcome": book.name(_first(fit.get("outcome"))),
        "treatment": book.name(treatment),
        "weights": book.name(_first(fit.get("weights")) or "none"),
        "inference": book.call(inference, lambda labels: labels.covariance(fit) or labels.word("effects.none")),
        "sample": book.name(_first(fit.get("sample")) or "all"),
        "size": [short(fit.get(key)) for key in ("n_units", "n_periods", "nobs")],
        "shared": [book.name(variable) for variable in fit.get("shared_indicators") or []],
        "rows": rows,
        "entry": entry_text(fit.name, fit.get("entry") or {}),
        "file": f"{folder}/coefficients.csv",
    }


def _first(value: object) -> object:
    """Return a value, or the first of several that a kind with many members names."""
    return value[0] if isinstance(value, list) and value else value


def _row(term: str, effect: str, row: pd.Series, main: bool) -> dict:
    numbers = {key: short(row.get(column), 5) for key, column in NUMBERS.items()}
    return {"term": term, "effect": effect, "main": main, **numbers}


NUMBERS = {"estimate": "estimate", "error": "std_error", "pvalue": "pvalue", "lower": "lower", "upper": "upper"}


def main_variable(fit: Fit) -> str:
    """Return the variable that a specification is about: its treatment, else its first regressor."""
    entry = fit.get("entry") or {}
    treatment = entry.get("treatment")
    treatment = treatment[0] if isinstance(treatment, list) and treatment else treatment
    if isinstance(treatment, str) and treatment:
        return treatment
    regressors = fit.get("regressors") or list(fit.coefficients.index)
    return str(regressors[0]) if regressors else ""


def _split(name: str) -> str:
    """Return the variable whose slope differs between groups or regimes; nothing for another term."""
    term = read_name(name)
    return term.variables[0] if term.operation in ("group", "regime") else ""


def entry_text(name: str, complete: dict) -> str:
    """Return a complete specification as the entry of config/specifications.yaml that makes it."""
    entry = {key: value for key, value in complete.items() if key not in WRITTEN_OUT}
    entry = {"kind": entry.pop("kind", ""), **entry}
    if "sample" in entry:
        entry["sample"] = complete.get("sample_name") or "all"
    if entry.get("sample") == "all":
        del entry["sample"]
    if isinstance(entry.get("of"), dict):
        entry["of"] = entry["of"]["name"]
    if "family" in entry:
        entry["family"] = [member["name"] for member in entry["family"]]
    return as_yaml({name: entry})


def as_yaml(entry: dict) -> str:
    """Return an entry as YAML: lists and small mappings in one line, everything else a line each."""
    return yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, default_flow_style=None, width=60)


def as_line(value: object) -> str:
    """Return a name, a list or a small mapping as YAML in one line."""
    return yaml.safe_dump([value], default_flow_style=True, sort_keys=False, allow_unicode=True, width=9999).strip()[
        1:-1
    ]
