"""Weights: who is near whom, as labelled sparse matrices."""

from __future__ import annotations


def __getattr__(name: str) -> type:
    """Give `Weights` on first use, so that importing the package costs nothing."""
    if name == "Weights":
        from ronghe.weights.matrix import Weights

        return Weights
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
