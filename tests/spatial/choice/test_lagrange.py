"""LM tests, Moran of residuals and CD: against published programs, explicit dummies, dense algebra and simulation."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from panel_builders import grid
from ronghe.errors import RongheError
from ronghe.spatial.choice.lagrange import EFFECTS, fit_within, lm_table, lm_tests, pesaran_cd, residual_moran
from ronghe.weights import Weights
from scipy import sparse

# The statistics in 50-digit arithmetic on the states panel: LM lag, LM error, robust lag, robust error.
EXACT = {
    "pooled": [0.1166611567252716, 135.89110395090115, 3.0181547700258756, 138.79259756420175],
    "units": [163.69536746192303, 223.8684051358214, 34.749497901272331, 94.922535575170697],
    "twoways": [69.258602850828245, 98.724617063492884, 9.7371149787461334, 39.203129191410773],
}
NAMES = {"pooled": "pooling", "units": "individual", "time": "time", "twoways": "twoways"}
FIELDS = {"lm_lag": "LMlag", "lm_error": "LMerr", "robust_lm_lag": "RLMlag", "robust_lm_error": "RLMerr"}


def lattice(rows, columns):
    """Rook neighbours on a grid, rows standardised."""
    path = [sparse.diags_array([np.ones(k - 1), np.ones(k - 1)], offsets=[-1, 1]) for k in (rows, columns)]
    W = sparse.kron(path[0], sparse.eye_array(columns)) + sparse.kron(sparse.eye_array(rows), path[1])
    return Weights(tuple(f"u{i:03d}" for i in range(rows * columns)), sparse.csr_array(W)).standardise("row")


def simulate(W, n_periods, seed, rho=0.0, lam=0.0):
    """A panel with unit and time effects and spatial dependence of known strength."""
    rng = np.random.default_rng(seed)
    n = W.n
    x = rng.normal(size=(n, n_periods, 2)) + rng.normal(size=(n, 1, 1)) + rng.normal(size=(1, n_periods, 1))
    identity = np.eye(n)
    errors = np.linalg.solve(identity - lam * W.sparse.toarray(), rng.normal(size=(n, n_periods)))
    level = x @ [1.0, -0.5] + 3 * rng.normal(size=(n, 1)) + rng.normal(size=(1, n_periods)) + errors
    y = np.linalg.solve(identity - rho * W.sparse.toarray(), level)
    index = grid(W.labels, range(2000, 2000 + n_periods), ("region", "year"))
    return pd.Series(y.ravel(), index, name="y"), pd.DataFrame(x.reshape(-1, 2), index, columns=["x1", "x2"])


@pytest.fixture(scope="module")
def panel():
    W = lattice(5, 5)
    return *simulate(W, 6, seed=11, rho=0.3), W


@pytest.fixture(scope="module")
def states(recorded):
    """Munnell's panel of 48 states with the weights' names; the data set cuts long names to eleven letters."""
    from linearmodels.datasets import munnell

    W = Weights.read(recorded / "usaww.csv")
    table = munnell.load()
    full = {name[:11]: name for name in W.labels}
    table["state"] = [full[name] for name in table["STATE"]]
    table = table.set_index(["state", "YR"])
    X = pd.DataFrame({c: np.log(table[c]) for c in ("P_CAP", "PC", "EMP")}).assign(UNEMP=table["UNEMP"])
    return np.log(table["GSP"]), X, W


def dummies(effects, n, t):
    units, years = np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))
    return {"pooled": np.ones((n * t, 1)), "units": units, "time": years, "twoways": np.hstack([units, years])}[effects]


def projection_off(Z):
    return np.eye(len(Z)) - Z @ np.linalg.pinv(Z)


@pytest.mark.parametrize("effects", EFFECTS)
def test_equal_to_dense_algebra_with_explicit_dummies(panel, effects):
    y, X, W = panel
    n, t = W.n, 6
    V = np.kron(W.sparse.toarray(), np.eye(t))
    M = projection_off(np.hstack([dummies(effects, n, t), X.to_numpy()]))
    e = M @ y.to_numpy()
    s2, fitted = e @ e / (n * t), y.to_numpy() - e
    trace = np.trace(V @ V + V.T @ V)
    J = (V @ fitted) @ M @ (V @ fitted) / s2 + trace
    d_lag, d_error = e @ V @ y.to_numpy() / s2, e @ V @ e / s2
    expected = [
        d_lag**2 / J,
        d_error**2 / trace,
        (d_lag - d_error) ** 2 / (J - trace),
        (d_error - trace / J * d_lag) ** 2 / (trace * (1 - trace / J)),
    ]
    found = lm_tests(y, X, W, effects)
    np.testing.assert_allclose(found["statistic"][:4], expected, rtol=1e-10)
    joint = found.set_index("test")["statistic"]
    # The joint test splits both ways (Anselin et al. 1996, eq. 13).
    assert joint["lm_sarma"] == pytest.approx(joint["lm_lag"] + joint["robust_lm_error"], rel=1e-10)


@pytest.mark.parametrize("effects", EFFECTS)
def test_moments_of_residual_moran_equal_dense_ones(panel, effects):
    y, X, W = panel
    V = np.kron(W.sparse.toarray(), np.eye(6))
    M = projection_off(np.hstack([dummies(effects, W.n, 6), X.to_numpy()]))
    MV, k = M @ V, round(np.trace(M))
    mean = np.trace(MV) / k
    variance = (np.trace(MV @ MV) + np.trace(MV @ M @ V.T) + np.trace(MV) ** 2) / (k * (k + 2)) - mean**2
    e = M @ y.to_numpy()
    found = residual_moran(y, X, W, effects).iloc[0]
    assert found["statistic"] == pytest.approx(e @ V @ e / (e @ e), rel=1e-11)
    assert found["expected"] == pytest.approx(mean, rel=1e-10)
    assert found["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-10)


@pytest.mark.parametrize("effects", ["units", "time", "twoways"])
def test_lee_yu_is_the_score_test_of_the_transformed_likelihood(panel, effects):
    y, X, W = panel
    n, t = W.n, 6
    # Orthonormal bases of the complement of the ones: the transformation of Lee and Yu (2010).
    complement = {k: np.linalg.svd(np.eye(k) - 1 / k)[0][:, : k - 1] for k in (n, t)}
    F_n = complement[n] if effects in ("time", "twoways") else np.eye(n)
    F_t = complement[t] if effects in ("units", "twoways") else np.eye(t)
    V = np.kron(F_n.T @ W.sparse.toarray() @ F_n, np.eye(F_t.shape[1]))
    transform = np.kron(F_n.T, F_t.T)
    y_star, X_star = transform @ y.to_numpy(), transform @ X.to_numpy()
    nobs, identity = len(y_star), np.eye(len(y_star))
    beta = np.linalg.lstsq(X_star, y_star, rcond=None)[0]
    e = y_star - X_star @ beta
    s2 = e @ e / nobs

    def loglik(rho, lam):
        S, R = identity - rho * V, identity - lam * V
        u = R @ (S @ y_star - X_star @ beta)
        return np.linalg.slogdet(S)[1] + np.linalg.slogdet(R)[1] - u @ u / (2 * s2)

    h = 1e-5
    score = np.array([loglik(h, 0) - loglik(-h, 0), loglik(0, h) - loglik(0, -h)]) / (2 * h)
    # Information on (rho, lambda) given beta and sigma2.
    trace = np.trace(V @ V + V.T @ V) - 2 * np.trace(V) ** 2 / nobs
    lagged = V @ X_star @ beta
    D = lagged @ projection_off(X_star) @ lagged / s2
    joint = np.array([[D + trace, trace], [trace, trace]])
    found = lm_tests(y, X, W, effects, method="lee_yu").set_index("test")["statistic"]
    assert found["lm_lag"] == pytest.approx(score[0] ** 2 / joint[0, 0], rel=1e-6)
    assert found["lm_error"] == pytest.approx(score[1] ** 2 / trace, rel=1e-6)
    assert found["lm_sarma"] == pytest.approx(score @ np.linalg.solve(joint, score), rel=1e-6)
    assert found["robust_lm_lag"] == pytest.approx((score[0] - score[1]) ** 2 / D, rel=1e-6)


def test_scores_of_lee_yu_are_centred_where_those_of_lsdv_are_not():
    W = lattice(3, 4)
    panels = [simulate(W, 4, seed) for seed in range(400)]
    draws = [fit_within(*panel, W, "twoways").residuals for panel in panels]
    nobs = (W.n - 1) * 3
    scores = np.array([np.sum(e * (W.sparse @ e)) / (np.sum(e * e) / nobs) for e in draws])
    # tr(V) of the transformed W is -1 in each of three transformed periods; two regressors add their own small part.
    assert scores.mean() == pytest.approx(-3, abs=0.4 + 4 * scores.std() / 20)
    assert scores.mean() < -4 * scores.std() / 20
    rates = pd.DataFrame(
        {
            method: [
                lm_tests(*panel, W, "twoways", method).set_index("test").loc["lm_error", "pvalue"] < 0.05
                for panel in panels
            ]
            for method in ("lsdv", "lee_yu")
        }
    ).mean()
    assert abs(rates["lee_yu"] - 0.05) < 0.035 < rates["lsdv"] - 0.05


def test_order_of_rows_and_of_weights_changes_nothing(panel):
    y, X, W = panel
    rng = np.random.default_rng(5)
    other = W.align([W.labels[i] for i in rng.permutation(W.n)])
    y2, X2 = y.sample(frac=1, random_state=1), X.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(lm_table(y2, X2, other), lm_table(y, X, W), rtol=1e-10)
    pd.testing.assert_frame_equal(residual_moran(y2, X2, other), residual_moran(y, X, W), rtol=1e-10)
    pd.testing.assert_frame_equal(pesaran_cd(y2, other), pesaran_cd(y, W), rtol=1e-10)
    scaled = lm_table(1000 * y, X, W)
    pd.testing.assert_frame_equal(scaled, lm_table(y, X, W), rtol=1e-9)


def test_size_and_power_by_simulation():
    W = lattice(6, 6)
    draws = [lm_tests(*simulate(W, 4, seed), W, "twoways", "lee_yu").set_index("test")["pvalue"] for seed in range(300)]
    rejected = (pd.DataFrame(draws) < 0.05).mean()
    # Binomial error of a 5 % rate in 300 draws is 1.3 points; three of them each way.
    assert rejected.between(0.012, 0.088).all(), rejected
    W = lattice(10, 10)
    by_lag = lm_tests(*simulate(W, 8, 1, rho=0.4), W, "twoways").set_index("test")["pvalue"]
    by_error = lm_tests(*simulate(W, 8, 1, lam=0.4), W, "twoways").set_index("test")["pvalue"]
    assert by_lag["robust_lm_lag"] < 1e-3 < 0.01 < by_lag["robust_lm_error"]
    assert by_error["robust_lm_error"] < 1e-3 < 0.01 < by_error["robust_lm_lag"]


def test_residual_moran_is_centred_under_independence():
    W = lattice(6, 6)
    z = [residual_moran(*simulate(W, 4, seed), W, "twoways")["z"].iloc[0] for seed in range(300)]
    assert abs(np.mean(z)) < 3 / np.sqrt(300)
    assert np.std(z) == pytest.approx(1, abs=3 / np.sqrt(600))


def test_cd_by_hand_and_by_correlations(panel):
    index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2, 3]], names=["region", "year"])
    # Correlations: a-b 1, a-c -1, b-c -1; CD = sqrt(2 * 3 / 6) * (-1).
    e = pd.Series([1, 2, 3, 2, 4, 6, 3, 2, 1.0], index=index)
    assert pesaran_cd(e)["statistic"].iloc[0] == pytest.approx(-1.0, abs=1e-14)
    y, _, W = panel
    R = np.corrcoef(y.unstack().to_numpy())
    upper = np.triu_indices(W.n, 1)
    near = W.sparse.toarray()[upper] > 0
    found = pesaran_cd(y, W)["statistic"].to_numpy()
    expected = [np.sqrt(2 * 6 / (W.n * (W.n - 1))) * R[upper].sum(), np.sqrt(6 / near.sum()) * R[upper][near].sum()]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y, X: (y.drop("u003"), X.drop("u003")), "not in the data: u003"),
        (
            lambda y, X: (y.rename({"u003": "elsewhere"}), X.rename({"u003": "elsewhere"})),
            "not in the weights: elsewhere",
        ),
        (lambda y, X: (y.drop(("u003", 2001)), X.drop(("u003", 2001))), r"not balanced; no row for \(u003, 2001\)"),
        (lambda y, X: (y.where(y.index != ("u003", 2001)), X), r"missing or infinite for \(u003, 2001\)"),
        (lambda y, X: (y, X.assign(size=1.0)), "no variation beyond twoways effects: size"),
        (lambda y, X: (y, X.assign(trend=X.index.get_level_values(1))), "no variation .*: trend"),
        (lambda y, X: (y, X.assign(copy=X["x1"] - X["x2"])), "repeat the other regressors"),
        (lambda y, X: (pd.concat([y, y.iloc[:1]]), X), "stand twice: .'u000', 2000."),
        (lambda y, X: (y, X[X.index.get_level_values(1) < 2005]), "y and X hold different rows"),
    ],
)
def test_bad_data_are_refused(panel, change, message):
    y, X, W = panel
    with pytest.raises(RongheError, match=message):
        lm_tests(*change(y, X), W, "twoways")


def test_bad_options_are_refused(panel):
    y, X, W = panel
    with pytest.raises(RongheError, match="did you mean 'twoways'"):
        lm_tests(y, X, W, "twoway")
    with pytest.raises(RongheError, match="needs rows that sum to one"):
        lm_tests(y, X, Weights(W.labels, W.sparse / 2), "time", "lee_yu")
    with pytest.raises(RongheError, match="no variation over time in u000"):
        pesaran_cd(y.where(y.index.get_level_values(0) != "u000", 1.0))


@pytest.mark.parametrize("effects", EFFECTS)
def test_states_against_explicit_dummies(states, recorded, effects):
    stored = json.loads((recorded / "dynamic.json").read_text())["entries"][f"lsdv_lm_{NAMES[effects]}"]
    found = lm_tests(*states, effects).set_index("test")["statistic"]
    for test, field in FIELDS.items():
        # Its LM lag inverts cross products of 70 dummies and is good to six digits; see the 50-digit test.
        assert found[test] == pytest.approx(stored[field]["statistic"], rel=2e-6)


@pytest.mark.parametrize("effects", list(EXACT))
def test_states_against_fifty_digits(states, effects):
    np.testing.assert_allclose(lm_tests(*states, effects)["statistic"][:4], EXACT[effects], rtol=1e-12)


def test_states_against_splm_where_its_projection_is_right(states, recorded):
    stored = json.loads((recorded / "tests.json").read_text())["entries"]
    short = {"lm_lag": "lml", "lm_error": "lme", "robust_lm_lag": "rlml", "robust_lm_error": "rlme"}
    for effects in EFFECTS:
        found = lm_tests(*states, effects).set_index("test")["statistic"]
        name = NAMES[effects] if effects == "pooled" else f"within_{NAMES[effects]}"
        for test, field in short.items():
            value = stored[f"slmtest_{name}_{field}"]["statistic"]["data"][0][0]
            if effects in ("pooled", "units") or test == "lm_error":
                assert found[test] == pytest.approx(value, rel=1e-9)
            else:
                # It lags demeaned fitted values without demeaning the lag, which differs with time effects.
                assert found[test] != pytest.approx(value, rel=1e-5)


def test_states_of_1986_against_the_cross_section(states, recorded):
    y, X, W = states
    last = y.index.get_level_values(1) == 1986
    stored = json.loads((recorded / "spatial_dependence.json").read_text())["entries"]
    found = lm_tests(y[last], X[last], W, "pooled").set_index("test")["statistic"]
    for test, field in (FIELDS | {"lm_sarma": "SARMA"}).items():
        assert found[test] == pytest.approx(stored["lm1986_lm.LMtests"][field]["statistic"][field], rel=1e-9)
    moran, estimate = residual_moran(y[last], X[last], W, "pooled").iloc[0], stored["lm1986_lm.morantest"]["estimate"]
    assert moran["statistic"] == pytest.approx(estimate["Observed Moran I"], rel=1e-10)
    assert moran["expected"] == pytest.approx(estimate["Expectation"], rel=1e-10)
    assert moran["std_error"] ** 2 == pytest.approx(estimate["Variance"], rel=1e-10)


def test_residuals_are_those_of_dummies(panel):
    y, X, W = panel
    M = projection_off(np.hstack([dummies("twoways", W.n, 6), X.to_numpy()]))
    np.testing.assert_allclose(fit_within(y, X, W, "twoways").residuals.ravel(), M @ y.to_numpy(), atol=1e-12)
