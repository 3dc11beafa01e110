"""What `ronghe new` makes of awkward files, one at a time; every figure is invented."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml
from command.awkward import CITIES, YEARS, figures
from ronghe.clean.declaration import load_dataset
from ronghe.clean.panel import clean_dataset
from ronghe.command.check import check
from ronghe.command.new import new
from ronghe.command.same_region import SameRegion, romanised

GDP, PEOPLE = figures(900, 1), figures(4000, 2, 1)


def book(path: Path, sheets: dict[str, list[list[object]]]) -> None:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)


def long(*columns: dict, names=None) -> list[list[object]]:
    names = names or {c: c for c in CITIES}
    return [[names[c], y, *(column[c, y] for column in columns)] for c in CITIES for y in YEARS]


def wide(values: dict, names=None) -> list[list[object]]:
    names = names or {c: c for c in CITIES}
    return [[names[c], *(values[c, y] for y in YEARS)] for c in CITIES]


@pytest.fixture
def tables(workshop: Path) -> Path:
    """Return an empty folder beside the project."""
    folder = workshop.parent / "own"
    folder.mkdir()
    return folder


def panel_of(tables: Path):
    draft = new("own", tables)
    assert check("own") == []
    dataset = load_dataset("own", "config/datasets", "workflow/schemas/dataset.schema.yaml")
    return draft, clean_dataset(dataset).panel


def same(panel: pd.DataFrame, name: str, values: dict, names=None) -> None:
    for (city, year), value in values.items():
        assert panel.at[((names or {}).get(city, city), year), name] == value, (name, city, year)


def test_every_sheet_of_a_workbook(tables: Path) -> None:
    years = ["城市", *(f"{y}年" for y in YEARS)]
    book(tables / "年鉴.xlsx", {
        "地区生产总值": [["地区生产总值（亿元）"], years, *wide(GDP)],
        "空": [],
        "说明": [["本年鉴由虚构统计局编印"]],
        "常住人口": [["年末常住人口"], ["单位：万人"], years, *wide(PEOPLE), ["合计", *(1 for _ in YEARS)],
                  ["注：虚构"]],
    })  # fmt: skip
    draft, panel = panel_of(tables)
    same(panel, "gdp", GDP)
    same(panel, "population", PEOPLE)
    assert [fault.split(":")[0] for fault in draft.unread] == ["年鉴.xlsx, sheet '说明'"]


def test_stata_and_parquet(tables: Path) -> None:
    frame = pd.DataFrame(long(GDP, PEOPLE), columns=["city", "year", "gdp", "population"])
    frame[["city", "year", "gdp"]].to_stata(tables / "a.dta", write_index=False, version=118)
    frame[["city", "year", "population"]].set_index(["city", "year"]).to_parquet(tables / "b.parquet")
    _, panel = panel_of(tables)
    same(panel, "gdp", GDP)
    same(panel, "population", PEOPLE)


def test_a_row_of_units_marks_of_footnotes_and_percent(tables: Path) -> None:
    body = long(GDP, PEOPLE)
    body[3][2] = f"{GDP[CITIES[0], YEARS[3]]}*"
    rates = {key: round(30 + value % 40, 1) for key, value in PEOPLE.items()}
    body = [[*row, f"{rates[row[0], row[1]]}%"] for row in body]
    head = ["城市", "年份", "地区生产总值", "年末常住人口", "城镇化率"]
    units = ["单位", None, "亿元", "万人", None]
    book(tables / "主要指标.xlsx", {"表": [head, units, *body]})
    draft, panel = panel_of(tables)
    for name, values in (("gdp", GDP), ("population", PEOPLE), ("urbanisation", rates)):
        same(panel, name, values)
    declared = yaml.safe_load(Path("config/datasets/own.yaml").read_text(encoding="utf-8"))
    table = next(iter(declared["tables"].values()))
    assert table["marks"] == ["%", "*"] and table["header_rows"] == 2
    assert {v["unit"] for v in table["variables"].values()} == {"亿元", "万人", "%"}
    assert any("signs after figures that are left out: *" in guess for guess in draft.guesses)


def test_a_row_with_one_unit_and_a_column_of_figures_with_its_unit(tables: Path) -> None:
    book(tables / "1.xlsx", {
        "目录": [["1 主要指标"]],
        "主要指标": [["城市", "年份", "地区生产总值", "人口密度"], [None, None, "亿元"], *long(GDP, PEOPLE)],
    })  # fmt: skip
    jobs = [[c, y, what, value[c, y]] for what, value in (("合计", PEOPLE), ("制造业", GDP)) for c, y in GDP]
    book(tables / "2.xlsx", {"a": [["地区", "年份", "行业", "就业人员（万人）"], *jobs]})
    draft, panel = panel_of(tables)
    same(panel, "gdp", GDP)
    same(panel, "employment_total", PEOPLE)
    same(panel, "employment_manufacturing", GDP)
    units = {one.name: one.unit for one in draft.variables()}
    assert units["gdp"] == "亿元" and units["employment_total"] == units["employment_manufacturing"] == "万人"
    assert [fault.split(":")[0] for fault in draft.unread] == ["1.xlsx, sheet '目录'"]


def test_a_slip_of_the_pen_is_not_taken_for_a_missing_figure(tables: Path) -> None:
    body = long(GDP, PEOPLE)
    body[5][2] = "12.3.4"
    book(tables / "gdp.xlsx", {"a": [["城市", "年份", "地区生产总值（亿元）", "年末常住人口（万人）"], *body]})
    new("own", tables)
    assert any("row 7: '地区生产总值（亿元）': '12.3.4' is not a number" in fault for fault in check("own"))


def test_sectors_by_letter_and_by_number(tables: Path) -> None:
    jobs = {letter: figures(level, n) for n, (letter, level) in enumerate({"C": 40, "G": 8, "J": 5}.items())}
    body = [[c, y, letter, jobs[letter][c, y]] for letter in jobs for c in CITIES for y in YEARS]
    book(tables / "从业人员.xlsx", {"a": [["单位：万人"], ["城市", "年份", "行业", "人数"], *body]})
    book(
        tables / "2.xlsx", {"a": [["城市", "年份", "（一）采矿业（万人）", "地区生产总值（亿元）"], *long(PEOPLE, GDP)]}
    )
    _, panel = panel_of(tables)
    for letter, sector in (("C", "manufacturing"), ("G", "transport"), ("J", "finance")):
        same(panel, f"employment_{sector}", jobs[letter])


def test_names_old_coded_and_in_latin_letters_are_one_region_and_said(tables: Path) -> None:
    places = ["襄阳市", "普洱市", "西安市", "厦门市", "延边朝鲜族自治州", "重庆市"]
    spelt = {
        "old.csv": ["襄樊市", "思茅", "西安", "厦门", "延边州", "重庆"],
        "code.csv": ["420600", "530800", "610100", "350200", "222400", "500000"],
        "latin.csv": ["Xiangyang", "Pu'er City", "Xi'an", "Xiamen", "Yanbian", "Chongqing"],
    }
    value = {(p, y): 10.0 * n + y for n, p in enumerate(places) for y in YEARS}
    headings = ["城镇化率（%）", "地区生产总值（亿元）", "年末常住人口（万人）", "公路里程（公里）"]
    for (file, names), heading in zip([("new.csv", places), *spelt.items()], headings, strict=True):
        lines = [f"{name},{y},{value[p, y] / 100}" for p, name in zip(places, names, strict=True) for y in YEARS]
        region = "行政区划代码" if file == "code.csv" else "城市"
        (tables / file).write_text("\n".join([f"{region},年份,{heading}", *lines]), encoding="utf-8")
    draft, panel = panel_of(tables)
    assert set(draft.regions) == set(places)
    for name in ("gdp", "population", "road_length", "urbanisation"):
        same(panel, name, {key: v / 100 for key, v in value.items()})
    said = "\n".join(draft.guesses)
    for words in (
        "'襄阳市' is also '襄樊市' (matched by former name)", "'普洱市' is also '思茅' (matched by former name)",
        "'厦门市' is also '350200' (matched by code)", "'厦门市' is also 'Xiamen' (matched by pinyin)",
        "'延边朝鲜族自治州' is also '延边州' (matched by short name)", "西安 = 西安市",
    ):  # fmt: skip
        assert words in said, words


def test_a_region_is_not_left_out_for_one_row_without_figures(tables: Path) -> None:
    body = [[c, y, f"{GDP[c, y]}*" if y == YEARS[2] else "…" if (c, y) == (CITIES[0], YEARS[3]) else GDP[c, y]]
            for c in CITIES for y in YEARS]  # fmt: skip
    book(tables / "1.xlsx", {"a": [["城市", "年份", "地区生产总值（亿元）"], *body, ["合计", YEARS[0], 5]]})
    book(tables / "2.xlsx", {"a": [["城市", "年份", "年末常住人口（万人）"], *long(PEOPLE)]})
    draft, panel = panel_of(tables)
    assert draft.ignore == ["合计"] and draft.regions == CITIES
    same(panel, "gdp", {key: v for key, v in GDP.items() if key != (CITIES[0], YEARS[3])})


def test_names_that_are_one_only_in_sound_or_no_more_are_not_matched() -> None:
    both = SameRegion([["山西省", "陕西省", "苏州市", "宿州市", "济南市"], ["Shanxi", "Shaanxi", "Suzhou", "莱芜市"]])
    assert both.key("Shanxi") == ("山西", "pinyin") and both.key("Shaanxi Province") == ("陕西", "pinyin")
    assert both.key("Suzhou")[1] == "" and both.unsure["Suzhou"] == "may be 宿州 or 苏州"
    assert both.key("莱芜市") == ("莱芜", "suffix") and "济南市" in both.unsure["莱芜市"]
    # Two names in one table are two regions, whatever one of them was called once.
    assert SameRegion([["襄樊", "襄阳"]]).key("襄樊") == ("襄樊", "")
    # A number is a code only beside the name that it stands for: the codes of another country stay what they are.
    assert SameRegion([["11", "12"]]).key("11") == ("11", "")
    assert {"chongqing"} <= romanised("重庆") and {"liuan", "luan"} & romanised("六安")


def test_borders_matrices_and_flows_become_weights(tables: Path) -> None:
    book(
        tables / "1.xlsx", {"a": [["城市", "年份", "地区生产总值（亿元）", "年末常住人口（万人）"], *long(GDP, PEOPLE)]}
    )
    short = [c.removesuffix("市") for c in CITIES]
    ring = [[short[n], short[(n + 1) % len(short)], "陆地" if n else "海峡"] for n in range(len(short))]
    lines = [["相邻关系（虚构）", "", ""], ["地区", "相邻地区", "类型"], *ring]
    (tables / "相邻.csv").write_text("\n".join(",".join(row) for row in lines), encoding="utf-8")
    km = [[a, *(0 if a == b else 40 + 10 * abs(i - j) for j, b in enumerate(CITIES))] for i, a in enumerate(CITIES)]
    book(tables / "公路距离.xlsx", {"a": [["公路距离（公里）"], ["", *CITIES], *km]})
    trade = [
        [a, b, y, 5 + i + 2 * j + y % 7]
        for i, a in enumerate(short)
        for j, b in enumerate(CITIES)
        for y in (2012, 2013)
    ]
    book(tables / "省内贸易.xlsx", {"a": [["调出地", "调入地", "年份", "贸易额（万元）"], *trade]})
    gal = [f"0 {len(CITIES)} none city"]
    for n, city in enumerate(CITIES):
        gal += [f"{city} 2", f"{CITIES[n - 1]} {CITIES[(n + 1) % len(CITIES)]}"]
    (tables / "graph.gal").write_text("\n".join(gal) + "\n", encoding="utf-8")
    draft, _ = panel_of(tables)
    weights = yaml.safe_load(Path("config/datasets/own/weights.yaml").read_text(encoding="utf-8"))["weights"]
    assert weights["contiguity"] == {"kind": "contiguity"}
    by_file = {Path(entry.get("file", "")).name: entry for entry in weights.values()}
    assert by_file["公路距离.xlsx"]["values"] == "distances"
    flows = by_file["省内贸易.xlsx"]
    assert flows["kind"] == "flows" and flows["years"] == [2012, 2013] and flows["own_flows"] == "drop"
    assert flows["columns"] == {"focal": "调出地", "neighbor": "调入地", "weight": "贸易额（万元）", "year": "年份"}
    assert by_file["graph.gal"]["kind"] == "file"
    from ronghe.clean.regions import names_of
    from ronghe.weights.build import Sources, build

    declared = load_dataset("own", "config/datasets", "workflow/schemas/dataset.schema.yaml")["regions"]
    table = pd.DataFrame({"region": CITIES})
    made = {}
    for name, entry in weights.items():
        if "file" in entry:
            ready = Sources(table.set_index("region"), file=entry["file"], names=names_of(table, declared))
            made[Path(entry["file"]).name] = build(name, entry, ready)[0]
    frame = made["公路距离.xlsx"].to_frame()
    assert frame.at[CITIES[0], CITIES[1]] / frame.at[CITIES[0], CITIES[2]] == pytest.approx(60 / 50)
    assert made["graph.gal"].to_frame().at[CITIES[0], CITIES[-1]] == 0.5
    first = [(i, j, 5 + i + 2 * j + (2012 % 7 + 2013 % 7) / 2) for i in [0] for j in range(1, len(CITIES))]
    total = sum(w for *_, w in first)
    assert made["省内贸易.xlsx"].to_frame().at[CITIES[0], CITIES[3]] == pytest.approx(first[2][2] / total)
    assert any(
        "each row to sum one" in line
        for line in Path("config/datasets/own/weights.yaml").read_text("utf-8").splitlines()
    )
    assert draft.unread == []
