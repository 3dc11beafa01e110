"""Regions: their table, the names they go by in raw tables, and who borders whom."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.clean.numbers import parse_numbers
from ronghe.clean.readers import RawTable, read_raw
from ronghe.errors import RongheError, listing, nearest, require_known

COLUMNS = ["region", "name_zh", "macro_region", "longitude", "latitude", "tile_row", "tile_column"]
NUMBERS = {"longitude": (-180, 180), "latitude": (-90, 90), "tile_row": (0, 1000), "tile_column": (0, 1000)}


@cache
def fold(name: str) -> str:
    """Return a name in the form in which names are compared: without spaces, width and case."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


class Names:
    """Finds a region by any of the names it goes by."""

    def __init__(self, regions: Sequence[str], aliases: dict[str, Sequence[str]], ignore: Sequence[str] = (),
                 suffixes: Sequence[str] = ()) -> None:  # fmt: skip
        self.regions = list(regions)
        self._ignore = {fold(name) for name in ignore}
        self._found: dict[str, str] = {}
        self._spellings: list[str] = []
        for region in self.regions:
            for alias in (region, *aliases.get(region, ())):
                self._spellings.append(alias)
                owner = self._found.setdefault(fold(alias), region)
                if owner != region:
                    raise RongheError(f"regions: '{alias}' stands for both '{owner}' and '{region}'; keep it for one")
        self._suffixes = sorted(map(fold, suffixes), key=len, reverse=True)
        bare: dict[str, set[str]] = {}
        for spelling, region in self._found.items():
            bare.setdefault(self.without_suffix(spelling), set()).add(region)
        # A name that two regions share without their suffixes is nobody's.
        self._by_bare = {name: owners.pop() for name, owners in bare.items() if len(owners) == 1}

    def without_suffix(self, spelling: str) -> str:
        """Return a folded name without its suffix, such as 省 or 市; a name of one sign keeps it."""
        suffix = next((s for s in self._suffixes if spelling.endswith(s) and len(spelling) > len(s) + 1), "")
        return spelling.removesuffix(suffix)

    def region_of(self, name: str) -> str | None:
        """Return the region that goes by a name, or None."""
        folded = fold(name)
        return self._found.get(folded) or (self._by_bare.get(self.without_suffix(folded)) if self._suffixes else None)

    def ignored(self, name: str) -> bool:
        """Say whether a name is declared to be no region of the dataset."""
        return fold(name) in self._ignore

    def find(self, table: RawTable, heading: str) -> list[str | None]:
        """Return the region of every row of a table, None for rows to leave out; unknown names are refused."""
        found: list[str | None] = []
        for name, row in zip(table.cells[heading], table.rows, strict=True):
            region = self.region_of(name)
            if region is None and not self.ignored(name):
                raise RongheError(
                    f"{table.path}: row {row}: unknown region '{name}'{nearest(name, self._spellings)} (known: "
                    f"{listing(self.regions, 60)}); mend the name, add it under regions.aliases, "
                    "or under regions.ignore if it is a total"
                )
            found.append(region)
        return found


def read_regions(dataset: dict, folder: str | Path) -> tuple[pd.DataFrame, Names]:
    """Return the table of regions (one row each, in the file's order) and the names they go by."""
    declared = dataset["regions"]
    table = read_raw(Path(folder, declared["file"]), declared)
    columns = declared["columns"]
    for key, heading in columns.items():
        table.need(heading, f"regions.columns.{key}")
    regions = pd.DataFrame({key: table.cells[heading] for key, heading in columns.items()})
    for name, row in zip(regions["region"], table.rows, strict=True):
        if not name:
            raise RongheError(f"{table.path}: row {row}: a region without a name; fill in '{columns['region']}'")
        if name[0] in "=+-@" or not name.isprintable():
            raise RongheError(
                f"{table.path}: row {row}: '{name}' is no name of a region: a spreadsheet would run what begins with "
                "=, +, - or @, and control signs cannot be printed; correct the name"
            )
    twice = regions["region"][regions["region"].duplicated()]
    if len(twice):
        row = table.rows[twice.index[0]]
        raise RongheError(f"{table.path}: row {row}: the region '{twice.iloc[0]}' stands twice; keep one row")
    for key, (low, high) in NUMBERS.items():
        if key in regions:
            regions[key] = _positions(regions[key], table, columns[key], low, high, declared)
    _refuse_shared_tiles(regions, table)
    if "macro_region" in regions and "macro_regions" in declared:
        regions["macro_region"] = _rename(regions["macro_region"], declared["macro_regions"], table, "macro_regions")
    regions = regions.reindex(columns=[*COLUMNS, *(c for c in regions if c not in COLUMNS)])
    return regions, names_of(regions, declared)


def names_of(regions: pd.DataFrame, declared: dict) -> Names:
    """Return the names that the regions of a table go by, with those that the declaration adds."""
    return Names(
        regions["region"], _aliases(regions, declared), declared.get("ignore", ()), declared.get("suffixes", ())
    )


def _positions(cells: pd.Series, table: RawTable, heading: str, low: float, high: float, options: dict) -> np.ndarray:
    numbers = parse_numbers(cells.tolist(), table.rows, table.path, heading, missing=options.get("missing", ()))
    outside = np.flatnonzero((numbers < low) | (numbers > high))
    if len(outside):
        first = outside[0]
        raise RongheError(
            f"{table.path}: row {table.rows[first]}: '{heading}' is {numbers[first]:g}, outside {low} to {high}; "
            "mend the figure, or check that longitude and latitude are not exchanged"
        )
    return numbers


def _refuse_shared_tiles(regions: pd.DataFrame, table: RawTable) -> None:
    """Refuse a region without its place on the tile map, and two regions on one tile: one would hide the other."""
    if not {"tile_row", "tile_column"} <= set(regions):
        return
    tiles = regions[["tile_row", "tile_column"]]
    for position in np.flatnonzero(tiles.isna().any(axis=1) | (tiles % 1 != 0).any(axis=1))[:1]:
        raise RongheError(
            f"{table.path}: row {table.rows[position]}: '{regions['region'].iat[position]}' needs a whole tile_row and "
            "tile_column; fill them in, or leave both columns out of regions.columns"
        )
    for position in np.flatnonzero(tiles.duplicated())[:1]:
        first = regions["region"][(tiles == tiles.iloc[position]).all(axis=1)].iloc[0]
        raise RongheError(
            f"{table.path}: row {table.rows[position]}: '{regions['region'].iat[position]}' has the tile of '{first}'; "
            "give each region its own"
        )


def _rename(cells: pd.Series, names: dict[str, str], table: RawTable, entry: str) -> list[str]:
    for cell, row in zip(cells, table.rows, strict=True):
        require_known(cell, names, entry, f"{table.path}: row {row}")
    return [names[cell] for cell in cells]


def _aliases(regions: pd.DataFrame, declared: dict) -> dict[str, list[str]]:
    known = regions["region"].tolist()
    aliases = {region: [] for region in known}
    for key in ("name_zh", "code"):
        if key in regions:
            for region, alias in zip(known, regions[key], strict=True):
                aliases[region] += [alias] if isinstance(alias, str) and alias else []
    for region, spellings in declared.get("aliases", {}).items():
        require_known(region, known, "region", "regions.aliases")
        aliases[region] += spellings
    return aliases


def sample_regions(dataset: dict, regions: pd.DataFrame) -> list[str]:
    """Return the regions of the sample in the order of the table of regions."""
    declared, known = dataset["sample"], regions["region"].tolist()
    for key in ("regions", "leave_out"):
        for name in declared.get(key, []):
            require_known(name, known, "region", f"sample.{key}")
    wanted, out = set(declared.get("regions", known)), set(declared.get("leave_out", []))
    return [name for name in known if name in wanted and name not in out]


def read_adjacency(declared: dict | None, folder: str | Path, names: Names) -> pd.DataFrame:
    """Return who borders whom: every pair once, in the order of the table of regions, with the kind of border.

    A dataset without a table of borders gets an empty one.
    """
    if declared is None:
        return pd.DataFrame(columns=["region", "neighbor", "kind"])
    table = read_raw(Path(folder, declared["file"]), declared)
    columns = declared["columns"]
    for key, heading in columns.items():
        table.need(heading, f"adjacency.columns.{key}")
    place = {region: position for position, region in enumerate(names.regions)}
    pairs = pd.DataFrame({key: names.find(table, columns[key]) for key in ("region", "neighbor")})
    pairs["kind"] = "border"
    if "kind" in columns:
        kinds = table.cells[columns["kind"]]
        pairs["kind"] = _rename(kinds, declared["kinds"], table, "kind") if "kinds" in declared else kinds.tolist()
    pairs = pairs.dropna()
    for (region, neighbor, _), row in zip(pairs.itertuples(index=False), table.rows[pairs.index], strict=True):
        if region == neighbor:
            raise RongheError(f"{table.path}: row {row}: '{region}' borders itself; take the row out")
    turned = [place[a] > place[b] for a, b in zip(pairs["region"], pairs["neighbor"], strict=True)]
    pairs.loc[turned, ["region", "neighbor"]] = pairs.loc[turned, ["neighbor", "region"]].to_numpy()
    pairs = pairs.drop_duplicates()
    twice = pairs[pairs.duplicated(["region", "neighbor"])]
    if len(twice):
        raise RongheError(f"{table.path}: {listing(twice.iloc[0, :2])} border in two kinds; keep one")
    order = pairs.sort_values(["region", "neighbor"], key=lambda c: c.map(place))
    return order.reset_index(drop=True)
