"""Tests of the spatial panel estimator against published figures, other programs and identities."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ronghe.spatial import SpatialPanel

# The reference programs agree with each other to 1e-11; ours must agree with them to 1e-8.
TOLERANCE = 1e-8
EFFECTS = {"individual": "units", "time": "time", "twoways": "twoways"}
METHODS = {"direct": "lsdv", "transform": "lee_yu"}

# Munnell's panel, SDM: rho, its standard error, sigma2, log-likelihood.
TARGETS = {
    ("units", "lsdv"): (0.4933043549941, 0.0356383294791, 0.000947889787377, 1655.0190283386),
    ("units", "lee_yu"): (0.4933043549941, 0.0367351491907, 0.001007132899088, 1534.3851130706),
    ("time", "lee_yu"): (0.4536309272650, 0.0398811749510, 0.005658669652424, 921.1431532945),
    ("twoways", "lsdv"): (0.3701681685089, 0.0404808803805, 0.000918635419385, 1680.6228533620),
    ("twoways", "lee_yu"): (0.4124031458250, 0.0433238549477, 0.000988881361154, 1525.7158856349),
    ("twoways", "bias_corrected"): (0.4115141549113, 0.0390260874680, 0.000988026642909, 1680.6228533620),
}


@pytest.mark.parametrize(("effects", "method"), TARGETS)
def test_sdm_on_munnell(munnell, effects, method):
    result = SpatialPanel(*munnell, model="sdm", effects=effects, method=method).fit()
    found = (result.rho, result.std_errors["rho"], result.sigma2, result.loglik)
    np.testing.assert_allclose(found, TARGETS[effects, method], rtol=TOLERANCE)


def test_sar_on_munnell(munnell):
    result = SpatialPanel(*munnell, model="sar", effects="twoways", method="lee_yu").fit()
    np.testing.assert_allclose(
        [result.rho, result.std_errors["rho"]], [0.2099945289923, 0.0284072053740], rtol=TOLERANCE
    )


def test_direct_effect_of_sdm_holds_w_theta(munnell):
    """spreg 1.9 leaves W theta out of the direct effect (0.7996); splm's total through slag() is 1.467."""
    impacts = SpatialPanel(*munnell, effects="units", method="lsdv").fit().impacts()["estimate"]
    assert impacts["emp", "direct"] == pytest.approx(0.7365422566228854, rel=TOLERANCE)
    assert impacts["emp", "total"] == pytest.approx(0.657181516969346, rel=TOLERANCE)


def reference_cases(recorded):
    return json.loads((recorded / "static.json").read_text())["entries"]


@pytest.mark.parametrize("model", ["sar", "sdm"])
@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("method", METHODS)
def test_lag_models_of_the_reference(munnell, recorded, model, effects, method):
    expected = reference_cases(recorded)[f"exact_{model}_{effects}_{method}"]
    result = SpatialPanel(*munnell, model=model, effects=EFFECTS[effects], method=METHODS[method]).fit()
    np.testing.assert_allclose(result.params, list(expected["theta"].values()), rtol=TOLERANCE)
    np.testing.assert_allclose(result.std_errors, list(expected["se_fe_projected"].values()), rtol=TOLERANCE)
    assert result.loglik == pytest.approx(expected["logLik"], rel=TOLERANCE)
    impacts = result.impacts()
    for effect in ("direct", "indirect", "total"):
        table = impacts.xs(effect, level="effect")
        np.testing.assert_allclose(table["estimate"], expected["impacts"][effect], rtol=TOLERANCE)
        # The reference errors of effects rest on the unprojected covariance where dummies for time stay in.
        if method == "transform" or effects == "individual":
            np.testing.assert_allclose(table["std_error"], expected["impacts"][f"{effect}_se_delta"], rtol=TOLERANCE)


@pytest.mark.parametrize("model", ["sem", "sdem"])
@pytest.mark.parametrize("effects", EFFECTS)
def test_error_models_of_the_reference(munnell, recorded, model, effects):
    """With time effects the reference demeans before it filters, which `demean_first` does on request."""
    expected = reference_cases(recorded)[f"exact_{model}_{effects}"]
    first = effects != "individual"
    result = SpatialPanel(*munnell, model=model, effects=EFFECTS[effects], method="lsdv", demean_first=first).fit()
    np.testing.assert_allclose(result.params, list(expected["theta"].values()), rtol=TOLERANCE)
    np.testing.assert_allclose(result.std_errors, list(expected["se"].values()), rtol=TOLERANCE)
    assert result.loglik == pytest.approx(expected["logLik"], rel=TOLERANCE)


@pytest.mark.parametrize("effects", ["time", "twoways"])
def test_error_model_equals_explicit_dummies(munnell, effects):
    """The likelihood with every dummy written out and filtered; demeaning first stays below its maximum."""
    result = SpatialPanel(*munnell, model="sem", effects=effects, method="lsdv").fit()
    y, X, W = munnell
    n, t = 48, 17
    D = np.column_stack([y, X]).reshape(n, t, -1)
    dummies = [np.kron(np.ones((n, 1)), np.eye(t))] + [np.kron(np.eye(n), np.ones((t, 1)))] * (effects == "twoways")
    R = np.eye(n) - result.params["lambda"] * W.align(y.index.unique(0)).sparse.toarray()
    rows = np.concatenate([D, np.concatenate(dummies, axis=1).reshape(n, t, -1)], axis=2)
    rows = np.tensordot(R, rows, axes=(1, 0)).reshape(n * t, -1)
    _, _, rank, _ = np.linalg.lstsq(rows[:, 1:], rows[:, 0])
    residual = rows[:, 0] - rows[:, 1:] @ np.linalg.lstsq(rows[:, 1:], rows[:, 0])[0]
    sigma2 = residual @ residual / (n * t)
    loglik = -n * t / 2 * (np.log(2 * np.pi * sigma2) + 1) + t * np.linalg.slogdet(R)[1]
    assert result.loglik == pytest.approx(loglik, rel=1e-10)
    assert (
        result.loglik
        > SpatialPanel(y, X, W, model="sem", effects=effects, method="lsdv", demean_first=True).fit().loglik
    )
