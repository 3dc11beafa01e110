"""Joins tables that come as one file or sheet per year: which year each is, and what each calls the same thing."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path

from ronghe.clean.unit_words import read_unit, units_in, without_unit
from ronghe.clean.yearly import years_in
from ronghe.command.columns import Column, found_long, known, long_columns
from ronghe.command.draft import Draft, Found
from ronghe.command.looks import Look, plain, vocabulary
from ronghe.errors import listing

NO_YEAR = "{}: no column of years and no headings with years; add the year to each row"
READING = ("encoding", "separator", "sheet", "skip_rows", "header_rows", "skip_footer", "thousands")
LISTS = ("missing", "marks")


@dataclass
class OneYear:
    """A table of one year: the year of its figures, and what the name and the lines above the table say of it."""

    look: Look
    year: int
    titled: int | None
    named: int | None
    written: int | None = None

    @property
    def stem(self) -> str:
        """Return the name of the file and the sheet without what tells the year: tables of one set share it."""
        name = f"{Path(self.look.file).with_suffix('')} {self.look.grid.sheet}"
        return re.sub(r"[\W_]+", " ", re.sub(r"(?<!\d)(19|20)\d{2}(?!\d)\s*年?", " ", name)).strip()

    @property
    def columns(self) -> list[Column]:
        """Return the columns of figures, {year} standing for the year in headings."""
        return long_columns(self.look, self.stem)


@dataclass
class Joined:
    """A table of many files: that of its last year with the cells of all, and what each file says in its own way."""

    look: Look
    found: list[Found]
    stem: str
    years: dict[int, dict]
    members: list[Look] = field(default_factory=list)


def one_year(look: Look) -> bool:
    """Say whether a table has no years to tell apart, as the file of one year."""
    return len(look.years) < 2 if look.year is None else len(set(look.column(look.year))) == 1


def join_years(draft: Draft) -> tuple[list[Joined], list[Look]]:
    """Return the tables that are one over the years, and those of one year that stand alone."""
    dated = [_dated(look) for look in draft.of_one_year]
    alone = [look for look, one in zip(draft.of_one_year, dated, strict=True) if one is None]
    sets: dict[str, list[OneYear]] = {}
    for one in filter(None, dated):
        sets.setdefault(one.stem, []).append(one)
    apart = [group for members in sets.values() for group in _alike(members)]
    joined = []
    for group in _merged(apart):
        group = _settled(draft, group)
        if len(group) > 1:
            joined.append(_join(group))
        else:
            alone += [one.look for one in group]
    return joined, alone


def _dated(look: Look) -> OneYear | None:
    """Return a table with the year of its figures: that of its rows or its heading, its title, or its name."""
    titled = list(dict.fromkeys(year for line in look.title for year in years_in(line)))
    # A sheet of its own year speaks before the file, which may be a collection of later date.
    named = years_in(look.grid.sheet) or years_in(look.file)
    inside = [int(look.column(look.year)[0][:4])] if look.year is not None else list(look.years.values())
    said = [*inside[:1], *(titled if len(titled) == 1 else []), *(named if len(named) == 1 else [])]
    if not said:
        return None
    for place, year in look.years.items():
        look.headings[place] = look.headings[place].replace(str(year), "{year}")
    look.years = {}
    return OneYear(look, said[0], titled[0] if len(titled) == 1 else None, named[0] if len(named) == 1 else None)


def _alike(members: list[OneYear]) -> list[list[OneYear]]:
    """Split tables of one name into sets that share at least half of their columns."""
    groups: list[list[OneYear]] = []
    for one in sorted(members, key=lambda m: (m.year, m.look.file)):
        fitting = next((group for group in groups if _share(group[-1], one) >= 0.5), None)
        if fitting is None:
            groups.append([one])
        else:
            fitting.append(one)
    return groups


def _merged(groups: list[list[OneYear]]) -> list[list[OneYear]]:
    """Join sets of other names where columns are alike, no year stands twice, and no word parts their names."""
    merged: list[list[OneYear]] = []
    for group in sorted(groups, key=lambda g: (-len(g), g[0].look.file)):
        for other in merged:
            years = {one.year for one in other}
            if (
                not years & {one.year for one in group}
                and not _told_apart(group[0].stem, other[0].stem)
                and _share(group[0], other[0]) >= 0.5
            ):
                other += group
                break
        else:
            merged.append(list(group))
    return merged


def _share(one: OneYear, other: OneYear) -> float:
    first, second = one.columns, other.columns
    if not first or not second or (one.look.indicator is None) != (other.look.indicator is None):
        return 0.0
    return len(_matched(first, second)) / min(len(first), len(second))


def _settled(draft: Draft, group: list[OneYear]) -> list[OneYear]:
    """Give each table of a set a year of its own: a title or a name that repeats another year is taken for a slip."""
    years = [one.year for one in group]
    for one in group:
        if one.named and one.titled == one.year != one.named and years.count(one.year) > 1 and one.named not in years:
            years[group.index(one)] = one.year = one.named
            one.written = one.titled
            one.look.guesses.append(f"the title says {one.titled}, the name {one.named}, which is taken for the year")
    kept: dict[int, OneYear] = {}
    for one in group:
        if one.year in kept:
            other = kept[one.year].look.grid.place
            draft.unread.append(f"{one.look.grid.place}: a second table of {one.year} beside {other}; keep one of them")
        else:
            kept[one.year] = one
    return [kept[year] for year in sorted(kept)]


def _join(group: list[OneYear]) -> Joined:
    """Return one table of many: the columns of the last year, each with what the other years call it."""
    last = group[-1]
    look, columns = copy(last.look), last.columns
    look.guesses, look.options = [], _options([one.look for one in group], common=True)
    entries: dict[int, dict] = {}
    called: dict[str, dict[int, str]] = {}
    taken: dict[tuple[str, str, str], list[int]] = {}
    units: dict[str, dict[int, str]] = {}
    cells = {n: [] for n in range(len(columns))}
    rows = {n: 0 for n in range(len(columns))}
    for one in group:
        own = _options([one.look], common=False)
        own = {key: value for key, value in own.items() if look.options.get(key) != value and key not in LISTS}
        entries[one.year] = {"file": one.look.file, **own}
        if one.written:
            entries[one.year]["written_year"] = one.written
        matches = _matched(columns, one.columns)
        for n, column in enumerate(columns):
            if n in matches:
                match, how = matches[n]
                cells[n] += match.cells
                rows[n] += 1
                for heading, name in _names(last, one, column, match).items():
                    called.setdefault(heading, {})[one.year] = name
                    if heading in column.key.values():
                        taken.setdefault((name, heading, how), []).append(one.year)
                units.setdefault(column.words, {})[one.year] = _unit(match, one.look)
    found = found_long(look, [Column(c.words, c.key, cells[n], c.unit) for n, c in enumerate(columns)])
    kept = [n for n in range(len(columns)) if rows[n] == len(group)]
    _say_what_is_left(look, group, columns, kept)
    found = [one for n, one in enumerate(found) if n in kept]
    kept_headings = {h for one in found for h in one.key.values()} | set(_keys(last.look).values())
    for heading, years in called.items():
        for year, names in years.items() if heading in kept_headings else ():
            entries[year].setdefault("called", {})[heading] = names
    for (name, heading, how), years in taken.items():
        look.guesses.append(f"'{name}' of {listing(dict.fromkeys(years))} is taken for '{heading}' ({how})")
    _note_units(found, units, entries, look)
    _say_years(look, group, entries)
    names = [one.look.file for one in group]
    look.grid = replace(look.grid, file=f"{names[0]} ... {Path(names[-1]).name}", sheet="")
    return Joined(look, found, last.stem or "of_one_year", entries, [one.look for one in group])


def _options(looks: list[Look], common: bool) -> dict:
    """Return how tables are read: what all have in common, or what one has; a lone sheet needs no name."""
    each = []
    for look in looks:
        own = {key: look.options[key] for key in READING if key in look.options}
        each.append(own | ({"sheet": look.grid.sheet} if look.grid.sheet else {}))
    shared = {key: value for key, value in each[0].items() if all(one.get(key) == value for one in each)}
    if not common:
        return each[0]
    for key in LISTS:
        every = sorted({sign for look in looks for sign in look.options.get(key, [])})
        shared |= {key: every} if every else {}
    return shared


def _keys(look: Look) -> dict[str, str]:
    places = {"region": look.region, "year": look.year, "indicator": look.indicator, "unit": look.unit}
    return {part: look.headings[place] for part, place in places.items() if place is not None}


def _names(last: OneYear, one: OneYear, column: Column, match: Column) -> dict[str, str]:
    """Return what a file calls a heading or an indicator otherwise than the last one."""
    pairs = [(column.key[part], match.key[part]) for part in column.key]
    pairs += [(_keys(last.look)[part], name) for part, name in _keys(one.look).items() if part in _keys(last.look)]
    return {heading: name for heading, name in pairs if heading != name}


def _note_units(found: list[Found], units: dict[str, dict[int, str]], entries: dict[int, dict], look: Look) -> None:
    """Note the years in which a variable has another unit than in the last; figures are converted."""
    changed: dict[tuple[str, str, tuple[int, ...]], list[str]] = {}
    for one in found:
        size = read_unit(one.unit)
        for unit in dict.fromkeys(units[one.written].values()):
            own, years = read_unit(unit), tuple(y for y, other in units[one.written].items() if other == unit)
            if not size or not own or own == size:
                continue
            if own[0] != size[0]:
                look.guesses.append(
                    f"'{one.written}' is in {unit} in {listing(years)}, which is no {one.unit}: look at it"
                )
                continue
            changed.setdefault((unit, one.unit, years), []).append(one.written)
            for year in years:
                entries[year].setdefault("units", {})[one.name] = unit
    for (unit, last, years), words in changed.items():
        look.guesses.append(
            f"{listing(words)}: in {unit} in {listing(years)} and in {last} in the last year; converted"
        )


def _unit(column: Column, look: Look) -> str:
    written = " ".join(column.key.values())
    return column.unit or next(iter([*units_in(column.words), *units_in(written)]), None) or look.title_unit or ""


def _say_what_is_left(look: Look, group: list[OneYear], columns: list[Column], kept: list[int]) -> None:
    """Say which columns are not in every file, and what may be the same under another name."""
    for n, column in enumerate(columns):
        if n in kept:
            continue
        lacking = [one for one in group if n not in _matched(columns, one.columns)]
        others = sorted({other.words for one in lacking for other in _free(columns, one.columns)})
        heading = column.key.get("indicator", column.key["column"])
        same = f"; if it is {listing(others)} there, write called: {{'{heading}': ...}} at each file" if others else ""
        look.guesses.append(f"'{column.words}' is not in {listing(one.year for one in lacking)} and is left out{same}")


def _free(columns: list[Column], others: list[Column]) -> list[Column]:
    taken = [match for match, _ in _matched(columns, others).values()]
    return [other for other in others if not any(other is one for one in taken)]


def count_absent_rows(draft: Draft) -> None:
    """Add the regions that the file of a year lacks to the missing figures of its table, once regions are known."""
    for table, members in draft.members.items():
        names = [{draft.same.key(row[look.region])[0] for row in look.body} & set(draft.keys) for look in members]
        absent = sum(len(set().union(*names) - mine) for mine in names)
        for one in draft.found[table]:
            one.gap += absent


def _say_years(look: Look, group: list[OneYear], entries: dict[int, dict]) -> None:
    """Say where the years come from, and mark names that carry another year than the figures."""
    after = {one.named - one.year for one in group if one.named and not one.written}
    if len(after) == 1 and after <= {1, 2, 3} and len(group) > 1:
        look.options["edition"] = after.pop()
        look.guesses.append("the files are named after a yearbook, whose figures are of an earlier year")
    else:
        for one in group:
            if one.named and one.named != one.year and not one.written:
                entries[one.year]["written_year"] = one.named
                look.guesses.append(f"the title says {one.year}, the name {one.named}; the title is taken for the year")
    if len({one.stem for one in group}) > 1:
        look.guesses.append(f"taken for one table: {listing(one.look.grid.place for one in group)}")
    absent = [year for year in range(group[0].year, group[-1].year) if year not in entries]
    if absent:
        look.guesses.append(f"there is no file for {listing(absent)}; add it under files")
    look.guesses += list(dict.fromkeys(guess for one in group for guess in one.look.guesses))


def _matched(columns: list[Column], others: list[Column]) -> dict[int, tuple[Column, str]]:
    """Return for the place of each column the other that is the same, and by what it was found; each once."""
    found: dict[int, tuple[Column, str]] = {}
    for rule in (_written_alike, _same_words, _usual_name):
        taken = [match for match, _ in found.values()]
        for n, column in enumerate(columns):
            for other in others if n not in found else ():
                if not any(other is one for one in taken) and (how := rule(column.words, other.words)):
                    found[n] = (other, how)
                    taken.append(other)
                    break
    return found


def _written_alike(one: str, other: str) -> str:
    return "the same but for its unit" if plain(without_unit(one)) == plain(without_unit(other)) else ""


def _same_words(one: str, other: str) -> str:
    first, second = (sorted(re.sub(r"[\W_]", "", plain(without_unit(words)))) for words in (one, other))
    return "the same words in another order" if first == second else ""


def _usual_name(one: str, other: str) -> str:
    """Match two names that yearbooks use for one thing; a word that one of them lacks is a question."""
    names = [known("sectors", words) or known("variables", words) for words in (one, other)]
    if not names[0] or names[0] != names[1] or _told_apart(one, other):
        return ""
    only = sorted({w for group in vocabulary()["apart"] for w in group if (w in one) != (w in other)})
    return f"yearbooks use both; is it the same with and without {listing(only)}?" if only else "yearbooks use both"


def _told_apart(one: str, other: str) -> bool:
    """Say whether two names hold different words of a kind, such as 市辖区 and 全市."""
    for words in vocabulary()["apart"]:
        first, second = ({w for w in words if w in text} for text in (one, other))
        if first and second and first != second:
            return True
    return False
