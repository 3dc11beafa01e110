"""Shortcuts for many fits of one specification: every number is that of the direct way."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.spatial.batch.bordered_profile import BorderedProfile
from ronghe.spatial.batch.error_profile import ErrorProfile
from ronghe.spatial.batch.newton import climb
from ronghe.spatial.batch.rational import RationalInverse
from ronghe.spatial.batch.specifications import Specifications
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.weights.matrix import Weights
from scipy import sparse

N, T, K = 24, 6, 7
NAMES = tuple(f"x{k}" for k in range(K))


def ring(kind: str) -> np.ndarray:
    """Rows that sum to one: neighbours ahead only (complex eigenvalues), or hardly any way back (no eigenvectors)."""
    W = np.zeros((N, N))
    for i in range(N):
        W[i, [(i + step) % N for step in (1, 2, 5)]] = np.random.default_rng(i).uniform(0.5, 1.5, 3)
    if kind == "defective":
        W = np.triu(W) + np.diag(np.r_[np.zeros(N - 2), 1.0], -1)
    return W / W.sum(axis=1, keepdims=True)


def test_inverses_between_nodes_are_the_inverses():
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((2, 60, 8)) * np.array([1.0, 0.4])[:, None, None]
    A = np.stack([first.T @ first, -first.T @ second - second.T @ first, second.T @ second])

    def values(a: np.ndarray) -> np.ndarray:
        return A[0] + a[:, None, None] * (A[1] + a[:, None, None] * A[2])

    inverse = RationalInverse(values, 16, (-1.5, 1.0))
    a = np.concatenate([np.linspace(-1.5, 1.0, 101), inverse.nodes[[0, 7]]])
    shares, poor = inverse.shares(a)
    assert poor.mean() < 0.1
    a, found = a[~poor], np.tensordot(shares, inverse.inverses, 1)[~poor]
    np.testing.assert_allclose(found, np.linalg.inv(values(a)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["ahead", "defective"])
@pytest.mark.parametrize("centred", [True, False])
def test_many_multipliers_at_once_are_those_of_inverses(kind, centred):
    """Near the ends of the interval, where shares cancel, as elsewhere."""
    W = ring(kind)
    spectrum = Spectrum(W, centred)
    assert spectrum.is_diagonal == (kind == "ahead")
    real = spectrum.values.real[np.abs(spectrum.values.imag) < 1e-9]
    low = 1 / real.min() if real.min() < 0 else -1.0
    a = np.concatenate([np.linspace(0.98 * low, 0.98, 60), [0.9999]])
    G = W @ np.linalg.inv(np.eye(N) - a[:, None, None] * W)
    size = np.abs(G).max(axis=(1, 2))
    J = np.eye(N) - centred / N
    forms = J @ G @ J + (J @ G @ J).transpose(0, 2, 1)
    values = np.random.default_rng(2).standard_normal((len(a), N, T))
    diagonal, above = spectrum.halved_forms(a)
    pairs = [
        (spectrum.multipliers(a), G),
        (spectrum.apply(a, values), G @ values),
        (diagonal, np.einsum("bii->bi", forms)),
        (above, forms.reshape(len(a), -1)[:, spectrum.pairs]),
    ]
    for found, expected in pairs:
        gap = np.abs(found - expected).reshape(len(a), -1).max(axis=1)
        assert (gap / size).max() < 1e-10


def test_weights_without_a_way_back_have_multipliers_too():
    """All eigenvalues are zero: I - a W is never singular."""
    W = np.triu(ring("ahead"), 1)
    a = np.linspace(-0.9, 0.9, 60)
    found = Spectrum(W, centred=False).multipliers(a)
    np.testing.assert_allclose(found, W @ np.linalg.inv(np.eye(N) - a[:, None, None] * W), rtol=0, atol=1e-12)


@pytest.mark.parametrize("drawn", [[0, 6, 13, 14], [14], [14, 0]])
@pytest.mark.parametrize("count", [5, 60])
def test_what_fits_share_is_inverted_once(drawn, count):
    """By blocks, from nodes (60 fits) or one by one (5): inverse, coefficients, sum of squares, derivatives, top."""
    rng, n = np.random.default_rng(3), 15
    own = sorted(set(drawn) - {n - 1})
    D, L = rng.standard_normal((2, 100, n))
    D[:, -1] += D[:, :5].sum(axis=1)
    D, L = (np.broadcast_to(m, (count, 100, n)).copy() for m in (D, L))
    D[:, :, drawn] += 0.5 * rng.standard_normal((count, 100, len(drawn)))
    left, right = D.transpose(0, 2, 1), L.transpose(0, 2, 1)
    mixed = left @ L
    whole = np.stack([left @ D, -(mixed + mixed.transpose(0, 2, 1)), right @ L], axis=1)
    jacobian = Specifications.of(*panel(), NAMES, weights("ahead")).jacobian
    places = tuple(k for k in range(n - 1) if k not in own)
    mine = [*own, n - 1]
    powers = whole.transpose(1, 0, 2, 3)
    blocks = powers[:, 0][:, places][:, :, places], powers[:, :, mine][..., places], powers[:, :, mine][..., mine]
    ours = BorderedProfile.of(jacobian, 100, blocks, places)
    theirs = ErrorProfile(jacobian, 100, whole)
    assert (ours.nodes is None) == (count == 5)
    lam = rng.uniform(-0.8, 0.9, count)
    for found, expected in zip(ours.solve(lam), theirs.solve(lam), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)
    for found, expected in zip(ours.bends(lam), theirs.bends(lam), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(ours.ssr(lam[:, None] * [0.5, 1]), theirs.ssr(lam[:, None] * [0.5, 1]), rtol=1e-11)
    np.testing.assert_allclose(ours.maximise(), theirs.maximise(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.outcome, theirs.outcome)


@pytest.mark.parametrize("kind", ["ahead", "defective"])
@pytest.mark.parametrize("model", ["sar", "sdm", "sem", "sdem"])
def test_many_draws_of_one_specification_are_as_one_by_one(kind, model):
    """Enough draws for nodes; the treatment drawn anew, one of them all but a control, which is still told apart."""
    rng, (y, X), count = np.random.default_rng(5), panel(), 40
    treatment = rng.standard_normal((count, 1, N, T))
    treatment[7, 0] = X[:, :, 2] + 1e-3 * treatment[7, 0]
    moved = Specifications.of(y, X, NAMES, weights(kind)).with_columns([1], treatment)
    regressors, error = [1, 2, 4], model in ("sem", "sdem")
    columns = np.tile(range(3 if error else 1), (count, 1))
    together = moved.alone(model, regressors).fit(model, columns, np.arange(count)).impacts()
    for k in range(count):
        own = X.copy()
        own[:, :, 1] = treatment[k, 0]
        single = Specifications.of(y, own, NAMES, weights(kind)).fit(model, np.array([regressors])).impacts()
        for found, expected in zip(together, single, strict=True):
            np.testing.assert_allclose(found[k], expected[0], rtol=1e-7, atol=1e-9)


def test_a_likelihood_that_rises_to_the_end_needs_no_bisection():
    calls = []

    def derivatives(active, a):
        calls.append(len(active))
        return np.where(active == 0, 2.0 - a, -a), -np.ones(len(a))

    np.testing.assert_allclose(climb(np.array([0.89, 0.3]), (-0.5, 0.9), derivatives), [0.9, 0.0], atol=1e-12)
    assert len(calls) <= 4


def panel() -> tuple[np.ndarray, np.ndarray]:
    """Made-up outcome and regressors."""
    rng = np.random.default_rng(11)
    X = rng.standard_normal((N, T, K)) + rng.standard_normal((N, 1, K))
    mean = X @ np.linspace(0.5, -0.3, K) + rng.standard_normal((N, T))
    return np.linalg.solve(np.eye(N) - 0.4 * ring("ahead"), mean), X


def weights(kind: str) -> Weights:
    """Return the ring as labelled weights."""
    return Weights(tuple(range(N)), sparse.csr_array(ring(kind)), kind).standardise("row")
