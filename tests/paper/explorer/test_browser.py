"""The page in a real Chromium: by mouse, by keys, on a telephone, in Chinese, in the dark, in print, and shared."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import yaml
from models.multiverse.worlds import samples, world
from paper.explorer.browser import DESKTOP, PHONE, Browser
from paper.explorer.made import CONFIG, REGIONS, make
from ronghe.frames import read_csv, read_panel
from ronghe.models.declaration import complete
from ronghe.models.estimate import run
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import Multiverse
from ronghe.models.multiverse.settings import Settings
from ronghe.paper.explorer.page import gather, page

LOOKS = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")
VIEWS = ("where", "estimates", "multiverse", "spread", "whatif", "tables")


def text(browser: Browser, selector: str) -> str:
    return browser.run(f"document.querySelector({selector!r}).innerText")


def title(browser: Browser, card: str) -> str:
    return text(browser, f"[data-card={card}] h2")


def minus(shown: str) -> float:
    return float(shown.replace("\N{MINUS SIGN}", "-").replace(",", ""))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_every_view_fits_and_reads(
    browser: Browser, written: Path, view: str, language: str, size: tuple, dark: bool
) -> None:
    """No error, no sideways scroll, one screen on a desktop, contrast of 4.5 or more, no word cut, controls named."""
    browser.errors.clear()
    browser.open(written, f"view={view}&lang={language}", size, dark)
    wide, high = browser.run(
        "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
    )
    assert wide <= 0 and (size == PHONE or high <= 0)
    assert browser.errors == []
    assert browser.run(f"(() => {{ {LOOKS} return faint(); }})()") == []
    assert browser.run(f"(() => {{ {LOOKS} return unnamed(); }})()") == []
    assert browser.run(f"(() => {{ {LOOKS} return cut(); }})()") == []
    assert browser.run("document.documentElement.lang") == language
    if language == "zh":
        left = {
            word for word in browser.run(f"(() => {{ {LOOKS} return latin(); }})()") if not re.fullmatch(KEPT, word)
        }
        assert left == set()


# Latin words that stay in a Chinese page: names of files, entries and models, and made-up names without a Chinese one.
KEPT = (
    r"English|CSV|SVG|SAR|SDM|SEM|CR|Satterthwaite|W|I|t|p|c|e|reg|config/specifications.yaml|kind|spatial|East|Services|"
    r"plain|durbin|durbin_pairs|dummies|lag|errors|other_treatment|income|roads|schools|towns|trade|output|log|pairs|late|score_b"
)


def test_a_map_is_clicked_and_the_year_moves(browser: Browser, written: Path, given) -> None:
    panel = read_panel(*given.panel)["quality"].unstack("year")
    browser.open(written)
    browser.click('[data-region="region 07"]')
    rank = int(panel[2006].rank(ascending=False)["region 07"])
    assert title(browser, "series").startswith(
        f"region 07, 2006: {panel.at['region 07', 2006]:.3f}".replace("-", "\N{MINUS SIGN}")
    )
    assert f"rank {rank} of 20" in title(browser, "series")
    browser.choose("year", "2002")
    assert title(browser, "map") == "Quality, 2002"
    assert browser.run("location.hash") == "#year=2002&region=region%2007"
    name, saved = browser.download('[data-key="csv-map"]')
    rows = list(csv.reader(io.StringIO(saved.lstrip("\ufeff"))))
    assert name == "quality_2002.csv" and rows[0] == ["Region", "Larger region", "Quality"]
    np.testing.assert_allclose([float(row[2]) for row in rows[1:]], panel[2002][REGIONS], rtol=1e-4)
    browser.choose("variable", "composite.index")
    assert "(95%: 1 to 9)" in title(browser, "series")


def test_playing_runs_through_the_years_and_stops(browser: Browser, written: Path) -> None:
    browser.open(written, "year=2004")
    browser.run("(() => { const wait = setInterval; window.setInterval = (act, time) => wait(act, time / 10); })()")
    browser.click("[data-key=play]")
    assert "Pause" in text(browser, "[data-key=play]")
    browser.until("location.hash.includes('year') === false")
    browser.until("document.querySelector('[data-key=play]').innerText.includes('Play')")
    assert title(browser, "map") == "Quality, 2006"


def test_keys_alone_lead_through_the_page(browser: Browser, written: Path) -> None:
    browser.open(written)
    browser.run("document.querySelector('[data-region=\"region 00\"]').focus()")
    browser.press("ArrowRight")
    browser.press("ArrowDown")
    assert title(browser, "series").startswith("region 06")
    assert browser.run("document.activeElement.dataset.key") == "tile-region 06"
    browser.run("document.querySelector('[role=tab]').focus()")
    browser.press("ArrowRight")
    assert browser.run("document.activeElement.id") == "tab-estimates"
    assert browser.run("document.querySelector('[aria-selected=true]').id") == "tab-estimates"
    browser.press("End")
    assert browser.run("location.hash") == "#view=tables"
    for _ in range(3):
        browser.press("Tab")
    assert browser.run("document.activeElement !== document.body")


def test_estimates_are_filtered_picked_and_copied(browser: Browser, written: Path) -> None:
    browser.open(written, "view=estimates")
    buttons = "[...document.querySelectorAll('[data-card=chart] [role=button]')]"
    marks = f"{buttons}.map((n) => n.getAttribute('aria-label').split(':')[0])"
    assert {label.split(" · ")[0] for label in browser.run(marks)} == {
        "plain",
        "durbin",
        "durbin_pairs",
        "dummies",
        "lag",
        "errors",
    }
    browser.choose("weights", "ring")
    browser.choose("effect", "total")
    assert browser.run(marks) == ["durbin · Total", "dummies · Total", "lag · Total"]
    browser.click('[data-key="dot-lag/service/total"]')
    assert title(browser, "about") == "lag" and "#view=estimates" in browser.run("location.hash")
    entry = yaml.safe_load(text(browser, "[data-card=entry] pre"))
    assert complete("lag", {**CONFIG, "specification_defaults": {}, "specifications": entry}) == complete("lag", CONFIG)
    browser.click("[data-card=entry] [data-key=copy]")
    browser.until("document.querySelector('[data-key=copy]').innerText === 'Copied'")


def counted(given, **levels: str) -> dict:
    frame = table.read(Path(given.results, "multiverse/specifications.parquet"))
    for choice, level in levels.items():
        frame = frame[frame[choice].astype(str) == level]
    used = frame[frame["refused"] == ""]
    return {
        "n": len(used),
        "median": used["estimate"].median(),
        "positive": (used["estimate"] > 0).mean(),
        "up": ((used["pvalue"] < 0.05) & (used["estimate"] > 0)).mean(),
    }


@pytest.mark.parametrize("levels", [{}, {"model": "sdm"}, {"treatment": "service", "weights": "ring"}])
def test_shares_are_those_of_all_members(browser: Browser, written: Path, given, levels: dict) -> None:
    wanted = counted(given, **levels)
    browser.open(written, "view=multiverse")
    for choice, level in levels.items():
        browser.choose(f"by_{choice}", level)
    said = title(browser, "curve")
    numbers = [minus(x) for x in re.findall(r"\N{MINUS SIGN}?\d[\d,]*(?:\.\d+)?", said)]
    assert numbers[0] == wanted["n"] and numbers[2] == pytest.approx(wanted["median"], abs=2e-3)
    assert f"positive {100 * wanted['positive']:.1f}%" in said and f"significant + {100 * wanted['up']:.1f}%" in said


def test_controls_filter_too_and_the_address_keeps_it(browser: Browser, written: Path, given) -> None:
    frame = table.read(Path(given.results, "multiverse/specifications.parquet"))
    browser.open(written, "view=multiverse")
    browser.choose("with_1", "1")
    browser.choose("with_2", "0")
    bits = frame["controls"].to_numpy()
    wanted = int(((bits & 2 > 0) & (bits & 4 == 0)).sum())
    assert title(browser, "curve").startswith(f"{wanted:,} chosen")
    assert "with=x10" in browser.run("location.hash")


def test_one_click_on_the_curve_leads_to_an_entry_that_estimates_it(browser: Browser, written: Path) -> None:
    multiverse, data = Multiverse.of(CONFIG), world(effect=0.3)
    source = Settings(multiverse, samples(multiverse), data)
    browser.open(written, "view=multiverse")
    x, y, width = browser.run(
        "(({x, y, width}) => [x, y + 60, width])"
        "(document.querySelector('[data-card=curve] .body svg').getBoundingClientRect())"
    )
    seen = set()
    for share in (0.45, 0.7, 0.95):
        browser.click_at(x + share * width, y)
        shown = minus(text(browser, "[data-card=about] .big").split(" ")[0])
        name, entry = next(iter(yaml.safe_load(text(browser, "[data-card=entry] pre")).items()))
        config = {**CONFIG, "specification_defaults": {}, "specifications": {name: entry}}
        result = run(complete(name, config), data)
        treatment = entry["treatment"]
        effect = result.impacts.set_index(["variable", "effect"])["estimate"]
        raw = effect[treatment, "total"] if len(effect) else result.coefficient(treatment)["estimate"]
        frame = source._design(entry.get("sample", "all"), entry.get("winsorise", 0)).frame
        outcome = "log(output)" if isinstance(entry["outcome"], dict) else entry["outcome"]
        assert shown == pytest.approx(raw * frame[treatment].std() / frame[outcome].std(), abs=1.5e-3)
        seen.add(name)
    assert len(seen) == 3


def test_a_key_moves_along_the_curve(browser: Browser, written: Path) -> None:
    browser.open(written, "view=multiverse")
    before = title(browser, "about")
    browser.run("document.querySelector('[data-key=rank]').focus()")
    for _ in range(5):
        browser.press("ArrowRight")
    assert title(browser, "about") != before and browser.run("document.activeElement.dataset.key") == "rank"


def test_spillovers_follow_region_and_weights(browser: Browser, written: Path, given) -> None:
    browser.open(written, "view=spread")
    browser.click('[data-region="region 11"]')
    browser.choose("fit", "durbin_pairs")
    name, saved = browser.download('[data-key="csv-map"]')
    rows = {row[0]: row for row in csv.reader(io.StringIO(saved.lstrip("\ufeff")))}
    cells = read_csv(Path(given.results, "models/durbin_pairs/impact_matrix.csv"))
    cells = cells[cells["source"] == "region 11"].set_index("region")
    assert name == "impacts_durbin_pairs_region 11.csv"
    for region in REGIONS:
        estimate, lower, upper = map(float, rows[region][1:4])
        assert estimate == pytest.approx(cells.at[region, "estimate"], rel=6e-3)
        assert upper - lower == pytest.approx(cells.at[region, "upper"] - cells.at[region, "lower"], rel=1e-2)
    assert browser.run("document.querySelectorAll('[data-card=each] g[data-mark=dot] circle').length") == 4


def test_what_if_multiplies_the_matrix_by_the_within_sd(browser: Browser, written: Path, gathered: dict, given) -> None:
    fit = next(f for f in gathered["spread"]["fits"] if f["name"] == "durbin")
    browser.open(written, "view=whatif&fit=durbin&region=region%2003&change=2")
    _, saved = browser.download('[data-key="csv-chart"]')
    home = list(csv.reader(io.StringIO(saved.lstrip("\ufeff"))))[1]
    observed, then, change, lower, upper = map(float, home[1:])
    level = read_panel(*given.panel)["quality"].loc["region 03", 2006]
    assert change == pytest.approx(2 * fit["sd"] * fit["estimate"][3][3], rel=1e-3)
    assert observed == pytest.approx(level, rel=1e-4) and then == pytest.approx(level + change, rel=1e-4)
    assert (upper - lower) / 2 == pytest.approx(2 * fit["sd"] * fit["half"][3][3], rel=1e-3)
    said = text(browser, "[data-card=says]")
    assert "association" in said and "+2.0 within-SD" in said


def test_a_shared_address_shows_the_same_view(browser: Browser, written: Path) -> None:
    browser.open(written, "view=spread&region=region%2005&lang=zh&theme=dark")
    first = title(browser, "map"), browser.run("document.documentElement.dataset.theme"), browser.run("location.hash")
    browser.open(written, first[2][1:])
    assert first == (
        title(browser, "map"),
        browser.run("document.documentElement.dataset.theme"),
        browser.run("location.hash"),
    )
    assert first[0].startswith("第5区") and first[1] == "dark"


@pytest.mark.parametrize(
    "address",
    [
        "view=nowhere&lang=xx",
        "view=where&region=%3Cimg%3E&year=1&variable=no",
        "view=multiverse&with=zz&rank=9&by_model=q",
        "view=spread&fit=no&region=no",
        "view=whatif&change=NaN",
        "view=estimates&treatment=no&fit=no",
    ],
)
def test_an_address_that_is_wrong_starts_the_view_anew(browser: Browser, written: Path, address: str) -> None:
    browser.errors.clear()
    browser.open(written, address)
    assert browser.errors == [] and browser.run("document.querySelectorAll('.card svg').length") > 0


def test_the_language_and_the_theme_are_one_click_away(browser: Browser, written: Path) -> None:
    browser.open(written)
    browser.click("[data-key=lang]")
    assert browser.run("document.documentElement.lang") == "zh" and title(browser, "map") == "质量，2006"
    browser.click("[data-key=theme]")
    assert browser.run("document.documentElement.dataset.theme") == "dark"
    assert browser.run("location.hash") == "#lang=zh&theme=dark"


@pytest.mark.parametrize(
    ("view", "card"),
    [("where", "map"), ("where", "series"), ("estimates", "chart"), ("multiverse", "curve"), ("spread", "bars"),
     ("whatif", "chart")],
)  # fmt: skip
def test_a_drawing_is_saved_whole_and_stands_alone(browser: Browser, written: Path, view: str, card: str) -> None:
    browser.open(written, f"view={view}", dark=True)
    name, saved = browser.download(f'[data-key="svg-{card}"]')
    drawing = ET.fromstring(saved)
    assert name == f"{card}.svg" and drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(--" not in saved and "currentColor" not in saved and "<script" not in saved
    assert len(list(drawing.iter())) > 10
    # Colours of the theme it was seen in, written out: ground and ink, and nothing left empty.
    assert 'fill="#1b1e22"' in saved and "rgb(236, 236, 236)" in saved and '=""' not in saved


def test_print_is_light_and_has_no_controls(browser: Browser, written: Path) -> None:
    browser.open(written, dark=True)
    browser.call("Emulation.setEmulatedMedia", media="print")
    hidden = (
        "[...document.querySelectorAll('.controls, nav, .card .top button')].every((n) => !n.getClientRects().length)"
    )
    assert browser.run(hidden)
    assert browser.run("getComputedStyle(document.querySelector('.card')).backgroundColor") == "rgb(255, 255, 255)"
    browser.call("Emulation.setEmulatedMedia", media="")


def test_links_lead_to_files_that_are_there(browser: Browser, written: Path, given) -> None:
    for view in ("where", "estimates", "multiverse", "spread"):
        browser.open(written, f"view={view}")
        links = browser.run("[...document.querySelectorAll('footer a')].map((a) => a.getAttribute('href'))")
        assert links and any(link.startswith("figures/") or link.startswith("tables/") for link in links)
        files = [link for link in links if "/results/" in link]
        assert files and all((written.parent / link).resolve().is_file() for link in files)


def test_a_cell_that_a_spreadsheet_would_run_is_text(browser: Browser, written: Path) -> None:
    browser.open(written, "view=tables")
    assert "=1+1" in text(browser, "[data-card=table] td:nth-child(2)")
    _, saved = browser.download('[data-key="csv-table"]')
    assert "Services,'=1+1" in saved


def test_hostile_names_are_shown_and_not_run(browser: Browser, gathered: dict, tmp_path: Path) -> None:
    import copy

    data, name = copy.deepcopy(gathered), "</script><img src=x onerror=\"document.title='taken'\">=cmd"
    data["regions"][0]["name"] = [name, name]
    data["names"]["quality"] = [name, name]
    path = tmp_path / "hostile.html"
    path.write_text(page(data, "en"), encoding="utf-8")
    browser.errors.clear()
    for view in VIEWS:
        browser.open(path, f"view={view}")
        assert browser.run("document.title.includes('taken')") is False
        assert browser.run("document.querySelectorAll('img, script').length") == 4
    browser.open(path)
    assert name in text(browser, "[data-card=series] h2") and browser.errors == []


def test_what_a_dataset_lacks_is_said_plainly(browser: Browser, tmp_path: Path) -> None:
    """No multiverse, no tiles, no spatial fit, no couplings, no tables: a sentence in place of each, and no error."""
    given = make(tmp_path, multiverse=False, tiles=False)
    config = {**given.config, "measures": {}, "tables": {}, "figures": {}}
    plain = type(given)(**{**vars(given), "config": config, "variables": ["quality"], "specifications": ["plain"],
                           "panel": given.panel[:1]})  # fmt: skip
    path = tmp_path / "paper/made/en/explorer.html"
    path.write_text(page(gather(plain, path.parent), "en"), encoding="utf-8")
    browser.errors.clear()
    said = {}
    for view in VIEWS:
        browser.open(path, f"view={view}")
        said[view] = browser.run("document.querySelector('main').innerText")
    assert browser.errors == []
    assert "no places on a tile map" in said["where"] and "measures no coupling" in said["where"]
    assert "No multiverse is declared" in said["multiverse"] and "No spatial model" in said["spread"] + said["whatif"]
    assert "No table is declared" in said["tables"] and "plain" in said["estimates"]


def test_pointing_at_the_curve_tells_of_the_specification_there(browser: Browser, written: Path) -> None:
    browser.open(written, "view=multiverse")
    box = "document.querySelector('[data-card=curve] .body svg').getBoundingClientRect()"
    x, y, width = browser.run(f"(({{x, y, width}}) => [x, y, width])({box})")
    told = set()
    for share in (0.5, 0.9):
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + share * width, y=y + 70)
        browser.until("document.querySelector('[data-card=curve] g[aria-label=tip] text')")
        told.add(browser.run("document.querySelector('[data-card=curve] g[aria-label=tip]').textContent"))
    assert len(told) == 2 and all("Model: " in said and "Controls: " in said for said in told)


def test_a_thinned_page_counts_all_members(
    browser: Browser, given, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ronghe.paper.explorer.multiverse.threshold", lambda members, room: 2**30)
    path = tmp_path / "thinned.html"
    path.write_text(page(gather(given, folder), "en"), encoding="utf-8")
    browser.open(path, "view=multiverse&by_model=sdm")
    wanted = counted(given, model="sdm")
    said = title(browser, "curve")
    assert said.startswith(f"{wanted['n']:,} chosen") and f"positive {100 * wanted['positive']:.1f}%" in said
    assert f"significant + {100 * wanted['up']:.1f}%" in said
    assert "chosen by their numbers alone" in text(browser, ".question")
