"""Tables of stored CSV: rows chosen, columns formatted, one column spread across."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper.builders import LABELS
from ronghe.errors import RongheError
from ronghe.frames import write_csv
from ronghe.paper.labels import Labels
from ronghe.paper.render_table import build_table


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    frame = pd.DataFrame(
        {
            "variable": ["quality", "quality", "coagglomeration", "coagglomeration"],
            "year": [2013, 2014, 2013, 2014],
            "statistic": [0.25, 0.31, -0.02, 0.001],
            "pvalue": [0.01, 0.0001, 0.8, np.nan],
        }
    )
    write_csv(frame, tmp_path / "moran.csv")
    return tmp_path / "moran.csv"


def test_a_stored_table_keeps_its_rows_and_formats(stored: Path) -> None:
    entry = {
        "kind": "stored", "caption": "Moran", "file": "moran.csv", "group": "variable",
        "columns": [{"column": "year", "format": "plain"}, {"column": "statistic", "stars": "pvalue"},
                    {"column": "pvalue", "format": "pvalue"}],
    }  # fmt: skip
    table = build_table("moran", entry, Labels(LABELS), files=[str(stored)])
    assert table.rows[1] == ("Manufacturing quality", "2014", ["0.310***", "<0.001"])
    assert table.rows[3] == ("Co-agglomeration", "2014", ["0.001", ""])


def test_a_table_of_a_part_of_the_map_says_so(stored: Path) -> None:
    frame = pd.read_csv(stored).assign(part_regions=30, part_around="Hebei", part_of=1250)
    write_csv(frame, stored)
    listed = {"kind": "stored", "caption": "x", "file": "moran.csv", "columns": ["year", "statistic"]}
    crossed = {**listed, "rows": ["year"], "across": "variable", "columns": ["statistic"]}
    for entry in (listed, crossed):
        table = build_table("moran", entry, Labels(LABELS), files=[str(stored)])
        assert "on 30 neighbouring regions around Hebei, of 1,250" in table.notes


def test_a_stored_table_may_spread_a_column_across(stored: Path) -> None:
    entry = {"kind": "stored", "caption": "Moran", "file": "moran.csv", "rows": ["year"],
             "across": "variable", "columns": [{"column": "statistic", "digits": 2}]}  # fmt: skip
    table = build_table("moran", entry, Labels(LABELS), files=[str(stored)])
    assert table.header == [["Manufacturing quality", "Co-agglomeration"]]
    assert table.rows == [("", "2013", ["0.25", "−0.02"]), ("", "2014", ["0.31", "0.00"])]


def test_rows_are_chosen_by_value_and_a_missing_value_is_refused(stored: Path) -> None:
    entry = {"kind": "stored", "caption": "x", "file": "m.csv", "columns": ["year", "statistic"],
             "where": {"variable": "quality"}}  # fmt: skip
    assert len(build_table("x", entry, Labels(LABELS), files=[str(stored)]).rows) == 2
    with pytest.raises(RongheError, match="no row holds 'qualty'"):
        build_table("x", {**entry, "where": {"variable": "qualty"}}, Labels(LABELS), files=[str(stored)])
    with pytest.raises(RongheError, match="unknown column 'statstic'; did you mean 'statistic'"):
        build_table("x", {**entry, "columns": ["year", "statstic"]}, Labels(LABELS), files=[str(stored)])


def test_a_column_in_chinese_stands_in_for_its_own_in_a_chinese_paper(tmp_path: Path) -> None:
    pd.DataFrame({"study": ["A (2014)"], "sample": ["cities"], "sample_zh": ["城市"]}).to_csv(
        tmp_path / "s.csv", index=False
    )
    entry = {"kind": "stored", "caption": "c", "file": "s.csv", "columns": ["study", "sample"]}
    for language, printed in (("en", "cities"), ("zh", "城市")):
        table = build_table("s", entry, Labels({}, language), files=[str(tmp_path / "s.csv")])
        assert table.rows[0][2] == [printed]


def test_of_a_long_table_both_ends_are_printed_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ronghe.paper.tables.stored.MOST_LINES", 40)
    frame = pd.DataFrame({"region": [f"r{k:02d}" for k in range(50)], "rank": range(50, 0, -1)})
    write_csv(frame, tmp_path / "ranks.csv")
    entry = {"kind": "stored", "caption": "Ranks", "file": "ranks.csv", "sort": "rank",
             "columns": ["region", {"column": "rank", "digits": 0}]}  # fmt: skip
    table = build_table("ranks", entry, Labels(LABELS), files=[str(tmp_path / "ranks.csv")])
    assert [cells for _, _, cells in table.rows] == [[str(k)] for k in (*range(1, 11), *range(41, 51))]
    assert "Of 50 lines the first and the last 10; all of them stand in ranks.csv" in table.notes
    across = {"kind": "stored", "caption": "Ranks", "file": "ranks.csv", "rows": ["region"], "across": "year",
              "columns": ["rank"]}  # fmt: skip
    years = pd.concat([frame.assign(year=year) for year in (2019, 2020)])
    write_csv(years, tmp_path / "ranks.csv")
    table = build_table("ranks", across, Labels(LABELS), files=[str(tmp_path / "ranks.csv")])
    assert [stub for _, stub, _ in table.rows] == [f"r{k:02d}" for k in (*range(10), *range(40, 50))]
    assert all(len(cells) == 2 for _, _, cells in table.rows)
