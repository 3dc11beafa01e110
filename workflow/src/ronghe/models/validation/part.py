"""A part of the map on which intervals and estimators are tried where regions are too many to draw with all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ronghe.models.design.design import build
from ronghe.models.design.weights import weights_of
from ronghe.models.estimate import Data, with_defaults
from ronghe.weights import Weights

# Up to so many regions draws are made with all of them, else with so many neighbouring ones: a draw costs the cube.
MOST, PART = 60, 30


@dataclass(frozen=True)
class Part:
    """How many regions of how many were taken, and around which."""

    kept: int
    around: str
    of: int

    def __str__(self) -> str:
        return f"tried on {self.kept} neighbouring regions around {self.around}, of {self.of:,}"


def marked(tables: dict[str, pd.DataFrame], part: Part | None) -> dict[str, pd.DataFrame]:
    """Return tables whose rows say of which part of the map they are; those of the whole map stay as they are."""
    if part is None:
        return tables
    said = {"part_regions": part.kept, "part_around": part.around, "part_of": part.of}
    return {name: table.assign(**said) for name, table in tables.items()}


def part_of(specification: dict, data: Data) -> tuple[Data, Part | None]:
    """Return the data of PART neighbouring regions, and which they are; smaller panels stay as they are.

    The part grows from the region in the middle of the order of names, neighbour by neighbour, so that it is connected.
    """
    if data.panel.index.unique(0).size <= MOST:
        return data, None
    design = build(with_defaults(specification), data)
    W, _ = weights_of(with_defaults(specification), data, design)
    if W.n <= MOST:
        return data, None
    start = sorted(W.labels)[W.n // 2]
    kept = around(W, start, PART)
    panel = data.panel[data.panel.index.get_level_values(0).isin(kept)]
    return replace(data, panel=panel), Part(len(kept), str(start), W.n)


def around(W: Weights, start: object, count: int) -> set:
    """Return the `count` regions nearest to one, of which each has a neighbour among them.

    Nearest is by steps over W, within a step by weight to and from those of the steps before, then by name.
    """
    either = (W.sparse + W.sparse.T).tocsr()
    names = np.array([str(label) for label in W.labels])
    found = edge = [W.labels.index(start)]
    while edge and len(found) < count:
        near = {int(j) for i in edge for j in either.indices[either.indptr[i] : either.indptr[i + 1]]} - set(found)
        weight = either[:, found].sum(axis=1)
        weight = np.round(weight / (weight.max() or 1.0), 10)
        edge = sorted(near, key=lambda j: (-weight[j], names[j]))[: count - len(found)]
        found = found + edge
    # Where W is not symmetric, a region may have all its own neighbours outside.
    while found and (alone := [i for i in found if not W.sparse[[i]][:, found].nnz]):
        found = [i for i in found if i not in alone]
    return {W.labels[i] for i in found}
