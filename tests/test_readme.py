"""The README names every exhibit, and nothing that is not there."""

from __future__ import annotations

import re

import pytest
from ronghe.yaml_files import load_yaml


@pytest.fixture(scope="module")
def readme(project):
    return (project / "README.md").read_text(encoding="utf-8")


def test_every_exhibit_is_listed_and_no_other(readme, project):
    declared = load_yaml(project / "config/tables.yaml")
    expected = {f"tables/{name}" for name in declared["tables"]} | {f"figures/{name}" for name in declared["figures"]}
    assert set(re.findall(r"`paper/((?:tables|figures)/\w+)\.\*`", readme)) == expected


def test_every_rule_it_names_exists(readme, project):
    rules = {
        name
        for path in (project / "workflow/rules").glob("*.smk")
        for name in re.findall(r"^\s*(?:use )?rule (\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    named = set(re.findall(r"\| `([a-z]+_[a-z_]+)` \|", readme)) | set(re.findall(r"--forcerun (\w+)", readme))
    assert named and named <= rules


def test_every_path_it_names_exists_or_is_made(readme, project):
    made = ("paper/", "results/", "data/processed/")
    for path in re.findall(r"`((?:config|data|workflow|tests)/[\w./]+)`", readme):
        if "NAME" not in path and not path.startswith(made):
            assert (project / path).exists(), path
