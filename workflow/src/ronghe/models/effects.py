"""Direct, indirect and total effects of a regressor, exact, with standard errors by the delta method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.models.fitted import FittedModel

EFFECT_NAMES = ("direct", "indirect", "total")


@dataclass(frozen=True)
class Multipliers:
    """Mean diagonals and mean row sums of S^-1 and S^-1 W, with their derivatives in rho.

    LeSage and Pace (2009, equations 2.46-2.48): the effect of regressor k is S^-1 (I beta_k + W theta_k); direct is
    its mean diagonal, total its mean row sum. As S^-1 = I + rho G and dS^-1/drho = S^-1 W S^-1, the diagonals follow
    from tr(G) and tr(G^2).
    """

    own: np.ndarray
    total: np.ndarray
    own_slope: np.ndarray
    total_slope: np.ndarray


def multipliers(estimate: FittedModel) -> Multipliers:
    """Return the multipliers of (beta_k, theta_k) at the estimate."""
    n, rho = estimate.panel.n_units, estimate.rho
    lag, W = estimate.likelihood.lag, estimate.lag_matrix
    zero = np.zeros(2)
    if lag is None:
        mean_row = W.sum() / n if W is not None else 0.0
        return Multipliers(np.array([1.0, 0.0]), np.array([1.0, mean_row]), zero, zero)
    g, gg = estimate.lag_traces.g, estimate.lag_traces.gg
    own = np.array([1 + rho * g / n, g / n])
    own_slope = np.array([g + rho * gg, gg]) / n
    if lag.is_row_standardised:
        # Rows of S^-1 and of S^-1 W all sum to 1 / (1 - rho).
        total, slope = np.full(2, 1 / (1 - rho)), np.full(2, 1 / (1 - rho) ** 2)
        return Multipliers(own, total, own_slope, slope)
    ones = np.ones(n)
    right = lag.solve(rho, np.column_stack([ones, W @ ones]))
    left = lag.solve(rho, ones, transposed=True)
    return Multipliers(own, right.mean(axis=0), own_slope, left @ (W @ right) / n)


def average_effects(estimate: FittedModel) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the variables, their effects as an array (variable, effect) and the Jacobian in the parameters.

    The Jacobian has the shape (variable, effect, parameter) and covers the block of rho with beta and theta, which is
    not zero.
    """
    m = multipliers(estimate)
    names, durbin = estimate.specification.names, estimate.specification.durbin
    variables = [name for name in names if name != "const"]
    r = estimate.place("rho")
    effects = np.zeros((len(variables), 3))
    jacobian = np.zeros((len(variables), 3, len(estimate.values)))
    for i, name in enumerate(variables):
        place = names.index(name)
        terms = [(place, 0)]
        if name in durbin:
            terms.append((len(names) + durbin.index(name), 1))
        for position, kind in terms:
            value = estimate.b[position]
            effects[i, 0] += value * m.own[kind]
            effects[i, 2] += value * m.total[kind]
            jacobian[i, 0, position] = m.own[kind]
            jacobian[i, 2, position] = m.total[kind]
            if r is not None:
                jacobian[i, 0, r] += value * m.own_slope[kind]
                jacobian[i, 2, r] += value * m.total_slope[kind]
    effects[:, 1] = effects[:, 2] - effects[:, 0]
    jacobian[:, 1] = jacobian[:, 2] - jacobian[:, 0]
    return variables, effects, jacobian


def delta_errors(jacobian: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return standard errors sqrt(J V J') of the delta method, in the shape (variable, effect)."""
    variance = np.einsum("vep,pq,veq->ve", jacobian, covariance, jacobian, optimize=True)
    return np.sqrt(np.maximum(variance, 0.0))
