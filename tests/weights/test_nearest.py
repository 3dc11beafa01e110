"""Weights among all pairs cut to the nearest: the greatest weights of the full matrix, by rule for many regions."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.weights import build as building
from ronghe.weights.build import Sources, build, nearest_kept
from ronghe.weights.distance import by_distance, exponential, inverse
from ronghe.weights.economic import economic_distance
from ronghe.weights.positions import Positions

N, K = 60, 7
UNITS = [f"u{k:02d}" for k in range(N)]


def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({"longitude": rng.uniform(100, 110, N), "latitude": rng.uniform(30, 40, N)}, index=UNITS)


def greatest(full: np.ndarray, k: int) -> np.ndarray:
    """Return a matrix with the k greatest cells of each row."""
    kept = np.zeros_like(full)
    places = np.argsort(-full, axis=1)[:, :k]
    np.put_along_axis(kept, places, np.take_along_axis(full, places, axis=1), axis=1)
    return kept


@pytest.mark.parametrize("weigh", [inverse(1), inverse(2), exponential(300)])
def test_by_distance_the_nearest_are_the_greatest_of_all_pairs(weigh):
    places = Positions.from_table(table())
    near = by_distance(places, weigh, nearest=K).sparse.toarray()
    np.testing.assert_allclose(near, greatest(by_distance(places, weigh).sparse.toarray(), K), rtol=1e-12)


def test_a_cut_off_holds_among_the_nearest_too():
    places = Positions.from_table(table())
    near = by_distance(places, inverse(1), 200.0, nearest=K).sparse.toarray()
    np.testing.assert_allclose(near, greatest(by_distance(places, inverse(1), 200.0).sparse.toarray(), K), rtol=1e-12)


@pytest.mark.parametrize("k", [1, K, N - 2, N - 1, N + 5])
def test_by_likeness_the_nearest_are_the_greatest_of_all_pairs(k):
    size = pd.Series(np.random.default_rng(5).lognormal(size=N), UNITS, name="income")
    near = economic_distance(size, nearest=k).sparse.toarray()
    np.testing.assert_allclose(near, greatest(economic_distance(size).sparse.toarray(), k), rtol=1e-12)


def test_two_of_the_same_value_are_refused_with_and_without_a_limit():
    size = pd.Series([1.0, 2.0, 2.0, 5.0, 9.0], list("abcde"), name="income")
    for nearest in (None, 2):
        with pytest.raises(RongheError, match="same value of income.*b and c"):
            economic_distance(size, nearest=nearest)


def test_many_regions_keep_the_nearest_and_it_is_said(monkeypatch, caplog):
    monkeypatch.setattr(building, "MANY_REGIONS", 50)
    monkeypatch.setattr(building, "KEPT", K)
    sources = Sources(table())
    with caplog.at_level(logging.WARNING):
        W, facts = build("inverse", {"kind": "inverse_distance"}, sources)
    assert (np.diff(W.sparse.indptr) == K).all() and W.is_row_standardised
    assert facts["notes"] == ["inverse: 60 regions, of which each keeps the 7 nearest; nearest: all keeps all"]
    assert facts["notes"][0] in caplog.text
    for entry, edges in (({"nearest": "all"}, N * (N - 1)), ({"nearest": 3}, 3 * N)):
        W, facts = build("inverse", {"kind": "inverse_distance", **entry}, sources)
        assert W.sparse.nnz == edges and "notes" not in facts


def test_only_kinds_among_all_pairs_are_cut():
    assert nearest_kept({"kind": "inverse_distance"}, 1000) is None
    assert nearest_kept({"kind": "economic"}, 1001) == building.KEPT
    assert nearest_kept({"kind": "exponential", "cutoff_km": 300.0}, 5000) is None
    assert nearest_kept({"kind": "contiguity"}, 5000) is None
