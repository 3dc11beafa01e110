"""The explorer with more regions than a page can show: means of larger regions, or a sample, and a sentence on it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from paper.explorer.made import VARIABLES, make
from ronghe.frames import read_csv, read_panel, write_csv
from ronghe.paper.explorer import many
from ronghe.paper.explorer.many import Shown
from ronghe.paper.explorer.page import Given, gather, page


def given_with(folder: Path, groups: bool) -> Given:
    """Return the small dataset, its regions in four larger ones or in none."""
    given = make(folder, multiverse=False)
    table = read_csv(given.regions)
    table["macro_region"] = [f"Part {k % 4}" for k in range(len(table))]
    write_csv(table if groups else table.drop(columns="macro_region"), given.regions)
    return given


def gathered_of(given: Given) -> dict:
    return gather(given, Path(given.results).resolve().parents[1] / "paper/made/en")


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(many, "MOST_REGIONS", 5)


def test_groups_stand_for_many_regions_with_their_means(tmp_path, few):
    given = given_with(tmp_path, groups=True)
    data = gathered_of(given)
    assert data["shown"] == {"how": "groups", "of": 20, "count": 4}
    assert [region["key"] for region in data["regions"]] == [f"Part {k}" for k in range(4)]
    panel = read_panel(*given.panel)
    table = read_csv(given.regions).set_index("region")["macro_region"]
    of = panel.index.get_level_values("region").map(table)
    means = panel["quality"].groupby([of, panel.index.get_level_values("year")]).mean()
    held = next(v for v in data["where"]["variables"] if v["key"] == "quality")
    for row, year in zip(held["values"], data["where"]["years"], strict=True):
        assert row == pytest.approx([means[f"Part {k}", year] for k in range(4)], rel=1e-4)
    assert data["profiles"]["composite"]["ranks"] is None
    assert len(data["profiles"]["composite"]["values"][0]) == 4
    assert data["spread"] == {"fits": [], "left_out": []}
    assert "20" in page(data, "en") and len(VARIABLES) == len(data["where"]["variables"])


def test_without_groups_a_sample_stands_for_many_regions(tmp_path, few):
    given = given_with(tmp_path, groups=False)
    data = gathered_of(given)
    assert data["shown"] == {"how": "sample", "of": 20, "count": 5}
    names = sorted(read_csv(given.regions)["region"])
    assert sorted(region["key"] for region in data["regions"]) == names[::4]
    panel = read_panel(*given.panel)["quality"]
    held = next(v for v in data["where"]["variables"] if v["key"] == "quality")
    order = [region["key"] for region in data["regions"]]
    last = data["where"]["years"][-1]
    assert held["values"][-1] == pytest.approx([panel[name, last] for name in order], rel=1e-4)


def test_few_regions_stand_for_themselves(gathered):
    assert gathered["shown"] == {"how": "all", "of": 20, "count": 20}


def test_groups_that_leave_a_region_out_are_not_used(tmp_path, few):
    frame = pd.DataFrame({"region": list("abcdefg"), "macro_region": [*"xxyyzz", None]})
    write_csv(frame, tmp_path / "regions.csv")
    index = pd.MultiIndex.from_product([list("abcdefg"), [2000]], names=["region", "year"])
    assert Shown.of_panel(tmp_path / "regions.csv", pd.DataFrame({"v": 1.0}, index)).how == "sample"
