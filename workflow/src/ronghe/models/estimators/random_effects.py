"""Feasible least squares with random unit effects, and the regression form of the Hausman test."""

from __future__ import annotations

from ronghe.linear.inference import test_table
from ronghe.linear.panel_models import fit_random_effects
from ronghe.models.design.design import build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, linear_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit linearmodels' RandomEffects (Swamy and Arora 1972), with period dummies where `effects` is twoways."""
    design = build(specification, data)
    effects, choice = specification["effects"], choice_of(specification)
    found = fit_random_effects(design.y, design.X, design.layout, effects, choice, design.names)
    names = [*design.names, "const"]
    result = linear_estimate(specification, design, found.fit, "feasible_gls", names)
    note = "unit means of the regressors are zero; chi-squared"
    hausman = {"test": "Hausman, regression form", **found.hausman, "note": note}
    result.tests = test_table([*result.tests.to_dict("records"), hausman])
    components = {"sigma2_units": found.sigma2_units, "sigma2_residual": found.sigma2_residual, "theta": found.theta}
    result.fit.update({"random": ["units"], "loglik": None, **components})
    return result
