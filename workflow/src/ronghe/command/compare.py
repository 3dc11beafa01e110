"""`ronghe compare A B`: which stored numbers differ between two folders of results, by how much, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from ronghe.errors import RongheError
from ronghe.frames import read_csv

ASIDE = ("logs", "benchmarks")
MOST = 20


def compare(first: str | Path, second: str | Path) -> list[str]:
    """Return one line per number that differs, the largest relative changes first, and what changed behind a fit."""
    first, second = Path(first), Path(second)
    for folder in (first, second):
        if not folder.is_dir():
            raise RongheError(f"{folder}: no such folder of results; name one such as results/NAME/models/baseline")
    files = [{p.relative_to(f) for p in f.rglob("*") if p.suffix in (".csv", ".json")} for f in (first, second)]
    files = [{p for p in there if p.parts[0] not in ASIDE} for there in files]
    lines = [f"only in {first}: {path}" for path in sorted(files[0] - files[1])]
    lines += [f"only in {second}: {path}" for path in sorted(files[1] - files[0])]
    shared, differing = sorted(files[0] & files[1]), 0
    for path in shared:
        if (first / path).read_bytes() != (second / path).read_bytes():
            moved = (_fits if path.suffix == ".json" else _tables)(first / path, second / path)
            differing += bool(moved)
            lines += [f"{path}: {line}" for line in moved]
    return [*lines, f"{len(shared)} files in both, {differing} differ"]


def _tables(first: Path, second: Path) -> list[str]:
    one, other = read_csv(first), read_csv(second)
    if list(one) != list(other):
        return [f"columns {', '.join(one)} against {', '.join(other)}"]
    keys = [column for column in one if not pd.api.types.is_float_dtype(one[column])] or [one.columns[0]]
    if one[keys].duplicated().any() or other[keys].duplicated().any():
        keys = list(one.columns[: one.shape[1] - 1])
    joined = one.merge(other, on=keys, how="outer", suffixes=("", " of the other"), indicator=True)
    lines = [f"{n} rows only in the {side}" for side, n in (("first", (joined["_merge"] == "left_only").sum()),
             ("second", (joined["_merge"] == "right_only").sum())) if n]  # fmt: skip
    moved = []
    for column in one.columns.difference(keys, sort=False):
        before, after = joined[column], joined[f"{column} of the other"]
        for row in joined.index[(joined["_merge"] == "both") & before.ne(after) & ~(before.isna() & after.isna())]:
            place = ", ".join(str(joined.at[row, key]) for key in keys[:4])
            change = abs(after[row] - before[row]) / abs(before[row]) if before[row] else float("inf")
            moved.append((change, f"{place}: {column} {before[row]:.6g} -> {after[row]:.6g} ({change:.2%})"))
    moved.sort(key=lambda pair: (-pair[0], pair[1]))
    rest = [f"and {len(moved) - MOST} more numbers"] if len(moved) > MOST else []
    return [*lines, *(line for _, line in moved[:MOST]), *rest]


def _fits(first: Path, second: Path) -> list[str]:
    """Return what differs between two descriptions of a fit: the entry, and the hashes of panel and code, say why."""
    one, other = (_flat(json.loads(path.read_text(encoding="utf-8"))) for path in (first, second))
    keys = [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]
    return [f"{key}: {one.get(key, 'absent')} -> {other.get(key, 'absent')}" for key in keys]


def _flat(value: object, place: str = "") -> dict[str, object]:
    """Return nested keys as one level, joined by points."""
    if not isinstance(value, dict):
        return {place: value}
    flat: dict[str, object] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{place}.{key}" if place else key)
    return flat
