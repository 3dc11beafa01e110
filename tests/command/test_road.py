"""The road of a new user: a folder of awkward, invented tables becomes a dataset that runs; faults are told at once."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from command.awkward import CITIES, SECTORS, YEARS, figures, write_awkward
from ronghe.__main__ import main
from ronghe.clean.declaration import load_dataset
from ronghe.clean.panel import clean_dataset
from ronghe.command.check import check
from ronghe.command.new import new
from ronghe.command.trace import trace
from ronghe.errors import RongheError
from ronghe.messages import UNTRANSLATED, VARIABLE

from tests.snakemake_runs import snakemake


def test_every_figure_of_the_awkward_tables_reaches_the_panel(workshop: Path) -> None:
    draft = new("yunling", workshop.parent / "tables")
    assert draft.regions == CITIES and draft.years == (YEARS[0], YEARS[-1]) and draft.ignore == ["全省"]
    assert [fault.split(":")[0] for fault in draft.unread] == ["10 面积.csv"]
    assert check("yunling") == []
    dataset = load_dataset("yunling", "config/datasets", "workflow/schemas/dataset.schema.yaml")
    panel = clean_dataset(dataset).panel
    assert len(panel) == len(CITIES) * len(YEARS)
    sectors = ["manufacturing", "transport", "information", "finance", "leasing_business", "research_technical"]
    made = {
        "gdp": figures(900, 1), "population": figures(4000, 2, 1), "fiscal_spending": figures(200, 10),
        "science_spending": figures(6, 11), "wage_all": figures(60000, 13, 0), "fixed_investment": figures(500, 14),
        "trade": figures(90, 15), "road_length": figures(9000, 16, 0),
        **{f"employment_{s}": figures(level, 3 + n) for n, (s, level) in
           enumerate(zip(sectors, SECTORS.values(), strict=True))},
    }  # fmt: skip
    filled = {("population", "白沙市", 2017), ("road_length", "白沙市", 2017)}
    for name, wanted in made.items():
        for (city, year), value in wanted.items():
            if (name, city, year) not in filled:
                assert panel.at[(city, year), name] == value, (name, city, year)
    flags = clean_dataset(dataset).flags
    found = flags[flags["kind"] == "filled"]
    assert set(zip(found["variable"], found["region"], found["year"], strict=True)) == filled


def test_nothing_that_exists_is_overwritten(workshop: Path) -> None:
    new("yunling", workshop.parent / "tables")
    with pytest.raises(RongheError, match="exists already"):
        new("yunling", workshop.parent / "tables")
    with pytest.raises(RongheError, match="no such folder"):
        new("other", workshop / "nowhere")
    with pytest.raises(RongheError, match="not a name of a dataset"):
        new("My Data", workshop.parent / "tables")


def test_all_faults_come_at_once(workshop: Path) -> None:
    new("yunling", workshop.parent / "tables")
    path = workshop / "config/datasets/yunling.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(", gap: { interpolate: 2 } } # GUESS: 1 missing", " } # 1 missing"), encoding="utf-8")
    wages = workshop / "data/raw/yunling/7 平均工资.tsv"
    wages.write_text(wages.read_text(encoding="utf-8").replace("云岭", "云顶", 1), encoding="utf-8")
    specifications = workshop / "config/datasets/yunling/specifications.yaml"
    said = specifications.read_text(encoding="utf-8").replace("outcome: log_gdp_per_head", "outcome: log_gdp_per_haed")
    specifications.write_text(said, encoding="utf-8")
    faults = check("yunling")
    assert len(faults) == 4, faults
    for words in ("log_gdp_per_haed", "unknown region '云顶'", "'population' has missing", "'road_length' has no row"):
        assert sum(words in fault for fault in faults) == 1, words


def test_labels_that_are_missing_are_asked_for_in_one_list(workshop: Path) -> None:
    new("yunling", workshop.parent / "tables")
    path = workshop / "config/datasets/yunling.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("  log_fiscal_spending: { en", "  log_population: { en"))]
    path.write_text("\n".join(kept), encoding="utf-8")
    tables = workshop / "config/datasets/yunling/tables.yaml"
    text = tables.read_text(encoding="utf-8")
    tables.write_text(text.replace("coagglomeration.index", "log_trade, log_wage_all"), encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace("  log_trade: { en", "  log_trad: { en"), encoding="utf-8")
    faults = check("yunling")
    assert len(faults) == 1 and "without a label: log_trade, log_fiscal_spending" in faults[0], faults


def test_a_unit_that_a_heading_contradicts_is_a_fault(workshop: Path) -> None:
    new("yunling", workshop.parent / "tables")
    path = workshop / "config/datasets/yunling.yaml"
    text = path.read_text(encoding="utf-8")
    wrong = text.replace('"在岗职工平均工资（元）", unit: "元"', '"在岗职工平均工资（元）", unit: "亿元"')
    path.write_text(wrong, encoding="utf-8")
    assert any("the unit is '亿元', but the heading says" in fault for fault in check("yunling"))
    path.write_text(text.replace('      gdp: { unit: "亿元" }', '      gdp: { unit: "元" }'), encoding="utf-8")
    assert any("the lines above the table say '亿元'" in fault for fault in check("yunling"))


def test_a_number_is_traced_to_its_table(workshop: Path) -> None:
    new("yunling", workshop.parent / "tables")
    lines = trace("baseline", "yunling")
    assert lines[0].startswith("specification 'baseline' (fixed_effects): log_gdp_per_head on coagglomeration.index")
    assert any("gdp [亿元]: data/raw/yunling/1 地区生产总值.xlsx: columns {year}年" in line for line in lines)
    assert any("measure 'coagglomeration'" in line for line in lines)
    quoted = trace("paper:patent_weight", "china_provinces", Path(__file__).resolve().parents[2])
    assert (
        quoted[0].startswith("paper/text/")
        and ", line " in quoted[0]
        and any("industrial_innovation.csv" in line for line in quoted)
    )
    with pytest.raises(RongheError, match="unknown quoted number 'patent_wieght'; did you mean 'patent_weight'"):
        trace("paper:patent_wieght", "china_provinces", Path(__file__).resolve().parents[2])


def test_the_exit_code_says_how_it_went(workshop: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["new", "yunling", str(workshop.parent / "tables")]) == 0
    assert main(["check", "yunling"]) == 0
    assert "not read: 10 面积.csv" in capsys.readouterr().out
    assert main(["check", "yunlin"]) == 1
    assert "did you mean 'yunling'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["chekc", "yunling"])
    assert ended.value.code == 2


def test_an_interruption_is_one_line(workshop: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: object) -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    monkeypatch.setattr("ronghe.command.check.check", stop)
    assert main(["check", "yunling"]) == 130
    assert capsys.readouterr().err == "interrupted: nothing half-written is left; say it again to begin anew\n"


def test_the_command_speaks_chinese_where_the_configuration_does(workshop: Path, capsys: pytest.CaptureFixture):
    path = workshop / "config/config.yaml"
    text = path.read_text(encoding="utf-8")
    assert "\nlanguage: en" in text
    path.write_text(text.replace("\nlanguage: en", "\nlanguage: zh"), encoding="utf-8")
    assert main(["new", "yunling", str(workshop.parent / "tables")]) == 0
    printed = capsys.readouterr().out
    assert "未读：10 面积.csv：没有年份列" in printed and "下一步" in printed and UNTRANSLATED["zh"] not in printed
    declared = workshop / "config/datasets/yunling.yaml"
    content = declared.read_text(encoding="utf-8").replace('      gdp: { unit: "亿元" }', '      gdp: { unit: "元" }')
    declared.write_text(content.replace("log: gdp_per_head", "log: gdp_per_haed"), encoding="utf-8")
    assert main(["check", "yunling"]) == 1
    printed = capsys.readouterr().err
    assert "未知的变量“gdp_per_haed”；是不是“gdp_per_head”？" in printed and "处错误" in printed
    assert UNTRANSLATED["zh"] not in printed


@pytest.mark.parametrize("place", ["outside", "inside"])
def test_what_was_begun_and_interrupted_is_taken_away(
    workshop: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Ctrl-C after any of the files: what stood before stands, and the same words begin anew."""
    tables = workshop.parent / "tables"
    if place == "inside":
        tables = tables.rename(workshop / "config/tables")
    command = ["new", "yunling", str(tables)]
    before = files(workshop)
    written = ("write_regions", "write_dataset", "write_stages")
    for name in (
        "shutil.copystat",
        "ronghe.command.written.write_texts",
        *(f"ronghe.command.new.{w}" for w in written),
    ):
        if place == "inside" and name == "shutil.copystat":
            continue
        interrupt_after(monkeypatch, name, command)
        assert "nothing half-written" in capsys.readouterr().err
        assert files(workshop) == before, name
    assert main(command) == 0
    made = workshop / "config/datasets/yunling"
    shutil.rmtree(made)
    before = files(workshop)
    interrupt_after(monkeypatch, "ronghe.command.new.write_texts", ["stages", "yunling"])
    assert files(workshop) == before
    assert main(["stages", "yunling"]) == 0 and made.is_dir()


def test_a_folder_that_cannot_be_used_leaves_nothing_behind(workshop: Path) -> None:
    tables, before = workshop.parent / "tables", files(workshop)
    listed = tables / "regions.csv"
    listed.write_text("region\n", encoding="utf-8")
    with pytest.raises(RongheError, match="tables/regions.csv exists already; rename it"):
        new("yunling", tables)
    listed.unlink()
    (workshop.parent / "none").mkdir()
    with pytest.raises(RongheError, match="no table could be read: the folder is empty"):
        new("yunling", workshop.parent / "none")
    assert files(workshop) == before
    assert new("yunling", tables).regions == CITIES


def files(root: Path) -> dict[str, bytes]:
    """Return every file below a folder, and what it holds."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def interrupt_after(monkeypatch: pytest.MonkeyPatch, name: str, words: list[str]) -> None:
    """Carry out a command, and press Ctrl-C where a function has just done its work once."""
    module, _, attribute = name.rpartition(".")
    real = getattr(import_module(module), attribute)

    def stopped(*given: object, **named: object) -> None:
        real(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(name, stopped)
        assert main(words) == 130


@pytest.mark.pipeline
def test_the_tutorial_runs_word_for_word(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """In English, and then in Chinese by the Chinese page, where the numbers that are made stay as they are."""
    english, chinese = tmp_path / "en", tmp_path / "zh"
    # Written once: a workbook holds the time when it was written, and a table with other bytes runs again.
    write_awkward(tmp_path / "tables")
    for root in (english, chinese):
        root.mkdir()
        shutil.copy(project / "Snakefile", root)
        for folder in ("config", "workflow", "profiles"):
            shutil.copytree(project / folder, root / folder)
        shutil.copytree(tmp_path / "tables", root / "tables")
    jobs = follow(project / "docs/own-data.md", english, "en", monkeypatch, capsys)
    assert {"build_panel", "compute_coagglomeration", "estimate_spatial", "render_tables_baseline"} <= jobs
    for made in ("data/processed", "results", ".snakemake"):
        shutil.copytree(english / made, chinese / made)
    jobs = follow(project / "docs/own-data.zh.md", chinese, "zh", monkeypatch, capsys)
    assert "render_tables_baseline" in jobs and not jobs & {"build_panel", "estimate_spatial"}


def follow(
    page: Path, root: Path, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> set[str]:
    """Carry out every command of a page of the documentation, and return the rules of which jobs ran."""
    text = page.read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"```\n(.*?)```", text, re.S) for line in block.splitlines()]
    road = ["new", "check", "--config", "trace", "trace", "trace", "trace", "compare"]
    assert [shlex.split(command)[1] for command in commands if not command.startswith("sed ")] == road
    monkeypatch.chdir(root)
    monkeypatch.setenv(VARIABLE, "en")
    environment, jobs = {**os.environ, "PYTHONPATH": str(root / "workflow/src")}, set()
    for line in commands:
        program, *words = shlex.split(line)
        if program == "snakemake":
            done = snakemake(*words, "--cores", "1", cwd=root, env=environment)
            jobs |= set(re.findall(r"^ *(?:local)?rule (\w+):", done.stdout + done.stderr, re.M))
            code, said = done.returncode, done.stdout + done.stderr
        elif program == "ronghe" and words[0] != "compare":
            code, printed = main(words), capsys.readouterr()
            said = printed.out + printed.err
        else:
            command = [program] if program == "sed" else [sys.executable, "-m", program]
            done = subprocess.run([*command, *words], cwd=root, env=environment, capture_output=True, text=True)
            code, said = done.returncode, done.stdout + done.stderr
        # Two specifications differ, and the exit code says so.
        assert code == ("compare" in words), said
        assert UNTRANSLATED["zh"] not in said
        if "new" in words:
            assert {"en": "not read: 10 面积.csv", "zh": "未读：10 面积.csv"}[language] in said
        if "--region" in words:
            place = {"en": "(云岭市 2018): ", "zh": "（云岭市 2018）："}[language]
            assert f"{place}{figures(900, 1)['云岭市', 2018]:.15g}" in said
    made = root / "paper/yunling" / language / "tables"
    assert {"main.docx", "summary.docx", "baseline.docx", "effects.docx"} <= {path.name for path in made.iterdir()}
    return jobs
