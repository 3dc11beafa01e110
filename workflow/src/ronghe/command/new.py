"""`ronghe new NAME FOLDER`: looks at a folder of tables and writes the declaration and the stages of a dataset."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ronghe.clean.declaration import load_dataset
from ronghe.clean.unit_words import read_unit
from ronghe.command.columns import count_absent, found_long, found_wide, long_columns
from ronghe.command.draft import UNSTATED, Draft, Found
from ronghe.command.looks import Grid, Look, grids, identifier, is_word, look_at
from ronghe.command.pairs import graph_file, look_at_pairs
from ronghe.command.regions import settle_pairs, settle_regions, write_regions
from ronghe.command.written import write_dataset, write_stages, write_texts
from ronghe.command.yearly import NO_YEAR, Joined, count_absent_rows, join_years, one_year
from ronghe.configuration import require_dataset
from ronghe.default_stages import stages
from ronghe.errors import RongheError, listing

# The list of regions, beside the tables.
REGIONS = "regions.csv"


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
    if (source / REGIONS).exists():
        raise RongheError(f"{source / REGIONS} exists already; rename it, because the list of regions is written there")
    inside = source.resolve().is_relative_to(project.resolve())
    folder = source if inside else project / "data/raw" / name
    with _whole(target, target.with_suffix(""), folder, folder / REGIONS):
        if not inside:
            _bring(source, folder)
        return _begin(name, source, folder.resolve(), project, target)


def _begin(name: str, source: Path, folder: Path, project: Path, target: Path) -> Draft:
    """Look at the tables in `folder`, and write what was found."""
    draft = Draft(name, folder.relative_to(project.resolve()).as_posix())
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith((".", "~"))):
        try:
            _take_file(draft, path, path.relative_to(folder).as_posix())
        except RongheError as error:
            draft.unread.append(str(error))
    joined, alone = join_years(draft)
    for one in joined:
        _keep(draft, one.look, one.found, one.stem, one)
    for look in alone:
        if look.year is None:
            draft.unread.append(NO_YEAR.format(look.grid.place))
        else:
            _take_look(draft, look)
    if not draft.found:
        raise RongheError(f"{source}: no table could be read: {'; '.join(draft.unread) or 'the folder is empty'}")
    settle_regions(draft)
    count_absent_rows(draft)
    _settle_years(draft)
    settle_pairs(draft)
    write_regions(draft, folder / REGIONS)
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
    with _whole(folder):
        write_texts(name, stages(dataset, f"config/datasets/{name}.yaml"), folder)
    return folder


@contextmanager
def _whole(*places: Path) -> Iterator[None]:
    """Take away what was begun where nothing stood before, unless all of it is finished."""
    free = [place for place in places if not place.exists()]
    try:
        yield
    except BaseException:
        for place in free:
            shutil.rmtree(place, ignore_errors=True)
            if place.is_file():
                place.unlink()
        raise


def _bring(source: Path, target: Path) -> None:
    """Copy a folder into the project; it stays where it is."""
    if target.exists():
        raise RongheError(f"{target} exists already; choose another name, or move it away")
    shutil.copytree(source, target)


def _take_file(draft: Draft, path: Path, name: str) -> None:
    """Take what the tables of a file hold; where one of several sheets cannot be used, the others are."""
    if path.suffix.lower() in (".gal", ".gwt"):
        draft.pairs.append(graph_file(name, draft.folder))
        return
    for grid in grids(path, name):
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
    elif one_year(look):
        # Whether it is one of a set is known when all files have been looked at.
        draft.of_one_year.append(look)
    else:
        _take_look(draft, look)


def _take_look(draft: Draft, look: Look) -> None:
    stem = Path(look.file).stem
    if look.years:
        found = found_wide(look, look.grid.options.get("sheet", stem))
    else:
        found = found_long(look, long_columns(look))
        count_absent(look, found)
    _keep(draft, look, found, "_".join(filter(None, [stem, str(look.grid.options.get("sheet", ""))])))


def _keep(draft: Draft, look: Look, found: list[Found], stem: str, joined: Joined | None = None) -> None:
    """Keep a table and its variables under names of their own; `joined` is a table of many files."""
    if not found:
        headings = ", ".join(look.headings)
        raise RongheError(f"{look.grid.place}: no column of figures was recognised (headings: {headings})")
    number = len(draft.looks) + 1
    table = identifier(stem, f"table_{number}")
    table = f"{table}_{number}" if table in draft.looks else table
    taken = {v.name for v in draft.variables()}
    for position, variable in enumerate(found, start=1):
        if variable.name in taken:
            own = f"{variable.name}_{table}_{position}"
            variable.note = f"the name {variable.name} is taken"
            for entry in joined.years.values() if joined else ():
                if variable.name in entry.get("units", {}):
                    entry["units"][own] = entry["units"].pop(variable.name)
            variable.name = own
        taken.add(variable.name)
        if variable.unit == UNSTATED:
            variable.note = "no unit is written; say which"
        draft.units |= _units(variable.unit)
    draft.looks[table], draft.found[table] = look, found
    if joined:
        draft.files[table], draft.members[table] = joined.years, joined.members
        for unit in {unit for entry in joined.years.values() for unit in entry.get("units", {}).values()}:
            draft.units |= _units(unit)
    draft.guesses += [f"{look.grid.place}: {guess}" for guess in look.guesses]


def _units(unit: str) -> dict[str, tuple[str, str]]:
    """Return the units that a unit is made of, each with what it counts and how many of it."""
    if unit == UNSTATED:
        return {UNSTATED: (UNSTATED, "1")}
    found = {}
    for part in unit.split("/"):
        base, size = read_unit(part)
        found[part] = (base, str(int(size) if size.denominator == 1 else float(size)))
    return found


def _settle_years(draft: Draft) -> None:
    """Take the years that every table has, the longest run of them where one between is absent."""
    shared: set[int] | None = None
    for table, look in draft.looks.items():
        years = set(draft.files.get(table, ())) or set(look.years.values())
        years = years or {int(cell[:4]) for cell in look.column(look.year)}
        shared = years if shared is None else shared & years
    if not shared:
        raise RongheError("no year stands in every table; take out the table of other years, and begin again")
    runs: list[list[int]] = []
    for year in sorted(shared):
        if runs and runs[-1][-1] == year - 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    longest = max(runs, key=lambda run: (len(run), run))
    draft.years = (longest[0], longest[-1])
    absent = [y for y in range(min(shared), max(shared)) if y not in shared]
    if absent:
        draft.guesses.append(
            f"the sample is {longest[0]} to {longest[-1]}, because not every table has {listing(absent)}; add the "
            f"figures, and write sample.years: [{min(shared)}, {max(shared)}]"
        )
