"""Direct, indirect and total impacts of a regressor, exact, with their derivatives for the delta method.

A regressor x_k acts through S^-1 (I beta_k + W theta_k), S = I - rho W: whatever is read off this matrix (its mean
diagonal, its mean row sum, one unit, one order of neighbours) is beta_k and theta_k times two multipliers, those of
S^-1 and S^-1 W.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse

from ronghe.spatial.equation import CONSTANT
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.log_determinant.traces import FilterTraces, filter_traces, multiplier, unit_blocks

IMPACTS = ("direct", "indirect", "total")


def regressor_places(
    parameters: Sequence[str], names: Sequence[str], durbin: Sequence[str]
) -> tuple[list[str], np.ndarray]:
    """Return the regressors, and where beta_k and theta_k stand among the parameters (-1 where there is no theta)."""
    parameters, variables = list(parameters), [name for name in names if name != CONSTANT]
    beta = [parameters.index(name) for name in variables]
    theta = [parameters.index(f"W*{name}") if name in durbin else -1 for name in variables]
    return variables, np.array([beta, theta]).T


def model_places(model: FittedModel) -> tuple[list[str], np.ndarray]:
    """Return the regressors of a fitted model, and where their coefficients stand."""
    s = model.specification
    return regressor_places(s.parameters, s.names, s.durbin)


def combine(
    values: np.ndarray, places: np.ndarray, multipliers: np.ndarray, slopes: np.ndarray, by_rho: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the impacts (variable, ...) and their Jacobian (variable, ..., parameter), the block of rho included.

    `multipliers` is shaped (2, ...), for beta and theta; `slopes` holds their derivatives in rho, and `by_rho` the
    derivative of rho in the parameters: one at its place, zero elsewhere.
    """
    pairs = np.where(places >= 0, values[places], 0.0)
    impacts = np.tensordot(pairs, multipliers, axes=1)
    jacobian = np.tensordot(pairs, slopes, axes=1)[..., None] * by_rho
    for k, pair in enumerate(places):
        for place, own in zip(pair, multipliers, strict=True):
            if place >= 0:
                jacobian[k, ..., place] += own
    return impacts, jacobian


def by_rho(parameters: Sequence[str]) -> np.ndarray:
    """Return the derivative of rho in the parameters."""
    return np.array([float(name == "rho") for name in parameters])


def average_multipliers(
    lag: LogDeterminant | None, W: sparse.csr_array | None, rho: float, traces: FilterTraces | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return direct, indirect and total multipliers of (beta, theta), and their slopes in rho, each shaped (2, 3).

    LeSage and Pace (2009, equations 2.46-2.48): direct is the mean diagonal, total the mean row sum, of S^-1 and of
    S^-1 W, so that W theta enters the direct impact too. S^-1 = I + rho G and dG/drho = G^2.
    """
    if lag is None:
        own, total = np.array([1.0, 0.0]), np.array([1.0, W.sum() / W.shape[0] if W is not None else 0.0])
        return _three(own, total), np.zeros((2, 3))
    traces, n = traces or filter_traces(lag, rho), lag.n
    own_slope = np.array([traces.g + rho * traces.gg, traces.gg]) / n
    if lag.is_row_standardised:
        total_slope = np.full(2, 1 / (1 - rho) ** 2)
    else:
        ones = np.ones(n)
        right = lag.solve(rho, np.column_stack([ones, W @ ones]))
        total_slope = lag.solve(rho, ones, transposed=True) @ (W @ right) / n
    values = _three(_mean_diagonals(traces.g, rho, n), _mean_row_sums(lag, W, rho))
    return values, _three(own_slope, total_slope)


def _three(own: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.stack([own, total - own, total], axis=-1)


def multiplier_values(lag: LogDeterminant, rho: float) -> np.ndarray:
    """Return mean diagonals and mean row sums at any rho, four numbers; one derivative of the log-determinant each."""
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


def average_impacts(model: FittedModel) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the variables, their impacts as an array (variable, impact) and the Jacobian in the parameters."""
    variables, places = model_places(model)
    lag = model.likelihood.lag
    means = average_multipliers(lag, model.lag_matrix, model.rho, None if lag is None else model.lag_traces)
    return variables, *combine(model.values, places, *means, by_rho(model.specification.parameters))


def delta_errors(jacobian: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return standard errors sqrt(J V J') of the delta method; the last axis of J runs over the parameters."""
    variance = np.sum((jacobian @ covariance) * jacobian, axis=-1)
    return np.sqrt(np.maximum(variance, 0.0))


def impacts_of_draws(model: FittedModel, draws: np.ndarray) -> tuple[np.ndarray, int]:
    """Return impacts (draw, variable, impact) for parameter vectors, and how many left the interval of rho.

    Draws of rho outside the interval have no impacts and are left out. The multipliers are analytic in rho: they are
    evaluated at Chebyshev points of the span of the draws and interpolated.
    """
    _, places = model_places(model)
    r = model.place("rho")
    n_out = 0
    if r is None:
        means, _ = average_multipliers(None, model.lag_matrix, 0.0)
        tables = np.broadcast_to(np.concatenate([means[:, 0], means[:, 2]]), (len(draws), 4))
    else:
        low, high = model.likelihood.lag.bounds
        margin = 1e-3 * (high - low)
        inside = (draws[:, r] > low + margin) & (draws[:, r] < high - margin)
        n_out, draws = int((~inside).sum()), draws[inside]
        tables = interpolated(lambda rho: multiplier_values(model.likelihood.lag, rho), draws[:, r])
    beta = draws[:, places[:, 0]]
    theta = np.where(places[:, 1] >= 0, draws[:, places[:, 1]], 0.0)
    return _three(beta * tables[:, [0]] + theta * tables[:, [1]], beta * tables[:, [2]] + theta * tables[:, [3]]), n_out


def interpolated(function: Callable[[float], np.ndarray], points: np.ndarray, tolerance: float = 1e-10) -> np.ndarray:
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


def impacts_by_order(model: FittedModel, n_orders: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return impacts and Jacobians (variable, impact, order[, parameter]) of rho^q W^q (I beta + W theta).

    LeSage and Pace (2009, section 2.7.1): the series of S^-1 split by order of neighbours; the orders add up to the
    impacts. Traces of powers of W are exact, tr(W^(a+b)) being the sum of the products of cells of W^a and (W^b)'.
    """
    variables, places = model_places(model)
    own, total = power_means(model.lag_matrix, n_orders + 1, model.panel.n_units)
    means = np.moveaxis(_three(own, total), 0, 1)
    means, q = np.stack([means[:, :-2], means[:, 1:-1]]), np.arange(n_orders)
    slopes = q * model.rho ** np.maximum(q - 1, 0) * means
    return variables, *combine(
        model.values, places, model.rho**q * means, slopes, by_rho(model.specification.parameters)
    )


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


def unit_impacts(model: FittedModel) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return impacts and Jacobians (variable, unit, impact[, parameter]) by unit: direct, received, given.

    With A = S^-1 (I beta + W theta): direct is a_ii; received is the row sum without it, what a change everywhere
    else does to unit i; given is the column sum without it, what a change in i does to all others (LeSage and Pace
    2009, section 2.7.2).
    """
    variables, places = model_places(model)
    lag, W, n, rho = model.likelihood.lag, model.lag_matrix, model.panel.n_units, model.rho
    ones = np.ones(n)
    W = sparse.csr_array((n, n)) if W is None else W
    if lag is None:
        diagonals, rows, columns = np.stack([ones, 0 * ones]), np.stack([ones, W @ ones]), np.stack([ones, W.T @ ones])
        diagonal_slopes = row_slopes = column_slopes = np.zeros((2, n))
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
    return variables, *combine(model.values, places, values, slopes, by_rho(model.specification.parameters))


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


def impact_of_change(model: FittedModel, variable: str, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return S^-1 (I beta_k + W theta_k) dx by unit, for a change dx of one regressor, and its Jacobian."""
    variables, places = model_places(model)
    lag, W, rho = model.likelihood.lag, model.lag_matrix, model.rho
    sources = np.column_stack([change, W @ change if W is not None else 0 * change])
    parts = sources if lag is None else lag.solve(rho, sources)
    slopes = 0 * parts if lag is None else lag.solve(rho, W @ parts)
    place = places[[variables.index(variable)]]
    impact, jacobian = combine(model.values, place, parts.T, slopes.T, by_rho(model.specification.parameters))
    return impact[0], jacobian[0]
