"""Lags by several weights and by weights of every period: against block-diagonal matrices, and in estimates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel, spatial_lag
from ronghe.spatial.formula import read_formula
from ronghe.weights import Weights
from scipy import linalg

N, T = 7, 5
LABELS = [f"u{k}" for k in range(N)]
YEARS = list(range(2001, 2001 + T))


@pytest.fixture(scope="module")
def made():
    """Return data in no order, two matrices, one for every year, and the dense ones."""
    rng = np.random.default_rng(0)
    dense = rng.random((T + 2, N, N)) * (rng.random((T + 2, N, N)) < 0.5)
    dense += np.roll(np.eye(N), 1, axis=1)
    for matrix in dense:
        np.fill_diagonal(matrix, 0.0)
    dense /= dense.sum(axis=2, keepdims=True)
    frames = [pd.DataFrame(matrix, LABELS, LABELS) for matrix in dense]
    # Weights in another order of units: rows are matched by label.
    by_year = {year: frame.iloc[::-1, ::-1] for year, frame in zip(YEARS, frames, strict=False)}
    index = pd.MultiIndex.from_product([LABELS, YEARS], names=["unit", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 3)), index, columns=["y", "x", "z"])
    order = rng.permutation(N * T)
    return data.iloc[order], Weights.from_frame(frames[T], "W"), Weights.from_frame(frames[T + 1], "W2"), by_year, dense


def by_blocks(x: pd.Series, dense: np.ndarray) -> np.ndarray:
    """Return the lag by one block-diagonal matrix, a block for each year."""
    stacked = x.sort_index().to_numpy().reshape(N, T).T.ravel()
    return (linalg.block_diag(*dense) @ stacked).reshape(T, N).T.ravel()


def test_every_year_has_its_weights(made):
    data, W, _, by_year, dense = made
    lagged = spatial_lag(data["x"], by_year)
    assert lagged.index.equals(data.index)
    np.testing.assert_allclose(lagged.sort_index(), by_blocks(data["x"], dense[:T]), rtol=1e-12)
    np.testing.assert_allclose(spatial_lag(data["x"], W).sort_index(), by_blocks(data["x"], [dense[T]] * T), rtol=1e-12)


def test_a_model_of_three_lags_is_least_squares_on_their_columns(made):
    """Dummies, columns and lags written out; one is of a function of z, one by a W of every year."""
    data, W, W2, by_year, dense = made
    formula = "y ~ x + z + W(x) + W2(x + I(z**2)) + V(x) | unit + year"
    model = SpatialPanel.from_formula(formula, data, W, lags={"W2": W2, "V": by_year}, model="slx")
    assert model.specification.terms == ("x", "z", "W2(x)", "W2(I(z ** 2))", "V(x)", "W*x")
    x, z, y = (data[name].sort_index() for name in ("x", "z", "y"))
    own, other = [dense[T]] * T, [dense[T + 1]] * T
    columns = [x, z, by_blocks(x, other), by_blocks(z**2, other), by_blocks(x, dense[:T]), by_blocks(x, own)]
    dummies = [np.kron(np.eye(N), np.ones((T, 1))), np.kron(np.ones((N, 1)), np.eye(T))]
    b = np.linalg.lstsq(np.column_stack([*columns, *dummies]), y, rcond=None)[0][:6]
    np.testing.assert_allclose(model.fit().params.iloc[:6], b, atol=1e-10)


def test_a_durbin_model_takes_them_as_regressors(made):
    """SDM with a lag by another W: the likelihood of the same model with the column brought by hand."""
    data, W, W2, _, _ = made
    named = SpatialPanel.from_formula("y ~ x + z + W(x) + W2(x) | units", data, W, lags={"W2": W2}).fit()
    X = data[["x", "z"]].assign(other=spatial_lag(data["x"], W2))
    brought = SpatialPanel(data["y"], X, W, effects="units", durbin=["x"]).fit()
    assert named.loglik == pytest.approx(brought.loglik, abs=1e-10)
    np.testing.assert_allclose(named.params, brought.params, atol=1e-10)


def test_a_neighbour_without_a_value_leaves_none(made):
    data, W, _, _, dense = made
    gone = ("u2", 2003)
    lagged = spatial_lag(data["x"].drop(gone), W)
    lost = lagged.index[lagged.isna()]
    neighbours = [LABELS[k] for k in np.flatnonzero(dense[T][:, 2])]
    assert set(lost) == {(unit, 2003) for unit in neighbours}
    read = read_formula("y ~ W2(x)", data.drop(gone), lags={"W2": W})
    assert set(read.X.index[read.X["W2(x)"].isna()]) == set(lost)


def test_what_is_refused(made):
    data, W, W2, by_year, _ = made
    cases = [
        (lambda: spatial_lag(data["x"], {2001: W}), "no weights for 2002, 2003, 2004, 2005"),
        (lambda: spatial_lag(data["x"], W2.subset(LABELS[1:])), "not in the weights 'W2.*': u0"),
        (lambda: spatial_lag(data["x"].reset_index(drop=True), W), r"indexed by \(unit, period\)"),
        (lambda: spatial_lag(pd.concat([data["x"], data["x"][:1]]), W), "stand twice"),
        (lambda: read_formula("y ~ W2(x)", data), "unknown function 'W2'"),
        (lambda: read_formula("y ~ W2(x*z)", data, lags={"W2": W2}), "lags columns, not products"),
        (lambda: read_formula("y ~ x", data, lags={"log": W2}), "lags cannot be named log"),
        (lambda: read_formula("y ~ V(x)", data, lags={"V": {2001: W}}), r"V\(\): no weights for"),
    ]
    for call, message in cases:
        with pytest.raises(RongheError, match=message):
            call()
