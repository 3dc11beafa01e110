"""Bad arguments of the engines: each ends in one message, and none changes a number in silence."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear import Choice, Layout, fit_panel
from ronghe.spatial import SpatialPanel
from ronghe.spatial.dynamic.panel import DynamicPanel
from ronghe.spatial.random_effects.panel import RandomEffectsPanel
from ronghe.spatial.two_stage.panel import SpatialTwoStage
from ronghe.weights.matrix import Weights

N, T = 12, 5


@cache
def ring(n: int = N) -> Weights:
    rows = [(f"u{i:02}", f"u{(i + s) % n:02}") for i in range(n) for s in (-1, 1, *((3,) if i % 4 == 0 else ()))]
    edges = pd.DataFrame(rows, columns=["focal", "neighbor"]).assign(weight=1.0)
    return Weights.from_edges(edges, labels=[f"u{i:02}" for i in range(n)], name="ring").standardise("row")


@cache
def _drawn():
    rng, W = np.random.default_rng(3), ring()
    index = pd.MultiIndex.from_product([W.labels, range(2000, 2000 + T)], names=["unit", "period"])
    X = pd.DataFrame(rng.normal(size=(N * T, 2)), index=index, columns=["a", "b"])
    y = pd.Series(X @ [1.0, -0.5] + rng.normal(size=N * T), index=index, name="y")
    return y, X, W


def drawn():
    y, X, W = _drawn()
    return y.copy(), X.copy(), W


def relabel(frame, periods):
    """Return a copy whose periods are called otherwise."""
    frame = frame.copy()
    names = dict(zip(range(2000, 2000 + T), periods, strict=True))
    frame.index = pd.MultiIndex.from_arrays(
        [frame.index.get_level_values(0), pd.Index([names[p] for p in frame.index.get_level_values(1)], dtype=object)],
        names=frame.index.names,
    )
    return frame


ESTIMATORS = {
    "static": lambda y, X, W: SpatialPanel(y, X, W).fit(),
    "pooled": lambda y, X, W: SpatialPanel(y, X, W, effects="pooled", method="lsdv").fit(),
    "error": lambda y, X, W: SpatialPanel(y, X, W, model="sem", effects="units").fit(),
    "dynamic": lambda y, X, W: DynamicPanel(y, X, W, model="sar").fit(),
    "random effects": lambda y, X, W: RandomEffectsPanel(y, X, W, model="sar").fit(),
    "two stage": lambda y, X, W: SpatialTwoStage(y, X, W).fit(),
}


def first(values, value):
    values = values.copy().astype(object if isinstance(value, str | complex) else float)
    values.iloc[0] = value
    return values


def columns(X, **changes):
    return X.assign(**changes)


DATA = {
    "y missing": lambda y, X, W: (first(y, np.nan), X, W),
    "y infinite": lambda y, X, W: (first(y, np.inf), X, W),
    "y with a word": lambda y, X, W: (first(y, "a"), X, W),
    "y as text": lambda y, X, W: (y.astype(str), X, W),
    "y imaginary": lambda y, X, W: (y + 1j, X, W),
    "y of dates": lambda y, X, W: (pd.Series(pd.to_datetime("2020-01-01"), y.index), X, W),
    "y a list": lambda y, X, W: (list(y), X, W),
    "y an array": lambda y, X, W: (y.to_numpy(), X, W),
    "y constant": lambda y, X, W: (y * 0 + 1, X, W),
    "y zero": lambda y, X, W: (y * 0, X, W),
    "y x 1e150": lambda y, X, W: (y * 1e150, X, W),
    "y x 1e-150": lambda y, X, W: (y * 1e-150, X, W),
    "y + 1e12": lambda y, X, W: (y + 1e12, X, W),
    "x + 1e12": lambda y, X, W: (y, columns(X, b=X["b"] + 1e12), W),
    "all x 1e90": lambda y, X, W: (y * 1e90, X * 1e90, W),
    "all x 1e-90": lambda y, X, W: (y * 1e-90, X * 1e-90, W),
    "y shorter": lambda y, X, W: (y.iloc[:-1], X, W),
    "y twice": lambda y, X, W: (pd.concat([y, y.iloc[:1]]), pd.concat([X, X.iloc[:1]]), W),
    "y by unit alone": lambda y, X, W: (y.groupby(level=0).mean(), X, W),
    "y by three levels": lambda y, X, W: (pd.concat({"k": y}), X, W),
    "x missing": lambda y, X, W: (y, columns(X, a=first(X["a"], np.nan)), W),
    "x infinite": lambda y, X, W: (y, columns(X, a=first(X["a"], -np.inf)), W),
    "x as text": lambda y, X, W: (y, X.astype(str), W),
    "x imaginary": lambda y, X, W: (y, X + 0j, W),
    "x twice": lambda y, X, W: (y, X.set_axis(["a", "a"], axis=1), W),
    "x named rho": lambda y, X, W: (y, X.set_axis(["a", "rho"], axis=1), W),
    "x named sigma2": lambda y, X, W: (y, X.set_axis(["a", "sigma2"], axis=1), W),
    "x named lambda": lambda y, X, W: (y, X.set_axis(["a", "lambda"], axis=1), W),
    "x named const": lambda y, X, W: (y, X.set_axis(["a", "const"], axis=1), W),
    "x named y": lambda y, X, W: (y, X.set_axis(["a", "y"], axis=1), W),
    "x named W*a": lambda y, X, W: (y, X.set_axis(["a", "W*a"], axis=1), W),
    "x the same as another": lambda y, X, W: (y, columns(X, b=X["a"]), W),
    "x twice another": lambda y, X, W: (y, columns(X, b=2 * X["a"]), W),
    "x zero": lambda y, X, W: (y, columns(X, b=0.0), W),
    "x x 1e150": lambda y, X, W: (y, columns(X, b=X["b"] * 1e150), W),
    "x x 1e-150": lambda y, X, W: (y, columns(X, b=X["b"] * 1e-150), W),
    "x a Series": lambda y, X, W: (y, X["a"], W),
    "x an array": lambda y, X, W: (y, X.to_numpy(), W),
    "x of other rows": lambda y, X, W: (y, X.rename(index={"u00": "v00"}, level=0), W),
    "x shorter": lambda y, X, W: (y, X.iloc[1:], W),
    "no row of a unit": lambda y, X, W: (y.drop("u00"), X.drop("u00"), W),
    "no row of a cell": lambda y, X, W: (y.iloc[1:], X.iloc[1:], W),
    "a unit too many": lambda y, X, W: (y, X, ring(N - 1)),
    "a unit without name": lambda y, X, W: (y.rename(index={"u00": np.nan}, level=0),
                                            X.rename(index={"u00": np.nan}, level=0), W),
    "W without links": lambda y, X, W: (y, X, Weights.from_edges(
        pd.DataFrame(columns=["focal", "neighbor", "weight"]), labels=list(W.labels))),
    "W of numbers": lambda y, X, W: (y, X, np.eye(N)),
    "W by position": lambda y, X, W: (y, X, pd.DataFrame(W.sparse.toarray())),
    "W missing": lambda y, X, W: (y, X, pd.DataFrame(W.sparse.toarray() * np.nan, W.labels, W.labels)),
    "W negative": lambda y, X, W: (y, X, pd.DataFrame(-W.sparse.toarray(), W.labels, W.labels)),
    "W with a diagonal": lambda y, X, W: (y, X, pd.DataFrame(W.sparse.toarray() + np.eye(N), W.labels, W.labels)),
    "W with other columns": lambda y, X, W: (y, X, pd.DataFrame(W.sparse.toarray(), W.labels, [*W.labels[1:], "z"])),
    "W a word": lambda y, X, W: (y, X, "contiguity"),
    "months by name": lambda y, X, W: (*(relabel(f, ["Jan", "Feb", "Mar", "Apr", "May"]) for f in (y, X)), W),
    "mixed periods": lambda y, X, W: (*(relabel(f, [2000, "2001", 2002, 2003, 2004]) for f in (y, X)), W),
    "periods in two ways": lambda y, X, W: (*(relabel(f, [*"1236", "2001-03"]) for f in (y, X)), W),
    "periods true or false": lambda y, X, W: (*(f[f.index.get_level_values(1) < 2002].rename(
        index={2000: False, 2001: True}, level=1) for f in (y, X)), W),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("damage", DATA)
def test_damaged_data(name, damage):
    with pytest.raises(RongheError) as told:
        ESTIMATORS[name](*DATA[damage](*drawn()))
    assert 20 < len(str(told.value)) < 1500


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != "pooled"])
def test_an_outcome_without_remainder_is_refused(name):
    y, X, W = drawn()
    with pytest.raises(RongheError, match="without remainder|explain the outcome exactly|no maximum"):
        ESTIMATORS[name]((X @ [1.0, -0.5]).rename("y"), X, W)


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != "pooled"])
def test_one_period_is_refused(name):
    y, X, W = drawn()
    with pytest.raises(RongheError):
        ESTIMATORS[name](*(f[f.index.get_level_values(1) == 2000] for f in (y, X)), W)


def test_a_level_that_drowns_the_spread_is_named():
    y, X, W = drawn()
    with pytest.raises(RongheError, match=r"the level of 'y' .* times its spread .* subtract a round number"):
        SpatialPanel(y + 1e12, X, W)


OPTIONS = {
    "model": ["sdmm", "", None, 3],
    "effects": ["two-ways", "unit", None],
    "method": ["ml", None],
    "durbin": ["a", ["z"], ["a", "a"], []],
    "missing": ["drop", "select"],
    "log_determinant": ["fast"],
    "error_weights": [ring()],
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, values in OPTIONS.items() for v in values])
def test_options_of_a_model(key, value):
    y, X, W = drawn()
    with pytest.raises(RongheError):
        SpatialPanel(y, X, W, **{key: value}).fit()


PLACES = pd.DataFrame({"longitude": np.arange(N) * 1.0 + 100, "latitude": 30.0}, index=ring().labels)


def places(**changes):
    return PLACES.assign(**changes)


CONLEY = {
    "nan cutoff": {"cutoff": float("nan"), "coordinates": PLACES},
    "infinite cutoff": {"cutoff": float("inf"), "coordinates": PLACES},
    "negative cutoff": {"cutoff": -100.0, "coordinates": PLACES},
    "zero cutoff": {"cutoff": 0, "coordinates": PLACES},
    "true for a cutoff": {"cutoff": True, "coordinates": PLACES},
    "a word for a cutoff": {"cutoff": "100", "coordinates": PLACES},
    "no cutoff": {"coordinates": PLACES},
    "no coordinates": {"cutoff": 100.0},
    "latitude 1000": {"cutoff": 100.0, "coordinates": places(latitude=1000.0)},
    "longitude 200": {"cutoff": 100.0, "coordinates": places(longitude=200.0)},
    "missing latitude": {"cutoff": 100.0, "coordinates": places(latitude=[np.nan] + [30.0] * (N - 1))},
    "by position": {"cutoff": 100.0, "coordinates": PLACES.set_axis(["lat", "lon"], axis=1)},
    "an array": {"cutoff": 100.0, "coordinates": PLACES.to_numpy()},
    "a unit too few": {"cutoff": 100.0, "coordinates": PLACES.iloc[1:]},
    "a unit twice": {"cutoff": 100.0, "coordinates": pd.concat([PLACES, PLACES.iloc[:1]])},
    "half a bandwidth": {"cutoff": 100.0, "coordinates": PLACES, "bandwidth": 0.5},
    "negative bandwidth": {"cutoff": 100.0, "coordinates": PLACES, "bandwidth": -1},
    "long bandwidth": {"cutoff": 100.0, "coordinates": PLACES, "bandwidth": 50},
    "unknown kernel": {"cutoff": 100.0, "coordinates": PLACES, "kernel": "gauss"},
    "unknown metric": {"cutoff": 100.0, "coordinates": PLACES, "metric": "miles"},
}


@pytest.mark.parametrize("name", CONLEY)
def test_settings_of_conley(name):
    y, X, W = drawn()
    with pytest.raises(RongheError):
        SpatialPanel(y, X, W, effects="units").fit("conley", **CONLEY[name])


COVARIANCES = [
    ("clustered", {"cluster": "regions"}), ("clustered", {"groups": {"u00": 1}}), ("clustered", {"bandwidth": 2}),
    ("driscoll_kraay", {"bandwidth": T}), ("driscoll_kraay", {"bandwidth": -1}),
    ("driscoll_kraay", {"bandwidth": float("nan")}), ("robust", {"cutoff": 3}), ("hc1", {}), (None, {}),
    ("expected", {"small_sample": "clusters"}), ("clustered", {"small_sample": "stata"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "settings"), COVARIANCES)
def test_settings_of_covariances(kind, settings):
    y, X, W = drawn()
    with pytest.raises(RongheError):
        SpatialPanel(y, X, W).fit(kind, **settings)


@pytest.mark.parametrize("effects", ["time", "twoways"])
@pytest.mark.parametrize("model", ["sar", "sem", "sdm", "sarar"])
def test_equal_weights_say_nothing_with_time_effects(model, effects):
    """W y = -y / (N - 1) once the period's mean is out: rho stands in the Jacobian alone."""
    y, X, _ = drawn()
    labels = y.index.unique(0)
    W = Weights.coerce(pd.DataFrame(1 - np.eye(N), labels, labels)).standardise("row")
    with pytest.raises(RongheError, match="W \\* |only multiply the outcome|linear combination"):
        SpatialPanel(y, X, W, model=model, effects=effects).fit()


def test_two_units_say_nothing_with_time_effects():
    y, X, _ = drawn()
    two = ["u00", "u01"]
    W = Weights.coerce(pd.DataFrame([[0.0, 1.0], [1.0, 0.0]], two, two))
    with pytest.raises(RongheError, match="only multiply the outcome"):
        SpatialPanel(y.loc[two], X.loc[two], W, model="sar").fit()


def test_what_happens_to_the_data_afterwards_does_not_reach_the_model():
    y, X, W = drawn()
    before = SpatialPanel(y, X, W).fit().params
    for late in (False, True):
        y2, X2, _ = drawn()
        model = SpatialPanel(y2, X2, W)
        if late:
            model.moments  # noqa: B018
        y2[:], X2.loc[:, "a"] = 0.0, 1.0
        pd.testing.assert_series_equal(model.fit().params, before, check_exact=True)


def test_text_periods_keep_the_order_of_time():
    """'10' comes after '5', dates and quarters as they are: the dynamic model is that of whole numbers."""
    y, X, W = drawn()
    expected = DynamicPanel(y, X, W, model="sar").fit().params
    for periods in (["4", "5", "6", "10", "11"], ["2000Q1", "2000Q2", "2000Q3", "2000Q4", "2001Q1"]):
        found = DynamicPanel(relabel(y, periods), relabel(X, periods), W, model="sar")
        shuffled = DynamicPanel(*(relabel(f, periods).sample(frac=1, random_state=1) for f in (y, X)), W, "sar")
        np.testing.assert_array_equal(found.fit().params, expected)
        np.testing.assert_array_equal(shuffled.fit().params, expected)


def rows():
    y, X, _ = drawn()
    units, times = y.index.codes
    return y.to_numpy(), X.to_numpy(), np.asarray(units), np.asarray(times)


LINEAR = {
    "y missing": {"y": lambda y: np.where(np.arange(len(y)) == 3, np.nan, y)},
    "y infinite": {"y": lambda y: np.where(np.arange(len(y)) == 3, np.inf, y)},
    "y shorter": {"y": lambda y: y[:-1]},
    "y in two columns": {"y": lambda y: np.column_stack([y, y])},
    "y + 1e12": {"y": lambda y: y + 1e12},
    "y x 1e150": {"y": lambda y: y * 1e150},
    "x missing": {"X": lambda X: np.where(X == X[3, 1], np.nan, X)},
    "x shorter": {"X": lambda X: X[1:]},
    "x flat": {"X": lambda X: X[:, 0]},
    "no rows": {"y": lambda y: y[:0], "X": lambda X: X[:0]},
    "unknown covariance": {"choice": lambda: Choice("hc9")},
    "unknown cluster": {"choice": lambda: Choice("clustered", ("regions",))},
    "conley without places": {"choice": lambda: Choice("conley", cutoff_km=100.0)},
    "long bandwidth": {"choice": lambda: Choice("driscoll_kraay", bandwidth=T)},
    "negative bandwidth": {"choice": lambda: Choice("driscoll_kraay", bandwidth=-1)},
    "unknown effects": {"effects": "two"},
    "collinear": {"X": lambda X: np.column_stack([X, X[:, :1]])},
    "absorbed": {"X": lambda X: np.column_stack([X, np.repeat(np.arange(N), T)])},
}


@pytest.mark.parametrize("name", LINEAR)
def test_arguments_of_a_linear_fit(name):
    y, X, units, times = rows()
    change = LINEAR[name]
    y, X = change.get("y", lambda y: y)(y), change.get("X", lambda X: X)(X)
    names = [f"x{k}" for k in range(X.shape[-1])]
    with pytest.raises(RongheError):
        fit_panel(y, X, Layout(units, times), change.get("effects", "units"), change.get("choice", Choice)(), names)


@pytest.mark.parametrize("cutoff", [float("nan"), -1.0, 0.0, float("inf")])
def test_places_of_a_linear_fit(cutoff):
    y, X, units, times = rows()
    with pytest.raises(RongheError, match="cutoff_km"):
        Choice("conley", cutoff_km=cutoff)
    with pytest.raises(RongheError, match="outside -180 to 180"):
        places = Layout(units, times, PLACES.to_numpy() * 100)
        fit_panel(y, X, places, "units", Choice("conley", cutoff_km=100.0), ["a", "b"])
