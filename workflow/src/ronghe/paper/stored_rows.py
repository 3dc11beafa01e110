"""The rows of stored tables that tables, figures and quotations show: read, told apart, chosen and sorted."""

from __future__ import annotations

import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.frames import read_csv


def read_rows(entry: dict, paths: list[str], where: str) -> pd.DataFrame:
    """Read the files of an entry and keep its rows; several files are stacked with their names in a column `source`."""
    files = entry["file"]
    if isinstance(files, str):
        return select(read_csv(paths[0]), entry, where)
    frames = [read_csv(path).assign(source=key) for key, path in zip(files, paths, strict=True)]
    if not frames:
        raise RongheError(f"{where}.file: no file is named; name a CSV inside the results")
    return select(pd.concat(frames, ignore_index=True), entry, where)


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
