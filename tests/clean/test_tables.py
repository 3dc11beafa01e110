"""Bad raw tables: each one is refused before anything is written, by file, row or entry, and remedy."""

from __future__ import annotations

import pytest
from ronghe.clean.panel import clean_dataset
from ronghe.errors import RongheError
from tiny_dataset import POPULATION, WAGES, write_sheet, write_tiny


@pytest.fixture
def tiny(tmp_path):
    return write_tiny(tmp_path)


def refuse(tiny, tmp_path, *words):
    with pytest.raises(RongheError) as error:
        clean_dataset(tiny, tmp_path)
    for word in words:
        assert word in str(error.value)


def write_wages(tmp_path, before, after):
    assert before in WAGES
    (tmp_path / "raw/wages.csv").write_text(WAGES.replace(before, after), encoding="gb18030")


def write_population(tmp_path, row, column, value):
    rows = [list(cells) for cells in POPULATION]
    rows[row][column] = value
    write_sheet(tmp_path / "raw/population.xlsx", rows)


def test_region_twice_in_a_wide_table(tiny, tmp_path):
    write_wages(tmp_path, "E,工资", "North,工资")
    refuse(tiny, tmp_path, "wages.csv: row 4: North stands already in row 2", "keep one of the two rows")


def test_region_year_twice_in_a_long_table(tiny, tmp_path):
    tiny["tables"]["output"]["file"] = "output.csv"
    (tmp_path / "raw/output.csv").write_text("region,year,output\nNorth,2020,1\nNorth,2021,2\nN,2020,1\n")
    refuse(tiny, tmp_path, "output.csv: row 4: North 2020 stands already in row 2", "'output'")


def test_unknown_region(tiny, tmp_path):
    write_wages(tmp_path, "南方", "Sooth")
    refuse(tiny, tmp_path, "wages.csv: row 3: unknown region 'Sooth'; did you mean 'South'?", "regions.aliases")


def test_region_without_a_row(tiny, tmp_path):
    write_wages(tmp_path, "E,工资,元,30000,30000,30000\n", "")
    refuse(tiny, tmp_path, "wages.csv: 'wage' has no row for East", "sample.leave_out")


def test_year_without_a_column(tiny, tmp_path):
    tiny["sample"]["years"] = [2019, 2022]
    refuse(tiny, tmp_path, "wages.csv: 'wage' has no year 2019 (there: 2020 to 2022)", "sample.years")


def test_region_year_without_a_row_in_a_long_table(tiny, tmp_path):
    tiny["tables"]["output"]["file"] = "output.csv"
    rows = [f"{r},{y},1" for r in ("North", "South", "East") for y in (2020, 2021, 2022) if (r, y) != ("South", 2021)]
    (tmp_path / "raw/output.csv").write_text("\n".join(["region,year,output", *rows]))
    refuse(tiny, tmp_path, "output.csv: 'output' has no row for South 2021", "add the rows")


def test_text_in_a_figure(tiny, tmp_path):
    write_wages(tmp_path, "50000", "五万")
    refuse(tiny, tmp_path, "wages.csv: row 2: '2021年': '五万' is not a number", "correct the cell")


def test_separator_of_thousands_in_a_figure(tiny, tmp_path):
    write_wages(tmp_path, "50000", '"50,000"')
    refuse(tiny, tmp_path, "wages.csv: row 2: '2021年': '50,000' holds a separator of thousands", 'thousands: ","')


def test_separator_of_thousands_where_declared(tiny, tmp_path):
    write_wages(tmp_path, "50000", '"50,000"')
    tiny["tables"]["wages"]["thousands"] = ","
    assert clean_dataset(tiny, tmp_path).panel.at[("North", 2021), "wage"] == 50000


def test_wrong_unit(tiny, tmp_path):
    write_wages(tmp_path, "E,工资,元", "E,工资,万元")
    refuse(tiny, tmp_path, "wages.csv: row 4: unit '万元' where tables.wages.variables.wage expects '元'", "target")


def test_negative_figure(tiny, tmp_path):
    write_wages(tmp_path, "41000", "-41000")
    refuse(tiny, tmp_path, "wages.csv: row 3: '2022年': -41000 is outside the range of 'wage' (not below 0)")


def test_indicator_that_the_file_lacks(tiny, tmp_path):
    tiny["tables"]["wages"]["variables"]["wage"]["indicator"] = "工资总额"
    refuse(tiny, tmp_path, "wages.csv: no indicator '工资总额'", "there: 工资", "tables.wages.variables.wage names it")


def test_column_that_the_file_lacks(tiny, tmp_path):
    tiny["tables"]["output"]["variables"]["output"]["column"] = "outputs"
    refuse(tiny, tmp_path, "output.dta: no column 'outputs'; did you mean 'output'?", "tables.output.variables.output")


def test_heading_of_the_region_that_the_file_lacks(tiny, tmp_path):
    tiny["tables"]["population"]["key"]["region"] = "Province"
    refuse(
        tiny, tmp_path, "population.xlsx: no column 'Province'", "columns: Region, 2020", "tables.population.key.region"
    )


def test_years_written_otherwise(tiny, tmp_path):
    tiny["tables"]["population"]["key"]["year"] = "FY{year}"
    refuse(tiny, tmp_path, "population.xlsx: no heading is written like 'FY{year}'", "key.year")


def test_year_cell_that_is_no_year(tiny, tmp_path):
    tiny["tables"]["output"]["file"] = "output.csv"
    (tmp_path / "raw/output.csv").write_text("region,year,output\nNorth,2020,1\nNorth,202l,2\n")
    refuse(tiny, tmp_path, "output.csv: row 3: 'year': '202l' is not a year", "key.year_written")


def test_blank_that_no_treatment_covers(tiny, tmp_path):
    write_population(tmp_path, 3, 2, None)
    refuse(
        tiny,
        tmp_path,
        "population.xlsx: 'population' has missing figures: South 2021 (row 4)",
        "gap: {interpolate: N}",
    )


def test_blank_at_the_end_is_not_extrapolated(tiny, tmp_path):
    write_wages(tmp_path, "52000", "")
    refuse(tiny, tmp_path, "wages.csv: 'wage' has missing figures", "does not fill", "North 2022 (row 2)")


def test_ignored_rows_are_left_out_and_others_are_not(tiny, tmp_path):
    tiny["regions"]["ignore"] = []
    refuse(tiny, tmp_path, "population.xlsx: row 6: unknown region 'Total'", "regions.ignore if it is a total")
