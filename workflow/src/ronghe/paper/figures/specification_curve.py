"""The specification curve: estimates of a whole multiverse in order, and beneath which choices stand where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ronghe.frames import read_csv
from ronghe.paper.figures.canvas import WIDTHS
from ronghe.paper.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Shares of the curve at either end whose estimates the vertical axis need not reach.
TRIM = 0.03
ROW_HEIGHT, CURVE_HEIGHT = 0.136, 2.2


def draw(source: Sources) -> Figure:
    """Draw the stored curve and the stored shares of choices: the files named `curve` and `choices`."""
    paths = dict(zip(source.get("file"), source.files, strict=True))
    curve, choices = (read_csv(paths[name], keep_default_na=True) for name in ("curve", "choices"))
    words = {choice: source.labels.word(f"multiverse.{choice}") for choice in choices["choice"].unique()}
    words |= {key: source.labels.word(f"multiverse.{key}") for key in ("significant", "interval")}
    choices["level"] = choices["level"].astype(str)
    pairs = choices[["choice", "level"]].drop_duplicates()
    named = {(choice, level): level_name(source, choice, level) for choice, level in pairs.itertuples(index=False)}
    return draw_specification_curve(curve, choices, named, words, source.text("ylabel"))


def level_name(source: Sources, choice: str, level: str) -> str:
    """Return what a level of a choice is called: a model, whole or clipped values, weights, a variable."""
    own = source.get("names", {})
    if level in own:
        return source.labels.text(own[level])
    if choice == "model":
        return source.labels.word("multiverse.ols") if level == "ols" else source.labels.named("models", level)
    if choice == "fixed_effects":
        return source.labels.named("effects", level)
    if choice == "winsorise":
        share = f"{100 * float(level):g}"
        return source.labels.word("multiverse.as_they_are" if share == "0" else "multiverse.clipped", share)
    if (choice, level) == ("weights", "none"):
        return source.labels.word("multiverse.weights_none")
    if (choice, level) == ("sample", "all"):
        return source.labels.word("multiverse.sample_all")
    return source.names([level])[level]


def draw_specification_curve(curve: pd.DataFrame, choices: pd.DataFrame, named: dict[tuple[str, str], str],
                             words: dict[str, str], ylabel: str) -> Figure:  # fmt: skip
    """Draw the median estimate and interval at each place, a strip of significance, and one strip for each level.

    Grey says how often a level stands at a place: white never, middle grey as often as on the whole, black twice as
    often or more.
    """
    import matplotlib.pyplot as plt

    groups = list(choices.groupby("choice", sort=False))
    heights = [CURVE_HEIGHT, 2 * ROW_HEIGHT, *(ROW_HEIGHT * part["level"].nunique() for _, part in groups)]
    ratios = {"height_ratios": heights, "hspace": 0.02}
    size = WIDTHS["full"], sum(heights) + 0.045 * len(heights) + 0.35
    figure, axes = plt.subplots(len(heights), 1, figsize=size, sharex=True, gridspec_kw=ratios)
    n = int(curve["place"].max()) + 1
    _draw_line(axes[0], curve, words["interval"], ylabel)
    rows = [curve["significant_positive"], curve["significant_negative"]]
    _draw_strip(axes[1], np.array(rows), ["> 0", "< 0"], words["significant"], n, top=1.0)
    for axis, (choice, part) in zip(axes[2:], groups, strict=True):
        wide = part.pivot(index="level", columns="place", values="share").loc[part["level"].drop_duplicates()]
        shares = wide.to_numpy() / np.maximum(wide.to_numpy().mean(axis=1, keepdims=True), 1e-12)
        _draw_strip(axis, shares, [named[choice, level] for level in wide.index], words[choice], n, top=2.0)
    axes[-1].set_xlim(0, n)
    return figure


def _draw_line(axis: object, curve: pd.DataFrame, interval: str, ylabel: str) -> None:
    """Draw the curve; the vertical axis holds the intervals of all but its ends."""
    x = curve["place"] + 0.5
    cut = int(np.ceil(TRIM * len(curve)))
    inner = curve.iloc[cut : len(curve) - cut] if len(curve) > 2 * cut else curve
    low, high = min(0.0, inner["lower"].min()), max(0.0, inner["upper"].max())
    axis.fill_between(x, curve["lower"], curve["upper"], color="0.86", linewidth=0, label=interval)
    axis.axhline(0, color="black", linewidth=0.6, linestyle="--")
    axis.plot(x, curve["estimate"], color="black", linewidth=1.4, linestyle="-", marker="")
    axis.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    axis.set_ylabel(ylabel)
    axis.tick_params(axis="x", length=0, labelbottom=False)
    axis.spines["bottom"].set_visible(False)
    axis.legend(loc="upper left", borderaxespad=0.2)


def _draw_strip(axis: object, shares: np.ndarray, levels: list[str], group: str, n: int, top: float) -> None:
    """Draw one row of greys for each level, the name of the choice on the right."""
    axis.imshow(shares, cmap="Greys", vmin=0, vmax=top, aspect="auto", extent=(0, n, len(levels), 0),
                interpolation="nearest")  # fmt: skip
    axis.set_yticks(np.arange(len(levels)) + 0.5, levels, fontsize=6.8)
    axis.tick_params(length=0, labelbottom=False)
    for line in range(1, len(levels)):
        axis.axhline(line, color="white", linewidth=0.8)
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.annotate(group, (1.008, 0.5), xycoords="axes fraction", va="center", fontsize=7)
