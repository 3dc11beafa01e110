"""Which spatial model and which effects, as a specification of its own."""

from __future__ import annotations

from ronghe.linear.inference import (
    test_table,
)
from ronghe.models.design.design import build
from ronghe.models.design.weights import facts, frames_of, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import tables_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Return Moran, LM, LR, Wald, effect and Hausman tests with their verdicts, as every paper of the field prints."""
    from ronghe.spatial.choice.identification import identification_table

    design = build(specification, data)
    W, cut = weights_of(specification, data, design)
    effects, method = specification.get("effects", "twoways"), specification.get("method", "lee_yu")
    found = identification_table(*frames_of(design), W, effects, method, specification.get("durbin"))
    columns = ["test", "statistic", "df", "pvalue", "note"]
    told = {"verdicts": found.verdicts, "chosen_model": found.model, "chosen_effects": found.effects}
    tests = test_table(found.table[[c for c in columns if c in found.table]].to_dict("records"))
    sample = facts(specification, design, cut)
    return tables_estimate(specification, sample, "identification", {"identification": found.table}, told, tests)
