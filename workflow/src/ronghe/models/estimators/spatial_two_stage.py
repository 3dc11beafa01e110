"""Spatial two-stage least squares as a specification: W y, and treatments where instruments are named, endogenous."""

from __future__ import annotations

from ronghe.linear import instrument_tests
from ronghe.linear.inference import test_table
from ronghe.linear.instrument_bootstrap import anderson_rubin_wild_set
from ronghe.models.design.design import build, terms_of
from ronghe.models.design.weights import frames_of, weights_facts, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.estimators.instrumental_variables import LEVEL, judged, set_facts, wild_tests
from ronghe.models.kinds import one_way
from ronghe.models.report import choice_of, covariance_facts, facts
from ronghe.spatial.two_stage.panel import SpatialTwoStage

# Points of the line on which the ends of a set for rho are looked for: a dozen instruments cost some ms a point.
SET_POINTS = 121


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
    result = model.fit(choice.kind, choice.cluster, choice.small_sample, choice.df)
    strength, tests, held = None, result.tests(), None
    if result.endogenous:
        strength = instrument_tests.strength(result.problem)
        draws = specification["wild_repetitions"] if one_way(specification) else 0
        rows, wild = wild_tests(result.problem, result.endogenous, draws, data.seed)
        tests = judged(test_table([*tests.to_dict("records"), *rows]), strength)
        if wild is not None and len(result.endogenous) == 1:
            pieces = anderson_rubin_wild_set(wild, result.endogenous[0], LEVEL, SET_POINTS)
            held = set_facts(pieces.assign(method="wild bootstrap"), wild)
    notes = [f"instruments spanned by others, left out: {', '.join(result.dropped_instruments)}"]
    return Estimate(
        coefficients=result.tidy(),
        covariance=result.cov,
        tests=tests,
        fit=facts(
            specification,
            "spatial_two_stage",
            weights_facts(specification, design, cut, *(notes if result.dropped_instruments else [])),
            options["model"],
            covariance=covariance_facts(specification),
            endogenous=endogenous,
            instruments=list(result.instruments),
            n_instruments=len(result.instruments),
            instrument_strength=strength,
            anderson_rubin_set=held,
            sigma2=result.sigma2,
            **{"lambda": result.spatial_error.lam if result.spatial_error else None},
        ),
        libraries=("linearmodels",),
        **({"impacts": result.impacts().reset_index()} if options["model"] not in ("sem", "ols") else {}),
    )
