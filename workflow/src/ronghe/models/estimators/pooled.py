"""Least squares with one constant."""

from __future__ import annotations

from ronghe.models.design.design import build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import least_squares_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Least squares with one constant."""
    return least_squares_estimate(specification, build(specification, data), "pooled", "pooled")
