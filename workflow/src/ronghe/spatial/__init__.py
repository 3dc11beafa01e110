"""Grids with space: exact likelihood estimation of spatial panel models, importable alone."""

from __future__ import annotations

from importlib import import_module

# Where each public name lives; it is imported on first use, so that importing the package costs nothing.
PUBLIC = {
    "SpatialPanel": "spatial_panel",
    "SpatialPanelResult": "results",
    "DynamicPanel": "dynamic.panel",
    "RandomEffectsPanel": "random_effects.panel",
    "SpatialTwoStage": "two_stage.panel",
    "compare_models": "choice.comparison",
    "compare_weights": "choice.comparison",
    "identification_table": "choice.identification",
    "predict": "postestimation.prediction",
    "simulate": "postestimation.simulation",
}
__all__ = sorted(PUBLIC)


def __getattr__(name: str) -> object:
    """Give a public name on first use."""
    if name in PUBLIC:
        return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what is public, for editors and `help`."""
    return [*globals(), *PUBLIC]
