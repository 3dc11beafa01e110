"""Ten awkward tables of an invented province; its eight cities and every figure are made up."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import openpyxl

CITIES = ["云岭市", "青石市", "白沙市", "临江市", "南浦市", "松原地区", "高桥市", "石门自治州"]
YEARS = list(range(2014, 2022))
SECTORS = {
    "制造业": 40.0, "交通运输、仓储和邮政业": 8.0, "信息传输、软件和信息技术服务业": 4.0, "金融业": 5.0,
    "租赁和商务服务业": 6.0, "科学研究和技术服务业": 3.0,
}  # fmt: skip


def figures(level: float, seed: int, digits: int = 2) -> dict[tuple[str, int], float]:
    """Return made-up figures that grow at another pace in each city."""
    draw = np.random.default_rng(seed)
    start, pace = level * draw.uniform(0.5, 2, len(CITIES)), draw.uniform(0.02, 0.1, len(CITIES))
    return {
        (city, year): round(float(start[i] * (1 + pace[i]) ** (year - YEARS[0]) * draw.uniform(0.96, 1.04)), digits)
        for i, city in enumerate(CITIES)
        for year in YEARS
    }


def write_awkward(folder: Path) -> None:
    """Write the ten tables, each awkward in its own way."""
    folder.mkdir(parents=True)
    bare = {city: city.removesuffix("市") for city in CITIES}

    # 1. Excel: a title, the unit in a line of its own, a total row, a footnote.
    gdp = figures(900, 1)
    _sheet(folder / "1 地区生产总值.xlsx", [
        ["表1-1 地区生产总值（虚构）", *[None] * len(YEARS)], ["单位：亿元"],
        ["城市", *(f"{y}年" for y in YEARS)],
        *([c, *(gdp[c, y] for y in YEARS)] for c in CITIES),
        ["全省", *(round(sum(gdp[c, y] for c in CITIES), 2) for y in YEARS)],
        ["注：本表按当年价格计算。"],
    ])  # fmt: skip

    # 2. GB18030, years as plain numbers, thousands with commas, a gap written as an ellipsis.
    people = figures(4000, 2, 1)
    rows = [["地区", *YEARS], *([bare[c], *(f"{people[c, y]:,.1f}" for y in YEARS)] for c in CITIES)]
    rows[3][4] = "…"
    _text(folder / "2 常住人口（千人）.csv", [["年末常住人口（千人）"], *rows], "gb18030")

    # 3. A header in two rows over sectors, long.
    jobs = {s: figures(level, 3 + n) for n, (s, level) in enumerate(SECTORS.items())}
    _sheet(folder / "3 从业人员.xlsx", [
        ["地区", "年份", "城镇单位从业人员（万人）", *[None] * (len(SECTORS) - 1)], [None, None, *SECTORS],
        *([c, f"{y}年", *(jobs[s][c, y] for s in SECTORS)] for c in CITIES for y in YEARS),
    ])  # fmt: skip

    # 4. Indicators and units down the rows, with a byte order mark.
    spending, science = figures(200, 10), figures(6, 11)
    body = [
        [c, y, what, "亿元", one[c, y]]
        for what, one in (("地方一般公共预算支出", spending), ("科学技术支出", science))
        for c in CITIES
        for y in YEARS
    ]
    _text(folder / "4 财政.csv", [["地区", "年份", "指标", "单位", "数值"], *body], "utf-8-sig")

    # 5. Percent, names without their suffix, newest year first.
    towns = figures(45, 12, 1)
    _text(folder / "5 城镇化率.csv", [
        ["城市", *(f"{y} 年" for y in reversed(YEARS))],
        *([bare[c], *(min(towns[c, y], 95) for y in reversed(YEARS))] for c in CITIES),
    ])  # fmt: skip

    # 6. Positions.
    places = [[c, 103 + n % 3 * 1.1, 24 + n // 3 * 0.9] for n, c in enumerate(CITIES)]
    _text(folder / "6 位置.csv", [["城市", "经度", "纬度"], *places])

    # 7. Tabs, and a marked note below.
    wage = figures(60000, 13, 0)
    _text(folder / "7 平均工资.tsv", [
        ["地区", "年份", "在岗职工平均工资（元）"], *([bare[c], y, int(wage[c, y])] for c in CITIES for y in YEARS),
        ["资料来源：虚构"],
    ], separator="\t")  # fmt: skip

    # 8. Two indicators side by side, each over the years.
    capital, trade = figures(500, 14), figures(90, 15)
    gap = [None] * (len(YEARS) - 1)
    _sheet(folder / "8 投资与贸易.xlsx", [
        ["城市", "固定资产投资（亿元）", *gap, "进出口总额（万美元）", *gap], [None, *YEARS, *YEARS],
        *([c, *(capital[c, y] for y in YEARS), *(trade[c, y] for y in YEARS)] for c in CITIES),
    ])  # fmt: skip

    # 9. Semicolons, and the row of one city and year is absent.
    roads = figures(9000, 16, 0)
    body = [[c, y, int(roads[c, y])] for c in CITIES for y in YEARS if (c, y) != ("白沙市", 2017)]
    _text(folder / "9 公路.csv", [["城市", "年份", "公路里程（公里）"], *body], separator=";")

    # 10. One year only, which no panel can use.
    _text(
        folder / "10 面积.csv", [["城市", "土地面积（平方公里）"], *([c, 9000 + 10 * n] for n, c in enumerate(CITIES))]
    )


def _sheet(path: Path, rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def _text(path: Path, rows: list[list[object]], encoding: str = "utf-8", separator: str = ",") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
