"""Models: estimators of the effect of integration, there and next door."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    """Give `SpatialPanel` on first use, so that importing the package costs nothing."""
    if name == "SpatialPanel":
        from ronghe.models.spatial_panel import SpatialPanel

        return SpatialPanel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
