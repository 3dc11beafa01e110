"""The README and the list of exhibits: current, and nothing that is not there."""

from __future__ import annotations

import re

import pytest
from ronghe.paper.exhibit_list import list_exhibits
from ronghe.yaml_files import load_yaml


@pytest.fixture(scope="module")
def readme(project):
    return (project / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def listed(project):
    return (project / "docs/exhibits.md").read_text(encoding="utf-8")


def test_the_list_of_exhibits_is_current(project, listed):
    """If this fails, a table or figure was declared or renamed: run `python -m ronghe.paper.exhibit_list`."""
    declared = load_yaml(project / "config/tables.yaml") | load_yaml(project / "config/figures.yaml")
    assert listed == list_exhibits(declared)


def test_the_readme_shows_twelve_of_them_as_the_list_says(readme, listed):
    shown = re.findall(r"^\| .* \| `(?:tables|figures)/\w+\.\*` \|$", readme, re.M)
    assert len(set(shown)) == 12 and set(shown) <= set(listed.splitlines())


def test_every_rule_they_name_exists(readme, listed, project):
    rules = {
        name
        for path in (project / "workflow/rules").glob("*.smk")
        for name in re.findall(r"^\s*(?:use )?rule (\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    named = set(re.findall(r"\| `([a-z]+_[a-z_]+)` \|", readme + listed)) | set(re.findall(r"--forcerun (\w+)", readme))
    assert named and named <= rules


def test_every_path_it_names_exists_or_is_made(readme, project):
    made = ("paper/", "results/", "data/processed/")
    for path in re.findall(r"`((?:config|data|docs|workflow|tests)/[\w./]+)`", readme):
        if "NAME" not in path and not path.startswith(made):
            assert (project / path).exists(), path
