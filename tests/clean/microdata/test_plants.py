"""Plants to cells: against pandas row by row, by hand, through CSV and Parquet, and every fault refused or counted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("duckdb")

from ronghe.clean.microdata.database import Limits
from ronghe.clean.microdata.plants import aggregate_plants
from ronghe.clean.regions import Names
from ronghe.errors import RongheError

NAMES = Names(["North", "South", "East"], {"North": ["N"]}, ["Total"])
ENTRY = {
    "kind": "plants",
    "columns": {"plant": "id", "region": "area", "sector": "code", "year": "year", "employment": "staff"},
    "sectors": {"steel": ["C31*", "C32"], "software": ["I65"]},
}
FULL = {
    **ENTRY,
    "columns": {
        **ENTRY["columns"],
        "revenue": "sales",
        "service_revenue": "services",
        "longitude": "lon",
        "latitude": "lat",
    },
    "service_revenue": {"threshold": 30},
}
HEADINGS = "id,area,code,year,staff\n"
FIRST = "a,North,C311,2019,10\n"


def limits(folder: Path, threads: int = 2) -> Limits:
    return Limits(folder / "scratch", 500, threads)


def run(folder: Path, text: str, entry: dict = ENTRY, points: Path | None = None) -> dict[str, pd.DataFrame]:
    path = folder / "plants.csv"
    path.write_text(text, encoding="utf-8")
    return aggregate_plants(path, entry, NAMES, limits(folder), "microdata.plants", points)


def refused(folder: Path, text: str, match: str, entry: dict = ENTRY) -> None:
    with pytest.raises(RongheError, match=match):
        run(folder, text, entry)
    assert not (folder / "scratch").exists()


def simulated(n_plants: int = 400) -> pd.DataFrame:
    """Return made-up plants of six years, of which some come late, leave early, pause, move or change sector."""
    rng = np.random.default_rng(3)
    rows = []
    for plant in range(n_plants):
        start, end = sorted(rng.integers(2014, 2020, 2))
        for year in range(start, end + 1):
            if rng.random() < 0.1 and year > start:
                continue
            region = ["North", "South"][plant % 2] if rng.random() < 0.9 else "N"
            code = ["C311", "C319", "C32", "I65"][(plant + (year > 2016) * (plant % 7 == 0)) % 4]
            sales = float(rng.integers(0, 50))
            rows.append(
                [f"p{plant}", region, code, year, int(rng.integers(1, 900)), sales, sales * rng.integers(0, 11) / 10]
            )
    frame = pd.DataFrame(rows, columns=["id", "area", "code", "year", "staff", "sales", "services"])
    frame.loc[::17, "services"] = np.nan
    places = rng.uniform([100, 20], [120, 40], (len(frame), 2)).round(4)
    return frame.assign(lon=places[:, 0], lat=places[:, 1])


def by_pandas(plants: pd.DataFrame) -> pd.DataFrame:
    """Return the same cells by the plain way: the years of each plant as a set."""
    plants = plants.assign(
        region=plants["area"].replace("N", "North"),
        sector=np.where(plants["code"] == "I65", "software", "steel"),
    )
    there = set(zip(plants["id"], plants["year"], strict=True))
    first, last = plants["year"].min(), plants["year"].max()
    plants["entries"] = [(i, y - 1) not in there for i, y in zip(plants["id"], plants["year"], strict=True)]
    plants["exits"] = [(i, y + 1) not in there for i, y in zip(plants["id"], plants["year"], strict=True)]
    plants["reporting"] = (plants["sales"] > 0) & plants["services"].notna()
    plants["service_providers"] = plants["reporting"] & (plants["services"] * 10 >= plants["sales"] * 3)
    both = pd.concat([plants, plants.assign(sector="all")])
    groups = both.groupby(["region", "year", "sector"])
    table = groups[["entries", "exits", "reporting", "service_providers"]].sum().astype(float)
    table["employment"] = groups["staff"].sum().astype(float)
    table["plants"] = groups.size().astype(float)
    table["plant_herfindahl"] = groups["staff"].apply(lambda e: ((e / e.sum()) ** 2).sum())
    table["service_provider_share"] = table["service_providers"] / table["reporting"].where(table["reporting"] > 0)
    year = table.index.get_level_values("year")
    table["entries"] = table["entries"].where(year > first)
    table["exits"] = table["exits"].where(year < last)
    return table


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_cells_agree_with_pandas(tmp_path, ending):
    plants = simulated()
    path = tmp_path / f"plants.{ending}"
    plants.to_csv(path, index=False) if ending == "csv" else plants.to_parquet(path, index=False)
    tables = aggregate_plants(path, FULL, NAMES, limits(tmp_path), "microdata.plants")
    cells = tables["cells"].set_index(["region", "year", "sector"])
    expected = by_pandas(plants)
    pd.testing.assert_frame_equal(
        cells.loc[expected.index, expected.columns].astype(float), expected, rtol=1e-13, check_like=True
    )
    empty = cells.drop(expected.index)
    assert len(cells) == 3 * 6 * 3 and (empty[["employment", "plants"]] == 0).all(axis=None)
    assert empty["plant_herfindahl"].isna().all()
    records = tables["records"].set_index("record")["rows"]
    assert records["read"] == records["used"] == len(plants)
    assert records["without_revenue"] == (~((plants["sales"] > 0) & plants["services"].notna())).sum()


def test_neither_threads_nor_the_order_of_rows_matter(tmp_path):
    plants = simulated().assign(staff=lambda p: p["staff"] + 0.1)
    entry = {**FULL, "decimals": 1}
    plants.to_parquet(tmp_path / "one.parquet", index=False)
    plants.sample(frac=1, random_state=1).to_parquet(tmp_path / "two.parquet", index=False)
    one = aggregate_plants(tmp_path / "one.parquet", entry, NAMES, limits(tmp_path, 1), "m")
    entry = {**entry, "points": [2016]}
    for name, threads in (("one", 1), ("two", 2)):
        points = tmp_path / f"{name}_points.parquet"
        again = aggregate_plants(tmp_path / f"{name}.parquet", entry, NAMES, limits(tmp_path, threads), "m", points)
        pd.testing.assert_frame_equal(one["cells"], again["cells"], check_exact=True)
    points = [pd.read_parquet(tmp_path / f"{name}_points.parquet") for name in ("one", "two")]
    pd.testing.assert_frame_equal(*points, check_exact=True)
    assert len(points[0]) == (plants["year"] == 2016).sum()


def test_a_cell_by_hand(tmp_path):
    text = HEADINGS + FIRST + "b,N,C32,2019,30\nb,North,C32,2020,60\nc,南,C39,2020,5\n".replace("南,C39", "South,I65")
    cells = run(tmp_path, text)["cells"].set_index(["region", "year", "sector"])
    steel = cells.loc[("North", 2019, "steel")]
    assert (steel["employment"], steel["plants"], steel["plant_herfindahl"]) == (40, 2, (10**2 + 30**2) / 40**2)
    assert np.isnan(steel["entries"]) and steel["exits"] == 1
    assert cells.at[("South", 2020, "software"), "entries"] == 1 and np.isnan(cells.at[("South", 2020, "all"), "exits"])


def test_the_longest_code_decides(tmp_path):
    entry = {**ENTRY, "sectors": {"steel": ["C*"], "software": ["C31*", "C322"]}}
    cells = run(tmp_path, HEADINGS + FIRST + "b,N,C322,2019,1\nc,N,C323,2019,5\n", entry)["cells"].set_index("sector")
    assert cells.query("region == 'North'")["employment"].to_dict() == {"steel": 5, "software": 11, "all": 16}


BAD = {
    "missing_plant": (" ,North,C32,2019,5", "row 3: no name of a plant"),
    "missing_region": ("b,,C32,2019,5", "row 3: no region"),
    "unknown_region": ("b,Nord,C32,2019,5", r"row 3: a region .*\(area: 'Nord'\)"),
    "missing_sector": ("b,North,,2019,5", "row 3: no sector"),
    "unknown_sector": ("b,North,C40,2019,5", r"row 3: a sector outside .*\(code: 'C40'\)"),
    "bad_year": ("b,North,C32,2019.5,5", r"row 3: a year .*\(year: '2019.5'\)"),
    "missing_employment": ("b,North,C32,2019,", "row 3: no employment"),
    "text_employment": ("b,North,C32,2019,many", r"row 3: employment that is not a number \(staff: 'many'\)"),
    "negative_employment": ("b,North,C32,2019,-5", r"row 3: employment below 0 \(staff: '-5'\)"),
    "zero_employment": ("b,North,C32,2019,0", "row 3: employment of 0"),
    "fractional_employment": ("b,North,C32,2019,0.5", "row 3: employment with more digits"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_row_at_fault_is_refused_with_its_row_or_counted(tmp_path, fault):
    line, message = BAD[fault]
    text = HEADINGS + FIRST + line + "\n" + line + "\n"
    refused(tmp_path, text, message)
    refused(tmp_path, text, f"and 1 more rows.*declare '{fault}: leave_out.*' at microdata.plants.rules")
    tables = run(tmp_path, text, {**ENTRY, "rules": {fault: "leave_out"}})
    record = tables["records"].set_index("record").loc[fault]
    assert (record["rule"], record["rows"], record["first_row"]) == ("leave_out", 2, 3)
    assert tables["cells"].query("sector == 'all'")["employment"].sum() == 10


@pytest.mark.parametrize("cell", ["1_000", "1,5", "nan", "inf", "０", "12 000", "0x1F"])
def test_what_only_looks_like_a_number_is_text(tmp_path, cell):
    refused(tmp_path, HEADINGS + FIRST + f'b,North,C32,2019,"{cell}"\n', "row 3: employment that is not a number")


def test_a_plant_of_nobody_may_be_kept(tmp_path):
    text = HEADINGS + FIRST + "b,North,C32,2019,0\n"
    cells = run(tmp_path, text, {**ENTRY, "rules": {"zero_employment": "keep"}})["cells"]
    assert cells.query("sector == 'all'")["plants"].sum() == 2


def test_a_plant_twice_in_a_year(tmp_path):
    text = HEADINGS + "a,North,C31,2019,10\nb,North,C32,2019,7\na,South,C32,2019,3\na,North,C31,2020,4\n".replace(
        "C31,", "C311,"
    )
    refused(
        tmp_path, text, r"row 2: a plant that stands twice in a year \(a 2019, again in row 4\) \(and 1 more rows\)"
    )
    tables = run(tmp_path, text, {**ENTRY, "rules": {"duplicate_plant_year": "leave_out"}})
    assert tables["records"].set_index("record").at["duplicate_plant_year", "rows"] == 2
    cells = tables["cells"].set_index(["region", "year", "sector"])
    assert cells.at[("North", 2019, "all"), "employment"] == 7 and cells.at[("North", 2020, "steel"), "entries"] == 1


def test_positions_and_revenue(tmp_path):
    headings = "id,area,code,year,staff,sales,services,lon,lat\n"
    good = "a,North,C32,2019,10,100,30,116.4,39.9\n"
    for line, message in {
        "b,North,C32,2019,5,100,20,116.4,": r"row 3: a position .*\(lon: '116.4', lat: empty\)",
        "b,North,C32,2019,5,100,20,39.9,116.4": "row 3: a position of which one half is missing, .* or out of range",
        "b,North,C32,2019,5,100,20,east,39": "row 3: a position",
        "b,North,C32,2019,5,100,120,,": r"row 3: revenue .*\(sales: '100', services: '120'\)",
        "b,North,C32,2019,5,-1,,,": "row 3: revenue",
        "b,North,C32,2019,5,much,1,,": "row 3: revenue",
    }.items():
        refused(tmp_path, headings + good + line + "\n", message, FULL)
    text = headings + good + "b,North,C32,2019,5,29,8.7,,\nc,North,C32,2019,5,100,29.9,1,1\nd,North,I65,2019,5,,,1,1\n"
    points = tmp_path / "points.parquet"
    tables = run(tmp_path, text, {**FULL, "points": [2019]}, points)
    steel = tables["cells"].set_index(["region", "sector"]).loc[("North", "steel")]
    assert (steel["reporting"], steel["service_providers"], steel["service_provider_share"]) == (3, 2, 2 / 3)
    records = tables["records"].set_index("record")["rows"]
    assert (records["without_position"], records["without_revenue"]) == (1, 1)
    assert pd.read_parquet(points)["longitude"].tolist() == [1, 116.4, 1]


def test_files_that_are_not_what_they_should_be(tmp_path):
    refused(tmp_path, HEADINGS.replace("staff", "stuff") + FIRST, "no column 'staff'; did you mean 'stuff'")
    refused(tmp_path, HEADINGS + FIRST + "b,North,C32,2019\n", "row 3: not a proper CSV line")
    refused(tmp_path, HEADINGS + FIRST + 'b,"North,C32,2019,3\n', "row 3: not a proper CSV line")
    refused(tmp_path, HEADINGS.replace("staff", "id") + FIRST, "'id' stands twice")
    refused(tmp_path, HEADINGS + FIRST + "b,North,C32,2022,3\n", "no row for 2020, 2021, between 2019 and 2022")
    refused(tmp_path, HEADINGS + FIRST + "b,North,C32,1019,3\n", "no row for 1020")
    refused(tmp_path, HEADINGS, "no row is left to count")
    refused(tmp_path, "", "the file is empty")
    (tmp_path / "x.parquet").write_text(HEADINGS + FIRST, encoding="utf-8")
    with pytest.raises(RongheError, match="the ending says '.parquet' but the file is none"):
        aggregate_plants(tmp_path / "x.parquet", ENTRY, NAMES, limits(tmp_path), "m")
    with pytest.raises(RongheError, match="no such file"):
        aggregate_plants(tmp_path / "y.csv", ENTRY, NAMES, limits(tmp_path), "m")


def test_rows_of_totals_and_words_for_missing(tmp_path):
    text = HEADINGS + FIRST + "t,Total,C31,2019,99\nb,South,C32,2019,NA\n"
    refused(tmp_path, text, "row 4: employment that is not a number")
    tables = run(tmp_path, text, {**ENTRY, "missing": ["NA"], "rules": {"missing_employment": "leave_out"}})
    records = tables["records"].set_index("record")["rows"]
    assert records.to_dict() == {"read": 3, "used": 1, "missing_employment": 1, "ignored_region": 1}


def test_without_duckdb_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    refused(tmp_path, HEADINGS + FIRST, r"pip install 'duckdb")
