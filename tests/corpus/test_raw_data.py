"""Bad raw data: every damage to the tables of a small dataset ends in a message, or leaves every figure as it was."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from ronghe.clean.declaration import check_dataset
from ronghe.clean.panel import clean_dataset
from ronghe.errors import RongheError
from tiny_dataset import BORDERS, POPULATION, REGIONS, WAGES, write_sheet, write_tiny


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    root = tmp_path_factory.mktemp("good")
    return clean_dataset(write_tiny(root), root).panel


def message(declared, root) -> str:
    """Return the one message that cleaning ends in; nothing where it passes."""
    try:
        check_dataset(declared, "tiny.yaml")
        clean_dataset(declared, root)
    except RongheError as error:
        assert "Traceback" not in str(error) and len(str(error)) < 1500
        return str(error)
    return ""


# What the cell 52000 of the wages may be replaced by, and what is said of it; nothing where the figure stays the same.
CELLS = {
    "52 000": "separator of thousands", "52,000": "cells under", "52\u00a0000": "separator of thousands",
    "52\u202f000": "separator of thousands", "5.2万": "is not a number", "NaN": "is not a number",
    "inf": "is not a number", "-inf": "is not a number", "1e999": "too large", "0x10": "is not a number",
    "５２０００": "is not a number",
    "52000元": "is not a number", "=1+1": "is not a number", "52000*": "is not a number",
    "(52000)": "is not a number", "--52000": "is not a number", "5_2000": "is not a number", "1/2": "is not a number",
    "-1": "outside the range", "TRUE": "is not a number", "#N/A": "is not a number", "#DIV/0!": "is not a number",
    "…": "is not a number", "-": "is not a number", "..": "is not a number", "null": "is not a number",
    "52000 ": "", " 52000": "", "52000.0": "", "5.2e4": "", "+52000": "", "052000": "",
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell(tmp_path, good, cell):
    declared = write_tiny(tmp_path)
    text = WAGES.replace("52000", cell)
    encoding = "gb18030"
    (tmp_path / "raw/wages.csv").write_text(text, encoding=encoding)
    told = message(declared, tmp_path)
    if CELLS[cell]:
        assert CELLS[cell] in told and "wages.csv: row 2" in told, told
    else:
        assert told == ""
        pd.testing.assert_frame_equal(clean_dataset(declared, tmp_path).panel, good)


HEADINGS = {
    "地区,项目,单位,2022年,2022 年,2020年": "'2022年' and '2022 年' are columns of the same year",
    "地区,项目,单位,2022年,2022年,2020年": "the heading '2022年' stands twice",
    "地区,项目,单位,2022,2021,2020": "no heading is written like",
    "地区,项目,单位,2022年,2021年,2019年": "has no year 2020",
    "地区,项目,2022年,2021年,2020年": "cells under 5 headings",
    "地区,项目,单位,2022年,2021年,2020年,2019年": "cells under 7 headings",
    "Region,项目,单位,2022年,2021年,2020年": "no column '地区'",
    "地区,项目,单价,2022年,2021年,2020年": "no column '单位'",
    "地区,地区,单位,2022年,2021年,2020年": "the heading '地区' stands twice",
    "": "no column|under|no row|not a proper",
}


@pytest.mark.parametrize("heading", HEADINGS)
def test_headings(tmp_path, heading):
    declared = write_tiny(tmp_path)
    text = WAGES.replace("地区,项目,单位,2022年,2021年,2020年", heading)
    (tmp_path / "raw/wages.csv").write_text(text, encoding="gb18030")
    told = message(declared, tmp_path)
    assert "wages.csv" in told and any(part in told for part in HEADINGS[heading].split("|")), told


ROWS = {
    "N,工资,元,52000,50000,48000\nN,工资,元,1,2,3": "stands already in row",
    "North,工资,元,52000,50000,48000\nUpper,工资,元,1,2,3": "unknown region 'Upper'",
    "Nroth,工资,元,52000,50000,48000": "unknown region 'Nroth'; did you mean 'North'",
    "": "has no row for North",
    "N,工资,万元,5.2,5,4.8": "unit '万元'",
    "N,工资额,元,52000,50000,48000": "has no row for North",
    "N,工资,元,52000,50000": "5 cells under 6 headings",
    "N,工资,元,52000,50000,48000,7": "7 cells under 6 headings",
    'N,工资,元,"52000,50000,48000': "not a proper CSV|cells under",
    "N,工资,元,,,48000": "missing|gap",
}


@pytest.mark.parametrize("row", ROWS)
def test_rows(tmp_path, row):
    declared = write_tiny(tmp_path)
    text = WAGES.replace("N,工资,元,52000,50000,48000", row)
    (tmp_path / "raw/wages.csv").write_text(text, encoding="gb18030")
    told = message(declared, tmp_path)
    assert "wages.csv" in told and any(part in told for part in ROWS[row].split("|")), told


FILES = ("regions.csv", "borders.csv", "wages.csv", "population.xlsx", "output.dta", "jobs.parquet")
CONTENTS = {
    "empty": b"",
    "a zip": b"PK\x03\x04" + bytes(60),
    "UTF-16": "\ufeffName,Area\nA,B\n".encode("utf-16"),
    "a web page": b"<!DOCTYPE html><html><body>login</body></html>",
    "zeros": bytes(2000),
    "noise": np.random.default_rng(0).bytes(3000),
    "a PDF": b"%PDF-1.7\n",
    "one byte": b"r",
    "half": None,
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("file", FILES)
def test_files_that_are_something_else(tmp_path, file, content):
    declared = write_tiny(tmp_path)
    path = tmp_path / "raw" / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + 3] if content == "half" else CONTENTS[content])
    told = message(declared, tmp_path)
    assert file in told or (content == "half" and told), told


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["gone", "a folder", "a circle of links", "a dead link"])
def test_files_that_are_not_there(tmp_path, file, damage):
    declared = write_tiny(tmp_path)
    path = tmp_path / "raw" / file
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage != "gone":
        path.symlink_to(path if damage == "a circle of links" else tmp_path / "nowhere")
    told = message(declared, tmp_path)
    assert f"{file}: no such file" in told or f"{file}: cannot be read" in told, told


REGION_ROWS = {
    "=HYPERLINK(1),Upper,N": "is no name of a region",
    "@cmd,Upper,N": "is no name of a region",
    "-North,Upper,N": "is no name of a region",
    "\u0007North,Upper,N": "is no name of a region",
    ",Upper,N": "a region without a name",
    "South,Upper,N": "the region 'South' stands twice",
    "North,Upper,S": "stands for both",
    "North,Upper": "2 cells under 3 headings",
}


@pytest.mark.parametrize("row", REGION_ROWS)
def test_regions(tmp_path, row):
    declared = write_tiny(tmp_path)
    (tmp_path / "raw/regions.csv").write_text(REGIONS.replace("North,Upper,N", row), encoding="utf-8")
    told = message(declared, tmp_path)
    assert REGION_ROWS[row] in told, told


TILES = {
    ("0,0", "0,1", "1,0"): "",
    ("0,0", "0,0", "1,0"): "has the tile of 'North'",
    ("0,0", "0,", "1,0"): "needs a whole tile_row and tile_column",
    ("0,0", "0.5,1", "1,0"): "needs a whole tile_row",
    ("0,0", "-1,1", "1,0"): "outside 0 to 1000",
    ("0,0", "x,1", "1,0"): "is not a number",
}


@pytest.mark.parametrize("tiles", TILES, ids=[" ".join(t) for t in TILES])
def test_tiles(tmp_path, tiles):
    declared = write_tiny(tmp_path)
    lines = ["Name,Area,Also,Row,Column"]
    lines += [f"{line},{tile}" for line, tile in zip(REGIONS.splitlines()[1:], tiles, strict=True)]
    (tmp_path / "raw/regions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    declared["regions"]["columns"] |= {"tile_row": "Row", "tile_column": "Column"}
    told = message(declared, tmp_path)
    assert TILES[tiles] in told and bool(told) == bool(TILES[tiles]), told


BORDER_ROWS = {"North,North": "borders itself", "North,Nowhere": "unknown region 'Nowhere'", "North": "cells under"}


@pytest.mark.parametrize("row", BORDER_ROWS)
def test_borders(tmp_path, row):
    declared = write_tiny(tmp_path)
    (tmp_path / "raw/borders.csv").write_text(BORDERS.replace("North,East", row), encoding="utf-8")
    assert BORDER_ROWS[row] in message(declared, tmp_path)


SHEET_CELLS = {
    "a date": (pd.Timestamp(2020, 1, 1).to_pydatetime(), "is not a number"),
    "a truth": (True, "is not a number"),
    "words": ("about 100", "is not a number"),
    "an error": ("#REF!", "is not a number"),
    "nothing": (None, "population"),
}


@pytest.mark.parametrize("name", SHEET_CELLS)
def test_sheets(tmp_path, name):
    declared, rows = write_tiny(tmp_path), copy.deepcopy(POPULATION)
    rows[2][1], words = SHEET_CELLS[name]
    write_sheet(tmp_path / "raw/population.xlsx", rows)
    assert words in message(declared, tmp_path)


SETTINGS = {
    "skip_rows": (5, 99),
    "skip_footer": (3, 99),
    "sheet": ("Nowhere", 7),
    "layout": ("long",),
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, values in SETTINGS.items() for v in values])
def test_settings_of_a_table(tmp_path, key, value):
    declared = write_tiny(tmp_path)
    declared["tables"]["population"][key] = value
    assert message(declared, tmp_path)


DERIVED = {
    "log_of_nothing": {"log": "change"},
    "share_of_unlike": {"share": ["wage", "population"]},
    "unknown": {"log": "wge"},
    "circle": {"log": "circle"},
    "two": {"log": "wage", "lag": {"of": "wage", "years": 1}},
    "region": {"log": "wage"},
    "year": {"log": "wage"},
    "const": {"log": "wage"},
    "y": {"log": "wage"},
    "wage": {"log": "wage"},
    "tails": {"winsorise": {"of": "wage", "lower": 0.9, "upper": 0.1}},
    "unlike": {"sum": ["wage", "population"]},
    "per_like": {"per": ["jobs_farms", "jobs_total"]},
}


@pytest.mark.parametrize("name", DERIVED)
def test_derivations(tmp_path, name):
    declared = write_tiny(tmp_path)
    declared["derived"]["change"] = {"difference": ["wage", "wage"]}
    declared["derived"][name] = DERIVED[name]
    assert name in message(declared, tmp_path) or "circle" in name


OUTSIDE = ("/etc", "../../etc", "~/tables", "raw/../../x")


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_the_project_is_read(tmp_path, path):
    declared = write_tiny(tmp_path)
    assert "folder: '" in (told := message(declared | {"folder": path}, tmp_path)) and "outside the project" in told
    declared["facts"] = {"file": f"{path}/x.csv", "statements": {}}
    assert "facts.file: '" in (told := message(declared, tmp_path)) and "outside the project" in told
    declared["tables"]["wages"]["file"] = "{x}.csv"
    del declared["facts"]
    assert "tables.wages.file: '{x}.csv' holds '{', a sign of patterns" in message(declared, tmp_path)


BREAKS = [{"variables": ["wage"], "years": [1800], "why": "x"}, {"variables": ["wge"], "years": [2021], "why": "x"}]


@pytest.mark.parametrize("entry", [*BREAKS, BREAKS[0] | {"years": [2021], "regions": ["Nroth"]}])
def test_breaks(tmp_path, entry):
    declared = write_tiny(tmp_path)
    declared["breaks"] = [entry]
    assert "breaks[0]" in message(declared, tmp_path)


@pytest.mark.parametrize(
    "sums",
    ["", "not a sum\n", "0" * 64 + "  wages.csv\n", "\ufeffx".encode("utf-16").decode("latin-1"), None],
)
def test_checksums(tmp_path, sums):
    declared = write_tiny(tmp_path)
    declared["checksums"] = "SHA256SUMS"
    if sums is not None:
        (tmp_path / "raw/SHA256SUMS").write_bytes(sums.encode("latin-1"))
    assert "SHA256SUMS" in message(declared, tmp_path)
