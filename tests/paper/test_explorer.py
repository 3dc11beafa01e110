"""The explorer: one page, nothing from outside, and it works in a browser by mouse and by keyboard."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from paper.builders import LABELS, regression, write_fit
from ronghe.frames import write_csv
from ronghe.paper.explorer import write_explorer
from ronghe.paper.labels import Labels
from ronghe.paper.render_table import render_table

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

# Acts as a reader would, then writes what the page shows into one element that the test reads.
DRIVER = """
<script>
window.addEventListener("load", () => {
  const out = {};
  const fire = (node, kind) => node.dispatchEvent(new Event(kind, { bubbles: true }));
  const cells = (name) => [...document.querySelectorAll(`table[data-name=${name}] tbody tr`)].map(
    (r) => [...r.cells].map((c) => c.textContent));
  const saved = [];
  URL.createObjectURL = (blob) => { saved.push(blob); return "blob:none"; };
  HTMLAnchorElement.prototype.click = function () { out.file = this.download; };
  out.map_first = cells("map");
  const slider = document.querySelector("input[type=range]");
  slider.value = 0; fire(slider, "input");
  out.year = document.getElementById("year").textContent;
  out.map_then = cells("map");
  document.querySelector("table[data-name=map] thead th:nth-child(3) button").click();
  out.map_sorted = cells("map").map((r) => r[2]);
  document.querySelector("button.download").click();
  out.tiles = [...document.querySelectorAll("svg [data-region]")].map((g) => g.dataset.region);
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs[0].focus();
  tabs[0].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  out.tab = document.activeElement.dataset.view;
  out.estimates = cells("estimates");
  const weights = document.querySelectorAll(".controls select")[2];
  weights.focus(); weights.value = "contiguity"; fire(weights, "change");
  out.chosen = cells("estimates");
  out.focus_kept = document.activeElement.tagName;
  document.querySelector("button.open").click();
  out.fit = cells("fit");
  tabs[2].click();
  out.table = cells("main");
  out.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  out.hash = location.hash;
  saved[0].text().then((text) => {
    out.csv = text;
    const node = document.createElement("pre");
    node.id = "report";
    node.textContent = JSON.stringify(out);
    document.body.append(node);
  });
});
window.addEventListener("error", (event) => { document.title = "ERROR " + event.message; });
</script>
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    entry = {"treatment": "coagglomeration"}
    write_fit(
        models, "fe", {"coagglomeration": (0.02, 0.01)}, model="ols", kind="fixed_effects", weights=None, entry=entry
    )
    write_fit(
        models, "sdm", {"coagglomeration": (0.03, 0.01), "rho": (0.4, 0.04)},
        {"coagglomeration": {"direct": (0.035, 0.01), "total": (0.2, 0.1)}}, entry=entry,
    )  # fmt: skip
    labels = Labels(LABELS)
    render_table("main", regression(), labels, tmp_path / "tables", models=str(models))
    index = pd.MultiIndex.from_product([["A</script>", "B"], [2013, 2014]], names=["region", "year"])
    panel = pd.DataFrame({"quality": [1.0, -2.0, 3.0, None]}, index=index)
    panel.reset_index().to_parquet(tmp_path / "panel.parquet")
    regions = pd.DataFrame(
        {"region": ["A</script>", "B"], "name_zh": ["甲", "乙"], "macro_region": ["East", "West"],
         "tile_row": [0, 1], "tile_column": [0, 2]}
    )  # fmt: skip
    write_csv(regions, tmp_path / "regions.csv")
    path = tmp_path / "explorer.html"
    write_explorer(
        path, labels, panel=[str(tmp_path / "panel.parquet")], regions=tmp_path / "regions.csv",
        variables=["quality"], fits=["fe", "sdm"], tables={"main": regression()},
        tables_folder=tmp_path / "tables", models=models, source="panel x",
    )  # fmt: skip
    return path


def test_the_page_needs_nothing_from_outside(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text)) - {"http://www.w3.org/2000/svg"}
    assert addresses == set()
    assert not re.search(r"<(link|img|iframe)\b|\bsrc=|@import|fetch\(|XMLHttpRequest|eval\(", text)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data = json.loads(found[1])
    assert data["regions"][0]["name"] == "A</script>"
    assert data["variables"][0]["values"] == [[1.0, 3.0], [-2.0, None]]
    assert [f["weights"] for f in data["fits"]] == ["none", "contiguity"]


def browse(page: Path, width: int = 1000) -> dict:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium here: the explorer is not tried in a browser (Debian: apt install chromium)")
    driven = page.with_name("driven.html")
    driven.write_text(page.read_text(encoding="utf-8").replace("</body>", DRIVER + "</body>"), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900",
               f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=4000", "--dump-dom",
               driven.as_uri()]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    report = re.search(r'<pre id="report">(.*?)</pre>', dom, re.DOTALL)
    assert report, re.search(r"<title>.*?</title>", dom)[0]
    text = report[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text)


def test_a_reader_can_use_it_by_mouse_and_by_keyboard(page: Path) -> None:
    seen = browse(page)
    assert seen["map_first"] == [["A</script>", "East", "−2.000"], ["B", "West", ""]]
    assert seen["year"] == "2013"
    assert seen["map_then"] == [["A</script>", "East", "1.000"], ["B", "West", "3.000"]]
    assert seen["map_sorted"] == ["1.000", "3.000"]
    assert seen["tiles"] == ["A</script>", "B"]
    assert seen["file"] == "quality_2013.csv"
    assert seen["csv"].lstrip("\ufeff").splitlines()[1] == "A</script>,East,1"
    assert seen["tab"] == "estimates"
    assert [row[:2] for row in seen["estimates"]] == [["fe", "FE"]] + [["sdm", "SDM"]] * 3
    assert [row[3] for row in seen["estimates"]] == ["0.020", "0.030", "0.035", "0.200"]
    assert {row[0] for row in seen["chosen"]} == {"sdm"}
    assert seen["focus_kept"] == "SELECT"
    assert [row[0] for row in seen["fit"]][:2] == ["Co-agglomeration", "ρ (W × outcome)"]
    assert seen["table"][0][0] == "Co-agglomeration"
    assert "view=tables" in seen["hash"] and "weights=contiguity" in seen["hash"]


def test_it_fits_a_telephone(page: Path) -> None:
    assert browse(page, width=500)["overflow"] <= 0
