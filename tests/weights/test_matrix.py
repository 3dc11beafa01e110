"""The weights object: canonical, labelled, frozen, equal under any order of its units, and strict about names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.errors import RongheError
from ronghe.weights import Weights
from scipy import sparse

NAMES = ("north", "east", "south", "west", "isle")


def edge_list(rows):
    return pd.DataFrame(rows, columns=["focal", "neighbor", "weight"])


@pytest.fixture
def ring():
    """Four units in a ring and an island, with unequal symmetric weights."""
    pairs = [("north", "east", 1.0), ("east", "south", 2.0), ("south", "west", 3.0), ("west", "north", 4.0)]
    return Weights.from_edges(edge_list(pairs + [(b, a, w) for a, b, w in pairs]), NAMES, name="ring")


def random_weights(n, seed, density=0.4):
    rng = np.random.default_rng(seed)
    W = rng.uniform(0.1, 2.0, (n, n)) * (rng.uniform(size=(n, n)) < density)
    np.fill_diagonal(W, 0.0)
    return Weights(tuple(f"u{i:02d}" for i in range(n)), sparse.csr_array(W))


def test_properties_of_a_ring_by_hand(ring):
    assert ring.n == 5
    np.testing.assert_array_equal(ring.row_sums, [5, 3, 5, 7, 0])
    assert ring.is_symmetric and not ring.is_row_standardised
    assert ring.islands == ("isle",)
    assert ring.n_components == 2


def test_row_standardised_by_hand(ring):
    W = ring.standardise("row")
    np.testing.assert_allclose(W.to_frame().loc["north", ["east", "west"]], [0.2, 0.8], rtol=1e-15)
    assert not W.is_row_standardised, "an island's row does not sum to one"
    assert W.subset(NAMES[:4]).is_row_standardised
    assert not W.is_symmetric


def test_minmax_divides_by_the_smaller_of_row_and_column_sums():
    W = Weights(("a", "b", "c"), sparse.csr_array(np.array([[0, 1, 5], [1, 0, 0], [2, 0, 0.0]])))
    # Largest row sum 6, largest column sum 5.
    np.testing.assert_allclose(W.standardise("minmax").sparse.toarray(), W.sparse.toarray() / 5, rtol=1e-15)


def test_spectral_standardisation_gives_radius_one(ring):
    assert ring.standardise("spectral").spectral_radius == pytest.approx(1.0, abs=1e-14)
    assert ring.spectral_radius == pytest.approx(np.abs(np.linalg.eigvals(ring.sparse.toarray())).max(), rel=1e-13)


def test_no_radius_without_a_cycle():
    W = Weights(("a", "b"), sparse.csr_array([[0.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(RongheError, match="spectral radius is zero"):
        W.standardise("spectral")


def test_eigenvalue_bounds_of_a_path():
    # A path of n nodes has eigenvalues 2 cos(pi k / (n + 1)).
    n = 7
    path = sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1])
    W = Weights(tuple(range(n)), sparse.csr_array(path))
    low, high = W.eigenvalue_bounds()
    assert (low, high) == pytest.approx((-2 * np.cos(np.pi / 8), 2 * np.cos(np.pi / 8)), abs=1e-13)


def test_large_path_takes_only_the_ends_of_the_spectrum():
    n = 1200
    path = sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1])
    high = 2 * np.cos(np.pi / (n + 1))
    assert Weights(tuple(range(n)), sparse.csr_array(path)).eigenvalue_bounds() == pytest.approx((-high, high))


def test_bounds_ignore_complex_eigenvalues():
    cycle = Weights(("a", "b", "c"), sparse.csr_array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]))
    assert cycle.eigenvalue_bounds() == pytest.approx((1.0, 1.0))


def test_symmetric_form_keeps_the_eigenvalues(ring):
    W = ring.standardise("row")
    assert W.symmetric_form is not None
    expected = np.sort(np.linalg.eigvals(W.sparse.toarray()).real)
    np.testing.assert_allclose(W.eigenvalues(), expected, atol=1e-13)


def test_no_symmetric_form_where_a_cycle_weighs_more_one_way():
    W = Weights(("a", "b", "c"), sparse.csr_array([[0.0, 1, 2], [2, 0, 1], [1, 2, 0]]))
    assert W.symmetric_form is None
    one_way = Weights(("a", "b"), sparse.csr_array([[0.0, 1.0], [0.0, 0.0]]))
    assert one_way.symmetric_form is None


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 10**6))
def test_symmetric_form_holds_for_any_scaled_symmetric_matrix(n, seed):
    rng = np.random.default_rng(seed)
    A = np.triu(rng.uniform(0.1, 2.0, (n, n)) * (rng.uniform(size=(n, n)) < 0.4), 1)
    D = rng.uniform(0.2, 5.0, n)
    W = Weights(tuple(range(n)), sparse.csr_array((A + A.T) / D[:, None]))
    assert W.symmetric_form is not None
    scaled = (A + A.T) / np.sqrt(np.outer(D, D))
    np.testing.assert_allclose(W.symmetric_form.toarray(), scaled, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 10**6))
def test_order_of_units_changes_nothing(n, seed):
    W = random_weights(n, seed)
    shuffled = W.align(np.random.default_rng(seed).permutation(np.array(W.labels, dtype=object)))
    assert shuffled.hash == W.hash
    assert set(shuffled.islands) == set(W.islands)
    pd.testing.assert_frame_equal(shuffled.to_frame().loc[list(W.labels), list(W.labels)], W.to_frame())
    x = pd.Series(np.arange(n, dtype=float), index=list(W.labels))
    np.testing.assert_allclose(shuffled.lag(x), W.lag(x), atol=1e-12)


def test_hash_sees_a_changed_weight_and_a_changed_name(ring):
    edges = ring.to_edges()
    assert Weights.from_edges(edges).hash == ring.hash
    edges.loc[0, "weight"] += 1e-12
    assert Weights.from_edges(edges).hash != ring.hash
    renamed = ring.to_edges().replace({"isle": "islet"})
    assert Weights.from_edges(renamed).hash != ring.hash


def test_panel_lag_is_taken_within_periods_in_any_order_of_rows(ring):
    index = pd.MultiIndex.from_product([NAMES, [2001, 2002]], names=["region", "year"])
    panel = pd.DataFrame({"x": np.arange(10.0), "z": np.arange(10.0) ** 2}, index=index)
    lagged = ring.lag(panel)
    assert lagged.loc[("north", 2002), "x"] == 1 * panel.loc[("east", 2002), "x"] + 4 * panel.loc[("west", 2002), "x"]
    assert (lagged.loc["isle"] == 0).all(axis=None)
    shuffled = panel.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(ring.lag(shuffled), lagged.loc[shuffled.index])
    pd.testing.assert_series_equal(ring.lag(panel["z"]), lagged["z"])


def test_panel_lag_refuses_gaps_and_arrays_of_another_length(ring):
    index = pd.MultiIndex.from_product([NAMES, [2001, 2002]], names=["region", "year"])
    panel = pd.Series(np.arange(10.0), index=index)
    with pytest.raises(RongheError, match="once in every period"):
        ring.lag(panel.iloc[:-1])
    with pytest.raises(RongheError, match="5 units cannot lag"):
        ring.lag(np.ones(4))


def test_other_labels_are_refused_naming_them(ring):
    with pytest.raises(RongheError, match=r"not in the weights: utopia; not in the data: isle"):
        ring.align(["north", "east", "south", "west", "utopia"])
    with pytest.raises(RongheError, match="stand twice in the data: north"):
        ring.align(["north", "north", "south", "west", "isle"])
    with pytest.raises(RongheError, match="not in the data: isle"):
        ring.lag(pd.Series(1.0, index=NAMES[:4]))
    with pytest.raises(RongheError, match="no such units: utopia"):
        ring.subset(["utopia"])
    numbered = Weights((1, 2), sparse.csr_array([[0.0, 1], [1, 0]]))
    with pytest.raises(RongheError, match="differ in type"):
        numbered.align(["1", "2"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "b", -1.0)], r"not negative: a - b \(-1\)"),
        ([("a", "b", np.inf)], r"finite and not negative: a - b \(inf\)"),
        ([("a", "b", np.nan)], "not numbers: rows 0 of 'weight'"),
        ([("a", "b", "much")], "not numbers: rows 0 of 'weight'"),
        ([("a", "a", 1.0)], "neighbour themselves: a"),
        ([("a", "b", 1.0), ("a", "b", 2.0)], "stand twice: a - b"),
        ([("a", None, 1.0)], "rows without a unit: 0"),
    ],
)
def test_bad_edges_are_refused(rows, message):
    with pytest.raises(RongheError, match=message):
        Weights.from_edges(edge_list(rows))


def test_other_bad_input_is_refused():
    with pytest.raises(RongheError, match="lacks the columns weight"):
        Weights.from_edges(pd.DataFrame({"focal": ["a"], "neighbor": ["b"]}))
    with pytest.raises(RongheError, match="unknown: c"):
        Weights.from_edges(edge_list([("a", "c", 1.0)]), ["a", "b"])
    with pytest.raises(RongheError, match="stand twice: a"):
        Weights(("a", "a"), sparse.csr_array((2, 2)))
    with pytest.raises(RongheError, match="3 labels for a matrix of 2 x 2"):
        Weights(("a", "b", "c"), sparse.csr_array((2, 2)))
    with pytest.raises(RongheError, match="only in the rows: b; only in the columns: c"):
        Weights.from_frame(pd.DataFrame(np.zeros((2, 2)), index=["a", "b"], columns=["a", "c"]))
    with pytest.raises(RongheError, match="carries no labels"):
        Weights.coerce(np.zeros((2, 2)))
    with pytest.raises(RongheError, match="did you mean 'row'"):
        random_weights(4, 0).standardise("rows")


def test_weights_are_frozen(ring):
    with pytest.raises(ValueError):
        ring.sparse.data[0] = 9.0
    with pytest.raises(AttributeError):
        ring.labels = ()


def test_every_source_gives_the_same_matrix(ring, tmp_path):
    for source in (
        ring,
        ring.to_graph(),
        ring.to_frame(),
        ring.to_edges(),
        ring.to_edges().sample(frac=1, random_state=1),
    ):
        assert Weights.coerce(source).hash == ring.hash
    for ending in ("csv", "parquet"):
        path = tmp_path / f"ring.{ending}"
        ring.write(path)
        assert Weights.read(path).hash == ring.hash
        assert Weights.coerce(str(path)).hash == ring.hash


def test_state_contiguity(recorded):
    W = Weights.read(recorded / "usaww.csv")
    assert (W.n, W.sparse.nnz, W.n_components, W.islands) == (48, 214, 1, ())
    assert W.is_row_standardised and W.symmetric_form is not None
    values = np.linalg.eigvals(W.sparse.toarray())
    assert W.eigenvalue_bounds() == pytest.approx((values.real.min(), 1.0), abs=1e-13)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NaT, pd.NA])
def test_a_unit_without_a_name_is_refused(missing):
    edges = pd.DataFrame({"focal": ["a"], "neighbor": ["b"], "weight": [1.0]})
    with pytest.raises(RongheError, match="a unit without a name"):
        Weights.from_edges(edges, labels=["a", "b", missing])
    with pytest.raises(RongheError, match="a unit without a name"):
        Weights.from_frame(pd.DataFrame(0.0, ["a", missing], ["a", missing]))
