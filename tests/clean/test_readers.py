"""Reading raw tables of every kind, and refusing files that are not what they seem."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from ronghe.clean.readers import cell_text, read_raw
from ronghe.errors import RongheError
from tiny_dataset import write_sheet

TEXT = '地区,名称,2020年\n北京,"行业一,二",1.5\n天津,行业三,\n'


def refuse(path, *words, **options):
    with pytest.raises(RongheError) as error:
        read_raw(path, options)
    for word in (path.name, *words):
        assert word in str(error.value)


@pytest.mark.parametrize(("encoding", "bom"), [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("gb18030", b"")])
def test_text_in_both_encodings_with_a_quoted_comma(tmp_path, encoding, bom):
    path = tmp_path / "a.csv"
    path.write_bytes(bom + TEXT.encode(encoding))
    table = read_raw(path, {"encoding": encoding})
    assert list(table.cells) == ["地区", "名称", "2020年"]
    assert table.cells.values.tolist() == [["北京", "行业一,二", "1.5"], ["天津", "行业三", ""]]
    assert table.rows.tolist() == [2, 3]


def test_lines_above_and_below_and_blank_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("数据库：年度\n地区;值\n\n北京;1\n天津;2\n来源：统计局\n", encoding="utf-8")
    table = read_raw(path, {"skip_rows": 1, "skip_footer": 1, "separator": ";"})
    assert table.cells.values.tolist() == [["北京", "1"], ["天津", "2"]]
    assert table.rows.tolist() == [4, 5]


def test_excel_cells_keep_their_numbers(tmp_path):
    path = tmp_path / "a.xlsx"
    write_sheet(path, [["地区", 2020, "2019年"], ["北京", 0.1, 3], [" 天津 ", None, "4.50"]], "数据")
    table = read_raw(path, {"sheet": "数据"})
    assert list(table.cells) == ["地区", "2020", "2019年"]
    assert table.cells.values.tolist() == [["北京", "0.1", "3"], ["天津", "", "4.50"]]
    refuse(path, "no sheet '数剧'", "sheets: 数据", sheet="数剧")
    refuse(path, "no sheet number 2", sheet=2)


def test_stata_and_parquet_keep_numbers_labels_and_gaps(tmp_path):
    frame = pd.DataFrame({"region": ["a", "b"], "year": [2020, 2021], "x": [0.1, np.nan]})
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    frame.set_index(["region", "year"]).to_parquet(tmp_path / "a.parquet")
    for name in ("a.dta", "a.parquet"):
        table = read_raw(tmp_path / name)
        assert table.cells.values.tolist() == [["a", "2020", "0.1"], ["b", "2021", ""]]
        assert table.rows.tolist() == [1, 2]


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (0.1, "0.1"), (None, ""), (float("nan"), ""), (" x ", "x")])
def test_cell_text(value, text):
    assert cell_text(value) == text


def test_wrong_encoding_names_the_right_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("地区,值\nx,1\n北京,2\n".encode("gb18030"))
    refuse(path, "row 1: not utf-8 text", "write 'encoding: gb18030'")
    path.write_text(TEXT, encoding="utf-8")
    refuse(path, "declared as gb18030 but the file is UTF-8; leave 'encoding' out", encoding="gb18030")
    path.write_bytes(b"a,b\nx,1\ny,\xff\xff\n")
    refuse(path, "row 3: not utf-8 text; save the file as UTF-8")
    path.write_bytes(TEXT.encode("utf-16"))
    refuse(path, "the file is text in UTF-16")


def test_a_file_that_is_not_what_its_ending_says(tmp_path):
    write_sheet(tmp_path / "book.xlsx", [["a"], [1]])
    (tmp_path / "a.csv").write_bytes((tmp_path / "book.xlsx").read_bytes())
    refuse(tmp_path / "a.csv", "the ending says '.csv' but the file is an Excel workbook", "right ending")
    (tmp_path / "a.xlsx").write_text("a,b\n1,2\n")
    refuse(tmp_path / "a.xlsx", "something else, perhaps plain text")
    (tmp_path / "b.xlsx").write_text("<html><table></table></html>")
    refuse(tmp_path / "b.xlsx", "a web page")
    (tmp_path / "a.dta").write_bytes(b"PAR1xxxx")
    refuse(tmp_path / "a.dta", "a Parquet file")
    (tmp_path / "a.parquet").write_text("a,b\n1,2\n")
    refuse(tmp_path / "a.parquet", "the ending says '.parquet'")
    (tmp_path / "c.xlsx").write_bytes(b"PK\x03\x04 torn")
    refuse(tmp_path / "c.xlsx", "not a readable Excel workbook")


def test_a_workbook_of_the_old_format(tmp_path):
    import xlwt

    book = xlwt.Workbook()
    for name in ("说明", "2016"):
        sheet = book.add_sheet(name)
        for row, cells in enumerate(
            [["各市就业"], ["城市", "人数", "日期"], ["云岭", 12.5, datetime(2016, 3, 1)], ["青石", 7, ""]]
        ):
            for column, value in enumerate(cells):
                style = xlwt.easyxf(num_format_str="YYYY-MM-DD") if isinstance(value, datetime) else xlwt.XFStyle()
                sheet.write(row, column, value, style)
    book.save(str(tmp_path / "a.xls"))
    table = read_raw(tmp_path / "a.xls", {"sheet": "2016", "skip_rows": 1})
    assert table.cells.to_numpy().tolist() == [["云岭", "12.5", "2016-03-01 00:00:00"], ["青石", "7", ""]]
    assert table.above == ("各市就业",) and table.rows.tolist() == [3, 4]
    refuse(tmp_path / "a.xls", "no sheet '2017'; did you mean '2016'? (sheets: 说明, 2016)", sheet="2017")
    (tmp_path / "b.xls").write_bytes(b"PK\x03\x04")
    refuse(tmp_path / "b.xls", "the ending says '.xls' but the file is an Excel workbook")


def test_missing_empty_and_unknown_files(tmp_path):
    (tmp_path / "employment.csv").write_text("")
    refuse(tmp_path / "employment.csv", "the file is empty")
    refuse(tmp_path / "employmnt.csv", "no such file", "did you mean 'employment.csv'")
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    refuse(tmp_path / "a.xls", "not a readable Excel workbook")


def test_ragged_rows_and_double_headings(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("region,x\na,1\nb,1,200\n")
    refuse(path, "row 3: 3 cells under 2 headings", "quotation marks")
    path.write_text("region,x,x\na,1,2\n")
    refuse(path, "the heading 'x' stands twice")
    path.write_text("region,x\n")
    refuse(path, "no row of figures")
    path.write_text('region,x\na,"1\n')
    refuse(path, "not a proper CSV line")
