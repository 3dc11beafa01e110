"""Lagrange multiplier tests for random unit effects, spatial and serial correlation of the errors of a pooled panel.

Marginal, joint and conditional: Baltagi, Song and Koh (2003), J. Econometrics 117 (LM1, LM2, their standardised forms,
the one-sided joint test and both conditional tests); Baltagi, Song, Jung and Koh (2007), J. Econometrics 140 (with
serial correlation). The conditional ones are score tests at restricted maximum likelihood estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtr

from ronghe.errors import RongheError
from ronghe.linear.algebra import least_squares
from ronghe.linear.inference import chi2_pvalue
from ronghe.spatial.grid import WeightsLike, read_panel_arrays
from ronghe.spatial.hypothesis_rows import coded_tests
from ronghe.spatial.random_effects.serial import SerialComponents
from ronghe.spatial.sufficient_statistics import lag
from ronghe.weights.matrix import Weights

LARGEST = 1500
WHERE = "random_effects_tests"


def random_effects_tests(y: pd.Series, X: pd.DataFrame, W: WeightsLike, serial: bool = True) -> pd.DataFrame:
    """Return all tests by code; with `serial=False` without those that concern serial correlation."""
    weights = Weights.coerce(W)
    panel = read_panel_arrays(y, X, weights.labels, WHERE)
    if panel.n_units > LARGEST:
        raise RongheError(f"{WHERE}: the tests use dense algebra, for up to {LARGEST} units ({panel.n_units} here)")
    Z = np.concatenate([np.ones((1, panel.n_periods, panel.n_units)), panel.X.transpose(2, 1, 0)])
    ratios = Ratios.of(panel.y.T, Z, weights)
    errors = SerialComponents(np.ascontiguousarray(panel.y.T), Z, weights.sparse.toarray())
    tests = ratios.marginal_tests() | conditional_tests(errors)
    if serial:
        tests |= {"joint_serial": ratios.joint_serial_test()} | serial_tests(errors)
    return coded_tests(tests)


@dataclass(frozen=True)
class Ratios:
    """Ratios e'De / e'e of least-squares residuals, and what their moments need."""

    residuals: np.ndarray
    Z: np.ndarray
    weights: Weights

    @classmethod
    def of(cls, y: np.ndarray, Z: np.ndarray, weights: Weights) -> Ratios:
        """Take the residuals of y (T, N) on Z (k, T, N)."""
        flat = Z.reshape(len(Z), -1)
        beta = least_squares(flat.T, y.reshape(-1))
        return cls(y - np.einsum("k,ktn->tn", beta, Z), Z, weights)

    @property
    def trace_b(self) -> float:
        """tr(W^2 + W'W)."""
        W = self.weights.sparse
        return float((W * W.T).sum() + (W * W).sum())

    @property
    def unit_ratio(self) -> float:
        """G = e'(J_T x I)e / e'e - 1."""
        e = self.residuals
        return float((e.sum(axis=0) ** 2).sum() / (e**2).sum() - 1)

    @property
    def spatial_ratio(self) -> float:
        """H = e'(I_T x (W + W')/2)e / e'e."""
        e = self.residuals
        return float((e * lag(self.weights.sparse, e.T).T).sum() / (e**2).sum())

    def marginal_tests(self) -> dict[str, dict]:
        """Return LM1, LM2, their standardised forms and the joint test (Baltagi, Song and Koh 2003, eq. 2.5-2.21)."""
        n_periods, n_units = self.residuals.shape
        unit = np.sqrt(n_units * n_periods / (2 * (n_periods - 1))) * self.unit_ratio
        spatial = np.sqrt(n_units**2 * n_periods / self.trace_b) * self.spatial_ratio
        joint = max(unit, 0.0) ** 2 + max(spatial, 0.0) ** 2
        return {
            "units": _one_sided("BSK LM1: no unit effects", unit),
            "units_standardised": _one_sided("BSK LM1, standardised", self.standardised("units")),
            "error": _two_sided("BSK LM2: no spatial error", spatial),
            "error_standardised": _two_sided("BSK LM2, standardised", self.standardised("space")),
            "joint": {
                "test": "BSK joint LM: neither",
                "statistic": joint,
                "df": 2,
                "pvalue": mixed_chi2_pvalue(joint),
                "note": "one-sided, mixture of chi-squared 0, 1, 2",
            },
        }

    def standardised(self, kind: str, symmetric: bool = True) -> float:
        """Return the ratio less its mean over its standard deviation, both exact under normality.

        For e = M v: mean tr(DM)/s and variance 2 (s tr(DMDM) - tr(DM)^2) / (s^2 (s + 2)), s = NT - k, D symmetric
        (Baltagi, Song and Koh 2003, eq. 2.9). With `symmetric=False` an asymmetric W is not replaced by its symmetric
        part in tr(DMDM), as some programs have it.
        """
        n_periods, n_units = self.residuals.shape
        k = len(self.Z)
        Z = self.Z.reshape(k, -1).T
        s = len(Z) - k
        inverse = np.linalg.inv(Z.T @ Z)
        W = self.weights.sparse

        def spread(values: np.ndarray, D: sparse.sparray) -> np.ndarray:
            cube = values.reshape(n_periods, n_units, -1)
            if kind == "units":
                return np.broadcast_to(cube.sum(axis=0), cube.shape).reshape(values.shape)
            return np.stack([D @ c for c in cube]).reshape(values.shape)

        DZ, DtZ = spread(Z, W), spread(Z, W.T)
        trace, square, crossed = {
            "units": (len(Z), len(Z) * n_periods, len(Z) * n_periods),
            "space": (0.0, n_periods * (W * W.T).sum(), n_periods * (W * W).sum()),
        }[kind]
        A, At = Z.T @ DZ @ inverse, Z.T @ DtZ @ inverse
        mean = trace - np.trace(A)
        dmdm = square - 2 * np.trace(DtZ.T @ DZ @ inverse) + np.trace(A @ A)
        dmdt = crossed - np.trace(DtZ.T @ DtZ @ inverse) - np.trace(DZ.T @ DZ @ inverse) + np.trace(A @ At)
        total = (dmdm + dmdt) / 2 if symmetric else dmdm
        variance = 2 * (s * total - mean**2) / (s**2 * (s + 2))
        ratio = self.unit_ratio + 1 if kind == "units" else self.spatial_ratio
        return float((ratio - mean / s) / np.sqrt(variance))

    def joint_serial_test(self) -> dict:
        """Return the joint test of no unit effects, serial or spatial correlation (BSJK 2007, eq. 3.3)."""
        e = self.residuals
        n_periods, n_units = e.shape
        A, H = self.unit_ratio, self.spatial_ratio
        F = float((e[1:] * e[:-1]).sum() / (e**2).sum())
        first = n_units * n_periods**2 / (2 * (n_periods - 1) * (n_periods - 2))
        statistic = first * (A**2 - 4 * A * F + 2 * n_periods * F**2) + n_units**2 * n_periods / self.trace_b * H**2
        return _chi2("BSJK joint LM: no unit effects, serial or spatial correlation", statistic, 3)


def conditional_tests(errors: SerialComponents) -> dict[str, dict]:
    """Return BSK's conditional tests: of each of spatial error and unit effects while the other may be present."""
    with_units = errors.maximise(("phi",))
    with_space = errors.maximise(("lambda",))
    nuisance = ("sigma2", "sigma2_units", "lambda")
    return {
        "error_given_units": _two_sided(
            "BSK conditional LM: no spatial error given unit effects",
            errors.signed_score(with_units, "lambda", nuisance),
        ),
        "units_given_error": _one_sided(
            "BSK conditional LM: no unit effects given spatial error",
            errors.signed_score(with_space, "sigma2_units", nuisance),
        ),
    }


def serial_tests(errors: SerialComponents) -> dict[str, dict]:
    """Return BSJK's three conditional tests, each at maximum likelihood estimates of the other two components."""
    names = {
        "error_given_serial": "BSJK C.1: no spatial error given serial correlation and unit effects",
        "serial_given_error": "BSJK C.2: no serial correlation given spatial error and unit effects",
        "units_given_serial": "BSJK C.3: no unit effects given serial and spatial correlation",
    }
    given = {
        "error_given_serial": (("psi", "phi"), "lambda"),
        "serial_given_error": (("lambda", "phi"), "psi"),
        "units_given_serial": (("psi", "lambda"), "sigma2_units"),
    }
    return {
        code: _chi2(names[code], errors.score_test(errors.maximise(free), (tested,)), 1)
        for code, (free, tested) in given.items()
    }


def mixed_chi2_pvalue(statistic: float) -> float:
    """Return P(chi-bar-squared > statistic) for weights 1/4, 1/2, 1/4 on 0, 1, 2 degrees of freedom."""
    return 1.0 if statistic <= 0 else chi2_pvalue(statistic, 1) / 2 + chi2_pvalue(statistic, 2) / 4


def _one_sided(name: str, z: float) -> dict:
    return {"test": name, "statistic": z, "df": 1, "pvalue": float(ndtr(-z)), "note": "standard normal, one-sided"}


def _two_sided(name: str, z: float) -> dict:
    return {"test": name, "statistic": z, "df": 1, "pvalue": float(2 * ndtr(-abs(z))), "note": "standard normal"}


def _chi2(name: str, statistic: float, df: int) -> dict:
    return {"test": name, "statistic": float(statistic), "df": df, "pvalue": chi2_pvalue(statistic, df)}
