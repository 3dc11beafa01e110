"""Unit, time or two-way fixed effects."""

from __future__ import annotations

from ronghe.linear.bootstrap import wild_pvalue
from ronghe.linear.inference import test_table
from ronghe.models.design.design import build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.kinds import one_way
from ronghe.models.report import panel_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit the within estimator (linearmodels' PanelOLS), and wild cluster bootstrap p-values where asked for.

    The bootstrap is ours: linearmodels has none.
    """
    design = build(specification, data)
    result = panel_estimate(specification, design, "within")
    effects, repetitions = specification["effects"], specification["wild_repetitions"]
    if repetitions and one_way(specification):
        rows = []
        for name in (t.name for t in terms_of(specification, "treatment")):
            place = design.names.index(name)
            t, p = wild_pvalue(design.y, design.X, design.layout, effects, place, repetitions, data.seed)
            note = f"{repetitions} draws of signs by unit, null imposed"
            rows.append({"test": f"wild cluster bootstrap: {name}", "statistic": t, "pvalue": p, "note": note})
        result.tests = test_table([*result.tests.to_dict("records"), *rows])
    return result
