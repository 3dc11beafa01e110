"""What the page holds is what the stages wrote: values, intervals, matrices, members, and entries that work."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from paper.explorer.made import CONFIG, REGIONS, SPECIFICATIONS, YEARS
from ronghe.frames import read_csv, read_panel
from ronghe.models.declaration import complete
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import CHOICES, Multiverse
from ronghe.paper.explorer import multiverse, spread, where
from ronghe.paper.explorer.book import Book
from ronghe.paper.explorer.estimates import entry_text
from ronghe.paper.explorer.numbers import packed_fives, packed_pairs, short, shorts
from ronghe.paper.explorer.spread import within_sd
from ronghe.yaml_files import load_yaml
from scipy.stats import t as student


def test_values_and_ranks_by_year_and_region(given, gathered: dict) -> None:
    panel = read_panel(*given.panel)
    shown = gathered["where"]
    assert shown["years"] == YEARS and [v["key"] for v in shown["variables"]] == given.variables
    for variable in shown["variables"]:
        wide = panel[variable["key"]].unstack("region")[REGIONS].to_numpy()
        np.testing.assert_allclose(np.array(variable["values"], float), wide, rtol=1e-4)
    assert gathered["profiles"]["composite"]["ranks"][0][0][1:] == [1, 9]
    assert gathered["obstacles"]["pair"]["values"][2][3] == [0.25, 0.75]
    assert gathered["names"]["obstacle/a.score_a"] == ["Score A", "得分甲"]


def test_more_values_than_a_page_should_hold_are_left_out_and_counted(given, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = read_panel(*given.panel)
    monkeypatch.setattr(where, "MOST_VALUES", 2 * len(panel))
    found = where.variables(panel, given.variables, REGIONS, {}, "r", Book({}, "en"))
    assert len(found["variables"]) == 2 and found["left_out"] == 2


def test_an_entry_of_the_page_is_the_specification_again(gathered: dict) -> None:
    """Pasted into a configuration without defaults, each entry completes to what was estimated."""
    for fit in gathered["fits"]:
        entry = yaml.safe_load(fit["entry"])
        others = {**SPECIFICATIONS, **entry}
        pasted = complete(
            fit["name"], {"samples": CONFIG["samples"], "specifications": others, **_defaults(fit["name"])}
        )
        assert pasted == complete(fit["name"], CONFIG), fit["name"]


def _defaults(name: str) -> dict:
    """Only an entry that builds on another still needs the defaults, which are that one's."""
    return {"specification_defaults": CONFIG["specification_defaults"]} if "of" in SPECIFICATIONS[name] else {}


def test_rows_of_a_check_are_not_shown_as_estimates_of_their_own(gathered: dict) -> None:
    main = {fit["name"]: [row["effect"] for row in fit["rows"] if row["main"]] for fit in gathered["fits"]}
    assert main["durbin"] == ["coefficient", "direct", "indirect", "total"] and main["left_out"] == []


def test_the_matrix_of_the_page_is_that_of_the_fit(given, gathered: dict) -> None:
    fits = {fit["name"]: fit for fit in gathered["spread"]["fits"]}
    assert set(fits) == {"durbin", "durbin_pairs", "dummies", "lag"}
    for name, fit in fits.items():
        cells = read_csv(Path(given.results, f"models/{name}/impact_matrix.csv")).set_index(["source", "region"])
        wide = cells["estimate"].unstack("region").loc[REGIONS, REGIONS].to_numpy()
        np.testing.assert_allclose(fit["estimate"], wide, rtol=6e-3)
        half = (cells["upper"] - cells["lower"]).unstack("region").loc[REGIONS, REGIONS].to_numpy() / 2
        np.testing.assert_allclose(fit["half"], half, rtol=6e-3)
        np.testing.assert_allclose(fit["units"]["given"][0], wide.sum(axis=1) - np.diag(wide), rtol=1e-3)
    W = read_csv(Path(given.results, "weights/ring/edges.csv"))
    first = W[W["neighbor"] == REGIONS[0]]["focal"]
    assert [REGIONS[k] for k in fits["durbin"]["neighbours"][0]] == sorted(first)


def test_fits_beyond_the_room_of_a_page_are_named(given, monkeypatch: pytest.MonkeyPatch) -> None:
    from ronghe.paper.results import Fit

    monkeypatch.setattr(spread, "MOST_CELLS", 500)
    panel = read_panel(*given.panel)
    found = [Fit.read(name, f"{given.results}/models") for name in given.specifications]
    made = spread.spread(found, panel, REGIONS, given.results, Book(CONFIG["labels"], "en"))
    assert [fit["name"] for fit in made["fits"]] == ["durbin"] and made["left_out"] == [
        "durbin_pairs",
        "dummies",
        "lag",
    ]


def test_one_within_sd_is_the_residual_of_a_regression_on_dummies(given) -> None:
    panel = read_panel(*given.panel)
    index = panel.index
    D = pd.concat([pd.get_dummies(index.get_level_values(k), dtype=float) for k in (0, 1)], axis=1).to_numpy()
    x = panel["service"].to_numpy()
    rest = x - D @ np.linalg.lstsq(D, x, rcond=None)[0]
    assert within_sd(panel, "service", REGIONS, None) == pytest.approx(np.sqrt(rest @ rest / (19 * 5)), rel=1e-12)
    assert within_sd(panel, "nowhere", REGIONS, None) is None


def unpacked(found: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return estimates and errors as the page's program unpacks them."""
    steps = np.frombuffer(base64.b64decode(found["estimates"]), "<u2").astype(int)
    scale, largest = found["scale"]
    estimates = np.where(steps > 0, scale * np.sinh((steps - 32768) / 32000 * largest), np.nan)
    raw = np.frombuffer(base64.b64decode(found["errors"]), "u1").astype(int).reshape(-1, 3)
    places = np.stack([raw[:, 0] | (raw[:, 1] & 15) << 8, raw[:, 1] >> 4 | raw[:, 2] << 4], axis=1).ravel()
    book = np.array([np.nan, *np.exp(found["book"])])
    return estimates, book[places[: len(steps)]]


def unpacked_states(text: str, count: int) -> np.ndarray:
    """Return the states of all members as the page's program unpacks them."""
    raw = np.frombuffer(base64.b64decode(text), "u1").astype(int)
    return (raw[:, None] // [1, 5, 25] % 5).ravel()[:count]


def test_members_come_back_from_their_packing(given, gathered: dict) -> None:
    frame = table.read(Path(given.results, "multiverse/specifications.parquet"))
    found = gathered["multiverse"]
    estimates, errors = unpacked(found)
    np.testing.assert_allclose(estimates, frame["estimate"], rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(np.sign(estimates), np.sign(frame["estimate"]))
    assert np.median(np.abs(errors / frame["std_error"] - 1)) < 1e-3
    assert np.abs(errors / frame["std_error"] - 1).max() < 1e-2
    wanted = 1 + 2 * (frame["estimate"] > 0) + (frame["pvalue"] < 0.05)
    np.testing.assert_array_equal(unpacked_states(found["states"], len(frame)), wanted)
    assert found["members"] == found["held"] == len(frame) and found["below"] == 2**32


def test_runs_and_lists_name_every_member(given, gathered: dict) -> None:
    frame = table.read(Path(given.results, "multiverse/specifications.parquet"))
    found, rows = gathered["multiverse"], []
    for *levels, first, place in found["cells"]:
        for k, bits in enumerate(found["lists"][place]):
            rows.append([*(c["levels"][i] for c, i in zip(found["choices"], levels, strict=True)), first + k, bits])
    wanted = frame[[*CHOICES, "specification", "controls"]].astype({c: str for c in CHOICES})
    assert rows == wanted.to_numpy().tolist()


def test_refused_members_are_held_as_such() -> None:
    numbers = {"estimate": [1.0, np.nan, -1e-9, 2.0], "std_error": [2.0, np.nan, 1.0, 1.0]}
    frame = pd.DataFrame({**numbers, "pvalue": [0.6, np.nan, 0.01, 0.04], "refused": ["", "edge", "", ""]})
    packed = dict(zip(("estimates", "scale"), multiverse.pack_estimates(frame), strict=True))
    packed |= dict(zip(("errors", "book"), multiverse.pack_errors(frame), strict=True))
    estimates, errors = unpacked(packed)
    assert np.isnan(estimates[1]) and np.isnan(errors[1]) and estimates[2] < 0
    assert unpacked_states(packed_fives(multiverse.states(frame)), 4).tolist() == [3, 0, 2, 4]


def test_a_large_multiverse_is_thinned_by_number_alone_and_its_states_are_whole(
    given, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table.read(Path(given.results, "multiverse/specifications.parquet"))
    monkeypatch.setattr(multiverse, "threshold", lambda members, room: 2**30)
    book = Book(CONFIG["labels"], "en")
    found = multiverse.multiverse(Multiverse.of(CONFIG), f"{given.results}/multiverse", CONFIG["figures"], book, 0)
    # The rule as the page's program follows it, number by number.
    kept = frame[[k * 2654435769 % 2**32 < 2**30 for k in frame["specification"]]]
    assert found["held"] == len(kept) and abs(len(kept) / len(frame) - 0.25) < 0.02
    np.testing.assert_allclose(unpacked(found)[0], kept["estimate"], rtol=1e-3, atol=1e-4)
    for choice in CHOICES:
        here, whole = (part[choice].astype(str).value_counts(normalize=True) for part in (kept, frame))
        assert (here - whole).abs().max() < 0.03
    wanted = 1 + 2 * (frame["estimate"] > 0) + (frame["pvalue"] < 0.05)
    np.testing.assert_array_equal(unpacked_states(found["states"], len(frame)), wanted)


@pytest.mark.parametrize("members", [640, 290_304, 511_488, 1_000_000])
def test_members_keep_to_their_room(members: int) -> None:
    share = multiverse.threshold(members, 1_380_000) / 2**32
    assert share == 1 or members * 4 / 9 + share * members * 3.5 * 4 / 3 == pytest.approx(1_380_000, rel=1e-4)
    assert (share == 1) == (members < 270_000)
    assert multiverse.threshold(10**7, 0) == int(2**32 * multiverse.FEWEST / 10**7)


@pytest.mark.parametrize("df", [3, 19, 29, np.inf])
def test_the_quantile_behind_a_p_value(df: float) -> None:
    wanted = student.ppf(0.975, df)
    assert multiverse.quantile_behind(2.2, 2 * student.sf(2.2, df)) == pytest.approx(wanted, abs=1e-5)


def test_the_interval_of_a_run_uses_the_degrees_of_its_sample(gathered: dict) -> None:
    critical = gathered["multiverse"]["critical"]
    np.testing.assert_allclose(critical, student.ppf(0.975, 19), atol=1e-5)


def test_numbers_are_short_and_never_a_word() -> None:
    assert shorts([1.0, 0.123456789, None, np.nan, np.inf, [1]]) == [1, 0.123457, None, None, None, None]
    assert short("") is None
    raw = base64.b64decode(packed_pairs(np.array([1, 4095, 7])))
    assert list(raw) == [1, 0xF0, 0xFF, 7, 0, 0]


def test_exhibits_know_what_they_show(gathered: dict) -> None:
    found = {exhibit["key"]: exhibit for exhibit in gathered["exhibits"]}
    assert found["figures/map"]["variables"] == ["quality"] and found["figures/map"]["file"] == "figures/map.svg"
    assert found["tables/main"]["specifications"] == ["plain", "durbin"]
    assert found["figures/curve"]["files"] == ["multiverse/curve.csv"]
    assert gathered["tables"][0]["rows"] == [["Services", "=1+1"]]


def test_every_shipped_specification_survives_its_text(project: Path) -> None:
    """Text of the page, pasted in place of the entry and without defaults, completes to the same specification."""
    config = {}
    for part in ("specifications", "measures"):
        config |= load_yaml(project / f"config/{part}.yaml")
    config["dataset"] = config["specification_defaults"]["dataset"]
    bare = {**config, "specification_defaults": {}}
    for name, entry in config["specifications"].items():
        made = complete(name, config)
        pasted = yaml.safe_load(entry_text(name, made))[name]
        others = {**config, "specifications": {**config["specifications"], name: pasted}}
        alone = {**bare, "specifications": {**config["specifications"], name: pasted}}
        assert complete(name, others if {"of", "family"} & set(entry) else alone) == made, name
