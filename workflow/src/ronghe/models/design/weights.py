"""What every spatial kind takes from a specification: frames, weights cut to the sample, facts of the sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.models.design.design import Design
from ronghe.models.estimate import Data
from ronghe.weights import Weights

Result = TypeVar("Result")


def frames_of(design: Design) -> tuple[pd.Series, pd.DataFrame]:
    """Return outcome and regressors, indexed by region and year."""
    return design.frame[design.outcome], design.frame[design.names]


def weights_named(name: str, data: Data) -> Weights:
    """Return the weights of a name, read from their file the first time."""
    if isinstance(data.weights[name], str | Path):
        data.weights[name] = Weights.read(data.weights[name])
    return data.weights[name]


def weights_of(specification: dict, data: Data, design: Design, key: str = "weights") -> tuple[Weights, list[str]]:
    """Return the weights among the regions of the sample, and which of their labels the sample lacks."""
    return cut_to(weights_named(specification[key], data), list(design.index.levels[0]), specification[key])


def cut_to(W: Weights, regions: list, name: str) -> tuple[Weights, list[str]]:
    """Return weights among some regions, and which labels were cut; refuse a region left without neighbour.

    Weights whose rows summed to one are standardised again after the cut, so that a neighbour outside the sample does
    not count as a zero.
    """
    held = set(regions)
    outside = [str(label) for label in W.labels if label not in held]
    if not outside:
        return W, []
    cut = W.subset(regions)
    if W.is_row_standardised:
        if len(cut.islands):
            raise RongheError(
                f"weights '{name}': without {listing(outside)} these regions have no neighbour: "
                f"{listing(cut.islands)}; choose weights that reach further, or another sample"
            )
        cut = cut.standardise("row")
    return cut, outside


def with_notes(fit: Callable[..., Result], **options: object) -> tuple[Result, list[str]]:
    """Return the result of a fit with what it warns of, for fit.json."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return fit(**options), [str(w.message) for w in caught]


def weights_facts(specification: dict, design: Design, cut: list[str], *notes: str) -> dict:
    """Return what fit.json says of the sample and the weights."""
    notes = list(notes)
    if cut:
        notes.append(f"weights cut to the sample, rows that summed to one do so again; left out: {listing(cut, 40)}")
    return {**design.facts(), "weights": specification.get("weights"), "notes": notes}
