"""Regions: names and aliases, positions, the sample, and borders."""

from __future__ import annotations

import pytest
from ronghe.clean.readers import read_raw
from ronghe.clean.regions import Names, read_adjacency, read_regions, sample_regions
from ronghe.errors import RongheError

COLUMNS = {"region": "name", "name_zh": "zh", "code": "code", "longitude": "east", "latitude": "north"}
TABLE = "name,zh,code,east,north\nInner Place,内地,15,111.5,40.8\nOuter,外地,16,112,41\n"


def write(tmp_path, regions=TABLE, borders="a,b\n内地,外地\n", names="region\nInner Place\n"):
    for name, text in (("regions", regions), ("borders", borders), ("names", names)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    declared = {"file": "regions.csv", "columns": COLUMNS, "aliases": {"Outer": ["外地省", "The Outer"]}}
    return {"regions": declared, "sample": {"years": [2020, 2021]}}


@pytest.mark.parametrize("name", ["Inner Place", "innerplace", "内 地", "内　地", "15", "ＩＮＮＥＲ　Place"])
def test_spellings_of_one_region(tmp_path, name):
    dataset = write(tmp_path, names=f"region\n{name}\n")
    _, names = read_regions(dataset, tmp_path)
    assert names.find(read_raw(tmp_path / "names.csv"), "region") == ["Inner Place"]


def test_declared_aliases(tmp_path):
    dataset = write(tmp_path, names="region\n外地省\nthe outer\n")
    assert read_regions(dataset, tmp_path)[1].find(read_raw(tmp_path / "names.csv"), "region") == ["Outer", "Outer"]
    dataset["regions"]["aliases"]["Uter"] = ["x"]
    with pytest.raises(RongheError, match="regions.aliases: unknown region 'Uter'; did you mean 'Outer'"):
        read_regions(dataset, tmp_path)


def test_an_alias_of_two_regions():
    with pytest.raises(RongheError, match="'X' stands for both 'a' and 'b'"):
        Names(["a", "b"], {"a": ["x"], "b": ["X"]})


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("111.5,40.8", "40.8,111.5", "regions.csv: row 2: 'north' is 111.5, outside -90 to 90; .*exchanged"),
        ("111.5", "111.5E", "regions.csv: row 2: 'east': '111.5E' is not a number"),
        ("Outer", "Inner Place", "regions.csv: row 3: the region 'Inner Place' stands twice"),
        ("Outer,", ",", "regions.csv: row 3: a region without a name"),
        ("code", "kode", "regions.csv: no column 'code'; did you mean 'kode'"),
    ],
)
def test_bad_tables_of_regions(tmp_path, before, after, words):
    dataset = write(tmp_path, regions=TABLE.replace(before, after))
    with pytest.raises(RongheError, match=words):
        read_regions(dataset, tmp_path)


def test_sample(tmp_path):
    dataset = write(tmp_path)
    regions, _ = read_regions(dataset, tmp_path)
    assert sample_regions(dataset, regions) == ["Inner Place", "Outer"]
    dataset["sample"]["leave_out"] = ["Outer"]
    assert sample_regions(dataset, regions) == ["Inner Place"]
    dataset["sample"]["leave_out"] = ["Tibbet"]
    with pytest.raises(RongheError, match="sample.leave_out: unknown region 'Tibbet'"):
        sample_regions(dataset, regions)


def test_borders_once_each_and_faults_refused(tmp_path):
    dataset = write(tmp_path, borders="a,b,kind\n外地,内地,land\n内地,外地,land\n")
    _, names = read_regions(dataset, tmp_path)
    declared = {"file": "borders.csv", "columns": {"region": "a", "neighbor": "b", "kind": "kind"}}
    assert read_adjacency(declared, tmp_path, names).values.tolist() == [["Inner Place", "Outer", "land"]]
    write(tmp_path, borders="a,b,kind\n外地,Outer,land\n")
    with pytest.raises(RongheError, match="borders.csv: row 2: 'Outer' borders itself"):
        read_adjacency(declared, tmp_path, names)
    write(tmp_path, borders="a,b,kind\n外地,内地,land\n内地,外地,sea\n")
    with pytest.raises(RongheError, match="border in two kinds"):
        read_adjacency(declared, tmp_path, names)
    assert read_adjacency(None, tmp_path, names).empty
