"""One model under several weights, as a specification of its own."""

from __future__ import annotations

import pandas as pd

from ronghe.linear.inference import test_table
from ronghe.models.design.design import build
from ronghe.models.design.weights import frames_of, weights_facts, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import facts, without_coefficients
from ronghe.spatial.choice.comparison import compare_models, compare_weights


def estimate(specification: dict, data: Data) -> Estimate:
    """Compare one model under several weights: likelihood, criteria, and posterior probability of each."""
    design = build(specification, data)
    y, X = frames_of(design)
    names = specification["compare_weights"]
    held = {name: weights_of({"weights": name}, data, design) for name in names}
    cut = sorted({label for _, labels in held.values() for label in labels})
    model, effects, method = (specification[key] for key in ("model", "effects", "method"))
    weights = compare_weights(y, X, {n: W for n, (W, _) in held.items()}, model, effects, method)
    parts = [compare_models(y, X, W, effects=effects, method=method).assign(weights=n) for n, (W, _) in held.items()]
    models = pd.concat(parts, ignore_index=True)
    models.insert(0, "weights", models.pop("weights"))
    tables = {"weights": weights, "models": models}
    sample = weights_facts(specification, design, cut)
    held = facts(specification, "weights_comparison", sample, model, compared=names)
    return without_coefficients(held, test_table([]), tables)
