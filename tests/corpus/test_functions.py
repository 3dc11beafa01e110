"""Bad panels for every function of measures and explore: each damage is refused, or changes no figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.explore.convergence import describe_convergence
from ronghe.explore.dependence import measure_dependence
from ronghe.explore.distribution import describe_distribution
from ronghe.explore.gravity import gravity_by_year
from ronghe.explore.local_dependence import find_clusters
from ronghe.explore.residual_tests import examine_residuals
from ronghe.explore.transitions import transitions
from ronghe.measures.formulas.coagglomeration import coagglomeration
from ronghe.measures.formulas.concentration import concentration
from ronghe.measures.formulas.coupling import couple, obstacles
from ronghe.measures.formulas.grey_relation import grey_relation
from ronghe.measures.formulas.growth import growth
from ronghe.measures.formulas.index import composite_index
from ronghe.measures.formulas.location_quotient import location_quotients
from ronghe.measures.formulas.pair_comparison import compare_pairs
from ronghe.measures.formulas.productivity import productivity, target_slacks
from ronghe.measures.formulas.sector_pairs import sector_pairs
from ronghe.measures.formulas.structure import structure
from ronghe.measures.formulas.synergy import synergy
from ronghe.measures.formulas.technology_convergence import technology_convergence
from ronghe.measures.formulas.weighting_comparison import compare_weightings
from ronghe.weights.matrix import Weights

R, T = 8, 5
REGIONS = [f"r{i}" for i in range(R)]
SECTORS = {"s": ["a"], "t": ["b"], "u": ["c"]}
INDICATORS = {name: {"direction": "positive", "dimension": d} for name, d in zip("abcd", "xxyy", strict=True)}


def _drawn() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    index = pd.MultiIndex.from_product([REGIONS, range(2015, 2015 + T)], names=["region", "year"])
    panel = pd.DataFrame(rng.uniform(0.05, 0.15, (R * T, 4)), index, list("abcd"))
    return panel.assign(e=panel.sum(axis=1) + 0.2)


GOOD = _drawn()


def good() -> pd.DataFrame:
    """Five shares of positive, varying figures, and their sum."""
    return GOOD.copy()


def ring() -> Weights:
    rows = [(REGIONS[i], REGIONS[(i + s) % R]) for i in range(R) for s in (-1, 1, 3)]
    edges = pd.DataFrame(rows, columns=["focal", "neighbor"]).assign(weight=1.0)
    return Weights.from_edges(edges, labels=REGIONS, name="ring").standardise("row")


PLACES = pd.DataFrame(
    {
        "longitude": 100.0 + np.arange(R) ** 1.5,
        "latitude": 30.0 + np.arange(R) % 3,
        "macro_region": ["E"] * 4 + ["W"] * 4,
        "in_sample": True,
    },
    pd.Index(REGIONS, name="region"),
)
W = {"ring": ring()}
BEHIND = {"one": pd.Series({"a": 0.4, "b": 0.6}), "two": pd.Series({"c": 1.0})}
TWO = ("coordination", "coordination_modified")
COUPLED = dict(zip("abcd", [f"{k}.{c}" for k in "xy" for c in TWO], strict=True))
STATES = {k: couple(good()[["a", "b"]], {"one": "a", "two": "b"}).states for k in "xy"}
FUNCTIONS: dict[str, Callable[[pd.DataFrame], object]] = {
    "index": lambda p: composite_index(pick(p, "abcd"), INDICATORS, draws=3),
    "index by critic": lambda p: composite_index(pick(p, "abcd"), INDICATORS, weighting="critic", aggregation="topsis"),
    "coupling": lambda p: couple(pick(p, "ab"), {"one": "a", "two": "b"}),
    "obstacles": lambda p: obstacles({"one": pick(p, "ab"), "two": pick(p, "c")}, BEHIND),
    "pair comparison": lambda p: compare_pairs(p.rename(columns=COUPLED), STATES, PLACES),
    "grey relation": lambda p: grey_relation(pick(p, "ab"), pick(p, "cd")),
    "synergy": lambda p: synergy(pick(p, "ab"), {"one": "a", "two": "b"}),
    "location quotients": lambda p: location_quotients(pick(p, "abce"), SECTORS, "e"),
    "coagglomeration": lambda p: coagglomeration(pick(p, "abce"), ["a"], ["b", "c"], "e", {"k": ["b"]}),
    "sector pairs": lambda p: sector_pairs(pick(p, "abc"), SECTORS),
    "structure": lambda p: structure(pick(p, "abcde"), SECTORS, "e", "d"),
    "concentration": lambda p: concentration(pick(p, "abce"), SECTORS, "e"),
    "productivity": lambda p: productivity(pick(p, "abc"), ["a", "b"], ["c"]),
    "slacks": lambda p: target_slacks(pick(p, "abc"), ["a", "b"], ["c"]),
    "growth": lambda p: growth(p["a"]),
    "weighting comparison": lambda p: compare_weightings(pick(p, "abc").sort_index(axis=1)),
    "technology convergence": lambda p: technology_convergence(by_class(p), "s", "t"),
    "distribution": lambda p: describe_distribution(pick(p, "ae"), PLACES, "a", population="e", points=16),
    "convergence": lambda p: describe_convergence(pick(p, "ab"), PLACES, "a", controls=["b"]),
    "spatial convergence": lambda p: describe_convergence(pick(p, "a"), PLACES, "a", W["ring"], forms=["lag"]),
    "transitions": lambda p: transitions(p["a"], W["ring"], classes=3),
    "gravity": lambda p: gravity_by_year(p["a"], PLACES),
    "dependence": lambda p: measure_dependence(pick(p, "ab"), W, ["a"], pairs=[("a", "b")], permutations=9),
    "clusters": lambda p: find_clusters(pick(p, "a"), W, ["a"], permutations=9),
    "residuals": lambda p: examine_residuals(pick(p, "abc"), W, "a", ["b", "c"]),
}


def pick(panel: pd.DataFrame, names: str) -> pd.DataFrame:
    """Return the columns of these names that are there."""
    return panel[[c for c in dict.fromkeys(panel.columns) if c in names]] if panel.columns.is_unique else panel


def by_class(panel: pd.DataFrame) -> pd.DataFrame:
    """Return counts by region, year and class of two industries, which stand in pairs of columns."""
    parts = {"k1": ("a", "b"), "k2": ("c", "d"), "k3": ("b", "e")}
    found = [panel[list(pair)].set_axis(["s", "t"], axis=1).assign(**{"class": k}) for k, pair in parts.items()]
    return pd.concat(found).set_index("class", append=True)


def cell(value: object, column: str = "a") -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(panel: pd.DataFrame) -> pd.DataFrame:
        panel = panel.astype({column: object}) if isinstance(value, str | complex | list | type(None)) else panel.copy()
        panel.iat[7, list(panel.columns).index(column)] = value
        return panel

    return change


def relabelled(panel: pd.DataFrame, level: str, change: Callable[[object], object]) -> pd.DataFrame:
    keys = panel.index.to_frame(index=False)
    keys[level] = keys[level].astype(object).map(change)
    return panel.set_axis(pd.MultiIndex.from_frame(keys))


BAD = {
    "a missing cell": cell(np.nan),
    "an infinite cell": cell(np.inf),
    "a cell minus infinity": cell(-np.inf),
    "a word in a cell": cell("some"),
    "a complex cell": cell(1 + 1j),
    "a column of text": lambda p: p.assign(a=p["a"].astype(str)),
    "a column of dates": lambda p: p.assign(a=pd.Timestamp("2020-01-01")),
    "a complex column": lambda p: p.assign(a=p["a"] + 1j),
    "a column of truths": lambda p: p.assign(a=p["a"] > 0.1),
    "years as text": lambda p: relabelled(p, "year", str),
    "years of mixed kinds": lambda p: relabelled(p, "year", lambda y: y if y != 2016 else "2016"),
    "years with a half": lambda p: relabelled(p, "year", lambda y: y + 0.5),
    "regions of mixed kinds": lambda p: relabelled(p, "region", lambda r: r if r != "r1" else 1),
    "a region without a name": lambda p: relabelled(p, "region", lambda r: r if r != "r1" else np.nan),
    "a column of nothing": lambda p: p.assign(a=np.nan),
    "a column absent": lambda p: p.drop(columns="a"),
    "a column twice": lambda p: pd.concat([p, pick(p, "a")], axis=1),
    "a row twice": lambda p: pd.concat([p, p.iloc[[3]]]),
    "a row absent": lambda p: p.drop(p.index[3]),
    "no rows": lambda p: p.iloc[:0],
    "keys in columns": lambda p: p.reset_index(),
    "keys by other names": lambda p: p.rename_axis(["place", "time"]),
    "keys swapped": lambda p: p.swaplevel(),
    "a level too many": lambda p: pd.concat({"k": p}, names=["k"]),
    "figures near the largest number": lambda p: p.assign(a=p["a"] * 1e305),
}  # fmt: skip
EITHER = {
    "a column of zeros": lambda p: p.assign(a=0.0),
    "a column of ones": lambda p: p.assign(a=1.0),
    "a negative cell": cell(-0.1),
    "a zero cell": cell(0.0),
    "one region": lambda p: p.loc[["r0"]],
    "two regions": lambda p: p.loc[["r0", "r1"]],
    "one year": lambda p: p.xs(2015, level="year", drop_level=False),
    "two years": lambda p: p[p.index.get_level_values("year") < 2017],
    "a year absent": lambda p: p.drop(2016, level="year"),
    "regions as numbers": lambda p: relabelled(p, "region", lambda r: int(r[1:])),
    "regions unknown": lambda p: relabelled(p, "region", lambda r: f"{r}x"),
    "tiny figures": lambda p: p.assign(a=p["a"] * 1e-150),
    "figures a billion times larger": lambda p: p.assign(a=p["a"] * 1e9),
}
SAME = {
    "rows shuffled": lambda p: p.sample(frac=1, random_state=2),
    "columns in another order": lambda p: p[list("edcba")],
    "a column more": lambda p: p.assign(z=np.nan),
}


def numbers(result: object) -> Iterator[np.ndarray]:
    """Yield the numbers of a table, of a mapping of tables, or of a named tuple of them."""
    if isinstance(result, pd.DataFrame | pd.Series):
        frame = result.to_frame() if isinstance(result, pd.Series) else result
        yield frame.sort_index().select_dtypes("number").to_numpy(float)
    elif isinstance(result, dict):
        for part in result.values():
            yield from numbers(part)
    elif isinstance(result, tuple):
        for part in result:
            yield from numbers(part)


# Functions of one variable are given it, those of whole systems take what is there; counts by class have own keys.
SINGLE = ("growth", "transitions", "gravity")
OWN_KEYS = ("keys in columns", "keys by other names", "keys swapped", "a level too many", "a row absent",
            "a region without a name", "regions of mixed kinds", "years as text", "years of mixed kinds",
            "years with a half", "figures near the largest number")  # fmt: skip
NOT_ASKED = {(name, f"a column {what}") for name in (*SINGLE, "technology convergence") for what in ("absent", "twice")}
NOT_ASKED |= {(name, "a column absent") for name in ("grey relation", "weighting comparison")}
NOT_ASKED |= {("technology convergence", damage) for damage in OWN_KEYS}
ASKED = [(name, damage) for name in FUNCTIONS for damage in BAD if (name, damage) not in NOT_ASKED]


@pytest.mark.parametrize(("name", "damage"), ASKED)
def test_a_bad_panel_is_refused(name, damage):
    with pytest.raises(RongheError) as told:
        FUNCTIONS[name](BAD[damage](good()))
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize("damage", EITHER)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_odd_panel_is_refused_or_gives_finite_figures(name, damage):
    try:
        found = list(numbers(FUNCTIONS[name](EITHER[damage](good()))))
    except RongheError:
        return
    assert not any(np.isinf(part).any() for part in found)


@pytest.fixture(scope="module")
def undamaged():
    return {name: list(numbers(function(good()))) for name, function in FUNCTIONS.items()}


@pytest.mark.parametrize("change", SAME)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_order_of_a_panel_changes_nothing(name, change, undamaged):
    found = list(numbers(FUNCTIONS[name](SAME[change](good()))))
    for before, after in zip(undamaged[name], found, strict=True):
        np.testing.assert_allclose(np.sort(after, axis=None), np.sort(before, axis=None), rtol=1e-9, atol=1e-13)
