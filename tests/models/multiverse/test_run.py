"""Estimation of a whole multiverse: shards, agreement with the ordinary engine, and what cannot be estimated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models.multiverse.worlds import REGIONS, declared, samples, world
from ronghe.errors import RongheError
from ronghe.models.multiverse import table
from ronghe.models.multiverse.agreement import check_agreement
from ronghe.models.multiverse.run import run_shard
from ronghe.models.multiverse.summary import refusals


def run(multiverse, data, folder, shards: int = 1) -> str:
    paths = [str(folder / f"{shards}_{k}.parquet") for k in range(shards)]
    for k, path in enumerate(paths):
        run_shard(multiverse, samples(multiverse), data, k, shards, path)
    merged = str(folder / f"merged_{shards}.parquet")
    table.merge(paths, merged, multiverse)
    return merged


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> str:
    return run(declared(), world(effect=0.3), tmp_path_factory.mktemp("whole"))


def test_every_specification_has_its_row_in_the_order_of_the_grid(whole):
    frame = table.read(whole)
    multiverse = declared()
    assert len(frame) == multiverse.n_specifications
    assert (frame["specification"] == np.arange(len(frame))).all()
    first = frame.iloc[0]
    assert [first["sample"], first["outcome"], first["weights"], first["model"]] == ["all", "quality", "none", "ols"]
    assert (frame["refused"] == "").all() and np.isfinite(frame["estimate"]).all()
    keys = [*("sample winsorise outcome weights model treatment".split()), "controls"]
    assert not frame.duplicated(keys).any()


@pytest.mark.parametrize("shards", [2, 5])
def test_any_number_of_shards_gives_the_same_file(whole, tmp_path, shards):
    with open(run(declared(), world(effect=0.3), tmp_path, shards), "rb") as ours, open(whole, "rb") as theirs:
        assert ours.read() == theirs.read()


def test_a_random_sample_agrees_with_the_ordinary_engine(tmp_path):
    covariances = ["CR1", "CR2", "expected"]
    multiverse = declared(models=["ols", "slx", "sar", "sem", "sdm", "sdem"], winsorise=[0], covariances=covariances)
    path = run(multiverse, world(effect=0.3), tmp_path)
    found = check_agreement(multiverse, samples(multiverse), world(effect=0.3), path)
    assert found["specification"].nunique() == 12
    assert {"total", "total_error", "loglik"} <= set(found["quantity"])
    assert found["difference"].max() < 1e-9


def test_a_difference_beyond_the_tolerance_is_an_error(whole, tmp_path):
    multiverse = declared()
    frame = table.read(whole)
    frame["total_error"] *= 1 + 1e-6
    frame.to_parquet(tmp_path / "wrong.parquet")
    with pytest.raises(RongheError, match="total_error.*beyond agreement.tolerance 1e-08"):
        check_agreement(multiverse, samples(multiverse), world(effect=0.3), tmp_path / "wrong.parquet")


def test_estimates_scale_with_standard_deviations(whole, tmp_path):
    raw = table.read(run(declared(standardise=False), world(effect=0.3), tmp_path))
    scaled = table.read(whole)
    chosen = (scaled["sample"] == "all") & (scaled["winsorise"] == "0") & (scaled["outcome"] == "quality")
    chosen &= scaled["treatment"] == "trade"
    panel = world(effect=0.3).panel
    factor = panel["trade"].std() / panel["quality"].std()
    np.testing.assert_allclose(scaled.loc[chosen, "estimate"], raw.loc[chosen, "estimate"] * factor, rtol=1e-9)
    np.testing.assert_allclose(scaled.loc[chosen, "pvalue"], raw.loc[chosen, "pvalue"], rtol=1e-7)


def test_what_cannot_be_estimated_stands_in_the_table_with_its_reason(tmp_path):
    data = world()
    data.panel["towns"] = data.panel["roads"] * 2.0
    lonely = data.weights["pairs"].to_edges()
    # Without the first region, the last has no neighbour left.
    lonely = lonely[(lonely["focal"] != REGIONS[-1]) | (lonely["neighbor"] == REGIONS[0])]
    data.weights["pairs"] = type(data.weights["pairs"]).from_edges(lonely, name="pairs").standardise("row")
    multiverse = declared(samples=["all", "rest"], winsorise=[0], covariances=["CR1", "expected"])
    rules = {"all": {}, "rest": {"without_regions": [REGIONS[0]]}}
    run_shard(multiverse, rules, data, 0, 1, tmp_path / "all.parquet")
    frame = table.read(tmp_path / "all.parquet")
    assert len(frame) == multiverse.n_specifications
    both = (frame["controls"] & 0b101) == 0b101
    islands = (frame["sample"] == "rest") & (frame["weights"] == "pairs")
    expected = np.where(islands, "islands", np.where(both, "collinear", ""))
    np.testing.assert_array_equal(frame["refused"].astype(str), expected)
    assert frame.loc[expected != "", "estimate"].isna().all() and frame.loc[expected == "", "estimate"].notna().all()
    listed = refusals(tmp_path / "all.parquet")
    assert listed["specifications"].sum() == (expected != "").sum()
    assert set(listed["reason"]) == {"islands", "collinear"}


def test_a_sample_that_is_not_balanced_is_counted_whole(tmp_path):
    data = world()
    data.flags = pd.DataFrame({"region": [REGIONS[3]], "year": [2003], "variable": ["roads"], "kind": ["filled"]})
    multiverse = declared(samples=["all", "clean"])
    rules = {"all": {}, "clean": {"without_flags": {"variables": ["roads"]}}}
    run_shard(multiverse, rules, data, 0, 1, tmp_path / "all.parquet")
    frame = table.read(tmp_path / "all.parquet")
    assert set(frame.loc[frame["sample"] == "clean", "refused"]) == {"unbalanced"}
    assert set(frame.loc[frame["sample"] == "all", "refused"]) == {""}
