"""Tables of any stored CSV: chosen rows and columns, with labels and formats."""

from __future__ import annotations

import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.frames import read_csv
from ronghe.paper import cells
from ronghe.paper.exhibit import Exhibit
from ronghe.paper.labels import Labels


def stored_table(name: str, entry: dict, labels: Labels, paths: list[str]) -> Exhibit:
    """Build a table from one CSV, or from several stacked with a column `source` that names each."""
    frame = stack(entry, paths, f"tables.{name}")
    frame = select(frame, entry, f"tables.{name}")
    if "across" in entry:
        return _across(name, entry, labels, frame)
    columns = _columns(entry)
    for column in columns:
        require_known(column["column"], frame.columns, "column", f"tables.{name}.columns")
    stub, printed = columns[0], columns[1:]
    words = _left_columns(printed, frame)
    rows = []
    for _, record in frame.iterrows():
        group = _name(record[entry["group"]], entry, labels) if "group" in entry else ""
        rows.append((group, _write(record, stub, labels), [_write(record, c, labels) for c in printed]))
    rows = _say_once(rows, "group" in entry)
    header = [[_heading(c, labels) for c in printed]]
    groups = [labels.text(c.get("group")) for c in printed]
    return Exhibit(
        name,
        rows,
        [groups, *header] if any(groups) else header,
        stub=_heading(stub, labels),
        caption=labels.text(entry["caption"]),
        notes=_notes(entry, labels),
        long=entry.get("long", False),
        show_groups="group" in entry,
        language=labels.language,
        left=tuple(words),
    )


def _columns(entry: dict) -> list[dict]:
    """Return the columns in their long form; each knows the entry's own names of values."""
    columns = [{"column": c} if isinstance(c, str) else c for c in entry["columns"]]
    return [{**c, "names": {**entry.get("names", {}), **c.get("names", {})}} for c in columns]


def stack(entry: dict, paths: list[str], where: str) -> pd.DataFrame:
    """Read the entry's files; several are stacked and told apart by the names that the entry gives them."""
    files = entry["file"]
    if isinstance(files, str):
        return read_csv(paths[0])
    frames = [read_csv(path).assign(source=key) for key, path in zip(files, paths, strict=True)]
    if not frames:
        raise RongheError(f"{where}.file: no file is named; name a CSV under results/ or data/")
    return pd.concat(frames, ignore_index=True)


def select(frame: pd.DataFrame, entry: dict, where: str) -> pd.DataFrame:
    """Keep the rows that the entry's `where` names, in the order of `sort`."""
    for column, wanted in entry.get("where", {}).items():
        require_known(column, frame.columns, "column", f"{where}.where")
        wanted = wanted if isinstance(wanted, list) else [wanted]
        missing = [w for w in wanted if w not in set(frame[column])]
        if missing:
            raise RongheError(
                f"{where}.where.{column}: no row holds '{missing[0]}' (there: "
                f"{', '.join(map(str, frame[column].drop_duplicates()[:20]))})"
            )
        frame = frame[frame[column].isin(wanted)]
        if len(wanted) > 1:
            order = frame[column].map({w: i for i, w in enumerate(wanted)})
            frame = frame.iloc[order.argsort(kind="stable")]
    if "sort" in entry:
        keys = entry["sort"] if isinstance(entry["sort"], list) else [entry["sort"]]
        frame = frame.sort_values(keys, ascending=not entry.get("descending", False), kind="stable")
    return frame.head(entry["head"]) if "head" in entry else frame


def _across(name: str, entry: dict, labels: Labels, frame: pd.DataFrame) -> Exhibit:
    """Build a cross table: one row per value of `rows`, one column (or group of columns) per value of `across`."""
    key, across = entry["rows"][0], entry["across"]
    columns = _columns(entry)
    for column in [key, across, *(c["column"] for c in columns)]:
        require_known(column, frame.columns, "column", f"tables.{name}")
    twice = frame.duplicated([key, across])
    if twice.any():
        record = frame[twice].iloc[0]
        raise RongheError(
            f"tables.{name}: {key} '{record[key]}' and {across} '{record[across]}' stand in more than one row; "
            "choose one with `where`"
        )
    heads = list(dict.fromkeys(frame[across]))
    indexed = frame.set_index([key, across])
    rows = []
    for value in dict.fromkeys(frame[key]):
        found = []
        for head in heads:
            record = indexed.loc[(value, head)] if (value, head) in indexed.index else None
            found += ["" if record is None else _write(record, c, labels) for c in columns]
        rows.append(("", _name(value, entry, labels), found))
    top = [_name(head, entry, labels) for head in heads for _ in columns]
    header = [top] if len(columns) == 1 else [top, [_heading(c, labels) for _ in heads for c in columns]]
    return Exhibit(
        name,
        rows,
        header,
        stub=labels.text(entry.get("stub")),
        caption=labels.text(entry["caption"]),
        notes=_notes(entry, labels),
        long=entry.get("long", False),
        language=labels.language,
    )


def _write(record: pd.Series, column: dict, labels: Labels) -> str:
    value = record[column["column"]]
    kind = column.get("format", "text" if isinstance(value, str) else "fixed")
    if kind == "label":
        return _name(value, column, labels)
    write = cells.FORMATS[kind]
    text = write(value, column["digits"]) if "digits" in column else write(value)
    if kind == "text":
        text = _name(text, column, labels)
    if text and "stars" in column:
        text += cells.stars(record[column["stars"]])
    if text and "below" in column:
        text += f" ({cells.fixed(record[column['below']], column.get('digits', 3))})"
    return text


def _name(value: object, entry: dict, labels: Labels) -> str:
    """Return what a value is called: by the entry's own names, by the labels, else as it stands."""
    text = cells.plain(value)
    names = entry.get("names", {})
    if text in names:
        return labels.text(names[text])
    try:
        return labels.variable(text) if text else ""
    except RongheError:
        return labels.named("", text)


def _heading(column: dict, labels: Labels) -> str:
    if "heading" in column:
        return labels.text(column["heading"])
    return labels.named("", column["column"])


def _left_columns(columns: list[dict], frame: pd.DataFrame) -> list[int]:
    return [
        place
        for place, column in enumerate(columns)
        if column.get("align") == "left"
        or (
            "align" not in column
            and column.get("format", "text") in ("text", "label")
            and not pd.api.types.is_numeric_dtype(frame[column["column"]])
        )
    ]


def _say_once(rows: list[tuple[str, str, list[str]]], grouped: bool) -> list[tuple[str, str, list[str]]]:
    """Keep a group's rows together in the order of its first row."""
    if not grouped:
        return rows
    order = {group: place for place, group in reversed(list(enumerate(r[0] for r in rows)))}
    return sorted(rows, key=lambda row: order[row[0]])


def _notes(entry: dict, labels: Labels) -> str:
    text = labels.text(entry.get("notes"))
    return labels.term("note") + labels.join([text]) if text else ""
