"""Tables of any stored CSV: chosen rows and columns, with labels and formats; NAME_zh holds NAME in Chinese."""

from __future__ import annotations

import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.paper import cells
from ronghe.paper.exhibit import Exhibit, Row
from ronghe.paper.labels import Labels
from ronghe.paper.sources import Sources

# A longer table is no table: both its ends are printed, and where the rest stands.
MOST_LINES, ENDS = 400, 10


def build(source: Sources) -> Exhibit:
    """Build a table from one CSV, or from several stacked with a column `source` that names each."""
    frame = source.rows()
    return _across(source, frame) if "across" in source.entry else _listed(source, frame)


def _listed(source: Sources, frame: pd.DataFrame) -> Exhibit:
    """Build a table with the rows of the frame, under headings of groups if wanted."""
    labels, columns, group = source.labels, _columns(source.entry), source.get("group")
    for column in columns:
        require_known(column["column"], frame.columns, "column", f"{source.where}.columns")
    stub, printed = columns[0], columns[1:]
    frame, said = _ends(source, frame, pd.RangeIndex(len(frame)))
    rows: list[Row] = []
    for _, record in frame.iterrows():
        heading = _name(record[group], source.entry, labels) if group else ""
        rows.append((heading, _write(record, stub, labels), [_write(record, c, labels) for c in printed]))
    # The rows of a group stand together, where its first one stands.
    order = list(dict.fromkeys(heading for heading, _, _ in rows))
    rows.sort(key=lambda row: order.index(row[0]))
    header = [[labels.text(c.get("group")) for c in printed], [_heading(c, labels) for c in printed]]
    return source.exhibit(
        rows,
        [level for level in header if any(level)] or header[1:],
        stub=_heading(stub, labels),
        notes=source.notes(_part(source, frame), said),
        show_groups=group is not None,
        left=frozenset(place for place, column in enumerate(printed) if _is_text(column, frame)),
    )


def _across(source: Sources, frame: pd.DataFrame) -> Exhibit:
    """Build a cross table: one row per value of `rows`, one column (or group of columns) per value of `across`.

    With a `group`, the table repeats under the heading of every group.
    """
    entry, labels = source.entry, source.labels
    key, across, columns = entry["rows"][0], entry["across"], _columns(entry)
    group = source.get("group")
    for column in [key, across, *([group] if group else []), *(c["column"] for c in columns)]:
        require_known(column, frame.columns, "column", source.where)
    frame, said = _ends(source, frame, pd.Index(frame[key].factorize()[0]))
    heads = list(dict.fromkeys(frame[across]))
    rows: list[Row] = []
    for name, part in frame.groupby(group, sort=False) if group else [("", frame)]:
        _require_one(part, key, across, source.where)
        indexed = part.set_index([key, across])
        for value in dict.fromkeys(part[key]):
            found = []
            for head in heads:
                record = indexed.loc[(value, head)] if (value, head) in indexed.index else None
                found += ["" if record is None else _write(record, c, labels) for c in columns]
            rows.append((_name(name, entry, labels) if group else "", _name(value, entry, labels), found))
    top = [_name(head, entry, labels) for head in heads for _ in columns]
    header = [top] if len(columns) == 1 else [top, [_heading(c, labels) for _ in heads for c in columns]]
    return source.exhibit(
        rows,
        header,
        stub=source.text("stub"),
        notes=source.notes(_part(source, frame), said),
        show_groups=group is not None,
    )


def _part(source: Sources, frame: pd.DataFrame) -> str:
    """Return a note where the numbers are those of a part of the map (`models.validation.part`)."""
    if "part_around" not in frame or (parts := frame.dropna(subset="part_around")).empty:
        return ""
    regions, around, of = parts[["part_regions", "part_around", "part_of"]].iloc[0]
    around = _name(around, source.entry, source.labels)
    return source.labels.word("notes.part", int(regions), around, f"{int(of):,}")


def _ends(source: Sources, frame: pd.DataFrame, places: pd.Index) -> tuple[pd.DataFrame, str]:
    """Return the rows that a page can show, by the line of the table each stands in: all, or its ends and a note."""
    lines = places.nunique()
    if lines <= MOST_LINES:
        return frame, ""
    kept = frame[(places < ENDS) | (places >= lines - ENDS)]
    file = source.entry["file"]
    named = file if isinstance(file, str) else ", ".join(file.values())
    return kept, source.labels.word("notes.ends", f"{lines:,}", ENDS, named)


def _require_one(frame: pd.DataFrame, key: str, across: str, where: str) -> None:
    """Refuse two rows for one cell of a cross table."""
    twice = frame.duplicated([key, across])
    if twice.any():
        record = frame[twice].iloc[0]
        raise RongheError(
            f"{where}: {key} '{record[key]}' and {across} '{record[across]}' stand in more than one row; "
            "choose one with `where`"
        )


def _columns(entry: dict) -> list[dict]:
    """Return the columns in their long form; each knows the entry's own names of values."""
    columns = [{"column": c} if isinstance(c, str) else c for c in entry["columns"]]
    return [{**c, "names": {**entry.get("names", {}), **c.get("names", {})}} for c in columns]


def _write(record: pd.Series, column: dict, labels: Labels) -> str:
    """Print one cell in the format of its column."""
    value = record.get(f"{column['column']}_{labels.language}", record[column["column"]])
    kind = column.get("format", "text" if isinstance(value, str) else "fixed")
    if kind in ("label", "text"):
        text = _name(value, column, labels)
    else:
        text = cells.FORMATS[kind](value, *([column["digits"]] if "digits" in column else []))
    if text and "stars" in column:
        text += cells.stars(record[column["stars"]])
    if text and "below" in column:
        text += f" ({cells.fixed(record[column['below']], column.get('digits', 3))})"
    return text


def _name(value: cells.Value, entry: dict, labels: Labels) -> str:
    return labels.value(cells.plain(value), entry.get("names"))


def _heading(column: dict, labels: Labels) -> str:
    return labels.text(column["heading"]) if "heading" in column else labels.named("columns", column["column"])


def _is_text(column: dict, frame: pd.DataFrame) -> bool:
    """Say whether a column holds text, which stands at the left of its column."""
    if "align" in column:
        return column["align"] == "left"
    text = column.get("format", "text") in ("text", "label")
    return text and not pd.api.types.is_numeric_dtype(frame[column["column"]])
