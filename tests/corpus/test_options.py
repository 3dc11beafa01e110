"""Junk for every option of every spatial estimator, one at a time beside options that are right: each is told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from corpus.test_engine import PLACES, drawn, ring
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel, UnbalancedPanel
from ronghe.spatial.dynamic.panel import DynamicPanel
from ronghe.spatial.random_effects.panel import RandomEffectsPanel
from ronghe.spatial.two_stage.panel import SpatialTwoStage

RING = ring()
JUNK: dict[str, object] = {
    "zero": 0, "one": 1, "minus one": -1, "a half": 0.5, "not a number": float("nan"), "infinite": float("inf"),
    "true": True, "false": False, "no text": "", "a word": "x", "bytes": b"a", "no list": [], "a known name": ["a"],
    "an unknown name": ["z"], "a list of nothing": [None], "a name twice": ["a", "a"], "a list of lists": [["a"]],
    "no mapping": {}, "a mapping": {"a": 1}, "a set": {"a"}, "an array": np.eye(2),
    "an array of names": np.array(["a"]), "a table": pd.DataFrame({"a": [1.0]}), "a series": pd.Series([1.0]),
    "a function": len, "a date": pd.Timestamp(0), "an imaginary number": 1j,
}  # fmt: skip
Options = dict[str, object]
CLUSTERED, CONLEY = {"cov_type": "clustered"}, {"cov_type": "conley", "cutoff": 900.0, "coordinates": PLACES}
# An estimator; the options that it is made with, and is fitted with, each beside what lets it matter.
ESTIMATORS: dict[str, tuple[Callable, dict[str, Options], dict[str, Options]]] = {
    "static": (SpatialPanel, {
        "model": {}, "effects": {}, "method": {}, "durbin": {}, "error_weights": {"model": "gns"},
        "missing": {"model": "ols"}, "log_determinant": {}, "W": {}, "y": {}, "X": {},
    }, {
        "cov_type": {}, "cluster": CLUSTERED, "groups": CLUSTERED | {"cluster": "groups"}, "small_sample": CLUSTERED,
        "df": CLUSTERED | {"small_sample": "CR2"}, "bandwidth": CONLEY, "cutoff": CONLEY, "coordinates": CONLEY,
        "kernel": CONLEY, "metric": CONLEY,
    }),
    "unbalanced": (UnbalancedPanel, {
        "model": {}, "effects": {}, "durbin": {}, "error_weights": {"model": "gns"}, "W": {}, "y": {}, "X": {},
    }, {"cov_type": {}}),
    "dynamic": (DynamicPanel, {
        "model": {}, "effects": {}, "method": {}, "durbin": {}, "W": {}, "y": {}, "X": {}, "time_lag": {},
        "space_time_lag": {},
    }, {"cov_type": {}, "bias_corrected": {}}),
    "random effects": (RandomEffectsPanel, {
        "model": {}, "effects": {}, "errors": {}, "durbin": {}, "error_weights": {"model": "gns"}, "W": {}, "y": {},
        "X": {},
    }, {"cov_type": {}, "small_sample": CLUSTERED, "df": CLUSTERED | {"small_sample": "CR2"}}),
    "two stage": (SpatialTwoStage, {
        "model": {}, "effects": {}, "durbin": {"model": "sdm"}, "endogenous": {}, "instruments": {}, "orders": {},
        "lag_instruments": {}, "error_weights": {"model": "sarar"}, "W": {}, "y": {}, "X": {},
    }, {"cov_type": {}, "cluster": CLUSTERED, "small_sample": CLUSTERED, "df": CLUSTERED | {"small_sample": "CR2"}}),
}  # fmt: skip
# What of it is right for an option of that name, in whatever estimator has it.
RIGHT = {
    "durbin": {"a known name"}, "bandwidth": {"zero", "one"}, "cutoff": {"one", "a half"}, "orders": {"one"},
    "endogenous": {"no list"},
} | dict.fromkeys(("time_lag", "space_time_lag", "bias_corrected", "lag_instruments"), {"true", "false"})  # fmt: skip
CASES = [
    (name, place, option)
    for name, (_, *places) in ESTIMATORS.items()
    for place, options in zip(("made", "fitted"), places, strict=True)
    for option in options
]
Y, X, _ = drawn()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "place", "option"), CASES, ids=["-".join(case) for case in CASES])
def test_junk_for_an_option_is_told(name, place, option):
    made_by, *places = ESTIMATORS[name]
    companions = places[place == "fitted"][option]
    for junk, value in JUNK.items():
        made, fitted = {"y": Y, "X": X, "W": RING}, {}
        given = made if place == "made" else fitted
        given |= companions | {option: value}
        try:
            result = made_by(**made).fit(**fitted)
        except RongheError as error:
            assert junk not in RIGHT.get(option, ()) and 20 < len(str(error)) < 1500, (junk, error)
        else:
            assert junk in RIGHT.get(option, ()), f"{junk} passes"
            assert np.isfinite(result.params).all() and np.isfinite(result.std_errors).all()
