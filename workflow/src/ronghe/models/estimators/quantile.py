"""Panel quantiles by moments: how the treatment moves the lower and the upper part of the outcome's distribution."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, listing
from ronghe.linear.bootstrap import unit_draws
from ronghe.linear.inference import coefficient_table, covariance_table, test_table
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.models.design.design import Design, build
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import facts
from ronghe.models.terms import group_name

# Standard errors and quantiles rest on a positive scale; more cells without one than this say the model is wrong.
MOST_NEGATIVE = 0.1


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit y = a_i + x'b + (d_i + x'g) u by moments (Machado and Santos Silva 2019), and give b + g q(tau).

    Location is a within regression, scale a within regression of |residual|, and q(tau) the quantile of the scaled
    residuals; fixed effects thus move location and scale, and quantiles cannot cross where the scale is positive. The
    bias is of order 1/T and large in short panels: with eight periods and truths -0.28, 1 and 2.28 at quantiles 0.1,
    0.5 and 0.9 a simulation gave -0.03, 0.99 and 2.00. The split-panel jackknife (Dhaene and Jochmans 2015, eq. 2.6),
    on by default, gave -0.33, 0.98 and 2.30. Errors come from resampling whole units.
    The maintained packages have no panel quantiles by moments; statsmodels' QuantReg has no fixed effects.
    """
    design = build(specification, data)
    effects = specification["effects"]
    quantiles = specification["quantiles"]
    repetitions = specification["repetitions"]
    jackknife = specification["jackknife"]
    # The plain fit first: it names regressors that cannot be told apart.
    by_moments(design.y, design.X, design.layout, effects, quantiles, design.names)
    every, negative = estimates(design.y, design.X, design.layout, effects, quantiles, jackknife)
    negative_scale = _judged(design, negative, specification["negative_scale"])
    draws, negative_scale["resamples"] = _draws(design, effects, quantiles, jackknife, repetitions, data.seed)
    parts = [*(f"q{tau:g}" for tau in quantiles), "location", "scale"]
    terms = [group_name(name, part) for part in parts for name in design.names]
    cov = np.cov(draws, rowvar=False)
    k = len(design.names)
    spread = every[-k:] / np.sqrt(np.diag(cov)[-k:])
    table = coefficient_table(terms, every, cov)
    note = "the effect is the same at all quantiles"
    pvalues = table["pvalue"].to_numpy()[-k:]
    tests = [
        {"test": f"no effect on scale: {n}", "statistic": s, "df": 1, "pvalue": p, "note": note}
        for n, s, p in zip(design.names, spread, pvalues, strict=True)
    ]
    path = table.iloc[: len(quantiles) * k].copy()
    path.insert(0, "quantile", np.repeat(quantiles, k))
    path["term"] = design.names * len(quantiles)
    return Estimate(
        coefficients=table,
        covariance=covariance_table(terms, cov),
        tests=test_table(tests),
        fit=facts(
            specification,
            "moment_quantiles_jackknife" if jackknife else "moment_quantiles",
            design.facts(),
            "location and scale",
            covariance={"cov_type": "bootstrap", "cluster": ["units"]},
            quantiles=list(quantiles),
            repetitions=repetitions,
            negative_scale=negative_scale,
        ),
        tables={"quantiles": pd.DataFrame(path)},
    )


def by_moments(
    y: np.ndarray,
    X: np.ndarray,
    layout: Layout,
    effects: str,
    quantiles: list[float],
    names: list[str] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients by quantile (quantile x regressor), of location, and of scale (section 3.1, steps 1 to 5).

    Last come the rows whose fitted scale is not positive: they have no scaled residual, and no part in the quantiles.

    The scale is fitted to 2 R (1(R >= 0) - mean 1(R >= 0)), which has the mean of |R| conditional on x and is what the
    authors' xtqreg uses.
    """
    location = fit_least_squares(y, X, layout, effects, names)
    R = location.residuals
    above = R >= 0
    size = 2 * R * (above - above.mean())
    scale = fit_least_squares(size, X, layout, effects, names)
    fitted = size - scale.residuals
    negative = fitted <= 0
    if negative.mean() > MOST_NEGATIVE:
        raise RongheError(f"the fitted scale is negative in {negative.mean():.0%} of the rows; use fewer regressors")
    q = np.quantile((R / fitted)[~negative], quantiles)
    return location.coefficients + q[:, None] * scale.coefficients, location.coefficients, scale.coefficients, negative


def estimates(
    y: np.ndarray, X: np.ndarray, layout: Layout, effects: str, quantiles: list[float], jackknife: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients by quantile, of location and of scale in one row; less the bias of order 1/T if asked.

    Beside them the rows with a negative scale, in the whole panel or in its half.
    """
    negative = np.zeros(len(y), dtype=bool)

    def flat(rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        part = by_moments(y[rows], X[rows], Layout(layout.units[rows], times), effects, quantiles)
        negative[rows] |= part[3]
        return np.concatenate([part[0].ravel(), part[1], part[2]])

    whole = flat(np.ones(len(y), dtype=bool), layout.times)
    if not jackknife:
        return whole, negative
    early = layout.times < layout.n_periods // 2
    halves = [flat(half, layout.times[half] - layout.times[half].min()) for half in (early, ~early)]
    return 2 * whole - np.mean(halves, axis=0), negative


def _judged(design: Design, negative: np.ndarray, rule: str) -> dict:
    """Return what fit.json says of cells with a negative scale; refuse them unless they are to be reported."""
    cells = [(str(region), int(year)) for region, year in design.index[negative]]
    if cells and rule == "refuse":
        named = listing([f"{region} {year}" for region, year in cells], 10)
        raise RongheError(
            f"the fitted scale is negative in {len(cells)} of {len(negative)} cells: {named}; quantiles have no "
            "meaning there. Use fewer regressors or a longer panel, or set negative_scale: report, which leaves these "
            "cells out of the quantiles and names them in fit.json"
        )
    regions = list(dict.fromkeys(region for region, _ in cells))
    return {"rule": rule, "n_cells": len(cells), "regions": regions, "cells": [list(cell) for cell in cells]}


def _draws(
    design: Design, effects: str, quantiles: list[float], jackknife: bool, repetitions: int, seed: int
) -> tuple[np.ndarray, dict]:
    """Return all coefficients in resamples of whole units; a unit drawn twice counts as two units.

    Beside them how many resamples had cells with a negative scale, and how many could not be fitted.
    """
    layout = design.layout
    rows = [np.flatnonzero(layout.units == u) for u in range(layout.n_units)]
    draws, with_negative = [], 0
    for counts in unit_draws(layout.n_units, repetitions, seed).astype(int):
        picked = np.repeat(np.arange(layout.n_units), counts)
        place = np.concatenate([rows[u] for u in picked])
        units = np.repeat(np.arange(len(picked)), [len(rows[u]) for u in picked])
        copy = Layout(units, layout.times[place])
        try:
            values, negative = estimates(design.y[place], design.X[place], copy, effects, quantiles, jackknife)
        except RongheError:
            continue
        draws.append(values)
        with_negative += bool(negative.any())
    if len(draws) < repetitions * 0.9:
        raise RongheError(f"only {len(draws)} of {repetitions} resamples could be fitted; use fewer regressors")
    return np.array(draws), {"with_negative_scale": with_negative, "not_fitted": repetitions - len(draws)}
