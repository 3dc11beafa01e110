"""The whole of cleaning: a tiny made-up dataset in four kinds of file, and the two that are shipped."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.clean.declaration import check_dataset, load_dataset
from ronghe.clean.panel import clean_dataset
from ronghe.clean.variables import derivations, variables
from ronghe.errors import RongheError
from ronghe.frames import read_csv, read_panel
from ronghe.validation import validate
from ronghe.yaml_files import load_yaml
from tiny_dataset import write_tiny


@pytest.fixture
def tiny(tmp_path):
    return write_tiny(tmp_path)


@pytest.fixture(scope="module")
def china(project):
    dataset = load_dataset(
        "china_provinces", project / "config/datasets", project / "workflow/schemas/dataset.schema.yaml"
    )
    return dataset, clean_dataset(dataset, project)


def test_tiny_declaration_passes_the_schema_and_the_cross_checks(tiny, project):
    declared = {key: value for key, value in tiny.items() if key != "name"}
    validate(declared, load_yaml(project / "workflow/schemas/dataset.schema.yaml"), "tiny")
    check_dataset(declared, "tiny")


def test_tiny_panel_holds_the_figures_of_every_kind_of_file(tiny, tmp_path):
    cleaned = clean_dataset(tiny, tmp_path)
    panel = cleaned.panel
    assert panel.index.tolist() == [(r, y) for r in ("East", "North", "South") for y in (2020, 2021, 2022)]
    assert panel.at[("North", 2022), "wage"] == 52000
    assert panel.at[("South", 2021), "wage"] == 40000
    assert panel.at[("North", 2022), "population"] == 102500
    assert panel.at[("South", 2020), "population"] == 200000
    assert panel.at[("East", 2022), "output"] == 9
    assert panel.at[("North", 2021), "jobs_shops"] == 29
    # 2 million yuan over 101 thousand persons.
    assert panel.at[("North", 2021), "output_per_head"] == pytest.approx(2e6 / 101e3, rel=1e-15)
    assert panel.at[("North", 2021), "log_output_per_head"] == pytest.approx(np.log(2e6 / 101e3), rel=1e-15)
    assert panel.at[("East", 2020), "farm_share"] == 0.25
    assert all(pd.api.types.is_float_dtype(panel[column]) for column in panel)


def test_tiny_flags_are_the_fill_the_conversions_and_the_jump(tiny, tmp_path):
    flags = clean_dataset(tiny, tmp_path).flags
    filled = flags[flags["kind"] == "filled"]
    assert filled[["variable", "region", "year", "after"]].values.tolist() == [["wage", "South", 2021, 40000.0]]
    assert filled["before"].isna().all()
    converted = flags[flags["kind"] == "converted"]
    assert len(converted) == 9 and set(converted["variable"]) == {"population"}
    assert (converted["after"] == 1000 * converted["before"]).all()
    # North grows by 1.5/101 = 1.485 percent in 2022, the only change beyond 1.2 percent.
    jumps = flags[flags["kind"] == "suspicious"]
    assert jumps[["variable", "region", "year"]].values.tolist() == [["population", "North", 2022]]
    assert "+1.5 percent" in jumps["why"].iat[0]


def test_tiny_tables_beside_the_panel(tiny, tmp_path):
    tables = clean_dataset(tiny, tmp_path).tables
    assert tables["adjacency"].values.tolist() == [["North", "East", "border"], ["South", "East", "border"]]
    assert tables["jobs"].query("region == 'North' and year == 2020")[["sector", "value"]].values.tolist() == [
        ["farms", 10.0],
        ["shops", 30.0],
    ]
    assert tables["regions"]["macro_region"].tolist() == ["Upper", "Lower", "Lower"]
    assert tables["input_output"].empty
    assert tables["checks"]["gap"].eq(0).all() and len(tables["checks"]) == 3


def test_years_outside_the_sample_stay_in_series(tiny, tmp_path):
    tiny["sample"] = {"years": [2021, 2022], "leave_out": ["East"]}
    tiny["derived"] = {"output_before": {"lag": {"of": "output"}}}
    cleaned = clean_dataset(tiny, tmp_path)
    assert len(cleaned.panel) == 4
    assert cleaned.panel.at[("North", 2021), "output_before"] == 1.0
    series = cleaned.series.set_index(["variable", "region", "year"])
    assert series.loc[("output", "North", 2020)].tolist() == [1.0, False]
    assert series.loc[("output", "North", 2021)].tolist() == [2.0, True]
    assert series.loc[("output", "East", 2022)].tolist() == [9.0, False]


def test_gap_filled_by_another_series(tiny, tmp_path):
    tiny["tables"]["wages"]["variables"]["wage"]["gap"] = {"series": "jobs_total"}
    tiny["tables"]["jobs"]["variables"]["jobs_total"]["unit"] = "yuan"
    cleaned = clean_dataset({**tiny, "checks": {}, "derived": {}}, tmp_path)
    assert cleaned.panel.at[("South", 2021), "wage"] == 40.0
    assert cleaned.flags.query("kind == 'filled'")["why"].tolist() == [
        "missing in the source; the figure of jobs_total"
    ]


def test_row_order_of_raw_tables_does_not_matter(tiny, tmp_path):
    first = clean_dataset(tiny, tmp_path)
    path = tmp_path / "raw/jobs.parquet"
    pd.read_parquet(path).sample(frac=1, random_state=1).to_parquet(path, index=False)
    head, *rows = (tmp_path / "raw/wages.csv").read_text(encoding="gb18030").splitlines()
    (tmp_path / "raw/wages.csv").write_text("\n".join([head, *reversed(rows)]), encoding="gb18030")
    second = clean_dataset(tiny, tmp_path)
    pd.testing.assert_frame_equal(first.panel, second.panel)
    pd.testing.assert_frame_equal(first.flags, second.flags)


def test_what_is_written_comes_back(tiny, tmp_path):
    cleaned = clean_dataset(tiny, tmp_path)
    cleaned.write({name: str(tmp_path / f"{name}.csv") for name in ("series", "flags", "jobs")})
    cleaned.write({"panel": str(tmp_path / "panel.parquet")})
    pd.testing.assert_frame_equal(read_panel(tmp_path / "panel.parquet"), cleaned.panel)
    assert (read_csv(tmp_path / "series.csv")["value"] == cleaned.series["value"]).all()


def test_china_is_30_regions_by_8_years_without_gaps(china):
    panel = china[1].panel
    regions = panel.index.unique("region")
    assert len(regions) == 30 and "Tibet" not in regions
    assert panel.index.unique("year").tolist() == list(range(2013, 2021))
    assert np.isfinite(panel.to_numpy()).all()
    declared = {*variables(china[0]), *(d.name for d in derivations(china[0]))}
    assert set(panel) == declared


@pytest.mark.parametrize(
    ("region", "year", "variable", "value"),
    [
        ("Beijing", 2020, "gdp", 35943.3),
        ("Guangdong", 2020, "gdp_first", 110760.94),
        ("Beijing", 2013, "employment_manufacturing", 103.5),
        ("Tianjin", 2019, "rd_staff", 4.5685),
        ("Hebei", 2020, "software_revenue", 170.4),
        ("Beijing", 2015, "population", 2188.0),
        ("Beijing", 2020, "gdp_per_head", 35943.3e4 / 2189.0),
        ("Beijing", 2020, "rd_intensity", 297.42 / 4255.1),
        # 2017 is missing for Guizhou: half way between 103.41 (2016) and 89.01 (2018), in 10,000 yuan per person.
        ("Guizhou", 2017, "labour_productivity", 3821.4 / 96.21),
        # 10,000 tonnes in kilograms over 100 million yuan in 10,000 yuan.
        ("Guizhou", 2013, "so2_intensity", 77.858 * 1e7 / (2533.3 * 1e4)),
        ("Guizhou", 2020, "energy_intensity", 10621.4 / 4666.2),
        ("Beijing", 2020, "urbanisation", 0.8755),
    ],
)
def test_china_cells(china, region, year, variable, value):
    assert china[1].panel.at[(region, year), variable] == pytest.approx(value, rel=1e-12)


def test_china_fills_exactly_what_the_sources_lack(china):
    filled = china[1].flags.query("kind == 'filled' and region != 'Tibet'")
    counts = filled.groupby("variable").size().to_dict()
    assert counts == {"employment_household_services": 1, "industrial_employees": 4, "trade": 30}
    employees = filled.query("variable == 'industrial_employees'")
    assert set(employees["region"]) == {"Inner Mongolia", "Hubei", "Guizhou", "Heilongjiang"}
    panel = china[1].panel["industrial_employees"]
    for region in employees["region"]:
        assert panel[region, 2017] == pytest.approx((panel[region, 2016] + panel[region, 2018]) / 2, rel=1e-14)


@pytest.mark.parametrize(("region", "year", "percent"), [("Henan", 2018, -0.34), ("Yunnan", 2019, -0.33)])
def test_china_falls_of_manufacturing_employment_are_flagged(china, region, year, percent):
    flags = china[1].flags.query("variable == 'employment_manufacturing' and region == @region and year == @year")
    assert set(flags["kind"]) == {"suspicious", "break"}
    panel = china[1].panel["employment_manufacturing"]
    assert panel[region, year] / panel[region, year - 1] - 1 == pytest.approx(percent, abs=0.005)


def test_china_employment_has_all_years_and_adds_to_the_nation(china):
    table = china[1].tables["employment"]
    manufacturing = table[table["sector"] == "manufacturing"].groupby("year")["value"].sum()
    assert manufacturing[2012] == pytest.approx(4262.3, abs=0.05)
    assert manufacturing[2013] == pytest.approx(5257.8, abs=0.05)
    assert manufacturing[2020] == pytest.approx(3805.5, abs=0.05)
    assert table["sector"].nunique() == 19 and table["region"].nunique() == 31


def test_china_coagglomeration_by_hand_from_the_panel(china):
    """The index 1 - |a - b|/(a + b) + a + b of location quotients, with the 30 regions as base: 3.57, 3.84, 1.80."""
    panel = china[1].panel

    def index(region: str, year: int) -> float:
        now = panel.xs(year, level="year")
        a, b = (
            (now[part] / now["employment_total"] / (now[part].sum() / now["employment_total"].sum()))[region]
            for part in ("employment_manufacturing", "producer_services_employment")
        )
        return 1 - abs(a - b) / (a + b) + a + b

    assert index("Guangdong", 2020) == pytest.approx(3.57, abs=0.01)
    assert index("Shanghai", 2013) == pytest.approx(3.84, abs=0.01)
    assert index("Guizhou", 2020) == pytest.approx(1.80, abs=0.01)


def test_china_input_output_totals_and_borders(china):
    flows = china[1].tables["input_output"]
    value_added = flows[(flows["year"] == 2020) & (flows["from"] == "value_added")]["value"].sum()
    assert value_added == pytest.approx(1016422, abs=1)
    assert flows.groupby("year").size().to_dict() == dict.fromkeys((2012, 2015, 2017, 2018, 2020), 31 * 27)
    borders = china[1].tables["adjacency"]
    assert len(borders) == 69
    assert borders[borders["kind"] == "strait"][["region", "neighbor"]].values.tolist() == [["Guangdong", "Hainan"]]


def test_china_growth_and_price_identities(china):
    panel = china[1].panel
    assert np.allclose(panel["gdp_growth"], panel["gdp_index"] / 100 - 1, rtol=0, atol=1e-14)
    assert np.allclose(panel["gdp_price"] * panel["real_gdp"], panel["gdp"], rtol=1e-14)
    shares = panel[["primary_share", "secondary_share", "tertiary_share"]].sum(axis=1)
    assert np.allclose(shares, 1, rtol=0, atol=1e-14)


def test_every_variable_of_china_has_a_label_in_both_languages(china, project):
    labels = load_yaml(project / "config/labels.yaml")["labels"]
    missing = [name for name in china[1].panel if not {"en", "zh"} <= set(labels.get(name, {}))]
    assert missing == []


def test_us_states_are_cleaned_by_another_declaration_alone(project):
    schema = project / "workflow/schemas/dataset.schema.yaml"
    cleaned = clean_dataset(load_dataset("us_states", project / "config/datasets", schema), project)
    assert cleaned.panel.shape[0] == 48 * 10
    jobs = cleaned.panel["employment_manufacturing"]
    assert jobs.xs(2018, level="year").sum() == 13464615
    assert jobs["Wyoming", 2017] == (jobs["Wyoming", 2016] + jobs["Wyoming", 2018]) / 2
    filled = cleaned.flags.query("kind == 'filled'")
    assert set(zip(filled["region"], filled["year"], strict=True)) == {("Wyoming", 2017)} and len(filled) == 3
    assert cleaned.panel.at[("Alabama", 2009), "employment_administrative_waste"] == 145273


def test_a_changed_raw_file_is_noticed(tiny, tmp_path):
    tiny["checksums"] = "SHA256SUMS"
    (tmp_path / "raw/SHA256SUMS").write_text("")
    with pytest.raises(RongheError, match=r"SHA256SUMS: no sum for regions.csv.*sha256sum regions.csv"):
        clean_dataset(tiny, tmp_path)
