"""Describes every column that the measures yield, and every further table they write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from ronghe.frames import read_csv

COLUMNS = ["measure", "kind", "table", "row", "column", "label", "definition", "n", "mean", "sd", "min", "max"]


def codebook(descriptions: Iterable[Mapping[str, str]], labels: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per column of a panel, with its moments, and one per further table, with its columns listed.

    Each description names measure, kind, table (a path), row (what one row of it is), and column and definition
    where the table is a panel.
    """
    frames: dict[str, pd.DataFrame] = {}
    rows = []
    for description in descriptions:
        path = description["table"]
        if path not in frames:
            frames[path] = read_csv(path)
        rows.append({**description, **_content(frames[path], description, labels)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _content(
    frame: pd.DataFrame, description: Mapping[str, str], labels: Mapping[str, str]
) -> dict[str, str | int | float]:
    column = description["column"]
    if not column:
        return {"definition": "columns: " + ", ".join(frame.columns), "n": len(frame)}
    values = frame[column].astype(float)
    name = f"{description['measure']}.{column}"
    moments = {"mean": values.mean(), "sd": values.std(), "min": values.min(), "max": values.max()}
    return {"label": labels.get(name, name), "n": int(values.count()), **moments}
