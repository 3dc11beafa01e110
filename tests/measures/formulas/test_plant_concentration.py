"""Ellison-Glaeser gamma: the fixture's plants by hand, simulated truth, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.frames import read_csv
from ronghe.measures.formulas.plant_concentration import plant_concentration


@pytest.fixture
def plants(project) -> pd.DataFrame:
    return read_csv(project / "tests/data/plants.csv")


def test_gamma_by_hand(plants):
    table = plant_concentration(plants).set_index("industry")
    # x = 90, 80, 130 of 300; steel has shares 0.8, 0.2, 0 and plants of 0.6, 0.2, 0.2.
    G = (0.8 - 0.3) ** 2 + (0.2 - 8 / 30) ** 2 + (13 / 30) ** 2
    X = 0.3**2 + (8 / 30) ** 2 + (13 / 30) ** 2
    assert table.loc["steel", "raw_concentration"] == pytest.approx(G)
    assert table.loc["steel", "plant_herfindahl"] == pytest.approx(0.44)
    assert table.loc["steel", "gamma"] == pytest.approx((G / (1 - X) - 0.44) / 0.56)
    assert table.loc["software", "plants"] == 4


def test_an_industry_of_one_plant_has_no_gamma_and_says_why(plants):
    row = plant_concentration(plants).set_index("industry").loc["mine"]
    assert np.isnan(row["gamma"]) and row["plant_herfindahl"] == 1 and "0/0" in row["note"]


@pytest.mark.parametrize("truth", [0.0, 0.05, 0.3])
def test_gamma_is_unbiased_for_plants_thrown_at_random(truth):
    """Dirichlet locations with parameters (1/gamma - 1) x have natural advantages of strength gamma."""
    rng = np.random.default_rng(12)
    x = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
    n_industries, n_plants = 600, 12
    chances = rng.dirichlet((1 / truth - 1) * x, n_industries) if truth else np.tile(x, (n_industries, 1))
    regions = np.concatenate([rng.choice(6, n_plants, p=p) for p in chances])
    plants = pd.DataFrame(
        {
            "plant": np.arange(n_industries * n_plants),
            "region": [f"r{i}" for i in regions],
            "industry": np.repeat(np.arange(n_industries), n_plants),
            "year": 2020,
            "employment": rng.lognormal(3, 1, n_industries * n_plants),
        }
    )
    gamma = plant_concentration(plants, pd.Series(x, index=[f"r{i}" for i in range(6)]))["gamma"]
    assert abs(gamma.mean() - truth) < 3.5 * gamma.std() / n_industries**0.5


def test_row_order_and_unit_of_employment_do_not_matter(plants):
    changed = plants.sample(frac=1, random_state=2).assign(employment=lambda p: p["employment"] * 1000)
    assert np.allclose(plant_concentration(plants)["gamma"], plant_concentration(changed)["gamma"], equal_nan=True)


def test_bad_plants_are_refused(plants):
    with pytest.raises(RongheError, match="no column industry"):
        plant_concentration(plants.drop(columns="industry"))
    with pytest.raises(RongheError, match="rows 4 of the file"):
        plant_concentration(plants.assign(employment=plants["employment"].where(plants.index != 2, 0)))
    with pytest.raises(RongheError, match="a1 stand twice"):
        plant_concentration(plants.assign(plant=plants["plant"].replace("a2", "a1")))
    with pytest.raises(RongheError, match="one region"):
        plant_concentration(plants.assign(region="North"))
    with pytest.raises(RongheError, match="no size is given for West"):
        plant_concentration(plants, pd.Series({"North": 1.0, "South": 2.0}))
