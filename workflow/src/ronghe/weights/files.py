"""Weights on disk: edge lists and labelled tables as CSV, Excel, Stata or Parquet, and PySAL's GAL and GWT."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ronghe.errors import RongheError
from ronghe.files import replacing, require_whole
from ronghe.frames import read_csv, write_csv
from ronghe.weights.tables import EDGES

ENDINGS = [".csv", ".xlsx", ".dta", ".parquet", ".gal", ".gwt"]
FRAMES = {".xlsx": pd.read_excel, ".dta": pd.read_stata, ".parquet": pd.read_parquet}


def read_table(path: str | Path) -> pd.DataFrame:
    """Read an edge list or a labelled square table by the file's ending; the message of any fault names the file."""
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise RongheError(f"{path}: no weights format with the ending '{path.suffix}' (allowed: {', '.join(ENDINGS)})")
    if not path.is_file():
        raise RongheError(f"{path}: no such file")
    require_whole(path)
    with _reading(path):
        if ending in (".gal", ".gwt"):
            table = _read_pysal(path)
        else:
            table = read_csv(path) if ending == ".csv" else FRAMES[ending](path)
    if table.shape[1] < 2 or not len(table):
        raise RongheError(
            f"{path}: {table.shape[0]} rows of {table.shape[1]} columns hold no weights; give {', '.join(EDGES)}, or a "
            "square table with the names of the units in its first column and in its headings"
        )
    if set(EDGES) <= set(table.columns):
        return table
    if isinstance(table.index, pd.RangeIndex):
        table = table.set_index(table.columns[0])
    return _labels_alike(table)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say of a file that its format's reader cannot read which one it is."""
    try:
        yield
    except RongheError:
        raise
    except (ValueError, KeyError, IndexError, OSError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RongheError(
            f"{path}: not readable as {path.suffix} ({why}); check that the file is what its ending says"
        ) from None


def _labels_alike(table: pd.DataFrame) -> pd.DataFrame:
    """Give the header, which a file holds as text, the type of the row labels."""
    if pd.api.types.is_integer_dtype(table.index):
        table.columns = _as_integers(table.columns)
    return table


def _as_integers(columns: pd.Index) -> pd.Index:
    """Read column names as integers where all of them are."""
    numbers = pd.to_numeric(pd.Series(columns), errors="coerce")
    return columns if numbers.isna().any() else pd.Index(numbers.astype(int))


def _read_pysal(path: Path) -> pd.DataFrame:
    """Read the edge list of GAL or GWT through libpysal, which keeps an island as an edge to itself of weight 0."""
    from libpysal.graph import read_gal, read_gwt

    graph = read_gal(path) if path.suffix.lower() == ".gal" else read_gwt(path)
    return graph.adjacency.reset_index()


def write_edges(edges: pd.DataFrame, path: str | Path) -> None:
    """Write an edge list as CSV or Parquet."""
    path = Path(path)
    if path.suffix == ".csv":
        write_csv(edges, path)
    elif path.suffix == ".parquet":
        with replacing(path) as part:
            edges.to_parquet(part, index=False)
    else:
        raise RongheError(f"{path}: weights are written as .csv or .parquet")
