"""Industries by name: the same as by rows of sites, and names at fault."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.formulas.plant_locations import plant_locations
from ronghe.measures.point_patterns.k_density import Options, Sites, colocation

RNG = np.random.default_rng(4)
POINTS = pd.DataFrame(
    {
        "sector": np.repeat(["steel", "software", "farms"], 60),
        "year": 2020,
        "longitude": RNG.uniform(110, 115, 180),
        "latitude": RNG.uniform(30, 35, 180),
        "employment": RNG.integers(1, 100, 180),
    }
)


def test_by_name_is_by_rows():
    tables = plant_locations(POINTS, "steel", 2020, "software", "sites", True, 19, seed=3)
    e = POINTS["employment"].to_numpy(float)
    sites = Sites(POINTS[["longitude", "latitude"]].to_numpy(), True)
    pair = np.arange(60), np.arange(60, 120)
    result = colocation(sites, *pair, Options(19, seed=3), "sites", (e[:60], e[60:120]))
    pd.testing.assert_frame_equal(tables["curves"], result.curves)
    row = tables["test"].iloc[0]
    assert (row["industry"], row["partner"], row["plants_1"], row["sites"]) == ("steel", "software", 60, 180)
    assert plant_locations(POINTS, "farms", 2020, simulations=19)["test"].at[0, "plants"] == 60


def test_unknown_names():
    with pytest.raises(RongheError, match="unknown year with points '2019'"):
        plant_locations(POINTS, "steel", 2019)
    with pytest.raises(RongheError, match="did you mean 'farms'"):
        plant_locations(POINTS, "steel", 2020, "farm")
