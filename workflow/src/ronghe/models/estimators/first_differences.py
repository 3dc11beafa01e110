"""Least squares on changes from one period to the next."""

from __future__ import annotations

import numpy as np

from ronghe.linear.covariance import Choice
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import least_squares
from ronghe.models.design.design import build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import linear_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Least squares on changes from one period to the next; with two-way effects the periods are swept out."""
    design = build(specification, data)
    units, times = design.layout.units, design.layout.times
    follows = (units[1:] == units[:-1]) & (times[1:] == times[:-1] + 1)
    rows = np.flatnonzero(follows) + 1
    changes = np.column_stack([design.y, design.X])[rows] - np.column_stack([design.y, design.X])[rows - 1]
    _, periods = np.unique(times[rows], return_inverse=True)
    layout = Layout(units[rows], periods, design.layout.coordinates)
    effects = specification.get("effects", "twoways")
    choice = Choice.of(specification)
    swept = "time" if effects == "twoways" else "pooled"
    fit = least_squares(changes[:, 0], changes[:, 1:], layout, swept, choice, design.names)
    result = linear_estimate(specification, design, fit, effects, "first_differences", choice)
    result.fit["nobs"] = len(rows)
    return result
