"""Unequal variances: the likelihood's rho is off, and its robust interval with it; that of instruments is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from ronghe.spatial import SpatialPanel, SpatialTwoStage
from ronghe.weights import Weights

RHO, DRAWS = 0.4, 100


def test_instruments_find_rho_where_the_likelihood_does_not():
    """Stars of six units whose centres vary six times as much: 60 x 8 in the Durbin model, 100 draws."""
    n, t = 60, 8
    dense = np.zeros((n, n))
    for centre in range(0, n, 6):
        dense[centre, centre + 1 : centre + 6] = 0.2
        dense[centre + 1 : centre + 6, centre] = 1.0
    labels = [f"u{k:02d}" for k in range(n)]
    W = Weights.from_frame(pd.DataFrame(dense, labels, labels))
    spread = np.where(np.arange(n) % 6 == 0, 3.0, 0.5)[:, None]
    index = pd.MultiIndex.from_product([labels, range(t)])
    gaps, covered = [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        x = 3 * rng.normal(size=(n, t, 2))
        e = spread * rng.normal(size=(n, t)) + rng.normal(size=(n, 1))
        y = np.linalg.solve(np.eye(n) - RHO * dense, x @ [1.0, 0.5] + 0.5 * dense @ x[:, :, 0] + e)
        data = pd.Series(y.ravel(), index, name="y"), pd.DataFrame(x.reshape(-1, 2), index, columns=["a", "b"]), W
        fits = [SpatialPanel(*data, effects="units").fit("robust")]
        fits.append(SpatialTwoStage(*data, model="sdm", effects="units").fit("robust"))
        gaps.append([fit.params["rho"] - RHO for fit in fits])
        covered.append([abs(fit.params["rho"] - RHO) < 1.96 * fit.std_errors["rho"] for fit in fits])
    bias, error = np.mean(gaps, axis=0), np.std(gaps, axis=0) / np.sqrt(DRAWS)
    likelihood, instruments = np.mean(covered, axis=0)
    assert bias[0] > 10 * error[0] and likelihood < 0.5
    assert abs(bias[1]) < 4 * error[1] and 0.88 <= instruments <= 0.99
