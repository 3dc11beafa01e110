"""Within estimator with unit, time or two-way effects."""

from __future__ import annotations

from ronghe.linear.covariance import Choice
from ronghe.linear.inference import (
    test_table,
)
from ronghe.linear.wild_bootstrap import wild_pvalue
from ronghe.models.design.design import build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import least_squares_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Within estimator with unit, time or two-way effects; equal to linearmodels' PanelOLS, without its import time."""
    design = build(specification, data)
    effects = specification.get("effects", "twoways")
    result = least_squares_estimate(specification, design, effects, "within")
    repetitions = int(specification.get("wild_repetitions", 0))
    if repetitions and Choice.of(specification) == Choice("clustered", ("units",)):
        rows = []
        for name in (t.name for t in terms_of(specification, "treatment")):
            place = design.names.index(name)
            t, p = wild_pvalue(design.y, design.X, design.layout, effects, place, repetitions, data.seed)
            note = f"{repetitions} draws of signs by unit, null imposed"
            rows.append({"test": f"wild cluster bootstrap: {name}", "statistic": t, "pvalue": p, "note": note})
        result.tests = test_table([*result.tests.to_dict("records"), *rows])
    return result
