"""Least squares on changes from one period to the next."""

from __future__ import annotations

import numpy as np

from ronghe.linear.layout import Layout
from ronghe.linear.panel_models import fit_panel
from ronghe.models.design.design import build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, linear_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit the changes by linearmodels, with a constant, or with period fixed effects where `effects` is twoways."""
    design = build(specification, data)
    units, times = design.layout.units, design.layout.times
    follows = (units[1:] == units[:-1]) & (times[1:] == times[:-1] + 1)
    rows = np.flatnonzero(follows) + 1
    changes = np.column_stack([design.y, design.X])[rows] - np.column_stack([design.y, design.X])[rows - 1]
    _, periods = np.unique(times[rows], return_inverse=True)
    layout = Layout(units[rows], periods, design.layout.coordinates)
    swept = "time" if specification["effects"] == "twoways" else "pooled"
    fit = fit_panel(changes[:, 0], changes[:, 1:], layout, swept, choice_of(specification), design.names)
    result = linear_estimate(specification, design, fit, "first_differences")
    result.fit["nobs"] = len(rows)
    return result
