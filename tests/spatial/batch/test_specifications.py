"""Many subsets at once: every number is that of the ordinary engine for the same specification."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear.algebra import inverse_scaled
from ronghe.spatial.batch.marginals import log_marginals
from ronghe.spatial.batch.specifications import BATCHED, REFUSALS, Specifications
from ronghe.spatial.batch.subset_fits import COVARIANCES, IMPACTS
from ronghe.spatial.choice.comparison import log_marginal
from ronghe.spatial.equation import MODELS
from ronghe.spatial.impacts import average_impacts, delta_errors
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.information import observed_information
from ronghe.spatial.uncertainty.scores import unit_meat
from ronghe.weights.matrix import Weights
from scipy import sparse

N, T, K = 24, 6, 7
NAMES = tuple(f"x{k}" for k in range(K))
INDEX = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "period"])
# Both engines climb to rounding: differences are those of the order of summation.
TOLERANCE = 1e-9


def weights(kind: str) -> Weights:
    """Neighbours on a ring: symmetric, or of the next three only, which has complex eigenvalues."""
    steps = (-2, -1, 1, 2) if kind == "symmetric" else (1, 2, 5)
    rows = np.repeat(np.arange(N), len(steps))
    columns = (rows + np.tile(steps, N)) % N
    cells = np.random.default_rng(5).uniform(0.5, 1.5, len(rows)) if kind == "defective" else np.ones(len(rows))
    keep = columns > rows if kind == "defective" else np.ones(len(rows), bool)
    keep |= rows == N - 1
    W = sparse.csr_array((cells[keep], (rows[keep], columns[keep])), shape=(N, N))
    return Weights(tuple(range(N)), W, kind).standardise("row")


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    X = rng.standard_normal((N, T, K)) + rng.standard_normal((N, 1, K))
    W = weights("symmetric").sparse.toarray()
    e = rng.standard_normal((N, T)) * rng.uniform(0.5, 2.0, (N, 1))
    mean = X @ np.linspace(0.5, -0.3, K) + W @ (X @ np.linspace(-0.2, 0.3, K)) + e
    return np.linalg.solve(np.eye(N) - 0.4 * W, mean), X


def ordinary(y, X, subset, model, effects, W, method="lee_yu") -> SpatialPanel:
    frame = pd.DataFrame(X.reshape(-1, K)[:, subset], INDEX, [NAMES[k] for k in subset])
    outcome = pd.Series(y.reshape(-1), INDEX, name="y")
    return SpatialPanel(outcome, frame, None if model == "ols" else W, model=model, effects=effects, method=method)


def bell_mccaffrey(model) -> np.ndarray:
    """Errors of the first regressor's impacts with residuals (I - H_ii)^(-1/2) e_i, written out unit by unit."""
    e = model.residuals.copy()
    D = model.moments.filtered(model.lam)[:, :, model.moments.n_lead :].reshape(N * T, -1)
    if model.place("rho") is not None:
        D = np.column_stack([D, model.lagged_fitted.reshape(-1)])
    H = D @ np.linalg.pinv(D)
    inner = np.eye(T) - 1 / T if model.projection.has_units else np.eye(T)
    for i in range(N):
        rows = slice(i * T, (i + 1) * T)
        own = np.eye(T) - H[rows, rows] - (inner / N if model.projection.has_time else 0.0)
        values, vectors = np.linalg.eigh(own)
        e[i] = vectors @ ((vectors.T @ e[i]) / np.sqrt(values))
    model.__dict__["residuals"] = e
    bread = inverse_scaled(observed_information(model))
    names, _, jacobian = average_impacts(model)
    return delta_errors(jacobian[names.index(NAMES[0])], bread @ unit_meat(model, over_time=True) @ bread)


@pytest.mark.parametrize("kind", ["symmetric", "ahead", "defective"])
@pytest.mark.parametrize("effects", ["twoways", "units", "time", "pooled"])
@pytest.mark.parametrize("model", BATCHED)
def test_every_number_is_that_of_the_ordinary_engine(data, model, effects, kind):
    y, X = data
    W = weights(kind)
    subsets = np.array([[0, 1, 4], [0, 2, 6], [0, 3, 5]])
    fits = Specifications.of(y, X, NAMES, W, effects).fit(model, subsets)
    assert not fits.refused.any()
    marginals = log_marginals(fits)
    for i, subset in enumerate(subsets):
        single = ordinary(y, X, subset, model, effects, W)
        expected = single.fit()
        clustered = expected.with_covariance("clustered", small_sample="clusters")
        for covariance, result in (("expected", expected), ("CR1", clustered)):
            table = result.impacts().loc[NAMES[0]].loc[list(IMPACTS)]
            values, errors = fits.impacts(covariance)
            np.testing.assert_allclose(values[i], table["estimate"], rtol=TOLERANCE, atol=1e-12)
            np.testing.assert_allclose(errors[i], table["std_error"], rtol=TOLERANCE, atol=1e-12)
        assert fits.loglik[i] == pytest.approx(result.loglik, rel=TOLERANCE)
        assert marginals[i] == pytest.approx(log_marginal(single).value, abs=1e-7)


@pytest.mark.parametrize("effects", ["twoways", "units"])
@pytest.mark.parametrize("model", BATCHED)
def test_the_small_sample_correction_is_that_of_bell_and_mccaffrey(data, model, effects):
    y, X = data
    W, subsets = weights("symmetric"), np.array([[0, 1, 4], [0, 2, 6]])
    _, errors = Specifications.of(y, X, NAMES, W, effects).fit(model, subsets).impacts("CR2")
    for i, subset in enumerate(subsets):
        expected = bell_mccaffrey(ordinary(y, X, subset, model, effects, W).fit().model)
        np.testing.assert_allclose(errors[i], expected, rtol=1e-8, atol=1e-12)


def test_least_squares_with_dummies_too(data):
    y, X = data
    W = weights("symmetric")
    fits = Specifications.of(y, X, NAMES, W, "twoways", "lsdv").fit("sdm", [[0, 1]])
    result = ordinary(y, X, [0, 1], "sdm", "twoways", W, "lsdv").fit("clustered", small_sample="clusters")
    np.testing.assert_allclose(fits.impacts("CR1")[1][0], result.impacts().loc["x0", "std_error"], rtol=TOLERANCE)


@pytest.mark.parametrize("model", BATCHED)
def test_columns_of_draws_are_as_if_given_from_the_start(data, model):
    y, X = data
    W, draws = weights("symmetric"), np.random.default_rng(3).standard_normal((3, 2, N, T))
    shared, subsets = Specifications.of(y, X, NAMES, W), np.array([[0, 2, 4], [1, 3, 5]])
    draw = np.repeat(np.arange(3), 2)
    fits = shared.with_columns([0, 1], draws).fit(model, np.tile(subsets, (3, 1)), draw)
    for k in range(3):
        own = X.copy()
        own[:, :, :2] = np.moveaxis(draws[k], 0, 2)
        alone = Specifications.of(y, own, NAMES, W).fit(model, subsets)
        for covariance in COVARIANCES:
            for ours, theirs in zip(fits.impacts(covariance), alone.impacts(covariance), strict=True):
                np.testing.assert_allclose(ours[draw == k], theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("effects", ["twoways", "pooled"])
@pytest.mark.parametrize("model", BATCHED)
def test_one_specification_alone_is_as_among_others(data, model, effects):
    """Controls partialled out once: the treatment, or the outcome (here x6), may differ from draw to draw."""
    y, X = data
    rng, W = np.random.default_rng(3), weights("ahead")
    shared, subset, draw = Specifications.of(y, X, NAMES, W, effects), [1, 2, 4], np.arange(3)
    size = 1 if not MODELS[model][2] else 3
    moved = shared.with_columns([1], rng.standard_normal((3, 1, N, T)))
    alone = moved.alone(model, subset).fit(model, np.tile(range(size), (3, 1)), draw)
    among = moved.fit(model, np.tile(subset, (3, 1)), draw)
    raw = rng.standard_normal((3, N, T))
    projected = np.stack([shared.projection.apply_to_draws(v.copy()) for v in (raw, W.sparse.toarray() @ raw)])
    other = shared.alone(model, subset, 6).with_outcomes(projected.reshape(2, 3, -1))
    pairs = [(alone, among), (other.fit(model, np.tile(range(size), (3, 1)), draw), shared.with_columns(
        [], raw[:, None], outcome=True).fit(model, np.tile(subset, (3, 1)), draw))]  # fmt: skip
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.spatial, theirs.spatial, rtol=1e-9, atol=1e-11)
        for covariance in COVARIANCES:
            expected = theirs.impacts(covariance)
            for found, value in zip(ours.impacts(covariance), expected, strict=True):
                np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-12)
            for found, value in zip(ours.impacts(covariance, ["total"]), expected, strict=True):
                np.testing.assert_allclose(found[:, 0], value[:, 2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", BATCHED)
def test_one_specification_alone_is_refused_for_the_same_reasons(data, model):
    y, X = data
    X = X.copy()
    X[:, :, 1] = X[:, :1, 1]  # constant over time
    X[:, :, 2] = X[:, :, 0] - 2 * X[:, :, 3]
    shared = Specifications.of(y, X, NAMES, weights("symmetric"))
    for subset, code in (([0, 1, 4], "absorbed"), ([1, 0, 4], "absorbed"), ([0, 2, 3], "collinear"),
                         ([4, 0, 2, 3], "collinear"), ([0, 4, 5], "")):  # fmt: skip
        size = len(subset) if MODELS[model][2] else 1
        assert REFUSALS[shared.alone(model, subset).fit(model, [range(size)]).refused[0]] == code
    with pytest.raises(RongheError, match="a specification alone has no log-marginal"):
        log_marginals(shared.alone("sdm", [0, 4, 5]).fit("sdm", [[0]]))


def test_what_cannot_be_estimated_says_why_and_leaves_the_others_alone(data):
    y, X = data
    X = X.copy()
    X[:, :, 1] = X[:, :1, 1]  # constant over time
    X[:, :, 2] = X[:, :, 0] - 2 * X[:, :, 3]
    shared = Specifications.of(y, X, NAMES, weights("symmetric"))
    subsets = np.array([[0, 1, 4], [0, 2, 3], [0, 4, 5]])
    for model in BATCHED:
        fits = shared.fit(model, subsets)
        assert [REFUSALS[code] for code in fits.refused] == ["absorbed", "collinear", ""]
        values, errors = fits.impacts("CR2")
        assert np.isnan(values[:2]).all() and np.isnan(errors[:2]).all()
        np.testing.assert_allclose(values[2], shared.fit(model, subsets[2:]).impacts("CR2")[0][0], rtol=1e-12)


def test_an_outcome_without_remainder_is_refused_and_not_divided_by(data):
    y, X = data
    shared = Specifications.of(2 * X[:, :, 0] + X[:, :, 3], X, NAMES, weights("symmetric"))
    constant = np.stack([y, np.full_like(y, 3.0)])[:, None]
    drawn = shared.with_columns([], constant, outcome=True)
    with np.errstate(all="raise", under="ignore"):
        for model in BATCHED:
            fits = shared.fit(model, [[0, 3, 5], [0, 1, 5]])
            fits.impacts("CR1")
            assert [REFUSALS[code] for code in fits.refused] == ["explained", ""]
            fits = drawn.fit(model, [[0, 1, 5], [0, 1, 5]], np.array([0, 1]))
            assert [REFUSALS[code] for code in fits.refused] == ["", "explained"]


@pytest.mark.parametrize("model", ["sem", "sdem", "sdm"])
def test_what_the_regressors_explain_moves_no_spatial_parameter_or_is_refused(data, model):
    """Adding c x to the outcome changes coefficients only; where too few digits are left, the fit says so."""
    y, X = data
    W, subset, codes = weights("symmetric"), list(range(K)), []
    many = len(subset) if model != "sdm" else 1
    draws = np.random.default_rng(2).standard_normal((60, 1, N, T))
    repeated = np.tile(range(many), (len(draws), 1))

    def fitted(outcome):
        shared = Specifications.of(outcome, X, NAMES, W)
        moved = shared.with_columns([0], draws).alone(model, subset)
        return shared.fit(model, [subset]), moved.fit(model, repeated, np.arange(len(draws)))

    plain = fitted(y)
    for size in (1e2, 1e4, 1e5, 1e6, 1e7, 3e7, 1e8, 1e9):
        for found, right in zip(fitted(y + size * X[:, :, 1]), plain, strict=True):
            fine = found.refused == 0
            np.testing.assert_allclose(found.spatial[fine], right.spatial[fine], rtol=0, atol=1e-5)
            assert {REFUSALS[code] for code in found.refused} <= {"", "explained"}
            assert np.isnan(found.impacts()[0][~fine]).all()
            codes.append((size, bool(fine.all())))
    assert all(fine for size, fine in codes if size <= 1e4)
    # Controls of a lag model are partialled out of the values themselves, which keeps their digits.
    assert not any(fine for size, fine in codes[:: 1 if model != "sdm" else 2] if size >= 1e7)


def test_an_outcome_that_one_rho_explains_is_refused(data):
    y, X = data
    W = weights("symmetric")
    whole = np.linalg.solve(np.eye(N) - 0.4 * W.sparse.toarray(), X[:, :, 0] - 2 * X[:, :, 1] + 1e-8 * y)
    fits = Specifications.of(whole, X, NAMES, W).fit("sar", [[0, 1, 2], [0, 2, 3]])
    assert [REFUSALS[code] for code in fits.refused] == ["explained", ""]


def test_too_few_rows_are_refused_by_count(data):
    y, X = data
    few = Specifications.of(y[:, :2][:6], np.random.default_rng(1).standard_normal((6, 2, K)), NAMES, None)
    assert REFUSALS[few.fit("ols", [[0, 1, 2, 3, 4, 5, 6]]).refused[0]] == "too_few_rows"


def test_refusals_name_the_remedy(data):
    y, X = data
    loose = Weights(tuple(range(N)), weights("symmetric").sparse * 2.0, "loose")
    with pytest.raises(RongheError, match="rows of 'loose' do not all sum to one.*standardised by row"):
        Specifications.of(y, X, NAMES, loose)
    with pytest.raises(RongheError, match="model 'sar' needs weights"):
        Specifications.of(y, X, NAMES, None).fit("sar", [[0]])
    with pytest.raises(RongheError, match="unknown model 'gns'"):
        Specifications.of(y, X, NAMES, None).fit("gns", [[0]])
