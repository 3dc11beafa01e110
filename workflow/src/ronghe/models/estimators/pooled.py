"""Least squares with one constant."""

from __future__ import annotations

from ronghe.models.design.design import build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import panel_estimate


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit linearmodels' PooledOLS."""
    return panel_estimate(specification, build(specification, data), "pooled")
