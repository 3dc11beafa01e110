"""Residual tests: every kind of effects under every weights matrix; residuals keep their places."""

from __future__ import annotations

import pandas as pd
from ronghe.explore.residual_tests import examine_residuals
from ronghe.spatial.choice.lagrange import EFFECTS, fit_within, lm_tests


def test_residuals_under_every_matrix_and_kind_of_effects(grid_panel):
    panel, weights = grid_panel
    found = examine_residuals(panel, weights, "y", ["x", "z"], method="lee_yu")
    lagrange = found["lagrange"].set_index(["weights", "effects", "test"])["statistic"]
    assert len(lagrange) == 2 * len(EFFECTS) * 5
    alone = lm_tests(panel["y"], panel[["x", "z"]], weights["queen"], "time", "lee_yu").set_index("test")["statistic"]
    assert lagrange["queen", "time", "lm_lag"] == alone["lm_lag"]
    assert len(found["moran"]) == 2 * len(EFFECTS) and len(found["cross_section"]) == 2 * len(EFFECTS) * 2


def test_residuals_by_unit_and_period_keep_their_places(grid_panel):
    panel, weights = grid_panel
    shuffled = weights["rook"].align(weights["rook"].labels[::-1])
    e = fit_within(panel["y"], panel[["x", "z"]], shuffled, "units").series()
    same = fit_within(panel["y"], panel[["x", "z"]], weights["rook"], "units").series()
    pd.testing.assert_series_equal(e.loc[same.index], same)
    assert e.groupby(level=0).mean().abs().max() < 1e-12
