"""Regression tables: several specifications side by side, from their stored coefficients."""

from __future__ import annotations

import math
from functools import partial

from ronghe.errors import RongheError, nearest, require_known
from ronghe.models.terms import read_name
from ronghe.paper import cells
from ronghe.paper.exhibit import Exhibit, Row
from ronghe.paper.labels import Labels
from ronghe.paper.results import Fit
from ronghe.paper.sources import Sources
from ronghe.paper.tables.estimates import Style, heading_of, notes_on_fits, weights_of

# Terms that stand below the slopes, in this order; sigma2 is a statistic of the fit.
LAST_TERMS = ("rho", "lambda", "const")
STATISTICS = ("observations", "regions", "years", "rsquared_within", "loglik")
_COUNTS = {"observations": "nobs", "regions": "n_units", "years": "n_periods", "instruments": "n_instruments"}


def build(source: Sources) -> Exhibit:
    """Build a table with one column per specification and two lines per term: estimate, and its uncertainty."""
    style, labels, columns = Style.of(source.entry), source.labels, source.fits()
    fits = [fit for _, fit in columns]
    thresholds = [value for fit in fits for value in fit.get("thresholds") or []]
    rows: list[Row] = []
    for term in _terms(source, fits):
        found = [fit.coefficients.loc[term] if term in fit.coefficients.index else None for fit in fits]
        finer = style.showing([row for row in found if row is not None])
        lines = [("", "") if row is None else finer.lines(row) for row in found]
        rows += style.two_rows("terms", labels.variable(term, thresholds), lines)
    rows += [("fit", label, printed) for label, printed in _facts(source, fits)]
    show_effects = source.get("show_effects", True)
    return source.exhibit(
        rows,
        _header(source, columns),
        notes=source.notes(*notes_on_fits(fits, labels, style, show_effects)),
        centred=frozenset(("fit", "terms") if style.below == "interval" else ("fit",)),
    )


def _terms(source: Sources, fits: list[Fit]) -> list[str]:
    """Return the printed terms: those asked for, else all, slopes before spatial lags before rho and constant."""
    present = list(dict.fromkeys(term for fit in fits for term in fit.coefficients.index))
    if "rows" in source.entry:
        for term in source.entry["rows"]:
            if term not in present:
                raise RongheError(
                    f"{source.where}.rows: no column has a term '{term}'{nearest(term, present)} "
                    f"(there: {', '.join(present)})"
                )
        return list(source.entry["rows"])
    omitted = {"sigma2", *source.get("omit", [])}
    kept = {name: read_name(name) for name in present if name not in omitted}
    slopes = [name for name, term in kept.items() if term.operation != "spatial_lag" and name not in LAST_TERMS]
    # A slope that differs by regime or group stands where its variable stands.
    stems = [kept[name].variables[0] if kept[name].operation in ("group", "regime") else name for name in slopes]
    slopes = [name for _, name in sorted(zip(stems, slopes, strict=True), key=lambda pair: stems.index(pair[0]))]
    lags = [name for name, term in kept.items() if term.operation == "spatial_lag"]
    return slopes + lags + [name for name in LAST_TERMS if name in kept]


def _facts(source: Sources, fits: list[Fit]) -> list[tuple[str, list[str]]]:
    """Return the rows below the terms: fixed effects, weights where they differ, statistics of the fit."""
    labels, rows = source.labels, []
    if source.get("show_effects", True):
        for key, dimension in (("region_effects", "units"), ("year_effects", "time")):
            rows.append((labels.word(key), [_has_effects(fit, dimension, labels) for fit in fits]))
    weights = [weights_of(fit, labels) for fit in fits]
    if len({fit.get("weights") for fit in fits}) > 1:
        rows.append((labels.word("weights"), weights))
    for key in source.get("fit", STATISTICS):
        values = [fit.get(_COUNTS.get(key, key)) for fit in fits]
        if any(value is not None for value in values):
            rows.append((labels.word(key), [_statistic(key, value, labels) for value in values]))
    return rows + [_test(test, source, fits) for test in source.get("tests", [])]


def _test(entry: dict, source: Sources, fits: list[Fit]) -> tuple[str, list[str]]:
    """Return the row of a test: its p-value or statistic in the columns that have it."""
    present = list(dict.fromkeys(name for fit in fits for name in fit.tests.index))
    require_known(entry["test"], present, "test in any column", f"{source.where}.tests")
    value = entry.get("value", "pvalue")
    write = cells.pvalue if value == "pvalue" else partial(cells.fixed, digits=entry.get("digits", 2))
    held = [fit.tests.loc[entry["test"], value] if entry["test"] in fit.tests.index else None for fit in fits]
    return source.labels.text(entry.get("heading", entry["test"])), [write(v) for v in held]


def _has_effects(fit: Fit, dimension: str, labels: Labels) -> str:
    effects = fit.get("effects")
    if effects is None:
        return ""
    if dimension in (fit.get("random") or []):
        return labels.word("random")
    return labels.word("yes" if effects in (dimension, "twoways") else "no")


def _statistic(key: str, value: float | dict | None, labels: Labels) -> str:
    """Print a statistic of the fit: counts whole, the likelihood with one decimal, a variance by its figures."""
    if value is None:
        return ""
    if key in _COUNTS:
        return cells.integer(value)
    if key == "anderson_rubin_set":
        return _confidence_set(value, labels)
    if key == "instrument_strength":
        return labels.word(f"strength.{value['verdict']}")
    return cells.significant(value) if key == "sigma2" else cells.fixed(value, 1 if key == "loglik" else 3)


def _confidence_set(value: dict, labels: Labels) -> str:
    """Print a set by its pieces, in words where it is empty or the whole line."""
    if value["shape"] in ("empty", "whole_line"):
        return labels.word(f"sets.{value['shape']}")
    ends = [(-math.inf if a is None else a, math.inf if b is None else b) for a, b in value["pieces"]]
    return " ∪ ".join(cells.interval(*pair) for pair in ends)


def _header(source: Sources, columns: list[tuple[dict, Fit]]) -> list[list[str]]:
    """Return the levels above the columns: groups, outcomes where they differ, headings and numbers."""
    labels = source.labels
    groups = [labels.text(column.get("group")) for column, _ in columns]
    outcomes = [labels.variable(str(fit.get("outcome"))) for _, fit in columns]
    headings = [source.heading(column, heading_of(fit, labels)) for column, fit in columns]
    numbers = [f"({i + 1})" for i in range(len(columns))]
    levels = [groups, outcomes if len(set(outcomes)) > 1 else [], headings, numbers]
    return [level for level in levels if any(level)]
