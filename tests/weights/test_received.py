"""Matrices, edge lists and flows as a user received them: kinds of file, names, directions, years; the classic W."""

from __future__ import annotations

import numpy as np
import openpyxl
import pandas as pd
import pytest
from ronghe.clean.regions import Names
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel, munnell
from ronghe.weights import Weights
from ronghe.weights.build import Sources, build

UNITS = ["云岭市", "青石市", "白沙市"]
NAMES = Names(UNITS, {"青石市": ["530200"]}, ignore=["合计"], suffixes=["市"])
# Rows give weight to columns; the file writes the units in another order, and one under its code.
CELLS = {("云岭市", "青石市"): 2.0, ("云岭市", "白沙市"): 6.0, ("青石市", "云岭市"): 5.0, ("白沙市", "青石市"): 4.0}


def sources(path) -> Sources:
    return Sources(pd.DataFrame(index=UNITS), file=str(path), names=NAMES)


def square() -> list[list[object]]:
    order = ["白沙", "合计", "530200", "云岭市"]
    rows = []
    for name in order:
        unit = NAMES.region_of(name)
        rows.append([name, *(CELLS.get((unit, NAMES.region_of(other)), "-") for other in order)])
    return [["", *order], *rows]


def expected(W: Weights, cells: dict[tuple[str, str], float]) -> None:
    frame = W.to_frame()
    found = {(i, j): frame.at[i, j] for i in UNITS for j in UNITS if frame.at[i, j]}
    assert found == pytest.approx(cells)


@pytest.mark.parametrize("kind", ["xlsx", "csv", "dta"])
def test_a_square_table_of_any_kind_is_read_by_name(tmp_path, kind):
    path = tmp_path / f"matrix.{kind}"
    rows, read = square(), {"missing": ["-"]}
    if kind == "xlsx":
        book = openpyxl.Workbook()
        book.active.append(["其他"])
        sheet = book.create_sheet("权重")
        for row in [["表 9 权重矩阵"], *rows, ["注：虚构"]]:
            sheet.append(row)
        book.save(path)
        read |= {"sheet": "权重", "skip_rows": 1, "skip_footer": 1}
    elif kind == "csv":
        path.write_text("\n".join(";".join(map(str, row)) for row in rows), encoding="gb18030")
        read |= {"separator": ";", "encoding": "gb18030"}
    else:
        headings = ["区", *(f"x{h}" if h[0].isdigit() else h for h in rows[0][1:])]
        frame = pd.DataFrame(rows[1:], columns=headings).rename(columns={"x530200": "青石"}).astype(str)
        frame.to_stata(path, write_index=False, version=118)
    W, _ = build("own", {"kind": "file", "read": read, "standardise": "none", "islands": "keep"}, sources(path))
    expected(W, CELLS)
    assert W.labels == tuple(UNITS)


def test_distances_are_turned_into_weights(tmp_path):
    path = tmp_path / "公路距离.csv"
    path.write_text("城市,云岭,青石,白沙\n云岭,0,50,200\n青石,50,0,100\n白沙,200,100,0\n", encoding="utf-8")
    entry = {"kind": "file", "values": "distances", "standardise": "none"}
    W, _ = build("road", entry, sources(path))
    near = {("云岭市", "青石市"): 1 / 50, ("云岭市", "白沙市"): 1 / 200, ("青石市", "白沙市"): 1 / 100}
    expected(W, near | {(j, i): w for (i, j), w in near.items()})
    path.write_text("城市,云岭,青石,白沙\n云岭,0,0,200\n青石,50,0,100\n白沙,200,100,0\n", encoding="utf-8")
    with pytest.raises(RongheError, match="distances must be above zero: 云岭市 - 青石市"):
        build("road", entry, sources(path))


def test_flows_are_directed_and_averaged_over_years(tmp_path):
    path = tmp_path / "专利转让.csv"
    rows = [("云岭", "青石", 2010, 10), ("云岭", "青石", 2011, 30), ("白沙", "云岭", 2011, 8)]
    rows += [("青石", "青石", 2010, 99), ("青石", "白沙", 2012, 7)]
    text = "转出地,转入地,年份,件数\n" + "\n".join(",".join(map(str, row)) for row in rows)
    path.write_text(text, encoding="utf-8")
    columns = {"focal": "转出地", "neighbor": "转入地", "weight": "件数", "year": "年份"}
    entry = {"kind": "flows", "columns": columns, "years": [2010, 2011], "own_flows": "drop", "islands": "keep"}
    sent = {("云岭市", "青石市"): 20.0, ("白沙市", "云岭市"): 4.0}
    plain = {**entry, "standardise": "none"}
    expected(build("p", plain, sources(path))[0], sent)
    received = {(j, i): w for (i, j), w in sent.items()}
    expected(build("p", {**plain, "direction": "received"}, sources(path))[0], received)
    expected(build("p", {**plain, "direction": "both"}, sources(path))[0], sent | received)
    W, summary = build("p", entry, sources(path))
    expected(W, {("云岭市", "青石市"): 1.0, ("白沙市", "云岭市"): 1.0})
    assert summary["standardise"] == "row" and summary["symmetric"] is False
    for change, words in (
        ({"years": [2008, 2009]}, "no flows in the years 2008, 2009 .there: 2010, 2011, 2012"),
        ({"own_flows": "refuse"}, "flows within a region: 青石市"),
        ({"columns": {k: v for k, v in columns.items() if k != "year"}}, "row 3: 云岭市 - 青石市 stands twice"),
        ({"direction": "home"}, "unknown direction 'home'"),
    ):
        with pytest.raises(RongheError, match=words):
            build("p", {**entry, **change}, sources(path))


def test_a_square_table_is_refused_where_it_is_not_square(tmp_path):
    path = tmp_path / "m.csv"
    for text, words in (
        ("c,云岭,青石\n云岭,0,1\n白沙,1,0\n", "白沙市, 青石市 has a row or a column, not both"),
        ("c,云岭,青州\n云岭,0,1\n青石,1,0\n", "the headings 青州 are no regions"),
        ("c,云岭,云岭市\n云岭,0,1\n", "云岭市 has more than one column"),
        ("c,云岭,青石\n云岭,0,1x\n青石,1,0\n", "row 2: '青石': '1x'"),
        ("c,云岭,青石\n云岭,0,1\n青石,1,0\n", "says nothing of 白沙市"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RongheError, match=words):
            build("m", {"kind": "file"}, sources(path))


def test_the_classic_weights_of_libpysal_are_matched_by_their_ids():
    from libpysal.weights import W as Classic

    data, W = munnell()
    wanted = SpatialPanel.from_formula("log(gsp) ~ log(pc) + log(emp) | units + time", data, W).fit().params
    edges = Weights.coerce(W).to_edges()
    turned = list(reversed(Weights.coerce(W).labels))
    rows = {label: edges[(edges["focal"] == label) & (edges["weight"] > 0)] for label in turned}
    classic = Classic(
        {label: list(part["neighbor"]) for label, part in rows.items()},
        {label: list(part["weight"]) for label, part in rows.items()},
        id_order=turned,
    )
    assert classic.id_order != list(Weights.coerce(W).labels)
    assert Weights.coerce(classic).hash == Weights.coerce(W).hash
    found = SpatialPanel.from_formula("log(gsp) ~ log(pc) + log(emp) | units + time", data, classic).fit().params
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    numbered = Classic({i: [1 - i] for i in (0, 1)})
    with pytest.raises(RongheError, match="not in the weights: ALABAMA"):
        SpatialPanel.from_formula("log(gsp) ~ log(pc) | units + time", data, numbered)
    island = Weights.coerce(Classic({"a": ["b"], "b": ["a"], "c": []}, silence_warnings=True))
    assert island.islands == ("c",) and island.labels == ("a", "b", "c")
