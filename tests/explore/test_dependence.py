"""What one entry of the configuration yields: every variable, pair, year, kind of effects and W, once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.explore.dependence import measure_dependence
from ronghe.explore.local_dependence import find_clusters
from ronghe.explore.residual_tests import examine_residuals
from ronghe.spatial.choice.lagrange import EFFECTS, fit_within, lm_tests
from ronghe.weights import Weights
from ronghe.weights.contiguity import from_grid

YEARS = [2000, 2001, 2002]


@pytest.fixture(scope="module")
def data():
    labels = tuple(f"u{i:02d}" for i in range(16))
    weights = {rule: Weights(labels, from_grid(4, 4, rule).sparse).standardise("row") for rule in ("rook", "queen")}
    index = pd.MultiIndex.from_product([labels, YEARS], names=["region", "year"])
    panel = pd.DataFrame(np.random.default_rng(0).normal(size=(48, 3)) + 6, index=index, columns=["y", "x", "z"])
    return panel, weights


def test_dependence_under_every_matrix(data):
    panel, weights = data
    found = measure_dependence(panel, weights, ["y", "x"], pairs=[("y", "x")], permutations=99)
    keys = ["weights", "variable", "statistic", "year"]
    assert len(found["global"]) == 2 * 2 * 3 * 3 and not found["global"].duplicated(keys).any()
    both = found["bivariate"]
    assert sorted(zip(both["weights"], both["lag"], both["year"], strict=True)) == sorted(
        (w, lag, year) for w in weights for lag in (0, 1) for year in YEARS[lag:]
    )


def test_no_pairs_give_an_empty_table_with_its_heading(data):
    panel, weights = data
    found = measure_dependence(panel, weights, ["y"], permutations=99)["bivariate"]
    assert found.empty and list(found)[:4] == ["weights", "first", "second", "lag"]


def test_clusters_under_every_matrix(data):
    panel, weights = data
    found = find_clusters(panel, weights, ["y", "x"], permutations=99)
    assert not found["local"].duplicated(["weights", "variable", "region", "year"]).any()
    assert len(found["local"]) == 2 * 2 * 16 * 3
    moves = found["transitions"].groupby(["weights", "variable", "labels"])["moves"].sum()
    assert (moves == 16 * 2).all() and len(moves) == 2 * 2 * 3


def test_residuals_under_every_matrix_and_kind_of_effects(data):
    panel, weights = data
    found = examine_residuals(panel, weights, "y", ["x", "z"], method="lee_yu")
    lagrange = found["lagrange"].set_index(["weights", "effects", "test"])["statistic"]
    assert len(lagrange) == 2 * len(EFFECTS) * 5
    alone = lm_tests(panel["y"], panel[["x", "z"]], weights["queen"], "time", "lee_yu").set_index("test")["statistic"]
    assert lagrange["queen", "time", "lm_lag"] == alone["lm_lag"]
    assert len(found["moran"]) == 2 * len(EFFECTS) and len(found["cross_section"]) == 2 * len(EFFECTS) * 2


def test_residuals_by_unit_and_period_keep_their_places(data):
    panel, weights = data
    shuffled = weights["rook"].align(weights["rook"].labels[::-1])
    e = fit_within(panel["y"], panel[["x", "z"]], shuffled, "units").series()
    same = fit_within(panel["y"], panel[["x", "z"]], weights["rook"], "units").series()
    pd.testing.assert_series_equal(e.loc[same.index], same)
    assert e.groupby(level=0).mean().abs().max() < 1e-12
