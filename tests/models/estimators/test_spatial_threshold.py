"""A threshold in a spatial panel: the engine's likelihood at every candidate, known truth, size and power."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.linear import threshold_regions
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit
from ronghe.models.estimators import spatial_threshold
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.weights import Weights


def simulated(seed: int, jump: float, rho: float = 0.4, n: int = 30, T: int = 8) -> Data:
    rng = np.random.default_rng(seed)
    labels = [f"r{i:02d}" for i in range(n)]
    edges = [(labels[i], labels[(i + s) % n], 0.5) for i in range(n) for s in (-1, 1)]
    W = Weights.from_edges(pd.DataFrame(edges, columns=["focal", "neighbor", "weight"]), labels=labels)
    dense = W.sparse.toarray()
    x, q, w = rng.normal(size=(3, n, T))
    slope = 1 + jump * (q > 0.3)
    signal = slope * x + 0.4 * dense @ (slope * x) - 0.5 * w + rng.normal(size=(n, 1)) + rng.normal(size=T)
    y = np.linalg.solve(np.eye(n) - rho * dense, signal + 0.5 * rng.normal(size=(n, T)))
    index = pd.MultiIndex.from_product([labels, range(2001, 2001 + T)], names=["region", "year"])
    columns = {"y": y, "x": x, "q": q, "w": w}
    return Data(pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index=index), weights={"ring": W}, seed=seed)


def entry(**changes: object) -> dict:
    base = {"name": "t", "kind": "spatial_threshold", "outcome": "y", "treatment": "x", "controls": ["w"]}
    return base | {"weights": "ring", "threshold_variable": "q", "effects": "twoways", "repetitions": 99} | changes


@pytest.fixture
def whole_panel_alone(monkeypatch):
    """Leave out the searches without each region, which have tests of their own."""
    monkeypatch.setattr(spatial_threshold, "_without_each", lambda *_: pd.DataFrame())


@pytest.mark.parametrize("model", ["sdm", "sar", "slx"])
@pytest.mark.parametrize("effects", ["twoways", "units"])
def test_the_likelihood_is_the_engines_at_every_candidate(whole_panel_alone, model, effects):
    data = simulated(1, jump=0.8)
    result = fit(entry(model=model, effects=effects, points=8, repetitions=19), data)
    curve = result.tables["likelihood_ratio"]
    panel = data.panel

    def loglik(threshold: float | None) -> float:
        X = panel[["x", "w"]]
        if threshold is not None:
            low = panel["q"] <= threshold
            X = pd.DataFrame({"low": panel["x"] * low, "high": panel["x"] * ~low, "w": panel["w"]})
        return SpatialPanel(panel["y"], X, data.weights["ring"], model=model, effects=effects).fit().loglik

    engine = np.array([loglik(v) for v in curve["value"]])
    np.testing.assert_allclose(curve["likelihood_ratio"], 2 * (engine.max() - engine), atol=2e-4)
    statistic = result.tests.set_index("test").loc["single threshold", "statistic"]
    assert statistic == pytest.approx(2 * (engine.max() - loglik(None)), abs=2e-4)
    assert result.fit["loglik"] == pytest.approx(engine.max(), rel=1e-12)


def test_known_threshold_and_regimes_are_found(whole_panel_alone):
    result = fit(entry(), simulated(2, jump=1.0))
    (threshold,) = result.fit["thresholds"]
    assert threshold == pytest.approx(0.3, abs=0.1)
    row = result.tables["thresholds"].iloc[0]
    assert row["lower"] <= threshold <= row["upper"]
    tests = result.tests.set_index("test")
    for way in ("", ", signs by region"):
        assert tests.loc[f"single threshold{way}", "pvalue"] == pytest.approx(0.01)
    below = (simulated(2, jump=1.0).panel["q"] <= threshold).groupby(level=0).sum()
    assert result.fit["regime_rows"] == [below.sum(), 240 - below.sum()]
    assert result.fit["regions_crossing"] == list(below.index[(below > 0) & (below < 8)])
    b = result.coefficients.set_index("term")["estimate"]
    np.testing.assert_allclose(b.iloc[:2], [1.0, 2.0], atol=0.25)
    assert {"direct", "indirect", "total"} == set(result.impacts["effect"])


def test_size_without_a_threshold(whole_panel_alone):
    rejected = []
    for seed in range(60):
        found = fit(entry(points=8, covariance="expected", repetitions=19), simulated(seed, jump=0.0))
        tests = found.tests.set_index("test")["pvalue"]
        rejected.append([tests[f"single threshold{way}"] <= 0.05 for way in ("", ", signs by region")])
    # Three binomial errors above 5 %.
    assert np.all(np.mean(rejected, axis=0) < 0.135)


def test_where_too_many_regions_decide_none_is_left_out_and_it_is_said(monkeypatch):
    monkeypatch.setattr(threshold_regions, "MOST_DECIDING", 3)
    result = fit(entry(points=8, repetitions=19), simulated(1, jump=0.8))
    assert result.tables["without_each"].empty
    assert any("not searched again without each region" in note for note in result.fit["notes"])


def test_without_each_is_the_search_on_the_panel_without_the_region():
    data = simulated(4, jump=1.0, n=12)
    panel = data.panel
    # Two regions cross the break, the others stay below.
    inside = panel.index.get_level_values(0).isin(["r03", "r07"])
    panel["q"] = np.where(inside, panel["q"], -1 - np.abs(panel["q"]))
    of = entry(trim=0.02, points=30, repetitions=99)
    table = fit(of, data).tables["without_each"].set_index("region")
    assert set(table.index) <= {"r03", "r07"} | set(table.index[table["rows_outside"] > 0])
    region = table.index[0]
    W = data.weights["ring"]
    rest = W.subset([label for label in W.labels if label != region]).standardise("row")
    alone = fit(of, Data(panel.drop(index=region, level=0), weights={"ring": rest}, seed=data.seed))
    row = table.loc[region]
    assert row["note"] == "" and row["threshold"] == alone.fit["thresholds"][0]
    tests = alone.tests.set_index("test").loc["single threshold, signs by region"]
    assert row["statistic"] == pytest.approx(tests["statistic"], rel=1e-9)
    assert row["pvalue"] == tests["pvalue"]
    slopes = alone.coefficients["estimate"].iloc[:2]
    np.testing.assert_allclose(row[["estimate_lower", "estimate_upper"]].astype(float), slopes, rtol=1e-9)
