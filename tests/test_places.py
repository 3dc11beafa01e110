"""Where the outputs of a dataset lie, and which names of files the configuration may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from ronghe.errors import RongheError
from ronghe.places import folders, placed, require_inside, require_made, stored

NAMED = folders("cities", "zh")


def test_datasets_and_languages_share_no_folder() -> None:
    other = [folders("states", "zh"), folders("cities", "en")]
    assert not set(NAMED.values()) & set(other[0].values())
    assert NAMED["paper"] != other[1]["paper"] and NAMED["results"] == other[1]["results"] == "results/cities"


def test_names_become_paths_wherever_they_stand() -> None:
    given = {"a": ["<results>/x.csv", "data/raw/y.csv"], "b": "<processed>/panel.parquet"}
    assert placed(given, NAMED) == {
        "a": ["results/cities/x.csv", "data/raw/y.csv"],
        "b": "data/processed/cities/panel.parquet",
    }
    assert placed(stored("processed/flags.csv"), NAMED) == "data/processed/cities/flags.csv"
    assert placed(stored("models/a/tests.csv"), NAMED) == "results/cities/models/a/tests.csv"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("../../secret.csv", "leads out of its folder"),
        ("measures/../../../secret.csv", "leads out of its folder"),
        ("measures\\..\\secret.csv", "leads out of its folder"),
        ("/etc/passwd.csv", "absolute path"),
        ("C:/secret.csv", "absolute path"),
        ("~/secret.csv", "absolute path"),
        ("results/cities/x.csv", "starts with 'results'"),
    ],
)
def test_a_file_outside_the_results_is_refused(file: str, said: str) -> None:
    with pytest.raises(RongheError, match=f"tables.a.file: .*{said}"):
        require_inside(file, "tables.a.file", NAMED)


def test_a_link_that_leads_out_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project/results/cities").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    (tmp_path / "project/results/cities/out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RongheError, match="leads by a link to .*, outside the project"):
        require_inside("out/x.csv", "quotes.cells.a.file", NAMED)
    require_inside("measures/a/panel.csv", "quotes.cells.a.file", NAMED)


def test_results_of_another_dataset_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = stored("datasets/china/multiverse/summary.csv")
    assert path == "results/china/multiverse/summary.csv"
    with pytest.raises(RongheError, match=f"make it first: snakemake --config dataset=china -- {path}"):
        require_made(["<results>/x.csv", path], "tables.both")
    Path(path).parent.mkdir(parents=True)
    Path(path).write_text("a\n1\n")
    assert require_made([path], "tables.both") == [path]
