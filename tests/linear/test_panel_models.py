"""The adaptor to linearmodels against explicit dummies, our own covariances, and the kernel of resampling loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from panel_builders import REGRESSORS, munnell_frame
from ronghe.linear.absorption import EFFECTS, count
from ronghe.linear.covariance import KINDS, Choice, sandwich
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.panel_models import fit_panel, fit_random_effects
from ronghe.models import declaration
from ronghe.models.design.design import build
from ronghe.models.estimate import Data
from ronghe.models.report import choice_of
from ronghe.yaml_files import load_yaml

# The library solves by singular values and inverts cross-products, ours by normal equations.
AGREEMENT = 1e-10
CLUSTERS = [("units",), ("time",), ("units", "time")]
CHOICES = [Choice(kind, cutoff_km=500.0 if kind == "conley" else None) for kind in KINDS if kind != "clustered"]
CHOICES += [Choice("clustered", cluster) for cluster in CLUSTERS]


def arrays(balanced: bool = True) -> tuple[np.ndarray, np.ndarray, Layout]:
    panel = munnell_frame()
    rng = np.random.default_rng(1)
    places = np.column_stack([rng.uniform(-120, -70, 48), rng.uniform(30, 45, 48)])
    if not balanced:
        panel = panel[rng.random(len(panel)) > 0.15]
    index = panel.index.remove_unused_levels()
    layout = Layout(index.codes[0].astype(int), index.codes[1].astype(int), places)
    return panel["ln_gsp"].to_numpy(), panel[REGRESSORS].to_numpy(), layout


def assert_covariances_agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    error = np.sqrt(np.diag(theirs))
    np.testing.assert_allclose(ours / np.outer(error, error), theirs / np.outer(error, error), atol=AGREEMENT)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("effects", EFFECTS)
def test_coefficients_are_those_of_explicit_dummies(effects, balanced):
    y, X, layout = arrays(balanced)
    units, times = np.eye(layout.n_units)[layout.units], np.eye(layout.n_periods)[layout.times]
    dummies = {"pooled": np.ones((len(y), 1)), "units": units, "time": times}
    dummies["twoways"] = np.column_stack([units, times[:, 1:]])
    dense = np.column_stack([X, dummies[effects]])
    beta = np.linalg.lstsq(dense, y, rcond=None)[0]
    fit = fit_panel(y, X, layout, effects, Choice("homoskedastic"))
    np.testing.assert_allclose(fit.coefficients, beta[:4], rtol=1e-9)
    e = y - dense @ beta
    np.testing.assert_allclose(fit.residuals, e, atol=1e-10)
    sigma2 = e @ e / (len(y) - dense.shape[1])
    assert_covariances_agree(fit.covariance, sigma2 * np.linalg.inv(dense.T @ dense)[:4, :4])


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: f"{c.kind}-{'-'.join(c.cluster)}")
@pytest.mark.parametrize("effects", EFFECTS)
def test_the_librarys_covariance_is_that_of_our_scores(effects, choice, balanced):
    y, X, layout = arrays(balanced)
    kernel = fit_least_squares(y, X, layout, effects)
    scores, sigma2 = kernel.X * kernel.residuals[:, None], kernel.ssr / kernel.df_residual
    fit = fit_panel(y, X, layout, effects, choice)
    np.testing.assert_allclose(fit.coefficients, kernel.coefficients, rtol=AGREEMENT)
    assert_covariances_agree(
        fit.covariance, sandwich(kernel.bread, scores, layout, choice, sigma2, count(layout, effects))
    )


def test_units_of_measurement_do_not_cost_digits():
    y, X, layout = arrays()
    scale = np.array([1e-9, 1.0, 1e6, 1e12])
    base = fit_panel(y, X, layout, "twoways", Choice())
    other = fit_panel(y, X * scale + 7 * scale, layout, "twoways", Choice())
    np.testing.assert_allclose(other.coefficients * scale, base.coefficients, rtol=1e-8)


def test_random_effects_do_not_depend_on_the_origin_of_regressors():
    y, X, layout = arrays()
    base = fit_random_effects(y, X, layout, "twoways", Choice(), REGRESSORS)
    moved = fit_random_effects(y, X + 3.0, layout, "twoways", Choice(), REGRESSORS)
    np.testing.assert_allclose(moved.fit.coefficients[:4], base.fit.coefficients[:4], rtol=1e-9)
    constant = base.fit.coefficients[4] - 3.0 * base.fit.coefficients[:4].sum()
    assert moved.fit.coefficients[4] == pytest.approx(constant, rel=1e-9)
    assert moved.hausman["statistic"] == pytest.approx(base.hausman["statistic"], rel=1e-8)
    J = np.eye(5)
    J[4, :4] = -3.0
    assert_covariances_agree(moved.fit.covariance, J @ base.fit.covariance @ J.T)


def declared(project) -> dict[str, dict]:
    config = {}
    for part in ("config", "measures", "weights", "explore", "specifications"):
        config |= load_yaml(project / "config" / f"{part}.yaml")
    linear = ("fixed_effects", "pooled", "first_differences", "random_effects", "mediation", "moderation", "groups")
    return {name: s for name, s in declaration.specifications(config).items() if s["kind"] in (*linear, "threshold")}


def invented(specification: dict) -> Data:
    """Return positive numbers for every variable that a specification names, for all its regions and years."""
    rng = np.random.default_rng(3)
    regions = ["Beijing", "Tianjin", "Shanghai", "Chongqing", *(f"r{i:02d}" for i in range(26))]
    index = pd.MultiIndex.from_product([regions, range(2013, 2021)], names=["region", "year"])
    columns = {name: np.exp(rng.normal(size=len(index))) for name in declaration.variables(specification)}
    places = pd.DataFrame({"longitude": rng.uniform(75, 130, 30), "latitude": rng.uniform(20, 50, 30)}, index=regions)
    flags = pd.DataFrame({"region": ["r03"], "year": [2015], "variable": ["so2"], "kind": ["filled"]})
    return Data(pd.DataFrame(columns, index=index).sort_index(), regions=places, flags=flags)


def test_kernel_and_library_agree_on_every_declared_linear_specification(project):
    specifications = declared(project)
    assert len(specifications) >= 40
    for name, specification in specifications.items():
        design = build(specification, invented(specification))
        effects = specification["effects"]
        kernel = fit_least_squares(design.y, design.X, design.layout, effects, design.names)
        # The library has no leverages of clusters: what it shares with us is the sum by cluster with its factor.
        choice = replace(choice_of(specification), small_sample="clusters", df=None)
        fit = fit_panel(design.y, design.X, design.layout, effects, choice, design.names)
        np.testing.assert_allclose(fit.coefficients, kernel.coefficients, rtol=AGREEMENT, err_msg=name)
        np.testing.assert_allclose(fit.residuals, kernel.residuals, atol=AGREEMENT, err_msg=name)
        scores = kernel.X * kernel.residuals[:, None]
        taken = count(design.layout, effects)
        assert_covariances_agree(fit.covariance, sandwich(kernel.bread, scores, design.layout, choice, np.nan, taken))
