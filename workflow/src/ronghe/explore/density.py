"""Kernel densities of one variable by year, on a grid that all years share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing, require_count, require_positive
from ronghe.explore.regional_values import by_region_and_year


def silverman(values: np.ndarray) -> float:
    """Return Silverman's bandwidth 0.9 min(sd, IQR / 1.34) n^(-1/5) (1986, eq. 3.31).

    `scipy.stats.gaussian_kde` knows the rule only with the standard deviation and 1.06, which smooths away a second
    peak.
    """
    sd = values.std(ddof=1)
    spread = np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.34
    return 0.9 * (min(sd, spread) if spread > 0 else sd) * len(values) ** -0.2


def kernel_density(
    values: np.ndarray, grid: np.ndarray, bandwidth: float, bounds: tuple[float | None, float | None] = (None, None)
) -> np.ndarray:
    """Return the Gaussian kernel density of `values` at the points of `grid`.

    At a bound the mass that would leave is reflected (Silverman 1986, section 2.10): with a lower bound a the kernel
    of x is that of x and of 2a - x; between two bounds the images repeat with the period 2(b - a), and those that are
    more than eight bandwidths away are left out, so that the density has mass one between the bounds and none beyond.
    """
    low, high = bounds
    images = [values]
    if low is not None and high is not None:
        period = 2 * (high - low)
        turns = np.arange(-1, 2 + int(8 * bandwidth / period)) if 8 * bandwidth > period else np.arange(-1, 2)
        turns = np.unique(np.r_[turns, -turns])
        images = [side + turn * period for turn in turns for side in (values, 2 * low - values)]
    elif low is not None or high is not None:
        images.append(2 * (low if high is None else high) - values)
    z = (grid[:, None] - np.concatenate(images)[None, :]) / bandwidth
    density = np.exp(-0.5 * z * z).sum(axis=1) / (len(values) * bandwidth * np.sqrt(2 * np.pi))
    inside = (grid >= (-np.inf if low is None else low)) & (grid <= (np.inf if high is None else high))
    return np.where(inside, density, 0.0)


def densities_by_year(
    values: pd.Series,
    points: int = 256,
    bandwidth: float | None = None,
    cut: float = 4.0,
    bounds: tuple[float | None, float | None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return `densities` (year, value, density) and `shapes` (year: bandwidth, mean, sd, skewness, peaks, main peak).

    Gaussian kernel; each year's own Silverman bandwidth unless a number is given. The grid is the same for all years
    and reaches `cut` bandwidths beyond the data on both sides, or to the bounds where these are nearer, so that each
    density integrates to one.
    """
    panel = by_region_and_year(values)
    require_count(points, "kernel density: points", 2)
    require_positive(cut, "kernel density: cut")
    low, high = bounds or (None, None)
    outside = panel.lt(-np.inf if low is None else low) | panel.gt(np.inf if high is None else high)
    if outside.any(axis=None):
        raise RongheError(
            f"kernel density of '{values.name}': {listing(outside.index[outside.any(axis=1)])} lies outside the bounds "
            f"{low} to {high}"
        )
    if bandwidth is not None and not bandwidth > 0:
        raise RongheError(f"kernel density of '{values.name}': the bandwidth must be positive, not {bandwidth}")
    widths = {year: bandwidth or silverman(column.to_numpy()) for year, column in panel.items()}
    flat = [year for year, width in widths.items() if not width > 0]
    if flat:
        raise RongheError(f"kernel density of '{values.name}': all regions have the same value in {listing(flat)}")
    reach = cut * max(widths.values())
    y = panel.to_numpy()
    start = y.min() - reach if low is None else max(low, y.min() - reach)
    end = y.max() + reach if high is None else min(high, y.max() + reach)
    grid = np.linspace(start, end, points)
    densities, shapes = {}, {}
    for year, column in panel.items():
        x = column.to_numpy()
        f = kernel_density(x, grid, widths[year], (low, high))
        peaks = np.flatnonzero((f[1:-1] > f[:-2]) & (f[1:-1] >= f[2:])) + 1
        deviation = x - x.mean()
        densities[year] = pd.DataFrame({"value": grid, "density": f})
        shapes[year] = {
            "bandwidth": widths[year],
            "mean": x.mean(),
            "sd": x.std(ddof=1),
            "skewness": (deviation**3).mean() / (deviation**2).mean() ** 1.5,
            "peaks": len(peaks),
            "main_peak": grid[f.argmax()],
            "height": f.max(),
        }
    return {
        "densities": pd.concat(densities, names=["year"]).droplevel(1),
        "shapes": pd.DataFrame.from_dict(shapes, orient="index").rename_axis("year"),
    }
