"""All measures in one process: the same numbers as one by one, in the right order, fast enough."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.frames import write_tables
from ronghe.measures import declaration
from ronghe.measures.codebook import codebook
from ronghe.measures.formulas.coupling import couple
from ronghe.measures.formulas.index import composite_index
from ronghe.measures.inputs import read_keyed, read_systems
from ronghe.measures.run import Measures
from ronghe.places import folders, placed

from benchmarks.all_measures import large_panel, measure_large

PLACES = folders("d", "en")

INDICATORS = {"x": {"direction": "positive"}, "y": {"direction": "negative"}}
ENTRIES = {
    # Written before the indices that it needs, on purpose.
    "both": {"kind": "coupling", "subsystems": {"one": "first.index", "two": "second.index"}},
    "pairs": {"kind": "pair_comparison", "couplings": ["both", "again"]},
    "again": {"kind": "coupling", "subsystems": {"one": "first.index", "two": "z"}},
    "first": {"kind": "index", "indicators": INDICATORS, "floor": 0.01, "draws": 10},
    "second": {
        "kind": "index",
        "indicators": {"z": {"direction": "positive"}, "lq.m": {"direction": "positive"}},
        "floor": 0.01,
    },
    "lq": {"kind": "location_quotient", "total": "t", "sectors": {"m": ["m"], "s": ["s"]}},
    "related": {"kind": "grey_relation", "first": "first", "second": "second"},
    "compared": {"kind": "weighting_comparison", "indices": ["first", "second"]},
}


@pytest.fixture(scope="module")
def computed() -> Measures:
    rng = np.random.default_rng(6)
    index = pd.MultiIndex.from_product([list("abcdef"), [2018, 2019, 2020]], names=["region", "year"])
    panel = pd.DataFrame(rng.uniform(0.1, 1, (18, 5)), index=index, columns=list("xyzms"))
    panel["t"] = panel["m"] + panel["s"]
    regions = pd.DataFrame({"macro_region": list("EEEWWW")}, index=list("abcdef"))
    measures = Measures({"measures": ENTRIES}, panel, regions, pd.DataFrame(), seed=9)
    for name in measures.order():
        measures.compute(name)
    return measures


def test_needs_come_first(computed):
    order = computed.order()
    assert sorted(order) == sorted(ENTRIES)
    for name in order:
        assert all(order.index(other) < order.index(name) for other in declaration.needs(computed.config, name))


def test_numbers_are_those_of_the_functions(computed):
    panel = pd.DataFrame(computed.columns)
    expected = composite_index(panel, INDICATORS, floor=0.01, draws=10, seed=9)
    pd.testing.assert_frame_equal(computed.tables["first"]["intervals"], expected.intervals)
    pd.testing.assert_frame_equal(
        computed.tables["again"]["panel"], couple(panel, {"one": "first.index", "two": "z"}).panel
    )


def test_tables_hold_what_the_declaration_promises(computed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, tables in computed.tables.items():
        paths = {
            path.rsplit("/", 1)[1].removesuffix(".csv"): path
            for path in placed(declaration.tables(computed.config, name), PLACES)
        }
        assert sorted(paths) == sorted(tables), name
        write_tables(tables, paths)
    labels = {"lq.m": "Location quotient of m"}
    table = codebook(placed(declaration.descriptions(computed.config), PLACES), labels).set_index(["measure", "column"])
    assert table.loc[("lq", "m"), "label"] == "Location quotient of m"
    assert table.loc[("first", "index"), "mean"] == pytest.approx(computed.tables["first"]["panel"]["index"].mean())
    back = read_keyed("results/d/measures/first/scores.csv")
    pd.testing.assert_frame_equal(back, computed.tables["first"]["scores"], check_exact=True)
    folder = "results/d/measures/first/"
    scores, weights = read_systems({"one": "first"}, [folder + "scores.csv"], [folder + "weights.csv"])
    assert weights["one"].to_dict() == computed.tables["first"]["weights"].set_index("indicator")["weight"].to_dict()
    assert list(scores["one"]) == ["x", "y"]


def test_the_large_panel_of_the_benchmark_is_measured():
    panel = large_panel(n_regions=20, n_years=3)
    assert len(panel) == 60
    measure_large(panel)
