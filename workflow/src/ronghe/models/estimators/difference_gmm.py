"""Dynamic panels by generalised moments in first differences (Arellano and Bond 1991)."""

from __future__ import annotations

from ronghe.models.estimate import Data, Estimate
from ronghe.models.estimators.system_gmm import estimate_moments


def estimate(specification: dict, data: Data) -> Estimate:
    """First differences, instrumented by earlier levels of the outcome (Arellano and Bond 1991)."""
    return estimate_moments(specification, data, levels=False)
