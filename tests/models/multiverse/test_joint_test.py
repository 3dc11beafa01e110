"""The joint test: shards, an effect that is there, and its size where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models.multiverse.test_run import run
from models.multiverse.worlds import declared, samples, world
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import NULLS
from ronghe.models.multiverse.joint_test import (
    STATISTICS,
    curve_statistics,
    curves,
    joint_test,
    redraw_shard,
    sample,
)
from ronghe.models.multiverse.run import run_shard
from ronghe.models.multiverse.settings import Settings
from ronghe.models.multiverse.wild import Wild
from ronghe.spatial.spatial_panel import SpatialPanel

SMALL = {
    "treatments": ["service"],
    "outcomes": ["quality"],
    "samples": ["all"],
    "winsorise": [0],
    "weights": ["ring"],
    "models": ["ols", "sdm"],
}


def draws_of(null: str, multiverse, data, folder) -> pd.DataFrame:
    path = run(multiverse, data, folder)
    return curves(redraw_shard(null, multiverse, samples(multiverse), data, path, 0, 1))


def some(draws: int, specifications: int) -> dict:
    return {"specifications": specifications, "draws": draws, "nulls": list(NULLS)}


@pytest.mark.parametrize("null", NULLS)
def test_draws_do_not_depend_on_shards_and_draw_zero_is_the_data(tmp_path, monkeypatch, null):
    monkeypatch.setattr("ronghe.models.multiverse.joint_test.TOGETHER", 25)
    multiverse = declared(models=["ols", "sar", "sdem"])
    data = world(effect=0.2)
    given = null, multiverse, samples(multiverse), data, run(multiverse, data, tmp_path)
    one, two, many = (curves(pd.concat([redraw_shard(*given, k, n) for k in range(n)])) for n in (1, 2, 9))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    pd.testing.assert_frame_equal(one, many, check_exact=True)
    assert list(one["draw"]) == list(range(71)) and set(one["null"]) == {null}
    frame = table.read(tmp_path / "merged_1.parquet")
    settings = multiverse.settings()
    starts = np.cumsum([0, *(multiverse.count(s) for s in settings)])
    chosen = sample(tmp_path / "merged_1.parquet", 30, multiverse)
    numbers = np.concatenate([starts[settings.index(s)] + places for s, places in chosen.items()])
    used = frame.set_index("specification").loc[numbers]
    expected = curve_statistics(used["estimate"].to_numpy(), used["pvalue"].to_numpy())
    assert {name: one.iloc[0][name] for name in expected} == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("null", NULLS)
def test_a_treatment_that_works_is_beyond_chance(tmp_path, null):
    multiverse = declared(**SMALL, joint_test=some(99, 16))
    found = joint_test(draws_of(null, multiverse, world(effect=0.6), tmp_path)).set_index("statistic")
    assert (found["conclusion"] == "beyond_chance").all() and (found["pvalue"] <= 0.02).all()


@pytest.mark.parametrize("model", ["ols", "slx", "sar", "sem", "sdm", "sdem"])
def test_wild_outcomes_are_those_of_the_ordinary_engine_without_the_treatment(tmp_path, model):
    """With all signs 1, y* less its scaled residuals' excess is the projected outcome itself."""
    multiverse, data = declared(**SMALL | {"models": [model]}), world(effect=0.4)
    source = Settings(multiverse, samples(multiverse), data)
    setting = multiverse.settings()[0]
    wild, rows = Wild(source, setting, np.array([0, 5])), source.rows(setting)
    for _, part, able, columns, drawn in wild.parts:
        assert able.all()
        y = rows.y[wild.all.outcome[part]]
        frame = pd.DataFrame(rows.X.reshape(-1, rows.X.shape[2])[:, columns[0, 1:]], rows.index).add_prefix("x")
        outcome = pd.Series(y[0].reshape(-1), rows.index, name="y")
        fitted = SpatialPanel(outcome, frame, rows.weights, model=model).fit().model
        e, K = fitted.residuals, frame.shape[1] * (2 if model in ("slx", "sdm", "sdem") else 1)
        N, T = e.shape
        nobs = (N - 1) * (T - 1)
        scale = np.sqrt(N / (N - 1) * nobs / (nobs - K))
        np.testing.assert_allclose(drawn.e[0], scale * e, rtol=1e-7, atol=1e-9)
        ones = np.ones((1, N))
        # Q y* and Q W y* less what the scale adds to the residuals.
        for which, values in enumerate([y[0], *([] if model == "ols" else [rows.weights.sparse @ y[0]])]):
            added = (drawn.spread[0, which] @ drawn.e[0] * (1 - 1 / scale)).reshape(-1)
            redone = drawn.outcomes(0, ones)[which, 0] - added
            np.testing.assert_allclose(redone, demeaned(values).reshape(-1), rtol=1e-7, atol=1e-9)


def demeaned(values: np.ndarray) -> np.ndarray:
    return values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()


def test_the_size_of_the_tests_where_the_treatment_does_nothing(tmp_path):
    """Nineteen draws, a hundred worlds: p <= .05 in about one of twenty, within three standard errors."""
    multiverse = declared(**SMALL, joint_test=some(19, 8))
    found, path = [], str(tmp_path / "one.parquet")
    for seed in range(100):
        data = world(seed)
        run_shard(multiverse, samples(multiverse), data, 0, 1, path)
        draws = pd.concat([redraw_shard(null, multiverse, samples(multiverse), data, path, 0, 1) for null in NULLS])
        found.append(joint_test(curves(draws)))
    for (_, name), part in pd.concat(found).groupby(["null", "statistic"]):
        if name in STATISTICS[::2]:
            assert abs((part["pvalue"] <= 0.05).mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 100)
            # p is 1/20, ..., 1, each as likely.
            assert abs(part["pvalue"].mean() - 10.5 / 20) < 3 * np.sqrt(1 / 12 / 100)


def test_statistics_of_a_curve_by_hand():
    estimates, chances = np.array([0.1, -0.2, 0.3, np.nan, 0.4]), np.array([0.01, 0.04, 0.5, np.nan, 0.02])
    found = curve_statistics(estimates, chances)
    z = [2.5758293035, -2.0537489106, 0.6744897502, 2.3263478740]
    assert found == pytest.approx({"median": 0.2, "share_dominant": 0.5, "mean_z": np.mean(z), "specifications": 4})
