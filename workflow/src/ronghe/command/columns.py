"""Says what a column of figures is: the name of its variable, its unit, its sector, and how many figures it lacks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ronghe.clean.unit_words import read_unit, units_in, without_unit
from ronghe.command.draft import UNSTATED, Found
from ronghe.command.looks import Look, is_number, is_word, plain, plain_figure, spelt, vocabulary

# 各市地区生产总值 is what each city has of it.
_EVERY = re.compile("^各(?:省|市|州|地区|区县|县)")
# What stands before the name of a sector or an indicator: "C ", "（三）", "2.", "三、".
_NUMBERED = re.compile(r"^(?:[A-T][.、．\s]|[（(][一二三四五六七八九十\d]+[)）]|[一二三四五六七八九十\d]+[.、．])\s*")


@dataclass
class Column:
    """Figures of one variable as a table holds them: what names them, where they stand, and the unit written there."""

    words: str
    key: dict
    cells: list[str]
    unit: str | None = None


def long_columns(look: Look, stem: str = "") -> list[Column]:
    """Return a column for each heading of figures, or for each value of the column of indicators."""
    values = look.values()
    if look.indicator is None:
        return [
            Column(_without_year(look.headings[p]) or titled(look, stem), {"column": look.headings[p]}, look.column(p))
            for p in values
        ]
    heading, found = look.headings[values[0]], []
    for indicator in dict.fromkeys(look.column(look.indicator)):
        rows = [row for row in look.body if row[look.indicator] == indicator]
        unit = rows[0][look.unit] if look.unit is not None else next(iter(units_in(heading)), None)
        key = {"column": heading, "indicator": indicator}
        found.append(Column(indicator, key, [row[values[0]] for row in rows], unit))
    return found


def found_long(look: Look, columns: list[Column]) -> list[Found]:
    """Return the variables of the columns of a long table; the sum of its sectors is told from them."""
    found = [variable(c.words, look, c.key, c.cells, c.unit) for c in columns]
    if any("indicator" in c.key and known("sectors", c.words) for c in columns):
        for one in found:
            if is_word(one.written, "totals"):
                one.name, one.note = "employment_total", "the sum of the sectors, as the table has it"
    return found


def titled(look: Look, stem: str) -> str:
    """Return what the first line above a table, or the name of its file, says that its figures are."""
    words = re.sub(r"^表?[\d\-.]+\s*(?!年|\d)", "", (look.title or [stem])[0])
    return _EVERY.sub("", re.split(r"[\s:：（(]", re.sub(r"(?:19|20)\d{2}\s*年?", "", words).strip())[0])


def _without_year(heading: str) -> str:
    return re.sub(r"\s*\{year\}\s*年?", "", heading).strip()


def count_absent(look: Look, found: list[Found]) -> None:
    """Add the rows that a long table lacks to the missing figures of its variables."""
    kinds = len(set(look.column(look.indicator))) if look.indicator is not None else 1
    full = len(set(look.column(look.region))) * len(set(look.column(look.year))) * kinds
    for one in found:
        one.gap += max(0, full - len(look.body)) if len(look.body) * 1.2 > full else 0


def found_wide(look: Look, stem: str) -> list[Found]:
    """Return the variables of a table with years across: one, one per indicator, or one per heading over the years."""
    found = []
    groups: dict[str, list[int]] = {}
    for place, year in look.years.items():
        groups.setdefault(look.headings[place].replace(str(year), "{year}"), []).append(place)
    for pattern, places in groups.items():
        name = _without_year(pattern) or titled(look, stem)
        kinds = dict.fromkeys(look.column(look.indicator)) if look.indicator is not None else [None]
        for kind in kinds:
            rows = [row for row in look.body if kind is None or row[look.indicator] == kind]
            key = {"pattern": pattern} | ({"indicator": kind} if kind is not None else {})
            unit = rows[0][look.unit] if look.unit is not None else None
            cells = [row[place] for row in rows for place in places]
            found.append(variable(kind or name, look, key, cells, unit))
    return found


def variable(words: str, look: Look, key: dict, cells: list[str], unit: str | None = None) -> Found:
    """Return what a column of figures is, by its words, its unit and its cells."""
    unit = unit or next(iter(units_in(words)), None) or look.title_unit
    if unit is None and any(sign in words for sign in ("率", "比重", "占比", "share", "rate")):
        unit = "%"
    if unit is None and cells and all(cell.endswith("%") for cell in cells if cell):
        unit = "%"
    cells = [plain_figure(cell) for cell in cells]
    missing = sum(1 for cell in cells if not is_number(cell))
    sector, usual = (known(kind, words) for kind in ("sectors", "variables"))
    # ASSUME what an unreadable unit counts cannot be told; it is declared as unstated and marked.
    unit = unit if unit and read_unit(unit) else UNSTATED
    name = f"employment_{sector}" if sector else usual or spelt(without_unit(words))
    note = "" if sector or usual else "the name is a guess"
    positive = all(_figure(cell) > 0 for cell in cells if is_number(cell))
    return Found(name or "variable", words, unit, key, missing, sector, positive, note)


def known(kind: str, words: str) -> str:
    """Return the name under which the vocabulary knows a heading, or the last part of one in several rows."""
    if kind == "sectors" and re.fullmatch("[A-T]", words):
        return vocabulary()["sector_letters"].get(words, "")
    numbered = _EVERY.sub("", _NUMBERED.sub("", words))
    last = without_unit(words).split()[-1:] or [words]
    parts = {plain(part) for part in (words, numbered, *last, _NUMBERED.sub("", last[0]))}
    return next((name for name, words in vocabulary()[kind].items() if parts & set(map(plain, words))), "")


def _figure(cell: str) -> float:
    return float(cell.replace(",", ""))
