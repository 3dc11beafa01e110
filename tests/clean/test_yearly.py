"""A table of one file per year is joined; a year, a heading or a unit that contradicts its declaration is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from ronghe.clean.codebook import describe_panel
from ronghe.clean.declaration import check_dataset
from ronghe.clean.panel import clean_dataset
from ronghe.clean.variables import raw_files
from ronghe.clean.yearly import years_in
from ronghe.errors import RongheError
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml
from tiny_dataset import write_tiny

FIGURES = {"North": (20, 21, 22), "South": (30, 31, 32), "East": (5, 6, 7)}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Return the tiny dataset with persons at work in one file per year, in other words and another unit in 2021."""
    dataset = write_tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    write_year(tmp_path, 2020, "地区,就业人员（万人）", encoding="gb18030")
    write_year(tmp_path, 2021, "城市,从业人员（人）", scale=10000)
    write_year(tmp_path, 2022, "地区,就业人员（万人）")
    dataset["units"] |= {"万人": {"base": "person", "factor": 10000}}
    dataset["units"]["person"]["written"] = ["人"]
    called = {"就业人员（万人）": "从业人员（人）", "地区": "城市"}
    dataset["tables"]["work"] = {
        "files": {
            2020: {"file": "work 2020.csv", "encoding": "gb18030"},
            2021: {"file": "work 2021.csv", "called": called, "units": {"work": "人"}},
            2022: "work 2022.csv",
        },
        "skip_rows": 1,
        "key": {"region": "地区"},
        "variables": {"work": {"column": "就业人员（万人）", "unit": "万人", "range": [0, 40]}},
    }
    return dataset


def write_year(root: Path, year: int, head: str, scale: int = 1, encoding: str = "utf-8", title: str = "") -> None:
    rows = [f"{region},{figures[year - 2020] * scale}" for region, figures in FIGURES.items()]
    text = "\n".join([title or f"{year}年就业", head, *rows])
    (root / "raw" / f"work {year}.csv").write_text(text, encoding=encoding)


def refused(dataset: dict) -> str:
    with pytest.raises(RongheError) as error:
        check_dataset(dataset, "x")
        clean_dataset(dataset)
    return str(error.value)


def test_every_figure_reaches_the_panel_in_one_unit(tiny: dict, project: Path):
    said = {key: value for key, value in tiny.items() if key != "name"}
    validate(said, load_yaml(project / "workflow/schemas/dataset.schema.yaml"), "x")
    check_dataset(tiny, "x")
    cleaned = clean_dataset(tiny)
    for region, figures in FIGURES.items():
        assert tuple(cleaned.panel.loc[region, "work"]) == figures
    converted = cleaned.flags[(cleaned.flags["variable"] == "work") & (cleaned.flags["kind"] == "converted")]
    assert set(converted["year"]) == {2021} and set(converted["why"]) == {"from 人 to 万人"}
    assert converted["before"].tolist() == [60000, 210000, 310000]
    files = [Path(file).name for file in raw_files(tiny)]
    assert [f"work {year}.csv" for year in (2020, 2021, 2022)] == [file for file in files if file.startswith("work")]
    book = describe_panel(cleaned.panel, tiny, cleaned.flags, {}, "en").set_index("variable")
    assert book.at["work", "source"] == "work 2020.csv ... work 2022.csv: 就业人员（万人）"


def test_a_unit_of_one_year_is_held_against_its_heading_and_its_range(tiny: dict):
    own = tiny["tables"]["work"]["files"][2021]
    own["units"]["work"] = "万人"
    assert "the unit is '万人', but the heading says '从业人员（人）'" in refused(tiny)
    own["units"]["work"] = "yuan"
    assert "'yuan' cannot become '万人'" in refused(tiny)
    own["units"] = {"wrok": "人"}
    assert "files.2021.units: unknown variable 'wrok'; did you mean 'work'?" in refused(tiny)
    own["units"] = {"work": "人"}
    tiny["tables"]["work"]["variables"]["work"]["range"] = [0, 30]
    assert (
        "work 2021.csv: row 4: '从业人员（人）': 310000 is outside the range of 'work' (not below 0, not above 300000)"
        in refused(tiny)
    )


def test_the_year_of_title_name_and_rows_is_held_against_the_entry(tiny: dict, tmp_path: Path):
    work = tiny["tables"]["work"]
    write_year(tmp_path, 2022, "地区,就业人员（万人）", title="2019年就业（按2010年价格）")
    assert "the lines above the table speak of 2019, but tables.work.files.2022 takes it for 2022" in refused(tiny)
    work["files"][2022] = {"file": "work 2022.csv", "written_year": 2019}
    clean_dataset(tiny)
    work["edition"] = 1
    assert "the name speaks of 2020, but tables.work.files.2020 takes it for 2020" in refused(tiny)
    del work["edition"]
    work["key"]["year"] = "就业年份"
    write_year(tmp_path, 2020, "地区,就业人员（万人）", encoding="gb18030")
    assert "no column '就业年份'" in refused(tiny)
    for year in (2020, 2021, 2022):
        path = tmp_path / "raw" / f"work {year}.csv"
        encoding = "gb18030" if year == 2020 else "utf-8"
        title, head, *rows = path.read_text(encoding=encoding).splitlines()
        said = 2020 if year == 2021 else year
        path.write_text("\n".join([title, f"{head},就业年份", *(f"{row},{said}" for row in rows)]), encoding=encoding)
    assert "work 2021.csv: row 3: '就业年份' says 2020, but tables.work.files.2021 says 2021" in refused(tiny)


def test_a_year_that_is_absent_and_a_file_that_stands_twice(tiny: dict):
    files = tiny["tables"]["work"]["files"]
    last = files.pop(2022)
    assert "'work' has no year 2022 (there: 2020 to 2021)" in refused(tiny)
    files[2022] = last
    files[2019] = "work 2022.csv"
    assert "files.2022: 'work 2022.csv' stands already for 2019" in refused(tiny)
    del files[2019]
    files[2021]["called"]["就业"] = "x"
    assert "files.2021.called: unknown heading '就业'" in refused(tiny)
    del files[2021]["called"]["就业"]
    del tiny["tables"]["wages"]["key"]["year"]
    assert "the key 'year' is missing" in refused(tiny) or "must hold {year}" in refused(tiny)


def test_years_of_prices_are_no_years_of_figures():
    assert years_in("表5-3 2016年就业（按2010年价格，2015年不变价，2012=100）") == [2016]


def test_years_as_files_and_as_columns_exclude_one_another(tiny: dict):
    tiny["tables"]["work"] |= {"layout": "wide", "key": {"region": "地区", "year": "{year}年"}}
    del tiny["tables"]["work"]["variables"]["work"]["column"]
    assert "tables.work: 'files' holds one file for each year, and 'layout: wide' one column for each" in refused(tiny)
