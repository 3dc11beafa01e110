"""Dynamic panels by generalised moments: differences and system, one and two steps, with Windmeijer's correction.

Ours, because neither linearmodels nor statsmodels has dynamic panels: `linearmodels.IVGMM` knows one set of instruments
for all rows, not one for each period, and no Windmeijer correction. Checked against plm and Arellano and Bond (1991,
table 4) to 1e-8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear.gmm_system import System


@dataclass(frozen=True)
class Steps:
    """One- and two-step estimates with what their tests need."""

    beta: np.ndarray
    covariance: np.ndarray
    plain: np.ndarray
    weight: np.ndarray
    residuals: list[np.ndarray]
    overidentification: float


def fit_moments(system: System, steps: int) -> Steps:
    """Return the estimates: A1 from the differences' own covariance, A2 from one-step residuals by unit.

    >>> from ronghe.linear.gmm_system import Arrays, assemble
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(40, 6)).cumsum(axis=1)
    >>> before = np.column_stack([np.full(40, np.nan), y[:, :-1]])[:, :, None]
    >>> system = assemble(Arrays(y, before, ["L1.y"], y[:, :, None], ["y"], "y"), levels=True)
    >>> fit_moments(system, steps=2).beta.shape == (len(system.names),)
    True
    """
    scaled, z, x = _in_own_units(system)
    found = _fit(scaled, steps)
    return replace(
        found,
        beta=found.beta / x,
        covariance=found.covariance / np.outer(x, x),
        plain=found.plain / np.outer(x, x),
        weight=found.weight / np.outer(z, z),
    )


def _in_own_units(system: System) -> tuple[System, np.ndarray, np.ndarray]:
    """Return the system with every instrument and regressor of size one, and the sizes.

    The generalised inverses of singular weights would otherwise rest on the units of the columns.
    """
    z = np.sqrt(sum(np.einsum("ij,ik,kj->j", Z, H, Z) for Z, H in zip(system.Z, system.H, strict=True)))
    x = np.sqrt(sum((X**2).sum(axis=0) for X in system.X))
    z, x = np.where(z > 0, z, 1.0), np.where(x > 0, x, 1.0)
    return replace(system, Z=[Z / z for Z in system.Z], X=[X / x for X in system.X]), z, x


def _fit(system: System, steps: int) -> Steps:
    ZX = sum(Z.T @ X for Z, X in zip(system.Z, system.X, strict=True))
    Zy = sum(Z.T @ y for Z, y in zip(system.Z, system.y, strict=True))
    A1 = np.linalg.pinv(sum(Z.T @ H @ Z for Z, H in zip(system.Z, system.H, strict=True)), hermitian=True)
    V1 = np.linalg.inv(ZX.T @ A1 @ ZX)
    b1 = V1 @ ZX.T @ A1 @ Zy
    e1 = [y - X @ b1 for y, X in zip(system.y, system.X, strict=True)]
    moments = np.array([Z.T @ e for Z, e in zip(system.Z, e1, strict=True)])
    omega = moments.T @ moments
    robust = V1 @ ZX.T @ A1 @ omega @ A1 @ ZX @ V1
    if steps == 1:
        summed = moments.sum(axis=0)
        differences = [e[:n] for e, n in zip(e1, system.n_differences, strict=True)]
        sigma2 = sum(float(d @ d) for d in differences) / 2 / (sum(system.n_differences) - len(system.names))
        sargan = float(summed @ A1 @ summed) / sigma2
        return Steps(b1, robust, robust, A1, e1, sargan)
    A2 = np.linalg.pinv(omega, hermitian=True)
    V2 = np.linalg.inv(ZX.T @ A2 @ ZX)
    b2 = V2 @ ZX.T @ A2 @ Zy
    e2 = [y - X @ b2 for y, X in zip(system.y, system.X, strict=True)]
    summed = sum(Z.T @ e for Z, e in zip(system.Z, e2, strict=True))
    D = windmeijer_derivative(system, ZX, A2, V2, moments, summed)
    corrected = V2 + D @ V2 + V2 @ D.T + D @ robust @ D.T
    return Steps(b2, corrected, V2, A2, e2, float(summed @ A2 @ summed))


def windmeijer_derivative(
    system: System, ZX: np.ndarray, A2: np.ndarray, V2: np.ndarray, moments: np.ndarray, summed: np.ndarray
) -> np.ndarray:
    """Return how the two-step estimate moves with the one-step one (Windmeijer 2005, eq. 2.8 and 3.1).

    Column k is V2 X'Z A2 [sum_i Z_i'(x_ik e_i' + e_i x_ik') Z_i] A2 Z'e2.
    """
    k = len(system.names)
    ZiXi = np.array([Z.T @ X for Z, X in zip(system.Z, system.X, strict=True)])
    D = np.empty((k, k))
    left = V2 @ ZX.T @ A2
    right = A2 @ summed
    for j in range(k):
        z = ZiXi[:, :, j]
        derivative = z.T @ moments
        D[:, j] = left @ ((derivative + derivative.T) @ right)
    return D


def serial_correlation(system: System, fitted: Steps, order: int) -> float:
    """Return Arellano and Bond's (1991, eq. 8) statistic of serial correlation in the differenced residuals."""
    ZX = sum(Z.T @ X for Z, X in zip(system.Z, system.X, strict=True))
    products, cross = [], []
    wX = np.zeros(len(system.names))
    columns = (system.Z, system.X, fitted.residuals, system.n_differences, system.difference_periods)
    for Z, X, e, n, periods in zip(*columns, strict=True):
        place = {t: i for i, t in enumerate(periods)}
        lagged = np.array([e[place[t - order]] if t - order in place else 0.0 for t in periods])
        products.append(float(lagged @ e[:n]))
        wX += lagged @ X[:n]
        cross.append(Z.T @ e)
    products = np.array(products)
    if not np.any(products):
        return float("nan")
    middle = np.linalg.inv(ZX.T @ fitted.weight @ ZX)
    Zew = np.array(cross).T @ products
    variance = products @ products - 2 * wX @ middle @ ZX.T @ fitted.weight @ Zew + wX @ fitted.covariance @ wX
    return float(products.sum() / np.sqrt(variance))


def require_full_rank(system: System) -> None:
    """Refuse regressors that do not vary in the equations, or that others explain, by name."""
    X = np.vstack(system.X)
    size = np.sqrt((X**2).sum(axis=0))
    if not size.all():
        raise RongheError(f"'{system.names[int(size.argmin())]}' does not vary in the equations; leave it out")
    triangle = np.abs(np.diag(np.linalg.qr(X / size, mode="r")))
    if len(triangle) < len(size) or triangle.min() < 1e-10:
        culprit = system.names[int(triangle.argmin())] if len(triangle) == len(size) else system.names[-1]
        raise RongheError(f"'{culprit}' is a combination of the regressors before it; leave one of them out")
