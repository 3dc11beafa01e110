"""Which spatial model and which effects, as a specification of its own."""

from __future__ import annotations

from ronghe.linear.inference import TEST_COLUMNS, test_table
from ronghe.models.design.design import build
from ronghe.models.design.weights import facts, frames_of, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import tables_estimate
from ronghe.spatial.choice.identification import identification_table


def estimate(specification: dict, data: Data) -> Estimate:
    """Return Moran, LM, LR, Wald, effect and Hausman tests with their verdicts, as every paper of the field prints."""
    design = build(specification, data)
    W, cut = weights_of(specification, data, design)
    effects, method = specification.get("effects", "twoways"), specification.get("method", "lee_yu")
    settings = {"draws": int(specification.get("wild_repetitions", 999)), "seed": data.seed}
    found = identification_table(*frames_of(design), W, effects, method, specification.get("durbin"), **settings)
    chosen = {"verdicts": found.verdicts, "chosen_model": found.model, "chosen_effects": found.effects}
    tests = test_table(found.table[TEST_COLUMNS].to_dict("records"))
    return tables_estimate(
        specification,
        facts(specification, design, cut),
        "identification",
        {"identification": found.table},
        chosen,
        tests,
    )
