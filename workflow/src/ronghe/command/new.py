"""`ronghe new NAME FOLDER`: looks at a folder of tables and writes the declaration and the stages of a dataset."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ronghe.clean.regions import Names, fold
from ronghe.clean.unit_words import read_unit, units_in, without_unit
from ronghe.command.draft import UNSTATED, Draft, Found
from ronghe.command.looks import Look, is_number, is_word, look_at, plain, vocabulary
from ronghe.command.written import write_dataset, write_stages
from ronghe.errors import RongheError


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
            _take(draft, path)
        except RongheError as error:
            draft.unread.append(str(error))
    if not draft.found:
        raise RongheError(f"{source}: no table could be read: {'; '.join(draft.unread) or 'the folder is empty'}")
    _settle_regions(draft)
    _settle_years(draft)
    _write_regions(draft, folder)
    write_dataset(draft, target)
    write_stages(draft, target.with_suffix(""))
    return draft


def _bring(source: Path, target: Path, project: Path) -> Path:
    """Return the folder inside the project; one from elsewhere is copied, and stays as it is."""
    if source.resolve().is_relative_to(project.resolve()):
        return source.resolve()
    if target.exists():
        raise RongheError(f"{target} exists already; choose another name, or move it away")
    shutil.copytree(source, target)
    return target.resolve()


def _take(draft: Draft, path: Path) -> None:
    look = look_at(path)
    place = [n for n, h in enumerate(look.headings) if is_word(h, "longitude") or is_word(h, "latitude")]
    if len(place) == 2 and look.year is None and not look.years:
        order = sorted(place, key=lambda n: is_word(look.headings[n], "latitude"))
        draft.places |= {row[look.region]: (row[order[0]], row[order[1]]) for row in look.body}
        return
    if look.year is None and len(look.years) < 2:
        raise RongheError(f"{path.name}: no column of years and no headings with years; add the year to each row")
    table = _identifier(path.stem, f"table_{len(draft.looks) + 1}")
    found = _found_wide(look, path.stem) if look.years else _found_long(look)
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
        raise RongheError(f"{path.name}: no column of figures was recognised (headings: {', '.join(look.headings)})")
    draft.looks[table], draft.found[table] = look, found
    draft.guesses += [f"{path.name}: {guess}" for guess in look.guesses]


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
    for indicator in dict.fromkeys(look.column(look.indicator)):
        rows = [row for row in look.body if row[look.indicator] == indicator]
        key = {"column": look.headings[values[0]], "indicator": indicator}
        unit = rows[0][look.unit] if look.unit is not None else None
        found.append(_variable(indicator, look, key, [row[values[0]] for row in rows], unit))
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
    missing = sum(1 for cell in cells if not is_number(cell))
    sector, known = (_known(kind, words) for kind in ("sectors", "variables"))
    # ASSUME what an unreadable unit counts cannot be told; it is declared as unstated and marked.
    unit = unit if unit and read_unit(unit) else UNSTATED
    name = f"employment_{sector}" if sector else known or _identifier(without_unit(words), "")
    note = "" if name else "the name is a guess"
    positive = all(_figure(cell) > 0 for cell in cells if is_number(cell))
    return Found(name or "variable", words, unit, key, missing, sector, positive, note)


def _known(kind: str, words: str) -> str:
    """Return the name under which the vocabulary knows a heading, or the last part of one in several rows."""
    parts = {plain(words), plain(words.split()[-1])}
    return next((name for name, spelt in vocabulary()[kind].items() if parts & set(map(plain, spelt))), "")


def _figure(cell: str) -> float:
    return float(cell.replace(",", "").replace("−", "-").rstrip("%"))


def _identifier(words: str, fallback: str) -> str:
    """Return words as a name: lower case letters of English, digits and _; the fallback where nothing is left."""
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return name if re.match(r"[a-z]", name) else f"t_{name}" if name else fallback


def _settle_regions(draft: Draft) -> None:
    """Find the regions that tables share, what is a total, and which regions are not in every table."""
    spelt: dict[str, dict[str, None]] = {}
    words = {plain(word) for word in vocabulary()["totals"]}
    bare = Names([], {}, (), vocabulary()["suffixes"])
    counts: dict[str, int] = {}
    for look in draft.looks.values():
        here = set()
        for row in look.body:
            name = row[look.region]
            empty = not any(is_number(cell) for place, cell in enumerate(row) if place != look.region)
            if plain(name) in words or empty or not name:
                draft.ignore += [name] if name not in draft.ignore else []
                continue
            key = bare.without_suffix(fold(name))
            spelt.setdefault(key, {})[name] = None
            here.add(key)
        for key in here:
            counts[key] = counts.get(key, 0) + 1
    for key, names in spelt.items():
        if counts[key] * 2 < len(draft.looks) and len(draft.looks) > 1:
            draft.ignore += list(names)
            draft.guesses.append(
                f"'{next(iter(names))}' stands in {counts[key]} tables only and is taken for no region"
            )
            continue
        name = max(names, key=len)
        draft.regions.append(name)
        if counts[key] < len(draft.looks):
            draft.leave_out.append(name)
            draft.guesses.append(f"'{name}' is not in every table and is left out of the sample")


def _settle_years(draft: Draft) -> None:
    """Take the years that every table has."""
    shared: set[int] | None = None
    for look in draft.looks.values():
        years = set(look.years.values()) or {int(cell[:4]) for cell in look.column(look.year)}
        shared = years if shared is None else shared & years
    if not shared:
        raise RongheError("no year stands in every table; take out the table of other years, and begin again")
    draft.years = (min(shared), max(shared))


def _write_regions(draft: Draft, folder: Path) -> None:
    """Write the table of regions, with positions where a table gave them."""
    path = folder / "regions.csv"
    if path.exists():
        raise RongheError(f"{path} exists already; rename it, because the list of regions is written there")
    bare = Names([], {}, (), vocabulary()["suffixes"])
    places = {bare.without_suffix(fold(name)): place for name, place in draft.places.items()}
    heading = "region,longitude,latitude" if places else "region"
    rows = [",".join([name, *(places.get(bare.without_suffix(fold(name)), ("", "")) if places else ())]) for name in
            draft.regions]  # fmt: skip
    path.write_text("\n".join([heading, *rows, ""]), encoding="utf-8")
