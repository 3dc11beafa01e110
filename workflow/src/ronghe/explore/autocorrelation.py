"""Spatial dependence of variables, all years in one table: Moran's I, Geary's C, Getis and Ord's G, bivariate Moran.

Statistics and their moments are esda's (2.8). Its permutations are not used: they draw from NumPy's global state in the
order of rows, give one-sided pseudo p-values, and take 28 s where all years together take 3.6 s here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtr

from ronghe.errors import RongheError, listing, require_known, require_names
from ronghe.explore.permutation import by_name, orders, two_sided
from ronghe.late_imports import UNUSED_BY_PYSAL, late
from ronghe.weights.matrix import Weights
from ronghe.weights.wide import to_wide

STATISTICS = ["moran", "geary", "getis_ord"]
COLUMNS = ["variable", "year", "statistic", "value", "expected", "std_error", "z", "pvalue"]
COLUMNS += ["permuted_mean", "permuted_std", "permuted_pvalue", "permutations", "note"]
BIVARIATE = ["first", "second", "lag", "year", "moran"]
BIVARIATE += ["permuted_mean", "permuted_std", "permuted_pvalue", "joint_pvalue"]
# Draws handled at once: n x CHUNK numbers.
CHUNK = 500


@dataclass(frozen=True)
class Sums:
    """W with the sums that the statistics of permuted values share."""

    W: sparse.csr_array

    @cached_property
    def n(self) -> int:
        """Number of units."""
        return self.W.shape[0]

    @cached_property
    def margins(self) -> np.ndarray:
        """Row sums plus column sums."""
        return np.asarray(self.W.sum(axis=0)).ravel() + np.asarray(self.W.sum(axis=1)).ravel()

    @cached_property
    def s0(self) -> float:
        """Sum of all weights."""
        return float(self.W.sum())


def moran(sums: Sums, Y: np.ndarray) -> np.ndarray:
    """Return Moran's I of each column: (n / S0) z'Wz / z'z."""
    Z = Y - Y.mean(axis=0)
    return sums.n / sums.s0 * np.sum(Z * (sums.W @ Z), axis=0) / np.sum(Z * Z, axis=0)


def geary(sums: Sums, Y: np.ndarray) -> np.ndarray:
    """Return Geary's C of each column: (n - 1) sum w_ij (z_i - z_j)^2 / (2 S0 z'z)."""
    Z = Y - Y.mean(axis=0)
    squares = sums.margins @ (Z * Z) - 2 * np.sum(Z * (sums.W @ Z), axis=0)
    return (sums.n - 1) / (2 * sums.s0) * squares / np.sum(Z * Z, axis=0)


def getis_ord(sums: Sums, Y: np.ndarray) -> np.ndarray:
    """Return Getis and Ord's G of each column: sum w_ij y_i y_j over the sum of y_i y_j, i and j different."""
    return np.sum(Y * (sums.W @ Y), axis=0) / (Y.sum(axis=0) ** 2 - np.sum(Y * Y, axis=0))


FORMULAS: dict[str, Callable[[Sums, np.ndarray], np.ndarray]] = {
    "moran": moran,
    "geary": geary,
    "getis_ord": getis_ord,
}


class Moments:
    """Statistic, mean and variance under randomisation, by esda, of weights as they are and as yes or no."""

    def __init__(self, W: Weights) -> None:
        # esda's G turns the weights that it is given into yes or no, for good.
        self.weighted, self.counted = (W.to_graph().to_W() for _ in range(2))

    def __call__(self, statistic: str, y: np.ndarray) -> tuple[float, float, float]:
        """Return value, mean and variance of a statistic of one variable in one year."""
        with late(*UNUSED_BY_PYSAL):
            from esda import G, Geary, Moran

        if statistic == "moran":
            found = Moran(y, self.weighted, transformation="O", permutations=0)
            return found.I, found.EI, found.VI_rand
        if statistic == "geary":
            found = Geary(y, self.weighted, transformation="O", permutations=0)
            return found.C, found.EC, found.VC_rand
        found = G(y, self.counted, permutations=0)
        return found.G, found.EG, found.VG


def global_tests(
    panel: pd.DataFrame,
    W: Weights,
    statistics: Sequence[str] = tuple(STATISTICS),
    permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Test every column of a (region, year) panel in every year; p-values are two-sided, by moments and by permutation.

    G takes the weights as yes or no, as esda and spdep do; where a variable has values that are not positive, or
    every pair is linked, G says nothing and its row is empty with a note.
    """
    for statistic in require_names(statistics, "spatial dependence: statistics"):
        require_known(statistic, STATISTICS, "statistic", "spatial dependence")
    W = by_name(Weights.coerce(W))
    _refuse_few(W)
    perms = orders(W.n, permutations, seed)
    binary = W.sparse.copy()
    binary.data = np.ones_like(binary.data)
    weighted, counted, moments = Sums(W.sparse), Sums(binary), Moments(W)
    rows = []
    for variable in panel:
        wide = varying(to_wide(panel[variable], W, name=variable))
        for statistic in statistics:
            sums = counted if statistic == "getis_ord" else weighted
            for year in wide:
                y = wide[year].to_numpy()
                note = _unfit(statistic, sums, y)
                tested = [np.nan] * 8 if note else _test(statistic, moments, sums, y, perms)
                rows.append((variable, year, statistic, *tested, permutations, note))
    return pd.DataFrame(rows, columns=COLUMNS)


def _test(statistic: str, moments: Moments, sums: Sums, y: np.ndarray, perms: np.ndarray) -> tuple[float, ...]:
    """Return value, moments, z, p, and the same by permutation.

    The p-value is two-sided and taken from the nearer tail: esda's of C and G is one-sided, 1 - cdf, zero from z = 8.
    """
    value, mean, variance = moments(statistic, y)
    z = (value - mean) / np.sqrt(variance)
    blocks = range(0, len(perms), CHUNK)
    simulated = np.concatenate([FORMULAS[statistic](sums, y[perms[start : start + CHUNK]].T) for start in blocks])
    by_draws = simulated.mean(), simulated.std(ddof=1), float(two_sided(np.array(value), simulated))
    return value, mean, np.sqrt(variance), z, 2 * ndtr(-abs(z)), *by_draws


def _refuse_few(W: Weights) -> None:
    """Refuse weights without edges or with too few units for the moments."""
    if W.n < 4 or W.sparse.nnz == 0:
        raise RongheError(f"{W.name}: needs four units and one edge, there are {W.n} and {W.sparse.nnz}")


def varying(wide: pd.DataFrame) -> pd.DataFrame:
    """Return units x periods as they are, or refuse periods in which all units have the same value."""
    values = wide.to_numpy()
    flat = np.ptp(values, axis=0) <= 1e-14 * np.abs(values).max(axis=0)
    if flat.any():
        raise RongheError(f"no variation between units in {listing(wide.columns[flat])}; leave these years out")
    return wide


def _unfit(statistic: str, sums: Sums, y: np.ndarray) -> str:
    """Say why G is of no use here, or nothing."""
    if statistic != "getis_ord":
        return ""
    if (y <= 0).any():
        return "needs positive values"
    return "every pair is linked" if sums.W.nnz == sums.n * (sums.n - 1) else ""


def bivariate_tests(
    panel: pd.DataFrame,
    pairs: Iterable[tuple[str, str]],
    W: Weights,
    lag: int = 0,
    permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Relate x in a year to its neighbours' y, `lag` years before (Anselin, Syabri and Smirnov 2002).

    I = (n / S0) x'Wy / sqrt(x'x y'y) of deviations from the year's mean. A variable paired with itself and a lag
    shows how far the neighbours' past goes with the present. `permuted_pvalue` shuffles y over units, as esda does,
    which also tears apart x and y of the same place; `joint_pvalue` moves both together, so that only the places
    are shuffled. For x with itself in the same year the second is the test of Moran's I.
    """
    W = by_name(Weights.coerce(W))
    _refuse_few(W)
    perms, scale = orders(W.n, permutations, seed), W.n / W.sparse.sum()
    rows = []
    for first, second in pairs:
        x_wide, y_wide = (varying(to_wide(panel[v], W, name=v)) for v in (first, second))
        for year in x_wide:
            if year - lag not in y_wide:
                continue
            x, y = (_standard(wide[when].to_numpy()) for wide, when in ((x_wide, year), (y_wide, year - lag)))
            # x'Wy = (W'x)'y: the permuted y need no lag of their own.
            pull = scale * (W.sparse.T @ x)
            simulated = y[perms] @ pull
            together = scale * np.einsum("pi,ip->p", x[perms], W.sparse @ y[perms].T)
            p, joint = (float(two_sided(np.array(pull @ y), draws)) for draws in (simulated, together))
            rows.append((first, second, lag, year, pull @ y, simulated.mean(), simulated.std(ddof=1), p, joint))
    return pd.DataFrame(rows, columns=BIVARIATE)


def _standard(y: np.ndarray) -> np.ndarray:
    """Return deviations from the mean, of length one."""
    z = y - y.mean()
    return z / np.linalg.norm(z)
