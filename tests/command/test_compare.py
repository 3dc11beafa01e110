"""Two runs, two specifications and two commits set side by side: which numbers moved, and because of which input."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from command.awkward import write_awkward
from ronghe.__main__ import main
from ronghe.command import commits
from ronghe.command.compare import compare, compare_folders
from ronghe.command.new import new
from ronghe.errors import RongheError

from tests.snakemake_runs import start_no_snakemake

WANTED = [
    "models/baseline/coefficients.csv: x: estimate 0.5 -> 0.75 (50.00%)",
    "models/baseline/fit.json: hashes.panel: x1 -> x2",
    "a: 2 files in both, 2 differ",
]


def write_fit(folder: Path, value: float, panel: str) -> None:
    folder.mkdir(parents=True)
    (folder / "coefficients.csv").write_text(f"term,estimate,pvalue\nx,{value},0.01\nz,1.5,0.2\n", encoding="utf-8")
    text = f'{{"n": 5, "hashes": {{"panel": "{panel}"}}, "written": {{"coefficients.csv": "{value}"}}}}'
    (folder / "fit.json").write_text(text, encoding="utf-8")


def test_two_runs_are_compared_number_by_number(tmp_path: Path) -> None:
    for name, value, panel in (("a", 0.5, "x1"), ("b", 0.75, "x2")):
        write_fit(tmp_path / name / "models/baseline", value, panel)
    found = compare_folders(tmp_path / "a", tmp_path / "b")
    assert found.lines == WANTED and found.differing == 2
    same = compare_folders(tmp_path / "a", tmp_path / "a")
    assert same.lines == ["a: 2 files in both, 0 differ"] and same.differing == 0


def test_two_specifications_are_compared_by_their_names(workshop: Path, capsys: pytest.CaptureFixture) -> None:
    models = workshop / "results/china_provinces/models"
    for name, value in (("baseline", 0.5), ("other", 0.75)):
        write_fit(models / name, value, "same")
    assert main(["compare", "baseline", "other"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "coefficients.csv: x: estimate 0.5 -> 0.75 (50.00%)"
    assert main(["compare", "baseline", "baseline"]) == 0
    assert main(["compare", "results/china_provinces", "results/china_provinces"]) == 0
    with pytest.raises(RongheError, match="othr: no folder of results.* did you mean 'other'"):
        compare("baseline", "othr")


@pytest.mark.pipeline
def test_a_commit_is_compared_with_the_project_as_it_is(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    for part in ("config", "workflow", "profiles", "Snakefile"):
        copy = shutil.copytree if (project / part).is_dir() else shutil.copy
        copy(project / part, root / part)
    write_awkward(tmp_path / "tables")
    monkeypatch.chdir(root)
    new("yunling", tmp_path / "tables")
    (root / ".gitignore").write_text("/results\n/paper\n/data/processed\n.snakemake\n__pycache__\n", encoding="utf-8")

    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "before")
    wages = root / "data/raw/yunling/9 公路.csv"
    text = wages.read_text(encoding="utf-8").splitlines()
    row = text[1].split(";")
    wages.write_text("\n".join([text[0], ";".join([*row[:2], str(int(row[2]) + 500)]), *text[2:]]), encoding="utf-8")
    git("commit", "-qam", "after")
    start_no_snakemake(monkeypatch, commits)
    target = "data/processed/yunling/series.csv"
    found = compare("HEAD~1", "HEAD", dataset="yunling", target=target, scratch=str(tmp_path / "kept"))
    assert found.lines[0] == "input changed: data/raw/yunling/9 公路.csv" and found.differing > 0
    moved = [line for line in found.lines if line.startswith("series.csv: road_length")]
    before = int(row[2])
    assert moved == [f"series.csv: road_length, {row[0]}, {row[1]}, True: value {before:.6g} -> {before + 500:.6g} "
                     f"({500 / before:.2%})"]  # fmt: skip
    assert compare("HEAD", "HEAD", "yunling", target, str(tmp_path / "kept")).differing == 0
