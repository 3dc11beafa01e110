"""Local clusters: every variable, region and year under every weights matrix, once."""

from __future__ import annotations

from ronghe.explore.local_dependence import find_clusters


def test_clusters_under_every_matrix(grid_panel):
    panel, weights = grid_panel
    found = find_clusters(panel, weights, ["y", "x"], permutations=99)
    assert not found["local"].duplicated(["weights", "variable", "region", "year"]).any()
    assert len(found["local"]) == 2 * 2 * 16 * 3
    moves = found["transitions"].groupby(["weights", "variable", "labels"])["moves"].sum()
    assert (moves == 16 * 2).all() and len(moves) == 2 * 2 * 3
