"""Tests of the benchmark: both programs are timed on the same estimate, and large routes say what they estimate."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.models import SpatialPanel, traces
from ronghe.models.benchmark import measure, nearest_neighbours, peer, simulated_panel


def test_the_peer_estimates_the_same_model():
    """spreg's one-way lag model with WX given to it is our SDM with unit effects and dummies."""
    n, t = 40, 6
    W = nearest_neighbours(n)
    y, X = simulated_panel(n, t, W)
    ours = SpatialPanel(y, X, W, model="sdm", effects="units", method="lsdv").fit()
    theirs = peer(y, X, W, n, t)()
    np.testing.assert_allclose(theirs.betas.ravel(), ours.params.iloc[:-1], atol=2e-6)


def test_rows_of_one_size():
    rows = measure(40, 5, 100)
    assert {row["program"] for row in rows} == {"ronghe", "spreg"}
    assert all(row["seconds"] >= row["seconds_best"] > 0 for row in rows)


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
