"""A small panel on a grid of sixteen regions, under two weights matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.weights import Weights
from ronghe.weights.contiguity import from_grid


@pytest.fixture(scope="module")
def grid_panel():
    labels = tuple(f"u{i:02d}" for i in range(16))
    weights = {rule: Weights(labels, from_grid(4, 4, rule).sparse).standardise("row") for rule in ("rook", "queen")}
    index = pd.MultiIndex.from_product([labels, range(2000, 2003)], names=["region", "year"])
    panel = pd.DataFrame(np.random.default_rng(0).normal(size=(48, 3)) + 6, index=index, columns=["y", "x", "z"])
    return panel, weights
