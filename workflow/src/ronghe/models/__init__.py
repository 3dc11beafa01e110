"""Models: estimators of the effect of integration, there and next door."""

from __future__ import annotations

# Where each public name lives; it is imported on first use, so that importing the package costs nothing.
PUBLIC = {
    "SpatialPanel": "spatial_panel",
    "RandomEffectsPanel": "random_effects",
    "DynamicPanel": "dynamic",
    "SpatialTwoStage": "spatial_instruments",
    "identification_table": "identification",
    "compare_models": "comparison",
    "compare_weights": "comparison",
    "conventions": "compatibility",
    "predict": "prediction",
    "simulate": "simulation",
}


def __getattr__(name: str) -> object:
    """Give a public name on first use."""
    if name in PUBLIC:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
