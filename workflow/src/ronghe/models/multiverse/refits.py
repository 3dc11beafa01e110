"""Specifications of one setting refitted on columns that differ from draw to draw, in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ronghe.models.multiverse.run import Members, pvalues
from ronghe.models.multiverse.settings import Settings
from ronghe.spatial.batch.specifications import Specifications
from ronghe.spatial.batch.subset_fits import IMPACTS

# Specifications fitted together, with all their draws: as many as the processor's cache holds.
TOGETHER = 2


def blocks(members: Members, source: Settings, chosen: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Return a few specifications of one model and number of controls at a time: model, which, and regressors."""
    for model, part, columns in members.blocks(source, chosen):
        for start in range(0, len(part), TOGETHER):
            yield model, part[start : start + TOGETHER], columns[start : start + TOGETHER]


def judged(
    source: Settings, shared: Specifications, model: str, columns: np.ndarray, draw: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return estimates and p-values (draw, specification) of the specifications, fitted again and again to `draw`."""
    covariance, wanted = source.multiverse.levels("covariance")[0], IMPACTS.index(source.multiverse.entry["effect"])
    many = np.tile(columns, (len(draw) // len(columns), 1))
    values, errors = shared.fit(model, many, draw).impacts(covariance)
    chances = pvalues(values[:, wanted], errors[:, wanted], covariance, shared.shape[0])
    return values[:, wanted].reshape(-1, len(columns)), chances.reshape(-1, len(columns))
