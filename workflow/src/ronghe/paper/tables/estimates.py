"""How tables print estimates: two lines for each, what a column is called, and the notes on what columns rest on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from ronghe.paper import cells
from ronghe.paper.exhibit import Row
from ronghe.paper.labels import Labels, inside
from ronghe.paper.results import Fit


@dataclass(frozen=True)
class Style:
    """What stands below an estimate (`std_error`, `statistic`, `pvalue`, `interval`), stars or none, and decimals."""

    below: str = "std_error"
    stars: bool = False
    digits: int = 3

    @classmethod
    def of(cls, entry: dict) -> Style:
        """Read the style of an entry."""
        return cls(entry.get("statistic", "std_error"), entry.get("stars", False), entry.get("digits", 3))

    def lines(self, row: pd.Series) -> tuple[str, str]:
        """Return an estimate and, below it, its standard error, t, p or interval in brackets."""
        first = cells.fixed(row["estimate"], self.digits) + (cells.stars(row["pvalue"]) if self.stars else "")
        if self.below == "interval":
            return first, cells.interval(row["lower"], row["upper"], self.digits)
        if self.below == "pvalue":
            second = cells.pvalue(row["pvalue"])
        else:
            second = cells.fixed(row[self.below], self.digits if self.below == "std_error" else 2)
        return first, f"({second})" if second else ""

    def showing(self, rows: list[pd.Series]) -> Style:
        """Return the style with the decimals at which no estimate of a row and its error shrink to 0.000 (0.001)."""
        errors = [row["std_error"] for row in rows if row["std_error"] > 0]
        digits = self.digits
        while errors and min(errors) < 2 * 10.0**-digits and digits < 8:
            digits += 1
        return replace(self, digits=digits)

    @staticmethod
    def two_rows(group: str, label: str, lines: list[tuple[str, str]]) -> list[Row]:
        """Return the row of estimates and the row below it."""
        return [(group, label, [first for first, _ in lines]), (group, "", [second for _, second in lines])]


def heading_of(fit: Fit, labels: Labels) -> str:
    """Return what a fit is called: its spatial model where it has weights, else its kind."""
    return labels.named("models", str(fit.get("model") if fit.get("weights") else fit.get("kind")))


def notes_on_fits(fits: list[Fit], labels: Labels, style: Style, show_effects: bool) -> list[str]:
    """Return what each column rests on, said once where all columns agree; effects only where no row shows them."""
    sentences = []
    outcomes = {str(fit.get("outcome")) for fit in fits}
    if len(outcomes) == 1:
        sentences.append(labels.word("notes.outcome", labels.variable(outcomes.pop())))
    sentences.append(labels.word(f"notes.{style.below}"))
    weights = [weights_of(fit, labels) for fit in fits]
    facts = {
        "estimator": [labels.named("methods", str(fit.get("method"))) for fit in fits],
        "effects": [] if show_effects else [_effects(fit, labels) for fit in fits],
        "weights": weights if len(set(weights) - {""}) == 1 else [],
        "covariance": [labels.covariance(fit) for fit in fits],
        "sample": [_sample(fit, labels) for fit in fits],
    }
    sentences += [labels.word(f"notes.{key}", _by_column(said, labels)) for key, said in facts.items() if any(said)]
    return [*sentences, labels.word("notes.stars")] if style.stars else sentences


def weights_of(fit: Fit, labels: Labels) -> str:
    """Return what the weights matrix of a fit is called inside a phrase; nothing for a fit without space."""
    weights = fit.get("weights")
    return inside(labels.value(weights)) if weights else ""


def _effects(fit: Fit, labels: Labels) -> str:
    effects = str(fit.get("effects") or "none")
    return labels.named("effects", f"random_{effects}" if fit.get("random") else effects)


def _sample(fit: Fit, labels: Labels) -> str:
    size = labels.word("notes.size", fit.get("n_units"), fit.get("n_periods"))
    name = str(fit.get("sample") or "all")
    return size if name == "all" else f"{inside(labels.value(name))} ({size})"


def _by_column(values: list[str], labels: Labels) -> str:
    """Return the one value that all columns share, or every value with its columns."""
    distinct = [v for v in dict.fromkeys(values) if v]
    if len(distinct) == 1 and all(values):
        return distinct[0]
    parts = []
    for value in distinct:
        places = [i + 1 for i, v in enumerate(values) if v == value]
        parts.append(labels.word("notes.by_columns" if len(places) > 1 else "notes.by_column", value, _ranges(places)))
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
