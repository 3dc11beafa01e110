"""`ronghe compare A B`: which numbers differ between two runs, specifications or commits, by how much, and why."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ronghe.command.commits import changed_inputs, commit_of, results_of
from ronghe.errors import RongheError, nearest
from ronghe.frames import read_csv
from ronghe.messages import told
from ronghe.places import folders
from ronghe.yaml_files import load_yaml

# The project as it is, beside a commit.
NOW = "."
ASIDE = ("logs", "benchmarks")
# Entries of fit.json that say again what the tables show.
DERIVED = ("written.", "rows.", "specification")
MOST = 20


@dataclass
class Comparison:
    """What two sets of stored numbers come to, line by line, and whether any number differs."""

    lines: list[str] = field(default_factory=list)
    differing: int = 0


def compare(
    first: str, second: str = NOW, dataset: str | None = None, target: str = "models", scratch: str | None = None,
    project: str | Path = ".",
) -> Comparison:  # fmt: skip
    """Compare two folders of results, two specifications of a dataset, or two commits (`.` is the project as it is)."""
    project = Path(project)
    if all(name != NOW and (project / name).is_dir() for name in (first, second)):
        return compare_folders(project / first, project / second)
    config = load_yaml(project / "config/config.yaml")
    dataset = dataset or config["dataset"]
    models = project / folders(dataset, config["language"])["results"] / "models"
    if all((models / name / "fit.json").is_file() for name in (first, second)):
        return compare_folders(models / first, models / second)
    commits = {name: commit_of(name, project) for name in (first, second) if name != NOW}
    fits = [path.name for path in models.iterdir()] if models.is_dir() else []
    for name in [name for name, commit in commits.items() if commit is None and name not in fits]:
        raise RongheError(
            f"{name}: no folder of results, no specification of {dataset} that has been estimated, and no commit"
            f"{nearest(name, fits)}; name two of one kind"
        )
    if None in commits.values():
        raise RongheError(f"{first} and {second} are not of one kind; name two folders, specifications or commits")
    return _compare_commits(commits, first, second, dataset, target, scratch, project)


def _compare_commits(
    commits: dict, first: str, second: str, dataset: str, target: str, scratch: str | None, project: Path
) -> Comparison:
    """Compare what two commits make of a dataset: first which inputs differ, then which figures and numbers moved."""
    before, after = commits.get(first), commits.get(second)
    if before is None:
        raise RongheError(f"{first}: name the commit first, then {NOW} for the project as it is")
    changed = changed_inputs(before, after, project)
    found = Comparison([told(f"input changed: {path}") for path in changed] or [told("no input changed")])
    with ExitStack() as stack:
        kept = Path(scratch) if scratch else None
        places = [stack.enter_context(results_of(before, project, dataset, target, kept))]
        places += [stack.enter_context(results_of(after, project, dataset, target, kept)) if after else project]
        named = folders(dataset, "en")
        for part in ("processed", "results"):
            one = compare_folders(*(place / named[part] for place in places))
            found.lines += one.lines
            found.differing += one.differing
    return found


def compare_folders(first: Path, second: Path) -> Comparison:
    """Return one line per number that differs, the largest relative changes first, and what changed behind a fit."""
    for folder in (first, second):
        if not folder.is_dir():
            raise RongheError(f"{folder}: no such folder of results; name one such as results/NAME/models/baseline")
    files = [{p.relative_to(f) for p in f.rglob("*") if p.suffix in (".csv", ".json")} for f in (first, second)]
    files = [{p for p in there if p.parts[0] not in ASIDE} for there in files]
    lines = [told(f"only in {first}: {path}") for path in sorted(files[0] - files[1])]
    lines += [told(f"only in {second}: {path}") for path in sorted(files[1] - files[0])]
    shared, differing = sorted(files[0] & files[1]), 0
    for path in shared:
        if (first / path).read_bytes() != (second / path).read_bytes():
            moved = (_fits if path.suffix == ".json" else _tables)(first / path, second / path)
            differing += bool(moved)
            lines += [f"{path}: {line}" for line in moved]
    return Comparison([*lines, told(f"{first.name}: {len(shared)} files in both, {differing} differ")], differing)


def _tables(first: Path, second: Path) -> list[str]:
    one, other = read_csv(first), read_csv(second)
    if list(one) != list(other):
        return [told(f"columns {', '.join(one)} against {', '.join(other)}")]
    keys = [column for column in one if not pd.api.types.is_float_dtype(one[column])] or [one.columns[0]]
    if one[keys].duplicated().any() or other[keys].duplicated().any():
        keys = list(one.columns[: one.shape[1] - 1])
    # A key of whole numbers in one table may have a gap in the other.
    one, other = (part.astype(dict.fromkeys(keys, object)) for part in (one, other))
    joined = one.merge(other, on=keys, how="outer", suffixes=("", " of the other"), indicator=True)
    lines = [told(f"{n} rows only in the {side}") for side, n in (("first", (joined["_merge"] == "left_only").sum()),
             ("second", (joined["_merge"] == "right_only").sum())) if n]  # fmt: skip
    moved = []
    for column in one.columns.difference(keys, sort=False):
        before, after = joined[column], joined[f"{column} of the other"]
        for row in joined.index[(joined["_merge"] == "both") & before.ne(after) & ~(before.isna() & after.isna())]:
            place = ", ".join(str(joined.at[row, key]) for key in keys[:4])
            change = abs(after[row] - before[row]) / abs(before[row]) if before[row] else float("inf")
            moved.append((change, f"{place}: {column} {before[row]:.6g} -> {after[row]:.6g} ({change:.2%})"))
    moved.sort(key=lambda pair: (-pair[0], pair[1]))
    rest = [told(f"and {len(moved) - MOST} more numbers")] if len(moved) > MOST else []
    return [*lines, *(line for _, line in moved[:MOST]), *rest]


def _fits(first: Path, second: Path) -> list[str]:
    """Return what differs between two descriptions of a fit: the entry, and the hashes of panel and code, say why."""
    one, other = (_flat(json.loads(path.read_text(encoding="utf-8"))) for path in (first, second))
    keys = [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]
    keys = [key for key in keys if not key.startswith(DERIVED)]
    return [f"{key}: {one.get(key, told('absent'))} -> {other.get(key, told('absent'))}" for key in keys]


def _flat(value: object, place: str = "") -> dict[str, object]:
    """Return nested keys as one level, joined by points."""
    if not isinstance(value, dict):
        return {place: value}
    flat: dict[str, object] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{place}.{key}" if place else key)
    return flat
