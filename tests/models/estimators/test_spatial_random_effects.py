"""Random-effects specifications carry out the effects that they name, and say which."""

from __future__ import annotations

import numpy as np
import pytest
from panel_builders import null_panel, ring_weights
from ronghe.models.declaration import complete
from ronghe.models.design.design import build
from ronghe.models.design.weights import frames_of
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit
from ronghe.spatial.random_effects.panel import RandomEffectsPanel


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(null_panel(seed=3, effect=0.5), weights={"ring": ring_weights(30)})


def entry(**changes: object) -> dict:
    base = {"name": "test", "kind": "spatial_random_effects", "outcome": "y", "treatment": "x0", "controls": ["x1"]}
    return base | {"weights": "ring", "model": "sar"} | changes


@pytest.mark.parametrize("effects", ["units", "twoways"])
def test_effects_are_those_of_the_engine(data, effects):
    result = fit(entry(effects=effects), data)
    assert result.fit["effects"] == effects and result.fit["random"] == ["units"]
    frames = frames_of(build(entry(), data))
    direct = RandomEffectsPanel(*frames, data.weights["ring"], "sar", effects=effects).fit()
    np.testing.assert_array_equal(result.coefficients["estimate"], direct.values)
    assert list(result.impacts["variable"].unique()) == ["x0", "x1"]


def test_the_general_default_reaches_the_kind(data):
    config = {"specification_defaults": {"effects": "twoways"}, "specifications": {"test": entry()}}
    assert complete("test", config)["effects"] == "twoways"
    assert fit(entry(), data).fit["effects"] == "twoways"
