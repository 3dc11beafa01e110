"""The archive for a data editor: what is in it, that it is the same each time, and that hashes tell a change."""

from __future__ import annotations

import re
import shutil
import zipfile

import pytest
from ronghe.errors import RongheError
from ronghe.paper.archive import MANIFEST, README, archive_files, main, pack, verify

JOB = "s\tmax_rss\n12.5\t340.0\n"
MADE = {
    "data/processed/china_provinces/panel.parquet": "panel",
    "paper/china_provinces/en/paper.pdf": "paper",
    "results/china_provinces/table.csv": "page",
    "results/china_provinces/logs/clean/build_panel.log": "said",
    "results/scratch/x": "left",
    "results/china_provinces/benchmarks/clean/build_panel.tsv": JOB,
    "workflow/src/ronghe/__pycache__/x.pyc": "cache",
}


@pytest.fixture
def finished(project, tmp_path):
    """Return a copy of the project's configuration and raw data with stand-ins for results."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("pyproject.toml", "constraints.txt", "Snakefile", "LICENSE", "Makefile", "README.md"):
        shutil.copy(project / name, root)
    for folder in ("config", "docs", "data/raw"):
        shutil.copytree(project / folder, root / folder)
    for name, text in MADE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_what_is_in_it(finished):
    names = archive_files(finished)
    assert {
        "Snakefile",
        "config/config.yaml",
        "data/raw/SHA256SUMS",
        "data/processed/china_provinces/panel.parquet",
    } <= set(names)
    assert not [
        name for name in names if "logs" in name or "scratch" in name or "pycache" in name or "/benchmarks/" in name
    ]
    assert names == sorted(names)


def test_packed_twice_it_is_the_same_and_unpacked_it_verifies(finished, tmp_path, monkeypatch, capsys):
    one = pack(finished, tmp_path / "one")
    assert one.read_bytes() == pack(finished, tmp_path / "two").read_bytes()
    with zipfile.ZipFile(one) as archive:
        archive.extractall(tmp_path / "unpacked")
    (root,) = (tmp_path / "unpacked").iterdir()
    found = verify(root)
    assert found["same"] == archive_files(finished) and not found["different"] and not found["missing"]
    (root / "results/china_provinces/table.csv").write_text("changed", encoding="utf-8")
    (root / "paper/china_provinces/en/paper.pdf").unlink()
    monkeypatch.chdir(root)
    assert main(["verify"]) == 1
    told = capsys.readouterr().out
    assert (
        "different: results/china_provinces/table.csv\nmissing: paper/china_provinces/en/paper.pdf\n" in told
        and MANIFEST in told
    )


def test_readme_follows_the_template(finished, tmp_path):
    with zipfile.ZipFile(pack(finished, tmp_path)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(README)]
        readme = archive.read(name).decode()
    headings = [
        *("Overview", "Data Availability and Provenance Statements", "Statement about Rights", "Dataset list"),
        *("Computational requirements", "Controlled Randomness", "Memory, Runtime, Storage Requirements"),
        *("Description of programs/code", "Instructions to Replicators", "List of tables and programs", "References"),
    ]
    for heading in headings:
        assert re.search(rf"^##+ {re.escape(heading)}$", readme, re.M), heading
    assert "| `data/raw/us_states/borders.csv` | `data/raw/us_states/SOURCES.md` | yes |" in readme
    assert "| clean | 1 | 12 | 340 |" in readme and "20201231" in readme and "`render_tables_data`" in readme
    assert not re.search(r"\{\w+\}", readme)


def test_without_results_it_says_what_to_run(finished, tmp_path):
    (finished / "paper/china_provinces/en/paper.pdf").unlink()
    with pytest.raises(RongheError, match=r"paper/china_provinces/en/paper.pdf is not there.*run 'make' first"):
        pack(finished, tmp_path)
    with pytest.raises(RongheError, match="write 'pack' or 'verify'"):
        main(["unpack"])
