"""Trends: the mean of each group of regions by year, with its interval; one panel per variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.paper.figures.canvas import panels, year_axis
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# The one group that stands for all regions.
ALL = "all"
# More groups than this cannot be told apart by line and marker.
MOST_GROUPS = 8


def draw(source: Sources) -> Figure:
    """Draw the variables of an entry; of many groups each is a thin line, and the mean of all regions stands out."""
    panel, regions = source.panel(source.entry["variables"], "variables"), source.regions()
    group = regions[source.get("group", "macro_region")].astype(str)
    present = set(group[group.index.isin(panel.index.get_level_values("region"))])
    order = [name for name in source.get("order", sorted(present)) if name in present]
    frames = {source.labels.variable(variable): panel[variable] for variable in source.entry["variables"]}
    given = source.get("bounds", {})
    bounds = [given.get(variable) for variable in source.entry["variables"]]
    if len(order) <= MOST_GROUPS:
        return draw_trends(frames, group, order, source.names(order), bounds)
    figure = draw_trends(frames, pd.Series(ALL, group.index), [ALL], {ALL: source.labels.word("trends.all")}, bounds)
    return add_groups(figure, frames, group, order, source.labels.word("trends.groups", len(order)))


def interval_of_mean(
    mean: np.ndarray, half: np.ndarray, bounds: tuple[float | None, float | None] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of mean +- half, which for a bounded variable are those of its logit (of its logarithm with one
    bound) by the delta method, so that they stay inside; a mean on its bound stays there.
    """
    low, high = bounds or (None, None)
    if low is None and high is None:
        return mean - half, mean + half
    with np.errstate(divide="ignore", invalid="ignore"):
        if low is not None and high is not None:
            share = (mean - low) / (high - low)
            steps = half / ((high - low) * share * (1 - share))
            odds = share / (1 - share)
            lower, upper = (low + (high - low) / (1 + 1 / (odds * np.exp(sign * steps))) for sign in (-1, 1))
        elif low is not None:
            lower, upper = (low + (mean - low) * np.exp(sign * half / (mean - low)) for sign in (-1, 1))
        else:
            lower, upper = (high - (high - mean) * np.exp(-sign * half / (high - mean)) for sign in (-1, 1))
    return np.where(np.isfinite(lower), lower, mean), np.where(np.isfinite(upper), upper, mean)


def draw_trends(
    frames: dict[str, pd.Series],
    group: pd.Series,
    order: list[str],
    names: dict[str, str],
    bounds: list[tuple[float | None, float | None] | None] | None = None,
) -> Figure:
    """Draw for each variable the mean of every group of regions by year, with its 95% interval across regions.

    Intervals of a bounded variable stay inside its bounds.
    """
    from scipy.special import stdtrit

    figure, axes = panels(len(frames), 2, "full" if len(frames) > 1 else "half", 2.4)
    bounds = bounds or [None] * len(frames)
    for axis, (title, values), limits in zip(axes, frames.items(), bounds, strict=True):
        member = group.reindex(values.index.get_level_values("region")).to_numpy()
        years = values.index.get_level_values("year")
        for place, name in enumerate(order):
            part = values[member == name].groupby(years[member == name])
            mean, n = part.mean(), part.count()
            half = part.std() / np.sqrt(n) * stdtrit(np.maximum(n - 1, 1), 0.975)
            ends = interval_of_mean(mean.to_numpy(), half.to_numpy(), limits)
            reach = [mean.to_numpy() - ends[0], ends[1] - mean.to_numpy()]
            # Groups are set a little apart, so that their intervals do not cover one another.
            shift = (place - (len(order) - 1) / 2) * 0.12
            axis.errorbar(
                mean.index + shift, mean, yerr=reach, label=names.get(name, name), capsize=1.5, elinewidth=0.6
            )
        year_axis(axis, years)
        axis.set_title(title)
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(order))
    return figure


def add_groups(figure: Figure, frames: dict[str, pd.Series], group: pd.Series, order: list[str], said: str) -> Figure:
    """Draw the mean of every group by year as a thin line behind what the panels show; the legend says how many."""
    for axis, values in zip(figure.axes, frames.values(), strict=False):
        years = values.index.get_level_values("year")
        member = group.reindex(values.index.get_level_values("region")).to_numpy()
        means = values.groupby([member, years]).mean().unstack(level=0)[order]
        axis.plot(means.index, means, "-", marker="", color="0.75", linewidth=0.5, zorder=1)
        axis.relim()
        axis.autoscale()
    handles, texts = figure.axes[0].get_legend_handles_labels()
    figure.legends.clear()
    thin = figure.axes[0].lines[-1]
    figure.legend([*handles, thin], [*texts, said], loc="outside lower center", ncols=min(len(frames), 2))
    return figure
