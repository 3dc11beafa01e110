"""What other packages print for Munnell's panel, as recorded, with our number computed now.

Munnell's panel of 48 US states, 1970-1986, ships with linearmodels: ln gsp on ln pcap, ln pc, ln emp, unemp.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.errors import require_known
from ronghe.frames import read_csv
from ronghe.spatial.choice.hausman import hausman_test
from ronghe.spatial.random_effects.panel import RandomEffectsPanel
from ronghe.spatial.random_effects.score_tests import random_effects_tests
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.weights.matrix import Weights

COLUMNS = ["quantity", "package", "version", "value", "ours", "difference", "source", "note"]


def munnell_panel(neighbors: str | Path) -> tuple[pd.Series, pd.DataFrame, Weights]:
    """Return (y, X, W); `neighbors` lists pairs of states by postal code, each pair once or twice."""
    from linearmodels.datasets import munnell

    data = munnell.load().set_index(["ST_ABB", "YR"])
    data.index.names = ["unit", "period"]
    y = np.log(data["GSP"]).rename("gsp")
    X = pd.DataFrame({name: np.log(data[c]) for name, c in (("pcap", "P_CAP"), ("pc", "PC"), ("emp", "EMP"))})
    X["unemp"] = data["UNEMP"]
    pairs = read_csv(neighbors).iloc[:, :2].to_numpy()
    both = pd.DataFrame([*pairs, *pairs[:, ::-1]], columns=["focal", "neighbor"]).drop_duplicates()
    return y, X, Weights.from_edges(both.assign(weight=1.0), name="borders").standardise("row")


def compare_packages(figures: str | Path, neighbors: str | Path) -> pd.DataFrame:
    """Return every recorded figure beside ours."""
    table = read_csv(figures)
    known = our_figures(*munnell_panel(neighbors))
    values: dict[str, float] = {}
    for quantity in table["quantity"].unique():
        require_known(quantity, known, "quantity", str(figures))
        values[quantity] = float(known[quantity]())
    table["ours"] = table["quantity"].map(values)
    table["difference"] = table["value"] - table["ours"]
    return table[COLUMNS]


def our_figures(y: pd.Series, X: pd.DataFrame, W: Weights) -> dict[str, Callable[[], float]]:
    """Return how each quantity is computed here."""

    def sdm(effects: str, method: str) -> SpatialPanelResult:
        return SpatialPanel(y, X, W, model="sdm", effects=effects, method=method).fit()

    def impact(effect: str) -> float:
        return sdm("units", "lsdv").impacts().loc[("emp", effect), "estimate"]

    def hausman(model: str, errors: str) -> float:
        return hausman_test(y, X, W, model, errors, pd.DataFrame(index=y.index))["statistic"]

    def lm(code: str) -> float:
        return random_effects_tests(y, X, W).loc[code, "statistic"]

    return {
        "sdm_twoways_lsdv_rho": lambda: sdm("twoways", "lsdv").rho,
        "sdm_twoways_lee_yu_rho": lambda: sdm("twoways", "lee_yu").rho,
        "sdm_twoways_bias_corrected_rho": lambda: sdm("twoways", "bias_corrected").rho,
        "sdm_units_emp_direct": lambda: impact("direct"),
        "sdm_units_emp_total": lambda: impact("total"),
        "hausman_sar_kkp": lambda: hausman("sar", "kkp"),
        "hausman_sem_kkp": lambda: hausman("sem", "kkp"),
        "hausman_sem_baltagi": lambda: hausman("sem", "baltagi"),
        "lm_lambda_standardised": lambda: lm("error_standardised"),
        "lm_lambda_given_units": lambda: lm("error_given_units"),
        "lm_units_given_lambda": lambda: lm("units_given_error"),
        "lm_lambda_given_serial": lambda: lm("error_given_serial"),
        "lm_serial_given_lambda": lambda: lm("serial_given_error"),
        "lm_units_given_serial": lambda: lm("units_given_serial"),
        "re_sar_loglik": lambda: RandomEffectsPanel(y, X, W, "sar").fit().loglik,
        "re_sem_loglik": lambda: RandomEffectsPanel(y, X, W, "sem").fit().loglik,
    }
