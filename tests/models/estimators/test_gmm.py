"""Dynamic panels by moments: Arellano and Bond's data, and panels whose persistence is known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.linear.gmm import Steps, fit_moments, serial_correlation
from ronghe.linear.gmm_system import assemble
from ronghe.models.estimate import Data, with_defaults
from ronghe.models.estimate import run as fit
from ronghe.models.estimators.system_gmm import read_arrays

DIFFERENCE = {
    "name": "test",
    "kind": "difference_gmm",
    "outcome": "emp",
    "treatment": "wage",
    "controls": [{"lag": 1, "of": "wage"}, "capital", "output", {"lag": 1, "of": "output"}],
    "outcome_lags": 2,
    "effects": "twoways",
}
SYSTEM = {
    **DIFFERENCE,
    "kind": "system_gmm",
    "controls": [{"lag": 1, "of": "wage"}, "capital", {"lag": 1, "of": "capital"}],
    "predetermined": ["wage", "capital"],
    "outcome_lags": 1,
    "steps": 1,
}


@pytest.fixture(scope="module")
def firms(reference) -> Data:
    raw = pd.read_csv(reference / "arellano_bond" / "employment_uk.csv").rename(columns={"firm": "region"})
    return Data(np.log(raw.set_index(["region", "year"])[["emp", "wage", "capital", "output"]]).sort_index())


@pytest.fixture(scope="module")
def figures(reference) -> dict:
    return json.loads((reference / "arellano_bond" / "gmm.json").read_text())


@pytest.mark.reference
def test_two_step_differences_with_windmeijers_errors(firms, figures):
    wanted = figures["difference_gmm_two_step_two_way"]
    result = fit(DIFFERENCE, firms)
    np.testing.assert_allclose(result.coefficients["estimate"], wanted["estimate"], atol=1e-8)
    np.testing.assert_allclose(result.coefficients["std_error"], wanted["std_error_windmeijer"], atol=1e-8)
    J = result.tests.set_index("test").loc["Hansen J"]
    assert (round(J["statistic"], 3), J["df"], round(J["pvalue"], 4)) == (30.112, 25, 0.2201)


@pytest.mark.reference
def test_uncorrected_errors_and_serial_correlation_are_plms(firms, figures):
    wanted = figures["difference_gmm_two_step_two_way"]
    system = assemble(read_arrays(with_defaults(DIFFERENCE), firms), levels=False)
    fitted = fit_moments(system, 2)
    np.testing.assert_allclose(np.sqrt(np.diag(fitted.plain))[:7], wanted["std_error"], atol=1e-8)
    # plm's m statistics rest on the uncorrected covariance; ours report the corrected one (-1.54 and -0.28).
    plain = Steps(fitted.beta, fitted.plain, fitted.plain, fitted.weight, fitted.residuals, 0.0)
    assert serial_correlation(system, plain, 1) == pytest.approx(wanted["m1"], abs=5e-5)
    assert serial_correlation(system, plain, 2) == pytest.approx(wanted["m2"], abs=5e-6)


@pytest.mark.reference
def test_one_step_system(firms, figures):
    wanted = figures["system_gmm_one_step_two_way"]
    result = fit(SYSTEM, firms)
    np.testing.assert_allclose(result.coefficients["estimate"], wanted["estimate"], atol=1e-7)
    np.testing.assert_allclose(result.coefficients["std_error"], wanted["std_error_robust"], atol=1e-8)


def simulated(seed: int, n_units: int = 200, n_periods: int = 7, alpha: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    unit = rng.normal(size=n_units)
    # Moments in levels need a start that deviates from its mean independently of the unit.
    y = 1.5 * unit / (1 - alpha) + rng.normal(size=n_units)
    rows = []
    for t in range(n_periods):
        x = rng.normal(size=n_units) + 0.5 * unit
        y = alpha * y + x + unit + 0.3 * t + rng.normal(size=n_units)
        rows += [(f"r{i:03d}", 2000 + t, y[i], x[i]) for i in range(n_units)]
    return pd.DataFrame(rows, columns=["region", "year", "y", "x"]).set_index(["region", "year"]).sort_index()


def entry(**changes: object) -> dict:
    base = {
        "name": "t",
        "kind": "difference_gmm",
        "outcome": "y",
        "treatment": "x",
        "controls": [],
        "effects": "twoways",
    }
    return base | changes


@pytest.mark.parametrize("kind", ["difference_gmm", "system_gmm"])
@pytest.mark.parametrize("collapse", [False, True])
def test_known_persistence_is_recovered(kind, collapse):
    estimates = []
    for seed in range(12):
        result = fit(entry(kind=kind, collapse=collapse), Data(simulated(seed)))
        estimates.append(result.coefficients["estimate"].to_numpy())
    error = np.std(estimates, axis=0) / np.sqrt(12)
    np.testing.assert_array_less(np.abs(np.mean(estimates, axis=0) - [0.5, 1.0]), 4 * error + 0.02)


def test_residual_correlation_is_found_at_one_and_not_at_two():
    m2 = []
    for seed in range(10):
        tests = fit(entry(), Data(simulated(seed))).tests.set_index("test")
        assert tests.loc["Arellano-Bond m1", "pvalue"] < 0.01
        m2.append(tests.loc["Arellano-Bond m2", "statistic"])
    assert np.abs(np.mean(m2)) < 1 and np.max(np.abs(m2)) < 3.5


def test_rows_in_any_order_and_collapsing_counts_instruments():
    panel = simulated(1)
    base = fit(entry(), Data(panel))
    other = fit(entry(), Data(panel.sample(frac=1, random_state=0)))
    np.testing.assert_allclose(base.coefficients["estimate"], other.coefficients["estimate"], rtol=1e-8)
    # Lags 2 to 6 of 5 periods: 1 + 2 + 3 + 4 + 5, one for x, one per period; collapsed: one per lag.
    assert base.fit["n_instruments"] == 15 + 1 + 5
    assert fit(entry(collapse=True), Data(panel)).fit["n_instruments"] == 5 + 1 + 5
    assert fit(entry(instrument_lags=[2, 3]), Data(panel)).fit["n_instruments"] == 9 + 1 + 5


def test_lag_one_is_no_instrument():
    with pytest.raises(RongheError, match="the first lag must be 2 or more"):
        fit(entry(instrument_lags=[1]), Data(simulated(1)))


@pytest.mark.parametrize("kind", ["difference_gmm", "system_gmm"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"controls": [{"lag": 1, "of": "x"}, "twice"]}, "'twice' is a combination of the regressors before it"),
        ({"controls": ["nothing"]}, "'nothing' does not vary in the equations; leave it out"),
        ({"outcome_lags": 7}, "no unit has 7 lags of the outcome and a change within 8 periods"),
    ],
)
def test_what_cannot_be_estimated_is_named(kind, change, message):
    panel = simulated(1, n_units=30, n_periods=8).assign(nothing=0.0)
    panel["twice"] = 2 * panel["x"]
    with pytest.raises(RongheError, match=f"specification 't': {message}"):
        fit(entry(kind=kind, collapse=True, **change), Data(panel))
