"""What the figures of a multiverse draw: the sorted curve with its choices, and densities of the effect by choice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.models.multiverse.declaration import CHOICES, Multiverse
from ronghe.models.multiverse.summary import LEVEL

# Places along the curve, each the middle of equally many specifications sorted by their estimates.
PLACES = 200
POINTS = 201
# Of densities: how far beyond the quartiles the axis reaches, in their distance.
REACH = 2.5
DENSITIES = ("weights", "model", "outcome", "treatment", "sample")
# Of the vibration plot: choices, cells of either axis, and the share of p-values that the vertical axis holds.
VIBRATIONS, CELLS, HELD = ("weights", "model", "outcome"), (60, 32), 0.998


def sorted_curve(frame: pd.DataFrame, multiverse: Multiverse) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the curve by place, and for each place the share of specifications with each level of each choice.

    The curve: median estimate and median interval at each place, and the shares significant in either direction.
    """
    used = frame[frame["refused"] == ""].sort_values(["estimate", "specification"])
    n = len(used)
    places = np.minimum(np.arange(n) * PLACES // max(n, 1), PLACES - 1)
    values, errors = used["estimate"].to_numpy(), used["std_error"].to_numpy()
    significant = used["pvalue"].to_numpy() < LEVEL
    lines = pd.DataFrame({
        "place": places, "estimate": values, "lower": values - 1.96 * errors, "upper": values + 1.96 * errors,
        "significant_positive": significant & (values > 0), "significant_negative": significant & (values < 0),
    }).groupby("place")  # fmt: skip
    curve = lines[["estimate", "lower", "upper"]].median()
    curve = curve.join(lines[["significant_positive", "significant_negative"]].mean()).reset_index()
    shares = []
    for choice in CHOICES:
        levels = [str(level) for level in multiverse.levels(choice)]
        inside = {level: (used[choice] == level).to_numpy() for level in levels}
        inside = {level: here for level, here in inside.items() if here.any()}
        if len(inside) > 1:
            shares += [_shares(places, here, choice, level) for level, here in inside.items()]
    bits = used["controls"].to_numpy()
    shares += [_shares(places, bits >> k & 1 == 1, "control", name) for k, name in enumerate(multiverse.choose)]
    return curve, pd.concat(shares, ignore_index=True)


def _shares(places: np.ndarray, inside: np.ndarray, choice: str, level: str) -> pd.DataFrame:
    count = np.bincount(places)
    share = np.bincount(places, weights=inside, minlength=len(count)) / np.maximum(count, 1)
    return pd.DataFrame({"choice": choice, "level": level, "place": np.flatnonzero(count), "share": share[count > 0]})


def densities(frame: pd.DataFrame, multiverse: Multiverse) -> pd.DataFrame:
    """Return the density of the estimates for each level of weights, model, outcome, treatment and sample.

    A Gaussian kernel with Silverman's robust width (1986, equation 3.31) on a common axis; what lies beyond the axis
    counts in the density and in the column `beyond`.
    """
    used = frame[frame["refused"] == ""]
    axis = np.linspace(*_reach(used), POINTS)
    rows = []
    for choice in DENSITIES:
        for level in map(str, multiverse.levels(choice)):
            values = used.loc[used[choice] == level, "estimate"].to_numpy()
            if len(values) > 1:
                beyond = float(((values < axis[0]) | (values > axis[-1])).mean())
                rows.append(pd.DataFrame({"choice": choice, "level": level, "estimate": axis,
                                          "density": _density(values, axis), "beyond": beyond}))  # fmt: skip
    columns = ["choice", "level", "estimate", "density", "beyond"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _reach(used: pd.DataFrame) -> tuple[float, float]:
    low, middle, high = used["estimate"].quantile([0.25, 0.5, 0.75])
    return middle - REACH * (high - low), middle + REACH * (high - low)


def vibrations(frame: pd.DataFrame, multiverse: Multiverse) -> pd.DataFrame:
    """Return for each level of some choices the share of its specifications in cells of effect and -log10 p.

    The vibration of effects of Patel, Burford and Ioannidis (2015). Cells without any are left out; what lies beyond
    the axes counts in the medians and in the column `beyond`. `height` is -log10 p.
    """
    used = frame[frame["refused"] == ""]
    values = used["estimate"].to_numpy()
    heights = -np.log10(np.maximum(used["pvalue"].to_numpy(), 1e-300))
    edges = np.linspace(*_reach(used), CELLS[0] + 1), np.linspace(0, np.quantile(heights, HELD), CELLS[1] + 1)
    middles = [(part[1:] + part[:-1]) / 2 for part in edges]
    rows = []
    for choice in VIBRATIONS:
        for level in map(str, multiverse.levels(choice)):
            here = (used[choice] == level).to_numpy()
            if here.any():
                share = np.histogram2d(values[here], heights[here], edges)[0] / here.sum()
                x, y = np.nonzero(share)
                rows.append(pd.DataFrame({
                    "choice": choice, "level": level, "estimate": middles[0][x], "height": middles[1][y],
                    "share": share[x, y], "median_estimate": np.median(values[here]),
                    "median_height": np.median(heights[here]), "beyond": 1 - share.sum(),
                }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _density(values: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Return a kernel density from counts on a grid eight times finer than the axis."""
    quartiles = np.quantile(values, [0.25, 0.75])
    step = (axis[1] - axis[0]) / 8
    spread = min(values.std(ddof=1), (quartiles[1] - quartiles[0]) / 1.349) or values.std(ddof=1)
    width = max(0.9 * spread * len(values) ** -0.2, 2 * step)
    edges = np.arange(axis[0] - 4 * width, axis[-1] + 4 * width + step, step)
    count = np.histogram(values, edges)[0]
    centres = edges[:-1] + step / 2
    kernel = np.exp(-0.5 * ((axis[:, None] - centres) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    return kernel @ count / len(values)
