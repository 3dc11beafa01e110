"""The README and the list of exhibits: current, and nothing that is not there."""

from __future__ import annotations

import re

import pytest
from ronghe.models.kinds import KINDS
from ronghe.paper.declaration import sections
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


def test_the_readme_is_one_screen_whose_links_hold(readme, project):
    assert len(readme.splitlines()) <= 60
    for target in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (project / target).exists(), target


def test_every_rule_they_name_exists(listed, project):
    pages = "".join(path.read_text(encoding="utf-8") for path in (project / "docs").glob("*.md"))
    rules = {
        name
        for path in (project / "workflow/rules").glob("*.smk")
        for name in re.findall(r"^\s*(?:use )?rule (\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    rules |= {f"estimate_{kind}" for kind in KINDS}
    for part, rule in (("tables", "render_tables"), ("figures", "draw_figures")):
        rules |= {f"{rule}_{section}" for section in sections(load_yaml(project / f"config/{part}.yaml")[part])}
    named = set(re.findall(r"\| `([a-z]+_[a-z_]+)` \|", listed)) | set(re.findall(r"--forcerun ([a-z_]+)", pages))
    assert named and named <= rules


def test_every_path_they_name_exists_or_is_made(readme, project):
    made = ("paper/", "results/", "data/processed/", "docs/_build", "config/datasets/yunling", "data/raw/yunling")
    readme += "".join(path.read_text(encoding="utf-8") for path in (project / "docs").glob("*.md"))
    for path in re.findall(r"`((?:config|data|docs|workflow|tests)/[\w./]+)`", readme):
        if not re.search("[A-Z]{4}|名称", path) and not path.startswith(made):
            assert (project / path).exists(), path
