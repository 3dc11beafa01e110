"""Direct, indirect and total effects of a regressor, exact, with standard errors by the delta method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ronghe.spatial.equation import CONSTANT
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.log_determinant.traces import multiplier, unit_blocks

EFFECT_NAMES = ("direct", "indirect", "total")


@dataclass(frozen=True)
class Multipliers:
    """Mean diagonals (`own`) and mean row sums (`total`) of S^-1 and S^-1 W, and their derivatives in rho.

    LeSage and Pace (2009, equations 2.46-2.48): the effect of regressor k is S^-1 (I beta_k + W theta_k); direct is
    its mean diagonal, total its mean row sum, so that W theta enters the direct effect too.
    """

    own: np.ndarray
    total: np.ndarray
    own_slope: np.ndarray
    total_slope: np.ndarray


def multipliers(model: FittedModel) -> Multipliers:
    """Return the multipliers of (beta_k, theta_k) at the estimate, with slopes from tr(G^2) and one more solve."""
    n, rho = model.panel.n_units, model.rho
    lag, W = model.likelihood.lag, model.lag_matrix
    zero = np.zeros(2)
    if lag is None:
        mean_row = W.sum() / n if W is not None else 0.0
        return Multipliers(np.array([1.0, 0.0]), np.array([1.0, mean_row]), zero, zero)
    g, gg = model.lag_traces.g, model.lag_traces.gg
    # S^-1 = I + rho G and dG/drho = G^2.
    own_slope = np.array([g + rho * gg, gg]) / n
    total = _mean_row_sums(lag, W, rho)
    if lag.is_row_standardised:
        slope = np.full(2, 1 / (1 - rho) ** 2)
    else:
        ones = np.ones(n)
        right = lag.solve(rho, np.column_stack([ones, W @ ones]))
        slope = lag.solve(rho, ones, transposed=True) @ (W @ right) / n
    return Multipliers(_mean_diagonals(g, rho, n), total, own_slope, slope)


def multiplier_values(lag: LogDeterminant, rho: float) -> np.ndarray:
    """Return own and total multipliers at any rho, four numbers; one derivative of the log-determinant each."""
    g = -lag.derivatives(rho)[1]
    return np.concatenate([_mean_diagonals(g, rho, lag.n), _mean_row_sums(lag, lag.matrix, rho)])


def _mean_diagonals(g: float, rho: float, n: int) -> np.ndarray:
    return np.array([1 + rho * g / n, g / n])


def _mean_row_sums(lag: LogDeterminant, W: sparse.csr_array, rho: float) -> np.ndarray:
    if lag.is_row_standardised:
        # Rows of S^-1 and of S^-1 W all sum to 1 / (1 - rho).
        return np.full(2, 1 / (1 - rho))
    ones = np.ones(lag.n)
    return lag.solve(rho, np.column_stack([ones, W @ ones])).mean(axis=0)


def variables_and_places(model: FittedModel) -> tuple[list[str], np.ndarray]:
    """Return the regressors, and where beta_k and theta_k stand among the parameters (-1 where there is no theta)."""
    names, durbin = model.specification.names, model.specification.durbin
    variables = [name for name in names if name != CONSTANT]
    beta = [names.index(name) for name in variables]
    theta = [len(names) + durbin.index(name) if name in durbin else -1 for name in variables]
    return variables, np.array([beta, theta]).T


def average_effects(model: FittedModel) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the variables, their effects as an array (variable, effect) and the Jacobian in the parameters.

    The Jacobian has the shape (variable, effect, parameter) and covers the block of rho with beta and theta, which is
    not zero.
    """
    m = multipliers(model)
    variables, places = variables_and_places(model)
    r = model.place("rho")
    effects = np.zeros((len(variables), 3))
    jacobian = np.zeros((len(variables), 3, len(model.values)))
    for i, pair in enumerate(places):
        for kind, position in enumerate(pair):
            if position < 0:
                continue
            value = model.b[position]
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
    """Return standard errors sqrt(J V J') of the delta method; the last axis of J runs over the parameters."""
    variance = np.sum((jacobian @ covariance) * jacobian, axis=-1)
    return np.sqrt(np.maximum(variance, 0.0))


def effects_of_draws(model: FittedModel, draws: np.ndarray) -> tuple[np.ndarray, int]:
    """Return effects (draw, variable, effect) for parameter vectors, and how many left the interval of rho.

    Draws of rho outside the interval have no effects and are left out. The multipliers are analytic in rho: they are
    evaluated at Chebyshev points of the span of the draws and interpolated.
    """
    _, places = variables_and_places(model)
    r = model.place("rho")
    n_out = 0
    if r is None:
        m = multipliers(model)
        tables = np.broadcast_to(np.concatenate([m.own, m.total]), (len(draws), 4))
    else:
        low, high = model.likelihood.lag.bounds
        margin = 1e-3 * (high - low)
        inside = (draws[:, r] > low + margin) & (draws[:, r] < high - margin)
        n_out, draws = int((~inside).sum()), draws[inside]
        tables = interpolated(lambda rho: multiplier_values(model.likelihood.lag, rho), draws[:, r])
    beta = draws[:, places[:, 0]]
    theta = np.where(places[:, 1] >= 0, draws[:, places[:, 1]], 0.0)
    direct = beta * tables[:, [0]] + theta * tables[:, [1]]
    total = beta * tables[:, [2]] + theta * tables[:, [3]]
    return np.stack([direct, total - direct, total], axis=2), n_out


def interpolated(function: object, points: np.ndarray, tolerance: float = 1e-10) -> np.ndarray:
    """Return function(points), from its values at Chebyshev nodes over their span (Trefethen 2013, theorem 8.2).

    The number of nodes doubles until the function itself, at points spread over the span and at its ends, agrees to
    `tolerance` of its size: near the ends of the interval of rho the multipliers grow without bound.
    """
    low, high = points.min(), points.max()
    n_nodes = 32
    checked = np.quantile(points, [0.0, 0.02, 0.3, 0.6, 0.98, 1.0], method="nearest")
    truth = None
    while 2 * n_nodes < len(points) and high - low >= 1e-12:
        nodes = np.cos(np.pi * (np.arange(n_nodes) + 0.5) / n_nodes)
        values = np.array([function(0.5 * (low + high) + 0.5 * (high - low) * x) for x in nodes])
        coefficients = np.polynomial.chebyshev.chebfit(nodes, values, n_nodes - 1)

        def polynomial(x: np.ndarray, coefficients: np.ndarray = coefficients) -> np.ndarray:
            return np.polynomial.chebyshev.chebval((2 * x - low - high) / (high - low), coefficients).T

        truth = np.array([function(p) for p in checked]) if truth is None else truth
        if np.all(np.abs(polynomial(checked) - truth) <= tolerance * np.abs(truth).max(axis=0)):
            return polynomial(points)
        n_nodes *= 2
    return np.array([function(p) for p in points])


def effects_by_order(model: FittedModel, n_orders: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return effects and Jacobians (variable, effect, order[, parameter]) of rho^q W^q (I beta + W theta).

    LeSage and Pace (2009, section 2.7.1): the series of S^-1 split by order of neighbours; the orders add up to the
    effects. Traces of powers of W are exact, tr(W^(a+b)) being the sum of the products of cells of W^a and (W^b)'.
    """
    variables, places = variables_and_places(model)
    W, n, r = model.lag_matrix, model.panel.n_units, model.place("rho")
    own, total = power_means(W, n_orders + 1, n)
    effects = np.zeros((n_orders, len(variables), 3))
    jacobian = np.zeros((n_orders, len(variables), 3, len(model.values)))
    for q in range(n_orders):
        power = model.rho**q
        slope = q * model.rho ** (q - 1) if q else 0.0
        for i, pair in enumerate(places):
            for kind, position in enumerate(pair):
                if position < 0:
                    continue
                for column, means in ((0, own), (2, total)):
                    effects[q, i, column] += power * model.b[position] * means[q + kind]
                    jacobian[q, i, column, position] = power * means[q + kind]
                    if r is not None:
                        jacobian[q, i, column, r] += slope * model.b[position] * means[q + kind]
    effects[:, :, 1] = effects[:, :, 2] - effects[:, :, 0]
    jacobian[:, :, 1] = jacobian[:, :, 2] - jacobian[:, :, 0]
    return variables, np.moveaxis(effects, 0, 2), np.moveaxis(jacobian, 0, 2)


def power_means(W: sparse.csr_array, highest: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return tr(W^q) / N and 1'W^q 1 / N for q = 0 .. highest."""
    powers = [sparse.eye_array(n, format="csr"), W]
    while 2 * (len(powers) - 1) < highest:
        powers.append(sparse.csr_array(powers[-1] @ W))
    own, total, sums = np.empty(highest + 1), np.empty(highest + 1), np.ones(n)
    for q in range(highest + 1):
        left, right = powers[(q + 1) // 2], powers[q // 2]
        own[q] = left.multiply(right.T).sum() / n
        total[q] = sums.mean()
        sums = W @ sums
    return own, total


def unit_effects(model: FittedModel) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return effects and Jacobians (variable, unit, kind[, parameter]) by unit: direct, received, given.

    With A = S^-1 (I beta + W theta): direct is a_ii; received is the row sum without it, what a change everywhere
    else does to unit i; given is the column sum without it, what a change in i does to all others (LeSage and Pace
    2009, section 2.7.2).
    """
    variables, places = variables_and_places(model)
    lag, W, n, rho, r = model.likelihood.lag, model.lag_matrix, model.panel.n_units, model.rho, model.place("rho")
    ones = np.ones(n)
    eye, zero = np.stack([ones, 0 * ones]), np.zeros((2, n))
    W = sparse.csr_array((n, n)) if W is None else W
    if lag is None:
        diagonals, diagonal_slopes = eye, zero
        rows, row_slopes = np.stack([ones, W @ ones]), zero
        columns, column_slopes = np.stack([ones, W.T @ ones]), zero
    else:
        g, gg = multiplier_diagonals(lag, rho)
        diagonals, diagonal_slopes = np.stack([1 + rho * g, g]), np.stack([g + rho * gg, gg])
        rows = lag.solve(rho, np.column_stack([ones, W @ ones]))
        row_slopes = lag.solve(rho, W @ rows).T
        rows = rows.T
        left = lag.solve(rho, ones, transposed=True)
        columns = np.stack([left, W.T @ left])
        left_slope = lag.solve(rho, W.T @ left, transposed=True)
        column_slopes = np.stack([left_slope, W.T @ left_slope])
    values = np.stack([diagonals, rows - diagonals, columns - diagonals], axis=2)
    slopes = np.stack([diagonal_slopes, row_slopes - diagonal_slopes, column_slopes - diagonal_slopes], axis=2)
    effects = np.zeros((len(variables), n, 3))
    jacobian = np.zeros((len(variables), n, 3, len(model.values)))
    for i, pair in enumerate(places):
        for kind, position in enumerate(pair):
            if position >= 0:
                effects[i] += model.b[position] * values[kind]
                jacobian[i, :, :, position] = values[kind]
                if r is not None:
                    jacobian[i, :, :, r] += model.b[position] * slopes[kind]
    return variables, effects, jacobian


def multiplier_diagonals(lag: LogDeterminant, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the diagonals of G and of G^2, from the full inverse of a small W, else in blocks of columns."""
    if lag.has_small_inverse:
        G = multiplier(lag, rho)
        return np.diag(G).copy(), np.einsum("ij,ji->i", G, G)
    g, gg = np.empty(lag.n), np.empty(lag.n)
    for places, unit in unit_blocks(lag.n):
        columns = lag.matrix @ lag.solve(rho, unit)
        rows = lag.solve(rho, lag.matrix.T @ unit, transposed=True)
        g[places] = columns[places, np.arange(len(places))]
        gg[places] = np.sum(rows * columns, axis=0)
    return g, gg


def effect_of_change(model: FittedModel, variable: str, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return S^-1 (I beta_k + W theta_k) dx by unit, for a change dx of one regressor, and its Jacobian."""
    variables, places = variables_and_places(model)
    position, lagged = places[variables.index(variable)]
    lag, W, rho, r = model.likelihood.lag, model.lag_matrix, model.rho, model.place("rho")
    sources = np.column_stack([change, W @ change if W is not None else 0 * change])
    parts = sources if lag is None else lag.solve(rho, sources)
    theta = model.b[lagged] if lagged >= 0 else 0.0
    effect = parts @ np.array([model.b[position], theta])
    jacobian = np.zeros((len(change), len(model.values)))
    jacobian[:, position] = parts[:, 0]
    if lagged >= 0:
        jacobian[:, lagged] = parts[:, 1]
    if r is not None:
        jacobian[:, r] = lag.solve(rho, W @ effect)
    return effect, jacobian
