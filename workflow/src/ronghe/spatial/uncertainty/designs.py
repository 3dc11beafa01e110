"""Disturbances by which intervals and tests are tried, on the user's own regions, periods and residuals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError, listing


@dataclass(frozen=True)
class Disturbances:
    """Draws of disturbances (draw, unit, period) around a variance and a set of residuals (unit, period)."""

    sigma2: float
    residuals: np.ndarray

    @property
    def deviations(self) -> np.ndarray:
        """Standard deviations of the units' own residuals, of mean square one."""
        own = np.sqrt((self.residuals**2).mean(axis=1))
        return own / np.sqrt((own**2).mean())

    def draw(self, design: str, generator: np.random.Generator, count: int) -> np.ndarray:
        """Return disturbances of a design by name."""
        if design not in DESIGNS:
            raise RongheError(f"certificate: unknown design '{design}' (allowed: {listing(DESIGNS)})")
        return DESIGNS[design][0](self, generator, count)

    def scaled(self, sigma2: float) -> Disturbances:
        """Return the same shape at another variance."""
        return Disturbances(sigma2, self.residuals * np.sqrt(sigma2 / self.sigma2))

    def _normal(self, generator: np.random.Generator, count: int) -> np.ndarray:
        return np.sqrt(self.sigma2) * generator.standard_normal((count, *self.residuals.shape))

    def _serial(self, generator: np.random.Generator, count: int, phi: float) -> np.ndarray:
        e = self._normal(generator, count)
        for t in range(1, e.shape[2]):
            e[:, :, t] = phi * e[:, :, t - 1] + np.sqrt(1 - phi**2) * e[:, :, t]
        return e

    def _unequal(self, e: np.ndarray) -> np.ndarray:
        return e * self.deviations[:, None]

    def _flipped(self, generator: np.random.Generator, count: int) -> np.ndarray:
        return self.residuals * generator.choice([-1.0, 1.0], size=(count, len(self.residuals), 1))

    def _spatial(self, generator: np.random.Generator, count: int) -> np.ndarray:
        T = self.residuals.shape[1]
        return self.residuals @ generator.standard_normal((count, T, T)) / np.sqrt(T)


# Name: how it draws, and what it is in words.
DESIGNS: dict[str, tuple[Callable[[Disturbances, np.random.Generator, int], np.ndarray], str]] = {
    "independent": (Disturbances._normal, "independent, equal variances"),
    "heteroskedastic": (
        lambda d, g, n: d._unequal(d._normal(g, n)),
        "independent, the standard deviations of the regions' residuals",
    ),
    "ar5": (lambda d, g, n: d._serial(g, n, 0.5), "AR(1) of 0.5 within regions"),
    "ar9_unequal": (
        lambda d, g, n: d._unequal(d._serial(g, n, 0.9)),
        "AR(1) of 0.9 within regions, unequal deviations",
    ),
    "flipped": (Disturbances._flipped, "own residuals, their signs flipped by region"),
    "spatial": (Disturbances._spatial, "normal by year, with the covariance of the residuals between regions"),
}
