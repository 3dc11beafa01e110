"""From a number of the paper, a printed cell, an estimate or a variable down to single raw cells."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command.awkward import CITIES, YEARS, figures
from ronghe.__main__ import main
from ronghe.command.compare import compare_folders
from ronghe.command.new import new
from ronghe.command.trace import trace
from ronghe.errors import RongheError
from ronghe.messages import VARIABLE

FIT = {"nobs": 64, "n_units": 8, "n_periods": 8, "model": "sdm", "effects": "twoways", "outcome": "y",
       "regressors": ["x"], "hashes": {"panel": "f" * 64}}  # fmt: skip


@pytest.fixture
def ran(workshop: Path) -> Path:
    """Return the project with a fit and a printed table that look like those of a run."""
    new("yunling", workshop.parent / "tables")
    folder = workshop / "results/yunling/models/durbin"
    folder.mkdir(parents=True)
    folder.joinpath("impacts.csv").write_text(
        "variable,effect,estimate,lower,upper\nlog_wage_all,direct,0.25,0.1,0.4\n"
        "log_wage_all,total,0.0961124,-0.5,0.7\n", encoding="utf-8")  # fmt: skip
    folder.joinpath("coefficients.csv").write_text("term,estimate\nlog_wage_all,0.31\n", encoding="utf-8")
    folder.joinpath("fit.json").write_text(json.dumps(FIT), encoding="utf-8")
    tables = workshop / "paper/yunling/en/tables"
    tables.mkdir(parents=True)
    tables.joinpath("effects.csv").write_text(
        'group,row,SDM (1)\nln wage all,Direct,0.250\nln wage all,,"[0.100, 0.400]"\nln wage all,Total,0.096\n',
        encoding="utf-8",
    )
    return workshop


def test_a_variable_leads_to_its_cells_by_file_row_and_column(ran: Path) -> None:
    gdp = figures(900, 1)
    lines = trace("gdp", "yunling")
    assert lines[0] == "gdp [亿元]: data/raw/yunling/1 地区生产总值.xlsx: columns {year}年"
    assert lines[1].strip() == f"{len(CITIES) * len(YEARS)} cells"
    # The title, the line of the unit and the headings stand above the first city.
    assert lines[2].strip() == f"row 4, column '2014年' ({CITIES[0]} 2014): {gdp[CITIES[0], 2014]:.15g}"
    only = trace("gdp", "yunling", region="白沙", year=2018)
    assert [line.strip() for line in only[1:]] == [
        "1 cells", f"row 6, column '2018年' (白沙市 2018): {gdp['白沙市', 2018]:.15g}"]  # fmt: skip
    assert "1 of them empty, treated as gap" in trace("population", "yunling")[1]
    assert "(1 have no row)" in trace("road_length", "yunling")[1]
    assert len(trace("gdp", "yunling", cells=100)) == 2 + len(CITIES) * len(YEARS)
    with pytest.raises(RongheError, match="--region: unknown region '青石岭市'; did you mean '青石市'"):
        trace("gdp", "yunling", region="青石岭市")


def test_an_effect_leads_through_fit_design_and_weights_to_the_cells(ran: Path) -> None:
    lines = trace("durbin/log_wage_all/total", "yunling")
    stored = "results/yunling/models/durbin/impacts.csv: row 3 (log_wage_all, total), column estimate = 0.0961124"
    assert lines[0].strip() == stored
    text = "\n".join(lines)
    for words in ("64 rows, 8 regions x 8 years, model sdm", "design: y on x", "hashes: panel ffffffffffff",
                  "weights 'inverse_distance' (inverse_distance)", "from data/raw/yunling/regions.csv",
                  "3 从业人员.xlsx", "measure 'coagglomeration'"):  # fmt: skip
        assert words in text, words
    assert "column estimate = 0.31" in trace("durbin/log_wage_all", "yunling")[0]
    with pytest.raises(RongheError, match="unknown name 'totl'; did you mean 'total'"):
        trace("durbin/log_wage_all/totl", "yunling")
    with pytest.raises(RongheError, match="models/baseline/impacts.csv: no such file; make it first"):
        trace("baseline/log_wage_all/total", "yunling")


@pytest.mark.parametrize(
    ("cell", "stored"),
    [
        ("ln wage all Total/SDM", ["0.096: results/yunling/models/durbin/impacts.csv: row 3"]),
        ("3/1", ["0.096: results/yunling/models/durbin/impacts.csv: row 3"]),
        ("2/SDM (1)", ["0.100: results/yunling/models/durbin/impacts.csv: row 2", "0.400: results/yunling"]),
    ],
)
def test_a_printed_cell_leads_to_the_stored_number(ran: Path, cell: str, stored: list[str]) -> None:
    lines = trace(f"table:effects/{cell}", "yunling")
    for number, words in enumerate(stored, start=1):
        assert lines[number].strip().startswith(words), lines[:4]
    assert any("specification 'durbin'" in line for line in lines)


def test_a_cell_that_is_not_there_is_said(ran: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["trace", "table:effects/ln wage/1", "--dataset", "yunling"]) == 1
    assert "no row 'ln wage'" in capsys.readouterr().err
    assert main(["trace", "table:effects/1/2", "--dataset", "yunling"]) == 1
    assert "no column '2' (columns: SDM (1))" in capsys.readouterr().err
    assert main(["trace", "table:summary/1/1", "--dataset", "yunling"]) == 1
    assert "summary.csv: no such file; make it first: snakemake" in capsys.readouterr().err
    assert main(["trace", "gdp", "--dataset", "yunling", "--cells", "1"]) == 0
    assert "... and 63 more" in capsys.readouterr().out


def test_a_number_that_the_manuscript_takes_out_of_a_fit(project: Path) -> None:
    from ronghe.command.stored_numbers import let_in

    text = (project / "paper/text/en.typ").read_text(encoding="utf-8")
    number, line, function, names = let_in(text, "total_effect")
    assert text.splitlines()[number - 1] == line and function == "impact"
    assert names == ["spatial_sdm", "coagglomeration.index", "total"]
    assert let_in(text, "no_such_number") is None


def test_every_line_of_a_chain_is_chinese_where_the_configuration_is(ran: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "zh")
    lines = trace("durbin/log_wage_all/total", "yunling")
    text = "\n".join(lines)
    for words in (
        "第 3 行（log_wage_all, total），estimate 列 = 0.0961124", "64 行, 8 个地区 x 8 年", "设计：y 对 x",
        "模型“durbin”（spatial）：", "权重“", "64 个单元格", "……另有 61 个", f"“数值”列（{CITIES[0]} ",
    ):  # fmt: skip
        assert words in text, words
    assert not re.search(r"\b(row|column|from|more|edges|design|specification|weights) ", text), text


def test_what_a_comparison_says_is_chinese_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "zh")
    for name, value in (("a", "1.5"), ("b", "1.75")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.csv").write_text(f"term,estimate\nrho,{value}\n{name},2.0\n", encoding="utf-8")
        (tmp_path / name / "fit.json").write_text(json.dumps({"nobs": 3, name: 1}), encoding="utf-8")
    (tmp_path / "a/only.csv").write_text("term\nx\n", encoding="utf-8")
    assert compare_folders(tmp_path / "a", tmp_path / "b").lines == [
        f"只在 {tmp_path / 'a'}：only.csv", "fit.json: a: 1 -> 没有", "fit.json: b: 没有 -> 1", "x.csv: 1 行只在前者",
        "x.csv: 1 行只在后者", "x.csv: rho: estimate 1.5 -> 1.75 (16.67%)", "a：两边都有 2 个文件，2 个不同",
    ]  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["new"], ["stages"], ["check"], ["trace"], ["compare"]])
def test_help_is_chinese_where_the_configuration_is(workshop: Path, capsys, arguments: list[str]) -> None:
    path = workshop / "config/config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("\nlanguage: en", "\nlanguage: zh"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith("用法：ronghe") and "显示本帮助并退出" in printed
    # What remains in Latin letters are names to be written as they are.
    allowed = {"ronghe", "new", "stages", "check", "trace", "compare", "snakemake", "config", "datasets", "dataset",
               "results", "models", "yaml", "csv", "tsv", "xlsx", "xls", "dta", "parquet", "gal", "gwt", "diff", "help",
               "name", "folder", "what", "region", "year", "cells", "first", "second", "target", "scratch", "paper",
               "table", "figure", "direct", "indirect", "total"}  # fmt: skip
    assert set(re.findall(r"\b[a-z]{2,}\b", printed)) <= allowed
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--nonsense"])
    assert ended.value.code == 2 and re.search("缺少参数：|不认识的参数：", capsys.readouterr().err)
