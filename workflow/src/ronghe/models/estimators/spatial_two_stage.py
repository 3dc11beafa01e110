"""Spatial two-stage least squares as a specification: W y, and treatments where instruments are named, endogenous."""

from __future__ import annotations

from ronghe.models.design.design import build, terms_of
from ronghe.models.design.weights import frames_of, weights_facts, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, covariance_facts, facts
from ronghe.spatial.two_stage.panel import SpatialTwoStage


def estimate(specification: dict, data: Data) -> Estimate:
    """Instrument W y by spatial lags of the exogenous regressors; treatments by `instruments` where these are named."""
    design = build(specification, data, extra=("instruments",))
    W, cut = weights_of(specification, data, design)
    excluded = [t.name for t in terms_of(specification, "instruments")]
    endogenous = [t.name for t in terms_of(specification, "treatment")] if excluded else []
    options = {key: specification.get(key) for key in ("model", "effects", "durbin")}
    model = SpatialTwoStage(
        *frames_of(design),
        W,
        **options,
        endogenous=endogenous,
        instruments=design.frame[excluded] if excluded else None,
    )
    choice = choice_of(specification)
    result = model.fit(cov_type=choice.kind, cluster=choice.cluster)
    notes = [f"instruments spanned by others, left out: {', '.join(result.dropped_instruments)}"]
    return Estimate(
        coefficients=result.tidy(),
        covariance=result.cov,
        tests=result.tests(),
        fit=facts(
            specification,
            "spatial_two_stage",
            weights_facts(specification, design, cut, *(notes if result.dropped_instruments else [])),
            options["model"],
            covariance=covariance_facts(specification),
            endogenous=endogenous,
            instruments=list(result.instruments),
            sigma2=result.sigma2,
            **{"lambda": result.spatial_error.lam if result.spatial_error else None},
        ),
        libraries=("linearmodels",),
        **({"impacts": result.impacts().reset_index()} if options["model"] not in ("sem", "ols") else {}),
    )
