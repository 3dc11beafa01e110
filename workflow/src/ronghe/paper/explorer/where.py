"""Where is it high: every shown variable by region and year, and the indices and couplings behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ronghe.frames import read_csv
from ronghe.paper.explorer.book import Book
from ronghe.paper.explorer.many import Shown
from ronghe.paper.explorer.numbers import shorts

# Values that the page holds at most: with more regions and years the last variables are left out, and it says so.
MOST_VALUES = 120_000


def regions(path: str | Path, panel: pd.DataFrame, book: Book, shown: Shown) -> tuple[list[dict], bool]:
    """Return what stands for the regions with its names and its tile, and whether the dataset gives tiles."""
    table = shown.regions(read_csv(path).set_index("region"))
    here = set(panel.index.get_level_values("region"))
    outside = ~table["in_sample"].astype(bool) if "in_sample" in table else pd.Series(False, table.index)
    table = table[[name in here or outside[name] for name in table.index]]
    tiled = {"tile_row", "tile_column"} <= set(table) and table[["tile_row", "tile_column"]].notna().all(axis=None)
    if not tiled:
        table, columns = table[[name in here for name in table.index]], math.ceil(math.sqrt(1.6 * max(len(table), 1)))
        order = range(len(table))
        table = table.assign(tile_row=[i // columns for i in order], tile_column=[i % columns for i in order])
    brief = _brief(list(table.index))
    return [_region(name, row, name in here, brief[name], book) for name, row in table.iterrows()], bool(tiled)


def _brief(names: list[str]) -> dict[str, str]:
    """Return the first letters of names, or the end of the last word where the first letters are those of others."""
    first, last = {name: name[:3] for name in names}, {name: name.split()[-1][-4:] for name in names}
    return last if len({*last.values()}) > len({*first.values()}) else first


def _region(name: str, row: pd.Series, inside: bool, brief: str, book: Book) -> dict:
    chinese = row.get("name_zh")
    names = [str(chinese) if labels.language == "zh" and pd.notna(chinese) else name for labels in book.labels]
    short_name = f"short.{name}"
    code = row.get("code")
    given = code if isinstance(code, str) and code.isalpha() and len(code) <= 4 else brief
    short = [labels.variable(short_name) if labels.knows(short_name) else given for labels in book.labels]
    group = row.get("macro_region")
    return {
        "key": name,
        "name": names,
        "short": short,
        "group": book.name(group) if pd.notna(group) else "",
        "row": int(row["tile_row"]),
        "column": int(row["tile_column"]),
        "inside": inside,
    }


def variables(
    panel: pd.DataFrame, shown: list[str], order: list[str], measures: Mapping[str, dict], folder: str, book: Book
) -> dict:
    """Return values by variable, year and region; how much of the panel was left out for size is said."""
    years = sorted(int(year) for year in panel.index.get_level_values("year").unique())
    kept = shown[: max(1, MOST_VALUES // max(1, len(years) * len(order)))]
    held = []
    for variable in kept:
        wide = panel[variable].unstack("region").reindex(index=years, columns=order)
        measure, _, column = variable.partition(".")
        held.append({
            "key": book.name(variable),
            "values": [shorts(row, 5) for row in wide.to_numpy()],
            "kind": measures.get(measure, {}).get("kind", "") if column else "",
            "column": column,
            "measure": measure if column else "",
            "file": f"{folder}/measures/{measure}/panel.csv" if column else "",
        })  # fmt: skip
    return {"years": years, "variables": held, "left_out": len(shown) - len(kept)}


def profiles(names: list[str], order: list[str], folder: str, book: Book, shown: Shown) -> dict[str, dict]:
    """Return for each index the scores of its indicators, their weights, and the ranks with their intervals."""
    found = {}
    for name in names:
        path = Path(folder, "measures", name)
        if not (path / "scores.csv").is_file():
            continue
        scores, weights = read_csv(path / "scores.csv"), read_csv(path / "weights.csv").set_index("indicator")
        indicators = [column for column in scores if column not in ("region", "year")]
        found[name] = {
            "indicators": [book.name(indicator) for indicator in indicators],
            "weights": shorts(weights["weight"].reindex(indicators), 4) if "weight" in weights else [],
            "values": _by_year(shown.table(scores), indicators, order),
            "file": f"{folder}/measures/{name}/scores.csv",
            # The rank of a mean of regions is no mean of their ranks.
            "ranks": None if shown.how == "groups" else _ranks(path / "intervals.csv", order),
        }
    return found


def _ranks(path: Path, order: list[str]) -> list | None:
    """Return rank and its interval by year and region, where the index was drawn anew."""
    if not path.is_file():
        return None
    table = read_csv(path)
    columns = ["rank", "rank_lower", "rank_upper"]
    return _by_year(table, columns, order) if set(columns) <= set(table) else None


def obstacles(names: list[str], order: list[str], folder: str, book: Book, shown: Shown) -> dict[str, dict]:
    """Return for each coupling the obstacle degree of every indicator."""
    found = {}
    for name in names:
        path = Path(folder, "measures", name, "obstacles.csv")
        if not path.is_file():
            continue
        table = read_csv(path)
        columns = [column for column in table if column not in ("region", "year")]
        keys = [_indicator(column, book) for column in columns]
        found[name] = {
            "name": book.name(f"{name}.coordination"),
            "indicators": keys,
            "values": _by_year(shown.table(table), columns, order),
            "file": f"{folder}/measures/{name}/obstacles.csv",
        }
    return found


def _indicator(column: str, book: Book) -> str:
    """Name an indicator of a subsystem by its own label."""
    return book.call(f"obstacle/{column}", lambda labels: labels.value(column.partition(".")[2] or column))


def _by_year(table: pd.DataFrame, columns: list[str], order: list[str]) -> list[list[list[float | None] | None]]:
    """Return the numbers as year, region, column; nothing for a region that the table lacks."""
    keyed = {key: row for key, row in zip(table[["year", "region"]].itertuples(index=False, name=None),
                                          table[columns].to_numpy(), strict=True)}  # fmt: skip
    years = sorted(table["year"].unique())
    return [[shorts(keyed[y, r], 3) if (y, r) in keyed else None for r in order] for y in years]
