"""Figures of fitted models: impacts with their intervals, and residuals; matplotlib is imported where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.errors import RongheError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"direct": "#0072b2", "indirect": "#d55e00", "total": "#333333"}


def draw_impacts(impacts: pd.DataFrame, level: float) -> Figure:
    """Return impacts by regressor as points with intervals; direct, indirect and total one below the other."""
    variables = list(impacts.index.unique("variable"))
    figure, axes = _figure(6.4, 1.2 + 0.55 * len(variables))
    for shift, (effect, colour) in enumerate(COLOURS.items()):
        part = impacts.xs(effect, level="effect").loc[variables]
        places = np.arange(len(variables)) + 0.22 * (shift - 1)
        ends = [part["estimate"] - part["lower"], part["upper"] - part["estimate"]]
        axes.errorbar(part["estimate"], places, xerr=ends, fmt="o", color=colour, capsize=2, label=effect)
    axes.axvline(0, color="0.6", linewidth=0.8)
    axes.set_yticks(range(len(variables)), variables)
    axes.invert_yaxis()
    axes.set_xlabel(f"impact, {100 * level:g}% interval")
    axes.legend(frameon=False)
    return figure


def draw_residuals(fitted: pd.Series, residuals: pd.Series, name: str) -> Figure:
    """Return residuals against fitted values, zero marked."""
    figure, axes = _figure(6.4, 4.0)
    axes.scatter(fitted, residuals, s=9, alpha=0.6, color=COLOURS["direct"])
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_xlabel(f"fitted {name}")
    axes.set_ylabel("residual")
    return figure


def _figure(width: float, height: float) -> tuple:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise RongheError("figures need matplotlib: pip install matplotlib (or 'ronghe[plots]')") from None
    return pyplot.subplots(figsize=(width, height), layout="constrained")
