"""Regression tables: several specifications side by side, from their stored coefficients."""

from __future__ import annotations

from ronghe.errors import RongheError, nearest
from ronghe.paper import cells
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.labels import Labels
from ronghe.paper.results import MODELS, Fit

# Terms that stand below the slopes, in this order; sigma2 is a statistic of the fit.
LAST_TERMS = ("rho", "lambda", "const", "Intercept", "constant")
STATISTICS = ("observations", "regions", "years", "rsquared_within", "loglik")
_KEYS = {"observations": "nobs", "regions": "n_units", "years": "n_periods"}


def regression_table(name: str, entry: dict, labels: Labels, models: str = MODELS) -> Exhibit:
    """Build a table with one column per specification and two lines per term: estimate, and its uncertainty."""
    columns = [column_of(c) for c in entry["columns"]]
    fits = [Fit.read(c["specification"], models) for c in columns]
    statistic, starred, digits = entry.get("statistic", "std_error"), entry.get("stars", False), entry.get("digits", 3)
    rows: list[tuple[str, str, list[str]]] = []
    for term in _terms(name, entry, fits):
        lines = [_estimate(fit, term, statistic, starred, digits) for fit in fits]
        rows.append(("terms", labels.variable(term), [first for first, _ in lines]))
        rows.append(("terms", "", [second for _, second in lines]))
    rows += _footer(entry, fits, labels)
    header = _header(columns, fits, labels)
    return Exhibit(
        name,
        rows,
        header,
        caption=labels.text(entry["caption"]),
        notes=regression_notes(entry, fits, labels, statistic, starred),
        long=entry.get("long", False),
        language=labels.language,
        centred=("fit", "terms") if statistic == "interval" else ("fit",),
    )


def column_of(column: str | dict) -> dict:
    """Return a column entry in its long form."""
    return {"specification": column} if isinstance(column, str) else column


def _terms(name: str, entry: dict, fits: list[Fit]) -> list[str]:
    """Return the printed terms: those asked for, else all, slopes before lags before rho and constant."""
    present = list(dict.fromkeys(term for fit in fits for term in fit.coefficients.index))
    if "rows" in entry:
        for term in entry["rows"]:
            if term not in present:
                raise RongheError(
                    f"tables.{name}.rows: no column has a term '{term}'{nearest(term, present)} "
                    f"(there: {', '.join(present)})"
                )
        return list(entry["rows"])
    omitted = {"sigma2", *entry.get("omit", [])}
    kept = [t for t in present if t not in omitted]
    slopes = [t for t in kept if not t.startswith("W*") and t not in LAST_TERMS]
    # A slope that differs by regime or group stands where its variable stands.
    order = {name: place for place, name in reversed(list(enumerate(t.partition("[")[0] for t in slopes)))}
    slopes.sort(key=lambda t: order[t.partition("[")[0]])
    lags = [t for t in kept if t.startswith("W*")]
    return slopes + lags + [t for t in LAST_TERMS if t in kept]


def _estimate(fit: Fit, term: str, statistic: str, starred: bool, digits: int) -> tuple[str, str]:
    if term not in fit.coefficients.index:
        return "", ""
    row = fit.coefficients.loc[term]
    return estimate_lines(row, statistic, starred, digits)


def estimate_lines(row: object, statistic: str, starred: bool, digits: int) -> tuple[str, str]:
    """Return an estimate and, below it, its standard error, t, p or interval in brackets."""
    first = cells.fixed(row["estimate"], digits) + (cells.stars(row["pvalue"]) if starred else "")
    if statistic == "interval":
        return first, cells.interval(row["lower"], row["upper"], digits)
    if statistic == "pvalue":
        second = cells.pvalue(row["pvalue"])
    else:
        second = cells.fixed(row[statistic], digits if statistic == "std_error" else 2)
    return first, f"({second})" if second else ""


def _footer(entry: dict, fits: list[Fit], labels: Labels) -> list[tuple[str, str, list[str]]]:
    rows = []
    if entry.get("show_effects", True):
        for key, having in (("region_effects", "units"), ("year_effects", "time")):
            marks = [_yes_no(fit, having, labels) for fit in fits]
            rows.append(("fit", labels.term(key), marks))
    weights = [fit.get("weights") for fit in fits]
    if any(weights) and len(set(weights)) > 1:
        rows.append(("fit", labels.term("weights"), [labels.named("weights_", w) if w else "" for w in weights]))
    for key in entry.get("fit", STATISTICS):
        values = [fit.get(_KEYS.get(key, key)) for fit in fits]
        if all(v is None for v in values):
            continue
        write = cells.integer if key in _KEYS else (lambda v: cells.fixed(v, 3))
        if key == "sigma2":
            write = cells.significant
        if key == "loglik":
            write = lambda v: cells.fixed(v, 1)  # noqa: E731
        rows.append(("fit", labels.term(key), [write(v) for v in values]))
    return rows


def _yes_no(fit: Fit, dimension: str, labels: Labels) -> str:
    effects = fit.get("effects")
    if effects is None:
        return ""
    if dimension in (fit.get("random") or []):
        return labels.term("random")
    return labels.term("yes" if effects in (dimension, "twoways") else "no")


def _header(columns: list[dict], fits: list[Fit], labels: Labels) -> list[list[str]]:
    header = []
    groups = [labels.text(c.get("group")) for c in columns]
    if any(groups):
        header.append(groups)
    outcomes = [labels.variable(str(fit.get("outcome"))) for fit in fits]
    if len(set(outcomes)) > 1:
        header.append(outcomes)
    headings = [
        labels.text(c["heading"]) if "heading" in c else heading_of(fit, labels)
        for c, fit in zip(columns, fits, strict=True)
    ]
    if any(headings):
        header.append(headings)
    header.append([f"({i + 1})" for i in range(len(columns))])
    return header


def heading_of(fit: Fit, labels: Labels) -> str:
    """Return what a fit is called: its spatial model, or its kind where the model is plain least squares."""
    model = str(fit.get("model") or "")
    return labels.named("", str(fit.get("kind")) if model in ("", "ols") else model)


def regression_notes(entry: dict, fits: list[Fit], labels: Labels, statistic: str, starred: bool) -> str:
    """Return the notes: what each column rests on, said once where all columns agree."""
    sentences = []
    outcomes = {str(fit.get("outcome")) for fit in fits}
    if len(outcomes) == 1:
        sentences.append(labels.term("note_outcome", labels.variable(outcomes.pop())))
    sentences.append(labels.term(f"note_{statistic}"))
    method = [labels.named("method_", str(fit.get("method") or fit.get("kind"))) for fit in fits]
    facts = [("note_estimator", method)]
    if not entry.get("show_effects", True):
        facts.append(
            (
                "note_effects",
                [
                    labels.named("effects_", "random" if f.get("random") else str(f.get("effects") or "none"))
                    for f in fits
                ],
            )
        )
    weights = [labels.named("weights_", str(f.get("weights"))) if f.get("weights") else "" for f in fits]
    if len(set(weights) - {""}) == 1:
        facts.append(("note_weights", weights))
    facts.append(("note_covariance", [labels.covariance(f) for f in fits]))
    samples = [_sample(fit, labels) for fit in fits]
    facts.append(("note_sample", samples))
    sentences += [labels.term(key, _by_column(values, labels)) for key, values in facts if any(values)]
    if starred:
        sentences.append(labels.term("note_stars"))
    sentences.append(labels.text(entry.get("notes")))
    return labels.term("note") + labels.join(sentences)


def _sample(fit: Fit, labels: Labels) -> str:
    size = labels.term("note_size", fit.get("n_units"), fit.get("n_periods"))
    name = fit.get("sample")
    return f"{labels.named('sample_', str(name))} ({size})" if name and name not in ("all", "full") else size


def _by_column(values: list[str], labels: Labels) -> str:
    """Return the one value that all columns share, or every value with its columns."""
    distinct = [v for v in dict.fromkeys(values) if v]
    if len(distinct) == 1 and all(values):
        return distinct[0]
    parts = []
    for value in distinct:
        places = [i + 1 for i, v in enumerate(values) if v == value]
        parts.append(labels.term("note_by_columns" if len(places) > 1 else "note_by_column", value, _ranges(places)))
    return ("；" if labels.language == "zh" else "; ").join(parts)


def _ranges(places: list[int]) -> str:
    """Write 1, 2, 3, 5 as 1–3, 5."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
