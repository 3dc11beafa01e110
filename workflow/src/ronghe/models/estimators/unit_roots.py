"""Panel unit roots: Levin-Lin-Chu, Im-Pesaran-Shin, Fisher and CIPS, with p-values for the panel's own size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.inference import test_table
from ronghe.linear.unit_roots import Deterministic, Null, statistics
from ronghe.models.design.design import column, terms_of
from ronghe.models.design.sample import sample_mask
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import facts, without_coefficients

WORDS = {
    "levin_lin_chu": "Levin-Lin-Chu",
    "im_pesaran_shin": "Im-Pesaran-Shin t-bar",
    "fisher": "Fisher (Maddala-Wu)",
    "cips": "Pesaran CIPS",
}
LARGE_T = {"levin_lin_chu": 25, "im_pesaran_shin": 10, "fisher": 25, "cips": 10}


def estimate(specification: dict, data: Data) -> Estimate:
    """Test every variable, in levels and in changes, for a unit root in all regions.

    The published tables and the normal approximations rest on a long panel: Levin, Lin and Chu (2002, table 2) start at
    T = 25, Im, Pesaran and Shin (2003, table 3) and Pesaran (2007, table 2) at T = 10. p-values and critical values
    here come from the same statistics on simulated independent random walks of the panel's own N and T, so the size
    holds for Gaussian independent regions however short the panel. Power does not: with eight years a panel test can
    hardly tell a persistent series from a random walk, and only CIPS allows for common shocks.
    """
    terms = terms_of(specification, "variables")
    frame = pd.DataFrame({t.name: column(t, data) for t in terms})
    frame = frame[sample_mask(specification["sample"], frame, data)].sort_index()
    deterministic = Deterministic(trend=specification["trend"], lags=specification["lags"])
    wide = {name: frame[name].unstack(level=1).to_numpy(float) for name in frame}
    gaps = [name for name, values in wide.items() if not np.isfinite(values).all()]
    if gaps:
        raise RongheError(f"unit-root tests need balanced series without gaps: {', '.join(gaps)}")
    n_units, n_periods = next(iter(wide.values())).shape
    deterministic.require(n_periods - 1)
    repetitions = specification["repetitions"]
    rows = []
    for form, loss in (("level", 0), ("change", 1)):
        null = Null.simulate(n_units, n_periods - loss, deterministic, repetitions, data.seed + loss)
        for name, values in wide.items():
            series = np.diff(values, axis=1) if loss else values
            for test, statistic in statistics(series[None], deterministic, null.single).items():
                rows.append(_row(name, form, test, float(statistic[0]), null.draws[test]))
    table = pd.DataFrame(rows)
    note = f"p from {repetitions} simulated panels of {n_units} x {n_periods}"
    sample = {"outcome": None, "regressors": [t.name for t in terms], "nobs": n_units * n_periods}
    held = facts(
        specification,
        "simulated_null",
        sample | {"n_units": n_units, "n_periods": n_periods},
        "unit_roots",
        "trends" if deterministic.trend else "constants",
        lags=deterministic.lags,
        repetitions=repetitions,
    )
    tests = test_table([_test(row, note, n_periods) for row in rows])
    return without_coefficients(held, tests, {"unit_roots": table})


def _row(variable: str, form: str, test: str, statistic: float, draws: np.ndarray) -> dict:
    """Return a statistic with simulated p-value and critical values; Fisher's rejects when large, others when small."""
    large = test == "fisher"
    beyond = draws >= statistic if large else draws <= statistic
    critical = np.quantile(draws, [0.99, 0.95, 0.9] if large else [0.01, 0.05, 0.1])
    return {
        "variable": variable,
        "form": form,
        "test": test,
        "statistic": statistic,
        "pvalue": (1 + int(beyond.sum())) / (1 + len(draws)),
        "critical_1": critical[0],
        "critical_5": critical[1],
        "critical_10": critical[2],
    }


def _test(row: dict, note: str, n_periods: int) -> dict:
    short = n_periods < LARGE_T[row["test"]]
    warning = f"; published tables start at T = {LARGE_T[row['test']]}" if short else ""
    label = f"{WORDS[row['test']]}: {row['variable']} ({row['form']})"
    return {"test": label, "statistic": row["statistic"], "pvalue": row["pvalue"], "note": note + warning}
