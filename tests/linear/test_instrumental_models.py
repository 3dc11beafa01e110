"""The adaptor to linearmodels' instruments against our own formulas, for every covariance and kind of fixed effects."""

from __future__ import annotations

import numpy as np
import pytest
from ronghe.errors import RongheError
from ronghe.linear import instrument_tests
from ronghe.linear.absorption import EFFECTS
from ronghe.linear.covariance import Choice
from ronghe.linear.instrumental_models import fit_two_stage
from ronghe.linear.layout import Layout
from ronghe.linear.two_stage import Problem, fitted_regressors, project, score_covariance

CHOICES = [Choice(kind, cutoff_km=500.0) for kind in ("homoskedastic", "robust", "driscoll_kraay", "conley")]
CHOICES += [Choice("clustered", cluster) for cluster in (("units",), ("time",), ("units", "time"))]
N, T = 40, 12


def problem(effects: str, choice: Choice, endogenous: int = 1, balanced: bool = True) -> Problem:
    rng = np.random.default_rng(0)
    units, times = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    places = np.column_stack([rng.uniform(-120, -70, N), rng.uniform(30, 45, N)])
    z, e = rng.normal(size=(N * T, 3)), rng.normal(size=N * T)
    w = rng.normal(size=(N * T, 2)) * [1, 1e4] + [3, 5e4]
    x = z @ rng.normal(size=(3, 2)) + 0.5 * e[:, None] + rng.normal(size=(N * T, 2))
    y = x @ [1, -1] + w @ [1, 1e-4] + e + rng.normal(size=N)[units]
    keep = np.ones(N * T, bool) if balanced else rng.random(N * T) > 0.15
    names = [f"x{i}" for i in range(endogenous)], ["w1", "w2"], ["z1", "z2", "z3"]
    raw = np.column_stack([x[:, :endogenous], w, z])[keep]
    return project(y[keep], raw, names, Layout(units[keep], times[keep], places), effects, choice)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("endogenous", [1, 2])
@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: f"{c.kind}-{'-'.join(c.cluster)}")
@pytest.mark.parametrize("effects", EFFECTS)
def test_estimates_and_tests_are_those_of_our_formulas(effects, choice, endogenous, balanced):
    p = problem(effects, choice, endogenous, balanced)
    fit, fitted = fit_two_stage(p), fitted_regressors(p)
    beta = np.linalg.solve(fitted.T @ fitted, fitted.T @ p.y)
    residuals = p.y - p.X @ beta
    cov = score_covariance(p, fitted, residuals)
    error = np.sqrt(np.diag(cov))
    np.testing.assert_allclose(fit.coefficients, beta, rtol=1e-10)
    np.testing.assert_allclose(fit.covariance / np.outer(error, error), cov / np.outer(error, error), atol=1e-10)
    gamma, cov = instrument_tests.reduced_form(p, p.endogenous[:, [0]])
    error = np.sqrt(np.diag(cov))
    np.testing.assert_allclose(fit.first_stage[0].coefficients, gamma, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(
        fit.first_stage[0].covariance / np.outer(error, error), cov / np.outer(error, error), atol=1e-10
    )
    rows = {row["test"]: row for row in fit.tests([f"x{i}" for i in range(endogenous)])}
    rank = rows["Kleibergen-Paap rk Wald F"]["statistic"]
    assert rank == pytest.approx(instrument_tests.kleibergen_paap(p), rel=1e-9)
    if choice.kind == "homoskedastic":
        assert rank == pytest.approx(rows["Cragg-Donald F"]["statistic"], rel=1e-9)
        return
    exogeneity = rows["exogeneity of the treatment"]["statistic"]
    assert exogeneity == pytest.approx(instrument_tests.exogeneity(p), rel=1e-9)
    if len(choice.cluster) == 1:
        J = rows["Hansen J"]["statistic"]
        assert J == pytest.approx(instrument_tests.hansen_j(p, residuals), rel=1e-9)


def test_too_few_instruments_are_refused():
    layout = Layout(np.repeat(np.arange(5), 4), np.tile(np.arange(4), 5))
    names = (["x", "x2"], [], ["z"])
    with pytest.raises(RongheError, match="2 endogenous regressors need as many instruments, not 1"):
        project(np.zeros(20), np.zeros((20, 3)), names, layout, "units", Choice())
