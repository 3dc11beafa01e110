"""Which units a threshold rests on: who lies on which side, who crosses, and what is left without each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.threshold_search import Sample, Search, candidates
from ronghe.linear.threshold_tests import Settings, judged, sign_bootstrap

MOST_DECIDING = 100
COLUMNS = [
    *("region", "crosses", "rows_outside", "treatment", "threshold", "statistic", "pvalue"),
    *("estimate_lower", "estimate_upper", "note"),
]


def rows_by_regime(regime: np.ndarray, layout: Layout) -> np.ndarray:
    """Return how many rows each unit has in each regime (unit x regime)."""
    counts = np.zeros((layout.n_units, int(regime.max()) + 1), dtype=int)
    np.add.at(counts, (layout.units, regime), 1)
    return counts


def regime_facts(regime: np.ndarray, layout: Layout, labels: Sequence[object]) -> dict:
    """Return what fit.json says: rows and units of each regime, and which units are in more than one."""
    counts = rows_by_regime(regime, layout)
    crossing = (counts > 0).sum(axis=1) > 1
    return {
        "regime_rows": counts.sum(axis=0).tolist(),
        "regime_regions": [[str(labels[u]) for u in np.flatnonzero(column)] for column in counts.T],
        "regions_crossing": [str(labels[u]) for u in np.flatnonzero(crossing)],
        "n_regions_crossing": int(crossing.sum()),
    }


def deciding_units(regime: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Return the units with rows outside the largest regime, on which the difference of slopes rests; and how many."""
    counts = rows_by_regime(regime, layout)
    outside = counts.sum(axis=1) - counts[:, counts.sum(axis=0).argmax()]
    return np.flatnonzero(outside), outside


def too_many(regime: np.ndarray, layout: Layout) -> list[str]:
    """Return a note where so many units decide a threshold that it is not searched again without each; else none."""
    deciding = len(deciding_units(regime, layout)[0])
    if deciding <= MOST_DECIDING:
        return []
    return [
        f"the threshold is not searched again without each region: it rests on {deciding:,} of them (more than "
        f"{MOST_DECIDING}), and on none alone"
    ]


def without_unit(sample: Sample, unit: int) -> Sample:
    """Return the sample without one unit, the codes of units and periods counted anew."""
    rows = sample.layout.units != unit
    units, times = (np.unique(c[rows], return_inverse=True)[1] for c in (sample.layout.units, sample.layout.times))
    parts = {name: getattr(sample, name)[rows] for name in ("y", "X", "x", "q")}
    return replace(sample, layout=Layout(units, times), **parts)


def without_each(
    sample: Sample, settings: Settings, threshold: float, treatment: list[str], labels: Sequence[object], seed: int
) -> pd.DataFrame:
    """Search the first threshold again without each unit that decides it: break, F, p by signs, slope on either side.

    A search that cannot be made is a row with a note. Where more than MOST_DECIDING units decide, none does alone: the
    table is empty, and `too_many` says so.

    >>> from ronghe.linear import Layout
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(12), 6), times=np.tile(np.arange(6), 12))
    >>> x, z, q = rng.normal(size=(3, 72))
    >>> y = np.where(q <= 0.5, 2.0, 0.0) * x + 0.1 * rng.normal(size=72)
    >>> sample = Sample(y, z[:, None], x[:, None], q, layout, "units")
    >>> settings = Settings(most=1, repetitions=9)
    >>> without_each(sample, settings, 0.5, ["x"], list("abcdefghijkl"), seed=1).columns[0]
    'region'
    """
    regime = (sample.q > threshold).astype(int)
    units, outside = deciding_units(regime, sample.layout)
    if too_many(regime, sample.layout):
        return pd.DataFrame(columns=COLUMNS)
    crosses = (rows_by_regime(regime, sample.layout) > 0).all(axis=1)
    rows = []
    for unit in units:
        first = (str(labels[unit]), bool(crosses[unit]), int(outside[unit]))
        try:
            found = _one_threshold(without_unit(sample, unit), settings, seed)
        except RongheError as error:
            rows += [(*first, name, *[np.nan] * 5, str(error)) for name in treatment]
            continue
        gamma, statistic, pvalue, slopes = found
        for j, name in enumerate(treatment):
            rows.append((*first, name, gamma, statistic, pvalue, slopes[j], slopes[len(treatment) + j], ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def _one_threshold(sample: Sample, settings: Settings, seed: int) -> tuple[float, float, float, np.ndarray]:
    search = Search(sample, candidates(sample.q, settings.search, settings.trim))
    curve = search.curve(sample.y)
    statistic = curve.statistic(sample.df)
    pvalue, _ = judged(sign_bootstrap(search, sample, settings.repetitions, seed), statistic)
    below = (sample.q <= curve.best)[:, None]
    X = np.column_stack([sample.x * below, sample.x * ~below, sample.X])
    fit = fit_least_squares(sample.y, X, sample.layout, sample.effects)
    return curve.best, statistic, pvalue, fit.coefficients
