"""Tests of what must not change a result, and of what must be refused by name."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linearmodels.panel import PanelOLS
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel
from ronghe.weights.matrix import Weights


def ring(n, islands=0, standardise="row"):
    """Return weights on a ring, each unit with one neighbour behind and one or two ahead; the last ones alone."""
    m = n - islands
    rows = [(f"u{i:02}", f"u{(i + s) % m:02}") for i in range(m) for s in [-1, 1, *([2] if i % 3 == 0 else [])]]
    edges = pd.DataFrame(rows, columns=["focal", "neighbor"]).assign(weight=1.0)
    labels = [f"u{i:02}" for i in range(n)]
    return Weights.from_edges(edges, labels=labels, name="ring").standardise(standardise)


def drawn(n=12, t=5, seed=0, W=None):
    """Return (y, X, W) with a spatial lag of 0.3."""
    rng = np.random.default_rng(seed)
    W = ring(n) if W is None else W
    index = pd.MultiIndex.from_product([W.labels, range(2000, 2000 + t)], names=["unit", "period"])
    X = rng.standard_normal((n, t, 2)) + rng.standard_normal((n, 1, 2))
    y = X @ [1.0, -0.5] + rng.standard_normal((n, 1)) + rng.standard_normal((n, t))
    y = np.linalg.solve(np.eye(n) - 0.3 * W.sparse.toarray(), y)
    return (
        pd.Series(y.ravel(), index=index, name="y"),
        pd.DataFrame(X.reshape(-1, 2), index=index, columns=["a", "b"]),
        W,
    )


def blank(X, row):
    """Return X with one row missing."""
    X = X.copy()
    X.loc[row] = np.nan
    return X


MODELS = ["ols", "slx", "sar", "sem", "sdm", "sdem", "sarar", "gns"]


@settings(max_examples=12, deadline=None)
@given(
    power=st.integers(-8, 8), seed=st.integers(0, 50), model=st.sampled_from(MODELS),
    effects=st.sampled_from(["pooled", "units", "time", "twoways"]),
)  # fmt: skip
def test_units_of_measurement_do_not_matter(power, seed, model, effects):
    """y and x times any power of ten: rho as it was, coefficients in the new units, likelihood shifted by n ln 10."""
    y, X, W = drawn(seed=seed)
    scale = 10.0**power
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        one = SpatialPanel(y, X, W, model=model, effects=effects).fit()
        two = SpatialPanel(y * scale, X.assign(a=X["a"] / scale), W, model=model, effects=effects).fit()
    if one.notes:
        return
    spatial = [n for n in ("rho", "lambda") if n in one.params.index]
    np.testing.assert_allclose(two.params[spatial], one.params[spatial], atol=1e-8)
    np.testing.assert_allclose(two.std_errors[spatial], one.std_errors[spatial], rtol=1e-6)
    assert two.params["a"] == pytest.approx(scale**2 * one.params["a"], rel=1e-6)
    assert two.tstats["b"] == pytest.approx(one.tstats["b"], rel=1e-6)
    assert two.loglik == pytest.approx(one.loglik - one.n_effective * np.log(scale), rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), model=st.sampled_from(MODELS))
def test_order_and_names_do_not_matter(munnell, seed, model):
    """Rows shuffled, W in another order, units renamed: the same numbers, residuals with their rows."""
    y, X, W = munnell
    rng = np.random.default_rng(seed)
    one = SpatialPanel(y, X, W, model=model).fit("clustered")
    names = dict(zip(W.labels, [f"s{i:02}" for i in rng.permutation(48)], strict=True))
    renamed = Weights(tuple(names[u] for u in W.labels), W.sparse).align(sorted(names.values()))
    rows = rng.permutation(len(y))
    index = pd.MultiIndex.from_tuples([(names[u], t) for u, t in y.index[rows]], names=y.index.names)
    two = SpatialPanel(y.iloc[rows].set_axis(index), X.iloc[rows].set_axis(index), renamed, model=model).fit(
        "clustered"
    )
    np.testing.assert_allclose(two.params, one.params, rtol=1e-7)
    np.testing.assert_allclose(two.std_errors, one.std_errors, rtol=1e-7)
    np.testing.assert_allclose(two.impacts(), one.impacts(), rtol=1e-6)
    np.testing.assert_allclose(two.resids.to_numpy(), one.resids.to_numpy()[rows], atol=1e-9)
    assert two.resids.index.equals(index)


def test_x_and_y_are_matched_by_label(munnell):
    y, X, W = munnell
    one = SpatialPanel(y, X, W).fit().params
    two = SpatialPanel(y, X.sample(frac=1, random_state=1), W).fit().params
    pd.testing.assert_series_equal(one, two)


def test_w_as_graph_or_table(munnell):
    y, X, W = munnell
    one = SpatialPanel(y, X, W).fit().params
    np.testing.assert_allclose(SpatialPanel(y, X, W.to_frame()).fit().params, one, rtol=1e-9)
    with pytest.raises(RongheError, match="carries no labels"):
        SpatialPanel(y, X, W.sparse.toarray())
    pytest.importorskip("libpysal")
    np.testing.assert_allclose(SpatialPanel(y, X, W.to_graph()).fit().params, one, rtol=1e-9)


def test_year_dummies_written_out(munnell):
    """Explicit year dummies beside unit effects are two-way LSDV, 0.370168; lagged, they repeat themselves."""
    y, X, W = munnell
    years = pd.get_dummies(pd.Series(y.index.get_level_values(1), index=y.index), prefix="y", dtype=float).iloc[:, 1:]
    wide = pd.concat([X, years], axis=1)
    names = list(X.columns)
    result = SpatialPanel(y, wide, W, effects="units", method="lsdv", durbin=names).fit()
    assert result.rho == pytest.approx(0.3701681685089, rel=1e-9)
    # Two-way effects project G X b off the dummies, which here belong to X b: the errors agree too.
    assert result.std_errors["rho"] == pytest.approx(0.0404808803805, rel=1e-8)
    with pytest.raises(RongheError, match=r"'W\*y_1971' is a linear combination of y_1971"):
        SpatialPanel(y, wide, W, effects="units", method="lsdv").fit()


def test_lags_are_taken_before_demeaning(munnell):
    """Q(Wy) is not W(Qy) once time effects are out; only the first gives 0.370168."""
    y, X, W = munnell
    model = SpatialPanel(y, X, W, method="lsdv")
    moments, Q = model.moments, model.projection.apply
    Y = model.panel.y
    np.testing.assert_allclose(moments.data[:, :, 1], Q(W.sparse @ Y), atol=1e-12)
    assert np.abs(W.sparse @ Q(Y) - Q(W.sparse @ Y)).max() > 1e-3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y, X: (y, X.assign(c=X["a"] + 2 * X["b"])), "'c' is a linear combination of a, b once the fixed"),
        (lambda y, X: (y, X.assign(c=X["a"].groupby(level=0).transform("mean"))), "constant within every unit.*: c"),
        (lambda y, X: (y.groupby(level=0).transform("mean"), X), "constant within every unit.*the outcome"),
        (lambda y, X: (y, blank(X, ("u03", 2002))), r"'a' is missing or infinite for \(u03, 2002\)"),
        (lambda y, X: (y.replace(y.iloc[7], np.inf), X), r"'y' is missing or infinite for \(u01, 2002\)"),
        (lambda y, X: (y.iloc[1:], X.iloc[1:]), r"no row for \(u00, 2000\)"),
        (lambda y, X: (pd.concat([y, y.iloc[:1]]), pd.concat([X, X.iloc[:1]])), r"stand twice: \('u00', 2000\)"),
        (lambda y, X: (y, X.iloc[1:]), r"only in y: \('u00', 2000\)"),
        (lambda y, X: (y.drop("u05"), X.drop("u05")), "not in the data: u05"),
        (lambda y, X: (y.rename({"u05": "x"}), X.rename({"u05": "x"})), "not in the weights: x"),
        (lambda y, X: (y, X.rename(columns={"a": "rho"})), "names are those of parameters: rho"),
        (lambda y, X: (y, X.assign(c="text")), "not numbers: c"),
        (lambda y, X: (y.reset_index(drop=True), X), "two levels"),
        (lambda y, X: (X["a"] - X["b"], X), "without remainder"),
    ],
)
def test_faulty_data_are_refused_by_name(change, words):
    y, X, W = drawn()
    y, X = change(y, X)
    with pytest.raises(RongheError, match=words):
        SpatialPanel(y, X, W, model="sar", effects="units").fit()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "durbin"}, "unknown model 'durbin'"),
        ({"effects": "two"}, "unknown effects 'two'; did you mean 'twoways'"),
        ({"method": "within"}, "unknown method"),
        ({"model": "sar", "durbin": ["a"]}, "has no Durbin terms"),
        ({"durbin": ["c"]}, "unknown regressor 'c'"),
        ({"durbin": []}, "without any Durbin term is 'sar'"),
        ({"model": "sar", "error_weights": ring(12)}, "has no spatial error"),
        ({"missing": "select"}, "for ols and slx only"),
    ],
)
def test_faulty_options_are_refused_by_name(options, words):
    y, X, W = drawn()
    with pytest.raises(RongheError, match=words):
        SpatialPanel(y, X, W, **options)


@pytest.mark.parametrize("method", ["lee_yu", "bias_corrected"])
@pytest.mark.parametrize("W", [ring(12, islands=1), ring(12, standardise="none")], ids=["island", "raw"])
def test_time_effects_need_rows_that_sum_to_one(W, method):
    y, X, _ = drawn(W=ring(12))
    with pytest.raises(RongheError, match="Choose method='lsdv', effects='units' or 'pooled'"):
        SpatialPanel(y, X, W, effects="twoways", method=method)
    SpatialPanel(y, X, W, model="slx", effects="twoways", method="lee_yu").fit()


def test_islands_have_no_spillovers():
    """A unit without neighbours: its own effect is beta, it gives and receives nothing."""
    y, X, W = drawn(W=ring(12, islands=2))
    result = SpatialPanel(y, X, W, effects="units").fit()
    units = result.impacts_by_unit()
    for island in ("u10", "u11"):
        assert units.loc[("a", island, "direct"), "estimate"] == pytest.approx(result.params["a"], rel=1e-12)
        assert units.loc[("a", island, "received"), "estimate"] == pytest.approx(0, abs=1e-14)
    table = result.impacts()
    means = units["estimate"].groupby(level=["variable", "effect"]).mean()
    assert table.loc[("a", "indirect"), "estimate"] == pytest.approx(means["a", "received"], rel=1e-11)


def test_two_periods_are_first_differences():
    """With T = 2, demeaning is differencing: Lee and Yu's estimate is that of one cross-section of differences."""
    y, X, W = drawn(n=15, t=2, W=ring(15))
    panel = SpatialPanel(y, X, W, effects="units").fit()
    wide_y, wide_x = y.unstack(), X.unstack()
    index = pd.MultiIndex.from_product([wide_y.index, [0]], names=["unit", "period"])
    difference = pd.Series((wide_y[2001] - wide_y[2000]).to_numpy() / np.sqrt(2), index=index, name="y")
    columns = {c: ((wide_x[c, 2001] - wide_x[c, 2000]) / np.sqrt(2)).to_numpy() for c in "ab"}
    moments = SpatialPanel(difference, pd.DataFrame(columns, index=index), W, effects="pooled").moments
    keep = [i for i, name in enumerate(moments.columns) if name != "const"]
    np.testing.assert_allclose(moments.plain[np.ix_(keep, keep)], panel.model.moments.plain, rtol=1e-9)
    assert panel.n_effective == 15


def test_the_edge_is_said():
    """A field that drifts with its neighbours: under two-way effects the likelihood rises up to one."""
    W = ring(20)
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([W.labels, range(3)], names=["unit", "period"])
    y = np.linalg.solve(np.eye(20) - 0.9999 * W.sparse.toarray(), rng.standard_normal((20, 3)))
    slow = np.sin(2 * np.pi * np.arange(20) / 20)[:, None] * rng.standard_normal((1, 3)) * 1e3
    X = pd.DataFrame({"x": rng.standard_normal(60)}, index=index)
    with pytest.warns(RuntimeWarning, match="rho stands at the edge"):
        result = SpatialPanel(pd.Series((y + slow).ravel(), index=index), X, W, model="sar").fit()
    assert any("rho stands at the edge" in note for note in result.notes)


def test_weights_without_return_are_refused():
    edges = pd.DataFrame({"focal": ["u00", "u01"], "neighbor": ["u01", "u02"], "weight": 1.0})
    y, X, _ = drawn(n=12)
    W = Weights.from_edges(edges, labels=ring(12).labels)
    with pytest.raises(RongheError, match="all eigenvalues are zero"):
        SpatialPanel(y, X, W, model="sar", effects="units").fit()


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
@pytest.mark.parametrize("kind", ["expected", "clustered", "robust"])
def test_gaps_by_selection(effects, kind):
    """An unbalanced panel gives what linearmodels gives."""
    y, X, _ = drawn(n=12, t=6)
    gone = np.random.default_rng(5).random(len(y)) < 0.2
    y = y.mask(gone)
    y, X = y.iloc[:-2], X.iloc[:-2]
    ours = SpatialPanel(y, X, model="ols", effects=effects, missing="select", method="lee_yu").fit(kind)
    regressors = X.assign(const=1.0)[["const", "a", "b"]] if effects == "pooled" else X
    options = {"expected": {}, "robust": {"cov_type": "robust"}, "clustered": {"cov_type": "clustered"}}[kind]
    if kind == "clustered":
        options = {**options, "cluster_entity": True, "group_debias": False, "count_effects": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = PanelOLS(
            y, regressors, entity_effects=effects in ("units", "twoways"), time_effects=effects in ("time", "twoways")
        ).fit(debiased=False, **options)
    np.testing.assert_allclose(ours.params[:-1], theirs.params, rtol=1e-9)
    assert ours.nobs == theirs.nobs
    assert ours.resids.notna().sum() == theirs.nobs
    if kind == "expected":
        np.testing.assert_allclose(ours.std_errors[:-1], theirs.std_errors, rtol=1e-9)
    else:
        plain = SpatialPanel(y, X, model="ols", effects=effects, missing="select", method="lsdv").fit(kind)
        ratio = plain.std_errors[:-1] / theirs.std_errors
        np.testing.assert_allclose(ratio, ratio.iloc[0], rtol=1e-9)


def test_gaps_in_a_lagged_regressor_take_out_the_neighbours():
    y, X, W = drawn()
    X = blank(X, ("u03", 2002))
    result = SpatialPanel(y, X, W, model="slx", missing="select").fit()
    near = [u for u, row in W.to_frame().iterrows() if row["u03"] > 0]
    lost = result.resids.index[result.resids.isna()]
    assert set(lost) == {(u, 2002) for u in ["u03", *near]}
