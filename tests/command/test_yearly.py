"""Tables that come as one file or sheet per year are found, joined and read; every figure is invented."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from command.awkward import CITIES, YEARS, figures
from command.test_looks import GDP, PEOPLE, book, panel_of, same
from ronghe.command.check import check
from ronghe.command.new import new
from ronghe.command.trace import trace

JOBS = figures(40, 31)


@pytest.fixture
def tables(workshop: Path) -> Path:
    """Return a folder with one sound table beside the project, for tables of single years to stand beside."""
    folder = workshop.parent / "own"
    folder.mkdir()
    years = [[c, y, GDP[c, y], PEOPLE[c, y]] for c in CITIES for y in YEARS]
    book(folder / "gdp.xlsx", {"a": [["城市", "年份", "地区生产总值（亿元）", "年末常住人口（万人）"], *years]})
    return folder


def one_year(path: Path, year: int, heading: str, title: str = "", scale: float = 1, encoding: str = "utf-8") -> None:
    """Write the jobs of one year as a text file of its own."""
    lines = [title] if title else []
    lines += [f"城市,{heading}", *(f"{c},{JOBS[c, year] * scale:.10g}" for c in CITIES)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines), encoding=encoding)


def old_workbook(path: Path) -> None:
    """Put a workbook of the old format in the place of a text file."""
    import xlwt

    made = xlwt.Workbook()
    sheet = made.add_sheet("表")
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        for column, cell in enumerate(line.split(",")):
            sheet.write(row, column, float(cell) if cell[0].isdigit() else cell)
    made.save(str(path.with_suffix(".xls")))
    path.unlink()


def declared(name: str = "own") -> dict:
    return yaml.safe_load(Path(f"config/datasets/{name}.yaml").read_text(encoding="utf-8"))


def table_of_files() -> dict:
    return next(table for table in declared()["tables"].values() if "files" in table)


def test_files_of_many_names_and_headings_become_one_table(tables: Path) -> None:
    for year in YEARS:
        name = {2014: "2014.csv", 2015: "就业_2015年.csv"}.get(year, f"表5-3 {year}年.csv")
        heading = "就业人员（城镇单位）（万人）" if year < 2017 else "城镇单位就业人员（万人）"
        encoding = "gb18030" if year == 2016 else "utf-8"
        one_year(tables / name, year, heading, f"表5-3 {year}年就业" if year > 2018 else "", encoding=encoding)
    old_workbook(tables / "2014.csv")
    draft, panel = panel_of(tables)
    same(panel, "employment_total", JOBS)
    table = table_of_files()
    assert list(map(int, table["files"])) == YEARS and table["key"] == {"region": "城市"}
    assert table["files"][2014] == {
        "file": "2014.xls", "called": {"城镇单位就业人员（万人）": "就业人员（城镇单位）（万人）"}
    }  # fmt: skip
    assert table["files"][2016]["encoding"] == "gb18030" and table["files"][2020]["skip_rows"] == 1
    said = "\n".join(draft.guesses)
    taken = "'就业人员（城镇单位）（万人）' of 2014, 2015, 2016 is taken for '城镇单位就业人员（万人）'"
    assert f"{taken} (the same words in another order)" in said
    assert "taken for one table: 2014.xls, 就业_2015年.csv" in said
    lines = trace("employment_total", "own", region=CITIES[0], year=2015)
    assert any(
        f"就业_2015年.csv: row 2, column '就业人员（城镇单位）（万人）' ({CITIES[0]} 2015)" in line for line in lines
    )


def test_sheets_of_a_workbook_and_folders_are_years_too(tables: Path) -> None:
    book(tables / "就业 2022年版.xlsx", {
        str(y): [[f"{y}年各市就业人员"], ["单位：万人"], ["城市", f"{y}年"], *([c, JOBS[c, y]] for c in CITIES)]
        for y in YEARS
    })  # fmt: skip
    for y in YEARS:
        (tables / str(y)).mkdir()
        body = "\n".join(f"{c},{y},{GDP[c, y] / 10:.10g}" for c in CITIES)
        (tables / str(y) / "财政.csv").write_text(f"城市,年份,财政支出（亿元）\n{body}", encoding="utf-8")
    _, panel = panel_of(tables)
    same(panel, "employment_total", JOBS)
    same(panel, "fiscal_spending", {key: float(f"{value / 10:.10g}") for key, value in GDP.items()})
    named = {Path(file).name for t in declared()["tables"].values() for file in
             [e if isinstance(e, str) else e["file"] for e in t.get("files", {}).values()]}  # fmt: skip
    assert named == {"就业 2022年版.xlsx", "财政.csv"}


def test_a_unit_that_changes_is_marked_and_converted(tables: Path) -> None:
    for year in YEARS:
        old = year < 2017
        one_year(
            tables / f"就业 {year}.csv",
            year,
            "就业人员（人）" if old else "就业人员（万人）",
            scale=10000 if old else 1,
        )
    draft, panel = panel_of(tables)
    for key, value in JOBS.items():
        assert panel.at[key, "employment_total"] == pytest.approx(value, rel=1e-12)
    assert table_of_files()["files"][2014]["units"] == {"employment_total": "人"}
    assert "就业人员（万人）: in 人 in 2014, 2015, 2016 and in 万人 in the last year; converted" in "\n".join(
        draft.guesses
    )
    path = Path("config/datasets/own.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace(', "units": {"employment_total": "人"}', "", 1), "utf-8")
    assert any("the unit is '万人', but the heading says '就业人员（人）'" in fault for fault in check("own"))


def test_names_of_yearbooks_and_wrong_titles(tables: Path) -> None:
    for year in YEARS:
        one_year(tables / f"统计年鉴{year + 1}.csv", year, "就业人员（万人）", f"{year}年就业")
    draft, panel = panel_of(tables)
    same(panel, "employment_total", JOBS)
    assert table_of_files()["edition"] == 1
    path = Path("config/datasets/own.yaml")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("    edition: 1\n", ""), "utf-8")
    faults = check("own")
    assert len(faults) == len(YEARS) and all("write 'edition: 1' at tables." in fault for fault in faults)
    path.write_text(text.replace('      2014: "统计年鉴2015.csv"', '      2013: "统计年鉴2015.csv"'), "utf-8")
    assert any(
        "speak of 2014, but tables." in fault and ".files.2013 takes it for 2013" in fault for fault in check("own")
    )


def test_a_title_left_from_the_year_before_is_a_slip(tables: Path) -> None:
    for year in YEARS:
        one_year(tables / f"{year}.csv", year, "就业人员（万人）", f"{year - (year == 2018)}年就业")
    draft, panel = panel_of(tables)
    same(panel, "employment_total", JOBS)
    assert table_of_files()["files"][2018] == {"file": "2018.csv", "written_year": 2017}
    assert any("the title says 2017, the name 2018, which is taken for the year" in guess for guess in draft.guesses)


def test_a_missing_year_and_two_files_of_one(tables: Path) -> None:
    for year in YEARS:
        if year != 2016:
            one_year(tables / f"就业{year}.csv", year, "就业人员（万人）")
    one_year(tables / "就业2019年.csv", 2019, "就业人员（万人）")
    draft = new("own", tables)
    assert check("own") == []
    assert draft.years == (2017, 2021)
    assert any("there is no file for 2016; add it under files" in guess for guess in draft.guesses)
    assert any("write sample.years: [2014, 2021]" in guess for guess in draft.guesses)
    assert [fault for fault in draft.unread if "a second table of 2019 beside 就业2019.csv" in fault]
    path = Path("config/datasets/own.yaml")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("years: [2017, 2021]", "years: [2014, 2021]"), "utf-8")
    assert any("'employment_total' has no year 2016 (there: 2014 to 2021)" in fault for fault in check("own"))
    path.write_text(text.replace('      2015: "就业2015.csv"', '      2016: "就业2014.csv"'), "utf-8")
    assert any("'就业2014.csv' stands already for 2014" in fault for fault in check("own"))


def test_what_the_years_call_otherwise_is_asked_about_and_series_apart_are_not_joined(tables: Path) -> None:
    for year in YEARS:
        heading = "年末户籍人口（万人）" if year < 2018 else "年末常住人口（万人）"
        lines = [
            f"城市,就业人员（万人）,{heading},邮电业务（亿元）"
            if year < 2020
            else f"城市,就业人员（万人）,{heading},邮政业务（亿元）"
        ]
        lines += [f"{c},{JOBS[c, year]},{PEOPLE[c, year]},{GDP[c, year]}" for c in CITIES]
        (tables / f"主要指标{year}.csv").write_text("\n".join(lines), encoding="utf-8")
    draft, panel = panel_of(tables)
    same(panel, "employment_total", JOBS)
    said = "\n".join(draft.guesses)
    assert "'年末常住人口（万人）' is not in 2014, 2015, 2016, 2017 and is left out" in said
    assert "if it is 年末户籍人口（万人）, 邮电业务（亿元） there, write called: {'年末常住人口（万人）': ...}" in said
    assert "'邮政业务（亿元）' is not in 2014, 2015, 2016, 2017, 2018, 2019 and is left out" in said
    path = Path("config/datasets/own.yaml")
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('"主要指标2014.csv"', '{ file: "主要指标2014.csv", called: { "就业": "x" } }'), "utf-8"
    )
    assert any("files.2014.called: unknown heading '就业'" in fault for fault in check("own"))


def test_names_of_regions_may_change_between_years(tables: Path) -> None:
    (tables / "gdp.xlsx").unlink()
    new_names = ["襄阳市", "普洱市", "西安市", "厦门市"]
    old_names = ["襄樊市", "思茅市", "西安", "厦门市"]
    for year in YEARS:
        names = old_names if year < 2016 else new_names
        rows = [f"{n},{10 * i + year},{i + year % 7 + 1}" for i, n in enumerate(names)]
        lines = ["地区,地区生产总值（亿元）,年末常住人口（万人）", *rows, f"合计,{9 * year},50"]
        (tables / f"{year}.csv").write_text("\n".join(lines), encoding="utf-8")
    draft, panel = panel_of(tables)
    assert draft.regions == new_names and not draft.leave_out
    assert panel.at[("襄阳市", 2014), "gdp"] == 2014 and panel.at[("普洱市", 2015), "gdp"] == 2025
