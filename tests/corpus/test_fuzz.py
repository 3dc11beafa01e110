"""Random damage to raw text, configuration, weights and arguments: a message or a right answer, never a traceback.

The examples of a plain run are the same every time. `HYPOTHESIS_PROFILE=many` (`make trust`) draws 200 of each, `long`
2,000, and others at each run.
"""

from __future__ import annotations

import copy
import math
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ronghe.clean.declaration import check_dataset
from ronghe.clean.panel import clean_dataset
from ronghe.configuration import check_configuration
from ronghe.errors import RongheError
from ronghe.explore.autocorrelation import global_tests
from ronghe.measures.formulas.index import composite_index
from ronghe.spatial import SpatialPanel
from ronghe.weights.matrix import Weights
from ronghe.yaml_files import load_yaml
from tiny_dataset import BORDERS, REGIONS, WAGES, write_tiny

PROJECT = Path(__file__).resolve().parents[2]
few = settings(max_examples=max(12, settings().max_examples // 10), suppress_health_check=list(HealthCheck))

# Signs of which a number may be made are left out: such an edit is another figure, which nobody can tell.
NUMBERS = set("0123456789.+-eE０１２３４５６７８９")
SIGNS = st.sampled_from([*",;\t\n\r \"'年元万%abNSX南方\u00a0\ufeff\u200b#=<{\\/|~`…—", "\r\n", "亿", "é"])
EDITS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.none() | SIGNS, st.booleans()), min_size=1, max_size=3)


def edited(text: str, edits: list[tuple[float, str | None, bool]]) -> str:
    """Insert, replace or take out signs, but none that belongs to a number."""
    for place, sign, replace in edits:
        at = int(place * len(text))
        taken = 0 if text[at] in NUMBERS or not (replace or sign is None) else 1
        text = text[:at] + (sign or "") + text[at + taken :]
    return text


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    declared = write_tiny(root)
    return root, declared, clean_dataset(declared, root).panel


@pytest.mark.parametrize("file", ["wages.csv", "borders.csv", "regions.csv"])
@few
@given(edits=EDITS)
def test_no_edit_of_a_table_changes_a_figure_in_silence(tiny, file, edits):
    root, declared, good = tiny
    encoding = "gb18030" if file == "wages.csv" else "utf-8"
    text = {"wages.csv": WAGES, "borders.csv": BORDERS, "regions.csv": REGIONS}[file]
    (root / "raw" / file).write_bytes(edited(text, edits).encode(encoding))
    try:
        found = clean_dataset(declared, root).panel
    except RongheError as error:
        assert len(str(error)) < 3000
    else:
        # A region may have got another name; its figures are those of its rows.
        np.testing.assert_array_equal(np.sort(found["wage"]), np.sort(good["wage"]))
    finally:
        (root / "raw" / file).write_bytes(text.encode(encoding))


@pytest.mark.parametrize("file", ["wages.csv", "population.xlsx", "output.dta", "jobs.parquet"])
@few
@given(place=st.floats(0, 1, exclude_max=True), bytes_=st.binary(max_size=8), cut=st.booleans())
def test_damaged_bytes_of_a_file_end_in_a_message_or_a_panel(tiny, file, place, bytes_, cut):
    root, declared, _ = tiny
    path = root / "raw" / file
    whole = path.read_bytes()
    at = int(place * len(whole))
    path.write_bytes(whole[:at] + bytes_ + (b"" if cut else whole[at + len(bytes_) :]))
    try:
        panel = clean_dataset(declared, root).panel
        assert np.isfinite(panel.to_numpy(float)).all()
    except RongheError as error:
        assert "Traceback" not in str(error)
    finally:
        path.write_bytes(whole)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["a", "wage", "%"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    """Return the place of every entry, the leaves and what holds them."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, part in parts for p in [(*path, key), *places(part, (*path, key))]]


def changed(whole: dict, place: tuple, value: object, rename: bool) -> dict:
    """Return a copy with another value at a place, or with its key renamed."""
    whole = copy.deepcopy(whole)
    part = whole
    for key in place[:-1]:
        part = part[key]
    if rename and isinstance(part, dict) and isinstance(value, str):
        part[value] = part.pop(place[-1])
    else:
        part[place[-1]] = value
    return whole


@cache
def shipped() -> dict:
    config = {}
    for path in sorted((PROJECT / "config").glob("*.yaml")):
        config |= load_yaml(path)
    return config


@few
@given(place=st.floats(0, 1, exclude_max=True), value=VALUES, rename=st.booleans())
def test_the_configuration_is_right_or_refused(place, value, rename):
    where = _places_of_configuration()
    config = changed(shipped(), where[int(place * len(where))], value, rename)
    try:
        check_configuration(config, [], PROJECT / "workflow/schemas")
    except RongheError as error:
        assert len(str(error)) < 3000


@cache
def _places_of_configuration() -> list[tuple]:
    return places(shipped())


@few
@given(place=st.floats(0, 1, exclude_max=True), value=VALUES, rename=st.booleans())
def test_a_declaration_is_right_or_refused(tmp_path_factory, place, value, rename):
    """What the schema lets through is checked against itself; what passes both is cleaned or refused."""
    from ronghe.validation import validate

    root, declared = _declared(tmp_path_factory)
    where = places({key: part for key, part in declared.items() if key != "name"})
    try:
        dataset = changed(declared, where[int(place * len(where))], value, rename)
        validate(
            {k: v for k, v in dataset.items() if k != "name"},
            load_yaml(PROJECT / "workflow/schemas/dataset.schema.yaml"),
            "fuzz",
        )
        check_dataset(dataset, "fuzz")
        clean_dataset(dataset, root)
    except RongheError as error:
        assert len(str(error)) < 3000


_KEPT: dict[str, tuple[Path, dict]] = {}


def _declared(factory) -> tuple[Path, dict]:
    if "tiny" not in _KEPT:
        root = factory.mktemp("declared")
        _KEPT["tiny"] = root, write_tiny(root)
    return _KEPT["tiny"]


@few
@given(parts=st.lists(st.sampled_from([*"ab:-[]{}#&*!|>'\"%@` \n\t?,.~01e", "<<", ": ", "\n  ", ".nan"]), max_size=40))
def test_any_text_is_yaml_or_refused(tmp_path_factory, parts):
    text = "".join(parts)
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        found = load_yaml(path)
    except RongheError as error:
        assert "any.yaml" in str(error)
    else:
        assert isinstance(found, dict) and all(isinstance(key, str | int) for key in found)


LABELS = st.sampled_from(["a", "b", "c", "d", 1, 2.5, None, float("nan"), "", ("a", "b")])
FIGURES = st.sampled_from([1.0, 0.5, 2, 0.0, -1.0, float("nan"), float("inf"), 1e308, 1e-308, "1", True, None])


@few
@given(
    rows=st.lists(st.tuples(LABELS, LABELS, FIGURES), max_size=6), given_labels=st.none() | st.lists(LABELS, max_size=5)
)
def test_edges_are_the_weights_or_are_refused(rows, given_labels):
    edges = pd.DataFrame(rows, columns=["focal", "neighbor", "weight"])
    try:
        W = Weights.from_edges(edges, labels=given_labels)
        W.standardise("row")
    except RongheError:
        return
    back = W.to_edges()
    assert np.isfinite(back["weight"]).all() and (back["weight"] >= 0).all()
    kept = {(a, b): float(w) for a, b, w in rows if w}
    # Units without neighbours are written with a weight of zero for themselves.
    assert {(a, b): w for a, b, w in back.itertuples(index=False) if w} == kept


@few
@given(
    parts=st.lists(
        st.sampled_from([*'ab,\n"01.- ', "focal,neighbor,weight\n", "nan", "inf", "a,b,1\n", "2 a\n"]), max_size=30
    ),
    ending=st.sampled_from([".csv", ".gal", ".gwt", ".parquet"]),
)
def test_a_file_of_weights_is_read_or_refused(tmp_path_factory, parts, ending):
    text = "".join(parts)
    path = tmp_path_factory.getbasetemp() / f"any{ending}"
    path.write_text(text, encoding="utf-8")
    try:
        W = Weights.read(path)
    except RongheError:
        return
    assert W.n and math.isfinite(W.sparse.sum())


REGION_NAMES = [f"r{i}" for i in range(7)]
KEYS = pd.MultiIndex.from_product([REGION_NAMES, range(4)], names=["region", "year"])
DRAWN = pd.DataFrame(np.random.default_rng(2).normal(size=(28, 3)), KEYS, ["y", "a", "b"])
RING = Weights.from_edges(
    pd.DataFrame([(REGION_NAMES[i], REGION_NAMES[(i + s) % 7], 1.0) for i in range(7) for s in (1, -1, 2)],
                 columns=["focal", "neighbor", "weight"]), labels=REGION_NAMES,
).standardise("row")  # fmt: skip
JUNK = st.sampled_from(
    [None, 0, 1, -1, 0.5, 2.5, float("nan"), True, "", "x", [], ["a"], ["z"], {}, {"a": 1}, np.eye(2)]
)


def some(*right: object) -> st.SearchStrategy:
    return st.sampled_from(right) | JUNK


MODEL = {
    "model": some("sar", "sem", "sdm", "slx", "ols", "sarar"), "effects": some("pooled", "units", "time", "twoways"),
    "method": some("lee_yu", "lsdv"), "durbin": some(["a"], ["a", "b"], None), "missing": some("refuse", "select"),
}  # fmt: skip
FIT = {"cov_type": some("expected", "robust", "clustered", "driscoll_kraay"),
       "cluster": some("units", ["units", "time"]), "bandwidth": some(1, None),
       "small_sample": some("parameters", None)}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@few
@given(model=st.fixed_dictionaries({}, optional=MODEL), fit=st.fixed_dictionaries({}, optional=FIT))
def test_options_of_a_model_fit_or_are_refused(model, fit):
    try:
        result = SpatialPanel(DRAWN["y"], DRAWN[["a", "b"]], RING, **model).fit(**fit)
    except RongheError:
        return
    assert np.isfinite(result.params).all() and (result.std_errors > 0).all()


INDEX = {"weighting": some("entropy", "equal", "critic"), "aggregation": some("additive", "topsis"), "floor": some(0.1),
         "scaling": some("pooled", "yearly"), "shift": some(1e-4), "draws": some(3), "level": some(0.9)}  # fmt: skip
TESTS = {"statistics": some(["moran"], ["geary", "getis_ord"]), "permutations": some(9), "seed": some(3)}


@pytest.mark.filterwarnings("ignore")
@few
@given(index=st.fixed_dictionaries({}, optional=INDEX), tests=st.fixed_dictionaries({}, optional=TESTS))
def test_options_of_measures_and_descriptions(index, tests):
    indicators = {"a": {"direction": "positive"}, "b": {"direction": "negative"}}
    for call in (
        lambda: composite_index(DRAWN, indicators, **index).panel["index"],
        lambda: global_tests(DRAWN[["y"]], RING, **{"permutations": 9, **tests})["value"],
    ):
        try:
            found = call()
        except RongheError:
            continue
        assert len(found) == 0 or found.dtype == object or np.isfinite(found.astype(float)).any()


def test_the_fuzz_leaves_nothing_behind(tiny):
    root, declared, good = tiny
    pd.testing.assert_frame_equal(clean_dataset(declared, root).panel, good)
    shutil.rmtree(root / "processed", ignore_errors=True)
