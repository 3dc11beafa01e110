"""Tests that dynamic and random-effects models choose probes where exact factors would not fit, and say their error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import DynamicPanel, RandomEffectsPanel
from ronghe.spatial.log_determinant import suitable
from ronghe.spatial.log_determinant.probed import probed_log_determinant

from benchmarks.engine import random_graph

N, T = 1_200, 6


def dynamic_data(W, periods, phi=0.3, psi=0.1, rho=0.4, seed=3):
    """Return y and x of y_t = rho W y_t + phi y_(t-1) + psi W y_(t-1) + x_t + mu + e_t, after fifteen periods."""
    rng = np.random.default_rng(seed)
    n, burn = W.n, 15
    solve = probed_log_determinant(W, "series", "test").solve
    mu, x = rng.standard_normal(n), rng.standard_normal((n, periods + burn))
    y = np.zeros((n, periods + burn))
    for t in range(1, periods + burn):
        before = y[:, t - 1]
        y[:, t] = solve(rho, phi * before + psi * (W.sparse @ before) + x[:, t] + mu + rng.standard_normal(n))
    return frames(y[:, burn:], x[:, burn:])


def random_data(W, periods, model="sar", a=0.4, sigma_units=0.8, seed=4):
    """Return y and x with a random effect of units: of a lag model, or with errors of Kapoor, Kelejian and Prucha."""
    rng = np.random.default_rng(seed)
    x, u = rng.standard_normal((W.n, periods)), rng.standard_normal((W.n, periods))
    u += sigma_units * rng.standard_normal((W.n, 1))
    solve = probed_log_determinant(W, "series", "test").solve
    return frames(solve(a, 1 + x + u) if model == "sar" else 1 + x + solve(a, u), x)


def frames(y, x):
    index = pd.MultiIndex.from_product([range(len(y)), range(y.shape[1])], names=["unit", "period"])
    return pd.Series(y.ravel(), index=index, name="y"), pd.DataFrame({"x": x.ravel()}, index=index)


@pytest.fixture(scope="module")
def W():
    return random_graph(N)


@pytest.fixture
def small(monkeypatch):
    """Let the rule take probes at a size where exact factors run too."""
    monkeypatch.setattr(suitable, "LARGEST_DENSE", 1_000)
    monkeypatch.setattr(suitable, "WIDEST", 200)


def stated(note, name):
    return float(note.split(" of the log-likelihood, ")[1].split(f" of {name}")[0])


@pytest.mark.parametrize("effects", ["units", "twoways"])
def test_dynamic_model_by_probes_beside_exact_factors(W, small, effects):
    y, X = dynamic_data(W, T)
    exact = DynamicPanel(y, X, W, "sar", effects, log_determinant="exact").fit()
    found = DynamicPanel(y, X, W, "sar", effects).fit()
    assert exact.notes == ()
    assert "log-determinant of rho by series" in found.notes[0]
    assert "bias correction: estimated by probes" in found.notes[-1]
    share = float(found.notes[-1].split("more than ")[1].split(" %")[0]) / 100
    gap = (found.params - exact.params).abs()
    raw = (found.uncorrected - exact.uncorrected).abs()
    assert raw["rho"] < 4 * stated(found.notes[0], "rho")
    assert (raw / exact.std_errors).max() < 0.02
    # The correction of the bias moves by its own traces too; all stay a small share of what the data leave open.
    assert 0 < share < 0.05
    assert (gap / exact.std_errors).max() < 0.02 + 4 * share
    np.testing.assert_allclose(found.std_errors, exact.std_errors, rtol=5e-3)
    own = {horizon: (exact.impacts(horizon), found.impacts(horizon)) for horizon in ("short", "long")}
    for right, ours in own.values():
        assert ((ours["estimate"] - right["estimate"]).abs() / right["std_error"]).max() < 0.05
    assert found.notes[0] in str(found.summary())


@pytest.mark.parametrize("model", ["sar", "sdm", "sem", "sarar"])
def test_random_effects_by_probes_beside_exact_factors(W, small, model):
    y, X = random_data(W, T, "sem" if model == "sem" else "sar")
    options = {"model": model, "errors": "kkp"}
    exact = RandomEffectsPanel(y, X, W, **options, log_determinant="exact").fit("observed")
    found = RandomEffectsPanel(y, X, W, **options).fit("observed")
    names = [name for name in ("rho", "lambda") if name in found.params]
    assert exact.notes == ()
    assert len(found.notes) == len(names)
    for name, note in zip(names, found.notes, strict=True):
        assert f"log-determinant of {name} by series" in note
        assert abs(found.params[name] - exact.params[name]) < 4 * stated(note, name)
    assert ((found.params - exact.params).abs() / exact.std_errors).max() < 0.05
    np.testing.assert_allclose(found.std_errors, exact.std_errors, rtol=1e-2)
    if "rho" in names:
        right, ours = exact.impacts(), found.impacts()
        assert ((ours["estimate"] - right["estimate"]).abs() / right["std_error"]).max() < 0.05


def test_what_probes_move_does_not_depend_on_the_covariance_asked_for(W, small):
    """It is a matter of the curvature; only the standard error beside it is the sandwich's."""
    y, X = random_data(W, T)
    y = y * np.repeat(np.where(np.arange(W.n) % 60 == 0, 8.0, 1.0), T)
    model = RandomEffectsPanel(y, X, W, "sar", "kkp")
    observed, clustered = model.fit("observed"), model.fit("clustered", small_sample="CR1")
    assert not np.isclose(observed.std_errors["rho"], clustered.std_errors["rho"], rtol=0.1)
    assert stated(clustered.notes[0], "rho") == stated(observed.notes[0], "rho") > 0


def test_errors_of_baltagi_with_lambda_are_refused(W, small):
    y, X = random_data(W, T, "sem")
    with pytest.raises(RongheError, match="errors 'baltagi' with lambda need the factors.*choose errors='kkp'"):
        RandomEffectsPanel(y, X, W, "sem").fit("observed")


def test_known_dynamic_model_is_found_at_fourteen_thousand_units():
    """Six neighbours at random, no exact factor: truth within four standard errors.

    What the correction leaves is of order 1/T^2, which five periods would show at so many units.
    """
    W = random_graph(14_000)
    y, X = dynamic_data(W, 26)
    found = DynamicPanel(y, X, W, "sar", "units").fit()
    assert "by series" in found.notes[0]
    truth = {"L1.y": 0.3, "W*L1.y": 0.1, "x": 1.0, "rho": 0.4}
    gap = found.params.loc[list(truth)] - pd.Series(truth)
    assert (gap.abs() < 4 * found.std_errors.loc[list(truth)]).all()
    assert stated(found.notes[0], "rho") < 0.05 * found.std_errors["rho"]
    total = found.impacts("long").loc[("x", "total")]
    assert abs(total["estimate"] - 1 / (1 - 0.8)) < 4 * total["std_error"]


@pytest.mark.parametrize(("model", "name"), [("sar", "rho"), ("sem", "lambda")])
def test_known_random_effects_are_found_at_fourteen_thousand_units(model, name):
    W = random_graph(14_000)
    y, X = random_data(W, 5, model)
    found = RandomEffectsPanel(y, X, W, model, "kkp").fit("observed")
    assert "by series" in found.notes[0]
    truth = {"const": 1.0, "x": 1.0, name: 0.4, "sigma2": 1.0, "sigma2_units": 0.64}
    gap = found.params.loc[list(truth)] - pd.Series(truth)
    assert (gap.abs() < 4 * found.std_errors.loc[list(truth)]).all()
    assert stated(found.notes[0], name) < 0.05 * found.std_errors[name]
