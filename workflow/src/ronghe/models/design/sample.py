"""Which rows of a panel a specification's sample keeps."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known


class Tables(Protocol):
    """What a sample is chosen from: `Data` has it, which rests on this module."""

    panel: pd.DataFrame
    regions: pd.DataFrame | None
    flags: pd.DataFrame | None


def sample_mask(sample: dict, frame: pd.DataFrame, data: Tables) -> np.ndarray:
    """Return which rows a sample keeps: by regions, attributes of regions, years, flags, or level of a variable."""
    regions, years = frame.index.get_level_values(0), frame.index.get_level_values(1)
    keep = np.ones(len(frame), bool)
    for key, wanted in (("regions", True), ("without_regions", False)):
        if key in sample:
            for name in sample[key]:
                require_known(name, regions.unique(), "region", f"sample: {key}")
            keep &= regions.isin(sample[key]) == wanted
    for attribute, values in sample.get("where", {}).items():
        if data.regions is None:
            raise RongheError("the sample asks for an attribute of the regions, and the regions table was not given")
        require_known(attribute, data.regions.columns, "attribute", "sample: where")
        found = data.regions[attribute].reindex(regions)
        for value in values:
            require_known(value, data.regions[attribute].unique(), attribute, "sample: where")
        keep &= found.isin(values).to_numpy()
    if "years" in sample:
        first, last = sample["years"]
        keep &= (years >= first) & (years <= last)
    if "without_flags" in sample:
        keep &= ~_flagged(sample["without_flags"], frame, data)
    if "level" in sample:
        keep &= _level(sample["level"], regions, data)
    return keep


def _flagged(rule: dict, frame: pd.DataFrame, data: Tables) -> np.ndarray:
    """Return which rows hold a flagged cell of the listed variables (any variable when none is listed)."""
    if data.flags is None:
        raise RongheError("the sample leaves out flagged cells, and the table of flags was not given")
    flags = data.flags
    if rule.get("variables"):
        flags = flags[flags["variable"].isin(rule["variables"])]
    if rule.get("kinds"):
        flags = flags[flags["kind"].isin(rule["kinds"])]
    if rule.get("drop", "cells") == "regions":
        return frame.index.get_level_values(0).isin(flags["region"].unique())
    cells = pd.MultiIndex.from_frame(flags[["region", "year"]])
    return frame.index.isin(cells)


def _level(rule: dict, regions: pd.Index, data: Tables) -> np.ndarray:
    """Return which rows belong to regions whose average of a variable lies above or below the median region's."""
    require_known(rule["of"], data.panel.columns, "variable", "sample: level")
    means = data.panel[rule["of"]].groupby(level=0).mean()
    high = means[means > means.median()].index
    return regions.isin(high) == (rule["half"] == "high")
