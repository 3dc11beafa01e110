"""Spatial specifications with random unit effects, in the form of the results contract."""

from __future__ import annotations

from ronghe.models.design.design import build
from ronghe.models.design.weights import frames_of, weights_facts, weights_of, with_notes
from ronghe.models.estimate import Data, Estimate
from ronghe.models.kinds import FEW_CLUSTERS
from ronghe.models.report import covariance_facts, facts
from ronghe.spatial.random_effects.panel import RandomEffectsPanel


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit a panel with random unit effects by maximum likelihood; with `effects: twoways` also fixed period effects."""
    design = build(specification, data)
    W, cut = weights_of(specification, data, design)
    options = {key: specification.get(key) for key in ("model", "errors", "durbin", "effects")}
    model = RandomEffectsPanel(*frames_of(design), W, **options)
    clustered = specification["covariance"] == "clustered"
    few = {key: specification[key] for key in FEW_CLUSTERS if key in specification} if clustered else {}
    result, notes = with_notes(model.fit, cov_type=specification["covariance"], **few)
    if result.at_boundary:
        notes = ["the variance of the unit effects is at its boundary", *notes]
    return Estimate(
        coefficients=result.tidy(),
        covariance=result.cov,
        fit=facts(
            specification,
            f"random_effects_{options['errors']}",
            weights_facts(specification, design, cut, *notes, *result.notes),
            options["model"],
            covariance=covariance_facts(specification, "corrected"),
            random=["units"],
            loglik=float(result.loglik),
            sigma2=float(result.params["sigma2"]),
        ),
        **({"impacts": result.impacts().reset_index()} if options["model"] not in ("sem", "ols") else {}),
    )
