"""Hansen's own program for panel thresholds, where it departs from his paper; for those who compare with its output."""

from __future__ import annotations

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear.absorption import demean
from ronghe.linear.threshold_search import Curve, Sample


def curve_of_program(sample: Sample, trim: float, earlier: tuple[float, ...] = ()) -> Curve:
    """Return sums of squares as the program of Hansen (1999) has them.

    It demeans by unit and then leaves out every unit's last period, calls the lower regime q < gamma, and tries 400
    quantiles of the distinct values. On his data: 0.0157 and F = 35.2, as published. Leaving out a period is no within
    estimator (the sum of squares depends on which one is left out); use it for comparison only.
    """
    layout = sample.layout
    if sample.effects != "units" or len(sample.y) != layout.n_units * layout.n_periods:
        raise RongheError("the convention hansen_program is for unit effects and a balanced panel")
    rows = layout.times < layout.n_periods - 1
    distinct = np.unique(sample.q)
    shares = trim + np.arange(int(round((1 - 2 * trim) * 400)) + 1) / 400
    values = np.unique(distinct[np.maximum(np.floor(shares * len(distinct)).astype(int) - 1, 0)])
    pieces = [sample.x * (sample.q < g)[:, None] for g in earlier]
    stay = demean(np.column_stack([sample.X, sample.x, *pieces]), layout.units)[rows]
    basis = np.linalg.qr(stay)[0]
    y = demean(sample.y[:, None], layout.units)[rows]
    e = (y - basis @ (basis.T @ y))[:, 0]
    null = float(e @ e)
    ssr = np.empty(len(values))
    for i, gamma in enumerate(values):
        z = demean(sample.x * (sample.q < gamma)[:, None], layout.units)[rows]
        z = z - basis @ (basis.T @ z)
        fitted = z @ np.linalg.lstsq(z, e, rcond=None)[0]
        ssr[i] = null - float(fitted @ fitted)
    return Curve(values, ssr, null)
