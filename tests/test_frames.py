"""The contracts of a table: each broken one is told by row, and numbers survive the disk to the last bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe import frames
from ronghe.errors import RongheError


def make_panel() -> pd.DataFrame:
    index = pd.MultiIndex.from_product([["B", "A"], [2002, 2001]], names=["region", "year"])
    return pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}, index=index)


def test_check_sorts_by_region_and_year():
    assert frames.check_panel(make_panel())["x"].tolist() == [4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: pd.concat([p, p.iloc[[1]]]), r"stand twice: \('B', 2001\)"),
        (lambda p: p.iloc[1:], r"not balanced; missing \('B', 2002\)"),
        (lambda p: p.assign(x=["1", "2", "3", "4"]), "not numbers: x"),
        (lambda p: p.assign(x=[1, np.nan, 3, 4]), r"'x' is missing or infinite for \('B', 2001\)"),
        (lambda p: p.assign(x=[1, 2, np.inf, 4]), r"'x' is missing or infinite for \('A', 2002\)"),
        (lambda p: p.reset_index(), "keyed by region and year"),
    ],
)
def test_a_broken_contract_names_the_rows(change, message):
    with pytest.raises(RongheError, match=message):
        frames.check_panel(change(make_panel()))


def test_gaps_are_allowed_only_when_asked_for():
    panel = make_panel().assign(x=[1, np.nan, 3, 4])
    assert np.isnan(frames.check_panel(panel, gaps=True).loc[("B", 2001), "x"])


@pytest.mark.parametrize("name", ["panel.parquet", "measure/panel.csv"])
def test_numbers_survive_the_disk(tmp_path, name):
    panel = make_panel().assign(x=[0.1 + 0.2, 1 / 3, np.pi * 1e-300, 1e22])
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    frames.write_panel(panel, path)
    back = frames.read_panel(path)
    column = "x" if path.suffix == ".parquet" else "measure.x"
    assert (back[column] == panel["x"].sort_index()).all()


def test_a_region_called_na_stays_a_name(tmp_path):
    frames.write_csv(pd.DataFrame({"region": ["NA", "nan"], "x": [1.0, None]}), tmp_path / "t.csv")
    table = frames.read_csv(tmp_path / "t.csv")
    assert table["region"].tolist() == ["NA", "nan"]
    assert np.isnan(table["x"][1])


def test_joining_tables_of_other_rows_is_refused(tmp_path):
    frames.write_panel(make_panel(), tmp_path / "panel.parquet")
    (tmp_path / "m").mkdir()
    frames.write_panel(make_panel().iloc[:2], tmp_path / "m" / "panel.csv")
    with pytest.raises(RongheError, match="same region-years"):
        frames.read_panel(tmp_path / "panel.parquet", tmp_path / "m" / "panel.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t.csv: the file is empty"),
        ("region\n北京\n".encode("gb18030"), "t.csv: not UTF-8 text; save the file as UTF-8"),
        (b"a,b\n1,2,3\n1,2,3,4\n", "t.csv: not a proper CSV file"),
        (b"region,yaer\nA,1\n", r"t.csv: no column 'year' \(needed: region, year; there: region, yaer\)"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(RongheError, match=message):
        frames.read_csv(tmp_path / "t.csv", needs=["region", "year"])
