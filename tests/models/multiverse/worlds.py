"""A made-up panel of twenty regions with its weights, and a small multiverse on it."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pandas as pd
from ronghe.models.estimate import Data
from ronghe.models.multiverse.declaration import Multiverse
from ronghe.weights.matrix import Weights

REGIONS = [f"region {k:02d}" for k in range(20)]
YEARS = list(range(2001, 2007))
INDEX = pd.MultiIndex.from_product([REGIONS, YEARS], names=["region", "year"])
ENTRY = {
    "treatments": ["service", "trade"],
    "outcomes": ["quality", {"log": "output"}],
    "controls": {"always": ["income"], "choose": ["roads", "schools", "towns"]},
    "weights": ["ring", "pairs"],
    "models": ["ols", "sar", "sdm"],
    "samples": ["all", "late"],
    "winsorise": [0, 0.05],
    "agreement": {"refits": 12, "tolerance": 1e-8},
    "joint_test": {"specifications": 30, "draws": 70, "nulls": ["permuted", "wild"]},
}
SAMPLES = {"late": {"years": [2002, 2006]}}


@cache
def ring(step: int, name: str) -> Weights:
    """Neighbours one and `step` places on, either way."""
    n = len(REGIONS)
    pairs = {(i, (i + s) % n) for i in range(n) for s in (1, step)}
    edges = [(REGIONS[a], REGIONS[b], 1.0 + 0.1 * (a % 3)) for pair in pairs for a, b in (pair, pair[::-1])]
    frame = pd.DataFrame(edges, columns=["focal", "neighbor", "weight"])
    return Weights.from_edges(frame, name=name).standardise("row")


def world(seed: int = 1, effect: float = 0.0) -> Data:
    """Return a panel in which the treatment `service` moves quality by `effect`, here and next door."""
    rng = np.random.default_rng(seed)
    n, t = len(REGIONS), len(YEARS)
    names = ["service", "trade", "income", "roads", "schools", "towns"]
    X = rng.standard_normal((n, t, 6)) + rng.standard_normal((n, 1, 6))
    W = ring(3, "ring").align(REGIONS)
    mean = X @ [effect, 0.0, 0.5, -0.3, 0.2, 0.0] + W.sparse @ (X[:, :, 0] * effect)
    e = rng.standard_normal((n, t)) + rng.standard_normal((n, 1)) + rng.standard_normal((1, t))
    quality = np.linalg.solve(np.eye(n) - 0.3 * W.sparse.toarray(), mean + e)
    panel = pd.DataFrame(X.reshape(-1, 6), INDEX, names)
    panel["quality"] = quality.reshape(-1)
    panel["output"] = np.exp(0.5 * panel["quality"] + 0.3 * rng.standard_normal(len(panel)))
    return Data(panel=panel, weights={"ring": ring(3, "ring"), "pairs": ring(7, "pairs")})


def declared(**changes: object) -> Multiverse:
    """Return the small multiverse with some keys changed."""
    return Multiverse.of({"multiverse": {**copy.deepcopy(ENTRY), **changes}, "seed": 7})


def samples(multiverse: Multiverse) -> dict[str, dict]:
    """Return the rules of the samples that a multiverse names."""
    return {name: SAMPLES.get(name, {}) for name in multiverse.levels("sample")}
