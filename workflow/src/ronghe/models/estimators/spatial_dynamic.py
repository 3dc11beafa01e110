"""Dynamic spatial specifications: the engine's dynamic panel in the form of the results contract."""

from __future__ import annotations

import pandas as pd

from ronghe.linear.inference import test_table
from ronghe.models.design.design import build
from ronghe.models.design.weights import frames_of, weights_facts, weights_of, with_notes
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import covariance_facts, facts
from ronghe.spatial.dynamic.panel import DynamicPanel


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit a dynamic SAR or SDM by quasi-maximum likelihood, bias-corrected; impacts in the short and the long run."""
    design = build(specification, data)
    W, cut = weights_of(specification, data, design)
    options = {key: specification.get(key) for key in ("model", "effects", "method", "durbin")}
    model = DynamicPanel(*frames_of(design), W, **options)
    result, notes = with_notes(model.fit, cov_type=specification["covariance"])
    horizons = ["short", "long"] if result.is_stable else ["short"]
    impacts = pd.concat([result.impacts(h).reset_index().assign(horizon=h) for h in horizons], ignore_index=True)
    impacts.insert(2, "horizon", impacts.pop("horizon"))
    tests = [result.stability_test()]
    if len(model.process.lags) > 1:
        tests.append(result.separability_test())
    return Estimate(
        coefficients=result.tidy(),
        covariance=result.cov,
        impacts=impacts,
        tests=test_table(tests),
        fit=facts(
            specification,
            specification["method"],
            {**weights_facts(specification, design, cut, *notes, *result.notes), "nobs": result.nobs},
            specification["model"],
            covariance=covariance_facts(specification),
            loglik=float(result.loglik),
            sigma2=float(result.params["sigma2"]),
            largest_root=result.largest_root,
            uncorrected={k: float(v) for k, v in result.uncorrected.items()},
        ),
    )
