"""Tests of the benchmark: both programs are timed on the same estimate, and large routes say what they estimate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.spatial import SpatialPanel
from ronghe.spatial.log_determinant import traces

from benchmarks import timing
from benchmarks.engine import measure_size, nearest_neighbours, random_graph, simulated_panel, spreg_peer


def test_the_peer_estimates_the_same_model():
    """spreg's one-way lag model with WX given to it is our SDM with unit effects and dummies."""
    n, t = 40, 6
    W = nearest_neighbours(n)
    y, X = simulated_panel(n, t, W)
    ours = SpatialPanel(y, X, W, model="sdm", effects="units", method="lsdv").fit()
    theirs = spreg_peer(y, X, W, n, t).work()
    np.testing.assert_allclose(theirs.betas.ravel(), ours.params.iloc[:-1], atol=2e-6)


def test_rows_of_one_size():
    rows = measure_size(40, 5, nearest_neighbours(40))
    assert [row["task"] for row in rows] == ["from data and W", "after set-up"]
    for row in rows:
        assert row["seconds"] >= row["best"] > 0 and row["cpu"] > 0
        assert row["times_faster"] == pytest.approx(row["peer_seconds"] / row["best"])
    alone = measure_size(700, 3, random_graph(700), "series", peer_limit=0)
    assert "peer" not in alone[0] and "by probes" in alone[0]["task"]


def test_record_keeps_sizes_that_were_not_measured(tmp_path):
    path = tmp_path / "a" / "b.csv"
    timing.record([timing.measure("x", "1", lambda: None), timing.measure("x", "2", lambda: None)], path)
    fresh = timing.measure("y", "2", lambda: None, 3, timing.Peer("numpy", "nothing", lambda: None))
    timing.record([fresh], path, keep=True)
    table = pd.read_csv(path).set_index("size")
    assert table["task"].to_dict() == {1: "x", 2: "y"}
    assert table.loc[2, "peer"] == "numpy" and pd.isna(table.loc[1, "peer"])


def test_estimated_traces_are_said(monkeypatch):
    W = nearest_neighbours(700)
    y, X = simulated_panel(700, 4, W)
    exact = SpatialPanel(y, X, W).fit()
    assert exact.notes == ()
    monkeypatch.setattr(traces, "LARGE_FACTOR", 0)
    monkeypatch.setattr(traces, "MANY_SOLVES", 0)
    probed = SpatialPanel(y, X, W).fit()
    assert "estimated by probes" in probed.notes[0]
    np.testing.assert_allclose(probed.std_errors, exact.std_errors, rtol=5e-3)
    np.testing.assert_allclose(probed.params, exact.params, rtol=1e-9)
    assert probed.std_errors["x0"] == pytest.approx(exact.std_errors["x0"], rel=1e-3)
    # The Hessian needs no estimated trace.
    left, right = (result.with_covariance("observed").cov for result in (probed, exact))
    np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-9)
