"""Which spatial model and which effects, as a specification of its own."""

from __future__ import annotations

from ronghe.linear.inference import TEST_COLUMNS, test_table
from ronghe.models.design.design import build
from ronghe.models.design.weights import frames_of, weights_facts, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import facts, without_coefficients
from ronghe.spatial.choice.identification import identification_table


def estimate(specification: dict, data: Data) -> Estimate:
    """Return Moran, LM, LR, Wald, effect and Hausman tests with their verdicts, as every paper of the field prints."""
    design = build(specification, data)
    W, cut = weights_of(specification, data, design)
    options = {key: specification.get(key) for key in ("effects", "method", "durbin")}
    settings = {"draws": specification["wild_repetitions"], "seed": data.seed}
    found = identification_table(*frames_of(design), W, **options, **settings)
    chosen = {"verdicts": found.verdicts, "chosen_model": found.model, "chosen_effects": found.effects}
    tests = test_table(found.table[TEST_COLUMNS].to_dict("records"))
    held = facts(specification, "identification", weights_facts(specification, design, cut), "sdm", **chosen)
    return without_coefficients(held, tests, {"identification": found.table})
