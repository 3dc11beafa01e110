"""Tables of direct, indirect and total impacts: specifications side by side, or one with an impact per column."""

from __future__ import annotations

from ronghe.paper.exhibit import Exhibit, Row
from ronghe.paper.labels import EFFECTS
from ronghe.paper.results import Fit
from ronghe.paper.sources import Sources
from ronghe.paper.tables.estimates import Style, heading_of, notes_on_fits


def build(source: Sources) -> Exhibit:
    """Build the impacts of one specification (an impact per column), or of several (a specification per column)."""
    labels, style = source.labels, Style.of(source.entry)
    columns = source.fits()
    fits = [fit for _, fit in columns]
    effects = source.get("effects", EFFECTS)
    variables = source.get("rows") or list(dict.fromkeys(v for f in fits for v in f.impacts.index.get_level_values(0)))

    def lines(fit: Fit, variable: str, effect: str) -> tuple[str, str]:
        held = (variable, effect) in fit.impacts.index
        row = fit.impacts.loc[(variable, effect)] if held else None
        return ("", "") if row is None else style.showing([row]).lines(row)

    rows: list[Row] = []
    for variable in variables:
        called = labels.variable(variable)
        if len(fits) == 1:
            rows += style.two_rows("", called, [lines(fits[0], variable, effect) for effect in effects])
            continue
        for effect in effects:
            rows += style.two_rows(called, labels.word(effect), [lines(fit, variable, effect) for fit in fits])
    if len(fits) == 1:
        header = [[labels.word(effect) for effect in effects]]
    else:
        headings = [source.heading(column, heading_of(fit, labels)) for column, fit in columns]
        header = [headings, [f"({i + 1})" for i in range(len(fits))]]
    notes = source.notes(*notes_on_fits(fits, labels, style, show_effects=False))
    return source.exhibit(rows, header, notes=notes, show_groups=len(fits) > 1)
