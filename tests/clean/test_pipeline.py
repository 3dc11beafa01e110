"""A user's own folder of raw tables through Snakemake itself: one more YAML file, or one clear message."""

from __future__ import annotations

import os
import shutil

import pytest
import yaml
from ronghe.frames import read_csv, read_panel
from tiny_dataset import write_tiny

from tests.snakemake_runs import snakemake

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, project):
    """Return a copy of the workflow whose only data are those of the tiny dataset."""
    root = tmp_path_factory.mktemp("workshop")
    shutil.copy(project / "Snakefile", root)
    for folder in ("config", "workflow", "profiles"):
        shutil.copytree(project / folder, root / folder)
    declared = write_tiny(root)
    del declared["name"]
    # An empty folder of its name: the dataset brings no measures and no models.
    (root / "config/datasets/tiny").mkdir()
    (root / "config/datasets/tiny.yaml").write_text(yaml.safe_dump(declared, allow_unicode=True), encoding="utf-8")
    return root


def clean(root):
    return snakemake(
        *("clean", "--cores", "1", "--config", "dataset=tiny"),
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "workflow/src")},
    )


def test_own_folder_is_one_more_yaml_file(workshop):
    run = clean(workshop)
    assert run.returncode == 0, run.stderr
    panel = read_panel(workshop / "data/processed/tiny/panel.parquet")
    assert panel.shape == (9, 9) and panel.at[("South", 2021), "wage"] == 40000
    assert set(read_csv(workshop / "data/processed/tiny/codebook.csv")["variable"]) == set(panel)
    assert set(read_csv(workshop / "data/processed/tiny/jobs.csv")["sector"]) == {"farms", "shops"}
    assert "Nothing to be done" in clean(workshop).stderr


def test_a_faulty_declaration_ends_the_run_before_any_job(workshop):
    path = workshop / "config/datasets/tiny.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("skip_rows", "skip_row"), encoding="utf-8")
    run = clean(workshop)
    path.write_text(text, encoding="utf-8")
    assert run.returncode == 1
    assert "tiny.yaml: tables.population: unknown key 'skip_row'; did you mean 'skip_rows'?" in run.stderr
    assert "rule build_panel" not in run.stderr
