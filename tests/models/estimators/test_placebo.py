"""Placebos: shuffled weights and treatments find nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import null_panel
from ronghe.models.estimate import Data, with_defaults
from ronghe.models.estimate import run as fit
from ronghe.models.estimators.leave_one_out import fit_base, watch
from ronghe.models.estimators.placebo import Relabelled, shuffled
from ronghe.weights import Weights


def member(name: str, **changes: object) -> dict:
    base = {"name": name, "kind": "fixed_effects", "outcome": "y", "treatment": name, "controls": []}
    return base | {"effects": "twoways"} | changes


def spatial_data(seed: int, rho: float, theta: float) -> Data:
    rng = np.random.default_rng(seed)
    n, T = 30, 8
    labels = [f"r{i:02d}" for i in range(n)]
    order = rng.permutation(n)
    edges = [(labels[order[i]], labels[order[(i + s) % n]], 0.5) for i in range(n) for s in (-1, 1)]
    W = Weights.from_edges(pd.DataFrame(edges, columns=["focal", "neighbor", "weight"]), labels=labels)
    dense = W.sparse.toarray()
    x = rng.normal(size=(T, n))
    y = np.linalg.solve(np.eye(n) - rho * dense, (x + theta * x @ dense.T + rng.normal(size=(T, n))).T).T
    index = pd.MultiIndex.from_product([range(2001, 2001 + T), labels], names=["year", "region"])
    frame = pd.DataFrame({"y": y.ravel(), "x": x.ravel()}, index=index).swaplevel().sort_index()
    return Data(frame, weights={"ring": W}, seed=seed)


SDM = {"name": "sdm", "kind": "spatial", "outcome": "y", "treatment": "x", "controls": [], "weights": "ring"}


def test_shuffled_weights_lose_the_neighbours():
    entry = {"name": "t", "kind": "placebo", "of": SDM, "shuffle": "weights", "repetitions": 59}
    tests = fit(entry, spatial_data(1, rho=0.5, theta=0.8)).tests.set_index("test")["pvalue"]
    assert tests["placebo: rho"] == pytest.approx(1 / 60) and tests["placebo: indirect: x"] == pytest.approx(1 / 60)
    none = fit(entry, spatial_data(3, rho=0.0, theta=0.0)).tests.set_index("test")["pvalue"]
    assert none["placebo: rho"] > 0.05


def test_shuffled_treatment_is_no_treatment(kernel_fits):
    entry = {"name": "t", "kind": "placebo", "of": member("x0"), "shuffle": "treatment", "repetitions": 99}
    assert fit(entry, Data(null_panel(effect=0.5), seed=1)).tests["pvalue"].iloc[0] == pytest.approx(0.01)
    assert fit(entry, Data(null_panel(seed=8), seed=1)).tests["pvalue"].iloc[0] > 0.05


def test_moving_the_data_is_moving_the_names_of_the_weights():
    data, base = spatial_data(1, rho=0.5, theta=0.8), with_defaults(SDM)
    watched = watch(base, fit_base(base, data))
    quick = Relabelled.of(base, data).estimates(np.random.default_rng(9), watched)
    slow = watch(base, fit_base(base, shuffled(data, base, "weights", np.random.default_rng(9))))
    assert list(quick) == list(slow) == ["x", "rho", "direct: x", "indirect: x", "total: x"]
    np.testing.assert_allclose(list(quick.values()), [row["estimate"] for row in slow.values()], rtol=1e-8)
