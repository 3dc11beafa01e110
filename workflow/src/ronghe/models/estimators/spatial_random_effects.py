"""Spatial specifications with random unit effects, in the form of the results contract."""

from __future__ import annotations

import warnings

from ronghe.models.design.design import build
from ronghe.models.design.weights import facts, frames_of, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.spatial.random_effects.panel import RandomEffectsPanel


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit a panel with random unit effects by maximum likelihood; with `effects: twoways` also fixed period effects."""
    design = build(specification, data)
    W, cut = weights_of(specification, data, design)
    kind, errors = specification.get("model", "sdm"), specification.get("errors", "baltagi")
    effects = specification.get("effects", "twoways")
    model = RandomEffectsPanel(
        *frames_of(design), W, model=kind, errors=errors, durbin=specification.get("durbin"), effects=effects
    )
    covariance = specification.get("covariance", "expected")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = model.fit(cov_type=covariance)
    notes = ["the variance of the unit effects is at its boundary"] if result.at_boundary else []
    notes += [str(w.message) for w in caught]
    has_impacts = kind not in ("sem", "ols")
    return Estimate(
        coefficients=result.tidy(),
        covariance=result.cov,
        fit={
            "model": kind,
            "effects": effects,
            "random": ["units"],
            "method": f"random_effects_{errors}",
            "cov_type": covariance,
            **facts(specification, design, cut, *notes),
            "loglik": float(result.loglik),
            "rsquared_within": None,
            "sigma2": float(result.params["sigma2"]),
        },
        **({"impacts": result.impacts().reset_index()} if has_impacts else {}),
    )
