"""Tests of lambda by moments: against spreg, and its standard error against the spread of estimates."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.linear.covariance import Choice
from ronghe.linear.layout import Layout
from ronghe.spatial.projection import Projection
from ronghe.spatial.two_stage.error_moments import FilteredRegression, QuadraticMoments
from ronghe.spatial.two_stage.panel import SpatialTwoStage
from spatial.two_stage.test_panel import blocks, simulate, stacked


@pytest.mark.filterwarnings("ignore:The weights matrix", "ignore:The inplace keyword")
@pytest.mark.parametrize(("lam", "seed"), [(0.5, 1), (-0.3, 2), (0.8, 3)])
@pytest.mark.parametrize("model", ["sarar", "sem"])
def test_cross_section_with_error_is_that_of_spreg(model, lam, seed, capsys):
    """Coefficients, lambda and their whole covariance; spreg's search for lambda stops at about 1e-7."""
    spreg = pytest.importorskip("spreg")
    n = 100
    y, X, weights = simulate(seed, n=n, n_periods=1, rho=0.4 if model == "sarar" else 0.0, lam=lam)
    ours = SpatialTwoStage(y, X[["x", "d"]], weights, model, "pooled").fit("robust")
    regressors = np.hstack([stacked(X["x"]), stacked(X["d"])])
    if model == "sarar":
        other = spreg.GM_Combo_Het(stacked(y), regressors, w=blocks(weights, 1), w_lags=2)
    else:
        other = spreg.GM_Error_Het(stacked(y), regressors, w=blocks(weights, 1))
    capsys.readouterr()
    assert ours.names[-1] == "lambda" and ours.params["lambda"] == ours.spatial_error.lam
    np.testing.assert_allclose(ours.params, other.betas.ravel(), rtol=1e-5)
    # spreg has no small-sample factor; ours is n / (n - K).
    k = len(ours.names) - 1
    scale = np.sqrt(np.outer(np.diag(other.vm), np.diag(other.vm)))
    np.testing.assert_allclose(ours.cov * (n - k) / n / scale, other.vm / scale, atol=2e-6)


@pytest.mark.parametrize(
    ("effects", "cov_type"), [("units", "robust"), ("twoways", "homoskedastic"), ("twoways", "clustered")]
)
def test_error_of_lambda_is_its_spread(effects, cov_type):
    """Over simulated panels the mean standard error is the spread of the estimates, and intervals cover."""
    found = []
    for seed in range(100):
        y, X, weights = simulate(seed, n=81, n_periods=5, lam=0.4, confounding=0.5)
        if effects == "units":
            y, X = (frame - frame.groupby(level=1).transform("mean") for frame in (y, X))
        result = SpatialTwoStage(
            y, X[["x", "d"]], weights, "sarar", effects, endogenous=["d"], instruments=X[["z"]]
        ).fit(cov_type)
        found.append((result.params["lambda"], result.std_errors["lambda"]))
    lam, error = np.array(found).T
    # A spread from 100 draws has a standard error of 7 %.
    assert np.mean(error) == pytest.approx(np.std(lam), rel=0.2)
    covered = np.mean(np.abs(lam - 0.4) < 1.96 * error)
    assert covered > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 100)


@pytest.mark.parametrize(("cov_type", "cluster"), [("driscoll_kraay", ("units",)), ("clustered", ("units", "time"))])
def test_error_of_lambda_under_dependence_over_units(cov_type, cluster):
    y, X, weights = simulate(3, n=81, n_periods=60, lam=0.4)
    model = SpatialTwoStage(y, X[["x", "d"]], weights, "sarar", "twoways")
    robust, other = model.fit("robust"), model.fit(cov_type, cluster)
    # Nothing of the kind is there, so that the errors agree but for their own.
    assert other.std_errors["lambda"] == pytest.approx(robust.std_errors["lambda"], rel=0.35)
    assert np.linalg.eigvalsh(other.cov)[0] > -1e-12


@pytest.mark.parametrize("time", [False, True])
def test_moments_hold_at_the_truth_and_their_covariance_is_their_spread(time):
    """Quadratic forms at the true disturbances, heteroskedastic over units: mean zero, and the stated variance."""
    n, n_periods = 49, 4
    *_, weights = simulate(0, n=n, n_periods=n_periods)
    projection = Projection("time" if time else "pooled")
    moments = QuadraticMoments(weights.sparse, projection, n_periods, (-1, 1))
    rng = np.random.default_rng(0)
    size = rng.uniform(0.5, 1.5, (n, 1)) if not time else np.ones((n, 1))
    layout = Layout(np.repeat(np.arange(n), n_periods), np.tile(np.arange(n_periods), n))
    forms, variances = [], []
    for _ in range(1500):
        e = projection.apply(size * rng.standard_normal((n, n_periods)))
        forms.append(moments.polynomial(e)[:, 0])
        one = FilteredRegression(np.ones((e.size, 1)), np.ones((e.size, 1)), e, False, layout, Choice("robust"))
        variances.append(one.joint_meat(moments)[-2:, -2:])
    forms = np.array(forms)
    assert np.all(np.abs(forms.mean(axis=0)) < 4 * forms.std(axis=0) / np.sqrt(len(forms)))
    mean = np.mean(variances, axis=0)
    scale = np.sqrt(np.outer(np.diag(mean), np.diag(mean)))
    np.testing.assert_allclose(np.cov(forms.T) / scale, mean / scale, atol=0.15)
