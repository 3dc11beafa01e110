"""The contracts that every table keeps: unique keys, a balanced panel, no silent gaps, full precision on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_known
from ronghe.files import replacing, require_whole

KEYS = ["region", "year"]


def check_panel(panel: pd.DataFrame, name: str = "panel", gaps: bool = False) -> pd.DataFrame:
    """Return the panel sorted by its (region, year) index, or refuse it by naming the rows at fault.

    Kept: two index levels `region`, `year`; whole years; no key and no column twice; every region in every year; real
    numbers only, finite unless `gaps` allows missing cells.
    """
    if list(panel.index.names) != KEYS:
        raise RongheError(f"{name}: rows must be keyed by region and year, not by {list(panel.index.names)}")
    regions, years = (panel.index.unique(k) for k in KEYS)
    if not len(panel):
        raise RongheError(f"{name}: no rows; give figures of at least one region and year")
    if not pd.api.types.is_integer_dtype(years.infer_objects()):
        raise RongheError(f"{name}: years must be whole numbers, not {listing(map(repr, years))}")
    if regions.isna().any() or len({isinstance(region, str) for region in regions}) > 1:
        raise RongheError(f"{name}: regions must be named alike, all by text or all by numbers: {listing(regions)}")
    twice = panel.columns[panel.columns.duplicated()]
    if len(twice):
        raise RongheError(f"{name}: these columns stand twice: {listing(twice)}; keep one of each")
    twice = panel.index[panel.index.duplicated()].unique()
    if len(twice):
        raise RongheError(f"{name}: these region-years stand twice: {listing(twice)}; keep one row of each")
    full = pd.MultiIndex.from_product([sorted(regions), sorted(years)], names=KEYS)
    if len(full) != len(panel):
        raise RongheError(
            f"{name}: not balanced; missing {listing(full.difference(panel.index))}: "
            "add the rows, or leave these regions or years out of the sample"
        )
    text = [c for c in panel if panel[c].dtype.kind not in "iuf"]
    if text:
        raise RongheError(f"{name}: not numbers: {listing(text)}")
    require_size(panel.mask(np.isinf(panel.to_numpy(float))), name)
    if not gaps:
        for column in panel:
            bad = panel.index[~np.isfinite(panel[column].to_numpy(float))]
            if len(bad):
                raise RongheError(f"{name}: '{column}' is missing or infinite for {listing(bad)}")
    return panel.reindex(full)


# The fourth powers of what lies beyond are no longer held by a double.
SMALLEST, LARGEST = 1e-60, 1e60
# How many times its spread the level of a column may be, with half of its digits left.
LEVEL, CONSTANT = 1e8, 1e14


def require_size(frame: pd.DataFrame, name: str) -> None:
    """Refuse columns so large or so small that their squares overflow, or that hold an infinite figure."""
    require_sizes(frame.columns, np.fmax.reduce(np.abs(frame.to_numpy(float)), axis=0, initial=0.0), name)


def require_sizes(columns: Iterable[str], sizes: Iterable[float], name: str) -> None:
    """Refuse columns whose largest figure in size is too large or too small, given that figure."""
    for column, size in zip(columns, sizes, strict=True):
        if not (size == 0 or SMALLEST <= size <= LARGEST):
            raise RongheError(
                f"{name}: '{column}' holds figures of the size {size:g}; write it in a unit that brings its largest "
                f"between {SMALLEST:g} and {LARGEST:g}"
            )


def require_spread(frame: pd.DataFrame, name: str) -> None:
    """Refuse columns whose level drowns their differences; those without any are left to the test of rank."""
    figures = frame.to_numpy(float)
    some = np.isfinite(figures).any(axis=0)
    figures = figures[:, some]
    finite = np.isfinite(figures)
    levels, spreads = np.abs(figures).max(axis=0, initial=0.0, where=finite), figures.std(axis=0, where=finite)
    require_spreads(frame.columns[some], levels, spreads, name)


def require_spreads(columns: Iterable[str], levels: Iterable[float], spreads: Iterable[float], name: str) -> None:
    """Refuse columns whose level drowns their differences, given their largest figure and standard deviation."""
    for column, level, spread in zip(columns, levels, spreads, strict=True):
        if LEVEL * spread < level < CONSTANT * spread:
            raise RongheError(
                f"{name}: the level of '{column}' ({level:.3g}) is {level / spread:.1g} times its spread "
                f"({spread:.3g}), so that digits are lost; subtract a round number from it"
            )


def read_panel(*paths: str | Path) -> pd.DataFrame:
    """Read one or more tables keyed by region and year (Parquet or CSV) into one frame, side by side.

    Columns of `DATASET/measures/NAME/panel.csv` come back as `NAME.column`; those of the clean panel as they are.
    """
    frames = []
    for path in map(Path, paths):
        if path.suffix == ".parquet":
            frame = read_parquet(path, KEYS).set_index(KEYS)
        else:
            frame = read_csv(path, KEYS).set_index(KEYS).add_prefix(f"{path.parent.name}.")
        frames.append(frame.sort_index())
    if any(not frames[0].index.equals(f.index) for f in frames[1:]):
        raise RongheError(f"{listing(paths)}: the tables do not hold the same region-years")
    return pd.concat(frames, axis=1)


def write_panel(panel: pd.DataFrame, path: str | Path) -> None:
    """Write a panel indexed by (region, year), its key as the first two columns, as Parquet or CSV."""
    table = panel.sort_index().reset_index()
    if Path(path).suffix == ".parquet":
        write_parquet(table, path)
    else:
        write_csv(table, path)


def write_parquet(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as Parquet, all of it or nothing."""
    with replacing(path) as part:
        table.to_parquet(part, index=False)


def read_parquet(path: str | Path, needs: Iterable[str] = ()) -> pd.DataFrame:
    """Read a Parquet file; a damaged one, or one without a column in need, is refused."""
    require_whole(path)
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RongheError(
            f"{path}: not a readable Parquet file ({why}); put it back, or delete it and run again"
        ) from None
    return _with_columns(table, needs, path)


def read_csv(path: str | Path, needs: Iterable[str] = (), **options: object) -> pd.DataFrame:
    """Read a CSV file; numbers come back to the last bit, the word NA stays a word, and a column in need is there."""
    require_whole(path)
    options = {"keep_default_na": False, "na_values": [""], **options}
    try:
        table = pd.read_csv(path, **options)
    except UnicodeDecodeError:
        raise RongheError(f"{path}: not UTF-8 text; save the file as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise RongheError(f"{path}: the file is empty") from None
    except pd.errors.ParserError as error:
        raise RongheError(f"{path}: not a proper CSV file: {str(error).strip()}") from None
    except (OSError, ValueError) as error:
        raise RongheError(f"{path}: not a readable CSV file ({str(error).splitlines()[0]}); put it back") from None
    return _with_columns(table, needs, path)


def _with_columns(table: pd.DataFrame, needs: Iterable[str], path: str | Path) -> pd.DataFrame:
    for column in needs:
        if column not in table.columns:
            raise RongheError(
                f"{path}: no column '{column}' (needed: {listing(needs)}; there: {listing(table.columns)})"
            )
    return table


def write_csv(frame: pd.DataFrame, path: str | Path, index: bool = False) -> None:
    """Write a table as UTF-8 CSV with 17 significant digits and Unix line ends, whole or not at all."""
    with replacing(path) as part:
        frame.to_csv(part, index=index, float_format="%.17g", lineterminator="\n")


def write_tables(tables: Mapping[str, pd.DataFrame], paths: Mapping[str, str]) -> None:
    """Write each table to the path of its name, its keys as the first columns; a panel comes out sorted by them."""
    for name, path in paths.items():
        table = tables[name]
        if list(table.index.names) == KEYS:
            write_panel(table, path)
        else:
            write_csv(table if table.index.names == [None] else table.reset_index(), path)


def select_columns(panel: pd.DataFrame, columns: Iterable[str], name: str = "panel") -> pd.DataFrame:
    """Return these columns as a checked panel; one that is not there is refused with the nearest name."""
    columns = list(dict.fromkeys(columns))
    if not columns:
        raise RongheError(f"{name}: no column is named; name one or more")
    for column in columns:
        require_known(column, panel.columns, "column", name)
    return check_panel(panel[columns], name)
