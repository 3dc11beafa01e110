"""Bad arguments of the functions of measures and explore: each is refused by the name of the argument."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.explore.autocorrelation import global_tests
from ronghe.explore.convergence import describe_convergence
from ronghe.explore.density import densities_by_year
from ronghe.explore.distribution import describe_distribution
from ronghe.explore.gravity import gravity_by_year
from ronghe.explore.local_statistics import local_tests
from ronghe.explore.transitions import transitions
from ronghe.measures.formulas.coagglomeration import coagglomeration
from ronghe.measures.formulas.coupling import couple
from ronghe.measures.formulas.grey_relation import grey_relation
from ronghe.measures.formulas.index import composite_index
from ronghe.measures.formulas.location_quotient import location_quotients
from ronghe.measures.formulas.productivity import productivity
from ronghe.measures.formulas.sector_pairs import sector_pairs
from ronghe.measures.formulas.synergy import synergy
from ronghe.measures.point_patterns.k_density import Options
from ronghe.weights.matrix import Weights

NAN, INF = float("nan"), float("inf")
REGIONS = [f"r{i}" for i in range(8)]
RNG = np.random.default_rng(5)
KEYS = pd.MultiIndex.from_product([REGIONS, range(2015, 2020)], names=["region", "year"])
PANEL = pd.DataFrame(RNG.uniform(0.05, 0.15, (40, 4)), KEYS, list("abcd")).assign(e=1.0)
BORDERS = pd.DataFrame(
    [(REGIONS[i], REGIONS[(i + s) % 8]) for i in range(8) for s in (-1, 1, 3)], columns=["focal", "neighbor"]
)
W = Weights.from_edges(BORDERS.assign(weight=1.0), labels=REGIONS).standardise("row")
PLACES = pd.DataFrame(
    {"longitude": 100.0 + np.arange(8), "latitude": np.arange(8) % 3, "macro_region": list("EEEEWWWW")}, REGIONS
)
WHOLE, COUNT, SHARE = (1.5, NAN, INF, "9", None, True), (-1, 0), (0, 1, -0.5, 95, NAN, INF, "x", True)
SEEDS = (*WHOLE, -1)
INDICATORS = {"a": {"direction": "positive"}, "b": {"direction": "negative"}}
# The function, what it is always given, and the values of each argument that it must refuse.
REFUSED: list[tuple[Callable, dict, dict[str, tuple]]] = [
    (global_tests, {"panel": PANEL[["a"]], "W": W, "permutations": 9}, {
        "permutations": (*WHOLE, *COUNT), "seed": SEEDS, "statistics": (["morans"],), "W": ("ring", None, np.eye(8)),
    }),
    (local_tests, {"panel": PANEL[["a"]], "W": W, "permutations": 9}, {
        "permutations": (*WHOLE, *COUNT), "seed": SEEDS, "alpha": SHARE, "correction": ("fdrr", None, ""),
    }),
    (transitions, {"values": PANEL["a"]}, {
        "classes": (*WHOLE, -1, 0, 1, 500), "cutoffs": ([NAN], [0.1, 0.05], [0.1, 0.1], [INF], []),
        "lag_classes": ("some",), "names": (["low"],),
    }),
    (densities_by_year, {"values": PANEL["a"]}, {
        "points": (*WHOLE, -1, 0, 1), "bandwidth": (0, -1.0, NAN), "cut": (0, -1, NAN, INF, "x"),
    }),
    (describe_distribution, {"panel": PANEL, "regions": PLACES, "variable": "a"}, {
        "variable": ("z", "A"), "group": ("macro",), "population": ("z",), "form": ("X",),
    }),
    (describe_convergence, {"panel": PANEL, "regions": PLACES, "variable": "a"}, {
        "variable": ("z",), "group": ("macro",), "controls": (["z"], ["e"], ["b", "b"]), "forms": (["sar"],),
        "regions": (PLACES.iloc[1:], PLACES.assign(macro_region=None)),
    }),
    (gravity_by_year, {"values": PANEL["a"], "regions": PLACES}, {
        "regions": (PLACES.iloc[1:], PLACES.assign(longitude=NAN), PLACES.assign(latitude=1000.0)),
    }),
    (composite_index, {"panel": PANEL, "indicators": INDICATORS}, {
        "weighting": ("x", None, ""), "aggregation": ("mean",), "scaling": ("none",), "shift": (NAN, INF, -1.0),
        "floor": (NAN, 1, -0.1, INF), "draws": (*WHOLE, -1), "level": SHARE, "seed": SEEDS,
        "indicators": ({}, {"z": {"direction": "positive"}}, {"a": {"direction": "up"}},
                       {"e": {"direction": "positive"}}),
    }),
    (couple, {"panel": PANEL, "subsystems": {"one": "a", "two": "b"}}, {
        "subsystems": ({"one": "a"}, {"one": "a", "two": "z"}, {}),
        "weights": ({"one": 1.0}, {"one": 0.7, "two": 0.7}, {"one": NAN, "two": 1}, {"one": 2, "two": -1}),
    }),
    (synergy, {"panel": PANEL, "subsystems": {"one": "a", "two": "b"}}, {
        "base": ("last", "2015", None), "subsystems": ({"one": "z"}, {}),
    }),
    (grey_relation, {"first": PANEL[["a"]], "second": PANEL[["b"]]}, {"distinguishing": (0, -1, NAN, INF, 5, "x")}),
    (location_quotients, {"panel": PANEL, "sectors": {"s": ["a"]}, "total": "e"}, {
        "sectors": ({"s": ["z"]}, {}), "total": ("z",),
    }),
    (coagglomeration, {"panel": PANEL, "industry": ["a"], "partner": ["b"], "total": "e"}, {
        "industry": ([], ["z"]), "partner": ([], ["z"]), "total": ("z",), "branches": ({"k": ["z"]},),
    }),
    (sector_pairs, {"panel": PANEL, "sectors": {"s": ["a"], "t": ["b"]}}, {
        "size": ("large",), "sectors": ({}, {"s": ["a"]}, {"s": ["z"], "t": ["b"]}),
    }),
    (productivity, {"panel": PANEL, "inputs": ["a"], "outputs": ["b"]}, {
        "inputs": (["z"], []), "outputs": ([], ["z"]), "returns": ("rising",), "distance": ("euclid",),
        "bads": (["z"],),
    }),
    (Options, {}, {
        "simulations": (*WHOLE, *COUNT), "level": SHARE, "seed": SEEDS, "most": (0, -1, NAN, INF, "x"),
        "bandwidth": (0, -1, NAN, INF), "cell": (-1, NAN, INF), "points": (0, 1, 2.5), "threads": (0, 1.5),
    }),
]  # fmt: skip
CASES = [
    (function, given, name, value)
    for function, given, arguments in REFUSED
    for name, values in arguments.items()
    for value in values
]


@pytest.mark.parametrize(
    ("function", "given", "name", "value"), CASES, ids=[f"{f.__name__}-{n}-{i}" for i, (f, _, n, _) in enumerate(CASES)]
)
def test_a_bad_argument_is_refused(function, given, name, value):
    function(**given)
    with pytest.raises(RongheError) as told:
        function(**{**given, name: value})
    assert len(str(told.value)) < 1000
