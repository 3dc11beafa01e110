"""`ronghe new NAME FOLDER`: looks at a folder of tables and writes the declaration and the stages of a dataset."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ronghe.clean.declaration import load_dataset
from ronghe.clean.unit_words import read_unit, units_in, without_unit
from ronghe.command.draft import UNSTATED, Draft, Found
from ronghe.command.looks import (
    Grid,
    Look,
    grids,
    identifier,
    is_number,
    is_word,
    look_at,
    plain,
    plain_figure,
    spelt,
    vocabulary,
)
from ronghe.command.pairs import graph_file, look_at_pairs
from ronghe.command.regions import settle_pairs, settle_regions, write_regions
from ronghe.command.written import write_dataset, write_stages, write_texts
from ronghe.configuration import require_dataset
from ronghe.default_stages import stages
from ronghe.errors import RongheError

# 各市地区生产总值 is what each city has of it.
_EVERY = re.compile("^各(?:省|市|州|地区|区县|县)")
# What stands before the name of a sector or an indicator: "C ", "（三）", "2.", "三、".
_NUMBERED = re.compile(r"^(?:[A-T][.、．\s]|[（(][一二三四五六七八九十\d]+[)）]|[一二三四五六七八九十\d]+[.、．])\s*")


def new(name: str, source: str | Path, project: str | Path = ".") -> Draft:
    """Write config/datasets/NAME.yaml and its stages for a folder of tables; nothing that exists is overwritten."""
    source, project = Path(source), Path(project)
    target = project / f"config/datasets/{name}.yaml"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RongheError(f"'{name}' is not a name of a dataset: lower case, digits and _, a letter first")
    if target.exists() or target.with_suffix("").exists():
        raise RongheError(f"{target} exists already; choose another name, or move it away")
    if not source.is_dir():
        raise RongheError(f"{source}: no such folder; name the folder that holds the tables")
    folder = _bring(source, project / "data/raw" / name, project)
    draft = Draft(name, folder.relative_to(project.resolve()).as_posix())
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~"))):
        try:
            _take_file(draft, path)
        except RongheError as error:
            draft.unread.append(str(error))
    if not draft.found:
        raise RongheError(f"{source}: no table could be read: {'; '.join(draft.unread) or 'the folder is empty'}")
    settle_regions(draft)
    _settle_years(draft)
    settle_pairs(draft)
    write_regions(draft, folder)
    write_dataset(draft, target)
    dataset = load_dataset(name, target.parent, project / "workflow/schemas/dataset.schema.yaml")
    write_stages(draft, dataset, target.with_suffix(""))
    return draft


def begin_stages(name: str, project: str | Path = ".") -> Path:
    """Write the stages that a dataset without any of its own gets, as a beginning; return their folder."""
    datasets, schemas = Path(project) / "config/datasets", Path(project) / "workflow/schemas"
    require_dataset({"dataset": name}, datasets)
    folder = datasets / name
    if folder.exists():
        raise RongheError(f"{folder} exists already; change its files, or move it away")
    dataset = load_dataset(name, datasets, schemas / "dataset.schema.yaml")
    write_texts(name, stages(dataset, f"config/datasets/{name}.yaml"), folder)
    return folder


def _bring(source: Path, target: Path, project: Path) -> Path:
    """Return the folder inside the project; one from elsewhere is copied, and stays as it is."""
    if source.resolve().is_relative_to(project.resolve()):
        return source.resolve()
    if target.exists():
        raise RongheError(f"{target} exists already; choose another name, or move it away")
    shutil.copytree(source, target)
    return target.resolve()


def _take_file(draft: Draft, path: Path) -> None:
    """Take what the tables of a file hold; where one of several sheets cannot be used, the others are."""
    if path.suffix.lower() in (".gal", ".gwt"):
        draft.pairs.append(graph_file(path, draft.folder))
        return
    for grid in grids(path):
        try:
            pairs = look_at_pairs(grid, draft.folder)
            if pairs:
                draft.pairs.append(pairs)
            else:
                _take(draft, grid)
        except RongheError as error:
            draft.unread.append(str(error))


def _take(draft: Draft, grid: Grid) -> None:
    look = look_at(grid)
    place = [n for n, h in enumerate(look.headings) if is_word(h, "longitude") or is_word(h, "latitude")]
    if len(place) == 2 and look.year is None and not look.years:
        order = sorted(place, key=lambda n: is_word(look.headings[n], "latitude"))
        draft.places |= {row[look.region]: (row[order[0]], row[order[1]]) for row in look.body}
        return
    if look.year is None and len(look.years) < 2:
        raise RongheError(f"{grid.place}: no column of years and no headings with years; add the year to each row")
    stem = Path(grid.file).stem
    sheet = identifier(grid.options.get("sheet", ""), "")
    table = "_".join(filter(None, [identifier(stem, f"table_{len(draft.looks) + 1}"), sheet]))
    table = f"{table}_{len(draft.looks) + 1}" if table in draft.looks else table
    found = _found_wide(look, grid.options.get("sheet", stem)) if look.years else _found_long(look)
    if not look.years:
        _count_absent(look, found)
    taken = {v.name for v in draft.variables()}
    for number, variable in enumerate(found, start=1):
        if variable.name in taken:
            variable.note = f"the name {variable.name} is taken"
            variable.name = f"{variable.name}_{table}_{number}"
        taken.add(variable.name)
        if variable.unit == UNSTATED:
            variable.note = "no unit is written; say which"
        draft.units |= _units(variable.unit)
    if not found:
        raise RongheError(f"{grid.place}: no column of figures was recognised (headings: {', '.join(look.headings)})")
    draft.looks[table], draft.found[table] = look, found
    draft.guesses += [f"{grid.place}: {guess}" for guess in look.guesses]


def _units(unit: str) -> dict[str, tuple[str, str]]:
    """Return the units that a unit is made of, each with what it counts and how many of it."""
    if unit == UNSTATED:
        return {UNSTATED: (UNSTATED, "1")}
    found = {}
    for part in unit.split("/"):
        base, size = read_unit(part)
        found[part] = (base, str(int(size) if size.denominator == 1 else float(size)))
    return found


def _found_long(look: Look) -> list[Found]:
    """Return the variables of a long table: one per column of figures, or per value of its column of indicators."""
    values = look.values()
    if look.indicator is None:
        return [_variable(look.headings[p], look, {"column": look.headings[p]}, look.column(p)) for p in values]
    found = []
    heading = look.headings[values[0]]
    indicators = dict.fromkeys(look.column(look.indicator))
    by_sector = any(_known("sectors", indicator) for indicator in indicators)
    for indicator in indicators:
        rows = [row for row in look.body if row[look.indicator] == indicator]
        key = {"column": heading, "indicator": indicator}
        unit = rows[0][look.unit] if look.unit is not None else next(iter(units_in(heading)), None)
        one = _variable(indicator, look, key, [row[values[0]] for row in rows], unit)
        if by_sector and is_word(indicator, "totals"):
            one.name, one.note = "employment_total", "the sum of the sectors, as the table has it"
        found.append(one)
    return found


def _count_absent(look: Look, found: list[Found]) -> None:
    """Add the rows that a long table lacks to the missing figures of its variables."""
    kinds = len(set(look.column(look.indicator))) if look.indicator is not None else 1
    full = len(set(look.column(look.region))) * len(set(look.column(look.year))) * kinds
    for variable in found:
        variable.gap += max(0, full - len(look.body)) if len(look.body) * 1.2 > full else 0


def _found_wide(look: Look, stem: str) -> list[Found]:
    """Return the variables of a table with years across: one, one per indicator, or one per heading over the years."""
    found = []
    groups: dict[str, list[int]] = {}
    for place, year in look.years.items():
        groups.setdefault(look.headings[place].replace(str(year), "{year}"), []).append(place)
    for pattern, places in groups.items():
        head = re.sub(r"\s*\{year\}\s*年?", "", pattern).strip()
        name = head or re.split(r"[\s:：（(]", re.sub(r"^表?[\d\-.]+\s*", "", (look.title or [stem])[0]))[0]
        kinds = dict.fromkeys(look.column(look.indicator)) if look.indicator is not None else [None]
        for kind in kinds:
            rows = [row for row in look.body if kind is None or row[look.indicator] == kind]
            key = {"pattern": pattern} | ({"indicator": kind} if kind is not None else {})
            unit = rows[0][look.unit] if look.unit is not None else None
            cells = [row[place] for row in rows for place in places]
            found.append(_variable(kind or name, look, key, cells, unit))
    return found


def _variable(words: str, look: Look, key: dict, cells: list[str], unit: str | None = None) -> Found:
    unit = unit or next(iter(units_in(words)), None) or look.title_unit
    if unit is None and any(sign in words for sign in ("率", "比重", "占比", "share", "rate")):
        unit = "%"
    if unit is None and cells and all(cell.endswith("%") for cell in cells if cell):
        unit = "%"
    cells = [plain_figure(cell) for cell in cells]
    missing = sum(1 for cell in cells if not is_number(cell))
    sector, known = (_known(kind, words) for kind in ("sectors", "variables"))
    # ASSUME what an unreadable unit counts cannot be told; it is declared as unstated and marked.
    unit = unit if unit and read_unit(unit) else UNSTATED
    name = f"employment_{sector}" if sector else known or spelt(without_unit(words))
    note = "" if sector or known else "the name is a guess"
    positive = all(_figure(cell) > 0 for cell in cells if is_number(cell))
    return Found(name or "variable", words, unit, key, missing, sector, positive, note)


def _known(kind: str, words: str) -> str:
    """Return the name under which the vocabulary knows a heading, or the last part of one in several rows."""
    if kind == "sectors" and re.fullmatch("[A-T]", words):
        return vocabulary()["sector_letters"].get(words, "")
    numbered = _EVERY.sub("", _NUMBERED.sub("", words))
    last = without_unit(words).split()[-1:] or [words]
    parts = {plain(part) for part in (words, numbered, *last, _NUMBERED.sub("", last[0]))}
    return next((name for name, known in vocabulary()[kind].items() if parts & set(map(plain, known))), "")


def _figure(cell: str) -> float:
    return float(cell.replace(",", ""))


def _settle_years(draft: Draft) -> None:
    """Take the years that every table has."""
    shared: set[int] | None = None
    for look in draft.looks.values():
        years = set(look.years.values()) or {int(cell[:4]) for cell in look.column(look.year)}
        shared = years if shared is None else shared & years
    if not shared:
        raise RongheError("no year stands in every table; take out the table of other years, and begin again")
    draft.years = (min(shared), max(shared))
