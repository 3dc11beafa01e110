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


@pytest.mark.parametrize("model", ["ols", "slx", "sar", "sdm", "sem", "sdem"])
@pytest.mark.parametrize("effects", ["twoways", "units", "pooled"])
def test_all_deals_at_once_are_the_fits_with_the_names_of_the_weights_moved(model, effects):
    data = spatial_data(1, rho=0.5, theta=0.8)
    data.panel["z"] = np.random.default_rng(2).normal(size=len(data.panel))
    method = "lsdv" if effects == "pooled" else "lee_yu"
    base = with_defaults(SDM | {"model": model, "effects": effects, "method": method, "controls": ["z"]})
    watched = watch(base, fit_base(base, data))
    rng, other = np.random.default_rng(9), np.random.default_rng(9)
    for quick in Relabelled.of(base, data).estimates(rng, watched, 3):
        slow = watch(base, fit_base(base, shuffled(data, base, "weights", other)))
        assert list(quick) == list(slow)
        np.testing.assert_allclose(list(quick.values()), [row["estimate"] for row in slow.values()], rtol=1e-8)


def test_models_without_a_batch_form_are_fitted_one_by_one():
    data = spatial_data(1, rho=0.5, theta=0.8)
    for changes in ({"model": "sarar"}, {"durbin": ["x"]}, {"effects": "twoways", "method": "bias_corrected"}):
        assert Relabelled.of(with_defaults(SDM | changes), data) is None
    entry = {"name": "t", "kind": "placebo", "of": SDM | {"durbin": ["x"]}, "shuffle": "weights", "repetitions": 9}
    whole = fit(entry, data)
    entry["of"] = SDM
    np.testing.assert_allclose(
        whole.tables["draws"]["estimate"], fit(entry, data).tables["draws"]["estimate"], rtol=1e-8
    )
