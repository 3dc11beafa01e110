"""Kinds of tables and figures: each that the configuration may name is a file of that name."""

from __future__ import annotations

import pytest
from ronghe.paper import draw_figure, render_table
from ronghe.yaml_files import load_yaml


@pytest.mark.parametrize(("part", "kinds"), [("tables", render_table.KINDS), ("figures", draw_figure.KINDS)])
def test_a_kind_is_a_file_of_its_name_and_the_schema_names_it(project, part, kinds):
    assert {kind: f"ronghe.paper.{part}.{kind}" for kind in kinds} == {k: f.__module__ for k, f in kinds.items()}
    schema = load_yaml(project / f"workflow/schemas/{part}.schema.yaml")
    assert set(schema["properties"][part]["additionalProperties"]["properties"]["kind"]["enum"]) == set(kinds)
