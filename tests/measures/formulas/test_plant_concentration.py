"""Ellison-Glaeser gamma: the fixture's plants by hand, simulated truth, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.frames import read_csv
from ronghe.measures.formulas.plant_concentration import cells_of_microdata, cells_of_plants
from ronghe.measures.formulas.plant_concentration import plant_concentration as from_cells
from ronghe.measures.formulas.sector_pairs import sector_pairs


def plant_concentration(plants, sizes=None):
    return from_cells(cells_of_plants(plants), sizes).industries


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


def test_pairs_net_of_plants_are_the_index_without_plants(plants):
    """The Herfindahls cancel in a pair: gamma^c = sum_r (s_ri - x_r)(s_rj - x_r)/(1 - X), Ellison et al. (2010)."""
    pairs = from_cells(cells_of_plants(plants)).pairs
    wide = plants.pivot_table(index=["region", "year"], columns="industry", values="employment", aggfunc="sum")
    wide = wide.fillna(0.0)
    other = sector_pairs(wide, {name: [name] for name in wide}, size="total").pairs
    key = ["year", "first", "second"]
    both = pairs.merge(other, on=key)
    assert len(both) == len(pairs) == 3
    np.testing.assert_allclose(both["coagglomeration_x"], both["coagglomeration_y"], rtol=1e-12)


def test_strength_is_one_for_an_industry_split_in_two():
    """Plants of one concentrated industry under two names attract each other as their own do."""
    rng = np.random.default_rng(3)
    x = np.array([0.3, 0.3, 0.2, 0.1, 0.1])
    n, draws = 400, 200
    # Every draw is a year of its own.
    plants = pd.DataFrame(
        {
            "plant": np.tile(np.arange(n), draws),
            "region": np.concatenate([rng.choice(5, n, p=rng.dirichlet((1 / 0.2 - 1) * x)) for _ in range(draws)]),
            "industry": rng.integers(0, 2, n * draws),
            "year": np.repeat(np.arange(draws), n),
            "employment": rng.lognormal(size=n * draws),
        }
    )
    pairs = from_cells(cells_of_plants(plants), pd.Series(x, index=range(5))).pairs
    gaps = pairs["coagglomeration"] * (1 - 1 / pairs["strength"])
    assert len(gaps) == draws
    # Both sides are unbiased: their difference is 0 but for the draw.
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / len(gaps) ** 0.5 and np.std(gaps) < 0.02


def test_cells_of_microdata_give_the_same(plants, project, tmp_path):
    pytest.importorskip("duckdb")
    from ronghe.clean.microdata.database import Limits
    from ronghe.clean.microdata.plants import aggregate_plants
    from ronghe.clean.regions import Names

    headings = {"plant": "plant", "region": "region", "sector": "industry", "year": "year", "employment": "employment"}
    sectors = {name: [name] for name in sorted(plants["industry"].unique())}
    entry = {"kind": "plants", "columns": headings, "sectors": sectors}
    names = Names(sorted(plants["region"].unique()), {})
    path = project / "tests/data/plants.csv"
    cells = aggregate_plants(path, entry, names, Limits(tmp_path / "scratch", 500), "microdata.plants")["cells"]
    one, other = from_cells(cells_of_microdata(cells)), from_cells(cells_of_plants(plants))
    pd.testing.assert_frame_equal(one.industries, other.industries, rtol=1e-13, check_dtype=False)
    pd.testing.assert_frame_equal(one.pairs, other.pairs, rtol=1e-12, check_dtype=False)
