"""Certificates that take minutes: error models, fitted draw by draw, and the sizes of LM and Hausman tests."""

from __future__ import annotations

import pandas as pd

from ronghe.models.design.design import build, terms_of
from ronghe.models.design.weights import frames_of, weights_of
from ronghe.models.estimate import Data, with_defaults
from ronghe.models.validation.part import marked, part_of
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.uncertainty.engine_certificate import engine_certificate
from ronghe.spatial.uncertainty.residual_test_sizes import residual_test_sizes

MODELS = ("sem", "sdem", "sarar", "gns")


def certify_models(
    specification: dict, data: Data, settings: dict, seed: int, cores: int | None = None
) -> dict[str, pd.DataFrame]:
    """Return `intervals` and `summary` of every error model on the specification's panel, and `residual_sizes`.

    Of many regions a part of the map is taken, and every table says which.
    """
    specification = with_defaults(specification)
    data, part = part_of(specification, data)
    design = build(specification, data)
    W, _ = weights_of(specification, data, design)
    y, X = frames_of(design)
    options = {"effects": specification["effects"], "method": specification["method"]}
    treatment, draws = terms_of(specification, "treatment")[0].name, settings["repetitions"]
    intervals, summaries = [], []
    for model in MODELS:
        panel = SpatialPanel(y, X, W, model, **options)
        found = engine_certificate(panel, treatment, repetitions=draws, seed=seed, cores=cores)
        intervals.append(found.intervals.assign(model=model))
        chosen = found.summary.index == found.method
        summaries.append(found.summary.assign(model=model, chosen=chosen).reset_index())
    durbin = SpatialPanel(y, X, W, "sdm", **options)
    tables = {
        "intervals": pd.concat(intervals, ignore_index=True),
        "summary": pd.concat(summaries, ignore_index=True),
        "residual_sizes": residual_test_sizes(durbin, repetitions=draws, seed=seed, cores=cores),
    }
    return marked(tables, part)
