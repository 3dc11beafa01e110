"""Families of weights: worked cells, libpysal, order of rows, and clear refusals."""

from __future__ import annotations

import json
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.clean.regions import Names
from ronghe.errors import RongheError
from ronghe.geography import EARTH_RADIUS_KM
from ronghe.weights import Weights, distance, economic
from ronghe.weights.build import Sources, build, read_sources
from ronghe.weights.comparison import NOISE, compare_weights, correlate_lags
from ronghe.weights.contiguity import from_borders, from_grid, from_polygons
from ronghe.weights.islands import settle_islands
from ronghe.weights.positions import Positions

UNITS = ["a", "b", "c", "d"]


def places(longitude, latitude, labels=None):
    index = labels or [f"u{i:02d}" for i in range(len(longitude))]
    return Positions.from_table(pd.DataFrame({"longitude": longitude, "latitude": latitude}, index=index))


def scatter(n, seed):
    rng = np.random.default_rng(seed)
    return places(rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n))))


def square(cells, labels):
    return Weights.from_frame(pd.DataFrame(cells, index=list(labels), columns=list(labels), dtype=float))


def borders(*pairs):
    return pd.DataFrame([(a, b, kind) for a, b, kind in pairs], columns=["region", "neighbor", "kind"])


def test_great_circle_by_hand():
    # A quarter of a meridian, of the equator, across the date line, and from pole to pole.
    P = places([0, 0, 90, 179, -179, 0, 0], [0, 90, 0, 0, 0, 90, -90])
    pairs = np.array([(0, 1), (0, 2), (3, 4), (5, 6)])
    expected = EARTH_RADIUS_KM * np.pi * np.array([0.5, 0.5, 2 / 180, 1.0])
    np.testing.assert_allclose(P.distances(*pairs.T), expected, rtol=1e-12)


def test_distance_between_two_cities():
    # Paris to London, 343.5 km on the sphere of mean radius.
    assert places([2.3522, -0.1276], [48.8566, 51.5072]).distances(0, 1) == pytest.approx(343.5, abs=0.3)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(3, 40), k=st.integers(1, 8), seed=st.integers(0, 10**6))
def test_nearest_equals_a_sort_of_all_distances(n, k, seed):
    P = scatter(n, seed)
    k = min(k, n - 1)
    D = P.distances(*np.indices((n, n)))
    np.fill_diagonal(D, np.inf)
    np.testing.assert_array_equal(P.nearest(k), np.argsort(D, axis=1)[:, :k])


def test_nearest_equals_libpysal():
    from libpysal.graph import Graph

    P = scatter(60, 4)
    graph = Graph.build_knn(np.column_stack([P.longitude, P.latitude]), 5, metric="haversine")
    found = distance.nearest_neighbors(P, 5).sparse.toarray()
    np.testing.assert_array_equal(found, graph.sparse.toarray())


def test_ties_go_by_name_whatever_the_order_of_rows():
    # A square about a centre: the four corners lie equally far, and so do units at the same place.
    longitude, latitude = [0, 1, -1, 0, 0, 0, 0], [0, 0, 0, 1, -1, 1, 1]
    names = ["m", "e", "w", "n", "s", "n2", "n3"]
    W = distance.nearest_neighbors(places(longitude, latitude, names), 2)
    assert set(W.to_edges().query("focal == 'm'")["neighbor"]) == {"e", "n"}
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(7)
        shuffled = places(*(np.array(v)[order] for v in (longitude, latitude)), [names[i] for i in order])
        assert distance.nearest_neighbors(shuffled, 2).hash == W.hash


def test_many_units_at_one_place_still_have_neighbours():
    W = distance.nearest_neighbors(places([5.0] * 40, [5.0] * 40), 3)
    assert W.sparse.nnz == 120
    assert set(W.to_edges().query("focal == 'u39'")["neighbor"]) == {"u00", "u01", "u02"}


def test_band_and_decay_by_hand():
    # On the equator one degree is 111.195 km.
    P = places([0, 1, 3, 6], [0, 0, 0, 0], UNITS)
    degree = EARTH_RADIUS_KM * np.pi / 180
    assert distance.least_threshold(P) == pytest.approx(3 * degree)
    band = distance.distance_band(P, None).to_frame()
    assert band.loc["a"].tolist() == [0, 1, 1, 0] and band.loc["d"].tolist() == [0, 0, 1, 0]
    assert Weights.from_frame(band).islands == ()
    W = distance.by_distance(P, distance.inverse(2), 3.5 * degree).to_frame()
    np.testing.assert_allclose(W.loc["a"], [0, 1 / degree**2, 1 / (3 * degree) ** 2, 0], rtol=1e-12)
    W = distance.by_distance(P, distance.exponential(degree)).to_frame()
    np.testing.assert_allclose(W.loc["d"], [np.exp(-6), np.exp(-5), np.exp(-3), 0], rtol=1e-12)


def test_cutoff_agrees_with_all_pairs():
    P = scatter(80, 2)
    dense = distance.by_distance(P, distance.inverse(1)).sparse.toarray()
    D = P.distances(*np.indices((80, 80)))
    cut = distance.by_distance(P, distance.inverse(1), 2500.0).sparse.toarray()
    np.testing.assert_allclose(cut, np.where(D <= 2500, dense, 0.0), rtol=1e-12)


def test_contiguity_of_borders_once_or_both_ways():
    once = borders(("a", "b", "land"), ("b", "c", "strait"))
    both = pd.concat([once, once.rename(columns={"region": "neighbor", "neighbor": "region"})])
    W = from_borders(once, UNITS)
    np.testing.assert_array_equal(W.sparse.toarray(), [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    assert from_borders(both, UNITS).hash == W.hash and W.islands == ("d",)
    assert from_borders(once, UNITS, links=["land"]).islands == ("c", "d")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "b", "land"), ("b", "a", "land"), ("b", "c", "land")], "not symmetric: b - c lack the opposite"),
        ([("a", "b", "land"), ("a", "b", "strait")], "stand twice: a - b"),
        ([("a", "a", "land")], "joins to themselves: a"),
        ([("a", "z", "land")], "not in the table of regions: z"),
    ],
)
def test_bad_borders_are_refused(rows, message):
    with pytest.raises(RongheError, match=message):
        from_borders(borders(*rows), UNITS)


def test_unknown_kind_of_border_is_refused():
    with pytest.raises(RongheError, match="did you mean 'land'"):
        from_borders(borders(("a", "b", "land")), UNITS, links=["lands"])


def test_grid_by_hand_and_by_libpysal():
    from libpysal.weights import lat2W

    W = from_grid(3, 4)
    np.testing.assert_array_equal(W.sparse.toarray(), lat2W(3, 4).full()[0])
    np.testing.assert_array_equal(from_grid(3, 4, "queen").sparse.toarray(), lat2W(3, 4, rook=False).full()[0])
    # A grid of 3 x 4 has 3 * 3 + 2 * 4 edges, each both ways, and 2 * 2 * 3 diagonals more.
    assert W.sparse.nnz == 34 and from_grid(3, 4, "queen").sparse.nnz == 34 + 24


def test_polygons_queen_and_rook(tmp_path):
    # Four unit squares in a block: edges join side by side, the corner joins all.
    squares = {"a": (0, 0), "b": (1, 0), "c": (0, 1), "d": (1, 1)}
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]],
            },
        }
        for name, (x, y) in reversed(squares.items())
    ]
    path = tmp_path / "squares.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    np.testing.assert_array_equal(from_polygons(path, "name", UNITS).sparse.toarray(), 1 - np.eye(4))
    rook = from_polygons(path, "name", UNITS, "rook").sparse.toarray()
    np.testing.assert_array_equal(rook, [[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    with pytest.raises(RongheError, match="no field 'nom' .there: name"):
        from_polygons(path, "nom", UNITS)
    with pytest.raises(RongheError, match="no polygon for z"):
        from_polygons(path, "name", ["a", "z"])


def test_economic_weights_by_hand():
    size = pd.Series([1.0, 3.0, 7.0], index=["a", "b", "c"], name="income")
    W = economic.economic_distance(size)
    np.testing.assert_allclose(W.sparse.toarray(), [[0, 1 / 2, 1 / 6], [1 / 2, 0, 1 / 4], [1 / 6, 1 / 4, 0]])
    with pytest.raises(RongheError, match="same value of income, .* a and b"):
        economic.economic_distance(pd.Series([1.0, 1.0, 2.0], index=["a", "b", "c"], name="income"))


def test_nested_weights_by_hand():
    first = Weights.from_frame(
        pd.DataFrame([[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0.0]], index=list("abc"), columns=list("abc"))
    )
    second = Weights.from_frame(
        pd.DataFrame([[0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]], index=list("cba"), columns=list("cba"))
    )
    both = economic.weighted_sum(first, second, 0.25)
    # Row a of the second: 0.5 on c, 0.5 on b; row b: 1 on a; row c: 1 on b.
    np.testing.assert_allclose(both.sparse.toarray(), [[0, 0.5, 0.5], [1, 0, 0], [0.25, 0.75, 0]])
    np.testing.assert_allclose(
        economic.product(first, second).sparse.toarray(), [[0, 0.25, 0.25], [1, 0, 0], [0, 0, 0]]
    )
    size = pd.Series({"c": 3.0, "b": 2.0, "a": 1.0})
    np.testing.assert_allclose(
        economic.scaled_by_size(first, size).sparse.toarray(), [[0, 0.5, 0.75], [0.5, 0, 0], [0.5, 0, 0]]
    )
    with pytest.raises(RongheError, match="must be positive: c"):
        economic.scaled_by_size(first, size.replace(3.0, -3.0))


def test_mean_before_the_sample_is_silent_and_within_it_warns(caplog):
    index = pd.MultiIndex.from_product([["a", "b"], [2010, 2011, 2012]], names=["region", "year"])
    series = pd.Series([1.0, 3.0, 5.0, 2.0, 4.0, 6.0], index=index, name="income")
    with caplog.at_level(logging.WARNING):
        before = economic.mean_over(series, [2010, 2011], [2012], "w")
    assert before.to_dict() == {"a": 2.0, "b": 3.0} and not caplog.records
    with caplog.at_level(logging.WARNING):
        economic.mean_over(series, None, [2011, 2012], "w")
    assert "in years of the sample (2011, 2012)" in caplog.text
    with pytest.raises(RongheError, match="no values for the years 2009"):
        economic.mean_over(series, [2009, 2010], [2012], "w")
    with pytest.raises(RongheError, match="income is missing for b"):
        economic.mean_over(series.where(series != 4.0), [2010, 2011], [2012], "w")


def test_flows_keep_their_direction_and_refuse_strangers():
    flows = pd.DataFrame([("a", "b", 5.0), ("b", "a", 2.0), ("a", "a", 9.0)], columns=["focal", "neighbor", "weight"])
    with pytest.raises(RongheError, match="flows within a region: a; write own_flows: drop"):
        economic.from_flows(flows, ["a", "b"])
    W = economic.from_flows(flows, ["a", "b"], "drop")
    np.testing.assert_array_equal(W.sparse.toarray(), [[0, 5], [2, 0]])
    with pytest.raises(RongheError, match="not regions: b"):
        economic.from_flows(flows, ["a", "c"], "drop")


def test_islands_refused_kept_or_attached():
    P = places([0, 1, 3, 6], [0, 0, 0, 0], UNITS)
    W = from_borders(borders(("a", "b", "land")), UNITS)
    with pytest.raises(RongheError, match="no neighbours: c, d"):
        settle_islands(W, "refuse")
    assert settle_islands(W, "keep").islands == ("c", "d")
    joined = settle_islands(W, "attach", P)
    # The nearest of c is b, of d is c.
    np.testing.assert_array_equal(joined.sparse.toarray(), [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    pair = from_borders(borders(("a", "b", "land")), UNITS)
    twins = settle_islands(pair, "attach", places([0, 1, 8, 9], [0, 0, 0, 0], UNITS))
    assert twins.sparse.max() == 1 and twins.is_symmetric
    with pytest.raises(RongheError, match="does not know the weight"):
        settle_islands(Weights(W.labels, W.sparse * 0.3), "attach", P)
    weigh = distance.inverse(1)
    near = settle_islands(distance.by_distance(P, weigh, 250.0), "attach", P, weigh).to_frame()
    assert (
        near.loc["d", "c"] == pytest.approx(180 / (3 * np.pi * EARTH_RADIUS_KM))
        and near.loc["c", "d"] == near.loc["d", "c"]
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("longitude", 200.0, r"longitude must be .* -180 to 180 degrees: u01 \(200.0\)"),
        ("latitude", 95.0, r"latitude must be .* -90 to 90 degrees: u01"),
        ("latitude", np.nan, r"latitude must be a number .* u01 \(nan\)"),
    ],
)
def test_bad_coordinates_are_refused(column, value, message):
    table = pd.DataFrame({"longitude": [1.0, 2.0], "latitude": [1.0, 2.0]}, index=["u00", "u01"])
    table.loc["u01", column] = value
    with pytest.raises(RongheError, match=message):
        Positions.from_table(table)


def test_other_bad_positions_are_refused():
    table = pd.DataFrame({"longitude": [1.0, 1.0], "latitude": [1.0, 1.0]}, index=["u00", "u01"])
    with pytest.raises(RongheError, match="stands twice: u00"):
        Positions.from_table(table.rename({"u01": "u00"}))
    with pytest.raises(RongheError, match="no column latitude"):
        Positions.from_table(table[["longitude"]])
    with pytest.raises(RongheError, match="at the same place, .* u00 and u01"):
        distance.by_distance(Positions.from_table(table), distance.inverse(1))
    with pytest.raises(RongheError, match="2 nearest neighbours of 2 units: choose from 1 to 1"):
        distance.nearest_neighbors(Positions.from_table(table), 2)


def test_entry_leaves_regions_out_and_describes_itself(tmp_path):
    regions = pd.DataFrame(
        {
            "region": [*UNITS, "far"],
            "longitude": [0, 1, 3, 6, 50],
            "latitude": [0, 0, 0, 0, 0],
            "in_sample": [True] * 4 + [False],
        }
    )
    regions.to_csv(tmp_path / "regions.csv", index=False)
    files = {"regions": str(tmp_path / "regions.csv"), "weights": []}
    entry = {"kind": "knn", "k": 1, "leave_out": ["d"]}
    W, summary = build("near", entry, read_sources(entry, files))
    assert W.labels == ("a", "b", "c")
    assert (summary["n"], summary["edges"], summary["row_standardised"], summary["hash"]) == (3, 3, True, W.hash)
    assert summary["raw_spectral_radius"] == pytest.approx(1.0)
    with pytest.raises(RongheError, match="near: k: 3 nearest of 2 other regions; choose from 1 to 2"):
        build("near", {**entry, "k": 3}, read_sources(entry, files))
    with pytest.raises(RongheError, match="unknown region to leave out 'e'"):
        read_sources({**entry, "leave_out": ["e"]}, files)
    two = pd.concat([regions, regions.iloc[:1]])
    two.to_csv(tmp_path / "regions.csv", index=False)
    with pytest.raises(RongheError, match="stands twice: a"):
        read_sources(entry, files)


def test_file_of_other_names_is_refused_by_file_and_names(tmp_path):
    path = tmp_path / "own.csv"
    pd.DataFrame([("a", "b", 1.0), ("b", "q", 1.0)], columns=["focal", "neighbor", "weight"]).to_csv(path, index=False)
    sources = Sources(pd.DataFrame(index=["a", "b", "c"]), file=str(path))
    with pytest.raises(RongheError, match=r"own.csv: row 3: unknown region 'q'"):
        build("own", {"kind": "file"}, sources)
    sources.names = Names(["a", "b", "c"], {}, ignore=["q"])
    with pytest.raises(RongheError, match=r"own.csv: says nothing of c"):
        build("own", {"kind": "file"}, sources)


@pytest.mark.parametrize("kind", ["gal", "gwt", "csv", "parquet", "square"])
def test_own_matrix_from_every_format(tmp_path, kind):
    W = from_borders(borders(("a", "b", "land"), ("b", "c", "land"), ("c", "d", "land")), UNITS)
    path = tmp_path / f"own.{'csv' if kind == 'square' else kind}"
    if kind == "gal":
        W.to_graph().to_gal(path)
    elif kind == "gwt":
        W.to_graph().to_gwt(path)
    elif kind == "square":
        W.to_frame().loc[::-1].to_csv(path)
    else:
        W.write(path)
    found, _ = build("own", {"kind": "file", "standardise": "none"}, Sources(pd.DataFrame(index=UNITS), file=str(path)))
    assert found.hash == W.hash


def test_numbered_units_survive_a_square_file(tmp_path):
    W = from_grid(2, 2)
    W.to_frame().to_csv(tmp_path / "grid.csv")
    assert Weights.read(tmp_path / "grid.csv").hash == W.hash


def test_comparison_of_matrices():
    first, second = from_grid(3, 3), from_grid(3, 3, "queen")
    table = compare_weights({"rook": first, "queen": second}).set_index("weights")
    assert table.loc["rook", "density"] == pytest.approx(24 / 72)
    # The largest eigenvalue of a 3 x 3 rook grid is 2 * 2 cos(pi / 4).
    assert table.loc["rook", "spectral_radius"] == pytest.approx(4 * np.cos(np.pi / 4))
    index = pd.MultiIndex.from_product([range(9), [2001, 2002]], names=["region", "year"])
    panel = pd.DataFrame({"x": np.random.default_rng(0).normal(size=18)}, index=index)
    found = correlate_lags({"rook": first, "queen": second}, panel).set_index(["variable", "first", "second"])[
        "correlation"
    ]
    assert found[NOISE, "rook", "queen"] == pytest.approx(24 / np.sqrt(24 * 40))
    assert found["x", "rook", "rook"] == pytest.approx(1)
    lags = first.lag(panel["x"]), second.lag(panel["x"])
    assert found["x", "rook", "queen"] == pytest.approx(np.corrcoef(*lags)[0, 1])


def test_correlation_of_white_noise_by_simulation():
    first, second = from_grid(10, 10), from_grid(10, 10, "queen")
    e = np.random.default_rng(2).normal(size=(100, 400))
    expected = correlate_lags({"rook": first, "queen": second}, pd.DataFrame(index=[]))["correlation"].iloc[1]
    assert np.corrcoef(first.lag(e).ravel(), second.lag(e).ravel())[0, 1] == pytest.approx(expected, abs=0.02)


def test_declared_default_weights(project):
    """The neighbours that the raw table lists, through the names of the regions."""
    borders_file = project / "data" / "raw" / "china_provinces" / "adjacency.csv"
    table = pd.read_csv(borders_file)
    units = sorted(set(table.iloc[:, 0]) | set(table.iloc[:, 1]))
    table.columns = ["region", "neighbor", "kind"]
    W = from_borders(table, units)
    assert (W.n, W.sparse.nnz, W.islands, W.n_components) == (31, 138, (), 1)
    assert len(from_borders(table, units, links=[table["kind"].iloc[0]]).islands) == 1, "one region hangs on a strait"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.csv", b"", "w.csv: the file is empty"),
        ("w.csv", "focal,neighbor,weight\n北京,天津,1\n".encode("gb18030"), "w.csv: not UTF-8 text; save the file"),
        ("w.csv", b"a,b\n0.5,0.5\n", "w.csv: rows and columns hold different units.*first row and the first column"),
        ("w.parquet", b"hello", "w.parquet: not readable as .parquet"),
        ("w.gal", b"hello\nworld\n", "w.gal: not readable as .gal"),
        ("w.gwt", b"0 3 x y\na b\n", "w.gwt: not readable as .gwt"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RongheError, match=message):
        Weights.read(tmp_path / name)


def test_a_ring_leaves_out_what_is_near():
    P = places([0, 1, 3, 6], [0, 0, 0, 0], UNITS)
    with pytest.raises(RongheError, match="from_km: 200 is not below threshold_km"):
        distance.distance_band(P, 200.0, from_km=200.0)
    near, far = (distance.distance_band(P, km).to_frame() for km in (150.0, 1e5))
    ring = distance.distance_band(P, 1e5, from_km=150.0).to_frame()
    # Near pairs and the ring beyond them are all pairs, each once.
    assert ((near + ring) == far).all().all() and (near.to_numpy() > 0).any() and (ring.to_numpy() > 0).any()
