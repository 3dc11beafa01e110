"""Spatial dependence: every variable, pair and year under every weights matrix, once."""

from __future__ import annotations

import pytest
from ronghe.errors import RongheError
from ronghe.explore.dependence import measure_dependence

YEARS = [2000, 2001, 2002]


def test_dependence_under_every_matrix(grid_panel):
    panel, weights = grid_panel
    found = measure_dependence(panel, weights, ["y", "x"], pairs=[("y", "x")], permutations=99)
    keys = ["weights", "variable", "statistic", "year"]
    assert len(found["global"]) == 2 * 2 * 3 * 3 and not found["global"].duplicated(keys).any()
    both = found["bivariate"]
    assert sorted(zip(both["weights"], both["lag"], both["year"], strict=True)) == sorted(
        (w, lag, year) for w in weights for lag in (0, 1) for year in YEARS[lag:]
    )


def test_no_pairs_give_an_empty_table_with_its_heading(grid_panel):
    panel, weights = grid_panel
    found = measure_dependence(panel, weights, ["y"], permutations=99)["bivariate"]
    assert found.empty and list(found)[:4] == ["weights", "first", "second", "lag"]


def test_no_permutations_are_refused_and_not_taken_for_the_default(grid_panel):
    with pytest.raises(RongheError, match="permutations"):
        measure_dependence(*grid_panel, ["x"], permutations=0)
