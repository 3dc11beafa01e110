"""Whole series in a wrong unit: declared ranges refuse them, and oddities are flagged where nothing is declared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ronghe.clean.bands import bands
from ronghe.clean.checks import run_checks
from ronghe.clean.declaration import check_dataset
from ronghe.clean.flags import Flags
from ronghe.clean.panel import clean_dataset
from ronghe.clean.plausible import check_bands
from ronghe.clean.variables import variables
from ronghe.errors import RongheError
from tiny_dataset import write_tiny
from trust import slips

WAGE = {"range": [20000, 60000], "source": "a survey"}
HEADS = {"per": "population", "unit": "yuan/person", "range": [15, 100], "source": "a survey"}


def with_band(tmp_path: Path, band: dict, table: str = "wages", name: str = "wage") -> dict:
    declared = write_tiny(tmp_path)
    declared["tables"][table]["variables"][name]["plausible"] = band
    return declared


@pytest.mark.parametrize("name", ["china_provinces", "us_states"])
def test_no_slip_of_ten_times_passes_in_a_shipped_dataset(name):
    """Multiplied or divided by ten, every series leaves its range or breaks a sum; the genuine figures pass."""
    dataset = slips.declared(name)
    frames = {v: one.values.astype(float) * one.variable.factor for v, one in slips.read(name).items()}
    genuine = check_bands(dataset, frames)
    assert len(genuine) and (genuine["gap"].abs() <= genuine["tolerance"] + 1e-12).mean() > 0.5
    ranged = {band.name for band in bands(dataset)}
    raw = dict(dataset)
    raw["checks"] = {
        check: entry
        for check, entry in dataset["checks"].items()
        if set(entry.get("parts", [])) | {entry.get(k) for k in ("total", "part", "variable")}
        <= {*variables(dataset), "employment_*", None}
    }
    run_checks(raw, frames, Flags())
    for variable in frames:
        for factor in (10.0, 0.1):
            slipped = {**frames, variable: frames[variable] * factor}
            with pytest.raises(RongheError) as told:
                check_bands(dataset, slipped)
                run_checks(raw, slipped, Flags())
            assert variable not in ranged or "plausible" in str(told.value), variable


def test_the_genuine_data_raise_no_oddity():
    for name in ("china_provinces", "us_states"):
        flags = clean_dataset(slips.declared(name), slips.PROJECT).flags
        assert not flags["why"].str.contains("copy|percent\\?|multiples|resident").any()


def test_the_message_names_the_entry_the_year_the_range_and_the_factor(tmp_path):
    declared = with_band(tmp_path, {**WAGE, "range": [200, 600]})
    with pytest.raises(RongheError) as told:
        clean_dataset(declared, tmp_path)
    expected = ["tables.wages.variables.wage.plausible", "yuan in 2020", "200 to 600 (a survey)", "times too large"]
    for part in [*expected, "look for a wrong unit"]:
        assert part in str(told.value)


def test_a_total_over_another_is_that_of_the_regions_with_both(tmp_path):
    declared = with_band(tmp_path, HEADS, "output", "output")
    rows = clean_dataset(declared, tmp_path).tables["checks"].query("kind == 'plausible'")
    # Million yuan 1 + 4 + 7 over thousand persons 100 + 200 + 50.
    np.testing.assert_allclose(rows["figure"].iloc[0], 12e6 / 350e3, rtol=1e-15)
    assert list(rows["n"]) == [3, 3, 3] and set(rows["check"]) == {"output"}


@pytest.mark.parametrize(
    ("band", "message"),
    [
        ({**WAGE, "range": [100, 1000]}, "would let a slip of ten times pass"),
        ({**WAGE, "range": [600, 200]}, "would let a slip of ten times pass"),
        ({**WAGE, "range": [0, 9]}, "would let a slip of ten times pass"),
        ({**WAGE, "per": "populaton"}, "unknown variable 'populaton'; did you mean 'population'"),
        ({**WAGE, "per": "farm_share"}, "unknown variable 'farm_share'"),
        ({**WAGE, "unit": "person"}, "'元' cannot become|'yuan' cannot become"),
        ({**WAGE, "unit": "yun"}, "unknown unit 'yun'; did you mean 'yuan'"),
        ({**HEADS, "unit": "person"}, "the result counts yuan per person"),
    ],
)
def test_ranges_that_cannot_be_meant_are_refused(tmp_path, band, message):
    with pytest.raises(RongheError, match=message):
        check_dataset(with_band(tmp_path, band), "tiny.yaml")


def test_a_family_may_be_held_against_another_by_sector(tmp_path):
    declared = write_tiny(tmp_path)
    family = declared["tables"]["jobs"]["families"]["jobs"]
    family["plausible"] = {"per": "jobs_{sector}", "range": [0.5, 2], "source": "itself"}
    found = clean_dataset(declared, tmp_path).tables["checks"].query("kind == 'plausible'")
    assert set(found["check"]) == {"jobs_farms", "jobs_shops"} and set(found["figure"]) == {1.0}
    family["plausible"]["per"] = "jobs_{sectors}"
    with pytest.raises(RongheError, match="unknown variable 'jobs_{sectors}'"):
        check_dataset(declared, "tiny.yaml")


def wide(values: list[list[float]], tmp_path: Path) -> None:
    lines = ["地区,项目,单位,2022年,2021年,2020年"]
    lines += [",".join([r, "工资", "元", *map(str, row)]) for r, row in zip("NSE", values, strict=True)]
    (tmp_path / "raw/wages.csv").write_text("\n".join(lines) + "\n", encoding="gb18030")


def oddities(declared: dict, tmp_path: Path) -> list[str]:
    flags = clean_dataset(declared, tmp_path).flags.query("kind == 'suspicious'")
    return sorted({f"{v}: {w}" for v, w in zip(flags["variable"], flags["why"], strict=True) if "year before" not in w})


def test_a_share_called_percent_is_flagged(tmp_path):
    declared = write_tiny(tmp_path)
    declared["units"]["percent"] = {"base": "ratio", "factor": 0.01, "written": ["元"]}
    declared["units"]["yuan"].pop("written")
    declared["tables"]["wages"]["variables"]["wage"].update(unit="元", target="ratio")
    wide([[0.5, 0.4, 0.3], [0.2, 0.2, 0.2], [0.9, 0.8, 0.7]], tmp_path)
    assert oddities(declared, tmp_path) == ["wage: no figure is above 0.9 元: a share where the unit says percent?"]
    wide([[50, 40, 30], [20, 20, 20], [0.9, 0.8, 0.7]], tmp_path)
    assert oddities(declared, tmp_path) == []


def test_more_than_the_world_has_per_resident_is_flagged(tmp_path):
    declared = write_tiny(tmp_path)
    assert oddities(declared, tmp_path) == []
    declared["tables"]["output"]["variables"]["output"]["unit"] = "trillion yuan"
    declared["units"]["trillion yuan"] = {"base": "yuan", "factor": 10**12}
    assert oddities(declared, tmp_path) == [
        "output: 5.08e+07 yuan per resident in 2022, where no region of the world has more than 2e+06: a wrong unit?"
    ]


def test_a_copy_in_another_unit_and_figures_in_thousands_are_flagged(tmp_path, monkeypatch):
    declared = write_tiny(tmp_path)
    monkeypatch.setattr("ronghe.clean.plausible.ENOUGH", 9)
    declared["tables"]["output"]["variables"]["again"] = {"column": "output", "unit": "person"}
    wide([[30, 20, 10], [60, 50, 40], [90, 80, 70]], tmp_path)
    copy = "again: every figure is that of 'output', which is in another unit: a copy?"
    assert oddities(declared, tmp_path) == [copy]
    wide([[3000, 2000, 1000], [6000, 5000, 4000], [9000, 8000, 7000]], tmp_path)
    assert "wage: all 9 figures are multiples of 1000: was a unit converted twice?" in oddities(declared, tmp_path)
