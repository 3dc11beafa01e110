"""Panels that several test files share: a published one, and simulated ones whose truth is known."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache

import numpy as np
import pandas as pd
from ronghe.weights import Weights

REGRESSORS = ["ln_pcap", "ln_pc", "ln_emp", "unemp"]


@cache
def grid(units: tuple[Hashable, ...], periods: range, names: tuple[str, str] = ("unit", "period")) -> pd.MultiIndex:
    """Return the labels of all units in all periods: built once for the many panels of a simulation."""
    return pd.MultiIndex.from_product([units, periods], names=names)


def munnell_frame() -> pd.DataFrame:
    """Return Munnell's panel of 48 US states, 1970 to 1986, with the logarithms of output and capital."""
    from linearmodels.datasets import munnell as source

    raw = source.load()
    columns = {"ln_gsp": np.log(raw["GSP"]), "ln_pcap": np.log(raw["P_CAP"]), "ln_pc": np.log(raw["PC"])}
    columns |= {"ln_emp": np.log(raw["EMP"]), "unemp": raw["UNEMP"]}
    keys = pd.MultiIndex.from_arrays([raw["ST_ABB"], raw["YR"].astype(int)], names=["region", "year"])
    return pd.DataFrame({k: v.to_numpy(float) for k, v in columns.items()}, index=keys).sort_index()


def regression(kind: str = "fixed_effects", **changes: object) -> dict:
    """Return an entry for Munnell's panel."""
    base = {"name": "test", "kind": kind, "outcome": "ln_gsp", "treatment": "ln_pcap"}
    return base | {"controls": REGRESSORS[1:], "effects": "twoways"} | changes


def ring_weights(n: int) -> Weights:
    """Return a ring of n regions, two neighbours each, rows summing to one."""
    labels = [f"r{i:02d}" for i in range(n)]
    rows = [(labels[i], labels[(i + s) % n], 0.5) for i in range(n) for s in (-1, 1)]
    return Weights.from_edges(pd.DataFrame(rows, columns=["focal", "neighbor", "weight"]))


def linked_panel(seed: int = 0, n_units: int = 60, n_periods: int = 6, a: float = 0.8, b: float = 0.5) -> pd.DataFrame:
    """Return a panel in which x moves m, both move y, and the slope of x in g and z differs between units."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n_units)], range(2001, 2001 + n_periods)])
    index.names = ["region", "year"]
    n = len(index)
    unit, common = np.repeat(rng.normal(size=n_units), n_periods), np.tile(rng.normal(size=n_periods), n_units)
    x, w = rng.normal(size=n) + unit, rng.normal(size=n)
    m = a * x + 0.3 * w + unit + common + rng.normal(size=n)
    slope = np.where(np.repeat(np.arange(n_units) % 3 == 0, n_periods), 2.0, 1.0)
    y = 0.4 * x + b * m + 0.2 * w + 2 * unit + common + rng.normal(size=n)
    z = slope * x + 0.5 * m + 0.6 * x * m + 0.2 * w + unit + common + rng.normal(size=n) * 0.5
    g = slope * x + 0.5 * m + 0.2 * w + unit + common + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "w": w, "m": m, "z": z, "g": g}, index=index)


def linked_entry(kind: str, **changes: object) -> dict:
    """Return an entry for that panel."""
    base = {"name": "test", "kind": kind, "outcome": "y", "treatment": "x", "controls": ["w"], "effects": "twoways"}
    return base | changes


def null_panel(seed: int = 0, n_units: int = 30, n_periods: int = 6, effect: float = 0.0) -> pd.DataFrame:
    """Return a panel with five correlated treatments, of which only x0 has the given slope."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"r{i:02d}" for i in range(n_units)], range(2001, 2001 + n_periods)])
    index.names = ["region", "year"]
    n = len(index)
    common = rng.normal(size=n)
    frame = {f"x{j}": 0.7 * common + rng.normal(size=n) for j in range(5)}
    frame["y"] = effect * frame["x0"] + np.repeat(rng.normal(size=n_units), n_periods) + rng.normal(size=n)
    return pd.DataFrame(frame, index=index)


def uneven_ring(n: int) -> np.ndarray:
    """Neighbours on a ring, one more for every third unit, rows that sum to one."""
    W = np.zeros((n, n))
    for i in range(n):
        W[i, (i + 1) % n] = W[i, (i - 1) % n] = 1.0
        if i % 3 == 0:
            W[i, (i + 4) % n] = 1.0
    return W / W.sum(axis=1, keepdims=True)


def make_panel(n: int = 11, periods: int = 5, rho: float = 0.4, seed: int = 3, W: np.ndarray | None = None):
    """Return y, X, W of a small SDM with unequal variances."""
    from ronghe.weights.matrix import Weights
    from scipy import sparse

    rng = np.random.default_rng(seed)
    W = uneven_ring(n) if W is None else W
    x = rng.normal(size=(n, periods, 2)) + rng.normal(size=(n, 1, 2))
    e = rng.normal(size=(n, periods)) * np.linspace(0.5, 1.5, n)[:, None]
    right = x @ [1.0, -0.5] + W @ (x @ [0.5, 0.3]) + rng.normal(size=(n, 1)) + np.arange(periods) * 0.2 + e
    y = np.linalg.solve(np.eye(n) - rho * W, right)
    labels = [f"r{i:02d}" for i in range(n)]
    index = pd.MultiIndex.from_product([labels, range(2000, 2000 + periods)], names=["region", "year"])
    frame = pd.DataFrame(x.reshape(-1, 2), index=index, columns=["a", "b"])
    return pd.Series(y.ravel(), index=index, name="y"), frame, Weights(tuple(labels), sparse.csr_array(W), name="ring")
