"""Tables of direct, indirect and total effects: specifications side by side, or one with an effect per column."""

from __future__ import annotations

from ronghe.paper.exhibit import Exhibit
from ronghe.paper.labels import Labels
from ronghe.paper.results import MODELS, Fit
from ronghe.paper.tables.regression import column_of, estimate_lines, heading_of, regression_notes

EFFECTS = ("direct", "indirect", "total")


def effects_table(name: str, entry: dict, labels: Labels, models: str = MODELS) -> Exhibit:
    """Build the effects of one specification (an effect per column), or of several (a specification per column)."""
    columns = [column_of(c) for c in entry["columns"]]
    fits = [Fit.read(c["specification"], models) for c in columns]
    statistic, starred, digits = entry.get("statistic", "std_error"), entry.get("stars", False), entry.get("digits", 3)
    effects = entry.get("effects", list(EFFECTS))
    variables = entry.get("rows") or list(dict.fromkeys(v for f in fits for v in f.impacts.index.get_level_values(0)))

    def lines(fit: Fit, variable: str, effect: str) -> tuple[str, str]:
        if (variable, effect) not in fit.impacts.index:
            return "", ""
        return estimate_lines(fit.impacts.loc[(variable, effect)], statistic, starred, digits)

    rows: list[tuple[str, str, list[str]]] = []
    if len(fits) == 1:
        for variable in variables:
            found = [lines(fits[0], variable, effect) for effect in effects]
            rows.append(("", labels.variable(variable), [first for first, _ in found]))
            rows.append(("", "", [second for _, second in found]))
        header = [[labels.term(effect) for effect in effects]]
    else:
        for variable in variables:
            for effect in effects:
                found = [lines(fit, variable, effect) for fit in fits]
                rows.append((labels.variable(variable), labels.term(effect), [first for first, _ in found]))
                rows.append((labels.variable(variable), "", [second for _, second in found]))
        headings = [labels.text(c.get("heading")) for c in columns]
        headings = [h or heading_of(f, labels) for h, f in zip(headings, fits, strict=True)]
        header = [headings, [f"({i + 1})" for i in range(len(fits))]]
    return Exhibit(
        name,
        rows,
        header,
        caption=labels.text(entry["caption"]),
        notes=regression_notes({"show_effects": False, **entry}, fits, labels, statistic, starred),
        long=entry.get("long", False),
        show_groups=len(fits) > 1,
        language=labels.language,
    )
