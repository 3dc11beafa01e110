"""The bias of a dynamic spatial panel over few periods, or with dummies for time, and estimates without it."""

from __future__ import annotations

import numpy as np

from ronghe.errors import RongheError
from ronghe.linear.algebra import inverse_scaled
from ronghe.spatial.dynamic.information import information
from ronghe.spatial.dynamic.process import WHERE, Process


def corrected(process: Process, theta: np.ndarray) -> tuple[np.ndarray, int]:
    """Return theta + Sigma^-1 a_1 / T (+ Sigma^-1 a_2 / N with dummies for time), and the unit roots set aside.

    a_1 is Yu, de Jong and Lee (2008, eq. 17), a_2 the vector of Lee and Yu (2010, ET, eq. 29): (0, 1'G1/N,
    1/(2 sigma2)) in (b, rho, sigma2).
    """
    n_units, n_periods = process.size
    inverse = inverse_scaled(information(process, theta))
    result, removed = theta, 0
    if process.projection.has_units:
        first, removed = time_bias(process, theta)
        result = result + inverse @ first / n_periods
    if process.has_time_dummies:
        second = np.zeros(len(theta))
        ones = np.ones(n_units)
        second[-2] = ones @ (process.weights.sparse @ process.log_determinant.solve(theta[-2], ones)) / n_units
        second[-1] = 1 / (2 * theta[-1])
        result = result + inverse @ second / n_units
    return result, removed


def time_bias(process: Process, theta: np.ndarray) -> tuple[np.ndarray, int]:
    """Return a_1 = (tr D^-1 / n, tr W D^-1 / n, 0, tr W D^-1 / n, 1/(2 sigma2)), D = (1 - phi) I - (rho + psi) W.

    This is the published vector in short: with A = S^-1 (phi I + psi W), (I - A)^-1 S^-1 = D^-1 and
    phi tr(G D^-1) + psi tr(G W D^-1) + tr G = tr(W D^-1). Roots of A above 1 - 1/n are taken for unit roots, as
    in Yu, de Jong and Lee (2012, J. Econometrics 167, theorem 2): A loses them and T / (2 (1 - rho)) takes
    their place; except with dummies for time, where no theory covers them.
    """
    phi, psi = process.persistence(theta)
    rho, sigma2 = theta[-2], theta[-1]
    n_units, n_periods = process.size
    removed, omega = 0, process.eigenvalues
    if omega is not None:
        roots = process.roots(theta)
        unit = np.zeros(len(omega), bool) if process.has_time_dummies else roots.real > 1 - 1 / n_units
        removed = int(unit.sum())
        D = (1 - np.where(unit, 0.0, roots)) * (1 - rho * omega)
        own = float((1 / D).sum().real)
        spatial = float((omega / D).sum().real)
        # The same as `spatial` where A is whole; with roots set aside, phi tr(G D^-1) + psi tr(G W D^-1) + tr G.
        cross = float((omega / (1 - rho * omega) * ((phi + psi * omega) / D + 1)).sum().real)
        extra = removed / n_units * n_periods / (2 * (1 - rho))
    else:
        own, spatial = _traces_of_inverse(process, phi, rho + psi)
        cross, extra = spatial, 0.0
    own, spatial, cross = (x / n_units + extra for x in (own, spatial, cross))
    bias = np.zeros(len(theta))
    if process.time_lag:
        bias[0] = own
    if process.space_time_lag:
        bias[int(process.time_lag)] = spatial
    bias[-2], bias[-1] = cross, 1 / (2 * sigma2)
    return bias, removed


def _traces_of_inverse(process: Process, phi: float, c: float) -> tuple[float, float]:
    """Return tr D^-1 and tr W D^-1, D = (1 - phi) I - c W, from the log-determinant of a large W."""
    a, ln_det = c / (1 - phi), process.log_determinant
    if not ln_det.bounds[0] < a < ln_det.bounds[1] or phi >= 1:
        raise RongheError(
            f"{WHERE}: the process is not stable (phi + rho + psi = {phi + c:.4f}), and no bias "
            "correction exists; use bias_corrected=False or difference the data"
        )
    spatial = -ln_det.derivatives(a)[1] / (1 - phi)
    own = (process.panel.n_units + a * spatial * (1 - phi)) / (1 - phi)
    # The root at w = 1 belongs to the time effects, which are out.
    unit = 1 / (1 - phi - c) if process.transforms_units else 0.0
    return own - unit, spatial - unit


def probed_shift(process: Process, theta: np.ndarray) -> np.ndarray:
    """Return how far the standard error of probed traces moves the corrected estimates; zeros where they are exact."""
    phi, psi = process.persistence(theta)
    n_units, n_periods = process.size
    a, moved = (theta[-2] + psi) / (1 - phi), np.zeros(len(theta))
    spatial = process.log_determinant.errors(a)[1] / (1 - phi) / n_units
    if spatial == 0 or not process.projection.has_units:
        return moved
    if process.time_lag:
        moved[0] = abs(a) * spatial
    if process.space_time_lag:
        moved[int(process.time_lag)] = spatial
    moved[-2] = spatial
    return np.abs(inverse_scaled(information(process, theta))) @ moved / n_periods
