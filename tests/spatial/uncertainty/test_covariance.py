"""Tests of the covariances: against plm, against theory, and against the spread of simulated scores."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import SpatialPanel
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.uncertainty.information import expected_information, observed_information
from ronghe.spatial.uncertainty.scores import cell_scores, unit_meat
from ronghe.weights.matrix import Weights

EFFECTS = {"individual": "units", "time": "time", "twoways": "twoways"}
# plm's name of a covariance, and ours.
PLM = {
    "vcovHC_arellano_HC0_group": ("clustered", {"cluster": "units"}),
    "vcovHC_arellano_HC0_time": ("clustered", {"cluster": "time"}),
    "vcovHC_arellano_sss_group": ("clustered", {"cluster": "units", "small_sample": "clusters"}),
    "vcovHC_arellano_sss_time": ("clustered", {"cluster": "time", "small_sample": "clusters"}),
    "vcovHC_arellano_HC1_group": ("clustered", {"cluster": "units", "small_sample": "parameters"}),
    "vcovHC_white1_HC0": ("robust", {}),
    "vcovHC_white1_HC1": ("robust", {"small_sample": "parameters"}),
    "vcovDC_HC0": ("clustered", {"cluster": ["units", "time"]}),
    "vcovSCC_maxlag1_HC0": ("driscoll_kraay", {"bandwidth": 1}),
    "vcovSCC_maxlag3_HC0": ("driscoll_kraay", {"bandwidth": 3}),
    "vcovSCC_maxlag5_HC1": ("driscoll_kraay", {"bandwidth": 5, "small_sample": "parameters"}),
}


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("name", PLM)
def test_linear_model_agrees_with_plm(munnell, recorded, effects, name):
    expected = json.loads((recorded / "fixed_effects.json").read_text())["entries"]
    kind, settings = PLM[name]
    y, X, _ = munnell
    result = SpatialPanel(y, X, model="ols", effects=EFFECTS[effects], method="lsdv").fit(kind, **settings)
    coefficients = list(expected[f"within_{effects}"]["coefficients"].values())
    np.testing.assert_allclose(result.params[:4], coefficients, rtol=1e-8)
    table = np.array(expected[f"within_{effects}_{name}"]["vcov"]["data"], dtype=float)
    np.testing.assert_allclose(result.cov.iloc[:4, :4], table, rtol=1e-8, atol=1e-14)


def simulated(model, effects, error, n=30, t=5, seed=0):
    """Return a drawing of (model at the true parameters), with disturbances of unit variance."""
    rng = np.random.default_rng(seed)
    rho, lam = (0.4 if model in ("sar", "sarar") else 0.0), (0.3 if model in ("sem", "sarar") else 0.0)
    W, M = (ring(n, reach) for reach in (2, 3))
    index = pd.MultiIndex.from_product([range(n), range(t)], names=["unit", "period"])
    X = pd.DataFrame(rng.standard_normal((n * t, 2)), index=index, columns=["a", "b"])
    S, R = np.eye(n) - rho * W.sparse.toarray(), np.eye(n) - lam * M.sparse.toarray()
    mean = X.to_numpy() @ [1.0, -0.5]

    def draw():
        e = error(rng, n, t)
        y = np.linalg.solve(S, mean.reshape(n, t) + np.linalg.solve(R, e) + rng.standard_normal((n, 1)))
        panel = SpatialPanel(
            pd.Series(y.ravel(), index=index, name="y"),
            X,
            W,
            model=model,
            effects=effects,
            error_weights=M if lam else None,
        )
        parts = (panel.specification, panel.panel, panel.projection, panel.likelihood)
        return FittedModel(*parts, np.array([1.0, -0.5]), rho, lam, 1.0, panel.weights)

    return draw


def ring(n, reach):
    """Return row-standardised weights with unequal rows: neighbours ahead at 1..reach, one behind."""
    rows = [(i, (i + s) % n) for i in range(n) for s in [-1, *range(1, reach + 1 + i % 2)]]
    edges = pd.DataFrame(rows, columns=["focal", "neighbor"]).assign(weight=1.0)
    return Weights.from_edges(edges).standardise("row")


def normal(rng, n, t):
    return rng.standard_normal((n, t))


def serial(rng, n, t):
    e = np.empty((n, t))
    e[:, 0] = rng.standard_normal(n)
    for s in range(1, t):
        e[:, s] = 0.7 * e[:, s - 1] + np.sqrt(1 - 0.7**2) * rng.standard_normal(n)
    return e


@pytest.mark.parametrize("effects", ["units", "twoways"])
@pytest.mark.parametrize("model", ["sar", "sarar"])
def test_information_is_the_variance_of_the_score(model, effects):
    """Expected, observed (on average) and unit-independent variances agree with the spread of 400 scores."""
    draw = simulated(model, effects, normal)
    scores, expected, observed, clustered = [], [], [], []
    for _ in range(400):
        fitted = draw()
        scores.append(cell_scores(fitted).sum(axis=(0, 1)))
        expected.append(expected_information(fitted))
        observed.append(observed_information(fitted))
        # Residuals less their mean over 30 units are too small by 1 - 1/30.
        clustered.append(unit_meat(fitted, over_time=True) * (30 / 29 if effects == "twoways" else 1))
    variance = np.cov(np.array(scores).T)
    means = [np.mean(x, axis=0) for x in (expected, observed, clustered)]
    scale = np.sqrt(np.outer(np.diag(means[0]), np.diag(means[0])))
    # A variance from 400 draws has a standard error of 7 %; a covariance one of 5 % of the product of sizes.
    for found in means:
        np.testing.assert_allclose(found / scale, variance / scale, atol=0.2)
    # Between themselves they agree much closer.
    np.testing.assert_allclose(means[1] / scale, means[0] / scale, atol=0.03)
    np.testing.assert_allclose(means[2] / scale, means[0] / scale, atol=0.06)


def test_clustered_holds_under_serial_correlation_where_others_fail():
    draw = simulated("sar", "units", serial)
    fits = [draw() for _ in range(600)]
    rho = fits[0].place("rho")
    variance = np.var([cell_scores(f).sum(axis=(0, 1))[rho] for f in fits])
    clustered = np.mean([unit_meat(f, over_time=True)[rho, rho] for f in fits])
    robust = np.mean([unit_meat(f, over_time=False)[rho, rho] for f in fits])
    assert clustered == pytest.approx(variance, rel=0.15)
    assert robust < 0.9 * variance


def test_pair_sums_by_probes_agree_with_exact_ones(monkeypatch):
    draw = simulated("sarar", "twoways", normal, n=150, t=4)
    fitted = draw()
    exact = unit_meat(fitted, over_time=True)
    monkeypatch.setattr("ronghe.spatial.uncertainty.scores.EXACT_PAIRS", 10)
    monkeypatch.setattr("ronghe.spatial.uncertainty.scores.N_PROBES", 4000)
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    np.testing.assert_allclose(unit_meat(fitted, over_time=True) / scale, exact / scale, atol=0.03)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("robust", {}),
        ("clustered", {"cluster": "units"}),
        ("clustered", {"cluster": ["units", "time"]}),
        ("driscoll_kraay", {}),
    ],
)
def test_effects_use_the_chosen_covariance(munnell, kind, settings):
    result = SpatialPanel(*munnell).fit(kind, **settings)
    plain = SpatialPanel(*munnell).fit()
    pd.testing.assert_series_equal(result.params, plain.params)
    assert (result.impacts()["std_error"] / plain.impacts()["std_error"] - 1).abs().max() > 0.05
    again = plain.with_covariance(kind, **settings)
    pd.testing.assert_frame_equal(again.cov, result.cov)
    assert np.linalg.eigvalsh(result.cov.to_numpy() / np.outer(result.std_errors, result.std_errors)).min() > -1e-10


def test_conley_with_no_reach_is_robust_and_with_all_reach_is_by_period(munnell):
    """With a cutoff below every distance only own products stay; with a flat kernel over all, period sums."""
    y, X, W = munnell
    places = pd.DataFrame({"x": np.arange(48.0), "y": 0.0}, index=list(W.labels))
    model = SpatialPanel(y, X, model="ols", effects="twoways", method="lsdv")
    near = model.fit("conley", coordinates=places, cutoff=0.5, metric="plane")
    np.testing.assert_allclose(near.cov.iloc[:4, :4], model.fit("robust").cov.iloc[:4, :4], rtol=1e-10)
    far = model.fit("conley", coordinates=places, cutoff=100.0, metric="plane", kernel="uniform")
    by_period = model.fit("clustered", cluster="time")
    np.testing.assert_allclose(far.cov.iloc[:4, :4], by_period.cov.iloc[:4, :4], rtol=1e-8)


def test_conley_measures_great_circles():
    from ronghe.spatial.uncertainty.covariance import CovarianceChoice, nearness

    places = pd.DataFrame({"longitude": [116.4, 121.47, 0.0], "latitude": [39.9, 31.23, 0.0]}, index=list("abc"))
    near = nearness(CovarianceChoice("conley", cutoff=2000.0, coordinates=places), list("abc"), "t").toarray()
    # Beijing to Shanghai is 1,068 km.
    assert near[0, 1] == pytest.approx(1 - 1068 / 2000, abs=1e-3)
    assert near[0, 2] == 0.0 and near[2, 2] == 1.0


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("clusterd", {}, "did you mean 'clustered'"),
        ("expected", {"cluster": "units"}, "no use for cluster"),
        ("clustered", {"cluster": "region"}, "unknown cluster 'region'"),
        ("conley", {}, "needs coordinates"),
        ("driscoll_kraay", {"bandwidth": 17}, "between 0 and 16"),
    ],
)
def test_wrong_covariance_options_are_refused(munnell, kind, settings, words):
    with pytest.raises(RongheError, match=words):
        SpatialPanel(*munnell).fit(kind, **settings)


def test_groups_of_one_unit_are_clusters_by_unit(munnell):
    y, X, W = munnell
    alone = pd.Series([f"group of {u}" for u in W.labels], index=list(W.labels)).sample(frac=1.0, random_state=0)
    for method in ("lee_yu", "lsdv"):
        result = SpatialPanel(y, X, W, model="gns", method=method).fit("clustered")
        by_group = result.with_covariance("clustered", groups=alone)
        np.testing.assert_allclose(by_group.cov, result.cov, rtol=1e-9, atol=1e-16)
        two_way = result.with_covariance("clustered", cluster=["units", "time"], small_sample="clusters")
        with_groups = result.with_covariance(
            "clustered", cluster=["groups", "time"], groups=alone, small_sample="clusters"
        )
        np.testing.assert_allclose(with_groups.std_errors, two_way.std_errors, rtol=1e-8)


@pytest.mark.parametrize("time", [False, True])
def test_linear_model_agrees_with_linearmodels_clustered_by_groups(munnell, time):
    from linearmodels.panel import PanelOLS

    y, X, W = munnell
    regions = pd.Series(np.arange(48) % 9, index=list(W.labels))
    result = SpatialPanel(y, X, model="ols", effects="units", method="lsdv").fit(
        "clustered", groups=regions, cluster=["groups", "time"] if time else "groups"
    )
    clusters = pd.DataFrame({"group": regions.loc[y.index.get_level_values(0)].to_numpy()}, index=y.index)
    if time:
        clusters["time"] = pd.factorize(y.index.get_level_values(1))[0]
    dated = pd.MultiIndex.from_arrays([y.index.get_level_values(0), y.index.get_level_values(1).astype(int)])
    frames = [frame.set_axis(dated) for frame in (y, X, clusters)]
    theirs = PanelOLS(frames[0], frames[1], entity_effects=True).fit(
        cov_type="clustered", clusters=frames[2], debiased=False, group_debias=False, auto_df=False, count_effects=False
    )
    np.testing.assert_allclose(result.cov.iloc[:4, :4], theirs.cov, rtol=1e-7)


@pytest.mark.parametrize("effects", ["units", "twoways"])
def test_groups_hold_where_units_of_a_group_move_together(effects):
    """Shocks common to a group: its variance of the score agrees with the spread of scores; that by unit does not."""
    codes = np.arange(30) % 10

    def common(rng, n, t):
        return (rng.standard_normal((10, t))[codes] + rng.standard_normal((n, t))) / np.sqrt(2)

    from ronghe.spatial.uncertainty.group_scores import group_meat

    # Members of a group are ten apart, neighbours at most three: no term within a group has an expectation of its own.
    draw = simulated("sar", effects, common)
    fits = [draw() for _ in range(500)]
    scores = np.array([cell_scores(f).sum(axis=(0, 1)) for f in fits])
    variance = scores.var(axis=0)
    factor = 1 / (1 - 1 / 10) if effects == "twoways" else 1.0
    grouped = factor * np.mean([np.diag(group_meat(f, codes, over_time=True)) for f in fits], axis=0)
    by_unit = np.mean([np.diag(unit_meat(f, over_time=True)) for f in fits], axis=0)
    # Standard error of a variance from 500 draws: 6 %.
    np.testing.assert_allclose(grouped, variance, rtol=0.2)
    assert by_unit[-1] < 0.75 * variance[-1]


def test_group_parts_against_the_full_matrix(munnell):
    """Every block of e'C e, summed by hand from the full C, rebuilds the variance of rho's score."""
    from ronghe.spatial.uncertainty.group_scores import group_meat

    y, X, W = munnell
    fitted = SpatialPanel(y, X, W, model="sar", effects="units", method="lsdv").fit().model
    codes = np.arange(48) // 8
    e, s2 = fitted.residuals, fitted.sigma2
    G = W.sparse.toarray() @ np.linalg.inv(np.eye(48) - fitted.rho * W.sparse.toarray())
    linear = (e * fitted.lagged_fitted).sum(axis=1) / s2
    total = 0.0
    for g in range(6):
        a = codes == g
        own = np.einsum("it,ij,jt->", e[a], G[np.ix_(a, a)], e[a]) - np.trace(G[np.ix_(a, a)]) * (e**2).sum() / 48
        total += (linear[a].sum() + own / s2) ** 2
        for h in range(g):
            b = codes == h
            total += (np.einsum("it,ij,jt->", e[a], (G + G.T)[np.ix_(a, b)], e[b]) / s2) ** 2
    place = fitted.place("rho")
    assert group_meat(fitted, codes, True)[place, place] == pytest.approx(total, rel=1e-10)


def test_groups_are_refused_by_name(munnell):
    y, X, W = munnell
    result = SpatialPanel(y, X, W, model="sar").fit()
    groups = pd.Series(np.arange(48) % 5, index=list(W.labels))
    with pytest.raises(RongheError, match="leave out these units: ALABAMA"):
        result.with_covariance("clustered", groups=groups.drop("ALABAMA"))
    with pytest.raises(RongheError, match="have no group: ALABAMA"):
        result.with_covariance("clustered", groups=groups.astype(float).where(groups.index != "ALABAMA"))
    with pytest.raises(RongheError, match="one group"):
        result.with_covariance("clustered", groups=groups * 0)
    with pytest.raises(RongheError, match="go together"):
        result.with_covariance("clustered", cluster="groups")
    with pytest.raises(RongheError, match="no use for groups"):
        result.with_covariance("robust", groups=groups)
