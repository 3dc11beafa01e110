"""Which spatial model, which effects, which weights: the engine's tables as specifications of their own."""

from __future__ import annotations

import pandas as pd

from ronghe.models.design import Design, build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.inference import COEFFICIENT_COLUMNS, test_table
from ronghe.models.spatial_data import facts, frames_of, weights_of


def identification(specification: dict, data: Data) -> Estimate:
    """Return Moran, LM, LR, Wald, effect and Hausman tests with their verdicts, as every paper of the field prints."""
    from ronghe.models.identification import identification_table

    design = build(specification, data)
    W, cut = weights_of(specification, data, design)
    effects, method = specification.get("effects", "twoways"), specification.get("method", "lee_yu")
    found = identification_table(*frames_of(design), W, effects, method, specification.get("durbin"))
    columns = ["test", "statistic", "df", "pvalue", "note"]
    told = {"verdicts": found.verdicts, "chosen_model": found.model, "chosen_effects": found.effects}
    tests = test_table(found.table[[c for c in columns if c in found.table]].to_dict("records"))
    return _tables(specification, design, cut, "identification", {"identification": found.table}, told, tests)


def weights_comparison(specification: dict, data: Data) -> Estimate:
    """Compare one model under several weights: likelihood, criteria, and posterior probability of each."""
    from ronghe.models.comparison import compare_models, compare_weights

    design = build(specification, data)
    y, X = frames_of(design)
    names = specification["compare_weights"]
    held = {name: weights_of({"weights": name}, data, design) for name in names}
    cut = sorted({label for _, labels in held.values() for label in labels})
    model, effects = specification.get("model", "sdm"), specification.get("effects", "twoways")
    method = specification.get("method", "lee_yu")
    weights = compare_weights(y, X, {n: W for n, (W, _) in held.items()}, model, effects, method)
    parts = [compare_models(y, X, W, effects=effects, method=method).assign(weights=n) for n, (W, _) in held.items()]
    models = pd.concat(parts, ignore_index=True)
    models.insert(0, "weights", models.pop("weights"))
    tables = {"weights": weights, "models": models}
    return _tables(specification, design, cut, "comparison of weights", tables, {"compared": names}, test_table([]))


def _tables(
    specification: dict,
    design: Design,
    cut: list[str],
    method: str,
    tables: dict[str, pd.DataFrame],
    told: dict,
    tests: pd.DataFrame,
) -> Estimate:
    """Return a result that consists of tables alone: no coefficients belong to it."""
    fit = {
        "model": specification.get("model", "sdm"),
        "effects": specification.get("effects", "twoways"),
        "method": method,
        "cov_type": None,
        **facts(specification, design, cut),
        "loglik": None,
        "rsquared_within": None,
        "sigma2": None,
        **told,
    }
    nothing = pd.DataFrame(columns=COEFFICIENT_COLUMNS)
    return Estimate(nothing, pd.DataFrame(index=pd.Index([], name="term")), fit, tests, tables=tables)
